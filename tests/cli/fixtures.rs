//! Boot images and certificates for the suite, each made once.

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use media_core::env::Env;
use media_core::hive::{ADMINISTRATORS_AND_SYSTEM, Hive, Version};
use media_core::pfx;
use media_core::time::Timestamp;
use media_core::x509::{self, SelfSignedRequest};
use media_tests::boot_image::{BootImageRecipe, Hives};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::support::Sandbox;

/// Puts the usual boot image into the sandbox: x64, small, good.
pub fn boot_image(sandbox: &Sandbox) {
    boot_image_like(sandbox, "usual", |_| ());
}

/// Puts a boot image into the sandbox as `boot.wim`; equal names are equal images, and made once.
pub fn boot_image_like(sandbox: &Sandbox, name: &str, change: impl FnOnce(&mut BootImageRecipe)) {
    static MAKING: Mutex<()> = Mutex::new(());
    let path = folder().join(format!("{name}.wim"));
    {
        let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        if !path.exists() {
            let mut recipe = BootImageRecipe {
                files: 0,
                size: 0,
                hives: Hives { software: software_hive(), ..Hives::default() },
                ..BootImageRecipe::default()
            };
            change(&mut recipe);
            recipe.write(&path).expect("a boot image can be made");
        }
    }
    std::fs::copy(&path, sandbox.path("boot.wim")).expect("it can be copied");
}

/// Puts the usual boot image into the sandbox with bytes changed at an offset.
pub fn boot_image_with(sandbox: &Sandbox, offset: usize, bytes: &[u8]) {
    boot_image(sandbox);
    let mut image = sandbox.read("boot.wim");
    image[offset..offset + bytes.len()].copy_from_slice(bytes);
    sandbox.write("boot.wim", image);
}

/// A media password that holds for years.
pub const MEDIA_PASSWORD: &str = "tangle mosaic hatchet provost gravel";

/// A root certificate made with OpenSSL 3.0 for these tests, valid from 2026 to 2046; its key was thrown away.
pub const ROOT_CERTIFICATE: &str = include_str!("fixtures/root.pem");

/// A PKCS#12 file with a media certificate under a password.
pub fn media_certificate(password: &str) -> Vec<u8> {
    media_certificate_for(password, x509::CLIENT_AUTHENTICATION)
}

/// The same for another extended key usage.
pub fn media_certificate_for(password: &str, usage: &str) -> Vec<u8> {
    let env = Env::new(Timestamp::from_unix(1_577_836_800), [1; 32]);
    let request = SelfSignedRequest {
        common_name: "Contoso task sequence media",
        not_before: env.now(),
        not_after: env.now().plus_days(7300),
        key_bits: 2048,
        extended_key_usage: &[usage],
    };
    let made = x509::self_signed(&request, &mut env.random("key")).expect("a certificate");
    let bundle = pfx::Bundle {
        private_key: made.private_key,
        certificate: made.certificate.der().to_vec(),
        chain: Vec::new(),
    };
    let password = SecretString::from(password);
    let written = pfx::write(&bundle, &password, pfx::Attributes::default(), &mut env.random("PKCS#12"));
    written.expect("a PKCS#12 file").to_vec()
}

/// The SOFTWARE hive of the usual boot image.
pub fn software_hive() -> Vec<u8> {
    let time = Timestamp::from_unix(1_725_580_800);
    let mut hive =
        Hive::create(Version::V1_3, "SOFTWARE", &ADMINISTRATORS_AND_SYSTEM, time).expect("an empty hive");
    for key in [r"Microsoft\SystemCertificates\ROOT\Certificates", r"Microsoft\Windows NT\CurrentVersion"] {
        hive.create_key(key, time).expect("a key");
    }
    hive.into_bytes()
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| TempDir::new().expect("a temporary folder can be made")).path()
}
