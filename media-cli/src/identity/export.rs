//! The certificate of an identity, or its PKCS#12 as media carry it.

use media_core::env::Env;
use media_core::x509;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::{IDENTITY_FILE, read, source};
use crate::args::identity::ExportArgs;
use crate::create::environment;
use crate::error::{Error, Exit, Place};
use crate::output::small_file::{self, Access};
use crate::output::target;

pub(super) fn export(args: &ExportArgs) -> Result<Exit, Error> {
    let check = |output| target::check(output, args.force, &[(IDENTITY_FILE, &args.identity)]);
    let certificate = args.certificate.as_deref().map(check).transpose()?;
    let pfx = args.pfx.as_deref().map(check).transpose()?;
    if certificate.is_some() && certificate == pfx {
        let message = "the certificate and the PKCS#12 file are to be the same file";
        return Err(Error::conflict(message, Place::Option("--pfx"), Place::Option("--certificate")));
    }
    let kept = read(&args.identity, source(&args.password).as_ref())?;
    let wrong = |error| Error::Identity { path: args.identity.clone(), has_password: true, error };
    if let (Some(target), Some(output)) = (&certificate, &args.certificate) {
        let is_pem = output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pem"));
        let bytes = match is_pem {
            true => x509::to_pem(std::slice::from_ref(&kept.certificate))
                .map_err(|error| wrong(error.into()))?
                .into_bytes(),
            false => kept.certificate.der().to_vec(),
        };
        small_file::write(target, output, Zeroizing::new(bytes), Access::Usual, args.force)?;
    }
    if let (Some(target), Some(output)) = (&pfx, &args.pfx) {
        let env: Env = environment(None)?;
        let identity = kept.for_media(&env).map_err(wrong)?;
        let bytes = match args.hex {
            true => identity.pfx_hex().expose_secret().as_bytes().to_vec(),
            false => identity.pfx().to_vec(),
        };
        small_file::write(target, output, Zeroizing::new(bytes), Access::Owner, args.force)?;
    }
    Ok(Exit::Done)
}
