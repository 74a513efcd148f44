//! Signs stand-in boot managers with chains named as Microsoft's, so that who signed what can be told.
//!
//! The names are Microsoft's, the keys are made on the spot: no firmware trusts them.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::certificate::{self_signed, text};
use crate::referee;

/// Which chain signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// `Microsoft Windows Production PCA 2011`.
    ProductionPca2011,
    /// `Windows UEFI CA 2023`.
    WindowsUefiCa2023,
}

impl Signer {
    /// The common name of the authority that issued the signer's certificate.
    pub fn issuer(self) -> &'static str {
        match self {
            Self::ProductionPca2011 => "Microsoft Windows Production PCA 2011",
            Self::WindowsUefiCa2023 => "Windows UEFI CA 2023",
        }
    }
}

/// The program with an Authenticode signature; `None` when OpenSSL or osslsigncode is not installed and that is allowed.
///
/// # Errors
/// Whatever the system says about temporary files.
///
/// # Panics
/// When a tool refuses, or is missing with `CI=true`.
pub fn signed(program: &[u8], signer: Signer) -> io::Result<Option<Vec<u8>>> {
    if referee::find("openssl").is_none() || referee::find("osslsigncode").is_none() {
        return Ok(None);
    }
    let folder = TempDir::new()?;
    let path = |name: &str| folder.path().join(name);
    issue(signer, folder.path())?;
    fs::write(path("program.efi"), program)?;
    let arguments = [
        "sign",
        "-h",
        "sha256",
        "-certs",
        &text(&path("chain.pem")),
        "-key",
        &text(&path("leaf.key")),
        "-in",
        &text(&path("program.efi")),
        "-out",
        &text(&path("signed.efi")),
    ];
    let _ = referee::run("osslsigncode", arguments).map(referee::Verdict::success);
    Ok(Some(fs::read(path("signed.efi"))?))
}

/// Makes `chain.pem` (signer, then issuer) and `leaf.key` in a folder.
fn issue(signer: Signer, folder: &Path) -> io::Result<()> {
    let path = |name: &str| text(&folder.join(name));
    self_signed(signer.issuer(), &folder.join("issuer.key"), &folder.join("issuer.pem"));
    fs::write(folder.join("leaf.cnf"), "extendedKeyUsage=codeSigning,1.3.6.1.4.1.311.10.3.6\n")?;
    let request = [
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/O=Microsoft Corporation/CN=Microsoft Windows",
        "-keyout",
        &path("leaf.key"),
        "-out",
        &path("leaf.csr"),
    ];
    let _ = referee::run("openssl", request).map(referee::Verdict::success);
    let issued = [
        "x509",
        "-req",
        "-in",
        &path("leaf.csr"),
        "-CA",
        &path("issuer.pem"),
        "-CAkey",
        &path("issuer.key"),
        "-CAcreateserial",
        "-days",
        "365",
        "-sha256",
        "-extfile",
        &path("leaf.cnf"),
        "-out",
        &path("leaf.pem"),
    ];
    let _ = referee::run("openssl", issued).map(referee::Verdict::success);
    let chain = [fs::read(folder.join("leaf.pem"))?, fs::read(folder.join("issuer.pem"))?].concat();
    fs::write(folder.join("chain.pem"), chain)
}
