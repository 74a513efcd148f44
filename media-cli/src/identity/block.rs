//! What a site has to block when media are lost.

use std::path::Path;
use std::sync::Arc;

use media_core::bytes::to_hex_upper;
use media_core::io::FileSource;
use media_core::media::identity::Kept;
use media_core::media::registration::{self, KnownMedium};
use media_core::{DonorError, donor};
use secrecy::SecretString;

use super::{IDENTITY_FILE, put, read, script_site, source};
use crate::args::identity::BlockArgs;
use crate::error::{Error, Exit};
use crate::output::registration::Blocked;
use crate::output::target::Input;
use crate::secrets;

pub(super) fn block(args: &BlockArgs) -> Result<Exit, Error> {
    let site = script_site(args.site_code.as_deref(), args.script.sms_provider.as_deref())?;
    let mut known: Vec<KnownMedium> = Vec::new();
    let password =
        secrets::source(args.password_file.as_deref(), args.password_env.as_deref(), args.password_prompt);
    let password = password.map(|source| secrets::read(&source, "media password", false)).transpose()?;
    for path in &args.media {
        known.push(of_medium(path, password.as_ref())?);
    }
    for path in &args.identity {
        let kept = read(path, source(&args.identity_password).as_ref())?;
        known.push(medium(&kept, path));
    }
    let inputs: Vec<Input<'_>> = args
        .media
        .iter()
        .map(|path| ("medium", path.as_path()))
        .chain(args.identity.iter().map(|path| (IDENTITY_FILE, path.as_path())))
        .collect();
    let list: Vec<Blocked> = known.iter().map(Blocked::new).collect();
    put(&args.script, &inputs, &list, || registration::block_script(&known, &site))
}

fn of_medium(path: &Path, password: Option<&SecretString>) -> Result<KnownMedium, Error> {
    let failed = |error: DonorError| Error::Donor {
        path: path.to_owned(),
        has_password: password.is_some(),
        error: Box::new(error),
    };
    let source = FileSource::open(path);
    let source =
        source.map_err(|error| Error::Unreadable { what: "medium", path: path.to_owned(), error })?;
    let read = donor::read(Arc::new(source), password).map_err(failed)?;
    let kept = read.identity().map_err(failed)?;
    Ok(medium(&kept, path))
}

fn medium(kept: &Kept, path: &Path) -> KnownMedium {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    KnownMedium { smsid: kept.guid.to_string(), thumbprint: to_hex_upper(&kept.certificate.sha1()), name }
}
