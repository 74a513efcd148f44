#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;

#[test]
fn a_new_hive_is_clean() {
    let time = Timestamp::from_unix(1_700_000_000);
    let mut hive = Hive::create(Version::V1_3, "Root", &ADMINISTRATORS_AND_SYSTEM, time).unwrap();
    let key = hive.create_key("A\\B", time).unwrap();
    hive.set_value(key, "x", 1, b"hello world", time).unwrap();
    let bytes = hive.into_bytes();
    assert_eq!(check(&bytes), []);
}

#[test]
#[ignore]
fn probe() {
    for path in std::env::args().skip(3) { eprintln!("{path}"); }
    let list = std::env::var("PROBE").unwrap();
    for path in list.split_whitespace() {
        let bytes = std::fs::read(path).unwrap();
        let f = check(&bytes);
        let mut ids: std::collections::BTreeMap<&str, usize> = Default::default();
        for x in &f { *ids.entry(x.id).or_default() += 1; }
        eprintln!("{path}\n   open: {:?}\n   check: {ids:?} {:?}", Hive::open(bytes).map(|_| ()), f.iter().take(3).collect::<Vec<_>>());
    }
}
