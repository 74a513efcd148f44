//! What is planned is what our reader finds.

use proptest::prelude::*;

use super::*;
use crate::iso::{BootEntry, DATA_ALIGNMENT, Emulation, IsoError, Platform, SECTOR, plan_again};

#[test]
fn every_tree_holds_every_file() {
    let files = media_tree();
    let layout = plan(&files, &bootable()).unwrap();
    let disc = Disc::open(Arc::new(image_bytes(&layout))).unwrap();
    assert_eq!(listing(&disc.udf().unwrap()), expected(&files));
    assert_eq!(listing(&disc.files().unwrap()), expected(&files));
    assert_eq!(contents(listing(&disc.primary().unwrap())), contents(expected(&files)));
    assert_eq!(contents(listing(&disc.joliet().unwrap())), contents(expected(&files)));
    assert_eq!(disc.check().unwrap(), []);
    assert_eq!(disc.udf_revision(), Some(0x0102));
    assert_eq!(disc.volume_size(), Some(layout.len));
}

#[test]
fn names_are_what_windows_looks_for() {
    let layout = plan(&media_tree(), &bootable()).unwrap();
    let disc = Disc::open(Arc::new(image_bytes(&layout))).unwrap();
    let primary: Vec<String> = disc.primary().unwrap().into_iter().map(|file| file.path).collect();
    for name in ["BOOTMGR", "BOOTMGR.EFI", "SOURCES/BOOT.WIM", "SMS/DATA/VARIABLES.DAT", "BOOT/ETFSBOOT.COM"]
    {
        assert!(primary.contains(&name.to_owned()), "{name} is not among {primary:?}");
    }
    // The reader hides version numbers and dots, so look at the records themselves: a length, then the name.
    let records: Vec<u8> = layout
        .structures
        .iter()
        .filter(|structure| structure.label == "ISO 9660 directory")
        .flat_map(|structure| structure.bytes.to_vec())
        .collect();
    assert!(records.windows(8).any(|window| window == b"\x07BOOTMGR"));
    assert!(!records.windows(2).any(|window| window == b";1"));
    let joliet: Vec<String> = disc.joliet().unwrap().into_iter().map(|file| file.path).collect();
    assert!(joliet.contains(&"Grüße/日本語のファイル.txt".to_owned()));
    assert!(joliet.contains(&"Grüße/key _.txt".to_owned()), "Joliet has no characters beyond 16 bits");
}

#[test]
fn the_three_labels() {
    let label = "Task Sequence Media 2026 äöü x32";
    let layout = plan(&sizes(&[("a", 1)]), &Options { label, ..options() }).unwrap();
    let labels = Disc::open(Arc::new(image_bytes(&layout))).unwrap().labels();
    assert_eq!(labels.primary.as_deref(), Some("TASK_SEQUENCE_MEDIA_2026_____X32"));
    assert_eq!(labels.joliet.as_deref(), Some("Task Sequence Me"));
    assert_eq!(labels.udf.as_deref(), Some(label));
    let layout =
        plan(&sizes(&[("a", 1)]), &Options { label: "媒体 with wide characters", ..options() }).unwrap();
    let labels = Disc::open(Arc::new(image_bytes(&layout))).unwrap().labels();
    assert_eq!(labels.udf.as_deref(), Some("媒体 with wide characters"));
    for label in ["", "123456789012345678901234567890123"] {
        let error = plan(&sizes(&[("a", 1)]), &Options { label, ..options() }).expect_err("does not fit");
        assert!(matches!(error, IsoError::BadLabel { limit: 32, .. }), "{error}");
    }
}

#[test]
fn boot_entries_point_at_their_files() {
    let files = media_tree();
    let layout = plan(&files, &bootable()).unwrap();
    let offset = |path: &str| layout.files.iter().find(|file| file.path == path).unwrap().extents[0].offset;
    let disc = Disc::open(Arc::new(image_bytes(&layout))).unwrap();
    let entry = |platform, load_sectors, path| BootEntry {
        platform,
        bootable: true,
        emulation: Emulation::None,
        load_segment: 0,
        load_sectors,
        offset: offset(path),
    };
    let expected = [entry(Platform::Bios, 8, BIOS), entry(Platform::Uefi, 2880, UEFI)];
    assert_eq!(disc.boot_entries().unwrap(), expected);
}

#[test]
fn the_uefi_load_size_is_true_or_one() {
    // 2, 4 and 8 make firmware cut the image; above 65535 the field is too small.
    for (len, load) in [
        (1, 1),
        (1024, 1),
        (1025, 3),
        (2048, 1),
        (2049, 5),
        (4096, 1),
        (4097, 9),
        (33_553_920, 65_535),
        (33_553_921, 1),
    ] {
        let files = sizes(&[("efisys.bin", len), ("bootmgr", 5)]);
        let layout = plan(&files, &Options { uefi_boot: Some("efisys.bin"), ..options() }).unwrap();
        let disc = Disc::open(Arc::new(Sparse { layout })).unwrap();
        let entries = disc.boot_entries().unwrap();
        assert_eq!(
            (entries.len(), entries[0].platform, entries[0].load_sectors),
            (1, Platform::Uefi, load),
            "{len}"
        );
    }
}

#[test]
fn boot_images_must_be_there() {
    let files = sizes(&[("a", 1), ("empty", 0)]);
    for (path, there) in [("b", false), ("A", false), ("empty", true)] {
        let error = plan(&files, &Options { uefi_boot: Some(path), ..options() }).expect_err("no boot image");
        assert!(matches!(error, IsoError::NoBootImage { present, .. } if present == there), "{error}");
    }
}

#[test]
fn structures_come_before_the_data_and_overlap_nothing() {
    let layout = plan(&media_tree(), &bootable()).unwrap();
    let first_data =
        layout.files.iter().flat_map(|file| &file.extents).map(|extent| extent.offset).min().unwrap();
    let last_data = layout
        .files
        .iter()
        .flat_map(|file| &file.extents)
        .map(|extent| extent.offset + extent.len)
        .max()
        .unwrap();
    let mut end = 0;
    for structure in &layout.structures {
        assert!(structure.offset >= end, "{} overlaps", structure.label);
        end = structure.offset + structure.bytes.len() as u64;
        let is_last_anchor = structure.label == "UDF anchor" && structure.offset >= last_data;
        assert!(end <= first_data || is_last_anchor, "{} lies behind the data", structure.label);
    }
    let labels: Vec<&str> = layout.structures.iter().map(|structure| structure.label).collect();
    assert_eq!(
        labels[..5],
        [
            "primary volume descriptor",
            "El Torito boot record",
            "Joliet volume descriptor",
            "volume descriptor set terminator",
            "UDF volume recognition sequence"
        ]
    );
    assert_eq!(labels.iter().filter(|label| **label == "UDF anchor").count(), 2);
    assert!(labels.contains(&"path table, big-endian") && labels.contains(&"El Torito boot catalog"));
}

#[test]
fn files_beyond_four_gigabytes() {
    let section = (u64::from(u32::MAX) / SECTOR) * SECTOR;
    for len in [section - 1, section, section + 1, section + SECTOR, 5_368_709_120, 2 * section + 5] {
        let files = sizes(&[("sources/boot.wim", len), ("z", 10)]);
        let layout = plan(&files, &options()).unwrap();
        assert_eq!(layout.files[0].extents.len(), 1);
        let disc = Disc::open(Arc::new(Sparse { layout })).unwrap();
        for tree in [disc.udf(), disc.joliet(), disc.primary()] {
            let file = tree
                .unwrap()
                .into_iter()
                .find(|file| file.path.to_lowercase() == "sources/boot.wim")
                .unwrap();
            assert_eq!(file.len, len);
        }
        assert_eq!(disc.check().unwrap(), [], "{len}");
    }
}

#[test]
fn no_files_and_only_empty_ones() {
    for files in [sizes(&[]), sizes(&[("a/b/empty", 0)])] {
        let layout = plan(&files, &options()).unwrap();
        let disc = Disc::open(Arc::new(image_bytes(&layout))).unwrap();
        assert_eq!(disc.check().unwrap(), []);
        assert_eq!(disc.files().unwrap().len(), files.len());
    }
}

#[test]
fn names_that_become_equal_stay_apart() {
    // Without version numbers and dots, `x` and `x.` would be one name, and so would `é` and `ü`.
    let files = sizes(&[("x", 1), ("x.", 2), ("é", 3), ("ü/inside", 4), ("ö", 5)]);
    let layout = plan(&files, &options()).unwrap();
    let disc = Disc::open(Arc::new(image_bytes(&layout))).unwrap();
    let mut names: Vec<String> = disc.primary().unwrap().into_iter().map(|file| file.path).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(disc.check().unwrap(), []);
    // Which of two keeps its name is the writer's choice: of files, of folders, and beside a name that has to be cut.
    let long = format!("{}/1", "n".repeat(70));
    for paths in [
        ["+/a.aaa", "_/a.aab"],
        ["a+/1/b", "a_/2/b"],
        ["é", "_"],
        ["é/1", "_/1"],
        ["x./1", "x/1"],
        [&*long, &long[6..]],
    ] {
        let layout = plan(&sizes(&paths.map(|path| (path, 1))), &options()).unwrap();
        let disc = Disc::open(Arc::new(image_bytes(&layout))).unwrap();
        assert_eq!(disc.check().unwrap(), [], "{paths:?}");
    }
}

#[test]
fn paths_no_disc_can_hold() {
    let deep = "1/2/3/4/5/6/7/8/file";
    let long = format!("{}.txt", "n".repeat(251));
    let wide = "字".repeat(128);
    for path in ["", "/a", "a//b", "a/", "a/../b", ".", "a\\b", "a\0b", deep, &long, &wide] {
        let error = plan(&sizes(&[(path, 1)]), &options()).expect_err(path);
        assert!(matches!(error, IsoError::BadPath { .. }), "{path:?}: {error}");
    }
    let longest = format!("{}.txt", "n".repeat(250));
    assert!(plan(&sizes(&[(&longest, 1), ("1/2/3/4/5/6/7/file", 1)]), &options()).is_ok());
    for clash in [["a", "a"], ["boot/x", "Boot/y"], ["a/b", "a"], ["a", "A/b"], ["Ä", "ä"]] {
        let error = plan(&sizes(&[(clash[0], 1), (clash[1], 1)]), &options()).expect_err("clash");
        assert!(matches!(error, IsoError::NameClash { .. }), "{clash:?}: {error}");
    }
    let error = plan(&sizes(&[("a", u64::MAX), ("b", 5)]), &options()).expect_err("too large");
    assert!(matches!(error, IsoError::TooLarge { .. }), "{error}");
}

fn a_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}\\.[a-z]{3}",
        "[A-Za-z0-9 ._+;-]{1,40}",
        "[a-zäöüß日本語🔑]{1,20}",
        "[a-z]{60,100}\\.[a-z]{1,5}",
    ]
}

fn a_tree() -> impl Strategy<Value = Vec<FileSize>> {
    let len = prop_oneof![Just(0), Just(1), Just(2047), Just(2048), Just(2049), Just(4096), 0..20_000_u64];
    let path = prop::collection::vec(a_name(), 1..5).prop_map(|names| names.join("/"));
    prop::collection::vec((path, len).prop_map(|(path, len)| FileSize::new(path, len)), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_comes_back(files in a_tree(), volume_id: u64) {
        let options = Options { volume_id, ..options() };
        let layout = match plan(&files, &options) {
            Ok(layout) => layout,
            Err(IsoError::NameClash { .. } | IsoError::BadPath { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert_eq!(&layout, &plan(&files, &options).unwrap());
        // What was known from another length of a file makes no difference.
        let longer = |file: &FileSize| FileSize::new(&*file.path, if file.len > 0 { file.len + 9000 } else { 0 });
        let (before, mut known): (Vec<FileSize>, _) = (files.iter().map(longer).collect(), None);
        plan_again(&before, &options, &mut known).unwrap();
        prop_assert_eq!(&layout, &plan_again(&files, &options, &mut known).unwrap());
        for (file, placement) in files.iter().zip(&layout.files) {
            prop_assert_eq!(placement.extents.iter().map(|extent| extent.len).sum::<u64>(), file.len);
            prop_assert!(placement.extents.iter().all(|extent| extent.offset % DATA_ALIGNMENT == 0));
        }
        let disc = Disc::open(Arc::new(image_bytes(&layout))).unwrap();
        prop_assert_eq!(listing(&disc.udf().unwrap()), expected(&files));
        prop_assert_eq!(disc.primary().unwrap().len(), files.len());
        prop_assert_eq!(disc.joliet().unwrap().len(), files.len());
        prop_assert_eq!(disc.check().unwrap(), vec![]);
    }
}
