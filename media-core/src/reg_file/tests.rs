use proptest::prelude::*;

use super::*;
use crate::bytes::to_utf16le;

fn values(text: &str) -> Vec<RegistryValue> {
    let text = format!("Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\X]\n{text}\n");
    let mut keys = parse(text.as_bytes()).expect("sound");
    assert_eq!(keys.len(), 1);
    keys.remove(0).values
}

fn value(name: &str, kind: u32, data: &[u8]) -> RegistryValue {
    RegistryValue { name: Some(name.into()), kind, data: data.to_vec(), delete: false }
}

/// An export as the registry editor writes it: continuation lines, all kinds.
const EXPORT: &str = "Windows Registry Editor Version 5.00\r\n\r\n\
    [HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso]\r\n\
    @=\"default\"\r\n\
    \"Blob\"=hex:03,00,00,00,01,00,00,00,14,00,00,00,80,8d,62,64,2b,7d,1c,4a,9a,83,\\\r\n  fd,66,7f\r\n\
    \"Number\"=dword:000000ff\r\n\
    \"Path \\\"x\\\" C:\\\\\"=\"C:\\\\Windows\\\\\"\r\n\
    \"Expand\"=hex(2):25,00,00,00\r\n\
    \"Quad\"=hex(b):01,00,00,00,00,00,00,00\r\n\r\n\
    [-HKEY_LOCAL_MACHINE\\SOFTWARE\\Old]\r\n\r\n\
    [HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\[x]]\r\n\
    \"Gone\"=-\r\n";

#[test]
fn an_export_is_read_in_every_encoding() {
    let blob = [
        3, 0, 0, 0, 1, 0, 0, 0, 0x14, 0, 0, 0, 0x80, 0x8d, 0x62, 0x64, 0x2b, 0x7d, 0x1c, 0x4a, 0x9a, 0x83,
        0xfd, 0x66, 0x7f,
    ];
    let expected = [
        RegistryKey {
            path: r"HKEY_LOCAL_MACHINE\SOFTWARE\Contoso".into(),
            delete: false,
            values: vec![
                RegistryValue { name: None, ..value("", REG_SZ, &to_utf16le("default\0")) },
                value("Blob", REG_BINARY, &blob),
                value("Number", REG_DWORD, &[0xFF, 0, 0, 0]),
                value(r#"Path "x" C:\"#, REG_SZ, &to_utf16le("C:\\Windows\\\0")),
                value("Expand", 2, &[0x25, 0, 0, 0]),
                value("Quad", 11, &[1, 0, 0, 0, 0, 0, 0, 0]),
            ],
        },
        RegistryKey { path: r"HKEY_LOCAL_MACHINE\SOFTWARE\Old".into(), delete: true, values: vec![] },
        RegistryKey {
            path: r"HKEY_LOCAL_MACHINE\SOFTWARE\Contoso\[x]".into(),
            delete: false,
            values: vec![RegistryValue { name: Some("Gone".into()), kind: 0, data: vec![], delete: true }],
        },
    ];
    for (encoding, bytes) in [
        ("UTF-16LE", [&[0xFF, 0xFE][..], &to_utf16le(EXPORT)].concat()),
        ("UTF-8", EXPORT.as_bytes().to_vec()),
        ("UTF-8 with byte order mark", [&[0xEF, 0xBB, 0xBF][..], EXPORT.as_bytes()].concat()),
        ("LF alone", EXPORT.replace("\r\n", "\n").into_bytes()),
    ] {
        assert_eq!(parse(&bytes).expect(encoding), expected, "{encoding}");
    }
}

#[test]
fn version_4_files_hold_ansi_text() {
    let text =
        b"REGEDIT4\r\n[HKEY_LOCAL_MACHINE\\Z\xFCrich]\r\n\"x\"=hex(2):25,fc,00\r\n\"y\"=hex(7):61,00,00\r\n";
    let keys = parse(text).expect("sound");
    assert_eq!(keys[0].path, "HKEY_LOCAL_MACHINE\\Zürich");
    assert_eq!(keys[0].values[0], value("x", 2, &to_utf16le("%ü\0")));
    assert_eq!(keys[0].values[1], value("y", 7, &to_utf16le("a\0\0")));
}

#[test]
fn comments_spaces_and_line_breaks_in_text_are_allowed() {
    assert_eq!(
        values(
            "; a comment\n \"a\" = dword:1 ; one\n\"b\"=\"x;y\" ; text\n\"c\"=hex:01,\\\n ; between\n 02 ; end"
        ),
        [
            value("a", REG_DWORD, &[1, 0, 0, 0]),
            value("b", REG_SZ, &to_utf16le("x;y\0")),
            value("c", REG_BINARY, &[1, 2]),
        ]
    );
    assert_eq!(
        values("\"a\"=\"one\\\\\ntwo\"\n\"b\"=hex:"),
        [value("a", REG_SZ, &to_utf16le("one\\\r\ntwo\0")), value("b", REG_BINARY, &[])]
    );
}

#[test]
fn errors_name_the_line_and_what_could_stand_there() {
    for (text, line, expected) in [
        ("\"x\"=dword:1", 2, "a key in brackets"),
        ("\n[HKEY_LOCAL_MACHINE\\X", 3, "`]` at the end"),
        ("[]", 2, "the path of a key"),
        ("[-]", 2, "the path of a key"),
        ("[X]\nname=1", 3, "`\"name\"=` or `@=`"),
        ("[X]\n\"name\"", 3, "`=` after the name"),
        ("[X]\n\"name\"=1", 3, "text in quotation marks, `dword:`, `hex:` or `-`"),
        ("[X]\n\"name\"=dword:123456789", 3, "one to eight hexadecimal digits"),
        ("[X]\n\"name\"=dword:+1", 3, "one to eight hexadecimal digits"),
        ("[X]\n\"a\"=hex:01,\\\n02\n\"name\"=hex:1,,2", 5, "bytes in hexadecimal, separated by commas"),
        ("[X]\n\"name\"=hex:01,02,\\", 3, "bytes in hexadecimal, separated by commas"),
        ("[X]\n\"name\"=hex(g):01", 3, "a hexadecimal value kind in parentheses"),
        ("[X]\n\"name\"=hexa:01", 3, "`hex:` or `hex(kind):`"),
        ("[X]\n\"name\"=\"open", 3, "a quotation mark at the end of the text"),
        ("[X]\n\"name\"=\"x\" y", 3, "nothing after the text"),
    ] {
        match parse(format!("REGEDIT4\n{text}").as_bytes()) {
            Err(RegFileError::Syntax { line: found, expected: what, .. }) => {
                assert_eq!((found, what), (line, expected), "{text}");
            }
            other => unreachable!("{text}: {other:?}"),
        }
    }
    for text in ["", "Windows Registry Editor Version 6.00", "MZ\u{1}"] {
        assert!(matches!(parse(text.as_bytes()), Err(RegFileError::Header { .. })), "{text:?}");
    }
}

#[test]
fn long_input_takes_time_in_proportion() {
    // A million lines of an unclosed text, and of continuations.
    for text in [
        "[X]\n\"x\"=\"".to_owned() + &"\n".repeat(1_000_000),
        "[X]\n\"x\"=hex:".to_owned() + &"\\\n".repeat(1_000_000),
    ] {
        let _ = parse(format!("REGEDIT4\n{text}").as_bytes());
    }
}

pub(super) fn any_value() -> impl Strategy<Value = RegistryValue> {
    let name = proptest::option::of("[ -~äß]{0,12}");
    let data = proptest::collection::vec(any::<u8>(), 0..80);
    (name, 0_u32..12, data, any::<bool>()).prop_map(|(name, kind, data, delete)| match delete {
        true => RegistryValue { name, kind: 0, data: vec![], delete },
        false => RegistryValue { name, kind, data, delete },
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,10}([\\[\\]@\"=\\\\;hexdword:(),0-9\\n -]){0,80}") {
        let _ = parse(format!("REGEDIT4\n[X]\n{text}").as_bytes());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let _ = parse(&[b"REGEDIT4\n[X]\n", bytes.as_slice()].concat());
    }
}
