//! A root certificate as a site's own certification authority has, made with OpenSSL.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::referee;

/// Writes a self-signed CA certificate (DER) of 20 years to `output`; false when OpenSSL is not installed and that is allowed.
///
/// # Errors
/// Whatever the system says about files.
///
/// # Panics
/// When OpenSSL refuses, or is missing with `CI=true`.
pub fn write_root(common_name: &str, output: &Path) -> io::Result<bool> {
    if referee::find("openssl").is_none() {
        return Ok(false);
    }
    let folder = TempDir::new()?;
    let key = folder.path().join("key.pem");
    let pem = folder.path().join("root.pem");
    self_signed(common_name, &key, &pem);
    let der = ["x509", "-in", &text(&pem), "-outform", "DER", "-out", &text(output)].map(String::from);
    let _ = referee::run("openssl", der).map(referee::Verdict::success);
    fs::metadata(output)?;
    Ok(true)
}

/// Makes a CA key and certificate (PEM).
pub(crate) fn self_signed(common_name: &str, key: &Path, certificate: &Path) {
    let subject = format!("/O=Contoso/CN={common_name}");
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-sha256",
        "-nodes",
        "-days",
        "7305",
        "-subj",
        &subject,
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout",
        &text(key),
        "-out",
        &text(certificate),
    ];
    let _ = referee::run("openssl", arguments).map(referee::Verdict::success);
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}
