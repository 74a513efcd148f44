//! 10,000 random flips of bits of a small hive and of files certificates come in, and every length they can be cut to.

use media_core::hive::{self, Hive, HiveError, boot_configuration};
use media_core::media::roots;
use media_core::media::store::{self, Store};
use media_core::reg_file::{self, REG_BINARY, RegistryKey, RegistryValue};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::measure::{certificates, time};
use crate::wim::small_hive;

const FLIPS: u32 = 10_000;

/// Where the certificate goes; the keys above it get another time, or are made.
const ROOTS: &str = r"microsoft\systemcertificates\root\certificates";

/// Lists, checks and edits; what was edited is what it was, but for the certificate.
fn exercise(bytes: Vec<u8>) -> Result<(), HiveError> {
    let before_findings = hive::check(&bytes).len();
    let before = Hive::open(bytes.clone())?;
    let listed = roots::list_in(&before)?.len();
    let mut hive = Hive::open(bytes)?;
    let trusted = certificates();
    let Ok(added) = roots::add_to(&mut hive, &trusted, time()) else { return Ok(()) };
    assert!(added.iter().all(|added| !added.was_there));
    let bytes = hive.into_bytes();
    let findings = hive::check(&bytes);
    assert!(findings.len() <= before_findings, "{findings:?}");
    let after = Hive::open(bytes).expect("what was edited can be opened");
    assert_eq!(roots::list_in(&after).expect("what was edited can be listed").len(), listed + trusted.len());
    // Where some other part is damaged there is nothing to compare.
    if let Ok(found) = hive::compare::compare(&before, &after) {
        for difference in found.differences {
            let path = difference.path.to_lowercase();
            let is_above = ROOTS.starts_with(path.trim_start_matches('\\'));
            assert!(is_above || path.starts_with(ROOTS), "{difference:?}");
        }
    }
    Ok(())
}

/// Makes the sum of the base block right.
pub fn seal(bytes: &mut [u8]) {
    let fields = bytes[..508].as_chunks::<4>().0.iter();
    let sum = match fields.fold(0, |sum, field| sum ^ u32::from_le_bytes(*field)) {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    };
    bytes[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// Every fourth flip is in the base block, whose sum is right again in half of the cases.
#[test]
fn any_bit_of_a_hive() {
    let (good, mut random) = (small_hive(), ChaCha8Rng::seed_from_u64(7));
    let used = good.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let mut below = |limit: usize| random.next_u64() as usize % limit;
    exercise(good.clone()).expect("the whole one is good");
    let mut opened = 0;
    for _ in 0..FLIPS {
        let mut bytes = good.clone();
        let at = if below(4) == 0 { below(512) } else { 4096 + below(used - 4096) };
        bytes[at] ^= 1 << below(8);
        if below(2) == 0 {
            seal(&mut bytes);
        }
        opened += u32::from(exercise(bytes).is_ok());
    }
    assert!((1..FLIPS).contains(&opened));
}

#[test]
fn a_hive_cut_to_any_length_is_refused() {
    let good = small_hive();
    for len in 0..good.len() {
        assert!(exercise(good[..len].to_vec()).is_err(), "cut to {len}");
    }
}

#[test]
fn any_bit_of_a_file_of_certificates_or_of_a_boot_configuration_store() {
    let sst = sst();
    let store = boot_configuration::parse(boot_configuration::UEFI).expect("good");
    let store = boot_configuration::build(&store, time()).expect("good");
    let files: [(&str, Vec<u8>, Read); 4] = [
        ("sst", sst, |bytes| store::read_file(bytes, Store::Root).is_ok()),
        ("reg", reg(), |bytes| store::read_file(bytes, Store::Root).is_ok()),
        ("pem", include_bytes!("../../cli/fixtures/root.pem").to_vec(), |bytes| {
            store::read_file(bytes, Store::Root).is_ok()
        }),
        ("bcd", store, |bytes| {
            hive::check(bytes);
            boot_configuration::read(bytes.to_vec()).is_ok()
        }),
    ];
    for (name, good, read) in files {
        let mut random = ChaCha8Rng::seed_from_u64(8);
        assert!(read(&good), "{name}");
        for _ in 0..FLIPS {
            let mut bytes = good.clone();
            let at = random.next_u64() as usize % bytes.len();
            bytes[at] ^= 1 << (random.next_u32() % 8);
            read(&bytes);
        }
        for len in (0..good.len()).step_by(if name == "bcd" { 64 } else { 1 }) {
            read(&good[..len]);
        }
    }
}

/// Whether a file of its kind can be read.
type Read = fn(&[u8]) -> bool;

fn blob() -> Vec<u8> {
    let der = certificates()[0].certificate.der().to_vec();
    media_core::certstore::serialize(&[(3, vec![1; 20])], &der).expect("it fits")
}

/// A serialized store: version, `CERT`, elements, and the end.
fn sst() -> Vec<u8> {
    let mut out = 0u32.to_le_bytes().to_vec();
    out.extend(b"CERT");
    out.extend(blob());
    out.extend([0; 12]);
    out
}

fn reg() -> Vec<u8> {
    let value =
        RegistryValue { name: Some("Blob".to_owned()), kind: REG_BINARY, data: blob(), delete: false };
    let thumbprint = media_core::bytes::to_hex_upper(&certificates()[0].certificate.sha1());
    let path =
        format!(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\{thumbprint}");
    reg_file::write(&[RegistryKey { path, delete: false, values: vec![value] }]).expect("good")
}
