//! Answers of drivers, whole, cut off at every length, and with numbers that lie.

use super::*;
use crate::windows::tests::bytes;

#[test]
fn a_descriptor_gives_its_texts_and_nothing_that_is_not_there() {
    let whole = bytes::descriptor(0, true, 7, [Some("SanDisk "), Some(" Ultra\t"), Some("4C53")]);
    let read = descriptor(&whole).expect("it is whole");
    assert_eq!((read.bus, read.removable, read.device_type), (7, true, 0));
    assert_eq!(read.vendor.as_deref(), Some("SanDisk"));
    assert_eq!(read.product.as_deref(), Some("Ultra"));
    assert_eq!(read.serial.as_deref(), Some("4C53"));
    let bare = descriptor(&bytes::descriptor(0, false, 17, [None, Some("  "), None])).expect("it is whole");
    assert_eq!((bare.vendor, bare.product, bare.serial), (None, None, None));
}

#[test]
fn offsets_beyond_the_end_are_no_text() {
    for offset in [39_u32, 4096, u32::MAX] {
        let mut lying = bytes::descriptor(0, false, 7, [None, None, None]);
        lying.truncate(39);
        lying[24..28].copy_from_slice(&offset.to_le_bytes());
        assert_eq!(descriptor(&lying).expect("the rest is there").serial, None);
    }
}

#[test]
fn a_text_without_end_ends_with_the_bytes() {
    let mut open = bytes::descriptor(0, false, 7, [None, Some("Ultra"), None]);
    assert_eq!(open.pop(), Some(0));
    assert_eq!(descriptor(&open).expect("it is there").product.as_deref(), Some("Ultra"));
}

#[test]
fn counts_that_lie_give_what_is_there() {
    let mut extents = bytes::extents(&[3, 1, 3]);
    assert_eq!(disks_of_volume(&extents), [1, 3]);
    extents[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(disks_of_volume(&extents), [1, 3]);
    extents[..4].copy_from_slice(&1_u32.to_le_bytes());
    assert_eq!(disks_of_volume(&extents), [3]);
    let mut layout = bytes::layout(&["gpt", "spaces", "none", "ldm", "mbr", "mbr-ldm"]);
    let kinds = |bytes: &[u8]| partitions(bytes).iter().map(|partition| partition.kind).collect::<Vec<_>>();
    let (plain, dynamic) = (PartitionKind::Other, PartitionKind::Dynamic);
    assert_eq!(kinds(&layout), [plain, PartitionKind::StorageSpaces, dynamic, plain, dynamic]);
    layout[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(kinds(&layout).len(), 5);
}

#[test]
fn only_a_disk_has_the_number_of_one() {
    assert_eq!(device_number(&[7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]), Some(2));
    // `FILE_DEVICE_CD_ROM`
    assert_eq!(device_number(&[2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]), None);
}

#[test]
fn answers_cut_off_anywhere_do_no_harm() {
    let answers = [
        bytes::descriptor(0, true, 7, [Some("SanDisk"), Some("Ultra"), Some("4C53")]),
        bytes::geometry(11, 512, 1 << 30),
        bytes::extents(&[0, 1]),
        bytes::layout(&["gpt", "mbr"]),
    ];
    for answer in answers {
        for len in 0..=answer.len() {
            let short = &answer[..len];
            let _ = (descriptor(short), geometry(short), device_number(short));
            let _ = (disks_of_volume(short), partitions(short));
        }
    }
    assert_eq!(geometry(&bytes::geometry(11, 512, 1 << 30)[..31]), None);
}
