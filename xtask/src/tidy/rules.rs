//! The rules, each a function from files to findings.

use super::Finding;
use super::source::{Source, has_word};

/// What may lie in the root of the repository, besides names that begin with a dot.
const TOP_LEVEL: [&str; 17] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "LICENSES.md",
    "README.md",
    "deny.toml",
    "docs",
    "media-cli",
    "media-core",
    "media-devices",
    "rustfmt.toml",
    "templates",
    "tests",
];
const TASKS: &str = "xtask";

const FORMATS: [&str; 12] = [
    "certstore",
    "disk",
    "fat32",
    "hive",
    "iso",
    "pe",
    "pfx",
    "reg_file",
    "sealed",
    "wim",
    "x509",
    "zip_file",
];

/// Modules of media-core that formats stand on.
const GROUND: [&str; 9] = ["budget", "bytes", "content", "env", "event", "finding", "io", "layout", "time"];

/// Crates that read or write a format, and the one place of each.
const HOMES: [(&str, &[&str]); 16] = [
    ("fatfs", &["media-core/src/fat32", "tests/src/windows.rs"]),
    ("gpt", &["media-core/src/disk"]),
    ("hadris_fs", &["media-core/src/iso"]),
    ("hadris_io", &["media-core/src/iso"]),
    ("hadris_iso", &["media-core/src/iso"]),
    ("hadris_storage", &["media-core/src/iso"]),
    ("hadris_udf", &["media-core/src/iso"]),
    ("authenticode", &["media-core/src/pe"]),
    ("object", &["media-core/src/pe"]),
    ("p12_keystore", &["media-core/src/pfx"]),
    ("pkcs12", &["media-core/src/pfx"]),
    // The fixtures compress on their own, so that they do not share the product's code.
    ("wimlib_sys", &["media-core/src/wim", "tests/src/boot_image/compressor.rs"]),
    ("zip", &["media-core/src/zip_file"]),
    ("pkcs8", &["media-core/src/media/signing"]),
    ("csv_core", &["media-cli/src/workers"]),
    ("minijinja", &["media-cli/src/workers"]),
];

/// Where `unsafe` may stand: one file that calls wimlib in the product, one in the fixtures, and one that calls Windows.
const UNSAFE_IN: [&str; 3] =
    ["media-core/src/wim/", "tests/src/boot_image/compressor.rs", "media-devices/src/windows/calls.rs"];

const MOST_LINES: usize = 800;
const MEDIAN_LINES: usize = 250;

pub fn top_level(paths: &[String]) -> Vec<Finding> {
    let mut names: Vec<&str> = paths.iter().map(|path| path.split('/').next().unwrap_or(path)).collect();
    names.sort_unstable();
    names.dedup();
    let allowed = |name: &&str| name.starts_with('.') || *name == TASKS || TOP_LEVEL.contains(name);
    names
        .into_iter()
        .filter(|name| !allowed(name))
        .map(|name| finding(name, 0, "does not belong in the root of the repository"))
        .collect()
}

pub fn length(sources: &[Source]) -> Vec<Finding> {
    let long = sources.iter().filter(|source| source.lines.len() > MOST_LINES);
    long.map(|source| {
        let rule = format!("has {} lines; a file has at most {MOST_LINES}", source.lines.len());
        finding(&source.path, MOST_LINES + 1, &rule)
    })
    .collect()
}

pub fn median_length(sources: &[Source]) -> Vec<Finding> {
    let mut lengths: Vec<usize> =
        sources.iter().filter(|source| !source.is_test()).map(|source| source.own_lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    if median <= MEDIAN_LINES {
        return Vec::new();
    }
    let rule = format!("the median file has {median} lines without its tests; at most {MEDIAN_LINES}");
    vec![finding("Cargo.toml", 0, &rule)]
}

/// Formats use the ground and themselves.
pub fn formats_stand_alone(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (source, format) in formats(sources) {
        for (line, code) in source.code() {
            for used in used_modules(code) {
                if used != format && !GROUND.contains(&used) {
                    let rule = format!(
                        "format `{format}` uses `crate::{used}`; formats use the ground and nothing else"
                    );
                    findings.push(finding(&source.path, line, &rule));
                }
            }
        }
    }
    findings
}

/// Comments count: who reads a format needs no product to understand it.
pub fn formats_know_no_product(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (source, format) in formats(sources) {
        for (line, text) in source.own_lines() {
            if let Some(word) =
                ["Configuration Manager", "ConfigMgr", "SMS"].into_iter().find(|word| text.contains(word))
            {
                let rule =
                    format!("format `{format}` speaks of `{word}`; that is policy and belongs in media/");
                findings.push(finding(&source.path, line, &rule));
            }
        }
    }
    findings
}

/// Clock and chance come from `Env`; the terminal and the environment are the command's.
pub fn library_is_pure(sources: &[Source]) -> Vec<Finding> {
    const BANNED: [&str; 11] = [
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
        "dbg!",
        "std::env",
        "SystemTime",
        "Instant",
        "thread_rng",
        "getrandom",
        "OsRng",
    ];
    in_code(sources, "media-core/src/", |code| {
        let banned = BANNED.into_iter().find(|word| match word.strip_suffix('!') {
            // Of two macros one name ends with the other.
            Some(name) => has_word(code, name) && code.contains(word),
            None => has_word(code, word),
        })?;
        Some(format!(
            "media-core uses `{banned}`; clock and chance come from Env, words and environment are the command's"
        ))
    })
}

pub fn crates_have_one_home(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !source.path.starts_with("xtask/")) {
        for (line, code) in source.all_code() {
            for (name, homes) in HOMES.iter().filter(|(name, _)| uses_crate(code, name)) {
                if !homes.iter().any(|home| is_inside(&source.path, home)) {
                    let rule = format!("crate `{name}` is used outside {homes:?}");
                    findings.push(finding(&source.path, line, &rule));
                }
            }
        }
    }
    findings
}

pub fn unsafe_has_one_home(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut homes: Vec<&str> = Vec::new();
    // This file speaks of the word.
    for source in sources.iter().filter(|source| !source.path.starts_with("xtask/src/tidy")) {
        let Some((line, _)) = source.all_code().find(|(_, code)| is_unsafe(code)) else { continue };
        let Some(home) = UNSAFE_IN.iter().find(|home| source.path.starts_with(**home)) else {
            findings.push(finding(
                &source.path,
                line,
                "`unsafe` stands only where C functions of wimlib or Windows are called",
            ));
            continue;
        };
        if homes.contains(home) {
            findings.push(finding(
                &source.path,
                line,
                "`unsafe` stands in one file of a package, and this is the second",
            ));
        }
        homes.push(home);
    }
    findings
}

/// Only `write` writes; `io` is where sinks are made.
pub fn sinks_are_called_by_write(sources: &[Source]) -> Vec<Finding> {
    let outside: Vec<&Source> = sources
        .iter()
        .filter(|source| source.path.starts_with("media-core/src/"))
        .filter(|source| {
            !["media-core/src/io", "media-core/src/write"].iter().any(|home| is_inside(&source.path, home))
        })
        .collect();
    let mut findings = Vec::new();
    for source in outside {
        for (line, code) in source.code() {
            if [".write_at(", ".copy_range("].iter().any(|call| code.contains(call)) {
                findings.push(finding(&source.path, line, "only `write` calls a Sink"));
            }
        }
    }
    findings
}

pub fn templates_are_used(paths: &[String], sources: &[Source]) -> Vec<Finding> {
    let templates = paths.iter().filter(|path| path.starts_with("templates/"));
    let used = |path: &&String| {
        let name = path.rsplit('/').next().unwrap_or(path);
        sources.iter().any(|source| source.all_code().any(|(_, code)| code.contains(name)))
    };
    templates
        .filter(|path| !used(path))
        .map(|path| finding(path, 0, "no source and no test names this template"))
        .collect()
}

fn formats(sources: &[Source]) -> impl Iterator<Item = (&Source, &'static str)> {
    sources.iter().filter_map(|source| {
        let format = FORMATS
            .into_iter()
            .find(|format| is_inside(&source.path, &format!("media-core/src/{format}")))?;
        Some((source, format))
    })
}

/// Whether `path` is the module `home` (`….rs`) or lies in its folder.
fn is_inside(path: &str, home: &str) -> bool {
    path.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
}

/// The modules named after `crate::`, also in a list: `crate::{bytes, io::Source}`.
fn used_modules(code: &str) -> Vec<&str> {
    let names =
        |text: &'_ str| text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').count();
    let mut modules = Vec::new();
    for (index, prefix) in code.match_indices("crate::") {
        let rest = &code[index + prefix.len()..];
        match rest.strip_prefix('{') {
            None => modules.push(&rest[..names(rest)]),
            Some(list) => {
                let list = list.split('}').next().unwrap_or(list);
                modules.extend(list.split(',').map(str::trim).map(|item| &item[..names(item)]));
            }
        }
    }
    modules.retain(|module| module.starts_with(|letter: char| letter.is_ascii_lowercase()));
    modules
}

fn uses_crate(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code.match_indices(&path).any(|(index, _)| {
        let before = &code[..index];
        !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':')
            || before.ends_with(" ::")
    }) || code.trim_start().starts_with(&format!("use {name};"))
}

fn is_unsafe(code: &str) -> bool {
    let code = code.replace("unsafe_op_in_unsafe_fn", "");
    has_word(&code, "unsafe") || code.contains("allow(unsafe_code)")
}

fn in_code(sources: &[Source], below: &str, rule: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let below = sources.iter().filter(|source| source.path.starts_with(below));
    below
        .flat_map(|source| {
            source.code().filter_map(|(line, code)| Some(finding(&source.path, line, &rule(code)?)))
        })
        .collect()
}

fn finding(path: &str, line: usize, rule: &str) -> Finding {
    Finding { path: path.into(), line, rule: rule.into() }
}
