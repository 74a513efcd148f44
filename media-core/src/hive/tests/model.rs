//! Random edits, compared with a plain map, with a clean check after each of them.

use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Edit {
    Create(Vec<usize>),
    Set(Vec<usize>, usize, u32, usize),
    DeleteValue(Vec<usize>, usize),
    DeleteKey(Vec<usize>),
    Reopen,
}

const NAMES: [&str; 8] = ["a", "Zürich", "ßs", "Ключ", "key with a longer name", "ǆ", "日本", "b!"];
const SIZES: [usize; 9] = [0, 1, 4, 5, 60, 400, 16_344, 16_345, 40_000];

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let path = || prop::collection::vec(0..NAMES.len(), 1..4);
    prop::collection::vec(
        prop_oneof![
            4 => path().prop_map(Edit::Create),
            6 => (path(), 0..NAMES.len(), 0..12u32, 0..SIZES.len()).prop_map(|(path, name, kind, size)| Edit::Set(path, name, kind, size)),
            2 => (path(), 0..NAMES.len()).prop_map(|(path, name)| Edit::DeleteValue(path, name)),
            2 => path().prop_map(Edit::DeleteKey),
            1 => Just(Edit::Reopen),
        ],
        1..40,
    )
}

type Model = BTreeMap<String, BTreeMap<String, Value>>;

fn path(parts: &[usize]) -> String {
    parts.iter().map(|part| format!("\\{}", NAMES[*part])).collect()
}

fn create(model: &mut Model, parts: &[usize]) {
    for end in 1..=parts.len() {
        model.entry(path(&parts[..end])).or_default();
    }
}

fn apply(hive: &mut Hive, model: &mut Model, edit: &Edit) {
    match edit {
        Edit::Create(parts) => {
            hive.create_key(&path(parts), time()).unwrap();
            create(model, parts);
        }
        Edit::Set(parts, name, kind, size) => {
            let value = Value { kind: *kind, data: vec![*kind as u8; SIZES[*size]] };
            let key = hive.create_key(&path(parts).to_uppercase().replace("SSS", "ßs"), time()).unwrap();
            create(model, parts);
            let before = model.get_mut(&path(parts)).unwrap().insert(NAMES[*name].to_owned(), value.clone());
            let changed = hive.set_value(key, NAMES[*name], value.kind, &value.data, time()).unwrap();
            assert_eq!(changed == Changed::No, before == Some(value));
        }
        Edit::DeleteValue(parts, name) => {
            let Some(key) = hive.find(&path(parts)).unwrap() else { return };
            let changed = hive.delete_value(key, NAMES[*name], time()).unwrap();
            let before = model.get_mut(&path(parts)).unwrap().remove(NAMES[*name]);
            assert_eq!(changed == Changed::Yes, before.is_some());
        }
        Edit::DeleteKey(parts) => {
            let found = hive.find(&path(parts)).unwrap();
            assert_eq!(found.is_some(), model.contains_key(&path(parts)));
            let Some(key) = found else { return };
            hive.delete_key(key, time()).unwrap();
            let below = format!("{}\\", path(parts));
            model.retain(|key, _| *key != path(parts) && !key.starts_with(&below));
        }
        Edit::Reopen => *hive = Hive::open(hive.clone().into_bytes()).unwrap(),
    }
}

fn run(version: Version, edits: &[Edit]) {
    let (mut hive, mut model) = (new_hive(version), Model::from([(String::new(), BTreeMap::new())]));
    let mut opened = Vec::new();
    for edit in edits {
        apply(&mut hive, &mut model, edit);
        match edit {
            Edit::Reopen => opened = hive.clone().into_bytes(),
            _ => _ = written_to(&opened, &hive),
        }
        assert_eq!(check(&hive.clone().into_bytes()), [], "after {edit:?}");
    }
    let found: BTreeMap<String, BTreeMap<String, Value>> =
        everything(&Hive::open(hive.into_bytes()).unwrap())
            .unwrap()
            .into_iter()
            .map(|(path, (_, values))| (path.to_lowercase(), values.into_iter().collect()))
            .collect();
    let model: BTreeMap<_, _> =
        model.into_iter().map(|(path, values)| (path.to_lowercase(), values)).collect();
    assert_eq!(found, model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn old_hives_agree_with_a_map(edits in edits()) {
        run(Version::V1_3, &edits);
    }

    #[test]
    fn new_hives_agree_with_a_map(edits in edits()) {
        run(Version::V1_5, &edits);
    }
}
