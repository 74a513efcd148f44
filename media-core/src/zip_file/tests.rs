use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

fn archive(entries: &[(&str, &[u8], CompressionMethod)]) -> Vec<u8> {
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes, method) in entries {
        out.start_file(*name, SimpleFileOptions::default().compression_method(*method)).expect("a name");
        out.write_all(bytes).expect("memory can be written");
    }
    out.finish().expect("an archive").into_inner()
}

fn found(bytes: &[u8], limit: u64) -> Result<Vec<(String, Vec<u8>)>, ZipFileError> {
    let found = find(bytes, |name| name.ends_with(".xml"), limit)?;
    Ok(found.into_iter().map(|entry| (entry.name, entry.bytes.to_vec())).collect())
}

#[test]
fn wanted_entries_are_unpacked() {
    use CompressionMethod::{Deflated, Stored};
    let long = vec![b'x'; 10_000];
    let zip = archive(&[
        ("a/b.xml", &long, Deflated),
        ("other.bin", b"other", Stored),
        ("folder.xml/", b"", Stored),
        (r"c\d.xml", b"short", Stored),
    ]);
    assert!(is_archive(&zip) && zip.len() < 2000, "{}", zip.len());
    let expected = vec![("a/b.xml".to_owned(), long), ("c/d.xml".to_owned(), b"short".to_vec())];
    assert_eq!(found(&zip, 20_000), Ok(expected));
}

#[test]
fn no_more_is_unpacked_than_agreed() {
    let long = vec![0; 1 << 20];
    let zip = archive(&[
        ("a.xml", b"short", CompressionMethod::Stored),
        ("bomb.xml", &long, CompressionMethod::Deflated),
    ]);
    let refused = ZipFileError::TooLarge { name: "bomb.xml".to_owned(), limit: 1 << 20 };
    assert_eq!(found(&zip, 1 << 20), Err(refused));
    assert!(found(&zip, (1 << 20) + 5).is_ok());
}

#[test]
fn damage_is_named() {
    let mut zip = archive(&[("a.xml", b"some content", CompressionMethod::Stored)]);
    let content = zip.windows(4).position(|window| window == b"some").expect("it is stored");
    zip[content] ^= 1;
    assert!(matches!(found(&zip, 100), Err(ZipFileError::Entry { name, .. }) if name == "a.xml"));
    assert!(matches!(found(b"PK\x03\x04", 100), Err(ZipFileError::Archive { .. })));
    assert!(!is_archive(b"<sequence/>"));
}

proptest! {
    #[test]
    fn no_bytes_bring_it_down(mut bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..300, keep in any::<bool>()) {
        if keep {
            let noise = bytes.clone();
            bytes = archive(&[("a.xml", &[7; 50], CompressionMethod::Deflated)]);
            for (offset, byte) in noise.iter().take(3).enumerate() {
                let place = (at + offset * 17) % bytes.len();
                bytes[place] = *byte;
            }
        }
        let _ = found(&bytes, 1000);
    }
}
