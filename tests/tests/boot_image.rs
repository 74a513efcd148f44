//! Fabricated boot images: what examiners say of them, and that equal recipes give equal bytes.

use std::fs;
use std::path::Path;

use media_tests::boot_image::{Architecture, BootImageRecipe, Compression, Subsystem, program};
use media_tests::referee;
use media_tests::signing::{Signer, signed};
use tempfile::TempDir;

fn examine(recipe: &BootImageRecipe) {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("boot.wim");
    recipe.write(&path).expect("the recipe can be followed");
    verified_by_wimlib(&path, recipe);
    verified_by_7_zip(&path, recipe);
}

fn verified_by_wimlib(path: &Path, recipe: &BootImageRecipe) {
    let path = path.display().to_string();
    let Some(verdict) = referee::run("wimlib-imagex", ["verify", path.as_str()]) else { return };
    let verdict = verdict.success().says("was successfully verified");
    // Of an image without an integrity table it says that there is none.
    let verdict = if recipe.integrity { verdict.no_complaint() } else { verdict };
    assert!(!verdict.complaint().contains("ERROR"), "{}", verdict.complaint());
    let Some(listing) = referee::run("wimlib-imagex", ["dir", path.as_str(), "1"]) else { return };
    let (listing, files) = (listing.success().text(), recipe.files());
    let listed: Vec<&str> = listing.lines().collect();
    for file in &files {
        assert!(listed.contains(&format!("/{}", file.path).as_str()), "{} is not listed", file.path);
    }
}

fn verified_by_7_zip(path: &Path, recipe: &BootImageRecipe) {
    // 7-Zip checks reference counts and that no byte of the metadata is without meaning, which wimlib does not.
    let Some(verdict) = referee::run("7z", ["t", path.display().to_string().as_str()]) else { return };
    // Of several images it lists the XML as one more file.
    let count = recipe.files().len() * recipe.images as usize + usize::from(recipe.images > 1);
    let _ =
        verdict.without(&["warning", "error"]).says("Everything is Ok").says(&format!("Files: {count}\n"));
}

#[test]
fn every_architecture_and_compression_satisfies_the_examiners() {
    let base = BootImageRecipe { files: 300, size: 8 << 20, ..BootImageRecipe::default() };
    for recipe in [
        base.clone(),
        BootImageRecipe { architecture: Architecture::X86, compression: Compression::Xpress, ..base.clone() },
        BootImageRecipe { architecture: Architecture::Arm64, compression: Compression::None, ..base.clone() },
        BootImageRecipe { integrity: true, dvd_files: true, seed: 7, ..base.clone() },
        BootImageRecipe { images: 2, boot_index: 2, configmgr_files: false, ..base.clone() },
        BootImageRecipe { with_2023_set: false, chunk_size: 65_536, ..base },
    ] {
        examine(&recipe);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = TempDir::new().expect("a temporary folder");
    let bytes = [1, 2, 5].map(|threads| {
        let path = folder.path().join(format!("{threads}.wim"));
        let recipe = BootImageRecipe { threads, integrity: true, ..BootImageRecipe::default() };
        recipe.write(&path).expect("the recipe can be followed");
        fs::read(path).expect("it was just written")
    });
    assert!(bytes[0] == bytes[1] && bytes[1] == bytes[2], "equal recipes give equal bytes");
}

#[test]
fn another_seed_is_another_image() {
    let files = |seed| BootImageRecipe { seed, ..BootImageRecipe::default() }.files();
    let paths = |seed| files(seed).into_iter().map(|file| file.path).collect::<Vec<_>>();
    assert_ne!(paths(1), paths(2));
}

#[test]
fn the_software_hive_is_read_back_by_hivex() {
    let folder = TempDir::new().expect("a temporary folder");
    let hive = folder.path().join("SOFTWARE");
    let recipe = BootImageRecipe::default();
    assert!(recipe.hives.software.len() > 4 << 20, "{} bytes", recipe.hives.software.len());
    fs::write(&hive, &recipe.hives.software).expect("a file can be written");
    let hive = hive.display().to_string();
    let key = r"\Microsoft\SystemCertificates\AuthRoot";
    let Some(verdict) = referee::run("hivexregedit", ["--export", hive.as_str(), key]) else { return };
    let _ = verdict.success().no_complaint().says(r"[\Microsoft\SystemCertificates\AuthRoot\Certificates]");
    let key = r"\Microsoft\Windows NT\CurrentVersion";
    let Some(verdict) = referee::run("hivexregedit", ["--export", hive.as_str(), key]) else { return };
    let _ = verdict.success().no_complaint().says("\"UBR\"=dword:000006ce");
}

#[test]
fn stand_ins_are_signed_under_the_names_asked_for() {
    let bytes = program(Architecture::X64, Subsystem::EfiApplication, b"a boot manager");
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("signed.efi");
    for signer in [Signer::ProductionPca2011, Signer::WindowsUefiCa2023] {
        let Some(signed) = signed(&bytes, signer).expect("temporary files") else { return };
        assert!(signed.len() > bytes.len());
        fs::write(&path, signed).expect("a file can be written");
        let Some(verdict) = referee::run("osslsigncode", ["verify", path.display().to_string().as_str()])
        else {
            return;
        };
        // No root of these keys is trusted, so only what it reads counts, and that the digest is right.
        let said = verdict.text();
        assert!(said.contains(signer.issuer()), "{said}");
        let digest = |name: &str| {
            let line = said.lines().find(|line| line.starts_with(name)).map(str::to_owned);
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
        };
        assert!(digest("Current message digest").is_some(), "{said}");
        assert_eq!(digest("Current message digest"), digest("Calculated message digest"), "{said}");
    }
}
