//! ISOs, looked at by `xorriso`, 7-Zip, `isoinfo`, `udfinfo` and pycdlib.

use std::fs;

use media_core::Form;
use media_tests::{medium, referee};
use tempfile::TempDir;

use crate::{assert_intact, assert_same_files, boot_image, text};

#[test]
fn an_iso_that_starts_at_once() {
    examine(false, "efisys_noprompt.bin");
}

#[test]
fn an_iso_that_asks_for_a_key() {
    examine(true, "efisys.bin");
}

fn examine(prompt: bool, uefi_image: &str) {
    let folder = TempDir::new().expect("a temporary folder");
    let spec = medium::spec(boot_image(), Form::Iso { prompt }).expect("the boot image can be opened");
    let (image, staged) = medium::make(&spec, folder.path(), "medium.iso");
    assert_intact(&image);
    let path = text(&image);

    let arguments = ["-indev", path.as_str(), "-report_el_torito", "plain"];
    let Some(verdict) = referee::run("xorriso", arguments) else { return };
    let report = verdict.success().text();
    let uefi = staged.tree.file(&format!("EFI/Microsoft/Boot/{uefi_image}")).expect("it is staged");
    let uefi_sectors = media_core::io::Source::len(&uefi.content).div_ceil(512);
    let fields = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let images: Vec<Vec<String>> =
        report.lines().filter(|line| line.starts_with("El Torito boot img :")).map(fields).collect();
    // N Pltf B Emul Ld_seg Hdpt Ldsiz LBA
    assert_eq!(images.len(), 2, "{report}");
    assert_eq!(images[0][6..8], ["BIOS", "y"], "{report}");
    assert_eq!(images[0][11], "8", "the BIOS entry loads eight sectors\n{report}");
    assert_eq!(images[1][6..8], ["UEFI", "y"], "{report}");
    assert_eq!(images[1][11], uefi_sectors.to_string(), "the UEFI entry loads all of its image\n{report}");
    assert!(report.contains("/boot/etfsboot.com"), "{report}");
    assert!(report.to_lowercase().contains(&format!("/efi/microsoft/boot/{uefi_image}")), "{report}");

    for arguments in [vec!["t", path.as_str()], vec!["t", "-tiso", path.as_str()], vec!["l", path.as_str()]] {
        let Some(verdict) = referee::run("7z", arguments) else { return };
        let _ = verdict.no_complaint().without(&["warning", "error"]);
    }
    for (name, arguments) in [("udf", vec!["x"]), ("iso", vec!["x", "-tiso"])] {
        let extracted = folder.path().join(name);
        let output = format!("-o{}", text(&extracted));
        let arguments = arguments.into_iter().chain([output.as_str(), path.as_str()]);
        let Some(verdict) = referee::run("7z", arguments) else { return };
        let _ = verdict.without(&["warning", "error"]);
        // 7-Zip shows the El Torito images as files of a folder that is not there.
        let _ = fs::remove_dir_all(extracted.join("[BOOT]"));
        assert_same_files(&extracted, &staged.tree);
    }
    let Some(verdict) = referee::run("isoinfo", ["-d", "-i", path.as_str()]) else { return };
    let _ = verdict.success().says("Joliet with UCS level 3 found").says("Volume id: CONTOSO_RESCUE_2026");
    let Some(verdict) = referee::run("udfinfo", [path.as_str()]) else { return };
    let _ = verdict.success().no_complaint().says("udfrev=1.02").says("label=Contoso Rescue 2026");
    with_pycdlib(&path, &staged.tree);
}

/// The call published tools make to take the variables off an ISO.
fn with_pycdlib(path: &str, tree: &media_core::Tree) {
    let Some(python) = referee::python_with("pycdlib") else { return };
    let folder = TempDir::new().expect("a temporary folder");
    let output = folder.path().join("variables.dat");
    let script = "import sys, pycdlib\niso = pycdlib.PyCdlib()\niso.open(sys.argv[1])\n\
                  names = sorted(c.file_identifier().decode() for c in iso.list_children(udf_path='/SMS/data') if c)\n\
                  assert names == ['TsmBootstrap.ini', 'variables.dat'], names\n\
                  iso.get_file_from_iso(sys.argv[2], udf_path='/SMS/data/variables.dat')\niso.close()\n";
    let (python, output_text) = (text(&python), text(&output));
    let Some(verdict) = referee::run(&python, ["-c", script, path, output_text.as_str()]) else { return };
    let _ = verdict.success();
    let expected = tree.file("SMS/data/variables.dat").expect("it is staged").content.to_vec(1 << 20);
    assert_eq!(fs::read(output).expect("pycdlib wrote it"), expected.expect("it is small"));
}
