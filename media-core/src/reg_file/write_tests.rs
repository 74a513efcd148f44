use proptest::prelude::*;

use super::super::parse;
use super::super::tests::any_value;
use super::*;
use crate::hive::{Hive, Version};
use crate::referee::{Folder, installed};
use crate::time::Timestamp;

fn value(name: &str, kind: u32, data: &[u8]) -> RegistryValue {
    RegistryValue { name: Some(name.into()), kind, data: data.to_vec(), delete: false }
}

fn key(path: &str, values: Vec<RegistryValue>) -> RegistryKey {
    RegistryKey { path: path.into(), delete: false, values }
}

fn text(keys: &[RegistryKey]) -> String {
    let bytes = write(keys).expect("writable");
    assert_eq!(bytes[..2], [0xFF, 0xFE]);
    utf16le(&bytes[2..])
}

#[test]
fn lines_are_those_of_the_registry_editor() {
    let blob: Vec<u8> = (0..50).collect();
    let path =
        [0x25, 0, 0x53, 0, 0x79, 0, 0x73, 0, 0x74, 0, 0x65, 0, 0x6d, 0, 0x52, 0, 0x6f, 0, 0x6f, 0, 0x74, 0];
    let keys = [
        key(
            r"HKEY_LOCAL_MACHINE\SOFTWARE\X",
            vec![
                value("Blob", REG_BINARY, &blob),
                value("Full", REG_BINARY, &blob[..22]),
                value("Over", REG_BINARY, &blob[..23]),
                value("None", REG_BINARY, &[]),
                value("Path", 2, &path),
                value(r#"a\"b"#, REG_SZ, &to_utf16le("C:\\\"x\"\0")),
                RegistryValue { name: None, ..value("", REG_SZ, &to_utf16le("d\0")) },
                value("n", REG_DWORD, &[1, 2, 3, 0xAB]),
                value("short", REG_DWORD, &[1]),
                value("quad", 11, &[1, 0, 0, 0, 0, 0, 0, 0]),
                value("none", 0, &[1]),
                RegistryValue { delete: true, ..value("gone", 0, &[]) },
            ],
        ),
        RegistryKey { delete: true, ..key(r"HKEY_LOCAL_MACHINE\Old", vec![]) },
    ];
    let expected = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\X]
"Blob"=hex:00,01,02,03,04,05,06,07,08,09,0a,0b,0c,0d,0e,0f,10,11,12,13,14,15,\
  16,17,18,19,1a,1b,1c,1d,1e,1f,20,21,22,23,24,25,26,27,28,29,2a,2b,2c,2d,2e,\
  2f,30,31
"Full"=hex:00,01,02,03,04,05,06,07,08,09,0a,0b,0c,0d,0e,0f,10,11,12,13,14,15
"Over"=hex:00,01,02,03,04,05,06,07,08,09,0a,0b,0c,0d,0e,0f,10,11,12,13,14,15,\
  16
"None"=hex:
"Path"=hex(2):25,00,53,00,79,00,73,00,74,00,65,00,6d,00,52,00,6f,00,6f,00,74,\
  00
"a\\\"b"="C:\\\"x\""
@="d"
"n"=dword:ab030201
"short"=hex(4):01
"quad"=hex(b):01,00,00,00,00,00,00,00
"none"=hex(0):01
"gone"=-

[-HKEY_LOCAL_MACHINE\Old]

"#;
    assert_eq!(text(&keys), expected.replace('\n', "\r\n"));
    assert_eq!(parse(&write(&keys).expect("writable")), Ok(keys.to_vec()));
}

#[test]
fn text_that_a_line_cannot_hold_is_written_in_hexadecimal() {
    for data in [
        to_utf16le("two\r\nlines\0"),
        to_utf16le("open"),
        to_utf16le("two\0strings\0"),
        to_utf16le("twice\0\0"),
        vec![0x41, 0, 0],
        vec![0, 0xD8, 0, 0],
        vec![],
    ] {
        let keys = [key("HKEY_LOCAL_MACHINE", vec![value("x", REG_SZ, &data)])];
        assert!(text(&keys).contains("\"x\"=hex(1):"), "{data:?}");
        assert_eq!(parse(&write(&keys).expect("writable")), Ok(keys.to_vec()), "{data:?}");
    }
}

#[test]
fn names_that_a_line_cannot_hold_are_refused() {
    for (path, name, what) in [
        ("a\nb", "x", "the path of a key"),
        ("-a", "x", "the path of a key"),
        (" ", "x", "the path of a key"),
        ("a", "x\r", "the name of a value"),
        ("a", "x\0", "the name of a value"),
    ] {
        match write(&[key(path, vec![value(name, 3, &[])])]) {
            Err(RegFileError::NotWritable { what: found, .. }) => assert_eq!(found, what),
            other => unreachable!("{path:?} {name:?}: {other:?}"),
        }
    }
}

#[test]
fn hivexregedit_merges_what_is_written() {
    if !installed("hivexregedit") {
        return;
    }
    let data: Vec<u8> = (0..=255).cycle().take(1500).collect();
    let values = vec![
        value("Blob", REG_BINARY, &data),
        value(r#"Text \ "quoted""#, REG_SZ, &to_utf16le("C:\\Windows \"x\"\0")),
        value("Number", REG_DWORD, &[0xFF, 0, 0, 0x80]),
        value("Expand", 2, &to_utf16le("%SystemRoot%\0")),
        value("Many", 7, &to_utf16le("one\0two\0\0")),
        RegistryValue { name: None, ..value("", REG_SZ, &to_utf16le("default\0")) },
    ];
    // It makes no parents on its own.
    let parent = r"HKEY_LOCAL_MACHINE\SOFTWARE\Contoso";
    let keys = [key(parent, vec![]), key(&format!(r"{parent}\Deep"), values.clone())];
    let bytes = write(&keys).expect("writable");
    let time = Timestamp::from_unix(1_800_000_000);
    // A self-relative descriptor with nothing in it.
    let descriptor = [1, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let hive = Hive::create(Version::V1_3, "ROOT", &descriptor, time).expect("a hive");
    let folder = Folder::new();
    folder.write("hive", &hive.into_bytes());
    // It wants the file in the encoding of the machine, with its line ends.
    folder.write("in.reg", utf16le(&bytes[2..]).replace("\r\n", "\n").as_bytes());
    folder.run("hivexregedit", r"--merge --prefix HKEY_LOCAL_MACHINE\SOFTWARE hive in.reg");

    let merged = Hive::open(folder.read("hive")).expect("a hive");
    let found = merged.find(r"Contoso\Deep").expect("sound").expect("the key was made");
    for expected in values {
        let name = expected.name.as_deref().unwrap_or_default();
        let value = merged.value(found, name).expect("sound").expect(name);
        assert_eq!((value.kind, value.data), (expected.kind, expected.data), "{name}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        keys in proptest::collection::vec(
            ("[A-Z][ -~ö]{0,20}", any::<bool>(), proptest::collection::vec(any_value(), 0..5))
                .prop_map(|(path, delete, values)| RegistryKey { path, delete, values }), 0..5),
    ) {
        let bytes = write(&keys).expect("writable");
        prop_assert_eq!(&parse(&bytes).expect("sound"), &keys);
        prop_assert_eq!(&parse(utf16le(&bytes[2..]).as_bytes()).expect("sound"), &keys);
        prop_assert!(utf16le(&bytes).lines().filter(|line| line.starts_with("  ")).all(|line| line.len() <= 78));
    }
}
