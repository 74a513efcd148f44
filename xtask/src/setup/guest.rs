//! A Linux kernel with the drivers of sticks, unpacked from Debian's package into `target/guest` and never installed: the
//! suites start it in QEMU.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Done, command, in_ci, show_and_run, target};

/// The drivers a machine with sticks needs, and the file system they are mounted with.
const DRIVERS: [&str; 8] =
    ["virtio_pci", "virtio_blk", "xhci-pci", "usb-storage", "sd_mod", "vfat", "nls_cp437", "nls_ascii"];
const PACKAGE: &str = "linux-image-amd64";

/// Gets the kernel; without a network it is skipped at home and missed in continuous integration.
pub fn guest() -> Done {
    let folder = target().join("guest");
    if folder.join("vmlinuz").is_file() {
        return Ok(());
    }
    println!("Debian's kernel is missing in {}: it sees the sticks that QEMU makes", folder.display());
    match unpack(&folder) {
        Err(error) if !in_ci() => {
            eprintln!("without it the tests on sticks in QEMU are skipped: {error}");
            Ok(())
        }
        other => other,
    }
}

fn unpack(folder: &Path) -> Done {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let tree = folder.join("tree");
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder.join("modules")).map_err(failed)?;
    show_and_run(command("apt-get", &["download", &newest()?]).current_dir(folder))?;
    let package = find(folder, &|name| name.ends_with(".deb")).ok_or("no package was downloaded")?;
    let (package, tree_name) = (package.display().to_string(), tree.display().to_string());
    show_and_run(&mut command("dpkg-deb", &["-x", &package, &tree_name]))?;
    let mut modules = BTreeMap::new();
    collect(&tree.join("lib/modules"), &mut modules);
    let mut ordered = Vec::new();
    for driver in DRIVERS {
        add(driver, &modules, &mut ordered)?;
    }
    for (number, name) in ordered.iter().enumerate() {
        let to = folder.join("modules").join(format!("{number:02}-{name}.ko"));
        fs::copy(&modules[name], to).map_err(failed)?;
    }
    let kernel =
        find(&tree.join("boot"), &|name| name.starts_with("vmlinuz")).ok_or("there is no kernel in it")?;
    fs::remove_file(package).map_err(failed)?;
    // The kernel comes last: where it is, everything is.
    fs::rename(kernel, folder.join("vmlinuz")).map_err(failed)?;
    fs::remove_dir_all(tree).map_err(failed)
}

/// The package that holds the newest kernel: [`PACKAGE`] only names it.
fn newest() -> Result<String, String> {
    let listed = command("apt-cache", &["depends", "--no-recommends", PACKAGE]).output();
    let listed = listed.map_err(|error| format!("apt-cache: {error}"))?;
    let text = String::from_utf8_lossy(&listed.stdout);
    let named = text.lines().find_map(|line| line.trim().strip_prefix("Depends: ").map(str::to_owned));
    named.ok_or_else(|| format!("apt-cache does not know {PACKAGE}"))
}

fn find(folder: &Path, is_it: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
    let mut entries = fs::read_dir(folder).ok()?.flatten();
    entries.find(|entry| is_it(&entry.file_name().to_string_lossy())).map(|entry| entry.path())
}

/// Every module by its name, in which a hyphen counts as an underscore.
fn collect(folder: &Path, modules: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, modules);
        } else if let Some(name) = entry.file_name().to_string_lossy().strip_suffix(".ko") {
            modules.insert(name.replace('-', "_"), path);
        }
    }
}

/// A module behind those it needs, which its section `.modinfo` names: `depends=usbcore,scsi_mod`.
fn add(name: &str, modules: &BTreeMap<String, PathBuf>, ordered: &mut Vec<String>) -> Done {
    let name = name.replace('-', "_");
    if ordered.contains(&name) {
        return Ok(());
    }
    // What is no module is in the kernel itself.
    let Some(path) = modules.get(&name) else { return Ok(()) };
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let needed = bytes.split(|byte| *byte == 0).find_map(|text| text.strip_prefix(b"depends="));
    for needed in
        String::from_utf8_lossy(needed.unwrap_or_default()).split(',').filter(|name| !name.is_empty())
    {
        add(needed, modules, ordered)?;
    }
    ordered.push(name);
    Ok(())
}
