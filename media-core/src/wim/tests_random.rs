//! Random trees captured by wimlib, edited at random by us, extracted by wimlib again.

use std::collections::BTreeMap;
use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;

use super::tests_edit::{Bench, content, has, run, text};
use super::*;
use crate::io::FileSource;

const NAMES: [&str; 6] = ["one", "Two.txt", "drei – äöü", "four five", "日本語", "x"];

/// A file: the folders it is in and its name, its length, and which content it has; some have the same.
#[derive(Debug, Clone)]
struct File {
    path: String,
    len: usize,
    seed: u32,
}

fn file() -> impl Strategy<Value = File> {
    let lengths = prop_oneof![Just(0), 1usize..200, 32_760usize..32_776, 1usize..300_000];
    (vec(0..NAMES.len(), 1..4), lengths, 0u32..4).prop_map(|(names, len, seed)| {
        let names: Vec<&str> = names.into_iter().map(|name| NAMES[name]).collect();
        // A name that is a folder here and a file there cannot be made.
        File { path: format!("{}/file of {}", names.join("/"), names.len()), len, seed }
    })
}

fn open(path: &std::path::Path) -> Wim {
    Wim::open(Arc::new(FileSource::open(path).expect("a file"))).expect("a good WIM")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn what_is_edited_is_extracted_again(
        files in vec(file(), 1..20),
        edits in vec((any::<prop::sample::Index>(), prop_oneof![Just(0usize), 1usize..100_000], 4u32..7), 1..5),
        compression in prop::sample::select(vec!["LZX", "XPRESS", "none"]),
        integrity in any::<bool>(),
    ) {
        if !has("wimlib-imagex") {
            return Ok(());
        }
        let bench = Bench::empty();
        let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for File { path, len, seed } in files {
            model.insert(path.clone(), content(len, seed));
            bench.add(&path, &model[&path]);
        }
        let compress = format!("--compress={compression}");
        let mut options = vec![compress.as_str()];
        options.extend(integrity.then_some("--check"));
        let captured = bench.capture(&options);
        let before = open(&captured);
        let mut edit = Edit::new(&before);
        for (index, len, seed) in edits {
            let path = index.get(&model.keys().cloned().collect::<Vec<_>>()).clone();
            let bytes = content(len, seed);
            edit = edit.replace(1, path.as_str(), bytes.clone());
            model.insert(path, bytes);
        }
        let edited = edit.finish().expect("it can be edited").to_vec(1 << 30).expect("it is small");
        let (changed, extracted) = (bench.path("changed.wim"), bench.path("extracted"));
        fs::write(&changed, edited).expect("a file");
        run("wimlib-imagex", &["verify", text(&changed)]);
        run("wimlib-imagex", &["apply", text(&changed), "1", text(&extracted)]);
        for (path, bytes) in &model {
            prop_assert!(fs::read(extracted.join(path)).is_ok_and(|found| found == *bytes), "{}", path);
        }
        // Nothing but content differs.
        let after = open(&changed);
        let images = [&before, &after].map(|wim| wim.image(1).expect("a sound image"));
        for difference in compare(&images[0], &images[1]).differences {
            let kind = FileDifferenceKind::Changed(vec![Aspect::Content]);
            prop_assert_eq!(difference.kind, kind, "{}", difference.path);
        }
    }
}
