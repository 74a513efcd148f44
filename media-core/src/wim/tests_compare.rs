//! Comparing images of files captured by wimlib and edited by us or by wimlib.
#![allow(clippy::panic)]

use std::sync::Arc;

use super::tests_edit::{Bench, HIVE, content, has, run, text};
use super::*;

fn said(before: &Wim, after: &Wim) -> Vec<String> {
    let images = [before, after].map(|wim| wim.image(1).expect("a sound image"));
    let found = compare(&images[0], &images[1]);
    assert_eq!(found.left_out, 0);
    let text = |difference: FileDifference| {
        let words = match difference.kind {
            FileDifferenceKind::Added => "added".to_owned(),
            FileDifferenceKind::Removed => "removed".to_owned(),
            FileDifferenceKind::Changed(aspects) => {
                aspects.iter().map(Aspect::to_string).collect::<Vec<_>>().join(", ")
            }
        };
        format!("{}: {words}", difference.path)
    };
    found.differences.into_iter().map(text).collect()
}

fn open(path: &std::path::Path) -> Wim {
    Wim::open(Arc::new(crate::io::FileSource::open(path).expect("a file"))).expect("a good WIM")
}

#[test]
fn a_replaced_file_differs_in_its_content_and_in_nothing_else() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let before = open(&bench.capture(&["--compress=LZX"]));
    assert!(said(&before, &before).is_empty());
    let changed =
        Edit::new(&before).replace(1, HIVE, content(3_000_001, 9)).replace(1, "links/one", *b"other");
    let after = Wim::open(Arc::new(changed.finish().expect("it can be edited"))).expect("a good WIM");
    assert_eq!(
        said(&before, &after),
        [r"links\one: content", r"links\two: content", r"Windows\System32\config\SOFTWARE: content"]
    );
}

#[test]
fn what_wimlib_changes_is_found() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let path = bench.capture(&["--compress=XPRESS"]);
    let copy = bench.path("before.wim");
    std::fs::copy(&path, &copy).expect("a copy");
    let commands =
        "delete 'small.txt'\nrename '/noise.bin' '/NOISE.BIN'\nrename '/links/two' '/links/three'\n";
    let script = bench.path("commands");
    std::fs::write(&script, commands).expect("a file");
    let input = format!("wimlib-imagex update '{}' 1 < '{}'", text(&path), text(&script));
    run("sh", &["-c", &input]);
    let found = said(&open(&copy), &open(&path));
    let expected = [
        r"links\one: hard links",
        r"links\three: added",
        r"links\two: removed",
        "NOISE.BIN: case of the name",
        "small.txt: removed",
    ];
    for line in expected {
        assert!(found.iter().any(|found| found == line), "{line}: {found:?}");
    }
    // wimlib sets the times of the folders it changes.
    let others: Vec<&String> = found.iter().filter(|line| !expected.contains(&line.as_str())).collect();
    assert!(others.iter().all(|line| line.ends_with("last write time")), "{others:?}");
}
