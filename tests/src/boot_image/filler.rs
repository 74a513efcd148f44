//! Thousands of further files at the places Windows keeps them, so that a boot image has its true shape and size.

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use super::portable_executable::{Subsystem, program};
use super::{Architecture, BUILD_TIME, BootImageRecipe, File, FileContent, Texture, security, tree};

/// Adds files until the recipe's number and size are reached.
pub(super) fn add(recipe: &BootImageRecipe, files: &mut Vec<File>) {
    let count = recipe.files.saturating_sub(files.len());
    let there: u64 = files.iter().map(|file| file.content.len()).sum();
    let mut random = ChaCha20Rng::seed_from_u64(recipe.seed ^ 0x5753_7846_696C_6C73);
    // Most files are small and few are large: sizes spread over a factor of a thousand.
    let weights: Vec<u64> = (0..count)
        .map(|_| (1 << (random.next_u32() % 10)) * u64::from(64 + random.next_u32() % 64))
        .collect();
    let (budget, weight) = (recipe.size.saturating_sub(there), weights.iter().sum::<u64>().max(1));
    let mut taken: BTreeSet<String> = files.iter().map(|file| file.path.to_uppercase()).collect();
    let first_group = files.iter().map(|file| file.link_group).max().unwrap_or(0) + 1;
    for (index, share) in weights.into_iter().enumerate() {
        let len = (u128::from(budget) * u128::from(share)).div_ceil(u128::from(weight)) as u64;
        let place = loop {
            let place = Place::random(&mut random, recipe.architecture);
            if taken.insert(place.path.to_uppercase()) {
                break place;
            }
        };
        let (content, seed) = (place.content(recipe, len, &mut random), random.next_u32());
        let mut made = tree::file(&place.path, content);
        made.security = if place.protected { security::TRUSTED_INSTALLER } else { security::ORDINARY };
        let age = u64::from(seed) * 10_000;
        made.times = [BUILD_TIME - age, BUILD_TIME, BUILD_TIME - age / 2];
        // Libraries of System32 are the files of the component store under a second name.
        if let Some(component) = place.component.filter(|_| index % 4 == 0 && count - index > 1) {
            let mut second = File { path: component, ..made.clone() };
            if taken.insert(second.path.to_uppercase()) {
                (made.link_group, second.link_group) =
                    (first_group + index as u64, first_group + index as u64);
                files.push(second);
            }
        }
        files.push(made);
    }
}

struct Place {
    path: String,
    kind: Kind,
    protected: bool,
    component: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Program(Subsystem),
    Font,
    Text,
    Signed,
}

impl Place {
    fn random(random: &mut ChaCha20Rng, architecture: Architecture) -> Self {
        let machine = match architecture {
            Architecture::X64 => "amd64",
            Architecture::X86 => "x86",
            Architecture::Arm64 => "arm64",
        };
        let (name, package) = (word(random), word(random));
        let number = random.next_u64();
        let component = format!(
            "{machine}_microsoft-windows-{package}_31bf3856ad364e35_10.0.26100.1742_none_{number:016x}"
        );
        let library = Kind::Program(Subsystem::Windows);
        let (path, kind, protected) = match random.next_u32() % 100 {
            0..35 => (format!("Windows/System32/{name}.dll"), library, true),
            35..43 => {
                (format!("Windows/System32/drivers/{name}.sys"), Kind::Program(Subsystem::Native), true)
            }
            43..55 => (format!("Windows/System32/en-US/{name}.dll.mui"), library, true),
            55..72 => {
                let folder = format!(
                    "Windows/System32/DriverStore/FileRepository/{package}.inf_{machine}_{number:016x}"
                );
                match random.next_u32() % 3 {
                    0 => (format!("{folder}/{package}.inf"), Kind::Text, false),
                    1 => (format!("{folder}/{package}.cat"), Kind::Signed, false),
                    _ => (format!("{folder}/{name}.sys"), Kind::Program(Subsystem::Native), false),
                }
            }
            72..84 => (format!("Windows/WinSxS/{component}/{name}.dll"), library, true),
            84..90 => (format!("Windows/WinSxS/Manifests/{component}.manifest"), Kind::Text, true),
            90..93 => (format!("Windows/servicing/Packages/Package-{name}-{package}.mum"), Kind::Text, true),
            93..95 => (format!("Windows/System32/CatRoot/{number:016X}/{name}.cat"), Kind::Signed, true),
            95..98 => (format!("Windows/INF/{name}.inf"), Kind::Text, false),
            _ => (format!("Windows/Fonts/{name}.ttf"), Kind::Font, false),
        };
        let in_system = path.starts_with("Windows/System32/") && kind == library && !path.ends_with(".mui");
        let component = in_system.then(|| format!("Windows/WinSxS/{component}/{name}.dll"));
        Self { path, kind, protected, component }
    }

    fn content(&self, recipe: &BootImageRecipe, len: u64, random: &mut ChaCha20Rng) -> FileContent {
        let head = match self.kind {
            Kind::Program(subsystem) => program(recipe.architecture, subsystem, self.path.as_bytes()),
            Kind::Font => b"\0\x01\0\0\0\x12\x01\0".to_vec(),
            Kind::Text => b"\xEF\xBB\xBF; fabricated\r\n".to_vec(),
            Kind::Signed => b"\x30\x82\x20\x00\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02".to_vec(),
        };
        let texture = match (self.kind, random.next_u32() % 10) {
            (Kind::Text, _) | (_, 0..2) => Texture::Code,
            (_, 2) => Texture::Mixed,
            _ => Texture::Random,
        };
        FileContent::filled(head, len, random.next_u64(), texture)
    }
}

fn word(random: &mut ChaCha20Rng) -> String {
    const SYLLABLES: [&str; 24] = [
        "net", "ms", "dx", "wm", "api", "sec", "crypt", "dev", "usb", "stor", "core", "ui", "shell", "prov",
        "svc", "kb", "disp", "aud", "log", "reg", "iso", "time", "fs", "ole",
    ];
    let count = 3 + random.next_u32() % 2;
    let syllables: Vec<&str> =
        (0..count).map(|_| SYLLABLES[random.next_u32() as usize % SYLLABLES.len()]).collect();
    format!("{}{}", syllables.concat(), random.next_u32() % 100)
}
