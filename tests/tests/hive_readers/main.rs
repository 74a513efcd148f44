//! Real hives, edited by us and read by others before and after: what was edited is as meant, and nothing else changed.
#![allow(clippy::panic)]

mod readers;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use media_core::hive::{ADMINISTRATORS_AND_SYSTEM, Hive, HiveError, KeyId, Version};
use media_core::media::roots;
use media_core::media::store::{Store, TrustedCertificate};
use media_core::time::Timestamp;
use media_tests::{corpora, medium, referee};
use readers::{Key, READERS, Reader, Reading};
use tempfile::TempDir;

/// What a reader does not see in a hive *before* it is edited; by reader, hive and what it says.
const LIMITATIONS: &[(&str, &str, &str)] = &[
    // It leaves out values of type 0x200000.
    ("regipy", "regipy/SYSTEM_B", "35595 of 35595 keys, 78869 of 78901 values"),
];

/// What hivexregedit ends at before anything is edited: a differencing hive's value that is not there, and names that are
/// half of a surrogate pair.
const UNREAD_BY_HIVEX: [&str; 3] = ["yarp/System_Delta", "yarp/TruncatedPairHive", "yarp/TruncatedPairHive2"];

#[test]
fn others_read_what_was_edited_and_find_the_rest_unchanged() {
    let folder = TempDir::new().expect("a temporary folder");
    let cases: Vec<Case> =
        hives().into_iter().map(|(name, hive)| Case::new(name, hive, folder.path())).collect();
    let paths: Vec<PathBuf> = cases.iter().flat_map(|case| case.states.clone()).collect();
    for reader in &READERS {
        let Some(readings) = (reader.read)(&paths) else { continue };
        let mut limitations = Vec::new();
        for (case, readings) in cases.iter().zip(readings.chunks(3)) {
            if let Some(problem) = case.limitation(&readings[0]) {
                limitations.push((reader.name, case.name.as_str(), problem));
            }
            // What it does see has to stay.
            if let Ok(before) = &readings[0] {
                case.compare(reader, before, &readings[1], &readings[2]);
            }
        }
        let there = |name: &str| cases.iter().any(|case| case.name == name);
        let known = LIMITATIONS.iter().filter(|known| known.0 == reader.name && there(known.1));
        let known: Vec<_> = known.copied().collect();
        let found: Vec<_> =
            limitations.iter().map(|(reader, hive, problem)| (*reader, *hive, problem.as_str())).collect();
        assert_eq!(found, known, "{} reads all others", reader.name);
    }
}

/// hivexregedit shows keys and values, no times: what it shows of a hive it shows after the edit too, and after its undoing
/// nothing else.
#[test]
fn hivex_shows_the_rest_unchanged() {
    let folder = TempDir::new().expect("a temporary folder");
    let (mut unread, mut names) = (Vec::new(), Vec::new());
    for (name, hive) in hives() {
        names.push(name.clone());
        let case = Case::new(name, hive, folder.path());
        let mut exports = Vec::new();
        for state in &case.states {
            let arguments = ["--export", &state.display().to_string(), r"\"];
            let Some(verdict) = referee::run("hivexregedit", arguments) else { return };
            exports.push(verdict);
        }
        if exports[0].code != Some(0) {
            unread.push(case.name);
            continue;
        }
        let texts: Vec<String> = exports.into_iter().map(|verdict| verdict.success().text()).collect();
        let [before, edited, removed] = &texts[..] else { panic!("a hive has three states") };
        assert!(before == removed, "{}: undone, it is not as it was", case.name);
        let mut rest = edited.lines();
        let lost = before.lines().find(|line| !rest.by_ref().any(|other| other == *line));
        assert_eq!(lost, None, "{}", case.name);
        let keys = |export: &str| export.lines().filter(|line| line.starts_with('[')).count();
        assert_eq!(keys(edited), keys(before) + case.added.len(), "{}", case.name);
    }
    let known: Vec<&str> =
        UNREAD_BY_HIVEX.into_iter().filter(|known| names.iter().any(|name| name == known)).collect();
    assert_eq!(unread, known, "it reads all others");
}

/// Every real hive that we read, those that were not closed completed from their logs; and two with 5,000 subkeys.
fn hives() -> Vec<(String, Hive)> {
    let mut hives = Vec::new();
    for (name, version) in [("1.3", Version::V1_3), ("1.5", Version::V1_5)] {
        let mut hive = Hive::create(version, "Root", &ADMINISTRATORS_AND_SYSTEM, time(0)).expect("a hive");
        // 7919 has no factor in common with 5000: every number once, in no order.
        for number in (0..5000).map(|number| number * 7919 % 5000) {
            let name =
                if number % 3 == 0 { format!("Schlüssel Ж{number}") } else { format!("Key {number}") };
            hive.create_key(&format!("Many\\{name}"), time(1)).expect("a key");
        }
        hives.push((format!("5,000 subkeys, version {name}"), hive));
    }
    let (Some(files), Some(stores), Some(root)) =
        (corpora::files("hives"), corpora::files("bcd"), corpora::path("."))
    else {
        return hives;
    };
    for path in files.iter().chain(&stores) {
        let log = |suffix: &str| {
            let folder = path.parent().expect("it is in one");
            let name = format!("{}{suffix}", path.file_name().expect("it has one").to_string_lossy());
            let mut beside = files.iter().filter(|file| file.parent() == Some(folder));
            let log = beside.find(|file| {
                file.file_name().is_some_and(|file| file.to_string_lossy().eq_ignore_ascii_case(&name))
            });
            log.map(|log| fs::read(log).expect("it can be read")).unwrap_or_default()
        };
        let bytes = fs::read(path).expect("it can be read");
        let opened = Hive::open_with_logs(bytes, &[&log(".LOG1"), &log(".LOG2")]);
        // What is refused, and why, is known elsewhere; so is what cannot be read.
        if let Ok(hive) = opened
            && counts(&hive).is_ok()
        {
            let name = path.strip_prefix(root.join("hives")).unwrap_or(path);
            let name = name.strip_prefix(root.join("bcd")).unwrap_or(name);
            hives.push((name.display().to_string(), hive));
        }
    }
    assert_eq!(hives.len(), 58, "as many as there are");
    hives
}

/// How many keys and values a hive has, as we read it.
fn counts(hive: &Hive) -> Result<(usize, usize), HiveError> {
    let (mut keys, mut values) = (0, 0);
    let mut waiting = vec![hive.root()];
    while let Some(key) = waiting.pop() {
        keys += 1;
        for value in hive.values(key)? {
            let _ = hive.value(key, &value.name)?;
            values += 1;
        }
        waiting.extend(hive.subkeys(key)?.into_iter().map(|(_, key)| key));
    }
    Ok((keys, values))
}

/// A hive before, with something added, and with that removed again.
struct Case {
    name: String,
    states: [PathBuf; 3],
    counts: (usize, usize),
    added: Vec<Added>,
    /// The keys that were there and got a subkey or a value.
    touched: BTreeSet<String>,
}

/// A key that was added, with all of its values.
struct Added {
    path: String,
    values: Vec<(String, u32, Vec<u8>)>,
}

const VALUE: (&str, u32, [u8; 3]) = ("Added Ж", 3, [1, 2, 3]);

impl Case {
    fn new(name: String, before: Hive, folder: &Path) -> Self {
        let (counts, mut hive) = (counts(&before).expect("it was read"), before.clone());
        edit(&mut hive).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut added = Vec::new();
        let mut touched = BTreeSet::from([String::new()]);
        collect(&before, &hive, hive.root(), "", &mut added, &mut touched);
        assert!(added.len() >= 25, "{name}: 23 keys and a key for each certificate");
        let mut removed = hive.clone();
        for key in &added {
            // What was below one that is gone already is gone too.
            if let Some(key) = removed.find(&key.path).expect("it is sound") {
                removed.delete_key(key, time(3)).expect("it can go");
            }
        }
        let _ = removed.delete_value(removed.root(), VALUE.0, time(3)).expect("it can go");
        let stem = name.replace('/', "-");
        let states = [("before", before), ("edited", hive), ("removed", removed)].map(|(state, hive)| {
            let path = folder.join(format!("{stem}.{state}"));
            fs::write(&path, hive.into_bytes()).expect("it can be written");
            path
        });
        Self { name, states, counts, added, touched }
    }

    /// What a reader does not see although nothing was edited yet.
    fn limitation(&self, reading: &Reading) -> Option<String> {
        let keys = match reading {
            Ok(keys) => keys,
            Err(error) => return Some(error.clone()),
        };
        let found = (keys.len(), keys.iter().map(|key| key.values.len()).sum());
        let (keys, values) = self.counts;
        (found != self.counts).then(|| format!("{} of {keys} keys, {} of {values} values", found.0, found.1))
    }

    fn compare(&self, reader: &Reader, before: &[Key], edited: &Reading, removed: &Reading) {
        let Self { name, .. } = self;
        let what = format!("{} reads {name}", reader.name);
        let edited = edited.as_ref().unwrap_or_else(|error| panic!("{what}, edited: {error}"));
        let removed = removed.as_ref().unwrap_or_else(|error| panic!("{what}, removed: {error}"));
        // Only the time of a key that got a subkey or a value changes.
        let with_time = |time: Timestamp| {
            let mut keys = before.to_vec();
            for key in keys.iter_mut().filter(|key| self.touched.contains(&key.path)) {
                key.time = time.filetime();
            }
            keys
        };
        same(&what, &with_time(time(3)), removed);

        let path = |path: &str| -> String {
            path.split('\\').skip(1).map(|name| format!("\\{}", (reader.key_name)(name))).collect()
        };
        let expected: Vec<Key> =
            self.added.iter().map(|added| self.expected(reader, added, before)).collect();
        let paths: BTreeSet<String> = self.added.iter().map(|added| path(&added.path)).collect();
        let (new, mut rest): (Vec<Key>, Vec<Key>) =
            edited.iter().cloned().partition(|key| paths.contains(&key.path));
        let expected: Vec<Key> =
            expected.into_iter().map(|key| Key { path: path(&key.path), ..key }).collect();
        same(&what, &expected, &new);
        let last = rest[0].values.pop().expect("the root got a value");
        assert_eq!(last, (reader.value)(VALUE.0, VALUE.1, &VALUE.2), "{what}");
        same(&what, &with_time(time(2)), &rest);
    }

    /// What a reader should say of a key that was added: its security descriptor is that of the key above.
    fn expected(&self, reader: &Reader, added: &Added, before: &[Key]) -> Key {
        let mut above = added.path.as_str();
        while self.added.iter().any(|other| other.path == above) {
            above = above.rsplit_once('\\').map_or("", |(above, _)| above);
        }
        let above = before.iter().find(|key| key.path == above).expect("the root at least");
        let values =
            added.values.iter().map(|(name, kind, data)| (reader.value)(name, *kind, data)).collect();
        let security = above.security.clone();
        Key { path: added.path.clone(), time: time(2).filetime(), class: String::new(), security, values }
    }
}

/// Two certificates, and keys and values of every kind of name and every way to store data.
fn edit(hive: &mut Hive) -> Result<(), HiveError> {
    let key = hive.create_key("Made by a test\\Schlüssel Ж", time(2))?;
    let text: Vec<u8> = "Ж and text\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, kind, data) in [
        ("", 1, text),
        ("number", 4, vec![1, 2, 3, 4]),
        ("Wert Ж", 3, vec![7; 300]),
        ("Wert ä", 3, Vec::new()),
        ("largest in one cell", 3, vec![8; 16_344]),
        ("large", 3, (0..40_000).map(|at: u32| (at % 251) as u8).collect()),
    ] {
        let _ = hive.set_value(key, name, kind, &data, time(2))?;
    }
    for number in (0..20).map(|number| number * 7 % 20) {
        hive.create_key(&format!("Made by a test\\Zürich\\Key {number}"), time(2))?;
    }
    let _ = hive.set_value(hive.root(), VALUE.0, VALUE.1, &VALUE.2, time(2))?;
    let trusted = [(Store::AuthRoot, "Contoso Root CA"), (Store::Ca, "Contoso Issuing CA")]
        .map(|(store, name)| TrustedCertificate::new(store, medium::root_certificate(name)));
    roots::add_to(hive, &trusted, time(2)).unwrap_or_else(|error| panic!("{error}"));
    Ok(())
}

/// The keys that only the edited hive has, in its order, and those above them that were there.
fn collect(
    before: &Hive,
    edited: &Hive,
    key: KeyId,
    path: &str,
    added: &mut Vec<Added>,
    touched: &mut BTreeSet<String>,
) {
    for (name, key) in edited.subkeys(key).expect("it is sound") {
        let below = format!("{path}\\{name}");
        // A name that is no UTF-16 cannot be looked for, and is none of ours.
        if !below.contains('\u{fffd}') && before.find(&below).expect("it is sound").is_none() {
            if !added.iter().any(|added| added.path == path) {
                touched.insert(path.to_owned());
            }
            let values = edited.values(key).expect("it is sound").into_iter().map(|info| {
                let value = edited.value(key, &info.name).expect("it is sound").expect("it is listed");
                (info.name, value.kind, value.data)
            });
            added.push(Added { path: below.clone(), values: values.collect() });
        }
        collect(before, edited, key, &below, added, touched);
    }
}

#[track_caller]
fn same(what: &str, expected: &[Key], found: &[Key]) {
    for (expected, found) in expected.iter().zip(found) {
        assert_eq!(expected, found, "{what}");
    }
    assert_eq!(expected.len(), found.len(), "{what}");
}

fn time(number: i64) -> Timestamp {
    Timestamp::from_unix(1_700_000_000 + number)
}
