//! Damage: one bit of a medium is flipped, or its end is missing, and `verify` has to say so. What it cannot see is
//! listed with the reason.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use media_core::content::Content;
use media_core::disk::Scheme;
use media_core::event::{Event, Observer, Unobserved};
use media_core::finding::Severity;
use media_core::hive::boot_configuration::{self, BootStore, Device, ElementValue};
use media_core::hive::{ADMINISTRATORS_AND_SYSTEM, Hive, Version};
use media_core::io::{MemorySink, Source};
use media_core::{
    Form, MediumPartition, Plan, Tree, Trust, VerifyError, VerifyReport, inspect, open, plan, seal, stage,
    verify, write,
};
use media_tests::boot_image::{Architecture, BootImageRecipe, Hives, Subsystem, program};
use media_tests::medium;
use tempfile::TempDir;

pub const STICK: Form = Form::DiskImage {
    scheme: Scheme::Gpt,
    size: None,
    cluster_size: Some(512),
    partition: MediumPartition::Whole,
};
pub const MBR_STICK: Form = Form::DiskImage {
    scheme: Scheme::Mbr,
    size: None,
    cluster_size: Some(512),
    partition: MediumPartition::Whole,
};
pub const DISC: Form = Form::Iso { prompt: false };
const FORMS: [Form; 3] = [STICK, MBR_STICK, DISC];

/// A sound medium in memory, with the plan it was written by.
pub struct Sound {
    pub plan: Plan,
    pub bytes: Arc<Vec<u8>>,
}

/// A sound medium with some changed bits of one byte, or another length; zero behind its end.
pub struct Changed {
    pub bytes: Arc<Vec<u8>>,
    pub flip: Option<(u64, u8)>,
    pub len: u64,
}

impl Source for Changed {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX));
        let buffer = &mut buffer[..count];
        buffer.fill(0);
        self.bytes.read_at(offset, buffer)?;
        if let Some((place, bit)) = self.flip
            && let Some(byte) = place.checked_sub(offset).and_then(|at| buffer.get_mut(at as usize))
        {
            *byte ^= bit;
        }
        Ok(count)
    }
}

/// The smallest boot image there can be, made once.
pub fn small_boot_image() -> &'static PathBuf {
    static IMAGE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = IMAGE.get_or_init(|| {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("boot.PS100005.wim");
        let hives = Hives { software: small_software_hive(), ..Hives::default() };
        let recipe = BootImageRecipe { files: 0, size: 0, hives, ..BootImageRecipe::default() };
        recipe.write(&path).expect("a boot image can be made");
        (folder, path)
    });
    path
}

fn small_software_hive() -> Vec<u8> {
    let time = medium::env().now();
    let mut hive =
        Hive::create(Version::V1_3, "SOFTWARE", &ADMINISTRATORS_AND_SYSTEM, time).expect("an empty hive");
    hive.create_key(r"Microsoft\SystemCertificates\ROOT\Certificates", time).expect("a key");
    hive.create_key(r"Microsoft\Windows NT\CurrentVersion", time).expect("a key");
    hive.into_bytes()
}

/// What is on a stick and a disc, staged once: keys take longer to make than anything else.
pub fn staged(form: Form) -> Tree {
    static STAGED: [OnceLock<Tree>; 2] = [OnceLock::new(), OnceLock::new()];
    let stage = || {
        let spec = medium::spec(small_boot_image(), form).expect("the boot image can be opened");
        stage(&spec, &medium::env(), &mut Unobserved).expect("it can be staged").tree
    };
    STAGED[usize::from(form == DISC)].get_or_init(stage).clone()
}

impl Sound {
    /// The medium nobody changed, made once.
    pub fn new(form: Form) -> &'static Self {
        static MADE: [OnceLock<Sound>; 3] = [const { OnceLock::new() }; 3];
        let index = FORMS.iter().position(|known| *known == form).expect("one of those tested here");
        MADE[index].get_or_init(|| {
            let sound = Self::with(form, |_| ());
            assert_eq!(sound.verify(None, sound.len()).findings, []);
            sound
        })
    }

    /// A medium whose files were changed before the manifest was made.
    pub fn with(form: Form, change: impl FnOnce(&mut Tree)) -> Self {
        let mut tree = staged(form);
        change(&mut tree);
        seal(&mut tree, form, None, &mut Unobserved).expect("it can be sealed");
        Self::of(&tree, form)
    }

    /// A medium with these files.
    pub fn of(tree: &Tree, form: Form) -> Self {
        let plan = plan(tree, form).expect("it can be planned");
        let mut sink = MemorySink::default();
        write(&plan, &mut sink, &mut Unobserved).expect("memory can be written");
        Self { plan, bytes: Arc::new(sink.bytes) }
    }

    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub fn changed(&self, flip: Option<(u64, u8)>, len: u64) -> Arc<dyn Source> {
        Arc::new(Changed { bytes: self.bytes.clone(), flip, len })
    }

    /// What `verify` finds in something that can be opened.
    pub fn verify(&self, flip: Option<(u64, u8)>, len: u64) -> VerifyReport {
        verify(self.changed(flip, len), Trust::default(), &mut Unobserved).expect("it can be looked at")
    }

    /// Whether damage is found. `verify` may refuse what is no medium any more, and nothing else.
    fn is_found(&self, flip: Option<(u64, u8)>, len: u64) -> bool {
        open(self.changed(flip, len)).is_err() || !self.verify(flip, len).is_intact()
    }

    /// Whether damage is found, or at least noted.
    fn is_noticed(&self, place: u64, bit: u8) -> bool {
        let source = self.changed(Some((place, bit)), self.len());
        open(source).is_err() || !self.verify(Some((place, bit)), self.len()).findings.is_empty()
    }

    /// Places spread over every kind of structure and every file: label, offset in the medium, and bit.
    fn places(&self, of_each: u64) -> Vec<(&str, u64, u8)> {
        let mut kinds: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
        for (offset, len, label) in self.plan.runs() {
            kinds.entry(label).or_default().push((offset, len));
        }
        let mut places = Vec::new();
        for (label, runs) in kinds {
            let total: u64 = runs.iter().map(|run| run.1).sum();
            let used: Vec<u64> = runs
                .iter()
                .flat_map(|(offset, len)| (*offset..offset + len).take(1 << 20))
                .filter(|place| self.bytes[*place as usize] != 0)
                .collect();
            // Half of them anywhere, half where something is written: most of a sector is zero.
            for number in 0..of_each.min(total) {
                let chance = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
                let place = match number % 2 {
                    0 if !used.is_empty() => used[chance as usize % used.len()],
                    _ => nth(&runs, number * total / of_each.min(total) + chance % (total / of_each).max(1)),
                };
                places.push((label, place, 1 << (chance >> 20 & 7)));
            }
        }
        places
    }

    fn assert_found(&self, of_each: u64, unseen: fn(&Sound, &str, u64, u8) -> Option<&'static str>) {
        let places = self.places(of_each);
        assert!(places.len() > 250, "{} places", places.len());
        let (mut silent, mut missed) = (BTreeMap::new(), Vec::new());
        for &(label, place, bit) in &places {
            if self.is_noticed(place, bit) {
                continue;
            }
            match unseen(self, label, place, bit) {
                Some(reason) => *silent.entry(reason).or_insert(0) += 1,
                None => missed.push(format!("{label}: bit {bit:#04x} of byte {}", self.within(label, place))),
            }
        }
        eprintln!("{} flipped bits; not seen, because they are: {silent:#?}", places.len());
        assert!(missed.is_empty(), "not found: {missed:#?}");
    }

    /// Where a byte is within its run.
    fn within(&self, label: &str, place: u64) -> u64 {
        let runs = self.plan.runs();
        let run = runs
            .iter()
            .find(|run| run.2 == label && (run.0..run.0 + run.1).contains(&place))
            .expect("planned");
        place - run.0
    }

    fn le16(&self, place: u64) -> u64 {
        u64::from(self.bytes[place as usize]) | u64::from(self.bytes[place as usize + 1]) << 8
    }

    pub fn first(&self, label: &str) -> u64 {
        self.plan.runs().iter().find(|run| run.2 == label).expect("it is planned").0
    }
}

/// Asks to stop once so many events were heard.
struct Stopping {
    after: usize,
    heard: usize,
}

impl Observer for Stopping {
    fn event(&mut self, _: Event) {
        self.heard += 1;
    }

    fn cancelled(&self) -> bool {
        self.heard >= self.after
    }
}

#[test]
fn a_check_that_is_stopped_says_so_wherever_it_was() {
    let stick = Sound::new(STICK);
    let whole = |sound: &Sound| sound.changed(None, sound.len());
    let boot_image =
        || -> Arc<dyn Source> { Arc::new(std::fs::read(small_boot_image()).expect("it was made")) };
    for source in [whole(stick), whole(Sound::new(DISC)), boot_image()] {
        let mut all = Stopping { after: usize::MAX, heard: 0 };
        verify(source.clone(), Trust::default(), &mut all).expect("it can be looked at");
        assert!(all.heard > 20, "{} events", all.heard);
        for after in 0..=all.heard {
            let mut stopping = Stopping { after, heard: 0 };
            let error = verify(source.clone(), Trust::default(), &mut stopping).err();
            // How often it says how far it is depends on how fast the threads are: it may have said less this time.
            let ended = error.is_none() && stopping.heard < after;
            assert!(ended || matches!(error, Some(VerifyError::Cancelled)), "event {after}: {error:?}");
            // What it was in the middle of ends; another step may begin before it is asked again.
            assert!(stopping.heard <= after + 3, "{} events after event {after}", stopping.heard);
        }
    }
}

fn nth(runs: &[(u64, u64)], mut number: u64) -> u64 {
    for (offset, len) in runs {
        if number < *len {
            return offset + number;
        }
        number -= len;
    }
    runs[0].0
}

/// The bytes of a stick that nobody needs: every structure is compared with what was written.
fn unseen_on_a_stick(sound: &Sound, label: &str, place: u64, bit: u8) -> Option<&'static str> {
    let at = sound.within(label, place);
    match label {
        "FSInfo" if matches!(at, 492..496) => Some("a hint where free clusters are"),
        "backup FSInfo" if matches!(at, 488..496) => Some("numbers that age with use"),
        "FAT 1" | "FAT 2" if at == 7 && bit >= 0x10 => {
            Some("reserved, and Windows' for the state of a volume")
        }
        "FAT 1" | "FAT 2" if at % 4 == 3 && bit >= 0x10 => {
            let entry = (place - 3) as usize;
            Some("reserved").filter(|_| sound.bytes[entry..entry + 4] == [0; 4])
        }
        "tsmedia-manifest.json" => in_manifest(sound, place),
        _ => None,
    }
}

/// The bytes of an ISO that nobody needs.
fn unseen_on_a_disc(sound: &Sound, label: &str, place: u64, _: u8) -> Option<&'static str> {
    if label == "tsmedia-manifest.json" { in_manifest(sound, place) } else { None }
}

/// The manifest names files; what else it says is for people.
fn in_manifest(sound: &Sound, place: u64) -> Option<&'static str> {
    let text = &sound.bytes[..place as usize];
    let line = &sound.bytes[text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)..];
    let line = line.trim_ascii_start();
    let said = [&b"\"created\""[..], b"\"label\"", b"\"tool\""];
    if said.iter().any(|start| line.starts_with(start)) {
        return Some("the time, the label and the program in the manifest");
    }
    // A small letter for a capital one in a path or a digit.
    Some("capital or small letters").filter(|_| sound.bytes[place as usize].is_ascii_alphabetic())
}

#[test]
fn every_flipped_bit_of_a_stick_is_found() {
    Sound::new(STICK).assert_found(8, unseen_on_a_stick);
}

#[test]
fn every_flipped_bit_of_a_disc_is_found() {
    Sound::new(DISC).assert_found(7, unseen_on_a_disc);
}

/// The bits of an MBR that say what starts and what Windows PE gives a drive letter.
#[test]
fn every_flipped_bit_of_an_mbr_is_found() {
    let sound = Sound::new(MBR_STICK);
    for at in (446..462).chain(510..512) {
        for bit in (0..8).map(|bit| 1 << bit) {
            let flip = Some((at, bit));
            match (at, bit) {
                // Addresses in cylinders, heads and sectors, which nothing reads.
                (447..=449 | 451..=453, _) => assert_eq!(found_in(sound, flip), ["medium.structure"]),
                (446, 0x80) => {
                    assert_eq!(found_in(sound, flip), ["medium.partition-not-active", "medium.structure"])
                }
                (450, _) => {
                    assert_eq!(
                        found_in(sound, flip),
                        ["medium.partition-type", "medium.structure"],
                        "{bit:#04x}"
                    )
                }
                _ => assert!(sound.is_found(flip, sound.len()), "bit {bit:#04x} of byte {at}"),
            }
        }
    }
}

fn found_in(sound: &Sound, flip: Option<(u64, u8)>) -> Vec<&'static str> {
    sound.verify(flip, sound.len()).findings.iter().map(|found| found.id).collect()
}

#[test]
fn every_missing_end_is_found() {
    for form in FORMS {
        let sound = Sound::new(form);
        for number in 0..50 {
            let len = number * sound.len() / 50;
            assert!(sound.is_found(None, len), "{form:?} cut to {len} bytes");
        }
        for missing in [1, 511, 512, 2048, 4096] {
            assert!(sound.is_found(None, sound.len() - missing), "{form:?} without {missing} bytes");
        }
    }
}

#[test]
fn something_larger_is_no_damage() {
    for (form, note) in [(STICK, "gpt.backup-place"), (DISC, "iso.trailing-data")] {
        let sound = Sound::new(form);
        let report = sound.verify(None, sound.len() + (100 << 20));
        let found: Vec<_> = report.findings.iter().map(|found| (found.id, found.severity)).collect();
        assert_eq!(found, [(note, Severity::Note)]);
    }
}

/// The bytes of the boot catalog without which a disc does not start.
#[test]
fn a_disc_that_would_not_start_is_found() {
    let sound = Sound::new(DISC);
    let catalog = sound.first("El Torito boot catalog");
    let bios = [32, 33, 34, 38, 39, 40, 41].map(|at| (at, "medium.bios-entry"));
    let uefi = [65, 66, 96, 97, 102, 103, 104, 105].map(|at| (at, "medium.uefi-entry"));
    for (at, id) in bios.into_iter().chain(uefi) {
        for bit in [0, 3, 7] {
            // A section of more entries than there are still has the one that is needed.
            let report = sound.verify(Some((catalog + at, 1 << bit)), sound.len());
            let found: Vec<_> = report.findings.iter().map(|found| found.id).collect();
            assert!(!report.is_intact(), "bit {bit} of byte {at}");
            let whole = at == 66 || found.contains(&"iso.boot-catalog");
            assert!(whole || found.contains(&id), "bit {bit} of byte {at}: {found:?}");
        }
    }
}

#[test]
fn one_damaged_part_does_not_hide_the_others() {
    for form in [STICK, DISC] {
        let sound = Sound::new(form);
        let wim = sound.first("sources/boot.wim");
        let seen = inspect(sound.changed(Some((wim, 1)), sound.len()), None).expect("the volume is sound");
        assert!(matches!(seen.boot_image, Some(Err(_))));
        assert!(seen.volume.is_some() && seen.files.len() > 15);
        assert!(matches!(seen.variables, Some(Ok(_))) && !seen.boot_managers.is_empty());

        let variables = sound.first("SMS/data/variables.dat");
        let changed = sound.changed(Some((variables, 1)), sound.len());
        let seen = inspect(changed, None).expect("the volume is sound");
        assert!(matches!(seen.variables, Some(Err(_))) && matches!(seen.boot_image, Some(Ok(_))));
    }
}

/// A name or a chain that is lost is told, and everything else is compared and listed all the same.
#[test]
fn a_damaged_tree_does_not_hide_the_rest() {
    let (stick, disc) = (Sound::new(STICK), Sound::new(DISC));
    let root = stick.first("root folder");
    let mut slots = stick.bytes[root as usize..].as_chunks::<32>().0.iter();
    let bootmgr =
        root + 32 * slots.position(|slot| slot[..11] == *b"BOOTMGR    ").expect("in the root") as u64;
    let cluster = u64::from(stick.bytes[bootmgr as usize + 26]) | stick.le16(bootmgr + 26) & 0xFF00;
    let sources = disc.bytes[disc.first("UDF directories") as usize..]
        .windows(7)
        .position(|bytes| bytes == b"sources")
        .expect("a folder in the root") as u64;
    // An attribute that does not exist; a chain that breaks; a letter of a name.
    for (sound, place, bit, id) in [
        (stick, bootmgr + 11, 0x40, "fat32.attributes"),
        (stick, stick.first("FAT 1") + cluster * 4 + 3, 0x04, "fat32.broken-chain"),
        (disc, disc.first("UDF directories") + sources, 0x01, "udf.tree"),
    ] {
        let (intact, files) = (sound.verify(None, sound.len()), sound.plan.files.len());
        let report = sound.verify(Some((place, bit)), sound.len());
        let found: Vec<_> = report.findings.iter().map(|found| found.id).collect();
        assert!(found.contains(&id), "{found:?}");
        assert_eq!(report.files_compared, intact.files_compared, "{id}");
        let seen = inspect(sound.changed(Some((place, bit)), sound.len()), None).expect("it can be opened");
        assert_eq!((seen.files.len(), seen.files_damage.is_some()), (files, true), "{id}");
    }
}

/// A volume whose descriptors are damaged does not hide those beside it.
#[test]
fn a_damaged_volume_does_not_hide_the_others() {
    let sound = Sound::new(DISC);
    let files = sound.verify(None, sound.len()).files_compared;
    for (label, at, id) in [
        ("primary volume descriptor", 128, "iso.primary"),
        ("Joliet volume descriptor", 128, "iso.joliet"),
        ("UDF file set", 20, "udf.volume"),
        ("volume descriptor set terminator", 0, "iso.descriptors"),
    ] {
        let place = sound.plan.runs().iter().find(|run| run.2.starts_with(label)).expect("it is planned").0;
        let report = sound.verify(Some((place + at, 1)), sound.len());
        let found: Vec<_> = report.findings.iter().map(|found| found.id).collect();
        assert!(found.contains(&id), "{label}: {found:?}");
        assert_eq!(report.files_compared, files, "{label}");
    }
}

/// What is wrong with a medium one of whose files is another, although the manifest lists it as it is.
fn found_with(form: Form, path: &str, bytes: &[u8]) -> Vec<&'static str> {
    let medium = Sound::with(form, |tree| {
        let file = tree.files.iter_mut().find(|file| file.path == path).expect("it is staged");
        file.content = Content::bytes(bytes);
    });
    let report = medium.verify(None, medium.len());
    report.findings.iter().map(|found| found.id).collect()
}

#[test]
fn programs_firmware_cannot_start_are_found() {
    let other = program(Architecture::X86, Subsystem::EfiApplication, b"other");
    for path in ["EFI/Boot/bootx64.efi", "bootmgr.efi"] {
        for bytes in [&other[..], b"no program"] {
            assert_eq!(found_with(STICK, path, bytes), ["medium.boot-manager"], "{path}");
        }
    }
    let path = "EFI/Microsoft/Boot/efisys.bin";
    assert_eq!(found_with(STICK, path, &[0; 1_474_560]), ["medium.uefi-boot-image"]);
}

#[test]
fn stores_that_start_something_else_are_found() {
    type Change = fn(&mut BootStore);
    let stores: [(&str, Change); 5] = [
        ("another WIM", |store| {
            each_value(store, |value| {
                if let ElementValue::Device(Device::Ramdisk { path, .. }) = value {
                    *path = r"\sources\install.wim".to_owned();
                }
            });
        }),
        ("a frame that is not there", |store| replace(store, r"\boot\boot.sdi", r"\boot\other.sdi")),
        ("a loader that is not there", |store| replace(store, "winload", r"\windows\system32\other.efi")),
        ("a folder for a loader", |store| replace(store, "winload", r"\windows\system32")),
        ("a frame on another device", |store| {
            each_value(store, |value| {
                if let ElementValue::Device(device @ Device::Boot) = value {
                    *device =
                        Device::Other { options: boot_configuration::Guid::NONE, descriptor: vec![0; 72] };
                }
            });
        }),
    ];
    for (what, change) in stores {
        let mut store = boot_configuration::parse(boot_configuration::UEFI).expect("our own description");
        change(&mut store);
        let bytes = boot_configuration::build(&store, medium::env().now()).expect("it can be built");
        let found = found_with(STICK, "EFI/Microsoft/Boot/BCD", &bytes);
        assert_eq!(found, ["boot-configuration.target"], "{what}");
    }
}

fn each_value(store: &mut BootStore, change: impl FnMut(&mut ElementValue)) {
    let elements = store.objects.iter_mut().flat_map(|object| &mut object.elements);
    elements.map(|element| &mut element.value).for_each(change);
}

/// Puts another text for every one that contains `part`.
fn replace(store: &mut BootStore, part: &str, with: &str) {
    each_value(store, |value| {
        if let ElementValue::Text(text) = value
            && text.contains(part)
        {
            *text = with.to_owned();
        }
    });
}
