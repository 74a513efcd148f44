//! What is measured with: boot images, certificates, and what the peers cannot make themselves.

use std::fs;
use std::path::{Path, PathBuf};

use super::{quiet, shell, text};
use crate::run::{Done, command, show_and_run, target};

/// A boot image to make: how many MiB its files have, how many files they are, how many classes its SOFTWARE hive registers,
/// and how it is compressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    pub(super) size_mib: u32,
    pub(super) files: u32,
    pub(super) classes: u32,
    pub(super) compression: &'static str,
}

/// About 540 MiB with a hive of 6 MB, as a site's own boot image.
pub(super) const USUAL: Recipe = Recipe { size_mib: 780, files: 10_000, classes: 12_000, compression: "lzx" };
/// The same with a hive of 30 MB.
pub(super) const LARGE_HIVE: Recipe = Recipe { classes: 60_000, ..USUAL };
/// One that takes no time.
pub(super) const QUICK: Recipe = Recipe { size_mib: 60, files: 3000, ..USUAL };

/// Files that jobs find in `$B`.
pub(super) struct Inputs {
    pub(super) folder: PathBuf,
    pub(super) boot_image: PathBuf,
}

impl Inputs {
    /// Makes what is not there, in a folder of its own for each recipe.
    pub(super) fn make(recipe: Recipe) -> Result<Self, String> {
        let Recipe { size_mib, files, classes, compression } = recipe;
        let folder = target().join(format!("bench/{compression}-{size_mib}-{files}-{classes}"));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let inputs = Self { boot_image: folder.join("boot.PS100005.wim"), folder };
        if !inputs.boot_image.exists() {
            let unfinished = inputs.folder.join("unfinished.wim");
            let numbers = [size_mib, files, classes].map(|number| number.to_string());
            let mut make = command(target().join("release/fabricate"), &["boot-image", "--full-windows"]);
            make.args(["--compression", compression, "--size-mib", &numbers[0], "--files", &numbers[1]]);
            show_and_run(make.args(["--classes", &numbers[2], "--output", &text(&unfinished)]))?;
            fs::rename(unfinished, &inputs.boot_image).map_err(|error| error.to_string())?;
        }
        identity(&inputs.folder)?;
        Ok(inputs)
    }

    /// The same on another file system.
    pub(super) fn copy_to(&self, folder: &Path) -> Result<Self, String> {
        let copied = Self { folder: folder.to_owned(), boot_image: folder.join("boot.PS100005.wim") };
        fs::copy(&self.boot_image, &copied.boot_image).map_err(|error| error.to_string())?;
        identity(folder)?;
        Ok(copied)
    }

    /// What the peers are given, made by us because they have no way to: the folder of everything but the boot image, and
    /// the certificate as the registry editor exports it.
    pub(super) fn for_peers(&self) -> Done {
        let script = format!(
            "cd \"$B\"
            rm -rf media win merged.wim first.iso
            {create} --output first.iso
            7z x -y -omedia -xr!boot.wim first.iso
            mkdir -p media/sources win/boot
            for name in bootmgr boot/boot.sdi boot/etfsboot.com; do cp media/$name win/$name; done
            cp media/boot/BCD win/boot/bcd
            mkdir win/sources
            $T boot-image roots add boot.PS100005.wim root.cer --output merged.wim --force
            $T boot-image roots export merged.wim --as reg | iconv -f UTF-16 -t UTF-8 | tr -d '\\r' > root.reg
            rm merged.wim",
            create = super::jobs::CREATE,
        );
        quiet(&mut shell(&script, &[("B", &self.folder), ("T", &target().join("release/tsmedia"))]))
    }

    pub(super) fn len(&self) -> Result<u64, String> {
        fs::metadata(&self.boot_image).map(|facts| facts.len()).map_err(|error| error.to_string())
    }
}

/// A root certificate, passwords, and an identity that is imported: making keys takes longer than all else.
fn identity(folder: &Path) -> Done {
    let script = "cd \"$B\"
        echo 'gravel tangle mosaic hatchet provost' > password
        echo 'lantern orchid pebble summit quarry' > password-2
        if [ -e media.pfx ]; then exit; fi
        $F certificate --output root.cer
        openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out media.pem -days 3650 -subj /CN=Media \
            -addext extendedKeyUsage=clientAuth
        openssl pkcs12 -export -inkey key.pem -in media.pem -out media.pfx -passout pass:";
    quiet(&mut shell(script, &[("B", folder), ("F", &target().join("release/fabricate"))]))
}
