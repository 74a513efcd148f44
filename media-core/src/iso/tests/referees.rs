//! Readers written by others read what was planned.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::*;
use crate::iso::SECTOR;

/// A medium written to a temporary folder.
struct Medium {
    folder: tempfile::TempDir,
    files: Vec<FileSize>,
    layout: Layout,
}

impl Medium {
    fn new(files: Vec<FileSize>, options: &Options<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = plan(&files, options).unwrap();
        write_image(&layout, &folder.path().join("medium.iso"));
        Self { folder, files, layout }
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("medium.iso")
    }

    fn sector(&self, path: &str) -> u64 {
        self.layout.files.iter().find(|file| file.path == path).unwrap().extents[0].offset / SECTOR
    }

    /// Runs a tool in the folder; none when it is not installed and this is not CI.
    fn run(&self, tool: &str, arguments: &[&str]) -> Option<Output> {
        match Command::new(tool)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .output()
        {
            Ok(output) => Some(output),
            Err(error) if std::env::var_os("CI").is_some_and(|ci| ci == "true") => panic!("{tool}: {error}"),
            Err(error) => {
                eprintln!("skipped: {tool} cannot be run: {error}");
                None
            }
        }
    }

    /// Path and content of every file below a folder the tool made.
    fn extracted(&self, folder: &str) -> Listing {
        fn collect(root: &Path, folder: &Path, out: &mut Vec<(String, Vec<u8>)>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(root, &path, out);
                } else {
                    let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                    out.push((name, std::fs::read(&path).unwrap()));
                }
            }
        }
        let root = self.folder.path().join(folder);
        let mut out = Vec::new();
        collect(&root, &root, &mut out);
        list(out.into_iter())
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn seven_zip_finds_nothing_wrong_and_every_file() {
    let medium = Medium::new(media_tree(), &bootable());
    let Some(tested) = medium.run("7z", &["t", "medium.iso"]) else { return };
    let said = text(&tested);
    assert!(tested.status.success() && said.contains("Everything is Ok"), "{said}");
    assert!(!said.to_lowercase().contains("warning") && !said.contains("Error"), "{said}");
    assert!(said.contains("Type = Udf"), "7-Zip prefers UDF: {said}");
    let extracted = medium.run("7z", &["x", "-oout", "medium.iso"]).expect("it ran before");
    assert!(extracted.status.success(), "{}", text(&extracted));
    assert_eq!(medium.extracted("out"), expected(&medium.files));

    let as_iso = medium.run("7z", &["t", "-tiso", "medium.iso"]).expect("it ran before");
    let said = text(&as_iso);
    assert!(as_iso.status.success() && !said.to_lowercase().contains("warning"), "{said}");
    let extracted =
        medium.run("7z", &["x", "-tiso", "-x![BOOT]", "-oiso", "medium.iso"]).expect("it ran before");
    assert!(extracted.status.success(), "{}", text(&extracted));
    assert_eq!(contents(medium.extracted("iso")), contents(expected(&medium.files)));
}

#[test]
fn xorriso_sees_both_boot_images_and_the_iso_9660_files() {
    let medium = Medium::new(media_tree(), &bootable());
    let Some(report) = medium.run("xorriso", &["-indev", "medium.iso", "-report_el_torito", "plain"]) else {
        return;
    };
    let said = text(&report);
    assert!(report.status.success(), "{said}");
    let lines: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    let image = |number: &str| {
        let line = lines.iter().find(|line| line.starts_with(&["El", "Torito", "boot", "img", ":", number]));
        line.map(|line| line[6..].to_vec()).unwrap_or_default()
    };
    // Platform, bootable, emulation, load segment, hard disk type, load size, sector.
    let sector = |path| medium.sector(path).to_string();
    assert_eq!(image("1"), ["BIOS", "y", "none", "0x0000", "0x00", "8", &sector(BIOS)], "{said}");
    assert_eq!(image("2"), ["UEFI", "y", "none", "0x0000", "0x00", "2880", &sector(UEFI)], "{said}");
    assert!(said.contains("/BOOT/ETFSBOOT.COM") || said.contains("/boot/etfsboot.com"), "{said}");
    assert!(said.to_lowercase().contains("/efisys_noprompt.bin"), "{said}");

    let arguments = ["-osirrox", "on", "-indev", "medium.iso", "-extract", "/", "out"];
    let extracted = medium.run("xorriso", &arguments).expect("it ran before");
    assert!(extracted.status.success(), "{}", text(&extracted));
    assert_eq!(contents(medium.extracted("out")), contents(expected(&medium.files)));
}

#[test]
fn isoinfo_lists_both_iso_9660_trees() {
    let medium = Medium::new(media_tree(), &bootable());
    let Some(primary) = medium.run("isoinfo", &["-l", "-i", "medium.iso"]) else { return };
    let said = text(&primary);
    assert!(primary.status.success() && said.contains(" BOOTMGR \n"), "{said}");
    assert!(said.contains("Directory listing of /SMS/DATA/"), "{said}");
    let joliet = medium.run("isoinfo", &["-J", "-l", "-i", "medium.iso"]).expect("it ran before");
    let said = text(&joliet);
    assert!(joliet.status.success() && said.contains("/SMS/data/"), "{said}");
    assert!(said.contains(" a name of more than thirty-one characters with spaces.document"), "{said}");
    let read =
        medium.run("isoinfo", &["-J", "-i", "medium.iso", "-x", "/SMS/data/variables.dat"]).expect("it ran");
    let index = medium.files.iter().position(|file| file.path == "SMS/data/variables.dat").unwrap();
    assert_eq!(read.stdout, content(index, 7_777));
}

#[test]
fn udfinfo_has_no_warnings() {
    let medium = Medium::new(media_tree(), &bootable());
    let Some(output) = medium.run("udfinfo", &["medium.iso"]) else { return };
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(output.stderr.is_empty(), "{said}");
    assert!(said.contains("udfrev=1.02") && said.contains("label=Contoso Media_1"), "{said}");
    assert!(said.contains("integrity=closed"), "{said}");
    assert!(said.contains(&format!("numfiles={}", medium.files.len())), "{said}");
}

#[test]
fn grub_reads_a_file() {
    let medium = Medium::new(media_tree(), &bootable());
    let arguments = ["medium.iso", "cmp", "(loop0)/sources/boot.wim", "boot.wim"];
    let index = medium.files.iter().position(|file| file.path == "sources/boot.wim").unwrap();
    std::fs::write(medium.folder.path().join("boot.wim"), content(index, medium.files[index].len)).unwrap();
    let Some(output) = medium.run("grub-fstest", &arguments) else { return };
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn seven_zip_lists_a_file_of_five_gigabytes() {
    let len = 5_368_709_123;
    let medium = Medium::new(sizes(&[("sources/boot.wim", len), ("z.txt", 10)]), &options());
    let disc = open(&medium.image());
    assert_eq!(disc.check().unwrap(), []);
    for kind in ["-tudf", "-tiso"] {
        let Some(output) = medium.run("7z", &["l", kind, "medium.iso"]) else { return };
        let said = text(&output);
        assert!(output.status.success() && said.contains(&len.to_string()), "{said}");
        assert!(!said.to_lowercase().contains("warning") && !said.contains("Error"), "{said}");
    }
}

#[test]
fn pycdlib_reads_the_udf_side() {
    let medium = Medium::new(media_tree(), &bootable());
    let script = "import sys, pycdlib\niso = pycdlib.PyCdlib()\niso.open('medium.iso')\n\
                  iso.get_file_from_iso('out.dat', udf_path='/SMS/data/variables.dat')\niso.close()";
    match medium.run("python3", &["-c", "import pycdlib"]) {
        Some(output) if output.status.success() => {}
        _ => return eprintln!("skipped: python3 has no pycdlib"),
    }
    let output = medium.run("python3", &["-c", script]).expect("it ran before");
    assert!(output.status.success(), "{}", text(&output));
    let index = medium.files.iter().position(|file| file.path == "SMS/data/variables.dat").unwrap();
    assert_eq!(std::fs::read(medium.folder.path().join("out.dat")).unwrap(), content(index, 7_777));
}
