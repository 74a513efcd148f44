//! What a site has to be told of an identity.

use media_core::bytes::to_hex_upper;
use media_core::media::registration::{KnownMedium, Registration};

use super::{IDENTITY_FILE, put, read, script_site, source};
use crate::args::identity::RegisterArgs;
use crate::error::{Error, Exit};
use crate::output::registration::Record;

pub(super) fn register(args: &RegisterArgs) -> Result<Exit, Error> {
    let site = script_site(Some(&args.site_code), args.script.sms_provider.as_deref())?;
    let kept = read(&args.identity, source(&args.password).as_ref())?;
    let name = args.label.clone().unwrap_or_else(|| kept.certificate.subject.text.clone());
    let registration = Registration {
        medium: KnownMedium {
            smsid: kept.guid.to_string(),
            thumbprint: to_hex_upper(&kept.certificate.sha1()),
            name,
        },
        certificate: kept.certificate.der().to_vec(),
        is_self_signed: kept.is_self_signed,
        user_device_affinity: args.user_device_affinity.into(),
    };
    let record = Record::new(&registration);
    put(&args.script, &[(IDENTITY_FILE, &args.identity)], &record, || registration.script(&site))
}
