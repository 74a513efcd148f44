//! Names: what is allowed, which are the same, and the short name behind a long one.

use std::collections::{HashMap, HashSet};

use super::NameProblem;

/// UTF-16 units in the longest long name (fatgen103, "Long Name Directory Entries").
const LONGEST_NAME: usize = 255;

/// A short name as a folder holds it: 8 bytes and 3, filled up with spaces.
pub(super) type ShortName = [u8; 11];

/// Whether a long name can be written and Windows can open it.
pub(super) fn check(name: &str) -> Result<(), NameProblem> {
    let units = name.encode_utf16().count();
    if units == 0 {
        return Err(NameProblem::Empty);
    }
    if units > LONGEST_NAME {
        return Err(NameProblem::TooLong { units, limit: LONGEST_NAME });
    }
    if let Some(wrong) = name.chars().find(|&found| found < ' ' || r#""*/:<>?\|"#.contains(found)) {
        return Err(NameProblem::Character(wrong));
    }
    if name.ends_with(['.', ' ']) {
        return Err(NameProblem::TrailingDotOrSpace);
    }
    if is_device(name) { Err(NameProblem::Device) } else { Ok(()) }
}

/// Windows takes these for devices in every folder, whatever follows the first dot ("Naming Files, Paths, and
/// Namespaces", Microsoft Learn).
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")).unwrap_or_default();
    matches!(number, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
}

/// The 11 bytes of a volume label; `NO NAME` stands for none.
pub(super) fn label(text: &str) -> Result<ShortName, NameProblem> {
    if text.is_empty() {
        return Ok(*b"NO NAME    ");
    }
    // Lower case is left out on purpose: DOS-descended readers, the boot manager among them, do not expect it.
    let allowed =
        |found: char| matches!(found, 'A'..='Z' | '0'..='9' | ' ') || "$%'-_@~`!(){}^#&".contains(found);
    if let Some(wrong) = text.chars().find(|&found| !allowed(found)) {
        return Err(NameProblem::Character(wrong));
    }
    if text.starts_with(' ') {
        return Err(NameProblem::Character(' '));
    }
    if text.len() > 11 {
        return Err(NameProblem::TooLong { units: text.len(), limit: 11 });
    }
    let mut out = [b' '; 11];
    out[..text.len()].copy_from_slice(text.as_bytes());
    Ok(out)
}

/// A name as names are compared: one unit at a time in upper case, as the upcase table of Windows does it. A letter
/// whose upper case is several letters (`ß`) stays itself.
pub(super) fn folded(name: &str) -> String {
    name.chars()
        .map(|letter| {
            let mut upper = letter.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                _ => letter,
            }
        })
        .collect()
}

/// The short names of one folder.
#[derive(Debug, Default)]
pub(super) struct ShortNames {
    taken: HashSet<ShortName>,
    /// The last number used behind a stem, so that a folder of many alike names is not searched for each.
    numbers: HashMap<ShortName, u32>,
}

impl ShortNames {
    /// Keeps the short names of all names that are short ones themselves from being given to others.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self { taken: names.filter_map(exact).collect(), numbers: HashMap::new() }
    }

    /// The short name for `name`, and whether a long name is needed beside it.
    pub(super) fn assign(&mut self, name: &str) -> (ShortName, bool) {
        if let Some(short) = exact(name) {
            let lower_case = name.bytes().any(|byte| byte.is_ascii_lowercase());
            return (short, lower_case);
        }
        let (stem, extension) = basis(name);
        let mut key = [b' '; 11];
        key[..stem.len().min(6)].copy_from_slice(&stem[..stem.len().min(6)]);
        key[8..8 + extension.len()].copy_from_slice(&extension);
        let number = self.numbers.entry(key).or_insert(0);
        // At most LARGEST_FOLDER names are in a folder, so a number of five digits is always found.
        loop {
            *number += 1;
            let tail = format!("~{number}");
            let kept = stem.len().min(8 - tail.len());
            let mut short = [b' '; 11];
            short[..kept].copy_from_slice(&stem[..kept]);
            short[kept..kept + tail.len()].copy_from_slice(tail.as_bytes());
            short[8..8 + extension.len()].copy_from_slice(&extension);
            if self.taken.insert(short) {
                return (short, true);
            }
        }
    }
}

/// The short form of a name that is one, but for lower case.
fn exact(name: &str) -> Option<ShortName> {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let fits = (1..=8).contains(&stem.len())
        && extension.len() <= 3
        && !name.ends_with('.')
        && stem.bytes().chain(extension.bytes()).all(is_short_character);
    let mut short = [b' '; 11];
    for (place, byte) in short.iter_mut().zip(stem.bytes()).filter(|_| fits) {
        *place = byte.to_ascii_uppercase();
    }
    for (place, byte) in short[8..].iter_mut().zip(extension.bytes()).filter(|_| fits) {
        *place = byte.to_ascii_uppercase();
    }
    fits.then_some(short)
}

/// The letters a short name is made from (fatgen103, "The Basis-Name Generation Algorithm").
fn basis(name: &str) -> (Vec<u8>, Vec<u8>) {
    let name = name.trim_start_matches(['.', ' ']);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let letters = |text: &str, most: usize| -> Vec<u8> {
        let kept = text.chars().filter(|letter| !matches!(letter, ' ' | '.'));
        let byte = |letter: char| u8::try_from(letter).ok().filter(|&byte| is_short_character(byte));
        kept.map(|letter| byte(letter).unwrap_or(b'_').to_ascii_uppercase()).take(most).collect()
    };
    let stem = letters(stem, 8);
    (if stem.is_empty() { b"_".to_vec() } else { stem }, letters(extension, 3))
}

fn is_short_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"$%'-_@~`!(){}^#&".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(names: &mut ShortNames, name: &str) -> (String, bool) {
        let (short, long) = names.assign(name);
        (String::from_utf8_lossy(&short).into_owned(), long)
    }

    #[test]
    fn short_names_follow_the_specification() {
        let all = ["BOOT.WIM", "foobar~1.txt", "bootmgr"];
        let mut names = ShortNames::new(all.into_iter());
        assert_eq!(short(&mut names, "BOOT.WIM"), ("BOOT    WIM".into(), false));
        assert_eq!(short(&mut names, "bootmgr"), ("BOOTMGR    ".into(), true));
        assert_eq!(
            short(&mut names, "foobarbaz.txt"),
            ("FOOBAR~2TXT".into(), true),
            "~1 belongs to another file"
        );
        assert_eq!(short(&mut names, "foobarbaz.text"), ("FOOBAR~1TEX".into(), true));
        assert_eq!(short(&mut names, ".config"), ("CONFIG~1   ".into(), true));
        assert_eq!(short(&mut names, "a.b.c"), ("AB~1    C  ".into(), true));
        assert_eq!(short(&mut names, "a b"), ("AB~1       ".into(), true));
        assert_eq!(short(&mut names, "日本語.txt"), ("___~1   TXT".into(), true));
        assert_eq!(short(&mut names, "x+y=z.md"), ("X_Y_Z~1 MD ".into(), true));
    }

    #[test]
    fn ten_thousand_alike_names_stay_apart() {
        let mut names = ShortNames::default();
        let mut seen = HashSet::new();
        for number in 0..10_000 {
            assert!(seen.insert(names.assign(&format!("Microsoft-Windows-{number}.cat")).0));
        }
        assert!(seen.contains(b"MI~10000CAT".as_slice().first_chunk::<11>().expect("11 bytes")));
    }

    #[test]
    fn names_windows_cannot_open_are_refused() {
        assert_eq!(check("boot.wim"), Ok(()));
        assert_eq!(check(&"é".repeat(255)), Ok(()));
        assert_eq!(check(&"🔑".repeat(127)), Ok(()));
        assert_eq!(check(&"🔑".repeat(128)), Err(NameProblem::TooLong { units: 256, limit: 255 }));
        assert_eq!(check(""), Err(NameProblem::Empty));
        assert_eq!(check("a:b"), Err(NameProblem::Character(':')));
        assert_eq!(check("a\u{1F}"), Err(NameProblem::Character('\u{1F}')));
        for name in [".", "..", "a.", "a ", " "] {
            assert_eq!(check(name), Err(NameProblem::TrailingDotOrSpace), "{name:?}");
        }
        for name in ["con", "NUL.txt", "Com1", "lpt9.tar.gz", "aux .x", "COM²"] {
            assert_eq!(check(name), Err(NameProblem::Device), "{name:?}");
        }
        for name in ["console", "COM10", "COM", "nul1", "xcon"] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn labels_are_checked() {
        assert_eq!(label("CFGMGR 2503"), Ok(*b"CFGMGR 2503"));
        assert_eq!(label(""), Ok(*b"NO NAME    "));
        assert_eq!(label("TWELVE BYTES"), Err(NameProblem::TooLong { units: 12, limit: 11 }));
        assert_eq!(label("lower"), Err(NameProblem::Character('l')));
        assert_eq!(label("A.B"), Err(NameProblem::Character('.')));
        assert_eq!(label(" A"), Err(NameProblem::Character(' ')));
    }

    #[test]
    fn folding_is_letter_by_letter() {
        assert_eq!(folded("Straße"), "STRAßE");
        assert_eq!(folded("ÉTÉ.wim"), folded("été.WIM"));
    }
}
