//! Media of every form, looked at by programs somebody else wrote.

// A suite's helper reports a failure the way a suite does.
#![allow(clippy::panic)]

mod boot_image;
mod boots;
mod changes;
mod cut;
mod damage;
mod disc;
mod hostile;
mod personalise;
mod rework;
mod stick;
mod touched;
mod variables;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use media_core::event::Unobserved;
use media_core::io::{FileSource, Source};
use media_core::{Tree, Trust, verify};
use media_tests::boot_image::BootImageRecipe;
use tempfile::TempDir;

/// The boot image most tests use, made once.
fn boot_image() -> &'static Path {
    static IMAGE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = IMAGE.get_or_init(|| {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("boot.PS100005.wim");
        let recipe = BootImageRecipe { integrity: true, dvd_files: true, ..BootImageRecipe::default() };
        recipe.write(&path).expect("a boot image can be made");
        (folder, path)
    });
    path
}

/// What our own verification finds, which has to be nothing.
fn assert_intact(medium: &Path) {
    let source: Arc<dyn Source> = Arc::new(FileSource::open(medium).expect("it was just written"));
    let report = verify(source, Trust::default(), &mut Unobserved).expect("it can be looked at");
    assert_eq!(report.findings, [], "{}", medium.display());
    assert!(report.files_compared > 15);
}

/// Compares a folder somebody else extracted with what was staged, byte for byte.
fn assert_same_files(folder: &Path, tree: &Tree) {
    for file in &tree.files {
        let extracted =
            fs::read(folder.join(&file.path)).unwrap_or_else(|error| panic!("{}: {error}", file.path));
        let expected = file.content.to_vec(1 << 30).expect("fixtures are small");
        assert!(extracted == expected, "{} differs", file.path);
    }
    assert_eq!(count(folder), tree.files.len(), "nothing else is there");
}

fn count(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
