//! Programs made from GRUB's modules that stand where Microsoft's boot managers stand.
//!
//! GRUB reads the medium with drivers of its own, so what it prints is a second opinion on every file. The
//! programs are made on the machine that tests, from its distribution's modules, and are never kept.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::referee;

/// What [`examiner`] prints when it has looked at everything.
pub const END: &str = "tsmedia: end of examination";

const MODULES: &str = "part_gpt part_msdos fat iso9660 udf search search_fs_file hashsum gcry_sha256 probe \
                       serial terminal echo test halt normal configfile memdisk tar chain";

/// An EFI program for x64 that finds the medium by `sources/boot.wim` and prints on COM1 which file system it
/// read (`fs=…`), one line `<SHA-256>  <path>` for each of `files` (`missing <path>` where there is none), and
/// [`END`]; then it turns the machine off. `None` when GRUB is not installed and that is allowed.
///
/// The list of files is inside the program.
///
/// # Errors
/// Whatever the system says about temporary files.
///
/// # Panics
/// When GRUB refuses, or is missing with `CI=true`.
pub fn examiner(files: &[&str]) -> io::Result<Option<Vec<u8>>> {
    let mut script = prologue("/sources/boot.wim");
    script.push_str("probe --fs $medium --set=fs\necho fs=$fs\n");
    for file in files {
        script.push_str(&format!(
            "if [ -f ($medium)/{file} ]; then sha256sum ($medium)/{file}; else echo missing {file}; fi\n"
        ));
    }
    script.push_str(&format!("echo {END}\nhalt\n"));
    program(&script)
}

/// An EFI program for x64 that does what the one in `efisys_noprompt.bin` does: it starts `\bootmgr.efi` of the CD.
///
/// # Errors
/// As [`examiner`].
///
/// # Panics
/// As [`examiner`].
pub fn cd_boot() -> io::Result<Option<Vec<u8>>> {
    let mut script = prologue("/bootmgr.efi");
    script.push_str("echo tsmedia: the CD starts bootmgr.efi\nset root=$medium\nchainloader ($medium)/bootmgr.efi\nboot\n");
    script.push_str("echo tsmedia: bootmgr.efi was not started\nhalt\n");
    program(&script)
}

fn prologue(marker: &str) -> String {
    format!(
        "serial --unit=0 --speed=115200\nterminal_output serial\nsearch --no-floppy --set=medium --file {marker}\n\
         echo medium=$medium\n"
    )
}

fn program(script: &str) -> io::Result<Option<Vec<u8>>> {
    if referee::find("grub-mkstandalone").is_none()
        || referee::find_file("/usr/lib/grub/x86_64-efi").is_none()
    {
        return Ok(None);
    }
    let folder = TempDir::new()?;
    let (config, output) = (folder.path().join("grub.cfg"), folder.path().join("grub.efi"));
    fs::write(&config, script)?;
    make(&config, &output).then(|| fs::read(&output)).transpose()
}

fn make(config: &Path, output: &Path) -> bool {
    let arguments = [
        "-O".into(),
        "x86_64-efi".into(),
        "-o".into(),
        output.display().to_string(),
        format!("--modules={MODULES}"),
        // Everything needed is linked in, so the memory disk holds the script alone.
        "--install-modules=".into(),
        "--locales=".into(),
        "--fonts=".into(),
        "--themes=".into(),
        format!("boot/grub/grub.cfg={}", config.display()),
    ];
    referee::run("grub-mkstandalone", arguments).map(referee::Verdict::success).is_some()
}
