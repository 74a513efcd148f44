//! The registry's files in a boot image.

use std::sync::OnceLock;

use media_core::hive::{ADMINISTRATORS_AND_SYSTEM, Hive, HiveError, Version, boot_configuration};
use media_core::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

/// Registry files of a boot image.
#[derive(Debug, Clone)]
pub struct Hives {
    /// `\Windows\System32\config\SOFTWARE`.
    pub software: Vec<u8>,
    /// A boot configuration store, used wherever a boot image has one.
    pub bcd: Vec<u8>,
    /// More files beside `SOFTWARE`: its logs.
    pub logs: Vec<(&'static str, Vec<u8>)>,
}

/// How many classes the SOFTWARE hive registers: they make most of its size, about 5 MB, as in Windows PE.
const CLASSES: u32 = 10_000;
const REG_SZ: u32 = 1;
const REG_BINARY: u32 = 3;
const REG_DWORD: u32 = 4;

impl Default for Hives {
    fn default() -> Self {
        static MADE: OnceLock<Hives> = OnceLock::new();
        MADE.get_or_init(Self::made).clone()
    }
}

impl Hives {
    fn made() -> Self {
        let bcd = boot_configuration::parse(boot_configuration::UEFI)
            .and_then(|store| boot_configuration::build(&store, build_time()));
        Self { software: bytes_of(software(CLASSES)), bcd: bytes_of(bcd), logs: Vec::new() }
    }

    /// The same with another number of registered classes, which make most of the SOFTWARE hive.
    #[must_use]
    pub fn with_classes(self, classes: u32) -> Self {
        Self { software: bytes_of(software(classes)), ..self }
    }

    /// The files of `\Windows\System32\config` by name.
    pub(super) fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut files = vec![("SOFTWARE", self.software.clone())];
        files.extend(self.logs.clone());
        files.extend(["SYSTEM", "DEFAULT", "SAM", "SECURITY"].map(|name| (name, self.other(name))));
        files
    }

    /// A hive that has nothing to do with media: its root and one key.
    pub(super) fn other(&self, name: &str) -> Vec<u8> {
        let made = new("ROOT").and_then(|mut hive| {
            let key = hive.create_key("Fabricated", build_time())?;
            hive.set_value(key, "Name", REG_SZ, &text(name), build_time())?;
            Ok(hive.into_bytes())
        });
        bytes_of(made)
    }
}

fn bytes_of(made: Result<Vec<u8>, HiveError>) -> Vec<u8> {
    made.unwrap_or_else(|error| panic!("the recipe of a hive cannot be followed: {error}"))
}

fn new(root: &str) -> Result<Hive, HiveError> {
    Hive::create(Version::V1_5, root, &ADMINISTRATORS_AND_SYSTEM, build_time())
}

fn build_time() -> Timestamp {
    Timestamp::from_filetime(super::BUILD_TIME)
}

/// A SOFTWARE hive: the certificate stores with no certificate in them, what Windows says of itself, and many classes.
pub fn software(classes: u32) -> Result<Vec<u8>, HiveError> {
    let (mut hive, time) = (new("ROOT")?, build_time());
    for store in ["AuthRoot", "CA", "Disallowed", "My", "ROOT", "Trust", "TrustedPeople", "TrustedPublisher"]
    {
        for kind in ["Certificates", "CRLs", "CTLs"] {
            hive.create_key(&format!(r"Microsoft\SystemCertificates\{store}\{kind}"), time)?;
        }
    }
    let version = hive.create_key(r"Microsoft\Windows NT\CurrentVersion", time)?;
    for (name, value) in [
        ("ProductName", "Windows 10 Enterprise"),
        ("EditionID", "WindowsPE"),
        ("InstallationType", "WindowsPE"),
        ("CurrentBuild", "26100"),
        ("CurrentBuildNumber", "26100"),
        ("BuildLabEx", "26100.1742.amd64fre.ge_release_svc_prod1.240906-0331"),
        ("SystemRoot", r"X:\Windows"),
    ] {
        hive.set_value(version, name, REG_SZ, &text(value), time)?;
    }
    hive.set_value(version, "UBR", REG_DWORD, &1742u32.to_le_bytes(), time)?;
    let mut random = ChaCha20Rng::seed_from_u64(0x534F_4654);
    // Beyond 16344 bytes a value lies in several cells.
    let mut long = vec![0; 70_000];
    random.fill_bytes(&mut long);
    hive.set_value(version, "DigitalProductId4", REG_BINARY, &long, time)?;
    for _ in 0..classes {
        add_class(&mut hive, &mut random, time)?;
    }
    Ok(hive.into_bytes())
}

fn add_class(hive: &mut Hive, random: &mut ChaCha20Rng, time: Timestamp) -> Result<(), HiveError> {
    let (a, b, c) = (random.next_u32(), random.next_u32(), random.next_u64());
    let id = format!(
        "{{{a:08X}-{:04X}-{:04X}-{:04X}-{:012X}}}",
        b >> 16,
        b & 0xFFFF,
        c >> 48,
        c & 0xFFFF_FFFF_FFFF
    );
    let class = hive.create_key(&format!(r"Classes\CLSID\{id}"), time)?;
    hive.set_value(class, "", REG_SZ, &text(&format!("Component {a:x}")), time)?;
    let server = hive.create_key(&format!(r"Classes\CLSID\{id}\InprocServer32"), time)?;
    let library = format!(r"%SystemRoot%\System32\component{:03}.dll", a % 1000);
    hive.set_value(server, "", REG_SZ, &text(&library), time)?;
    hive.set_value(server, "ThreadingModel", REG_SZ, &text("Both"), time)?;
    Ok(())
}

/// UTF-16LE with its NUL, as REG_SZ is stored.
fn text(value: &str) -> Vec<u8> {
    value.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}
