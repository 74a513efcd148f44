//! Equal inputs, seed and time give equal bytes, wherever and by whomever the command is run; and each of them counts.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fixtures::{self, ROOT_CERTIFICATE};
use crate::support::Sandbox;

/// `@` stands before every path.
const CREATE: &str = "create --boot-image @boot.wim --package-id PS100005 --site-code PS1 \
    --management-point mp.contoso.com --trusted-root @root.pem --vars-file @vars.txt --label CONTOSO --json";
/// The form's name, and what asks for it. Small clusters keep the volume small.
const FORMS: [(&str, &str); 3] = [
    ("ISO", "--output @media.iso"),
    ("GPT", "--output @media.img --cluster-size 512"),
    ("MBR", "--output @media.img --cluster-size 512 --partition-scheme mbr"),
];
const PASSWORDS: [(&str, &str); 2] = [("no password", ""), ("a password", "--password-file @password.txt")];
const CERTIFICATES: [(&str, &str); 2] = [
    ("self-signed", ""),
    ("imported", "--certificate @media.pfx --certificate-password-file @pfx-password.txt"),
];
/// 2027-01-01T00:00:00Z
const EPOCH: u32 = 1_798_761_600;
/// 2026-01-02T03:04:05Z
const OTHER_EPOCH: u32 = 1_767_323_045;

/// Surroundings that must not matter. Time zones are written out, so that they count where no table of them is installed.
struct Place {
    folder: &'static str,
    environment: &'static str,
    inputs_are_older_than_epoch: bool,
    inputs_in_reverse_among_others: bool,
    paths_are_absolute: bool,
}

const HERE: Place = Place {
    folder: "here",
    environment: "export TZ=NST3:30 LC_ALL=C LANG=C HOME=/nonexistent USER=one COLUMNS=40; umask 077",
    inputs_are_older_than_epoch: true,
    inputs_in_reverse_among_others: false,
    paths_are_absolute: false,
};
const THERE: Place = Place {
    folder: "another folder/wärts",
    environment: "export TZ='<+0545>-5:45' LC_ALL=tr_TR.UTF-8 LANG=de_DE.UTF-8 HOME=\"$PWD\" USER=two COLUMNS=200 \
        TMPDIR=\"$PWD\" NO_COLOR=1; umask 022",
    inputs_are_older_than_epoch: false,
    inputs_in_reverse_among_others: true,
    paths_are_absolute: true,
};

/// A run, and the file it made.
struct Run {
    sandbox: Sandbox,
    folder: PathBuf,
    /// What was printed, without the folder.
    printed: String,
    /// The script that was run.
    typed: String,
}

#[test]
fn the_surroundings_differ() {
    let answers = |place: &Place| {
        let asked =
            Sandbox::new().shell(&format!("{}; umask; date +%z; echo $HOME $LC_ALL", place.environment));
        asked.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (here, there) = (answers(&HERE), answers(&THERE));
    assert_eq!((here[0].as_str(), here[1].as_str()), ("0077", "-0330"));
    assert_eq!((there[0].as_str(), there[1].as_str()), ("0022", "+0545"));
    assert_ne!(here[2], there[2]);
}

#[test]
fn equal_isos_anywhere() {
    equal_anywhere(FORMS[0]);
}

#[test]
fn equal_gpt_disk_images_anywhere() {
    equal_anywhere(FORMS[1]);
}

#[test]
fn equal_mbr_disk_images_anywhere() {
    equal_anywhere(FORMS[2]);
}

fn equal_anywhere((form, output): (&str, &str)) {
    let pfx = fixtures::media_certificate("right");
    let mut different = BTreeMap::new();
    for (password, password_option) in PASSWORDS {
        for (certificate, certificate_option) in CERTIFICATES {
            let case = format!("{form}, {password}, {certificate}");
            let options = format!("{output} {password_option} {certificate_option} --seed test");
            let [here, there] = [HERE, THERE].map(|place| Run::new(&place, &pfx, &options, Some(EPOCH)));
            assert_eq!(here.printed, there.printed, "{case}");
            assert_eq!(here.sha256(), there.sha256(), "{case}");
            let same = different.insert(here.sha256(), case.clone());
            assert_eq!(same, None, "{case} is not different");
        }
    }
}

#[test]
fn another_seed_is_another_medium() {
    for (form, output) in FORMS {
        let [one, other] = ["one", "other"]
            .map(|seed| Run::new(&HERE, &[], &format!("{output} --seed {seed}"), Some(EPOCH)));
        all_differ(form, &one.identifiers(), &other.identifiers());
        assert_eq!(one.times(), other.times(), "{form}");
        // Media of one batch differ in what is about the medium alone, and not in the boot image or how it is started.
        assert_eq!(
            one.files_that_differ(&other),
            ["SMS/data/variables.dat", "tsmedia-manifest.json"],
            "{form}"
        );
    }
}

#[test]
fn another_time_is_the_same_medium_at_another_time() {
    for (form, output) in FORMS {
        let [one, other] = [EPOCH, OTHER_EPOCH]
            .map(|epoch| Run::new(&HERE, &[], &format!("{output} --seed test"), Some(epoch)));
        let (mut identifiers, mut others) = (one.identifiers(), other.identifiers());
        // It says from when it is valid.
        assert_ne!(identifiers.remove("certificate"), others.remove("certificate"), "{form}");
        assert_eq!(identifiers, others, "{form}");
        all_differ(form, &one.times(), &other.times());
        assert_ne!(one.sha256(), other.sha256(), "{form}");
        // Each as its standard writes it, and none in a local time.
        let (one, other) = (one.times(), other.times());
        assert_eq!(one["certificate"], b"2027-01-01T00:00:00Z");
        assert_eq!(other["certificate"], b"2026-01-02T03:04:05Z");
        if form == "ISO" {
            assert_eq!(one["ISO 9660"], b"2027010100000000\0");
            assert_eq!(other["ISO 9660"], b"2026010203040500\0");
            assert_eq!(one["UDF"][2..8], [0xEB, 0x07, 1, 1, 0, 0]);
            assert_eq!(other["UDF"][2..9], [0xEA, 0x07, 1, 2, 3, 4, 5]);
        } else {
            // Hours in 5 bits, minutes in 6, pairs of seconds in 5; years since 1980 in 7, months in 4, days in 5.
            let fat = |time: u16, date: u16| [time.to_le_bytes(), date.to_le_bytes()].concat();
            assert_eq!(one["FAT"], fat(0, 47 << 9 | 1 << 5 | 1));
            assert_eq!(other["FAT"], fat(3 << 11 | 4 << 5 | 2, 46 << 9 | 1 << 5 | 2));
        }
    }
}

#[test]
fn without_a_seed_every_medium_is_its_own() {
    for (form, output) in FORMS {
        let [one, other] = [(); 2].map(|()| Run::new(&HERE, &[], output, Some(EPOCH)));
        all_differ(form, &one.identifiers(), &other.identifiers());
        assert_eq!(one.times(), other.times(), "{form}");
    }
}

#[test]
fn without_a_given_time_it_is_now() {
    let since_epoch = |text: &str| {
        let asked = Sandbox::new().shell(&format!("date -u -d '{text}' +%s"));
        asked.stdout.trim().parse::<u64>().expect("date knows what is printed")
    };
    let before = UNIX_EPOCH.elapsed().expect("it is later").as_secs();
    let run = Run::new(&THERE, &[], &format!("{} --seed test", FORMS[0].1), None);
    let after = UNIX_EPOCH.elapsed().expect("it is later").as_secs();
    let start = String::from_utf8(run.times()["certificate"].clone()).expect("it is text");
    assert!((before..=after).contains(&since_epoch(&start)), "{start} is not now");
}

impl Run {
    fn new(place: &Place, pfx: &[u8], options: &str, epoch: Option<u32>) -> Self {
        let sandbox = Sandbox::new();
        let folder = sandbox.path(place.folder);
        fs::create_dir_all(&folder).expect("a folder can be made");
        let folder = folder.canonicalize().expect("it is there");
        place.lay_out(&sandbox, pfx);
        let prefix = if place.paths_are_absolute { "\"$PWD\"/" } else { "" };
        let arguments = format!("{CREATE} {options}").replace('@', prefix);
        let epoch = epoch.map_or_else(String::new, |epoch| format!("export SOURCE_DATE_EPOCH={epoch}; "));
        let typed =
            format!("cd '{}' && {}; {epoch}exec \"$TSMEDIA\" {arguments}", place.folder, place.environment);
        let made = sandbox.shell(&typed);
        assert_eq!((made.code, made.stderr.as_str()), (0, ""), "{options}");
        let printed = made.stdout.replace(&format!("{}/", folder.display()), "");
        Self { sandbox, folder, printed, typed }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.printed).expect("it is JSON")
    }

    fn bytes(&self) -> Vec<u8> {
        let output = self.json()["output"].as_str().expect("a path").to_owned();
        fs::read(self.folder.join(output)).expect("it was made")
    }

    fn sha256(&self) -> String {
        Sha256::digest(self.bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Everything that tells one medium from another, at the places its standard gives it.
    fn identifiers(&self) -> BTreeMap<&'static str, Vec<u8>> {
        let (json, bytes) = (self.json(), self.bytes());
        let text = |value: &Value| value.as_str().expect("a text").as_bytes().to_vec();
        let mut found = BTreeMap::from([
            ("media GUID", text(&json["media_guid"])),
            ("certificate", text(&json["media_certificate"]["thumbprint"])),
        ]);
        if is_disk(&bytes) {
            if &bytes[512..520] == b"EFI PART" {
                found.insert("disk GUID", bytes[512 + 56..512 + 72].to_vec());
                found.insert("partition GUID", bytes[1024 + 16..1024 + 32].to_vec());
            } else {
                found.insert("disk signature", bytes[440..444].to_vec());
            }
            found.insert("volume serial number", bytes[VOLUME + 67..VOLUME + 71].to_vec());
        } else {
            found.insert("volume set", udf_primary_volume_descriptor(&bytes)[72..200].to_vec());
        }
        found
    }

    /// Times of every kind that is on the medium, at the places their standards give them.
    fn times(&self) -> BTreeMap<&'static str, Vec<u8>> {
        let (json, bytes) = (self.json(), self.bytes());
        let start = json["media_certificate"]["valid_from"].as_str().expect("a text");
        let mut found = BTreeMap::from([("certificate", start.as_bytes().to_vec())]);
        if is_disk(&bytes) {
            // The root folder is the first cluster after the FATs, and the volume label its first entry.
            let volume = &bytes[VOLUME..];
            let reserved = usize::from(u16::from_le_bytes([volume[14], volume[15]]));
            let fat = le32(&volume[36..40]);
            let root = (reserved + usize::from(volume[16]) * fat) * 512;
            assert_eq!((&volume[root..root + 11], volume[root + 11]), (b"CONTOSO    ".as_slice(), 8));
            found.insert("FAT", volume[root + 22..root + 26].to_vec());
        } else {
            found.insert("ISO 9660", bytes[16 * 2048 + 813..16 * 2048 + 830].to_vec());
            found.insert("UDF", udf_primary_volume_descriptor(&bytes)[376..388].to_vec());
        }
        found
    }

    /// Files whose bytes are not the same on another medium.
    fn files_that_differ(&self, other: &Self) -> Vec<String> {
        let (one, another) = (self.files(), other.files());
        assert!(one.len() > 10 && one.keys().eq(another.keys()), "other files");
        let differ = one.into_iter().filter(|(path, bytes)| another[path] != *bytes);
        differ.map(|(path, _)| path).collect()
    }

    /// Every file of the medium, from where the dry run says that it is.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let planned = self.sandbox.shell(&format!("{} --dry-run", self.typed));
        assert_eq!((planned.code, planned.stderr.as_str()), (0, ""));
        let planned: Value = serde_json::from_str(&planned.stdout).expect("it is JSON");
        let bytes = self.bytes();
        let files = planned["files"].as_array().expect("a list").iter().map(|file| {
            let number = |name: &str| file[name].as_u64().expect("a number") as usize;
            let range = number("offset")..number("offset") + number("bytes");
            (file["path"].as_str().expect("a path").to_owned(), bytes[range].to_vec())
        });
        files.collect()
    }
}

impl Place {
    /// Puts the inputs into its folder.
    fn lay_out(&self, sandbox: &Sandbox, pfx: &[u8]) {
        fixtures::boot_image(sandbox);
        let mut inputs = [
            ("boot.wim", sandbox.read("boot.wim")),
            ("root.pem", ROOT_CERTIFICATE.into()),
            ("vars.txt", "OSDComputerName=REMOTE\nDomainJoinPassword=a-secret-value\n".into()),
            ("password.txt", format!("{}\n", fixtures::MEDIA_PASSWORD).into()),
            ("media.pfx", pfx.to_vec()),
            ("pfx-password.txt", "right\n".into()),
        ];
        if self.inputs_in_reverse_among_others {
            inputs.reverse();
            for index in 0..40 {
                sandbox.write(&format!("{}/another file {index}", self.folder), "");
            }
        }
        let day = if self.inputs_are_older_than_epoch { EPOCH - 9_000 * DAY } else { EPOCH + 1_500 * DAY };
        let time = UNIX_EPOCH + Duration::from_secs(day.into());
        for (name, bytes) in inputs {
            let name = format!("{}/{name}", self.folder);
            sandbox.write(&name, bytes);
            let file = File::options().write(true).open(sandbox.path(&name)).expect("it was made");
            file.set_times(FileTimes::new().set_modified(time).set_accessed(time)).expect("times can be set");
        }
        sandbox.shell(&format!("chmod 600 '{0}/'*password.txt '{0}/vars.txt' '{0}/media.pfx'", self.folder));
    }
}

const DAY: u32 = 24 * 60 * 60;
/// Where the partition of a disk image starts.
const VOLUME: usize = 1 << 20;

/// Whether there is a boot record in the first sector; an ISO's first 16 are empty.
fn is_disk(image: &[u8]) -> bool {
    image[510..512] == [0x55, 0xAA]
}

/// ECMA-167 3/10.1, by way of the anchor in sector 256 (3/10.2).
fn udf_primary_volume_descriptor(image: &[u8]) -> &[u8] {
    let sector = |number: usize| &image[number * 2048..(number + 1) * 2048];
    let anchor = sector(256);
    assert_eq!(anchor[..2], [2, 0], "no anchor in sector 256");
    let descriptor = sector(le32(&anchor[20..24]));
    assert_eq!(descriptor[..2], [1, 0], "no primary volume descriptor");
    descriptor
}

fn le32(bytes: &[u8]) -> usize {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
}

fn all_differ(form: &str, one: &BTreeMap<&str, Vec<u8>>, other: &BTreeMap<&str, Vec<u8>>) {
    assert!(one.keys().eq(other.keys()));
    for (name, value) in one {
        assert_ne!(*value, other[name], "{form}: the {name} is the same");
    }
}
