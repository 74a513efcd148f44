//! Media made through the library, for suites that let others look at them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use media_core::env::Env;
use media_core::event::Unobserved;
use media_core::io::{AtomicFile, FileSource};
use media_core::media::identity::{IdentitySource, MediaGuid};
use media_core::media::names::{ManagementPoint, MediaLabel, PackageId, SerialNumber, SiteCode};
use media_core::media::store::{Store, TrustedCertificate};
use media_core::media::variables::XmlForm;
use media_core::sealed::Algorithm;
use media_core::time::Timestamp;
use media_core::x509::{self, Certificate, SelfSignedRequest};
use media_core::{
    BootConfigurationChoice, BootImageSpec, BootManagerChoice, Form, Management, MediaOptions, MediaSpec,
    SiteSpec, Staged, UnknownComputers, VariablesForm, seal, stage, write,
};

/// The media password of every medium made here.
pub const PASSWORD: &str = "Zürich ist 3 schöne Städte wert";
/// The gateway every medium made here points to.
pub const GATEWAY: &str = "cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100";
/// The identity of every medium made here.
pub const MEDIA_GUID: &str = "{8B9E032D-A106-4E2E-A792-7A58332B96E5}";

/// The clock and chance of every medium made here: 2026-11-01, seed 1.
pub fn env() -> Env {
    Env::new(Timestamp::from_unix(1_793_491_200), [1; 32])
}

/// A root certificate with the name of a company; made once for each name, because making keys takes long.
///
/// # Panics
/// Never with the fixed request.
pub fn root_certificate(common_name: &str) -> Certificate {
    static MADE: Mutex<BTreeMap<String, Certificate>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(common_name.to_owned()).or_insert_with(|| make_root_certificate(common_name)).clone()
}

fn make_root_certificate(common_name: &str) -> Certificate {
    let env = env();
    let request = SelfSignedRequest {
        common_name,
        not_before: env.now(),
        not_after: env.now().plus_days(7300),
        key_bits: 2048,
        extended_key_usage: &[],
    };
    x509::self_signed(&request, &mut env.random(common_name)).expect("the request is in order").certificate
}

/// What a remote worker's stick is made from: the boot image, two certificates, the gateway, a password.
///
/// # Errors
/// When the boot image cannot be opened.
///
/// # Panics
/// Never: every name is valid.
pub fn spec(boot_image: &Path, form: Form) -> io::Result<MediaSpec> {
    let gateway = ManagementPoint::cloud_management_gateway(GATEWAY).expect("a gateway");
    let env = env();
    Ok(MediaSpec {
        boot_image: BootImageSpec {
            name: boot_image.display().to_string(),
            source: Arc::new(FileSource::open(boot_image)?),
            package_id: PackageId::new("PS100005").ok(),
            index: None,
            boot_manager: BootManagerChoice::Auto,
            boot_configuration: BootConfigurationChoice::Auto,
            boot_files: Vec::new(),
        },
        site: SiteSpec {
            code: SiteCode::new("PS1").expect("a site code"),
            management: Management::SiteBased(gateway),
            http_port: 80,
            https_port: 443,
            unknown_computers: UnknownComputers::default(),
        },
        trusted: vec![
            TrustedCertificate::new(Store::AuthRoot, root_certificate("Contoso Root CA")),
            TrustedCertificate::new(Store::Ca, root_certificate("Contoso Issuing CA")),
        ],
        password: Some(PASSWORD.into()),
        identity: IdentitySource::SelfSigned {
            start: env.now(),
            expiry: env.now().plus_days(365),
            key_bits: 2048,
        },
        media_guid: MediaGuid::parse(MEDIA_GUID).ok(),
        serial_number: SerialNumber::new("KEY-0001").ok(),
        signing_key: None,
        checksum_of_boot_image: true,
        options: MediaOptions {
            label: MediaLabel::new("Contoso Rescue 2026").expect("a label"),
            autorun: true,
            ..MediaOptions::default()
        },
        variables: vec![("ContosoNote".to_owned(), "a value with ]]> and ümläuts".into())],
        without_variables: Vec::new(),
        site_form: None,
        variables_form: VariablesForm {
            algorithm: Algorithm::Aes256,
            xml: XmlForm::default(),
            trailer: None,
        },
        form,
    })
}

/// Makes the medium in `folder` and says where it is and what was staged.
///
/// # Panics
/// When anything fails.
pub fn make(spec: &MediaSpec, folder: &Path, name: &str) -> (PathBuf, Staged) {
    let staged = stage(spec, &env(), &mut Unobserved);
    let mut staged = staged.unwrap_or_else(|error| panic!("staging: {error}"));
    let sealed = seal(&mut staged.tree, spec.form, spec.signing_key.as_ref(), &mut Unobserved);
    let sealed = sealed.unwrap_or_else(|error| panic!("sealing: {error}"));
    let output = folder.join(name);
    let mut file = AtomicFile::create(&output).expect("the folder is there");
    write(&sealed.plan, &mut file, &mut Unobserved).unwrap_or_else(|error| panic!("writing: {error}"));
    file.keep(true).expect("the name is free");
    (output, staged)
}
