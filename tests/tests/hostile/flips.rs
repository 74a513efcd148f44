//! 10,000 random flips of bits of small boot images, and every length they can be cut to.

use std::sync::Arc;

use media_core::event::Unobserved;
use media_core::io::Source;
use media_core::service::{self, ImageChoice, ServiceError};
use media_core::verify_boot_image;
use media_core::wim::{Aspect, FileDifferenceKind, Hash, Wim, compare};
use media_tests::boot_image::Compression::{self, Lzx, None as Plain, Xpress};
use media_tests::referee;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::measure::{certificates, time};
use crate::wim::small;

const FLIPS: u32 = 10_000;
const SOFTWARE: &str = r"Windows\System32\config\SOFTWARE";

/// Opens, lists, checks and edits; what was edited is what it was, but for the certificate. Whether it could be edited.
pub fn exercise(bytes: Vec<u8>) -> Result<bool, ServiceError> {
    let source: Arc<dyn Source> = Arc::new(bytes);
    let checked = verify_boot_image(source.clone(), &mut Unobserved);
    let is_sound =
        checked.is_ok_and(|report| report.findings.iter().all(|found| !found.id.starts_with("wim.")));
    let wim = Wim::open(source)?;
    let images = service::images(&wim, ImageChoice::All)?;
    let listed = service::list_roots(&wim, &images)?;
    service::wim_facts(&wim);
    let trusted = certificates();
    let serviced = service::add_roots(&wim, &images, &trusted, time())?;
    let edited = Arc::new(serviced.edited.content());
    let after = Wim::open(edited.clone()).expect("what was edited can be opened");
    let now = service::list_roots(&after, &images).expect("what was edited can be listed");
    for ((image, before), (_, now)) in listed.iter().zip(&now) {
        assert_eq!(now.len(), before.len() + trusted.len(), "image {image}");
        let trees = [&wim, &after].map(|wim| wim.image(*image).expect("it was read before"));
        let found = compare(&trees[0], &trees[1]);
        assert_eq!(found.differences.len(), 1, "{:?}", found.differences);
        assert!(found.differences[0].path.eq_ignore_ascii_case(SOFTWARE), "{:?}", found.differences);
        assert_eq!(found.differences[0].kind, FileDifferenceKind::Changed(vec![Aspect::Content]));
    }
    if is_sound {
        let report = verify_boot_image(edited, &mut Unobserved).expect("what was edited can be checked");
        let worse: Vec<_> = report.findings.iter().filter(|found| found.id.starts_with("wim.")).collect();
        assert!(worse.is_empty(), "{worse:?}");
    }
    Ok(serviced.edited.is_changed())
}

/// Where a WIM's parts are: the header, its tables, and each blob with the place of its SHA-1.
struct Parts {
    blobs: Vec<(std::ops::Range<usize>, usize)>,
    all: Vec<std::ops::Range<usize>>,
}

fn parts(bytes: &[u8]) -> Parts {
    let wim = Wim::open(Arc::new(bytes.to_vec())).expect("a good file");
    let header = wim.header();
    let range = |offset: u64, len: u64| offset as usize..(offset + len) as usize;
    let table = header.blob_table.offset as usize;
    let blobs: Vec<_> = (wim.blobs().iter().enumerate())
        .map(|(index, blob)| (range(blob.resource.offset, blob.resource.stored_len), table + 50 * index + 30))
        .collect();
    let mut all = Vec::from([range(0, 208)]);
    let tables = [header.blob_table, header.xml, header.integrity];
    all.extend(
        tables.iter().filter(|table| table.len > 0).map(|table| range(table.offset, table.stored_len)),
    );
    all.extend(blobs.iter().map(|(range, _)| range.clone()));
    Parts { blobs, all }
}

/// Each part gets an equal share of the flips. Half of those in a blob that is stored as it is get its right SHA-1, so that
/// what is behind the sum is reached.
fn flipped(compression: Compression, integrity: Option<u32>, seed: u64) {
    let good = small(compression, integrity);
    assert!(exercise(good.clone()).expect("the whole one is good"), "it is changed");
    let (parts, mut random) = (parts(&good), ChaCha8Rng::seed_from_u64(seed));
    let mut below = |limit: usize| random.next_u64() as usize % limit;
    let mut edited = 0;
    for _ in 0..FLIPS {
        let mut bytes = good.clone();
        let part = parts.all[below(parts.all.len())].clone();
        let at = part.start + below(part.len());
        bytes[at] ^= 1 << below(8);
        let blob = parts.blobs.iter().find(|(range, _)| range.contains(&at));
        if let Some((range, sum)) = blob.filter(|_| compression == Plain && below(2) == 0) {
            let right = Hash::of(&bytes[range.clone()]);
            bytes[*sum..sum + 20].copy_from_slice(&right.0);
        }
        edited += u32::from(exercise(bytes).is_ok());
    }
    println!("{compression:?}, {integrity:?}: {edited} of {FLIPS} could be edited all the same");
    assert!((1..FLIPS).contains(&edited));
}

#[test]
fn any_bit_of_an_lzx_image() {
    flipped(Lzx, None, 1);
}

#[test]
fn any_bit_of_an_lzx_image_with_an_integrity_table() {
    flipped(Lzx, Some(4096), 2);
}

#[test]
fn any_bit_of_an_xpress_image() {
    flipped(Xpress, None, 3);
}

#[test]
fn any_bit_of_an_xpress_image_with_an_integrity_table() {
    flipped(Xpress, Some(4096), 4);
}

#[test]
fn any_bit_of_an_uncompressed_image() {
    flipped(Plain, None, 5);
}

#[test]
fn any_bit_of_an_uncompressed_image_with_an_integrity_table() {
    flipped(Plain, Some(4096), 6);
}

#[test]
fn the_small_image_satisfies_wimlib() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (compression, integrity) in [(Lzx, Some(4096)), (Xpress, None), (Plain, Some(4096))] {
        let path = folder.path().join("small.wim");
        std::fs::write(&path, small(compression, integrity)).expect("a file");
        let arguments = ["verify", &path.display().to_string()].map(str::to_owned);
        let Some(verdict) = referee::run("wimlib-imagex", arguments) else { return };
        let _ = verdict.success();
    }
}

/// The integrity table is the last there is; without it the XML is.
#[test]
fn cut_to_any_length_it_is_refused() {
    for (compression, integrity) in [(Lzx, Some(4096)), (Xpress, None), (Plain, None)] {
        let good = small(compression, integrity);
        for len in 0..good.len() {
            assert!(exercise(good[..len].to_vec()).is_err(), "{compression:?} cut to {len}");
        }
    }
}
