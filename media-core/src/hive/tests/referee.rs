//! What others read in our hives.

use super::*;
use std::process::Command;

/// What a `.reg` file says: by key and value name, the type and the data.
fn parse_export(text: &str) -> BTreeMap<(String, String), (u32, Vec<u8>)> {
    let (mut key, mut all) = (String::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(section) = line.strip_prefix("[\\").and_then(|line| line.strip_suffix(']')) {
            key = section.to_owned();
        } else if let Some((name, value)) = line.split_once('=') {
            let name = name.trim_matches('"').replace('@', "");
            let value = if let Some(number) = value.strip_prefix("dword:") {
                (4, u32::from_str_radix(number, 16).unwrap().to_le_bytes().to_vec())
            } else {
                let (kind, data) = value.strip_prefix("hex(").unwrap().split_once("):").unwrap();
                let data = data.split(',').filter(|byte| !byte.is_empty());
                let data = data.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
                (u32::from_str_radix(kind, 16).unwrap(), data)
            };
            all.insert((key.clone(), name), value);
        }
    }
    all
}

#[test]
fn hivex_reads_back_what_was_written() {
    for version in [Version::V1_3, Version::V1_5] {
        let mut hive = new_hive(version);
        let mut expected = BTreeMap::new();
        for at in 0..1500u32 {
            let path = format!("Software\\{}\\Key {at}", if at % 2 == 0 { "Zürich" } else { "Ключ" });
            let key = hive.create_key(&path, time()).unwrap();
            for (name, kind, size) in [("", 1, 6), ("number", 4, 4), ("Wert ä", 3, at as usize % 300)] {
                let data: Vec<u8> = (0..size).map(|byte| (byte as u32 * 7 + at) as u8).collect();
                hive.set_value(key, name, kind, &data, time()).unwrap();
                expected.insert((path.clone(), name.to_owned()), (kind, data));
            }
        }
        let key = hive.create_key("Software\\Large", time()).unwrap();
        for size in [16_344usize, 16_345, 100_000, 1_000_000] {
            let data: Vec<u8> = (0..size).map(|at| (at % 253) as u8).collect();
            hive.set_value(key, &format!("v{size}"), 3, &data, time()).unwrap();
            expected.insert(("Software\\Large".to_owned(), format!("v{size}")), (3, data));
        }
        let path = std::env::temp_dir().join(format!("media-core-hive-{}-{version:?}", std::process::id()));
        std::fs::write(&path, hive.into_bytes()).unwrap();
        let output = Command::new("hivexregedit").arg("--export").arg(&path).arg("\\").output();
        std::fs::remove_file(&path).unwrap();
        let output = match output {
            Ok(output) => output,
            Err(error) if std::env::var_os("CI").is_none_or(|ci| ci != "true") => {
                eprintln!("skipped: hivexregedit: {error}");
                return;
            }
            Err(error) => panic!("hivexregedit: {error}"),
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found = parse_export(&String::from_utf8(output.stdout).unwrap());
        assert_eq!(found.len(), expected.len());
        for (place, value) in &expected {
            assert!(found.get(place) == Some(value), "{version:?} {place:?}");
        }
    }
}
