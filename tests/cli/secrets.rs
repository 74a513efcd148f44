//! Secrets given to the command show up nowhere: in no argument or environment of a process, no output, no file.
//!
//! `strace` sees every process that is started and every byte that is written, also to files that are gone again.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use base64ct::{Base64, Encoding};
use media_core::pfx;
use media_tests::referee;
use secrecy::SecretString;

use crate::fixtures::{self, ROOT_CERTIFICATE};
use crate::support::Sandbox;

const PASSWORD: &str = "Violet-Quagga.Umbrella-Sextant-42";
const OTHER_PASSWORD: &str = "Cobalt-Wombat.Lantern-Meridian-97";
const PFX_PASSWORD: &str = "Tangerine-Ibex.Harbour-63";
const VALUE: &str = "Magenta-Okapi.Viaduct-58";

/// What is typed, and the exit code it must end with.
type Step = (&'static str, i32);

const CREATE: &str = "create --boot-image boot.wim --package-id PS100005 --site-code PS1 --vars-file variables.txt \
    --management-point mp.contoso.com --trusted-root root.pem";

/// Every command that is given a secret, where all is well and where it is not.
const STEPS: &[Step] = &[
    ("create @ --password-file password.txt --output self-signed.iso --verify", 0),
    (
        "create @ --password-file password.txt --certificate media.pfx --certificate-password-file pfx.txt \
      --output imported.img --cluster-size 512 --json",
        0,
    ),
    ("create @ --password-file password.txt --output self-signed.iso", 4),
    ("create @ --password-file password.txt --output nowhere/medium.iso", 4),
    (
        "create @ --password-file password.txt --certificate media.pfx --certificate-password-file password.txt \
      --output wrong.iso",
        3,
    ),
    ("create @ --password-file password.txt --vars-file broken.txt --output broken.iso", 2),
    ("create @ --password-file variables.txt --password-env SECRET --output twice.iso", 2),
    ("create @ --password-file password.txt --output dry.iso --dry-run", 0),
    ("create @ --password-file password.txt --vars-file broken.toml --output broken.iso", 2),
    ("inspect self-signed.iso --password-file password.txt", 0),
    ("inspect imported.img --password-file password.txt --json", 0),
    ("inspect imported.img --password-file other.txt", 3),
    ("inspect imported.img --password-file pfx.txt --json", 3),
    ("verify self-signed.iso", 0),
    (
        "preflight --boot-image boot.wim --package-id PS100005 --site-code PS1 --vars-file variables.txt \
      --management-point mp.contoso.com --password-file password.txt --strict --json",
        1,
    ),
    (
        "preflight --boot-image boot.wim --package-id PS100005 --site-code PS1 --vars-file broken.txt \
      --management-point mp.contoso.com --password-file password.txt",
        3,
    ),
    ("password check --password-file password.txt", 0),
    ("identity new --output kept.p12 --identity-password-file pfx.txt", 0),
    (
        "identity new --output own.p12 --certificate media.pfx --certificate-password-file pfx.txt \
      --identity-password-file other.txt --json",
        0,
    ),
    ("identity show own.p12 --identity-password-file other.txt", 0),
    ("identity show own.p12 --identity-password-file pfx.txt --json", 3),
    ("identity export own.p12 --identity-password-file other.txt --certificate own.pem --pfx own.pfx", 0),
    ("identity register own.p12 --identity-password-file other.txt --site-code PS1 --output register.ps1", 0),
    (
        "create @ --password-file password.txt --identity own.p12 --identity-password-file other.txt \
      --output identity.iso --registration registration.json",
        0,
    ),
    (
        "identity block --media identity.iso --password-file password.txt --site-code PS1 --output block.ps1",
        0,
    ),
    ("site import identity.iso --password-file password.txt --output site.toml", 0),
    ("site import identity.iso --password-file other.txt --output wrong.toml", 3),
    ("variables show identity.iso --password-file password.txt", 0),
    ("variables show identity.iso --password-file other.txt --json", 3),
    ("variables set imported.img --password-file password.txt --vars-file variables.txt", 0),
    ("variables unset imported.img ContosoJoinPassword --password-file password.txt --output unset.img", 0),
    ("variables change-password imported.img --password-file password.txt --new-password-file other.txt", 0),
    ("variables change-password imported.img --password-file password.txt --new-password-file pfx.txt", 3),
    ("key new --output key.pem --public key.pub --key-password-file pfx.txt --key-bits 2048", 0),
    ("key show key.pem --key-password-file pfx.txt --json", 0),
    ("key show key.pem --key-password-file other.txt", 3),
    ("key public key.pem --key-password-file pfx.txt", 0),
    (
        "create @ --password-file password.txt --signing-key key.pem --signing-key-password-file pfx.txt \
      --output signed.iso",
        0,
    ),
    (
        "create @ --password-file password.txt --signing-key key.pem --signing-key-password-file other.txt \
      --output unsigned.iso",
        3,
    ),
    ("verify signed.iso --key key.pub", 0),
    ("variables set signed.iso --password-file password.txt --vars-file variables.txt", 0),
    (
        "personalise signed.iso --in-place --password-file password.txt --new-password-file other.txt \
      --signing-key key.pem --signing-key-password-file pfx.txt --certificate media.pfx \
      --certificate-password-file pfx.txt --vars-file variables.txt --json",
        0,
    ),
    (
        "personalise signed.iso --output other.iso --password-file password.txt --signing-key key.pem \
      --signing-key-password-file pfx.txt --media-guid {8B9E032D-A106-4E2E-A792-7A58332B96E5}",
        3,
    ),
    ("create @ --workers workers.csv --output-dir out --format iso", 0),
    ("create @ --workers workers.csv --output-dir out --format iso --json", 0),
    ("create @ --workers broken.csv --output-dir out --format iso", 3),
];

#[test]
fn no_secret_is_seen_anywhere() {
    if referee::find("strace").is_none() {
        return;
    }
    let sandbox = sandbox();
    let secrets = Secrets::planted(&sandbox);
    let given = sandbox.listing();
    for (typed, code) in STEPS {
        let typed = typed.replace("create @", CREATE);
        let traced = Traced::run(&sandbox, &typed);
        assert_eq!(traced.code, *code, "{typed}: {}", String::from_utf8_lossy(&traced.said));
        assert_eq!(traced.programs, 1, "{typed} starts other programs");
        secrets.check(&traced.said, &format!("the output of {typed}"));
        secrets.check(&traced.written, &format!("what {typed} gives to the system"));
        for name in sandbox.listing().keys().filter(|name| !given.contains_key(*name)) {
            let path = sandbox.path(&name.display().to_string());
            if path.is_dir() {
                continue;
            }
            let bytes = fs::read(path).expect("it was listed");
            secrets.check(&bytes, &format!("{} after {typed}", name.display()));
        }
    }
}

/// The search finds what it is for: without a secret to plant it would find nothing either.
#[test]
fn a_secret_that_is_shown_is_found() {
    if referee::find("strace").is_none() {
        return;
    }
    let sandbox = sandbox();
    let secrets = Secrets::planted(&sandbox);
    let made = Traced::run(&sandbox, &format!("{CREATE} --password-file password.txt --output medium.iso"));
    assert_eq!(made.code, 0, "{}", String::from_utf8_lossy(&made.said));
    let shown = Traced::run(&sandbox, "inspect medium.iso --password-file password.txt --reveal");
    assert!(secrets.found(&shown.said).contains(&"a variable's value"));
    assert!(secrets.found(&shown.written).contains(&"a variable's value"));
    let typed = Traced::run(&sandbox, &format!("create --var Contoso={VALUE}"));
    assert!(secrets.found(&typed.written).contains(&"a variable's value"), "arguments are seen");
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox
        .write("root.pem", ROOT_CERTIFICATE)
        .write("password.txt", PASSWORD)
        .write("other.txt", OTHER_PASSWORD)
        .write("pfx.txt", PFX_PASSWORD)
        .write("media.pfx", fixtures::media_certificate(PFX_PASSWORD))
        .write("variables.txt", format!("ContosoJoinPassword={VALUE}\n"))
        .write(
            "workers.csv",
            format!("name,serial,password,var:Pin\nA,K-1,{PASSWORD},{VALUE}\nB,K-2,{OTHER_PASSWORD},\n"),
        )
        .write("broken.csv", format!("name,serial,password\nA,K-1,{PASSWORD}\nB,K-2,{PASSWORD}\n"))
        .write("broken.txt", format!("{VALUE}\n"))
        .write("broken.toml", format!("ContosoJoinPassword = \"{VALUE}\nmore"));
    sandbox
}

/// What must not be seen, in every form it could be seen in.
struct Secrets {
    forms: BTreeMap<&'static str, Vec<Vec<u8>>>,
}

impl Secrets {
    fn planted(sandbox: &Sandbox) -> Self {
        let mut forms = BTreeMap::new();
        for (name, secret) in [
            ("the media password", PASSWORD),
            ("another password", OTHER_PASSWORD),
            ("the password of the PKCS#12", PFX_PASSWORD),
            ("a variable's value", VALUE),
        ] {
            let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
            forms.insert(name, [encoded(secret.as_bytes()), encoded(&utf16)].concat());
        }
        let password = SecretString::from(PFX_PASSWORD);
        let bundle = pfx::read(&sandbox.read("media.pfx"), &password).expect("it was made so");
        // In the middle of a private key are its private numbers.
        let key = &bundle.private_key;
        forms.insert("the private key", encoded(&key[key.len() / 2..key.len() / 2 + 24]));
        Self { forms }
    }

    fn found(&self, bytes: &[u8]) -> Vec<&'static str> {
        let seen = |form: &Vec<u8>| memchr::memmem::find(bytes, form).is_some();
        self.forms.iter().filter(|(_, forms)| forms.iter().any(seen)).map(|(name, _)| *name).collect()
    }

    #[track_caller]
    fn check(&self, bytes: &[u8], place: &str) {
        assert_eq!(self.found(bytes), Vec::<&str>::new(), "in {place}");
    }
}

/// As it is, in hexadecimal, and in the part of Base64 that does not depend on what is before and behind.
fn encoded(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![secret.to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()];
    for shift in 0..3 {
        let text = Base64::encode_string(&[&[0; 2][..shift], secret].concat());
        forms.push(text.as_bytes()[4..text.len() - 4].to_vec());
    }
    forms
}

/// A run of the command as the system saw it.
struct Traced {
    code: i32,
    /// Standard output and error.
    said: Vec<u8>,
    /// Every string in the system calls that start programs, name files or write, one after the other.
    written: Vec<u8>,
    /// How many programs were started.
    programs: usize,
}

impl Traced {
    fn run(sandbox: &Sandbox, typed: &str) -> Self {
        let log = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut command = Command::new("strace");
        command.args(["-f", "-v", "-xx", "-s", "67108864", "-o"]).arg(log.path());
        command
            .args(["-e", "trace=process,write,pwrite64,writev,pwritev,sendto,sendmsg,/open,/rename,/link"]);
        command.arg(env!("CARGO_BIN_EXE_tsmedia")).args(typed.split_whitespace());
        let surroundings = command.current_dir(sandbox.path("")).env_clear().env("SECRET", OTHER_PASSWORD);
        let output = surroundings.stdin(Stdio::null()).output().expect("strace is installed");
        let log = fs::read_to_string(log.path()).expect("strace wrote it");
        // The one secret in the environment is put there by who runs the command.
        let own = encoded_for_strace(&format!("SECRET={OTHER_PASSWORD}"));
        let log = log.replacen(&own, "", 1);
        Self {
            code: output.status.code().unwrap_or(-1),
            said: [output.stdout, output.stderr].concat(),
            written: strings(&log),
            programs: log.lines().filter(|line| line.contains("execve(") && line.ends_with(" = 0")).count(),
        }
    }
}

fn encoded_for_strace(text: &str) -> String {
    text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// The strings of a trace, which `-xx` writes as `"\x41\x42"`.
fn strings(log: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for text in log.split('"').skip(1).step_by(2) {
        out.extend(
            text.split("\\x").skip(1).filter_map(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok()),
        );
        out.push(b'\n');
    }
    out
}
