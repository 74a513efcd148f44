//! Each rule finds what it is for, and nothing beside it.

use super::source::{Source, has_word, mark_test_modules, without_comment};
use super::{Finding, rules};

fn lines(findings: &[Finding]) -> Vec<usize> {
    findings.iter().map(|finding| finding.line).collect()
}

fn one(path: &str, text: &str) -> Vec<Source> {
    vec![Source::new(path, text)]
}

#[test]
fn comments_and_words_are_told_apart() {
    assert_eq!(without_comment("let a = 1; // one"), "let a = 1; ");
    assert_eq!(without_comment(r#"let a = "https://example"; // x"#), r#"let a = "https://example"; "#);
    assert!(has_word("unsafe { call() }", "unsafe"));
    assert!(!has_word("forbid(unsafe_code)", "unsafe"));
}

#[test]
fn modules_for_tests_alone_are_tests() {
    let mut sources = vec![
        Source::new("a/src/lib.rs", "#[cfg(test)]\nmod referee;\nmod plain;\n"),
        Source::new(
            "a/src/plain.rs",
            "#[cfg(test)]\n#[path = \"plain_tests.rs\"]\nmod tests;\n#[cfg(test)]\nmod inner;",
        ),
        Source::new("a/src/plain_tests.rs", "#[path = \"../shared.rs\"]\nmod shared;"),
        Source::new("a/shared.rs", ""),
        Source::new("a/src/plain/inner.rs", ""),
        Source::new("a/src/plain/inner/deep.rs", ""),
        Source::new("a/src/referee.rs", ""),
    ];
    mark_test_modules(&mut sources);
    assert_eq!(
        sources.iter().map(Source::is_test).collect::<Vec<_>>(),
        [false, false, true, true, true, true, true]
    );
}

#[test]
fn formats_use_the_ground_and_themselves() {
    let text = "use crate::bytes::Reader;\nuse crate::wim::Header;\nuse crate::{io::Source, hive::Hive};\n\
                use crate::media::names;\n// use crate::iso\npub(crate) fn x() {}\n#[cfg(test)]\nmod tests {\nuse crate::iso::x;";
    let found = rules::formats_stand_alone(&one("media-core/src/wim/mod.rs", text));
    assert_eq!(lines(&found), [3, 4]);
    assert_eq!(rules::formats_stand_alone(&one("media-core/src/stage.rs", text)), []);
    assert_eq!(lines(&rules::formats_stand_alone(&one("media-core/src/pfx.rs", "use crate::x509::A;"))), [1]);
}

#[test]
fn formats_do_not_speak_of_the_product() {
    let text = "// As ConfigMgr has it\nlet a = \"_SMSTSMediaPFX\";\nlet sms = 1;\n";
    assert_eq!(lines(&rules::formats_know_no_product(&one("media-core/src/sealed/mod.rs", text))), [1, 2]);
    assert_eq!(rules::formats_know_no_product(&one("media-core/src/media/mod.rs", text)), []);
    assert_eq!(rules::formats_know_no_product(&one("media-core/src/iso/tests.rs", text)), []);
}

#[test]
fn the_library_neither_talks_nor_looks_at_the_clock() {
    let text = "println!(\"x\");\nlet t = std::time::SystemTime::now();\n// std::env\nuse crate::env::Env;\n\
                std::env::var(\"X\");\nlet fingerprint = 1;\nsprintln!();\n";
    assert_eq!(lines(&rules::library_is_pure(&one("media-core/src/stage.rs", text))), [1, 2, 5]);
    assert_eq!(rules::library_is_pure(&one("media-cli/src/lib.rs", text)), []);
}

#[test]
fn a_crate_has_one_home() {
    let text =
        "use fatfs::FileSystem;\nlet x = my_fatfs::y();\nlet gpt = disk::gpt::plan();\nuse gpt::GptConfig;\n";
    assert_eq!(lines(&rules::crates_have_one_home(&one("media-core/src/iso/mod.rs", text))), [1, 4]);
    assert_eq!(lines(&rules::crates_have_one_home(&one("media-core/src/fat32.rs", text))), [4]);
    assert_eq!(lines(&rules::crates_have_one_home(&one("media-core/src/disk/gpt.rs", text))), [1]);
}

#[test]
fn unsafe_stands_in_one_file_of_the_wim_module() {
    let text = "#![allow(unsafe_code)]\nfn f() { unsafe { g() } }\n";
    assert_eq!(lines(&rules::unsafe_has_one_home(&one("media-core/src/hive/cells.rs", text))), [1]);
    assert_eq!(rules::unsafe_has_one_home(&one("media-core/src/wim/codec.rs", text)), []);
    let two = [Source::new("media-core/src/wim/a.rs", text), Source::new("media-core/src/wim/b.rs", text)];
    assert_eq!(rules::unsafe_has_one_home(&two).len(), 1);
    assert_eq!(
        rules::unsafe_has_one_home(&one("media-core/src/lib.rs", "#![forbid(unsafe_op_in_unsafe_fn)]")),
        []
    );
}

#[test]
fn only_write_calls_a_sink() {
    let text = "sink.write_at(0, &bytes)?;\n";
    assert_eq!(lines(&rules::sinks_are_called_by_write(&one("media-core/src/plan.rs", text))), [1]);
    assert_eq!(rules::sinks_are_called_by_write(&one("media-core/src/write.rs", text)), []);
    assert_eq!(rules::sinks_are_called_by_write(&one("media-core/src/write/copy.rs", text)), []);
    assert_eq!(rules::sinks_are_called_by_write(&one("media-core/src/io/file.rs", text)), []);
}

#[test]
fn long_files_and_long_medians_are_found() {
    let long = "x\n".repeat(801);
    assert_eq!(rules::length(&one("media-core/src/a.rs", &long)).len(), 1);
    assert_eq!(rules::length(&one("media-core/src/a.rs", &"x\n".repeat(800))), []);
    assert_eq!(rules::median_length(&one("media-core/src/a.rs", &long)).len(), 1);
    let mostly_tests = format!("x\n#[cfg(test)]\nmod tests {{\n{long}");
    assert_eq!(rules::median_length(&one("media-core/src/a.rs", &mostly_tests)), []);
    // A module of tests in a file of its own does not end the file that names it.
    assert_eq!(
        rules::median_length(&one("media-core/src/a.rs", &format!("#[cfg(test)]\nmod tests;\n{long}"))).len(),
        1
    );
}

#[test]
fn the_root_and_the_templates_hold_nothing_unused() {
    let paths =
        ["notes.txt", "Cargo.toml", ".ci/run", "xtask/src/main.rs", "templates/a.ini", "templates/b.ini"];
    let paths = paths.map(String::from);
    assert_eq!(
        rules::top_level(&paths).iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(),
        ["notes.txt"]
    );
    let sources = one("media-core/src/a.rs", "include_str!(\"../../templates/a.ini\");\n// b.ini\n");
    let unused = rules::templates_are_used(&paths, &sources);
    assert_eq!(unused.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), ["templates/b.ini"]);
}
