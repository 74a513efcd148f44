//! Real hives, most of them written by Windows, some damaged on purpose.

use super::*;

/// What each file is: clean, or with these findings of its own, or refused with this error.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Clean,
    /// Opens; some keys or values of it cannot be read when `readable` is not set.
    Found {
        ids: &'static [&'static str],
        readable: bool,
    },
    Refused(&'static str),
}

use Verdict::{Clean, Refused};

const fn found(ids: &'static [&'static str]) -> Verdict {
    Verdict::Found { ids, readable: true }
}

const fn damaged(ids: &'static [&'static str]) -> Verdict {
    Verdict::Found { ids, readable: false }
}

const FILES: &[(&str, Verdict)] = &[
    ("bcd/regipy-BCD", Clean),
    ("bcd/zimmerman-BCD", Clean),
    ("hives/nt-hive/testhive", Clean),
    ("hives/python-registry/REORGANIZED_VALUES_TESTS", Clean),
    ("hives/python-registry/UNICODE_TESTS", Clean),
    ("hives/python-registry/issue22.hive", Clean),
    ("hives/regipy/SYSTEM_B", Refused("Dirty")),
    ("hives/regipy/UsrClass.dat", Refused("Dirty")),
    ("hives/regipy/corrupted_system_hive", Refused("Signature")),
    ("hives/regipy/ntuser_software_partial", Clean),
    ("hives/regipy/transactions_NTUSER.DAT", Refused("Dirty")),
    ("hives/yarp/BadBaseBlockHive/BadBaseBlockHive", Refused("Checksum")),
    (
        "hives/yarp/BadListHive",
        found(&["hive.security-count", "hive.shared", "hive.subkey-count", "hive.unused"]),
    ),
    ("hives/yarp/BadLogHive1/BadLogHive", Refused("Dirty")),
    ("hives/yarp/BadLogHive2/BadLogHive", Refused("Dirty")),
    ("hives/yarp/BadLogHive3/BadLogHive", Refused("Dirty")),
    ("hives/yarp/BadSubkeyHive", found(&["hive.security-count", "hive.shared", "hive.unused"])),
    ("hives/yarp/BigDataHive", Clean),
    ("hives/yarp/BogusKeyNamesHive", Clean),
    ("hives/yarp/CompHive", found(&["hive.hint"])),
    ("hives/yarp/DeletedDataHive", Clean),
    ("hives/yarp/DeletedDataHiveTruncated", damaged(&["hive.reference", "hive.unused"])),
    ("hives/yarp/DeletedTreeHive", Clean),
    ("hives/yarp/DeletedTreeNoRootFlagHive", Clean),
    ("hives/yarp/DeletedTreePartialPathHive", Clean),
    ("hives/yarp/DupNameHive", Clean),
    ("hives/yarp/DuplicateSubkeysHive", found(&["hive.order"])),
    ("hives/yarp/EffectiveSizeHive", Refused("Checksum")),
    ("hives/yarp/EmptyHive", Clean),
    ("hives/yarp/ExtendedASCIIHive", Clean),
    ("hives/yarp/GarbageHive", Refused("Checksum")),
    ("hives/yarp/HealedHive", found(&["hive.security-count", "hive.unused"])),
    ("hives/yarp/InvalidParentFragment", Refused("Signature")),
    ("hives/yarp/InvalidParentHive", found(&["hive.parent"])),
    ("hives/yarp/ManySubkeysHive", Clean),
    ("hives/yarp/MultiSzHive", Clean),
    ("hives/yarp/NewDirtyHive1/NewDirtyHive", Refused("Dirty")),
    ("hives/yarp/NewDirtyHive1/RecoveredHive_Windows10", found(&["hive.unused"])),
    ("hives/yarp/NewDirtyHive2/NewDirtyHive", Refused("Dirty")),
    ("hives/yarp/NewFlagsHive", Clean),
    ("hives/yarp/OffHive", Clean),
    ("hives/yarp/OldDirtyHive/OldDirtyHive", Refused("Dirty")),
    ("hives/yarp/OldDirtyHive/RecoveredHive_Windows7", Clean),
    ("hives/yarp/OldLogWithRemnantData", Refused("Field")),
    ("hives/yarp/PairHive", Clean),
    ("hives/yarp/ReallocValueDataHive", Clean),
    ("hives/yarp/ReallocValueHive", Clean),
    ("hives/yarp/RemnantData", Clean),
    ("hives/yarp/RemnantsHive", Clean),
    ("hives/yarp/SlackHive", Clean),
    ("hives/yarp/SqliteFragment", Refused("Signature")),
    ("hives/yarp/SqliteHive", Clean),
    ("hives/yarp/StringValuesHive", Clean),
    ("hives/yarp/System_Delta", Clean),
    ("hives/yarp/TruncatedDirtyHive", Refused("Dirty")),
    ("hives/yarp/TruncatedHive", Refused("Field")),
    ("hives/yarp/TruncatedHiveBin", Refused("Truncated")),
    ("hives/yarp/TruncatedNameHive", damaged(&["hive.reference", "hive.security-count", "hive.unused"])),
    ("hives/yarp/TruncatedPairHive", Clean),
    ("hives/yarp/TruncatedPairHive2", Clean),
    ("hives/yarp/TwoOwnersHive", Clean),
    ("hives/yarp/UnicodeHive", Clean),
    ("hives/yarp/UpcaseHive", Clean),
    ("hives/yarp/ValuesOrderHive", Clean),
    ("hives/yarp/WrongOrderHive", found(&["hive.order"])),
    ("hives/zimmerman/NotAHive", Refused("Signature")),
    ("hives/zimmerman/SAMBadHBinHeader", Refused("Signature")),
    ("hives/zimmerman/SAM_DUPENAME", Clean),
    ("hives/zimmerman/SAM_RootValue", Clean),
    ("hives/zimmerman/SAM_hasBigEndianDWord", Clean),
    ("hives/zimmerman/SECURITYNoRoot", Clean),
    ("hives/zimmerman/UsrClassDeletedBags.dat", Clean),
];

fn ids(bytes: &[u8]) -> Vec<&'static str> {
    let mut ids: Vec<_> = errors(bytes).into_iter().map(|finding| finding.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[test]
fn every_hive_is_what_it_is_known_to_be() {
    let Some(corpora) = std::env::var_os("TSMEDIA_CORPORA") else {
        eprintln!("skipped: TSMEDIA_CORPORA is not set");
        return;
    };
    for (name, verdict) in FILES {
        let bytes =
            std::fs::read(std::path::Path::new(&corpora).join(name)).expect("the corpora have this file");
        match (Hive::open(bytes.clone()), verdict) {
            (Err(error), Refused(kind)) => {
                assert!(format!("{error:?}").starts_with(kind), "{name}: {error:?}");
                assert!(!errors(&bytes).is_empty(), "{name}: refused, so not clean");
            }
            (Ok(hive), Clean) => {
                assert_eq!(ids(&bytes), [""; 0], "{name}");
                edit(name, hive, &bytes);
            }
            (Ok(hive), Verdict::Found { ids: expected, readable }) => {
                assert_eq!(ids(&bytes), *expected, "{name}");
                assert_eq!(everything(&hive).is_ok(), *readable, "{name}: {:?}", everything(&hive).err());
                if *readable {
                    edit(name, hive, &bytes);
                }
            }
            (opened, _) => panic!("{name}: {:?}, expected {verdict:?}", opened.map(|_| ())),
        }
    }
}

/// Edits a hive that can be read: nothing else in it changes, and it is as sound as it was.
fn edit(name: &str, hive: Hive, bytes: &[u8]) {
    assert_eq!(hive.clone().into_bytes(), bytes, "{name}: untouched");
    let mut before = everything(&hive).unwrap();
    let mut edited = hive.clone();
    let wanted = [("new Ключ", vec![1; 3]), ("", vec![2; 60]), ("large", vec![3; 30_000])];
    let key = match edited.create_key("Made by a test\\Ä", time()) {
        Ok(key) => key,
        // Only where the keys beside it are out of order; then nothing may have changed.
        Err(HiveError::Unsorted { .. }) => {
            assert_eq!(ids(bytes), ["hive.order"], "{name}");
            assert_eq!(edited.into_bytes(), bytes, "{name}");
            return;
        }
        Err(error) => panic!("{name}: {error}"),
    };
    for (value, data) in &wanted {
        assert_eq!(edited.set_value(key, value, 3, data, time()).unwrap(), Changed::Yes, "{name}");
    }
    let edited = edited.into_bytes();
    assert_eq!(ids(&edited), ids(bytes), "{name}: as sound as before");

    let mut reopened = Hive::open(edited).unwrap();
    let mut after = everything(&reopened).unwrap();
    let (_, values) = after.remove("\\Made by a test\\Ä").unwrap();
    let values: Vec<_> = values.iter().map(|(value, data)| (value.as_str(), data.data.clone())).collect();
    assert_eq!(values, wanted, "{name}");
    after.remove("\\Made by a test").unwrap();
    // The root has one subkey more and a new time; nothing else may differ.
    let root = &mut before.get_mut("").unwrap().0;
    root.subkeys += 1;
    root.filetime = time().filetime();
    assert!(before == after, "{name}: something else changed");

    let key = reopened.find("made by a TEST").unwrap().unwrap();
    reopened.delete_key(key, time()).unwrap();
    let deleted = reopened.into_bytes();
    assert_eq!(ids(&deleted), ids(bytes), "{name}: as sound as before");
    before.get_mut("").unwrap().0.subkeys -= 1;
    assert!(before == everything(&Hive::open(deleted).unwrap()).unwrap(), "{name}: not all came back");
}
