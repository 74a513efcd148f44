//! `cargo xtask setup`: installs the Debian packages that are missing, and says which and why before it does.

mod guest;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{Done, command, in_ci, is_installed, root, show_and_run, target};

/// A package, how to see that what it brings is there, and what for.
struct Package {
    name: &'static str,
    proof: Proof,
    why: &'static str,
}

enum Proof {
    Program(&'static str),
    /// One of these exists; `*` stands for any part of one name.
    File(&'static [&'static str]),
}

const BUILD: &[Package] = &[
    Package {
        name: "gcc",
        proof: Proof::Program("cc"),
        why: "compiles wimlib, which decompresses boot images",
    },
    Package { name: "make", proof: Proof::Program("make"), why: "builds wimlib" },
    Package {
        name: "libc6-dev",
        proof: Proof::File(&["/usr/include/stdio.h"]),
        why: "the C headers wimlib includes",
    },
    Package {
        name: "libclang1-14",
        proof: Proof::File(LIBCLANG),
        why: "reads wimlib's header to make its Rust bindings",
    },
    Package {
        name: "libclang-common-14-dev",
        proof: Proof::File(&[
            "/usr/lib/llvm-*/lib/clang/*/include/stddef.h",
            "/usr/lib/clang/*/include/stddef.h",
        ]),
        why: "the headers libclang brings itself",
    },
];

/// `libclang-cpp.so.14`, which comes with other packages, is another library: a number or `.so` follows the name.
const LIBCLANG: &[&str] = &[
    "/usr/lib/llvm-*/lib/libclang.so*",
    "/usr/lib/llvm-*/lib/libclang-1*.so*",
    "/usr/lib/llvm-*/lib/libclang-2*.so*",
    "/usr/lib/*-linux-gnu/libclang.so*",
    "/usr/lib/*-linux-gnu/libclang-1*.so*",
    "/usr/lib/*-linux-gnu/libclang-2*.so*",
];

const DEMO: &[Package] = &[
    Package {
        name: "openssl",
        proof: Proof::Program("openssl"),
        why: "makes the demonstration's root certificate",
    },
    Package { name: "grub-common", proof: Proof::Program("grub-mkstandalone"), why: GRUB },
    Package {
        name: "grub-efi-amd64-bin",
        proof: Proof::File(&["/usr/lib/grub/x86_64-efi/fat.mod"]),
        why: GRUB,
    },
];

const GRUB: &str = "makes the program that stands in for Microsoft's boot manager";

const REFEREES: &[Package] = &[
    Package { name: "dosfstools", proof: Proof::Program("fsck.fat"), why: "examines FAT32 volumes" },
    Package { name: "mtools", proof: Proof::Program("mcopy"), why: "reads FAT32 volumes back" },
    Package { name: "gdisk", proof: Proof::Program("sgdisk"), why: "examines GUID partition tables" },
    Package { name: "fdisk", proof: Proof::Program("sfdisk"), why: "examines MBR partition tables" },
    Package { name: "xorriso", proof: Proof::Program("xorriso"), why: "examines ISO 9660 and El Torito" },
    Package { name: "genisoimage", proof: Proof::Program("isoinfo"), why: "reads ISO 9660 and Joliet" },
    Package { name: "udftools", proof: Proof::Program("udfinfo"), why: "examines UDF" },
    Package { name: "p7zip-full", proof: Proof::Program("7z"), why: "reads ISO, UDF and WIM files" },
    Package { name: "wimtools", proof: Proof::Program("wimlib-imagex"), why: "verifies boot images" },
    Package { name: "libhivex-bin", proof: Proof::Program("hivexsh"), why: "reads registry hives" },
    Package {
        name: "libwin-hivex-perl",
        proof: Proof::Program("hivexregedit"),
        why: "exports registry hives",
    },
    Package {
        name: "osslsigncode",
        proof: Proof::Program("osslsigncode"),
        why: "signs stand-in boot managers",
    },
    Package { name: "qemu-system-x86", proof: Proof::Program("qemu-system-x86_64"), why: "boots the media" },
    Package {
        name: "busybox-static",
        proof: Proof::Program("busybox"),
        why: "the programs of the small Linux that sees QEMU's sticks",
    },
    Package { name: "mount", proof: Proof::Program("losetup"), why: "makes files look like disks" },
    Package {
        name: "ovmf",
        proof: Proof::File(&["/usr/share/OVMF/OVMF_CODE_4M.fd"]),
        why: "the UEFI firmware that boots the media",
    },
    Package {
        name: "seabios",
        proof: Proof::File(&["/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/bios-256k.bin"]),
        why: "the BIOS that boots the media",
    },
    Package {
        name: "grub-pc-bin",
        proof: Proof::File(&["/usr/lib/grub/i386-pc/fat.mod"]),
        why: "BIOS boot tests",
    },
    Package {
        name: "chromium",
        proof: Proof::Program("chromium"),
        why: "prints the letters that go with media",
    },
    Package {
        name: "poppler-utils",
        proof: Proof::Program("pdftoppm"),
        why: "looks at the letters that were printed",
    },
    Package {
        name: "xfsprogs",
        proof: Proof::Program("mkfs.xfs"),
        why: "a file system that shares blocks, for the bench",
    },
    Package { name: "strace", proof: Proof::Program("strace"), why: "sees what a run gives away" },
    Package { name: "time", proof: Proof::Program("time"), why: "measures how much memory a run takes" },
    Package {
        name: "python3",
        proof: Proof::Program("python3"),
        why: "runs packages that read what is written",
    },
    Package {
        name: "python3-venv",
        proof: Proof::File(&[
            "/usr/lib/python3*/ensurepip/__init__.py",
            "/usr/local/lib/python3*/ensurepip/__init__.py",
        ]),
        why: "keeps these packages inside target/venv",
    },
];

/// What is measured beside ours.
const PEERS: &[Package] = &[Package {
    name: "genimage",
    proof: Proof::Program("genimage"),
    why: "makes stick images, for the bench",
}];

pub fn run(arguments: &[String]) -> Done {
    match arguments {
        [] => build(),
        [option] if option == "--referees" => referees(),
        _ => Err("setup knows one option: --referees".into()),
    }
}

/// What building needs.
pub fn build() -> Done {
    install(&missing(&[BUILD]))
}

/// What the demonstration needs.
pub fn demo() -> Done {
    install(&missing(&[BUILD, DEMO]))
}

/// What the suites need.
pub fn referees() -> Done {
    install(&missing(&[BUILD, DEMO, REFEREES]))?;
    python_packages()?;
    guest::guest()
}

/// What the bench measures beside ours.
pub fn peers() -> Done {
    referees()?;
    install(&missing(&[PEERS]))
}

fn missing(lists: &[&'static [Package]]) -> Vec<&'static Package> {
    lists.iter().flat_map(|list| list.iter()).filter(|package| !is_there(&package.proof)).collect()
}

fn is_there(proof: &Proof) -> bool {
    match proof {
        Proof::Program(name) => is_installed(name),
        Proof::File(patterns) => patterns.iter().any(|pattern| any_matches(Path::new("/"), pattern)),
    }
}

/// Whether a file fits `pattern`, whose names may hold one or more `*` each.
fn any_matches(folder: &Path, pattern: &str) -> bool {
    let pattern = pattern.trim_start_matches('/');
    let (name, rest) = pattern.split_once('/').map_or((pattern, None), |(name, rest)| (name, Some(rest)));
    let candidates: Vec<PathBuf> = if name.contains('*') {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .filter(|entry| fits(&entry.file_name().to_string_lossy(), name))
            .map(|entry| entry.path())
            .collect()
    } else {
        vec![folder.join(name)]
    };
    candidates.iter().any(|path| rest.map_or_else(|| path.exists(), |rest| any_matches(path, rest)))
}

fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|left| {
            left.char_indices()
                .map(|(index, _)| index)
                .chain([left.len()])
                .any(|index| fits(&left[index..], rest))
        }),
    }
}

fn install(packages: &[&Package]) -> Done {
    if packages.is_empty() {
        return Ok(());
    }
    println!("These Debian packages are missing:");
    for package in packages {
        println!("  {:<24} {}", package.name, package.why);
    }
    let names = names(packages);
    let by_hand = || format!("install them yourself: apt-get install {}", names.join(" "));
    if !is_installed("apt-get") {
        return Err(format!(
            "this system has no apt-get, so the like of these must be installed by hand: {}",
            names.join(" ")
        ));
    }
    let sudo: &[&str] = match (is_root(), is_installed("sudo")) {
        (true, _) => &[],
        (false, true) => &["sudo"],
        (false, false) => {
            return Err(format!("only root may install packages, and there is no sudo; {}", by_hand()));
        }
    };
    apt(sudo, &["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(&names);
    apt(sudo, &arguments).map_err(|error| format!("{error}\n{}", by_hand()))?;
    let left: Vec<_> =
        packages.iter().filter(|package| !is_there(&package.proof)).map(|package| package.name).collect();
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("installed, but not what was expected of: {}", left.join(", ")))
    }
}

/// libclang's packages bear its version, which is 14 on Debian 12 and another one elsewhere.
fn names(packages: &[&Package]) -> Vec<&'static str> {
    let debian_12 =
        fs::read_to_string("/etc/os-release").is_ok_and(|text| text.contains("VERSION_CODENAME=bookworm"));
    let mut names: Vec<&str> = packages
        .iter()
        .map(|package| match package.name {
            "libclang1-14" | "libclang-common-14-dev" if !debian_12 => "libclang-dev",
            name => name,
        })
        .collect();
    names.dedup();
    names
}

fn apt(sudo: &[&str], arguments: &[&str]) -> Done {
    let words: Vec<&str> = sudo
        .iter()
        .copied()
        .chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .chain(arguments.iter().copied())
        .collect();
    show_and_run(&mut command(words[0], &words[1..]))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").stderr(Stdio::null()).output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// A package that is not in Debian 12: what its folder is called too, its version, and what for.
struct PythonPackage {
    name: &'static str,
    version: &'static str,
    why: &'static str,
}

const PYTHON: &[PythonPackage] = &[
    PythonPackage { name: "pycdlib", version: "1.14.0", why: "reads ISO and UDF" },
    PythonPackage { name: "cryptography", version: "50.0.2", why: "opens what is sealed, and PKCS#12" },
    PythonPackage { name: "regipy", version: "6.5.0", why: "reads registry hives" },
];

/// Keeps them inside `target/venv`; without a network they are skipped at home and missed in continuous integration.
fn python_packages() -> Done {
    let folder = target().join("venv");
    let is_there = |package: &PythonPackage| {
        let PythonPackage { name, version, .. } = package;
        any_matches(&folder, &format!("lib/python3*/site-packages/{name}-{version}.dist-info"))
    };
    let missing: Vec<&PythonPackage> = PYTHON.iter().filter(|package| !is_there(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("These are missing in {}:", folder.display());
    for package in &missing {
        println!("  {:<24} {}", package.name, package.why);
    }
    let venv = folder.display().to_string();
    let python = folder.join("bin/python").display().to_string();
    let pinned: Vec<String> =
        missing.iter().map(|package| format!("{}=={}", package.name, package.version)).collect();
    let mut install = vec!["-m", "pip", "install", "--quiet"];
    install.extend(pinned.iter().map(String::as_str));
    let made = show_and_run(&mut command("python3", &["-m", "venv", &venv]))
        .and_then(|()| show_and_run(&mut command(python, &install)));
    match made {
        Err(error) if !in_ci() => {
            eprintln!("without {} their checks are skipped: {error}", pinned.join(" and "));
            Ok(())
        }
        other => other,
    }
}

/// The folder of files that Windows wrote, where it lies beside the repository. Elsewhere the tests that read it are
/// skipped, in continuous integration too: the files may not be passed on.
pub fn corpora() -> Option<PathBuf> {
    let path = root().join("../shared/corpora").canonicalize().ok()?;
    path.is_dir().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        let is_libclang =
            |name| LIBCLANG.iter().any(|pattern| fits(name, pattern.rsplit('/').next().unwrap_or_default()));
        assert!(["libclang.so.1", "libclang-14.so.13", "libclang-21.so"].into_iter().all(is_libclang));
        assert!(!["libclang-cpp.so.14", "libclang.a"].into_iter().any(is_libclang));
        assert!(fits("llvm-14", "llvm-*"));
        assert!(!fits("llvm", "llvm-*"));
    }

    #[test]
    fn files_are_found_through_folders_of_any_name() {
        assert!(any_matches(&root(), "xtask/s*/set*.rs"));
        assert!(!any_matches(&root(), "xtask/s*/nothing*.rs"));
    }

    #[test]
    fn no_package_is_listed_twice() {
        let lists = [BUILD, DEMO, REFEREES, PEERS];
        let mut names: Vec<&str> =
            lists.iter().flat_map(|list| list.iter()).map(|package| package.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
