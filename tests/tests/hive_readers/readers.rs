//! What others read in a hive: regipy in Python, and notatin in Rust.

use std::fs;
use std::path::{Path, PathBuf};

use media_tests::referee;
use notatin::cell_key_node::CellKeyNode;
use notatin::parser_builder::ParserBuilder;
use sha1::{Digest, Sha1};

/// A key as one reader reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its path below the root, with `\` before each name.
    pub path: String,
    /// When it was last written.
    pub time: u64,
    /// Its class name, as stored.
    pub class: String,
    /// The SHA-1 of its security descriptor.
    pub security: String,
    /// Name, type and data of each value, in their order.
    pub values: Vec<[String; 3]>,
}

/// All keys of a hive, each before those below it; or why it cannot be read.
pub type Reading = Result<Vec<Key>, String>;

/// One that reads hives, and how it puts what we set.
pub struct Reader {
    pub name: &'static str,
    /// Every hive named, in one run; `None` when it is not installed and that is allowed.
    pub read: fn(&[PathBuf]) -> Option<Vec<Reading>>,
    pub key_name: fn(&str) -> String,
    pub value: fn(&str, u32, &[u8]) -> [String; 3],
}

pub const READERS: [Reader; 2] = [
    Reader { name: "regipy", read: regipy, key_name: in_ascii, value: regipy_value },
    Reader { name: "notatin", read: notatin, key_name: str::to_owned, value: notatin_value },
];

fn regipy(hives: &[PathBuf]) -> Option<Vec<Reading>> {
    let python = referee::python_with("regipy")?.to_string_lossy().into_owned();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hive_readers/dump.py");
    let arguments = std::iter::once(&script).chain(hives);
    let said = referee::run(&python, arguments)?.success().no_complaint().text();
    let mut readings: Vec<Reading> = Vec::new();
    for line in said.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match (fields[..].split_first(), readings.last_mut()) {
            (Some((&"hive", _)), _) => readings.push(Ok(Vec::new())),
            (Some((&"error", rest)), Some(reading)) => *reading = Err(rest.concat()),
            (Some((&"key", [path, time, class, security])), Some(Ok(keys))) => keys.push(Key {
                path: (*path).to_owned(),
                time: time.parse().expect("a number"),
                class: (*class).to_owned(),
                security: (*security).to_owned(),
                values: Vec::new(),
            }),
            (Some((&"value", [name, kind, data])), Some(Ok(keys))) => {
                let key = keys.last_mut().expect("a value follows its key");
                key.values.push([name, kind, data].map(|field| (*field).to_owned()));
            }
            _ => panic!("regipy says `{line}`"),
        }
    }
    assert_eq!(readings.len(), hives.len(), "it looked at every hive");
    Some(readings)
}

/// It takes names stored with one byte a letter for ASCII.
fn in_ascii(name: &str) -> String {
    let is_latin = name.chars().all(|letter| u32::from(letter) < 256);
    name.chars().map(|letter| if is_latin && !letter.is_ascii() { '\u{fffd}' } else { letter }).collect()
}

fn regipy_value(name: &str, kind: u32, data: &[u8]) -> [String; 3] {
    let name = if name.is_empty() { "(default)".to_owned() } else { in_ascii(name) };
    let (kind, data) = match kind {
        1 => {
            let units: Vec<u16> = data.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            ("REG_SZ", String::from_utf16(&units).expect("text").trim_end_matches('\0').to_owned())
        }
        3 => ("REG_BINARY", format!("sha1 {}", hex(&Sha1::digest(data)))),
        4 => ("REG_DWORD", u32::from_le_bytes(data.try_into().expect("4 bytes")).to_string()),
        _ => panic!("no value of type {kind} is set here"),
    };
    [name, kind.to_owned(), data]
}

fn notatin(hives: &[PathBuf]) -> Option<Vec<Reading>> {
    Some(hives.iter().map(|path| notatin_reads(path)).collect())
}

fn notatin_reads(path: &Path) -> Reading {
    let bytes = fs::read(path).expect("it was just written");
    let file = fs::File::open(path).expect("it was just written");
    let mut parser = ParserBuilder::from_file(file).build().map_err(|error| error.to_string())?;
    let root = parser.get_root_key().map_err(|error| error.to_string())?.ok_or("no root key")?;
    let mut waiting = vec![(String::new(), root)];
    let mut keys = Vec::new();
    while let Some((path, mut key)) = waiting.pop() {
        let below = key.read_sub_keys(&mut parser);
        waiting.extend(below.into_iter().rev().map(|below| (format!("{path}\\{}", below.key_name), below)));
        keys.push(notatin_key(path, &key, &bytes));
    }
    Ok(keys)
}

/// It says where a class name and a security descriptor lie, and takes the latter apart; here are the bytes themselves.
fn notatin_key(path: String, key: &CellKeyNode, bytes: &[u8]) -> Key {
    let cell = |offset: u32| &bytes[4096 + offset as usize + 4..];
    let class = match (key.detail.class_name_offset_relative(), key.detail.class_name_size()) {
        (-1, _) | (_, 0) => String::new(),
        (offset, len) => hex(&cell(offset.cast_unsigned())[..usize::from(len)]),
    };
    let security = cell(key.detail.security_key_offset_relative());
    let len = u32::from_le_bytes([security[16], security[17], security[18], security[19]]) as usize;
    let values = key.value_iter().map(|value| {
        let data = value.detail.value_bytes().unwrap_or_default();
        notatin_value(&value.detail.value_name(), value.detail.data_type_raw(), &data)
    });
    Key {
        path,
        time: key.detail.last_key_written_date_and_time(),
        class,
        security: hex(&Sha1::digest(&security[20..20 + len])),
        values: values.collect(),
    }
}

fn notatin_value(name: &str, kind: u32, data: &[u8]) -> [String; 3] {
    [name.to_owned(), kind.to_string(), hex(&Sha1::digest(data))]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
