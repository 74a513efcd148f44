//! `cargo xtask demo`: from nothing to a bootable ISO and stick image, with every command shown.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::run::{Done, cargo, command, root, show_and_run, target};
use crate::setup;

struct Options {
    boot_image: Option<PathBuf>,
    folder: PathBuf,
}

pub fn run(arguments: &[String]) -> Done {
    let options = options(arguments)?;
    let folder = &options.folder;
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;

    heading("What building and the demonstration need");
    setup::demo()?;
    heading("Building tsmedia");
    show_and_run(&mut cargo(&["build", "--release", "--package", "media-cli", "--package", "media-tests"]))?;
    let (tsmedia, fabricate) = (built("tsmedia"), built("fabricate"));

    heading("A boot image, the site's root certificate and a media password");
    let boot_image = match &options.boot_image {
        Some(path) => path.clone(),
        None => fabricated_boot_image(&fabricate, folder)?,
    };
    let certificate = folder.join("contoso-root.cer");
    show_and_run(&mut command(&fabricate, &["certificate", "--output", &text(&certificate)]))?;
    let password = folder.join("media-password.txt");
    write_for_owner(&password, "tangle mosaic hatchet provost gravel\n")
        .map_err(|error| format!("{}: {error}", password.display()))?;
    println!("wrote {}", password.display());

    for (name, what) in [("demo.iso", "ISO"), ("demo.img", "stick image")] {
        let output = folder.join(name);
        heading(&format!("Making the {what}"));
        show_and_run(&mut command(
            &tsmedia,
            &create(&boot_image, &certificate, &password, &output).each_ref().map(String::as_str),
        ))?;
        heading(&format!("Verifying the {what}"));
        show_and_run(&mut command(&tsmedia, &["verify", &text(&output)]))?;
        heading(&format!("What is on the {what}"));
        show_and_run(&mut command(
            &tsmedia,
            &["inspect", "--password-file", &text(&password), &text(&output)],
        ))?;
    }
    heading("Done");
    farewell(folder);
    Ok(())
}

/// A file only its owner can read, as a password should be kept.
fn write_for_owner(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options { boot_image: None, folder: target().join("demo") };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut path = || rest.next().map(PathBuf::from).ok_or(format!("{option} needs a path"));
        match option.as_str() {
            "--boot-image" => options.boot_image = Some(absolute(&path()?)?),
            "--output-dir" => options.folder = absolute(&path()?)?,
            other => return Err(format!("demo knows --boot-image and --output-dir, not {other}")),
        }
    }
    if let Some(path) = options.boot_image.as_ref().filter(|path| !path.is_file()) {
        return Err(format!("there is no boot image {}", path.display()));
    }
    Ok(options)
}

/// Commands run in the root of the repository, paths are given from where the user stands.
fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn fabricated_boot_image(fabricate: &Path, folder: &Path) -> Result<PathBuf, String> {
    let path = folder.join("boot.PS100005.wim");
    let output = text(&path);
    show_and_run(&mut command(
        fabricate,
        &["boot-image", "--grub", "--size-mib", "64", "--output", &output],
    ))?;
    Ok(path)
}

fn create(boot_image: &Path, certificate: &Path, password: &Path, output: &Path) -> [String; 16] {
    [
        "create".into(),
        "--boot-image".into(),
        text(boot_image),
        "--site-code".into(),
        "PS1".into(),
        "--package-id".into(),
        "PS100005".into(),
        "--cmg".into(),
        "cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100".into(),
        "--trusted-root".into(),
        text(certificate),
        "--password-file".into(),
        text(password),
        "--output".into(),
        text(output),
        "--force".into(),
    ]
}

fn built(name: &str) -> PathBuf {
    target().join("release").join(name)
}

fn text(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn heading(text: &str) {
    println!("\n== {text}");
}

fn farewell(folder: &Path) {
    let path = |name: &str| text(&folder.join(name));
    println!(
        "{iso}   burn it, or mount it as a virtual CD\n{img}   write it to a stick: dd if={img} of=/dev/sdX bs=4M\n\n\
         To see them start in QEMU (packages qemu-system-x86 and ovmf; the fabricated boot image's boot manager\n\
         prints the SHA-256 of what it reads and turns the machine off):\n\
         \x20 cp /usr/share/OVMF/OVMF_VARS_4M.fd vars.fd\n\
         \x20 qemu-system-x86_64 -machine q35 -m 512 -nographic -net none \\\n\
         \x20   -drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \\\n\
         \x20   -drive if=pflash,format=raw,unit=1,file=vars.fd -cdrom {iso}\n\
         \x20 the stick: in place of -cdrom …\n\
         \x20   -device qemu-xhci -drive if=none,id=stick,format=raw,readonly=on,file={img} -device usb-storage,drive=stick",
        iso = path("demo.iso"),
        img = path("demo.img"),
    );
}
