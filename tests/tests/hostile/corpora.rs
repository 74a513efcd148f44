//! Every file of the corpora, good or bad, as a boot image and as the hive of one.

use std::fs;
use std::sync::Arc;

use media_core::hive;
use media_core::io::Source;
use media_core::wim::Hash;
use media_tests::boot_image::Compression;
use media_tests::corpora;

use crate::measure::{alone, check, measured, operations};
use crate::wim::{METADATA, Writer, small_tree};

#[test]
fn every_wim_file_of_the_corpora_is_read_in_bounded_memory() {
    let Some(files) = corpora::files("wim") else { return };
    let _alone = alone();
    for path in files {
        let source: Arc<dyn Source> = Arc::new(fs::read(&path).expect("a file"));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        check(&name, &operations(&source), 0);
    }
}

#[test]
fn every_hive_of_the_corpora_is_read_in_bounded_memory() {
    let (Some(mut files), Some(stores)) = (corpora::files("hives"), corpora::files("bcd")) else { return };
    files.extend(stores);
    let _alone = alone();
    for path in files {
        let bytes = fs::read(&path).expect("a file");
        if bytes.is_empty() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut wim = Writer::new(Compression::None);
        wim.add(&bytes, 0, 1);
        wim.add(&small_tree(Hash::of(&bytes), Hash::default()), METADATA, 1);
        let len = bytes.len();
        let source: Arc<dyn Source> = Arc::new(wim.finish(None));
        check(&name, &operations(&source), len);
        check(&name, &[measured("check", || hive::check(&bytes).len().to_string())], 0);
    }
}
