//! Makes what a demonstration needs and nobody may ship: a boot image, and a site's root certificate.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use media_tests::boot_image::{Architecture, BootImageRecipe, Compression, Programs};
use media_tests::{certificate, grub};

const HELP: &str = "\
Makes what a demonstration needs.

fabricate boot-image --output FILE.wim [options]
  --architecture x64|x86|arm64   the machine of its programs (x64)
  --size-mib N                   bytes of all files together, in MiB (64)
  --files N                      how many files (3000)
  --classes N                    how many classes its SOFTWARE hive registers (10000 make 5 MB)
  --compression lzx|xpress|none  how it is compressed (lzx)
  --integrity                    with an integrity table
  --full-windows                 with \\Windows\\Boot\\DVD too
  --grub                         a GRUB program stands in for the boot manager, so that it boots in QEMU
  --seed N                       another number gives another image of the same kind (1)

fabricate certificate --output FILE.cer [--name \"Contoso Root CA\"]
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("fabricate: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    match arguments.split_first() {
        Some((verb, rest)) if verb == "boot-image" => boot_image(rest),
        Some((verb, rest)) if verb == "certificate" => root_certificate(rest),
        _ => {
            print!("{HELP}");
            Ok(())
        }
    }
}

fn boot_image(arguments: &[String]) -> Result<(), String> {
    let mut recipe = BootImageRecipe { files: 3000, size: 64 << 20, ..BootImageRecipe::default() };
    let (mut output, mut with_grub) = (None, false);
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().map(String::as_str).ok_or(format!("{option} needs a value"));
        match option.as_str() {
            "--output" => output = Some(PathBuf::from(value()?)),
            "--architecture" => recipe.architecture = architecture(value()?)?,
            "--compression" => recipe.compression = compression(value()?)?,
            "--size-mib" => recipe.size = number(value()?)? << 20,
            "--files" => recipe.files = number(value()?)? as usize,
            "--classes" => {
                let classes = u32::try_from(number(value()?)?).map_err(|_| "too many classes")?;
                recipe.hives = recipe.hives.with_classes(classes);
            }
            "--seed" => recipe.seed = number(value()?)?,
            "--integrity" => recipe.integrity = true,
            "--full-windows" => recipe.dvd_files = true,
            "--grub" => with_grub = true,
            other => return Err(format!("unknown option {other}\n\n{HELP}")),
        }
    }
    let output = output.ok_or("--output is missing")?;
    if with_grub {
        recipe.programs = grub_programs()?;
    }
    let files = recipe.files();
    recipe.write(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    let bytes = std::fs::metadata(&output).map_or(0, |facts| facts.len());
    println!("{}: {} files, {:.1} MiB", output.display(), files.len(), bytes as f64 / f64::from(1 << 20));
    Ok(())
}

/// What a medium's files are, as the program in the boot manager's place reads them.
const EXAMINED: [&str; 6] = [
    "sources/boot.wim",
    "boot/boot.sdi",
    "boot/BCD",
    "EFI/Microsoft/Boot/BCD",
    "SMS/data/TsmBootstrap.ini",
    "SMS/data/variables.dat",
];

fn grub_programs() -> Result<Programs, String> {
    let missing = || "GRUB's tools for x86_64-efi are not installed".to_owned();
    let examiner = grub::examiner(&EXAMINED).map_err(|error| error.to_string())?.ok_or_else(missing)?;
    let cd_boot = grub::cd_boot().map_err(|error| error.to_string())?.ok_or_else(missing)?;
    Ok(Programs {
        boot_manager: Some(examiner.clone()),
        boot_manager_2023: Some(examiner),
        cd_boot: Some(cd_boot),
        bios_cd_boot: None,
    })
}

fn root_certificate(arguments: &[String]) -> Result<(), String> {
    let (mut output, mut name) = (None, "Contoso Root CA".to_owned());
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{option} needs a value"));
        match option.as_str() {
            "--output" => output = Some(value()?.clone()),
            "--name" => name.clone_from(value()?),
            other => return Err(format!("unknown option {other}\n\n{HELP}")),
        }
    }
    let output = output.ok_or("--output is missing")?;
    match certificate::write_root(&name, Path::new(&output)) {
        Ok(true) => Ok(()),
        Ok(false) => Err("openssl is not installed".into()),
        Err(error) => Err(format!("{output}: {error}")),
    }
}

fn architecture(name: &str) -> Result<Architecture, String> {
    match name {
        "x64" => Ok(Architecture::X64),
        "x86" => Ok(Architecture::X86),
        "arm64" => Ok(Architecture::Arm64),
        other => Err(format!("`{other}` is no architecture: x64, x86 or arm64")),
    }
}

fn compression(name: &str) -> Result<Compression, String> {
    match name {
        "lzx" => Ok(Compression::Lzx),
        "xpress" => Ok(Compression::Xpress),
        "none" => Ok(Compression::None),
        other => Err(format!("`{other}` is no compression: lzx, xpress or none")),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}
