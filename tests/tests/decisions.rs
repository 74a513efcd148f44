//! What staging and planning decide, and what they refuse, through the library.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use media_core::disk::Scheme;
use media_core::event::Unobserved;
use media_core::io::Source;
use media_core::media::boot_image::BootManagerSet;
use media_core::media::names::ManagementPoint;
use media_core::media::site_variables::OWN;
use media_core::media::variables;
use media_core::{
    BootConfigurationChoice, BootConfigurationOrigin, BootManagerChoice, Form, Management, MediaSpec,
    MediumPartition, Prestart, Staged, UnknownComputers, UserDeviceAffinity, plan, stage,
};
use media_tests::boot_image::{Architecture, BootImageRecipe, Subsystem, program};
use media_tests::medium;
use media_tests::signing::{Signer, signed};
use tempfile::TempDir;

const STICK: Form = Form::DiskImage {
    scheme: Scheme::Gpt,
    size: None,
    cluster_size: None,
    partition: MediumPartition::Whole,
};
const ISO: Form = Form::Iso { prompt: false };

/// Two boot images as small as they get: with `\Windows\Boot\DVD` and `DVD_EX`, and without.
fn boot_image(dvd_files: bool) -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = TempDir::new().expect("a temporary folder");
        for dvd_files in [false, true] {
            let recipe = BootImageRecipe { files: 0, size: 0, dvd_files, ..BootImageRecipe::default() };
            recipe.write(&name(folder.path(), dvd_files)).expect("a boot image can be made");
        }
        folder
    });
    name(folder.path(), dvd_files)
}

fn name(folder: &Path, dvd_files: bool) -> PathBuf {
    folder.join(if dvd_files { "full.wim" } else { "usual.wim" })
}

fn spec(dvd_files: bool, form: Form) -> MediaSpec {
    medium::spec(&boot_image(dvd_files), form).expect("the boot image can be opened")
}

fn with_file(path: &str, bytes: Vec<u8>, form: Form) -> MediaSpec {
    let mut spec = spec(false, form);
    spec.boot_image.boot_files.push((path.to_owned(), Arc::new(bytes)));
    spec
}

fn staged(spec: &MediaSpec) -> Staged {
    stage(spec, &medium::env(), &mut Unobserved).expect("it can be staged")
}

fn refusal(spec: &MediaSpec) -> String {
    stage(spec, &medium::env(), &mut Unobserved).err().expect("it is refused").to_string()
}

/// One medium becomes another of its batch by changing a few kilobytes.
#[test]
fn how_long_the_variables_are_moves_no_other_file() {
    for form in [
        STICK,
        ISO,
        Form::DiskImage {
            scheme: Scheme::Mbr,
            size: Some(1 << 30),
            cluster_size: None,
            partition: MediumPartition::Whole,
        },
    ] {
        let places = |characters: usize| {
            let mut spec = spec(true, form);
            spec.variables.push(("Contoso".to_owned(), "x".repeat(characters).into()));
            let plan = plan(&staged(&spec).tree, form).expect("it fits");
            let variables = plan.files.iter().find(|file| file.path == variables::PATH).map(|file| file.len);
            let places: Vec<(String, Option<u64>)> =
                plan.files.into_iter().map(|file| (file.path, file.offset)).collect();
            (plan.len, places, variables.expect("they are staged"))
        };
        let (shorter, longer) = (places(0), places(4000));
        assert!(longer.2 >= shorter.2 + 8000, "characters have two bytes");
        assert_eq!((shorter.0, shorter.1), (longer.0, longer.1), "{form:?}");
    }
}

#[test]
fn a_boot_manager_for_another_machine_is_refused() {
    let arm64 = program(Architecture::Arm64, Subsystem::EfiApplication, b"boot manager");
    let message = refusal(&with_file("EFI/Boot/bootx64.efi", arm64, STICK));
    assert!(
        message.ends_with("EFI/Boot/bootx64.efi (given): it is a program for ARM64, expected x64"),
        "{message}"
    );
}

#[test]
fn a_program_of_windows_is_refused_as_a_boot_manager() {
    let driver = program(Architecture::X64, Subsystem::Windows, b"not for firmware");
    for path in ["EFI/Boot/bootx64.efi", "bootmgr.efi"] {
        let message = refusal(&with_file(path, driver.clone(), STICK));
        assert!(message.ends_with("(given): it is not an EFI application"), "{message}");
    }
}

#[test]
fn a_file_that_is_no_program_is_refused_in_its_place() {
    for (path, expected) in [
        ("EFI/Boot/bootx64.efi", "not an executable"),
        ("bootmgr.efi", "not an executable"),
        ("EFI/Microsoft/Boot/efisys.bin", "it is not an image of a FAT volume"),
    ] {
        let message = refusal(&with_file(path, b"Pa55w.rd, and a long one for a password".to_vec(), ISO));
        assert!(message.contains(path) && message.contains(expected), "{message}");
    }
}

#[test]
fn a_given_boot_configuration_store_has_to_start_the_boot_image() {
    let message = refusal(&with_file("boot/BCD", b"not a store".to_vec(), STICK));
    assert!(message.contains("boot/BCD") && message.contains("cannot be read"), "{message}");
}

#[test]
fn given_files_take_the_place_of_found_and_made_ones() {
    for path in
        ["boot/fonts/segmono_boot.ttf", "SMS/data/TsmBootstrap.ini", "MediaLabel.txt", "boot/boot.sdi"]
    {
        let staged = staged(&with_file(path, b"given".to_vec(), STICK));
        let files: Vec<_> =
            staged.tree.files.iter().filter(|file| file.path.eq_ignore_ascii_case(path)).collect();
        assert_eq!(files.len(), 1, "{path}");
        assert_eq!(files[0].content.to_vec(100).expect("it is small"), b"given", "{path}");
    }
}

#[test]
fn half_of_the_media_identity_is_refused() {
    for name in ["_SMSMediaGuid", "_smstsmediapfx"] {
        let mut spec = spec(false, STICK);
        spec.variables.push((name.to_owned(), "x".into()));
        assert!(refusal(&spec).contains(name));
    }
}

#[test]
fn a_cd_of_the_2023_set_says_when_its_first_program_is_older() {
    let older =
        |staged: &Staged| staged.report.notes.iter().any(|note| note.contains("not from the 2023 set"));
    let whole = staged(&spec(true, ISO));
    assert_eq!(whole.report.boot_manager, BootManagerSet::Ca2023);
    assert!(!older(&whole), "{:?}", whole.report.notes);
    assert!(older(&staged(&spec(false, ISO))));
    assert!(!older(&staged(&spec(false, STICK))), "a stick does not start that program");
    let mut of_2011 = spec(false, ISO);
    of_2011.boot_image.boot_manager = BootManagerChoice::Pca2011;
    assert!(!older(&staged(&of_2011)));
}

#[test]
fn a_boot_configuration_store_is_made_or_looked_at_as_asked() {
    let made = |staged: &Staged| -> Vec<(String, String)> {
        let stores = staged.report.boot_configuration.iter().filter_map(|(path, origin)| match origin {
            BootConfigurationOrigin::Made(why) => Some((path.clone(), why.clone())),
            _ => None,
        });
        stores.collect()
    };
    let asked = |path: &str| (path.to_owned(), "asked for".to_owned());
    let mut spec = spec(false, STICK);
    spec.boot_image.boot_configuration = BootConfigurationChoice::Made;
    assert_eq!(made(&staged(&spec)), [asked("boot/BCD"), asked("EFI/Microsoft/Boot/BCD")]);

    let (bios, uefi) = (
        ["Windows/System32/winload.exe", "Windows/System32/Boot/winload.exe"],
        ["Windows/System32/winload.efi", "Windows/System32/Boot/winload.efi"],
    );
    let without = |paths: [&'static str; 2]| BootImageRecipe { without: paths.to_vec(), ..small() };
    let staged = staged_from(&without(bios), |_| {}).expect("it starts by UEFI");
    assert_eq!(staged.report.boot_configuration.len(), 1);
    let garbage = |spec: &mut MediaSpec| {
        spec.boot_image.boot_files.push(("boot/BCD".to_owned(), Arc::new(b"not a store".to_vec())));
    };
    let refused = staged_from(&without(bios), garbage).err().expect("it is refused");
    assert!(
        refused.starts_with("the boot configuration store given for boot/BCD cannot be read"),
        "{refused}"
    );
    let refused = staged_from(&without(uefi), |_| {}).err().expect("it is refused");
    assert!(refused.starts_with("boot.wim: no loader for UEFI is in it; looked for"), "{refused}");
}

/// Stages a medium from a boot image of this recipe, or says why that is refused.
fn staged_from(recipe: &BootImageRecipe, change: impl FnOnce(&mut MediaSpec)) -> Result<Staged, String> {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("boot.wim");
    recipe.write(&path).expect("a boot image can be made");
    let mut spec = medium::spec(&path, STICK).expect("the boot image can be opened");
    spec.boot_image.name = "boot.wim".to_owned();
    change(&mut spec);
    stage(&spec, &medium::env(), &mut Unobserved).map_err(|error| error.to_string())
}

fn small() -> BootImageRecipe {
    BootImageRecipe { files: 0, size: 0, ..BootImageRecipe::default() }
}

#[test]
fn a_header_that_leads_past_the_boot_image_is_put_right() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("boot.wim");
    small().write(&path).expect("a boot image can be made");
    let good = std::fs::read(&path).expect("it was just made");
    // The offset of the boot image's metadata in the header.
    for stale in [false, true] {
        let mut bytes = good.clone();
        bytes[0x68] ^= u8::from(stale);
        std::fs::write(&path, bytes).expect("it can be written");
        let mut spec = medium::spec(&path, STICK).expect("the boot image can be opened");
        spec.trusted.clear();
        let staged = staged(&spec);
        let content = &staged.tree.file("sources/boot.wim").expect("it is staged").content;
        assert!(content.to_vec(1 << 30).expect("it is small") == good, "stale {stale}");
        let noted = staged.report.notes.iter().any(|note| note.contains("0xc000000d"));
        assert_eq!(noted, stale, "{:?}", staged.report.notes);
    }
}

#[test]
fn what_cannot_be_read_from_the_boot_image_is_told_apart() {
    const SOFTWARE: &str = "Windows/System32/config/SOFTWARE";
    const SOFTWARE_IN_IMAGE: &str = r"boot.wim: \Windows\System32\config\SOFTWARE";
    let mut empty = small();
    empty.hives.software.clear();
    let encrypted = |path| BootImageRecipe { encrypted: vec![path], ..small() };
    let folder = |path: &'static str, inside| BootImageRecipe {
        without: vec![path],
        also: vec![(inside, b"inside".to_vec())],
        ..small()
    };
    for (recipe, expected) in [
        (BootImageRecipe { without: vec![SOFTWARE], ..small() }, format!("{SOFTWARE_IN_IMAGE} is not in the boot image")),
        (empty, format!("{SOFTWARE_IN_IMAGE} is empty")),
        (encrypted(SOFTWARE), format!("{SOFTWARE_IN_IMAGE} is encrypted (EFS), not a file that can be read")),
        (
            folder(SOFTWARE, "Windows/System32/config/SOFTWARE/inside"),
            format!("{SOFTWARE_IN_IMAGE} is a folder, not a file that can be read"),
        ),
        (
            encrypted("Windows/Boot/Fonts_EX/wgl4_boot_EX.ttf"),
            r"boot.wim: the boot image would not boot: \Windows\Boot\Fonts_EX\wgl4_boot_EX.ttf is encrypted (EFS), and nothing that boots has its key".to_owned(),
        ),
        (
            encrypted("sms/boot/boot.sdi"),
            r"boot.wim: the boot image would not boot: \sms\boot\boot.sdi is encrypted (EFS), and nothing that boots has its key".to_owned(),
        ),
    ] {
        let refused = staged_from(&recipe, |_| {}).err();
        assert_eq!(refused, Some(expected));
    }
    let mut recipe = encrypted("sms/bin/x64/BCD-EFI-64");
    recipe.also.push(("Windows/Boot/Fonts_EX/folder_EX.ttf/inside", b"inside".to_vec()));
    let staged = staged_from(&recipe, |_| {}).expect("another store is made, and a folder is no font");
    assert!(!staged.tree.files.iter().any(|file| file.path.contains("folder")));
    let reasons: Vec<_> = staged.report.boot_configuration.iter().map(|(_, origin)| origin).collect();
    let reason = r"\sms\bin\x64\BCD-EFI-64 is encrypted (EFS), and nothing that boots has its key";
    assert!(matches!(reasons[1], BootConfigurationOrigin::Made(why) if why == reason), "{reasons:?}");
}

/// What is noted of one program, from each of its notes what follows its path and origin.
fn said_of(staged: &Staged, path: &str) -> Vec<String> {
    let notes = staged.report.notes.iter().filter(|note| note.starts_with(path));
    notes.map(|note| note.split_once(") ").map_or(note.as_str(), |(_, said)| said).to_owned()).collect()
}

#[test]
fn who_signed_a_boot_manager_is_read_from_it() {
    let program = |payload: &[u8]| program(Architecture::X64, Subsystem::EfiApplication, payload);
    let sign = |signer| signed(&program(b"boot manager"), signer).expect("temporary files");
    let (Some(of_2011), Some(of_2023)) = (sign(Signer::ProductionPca2011), sign(Signer::WindowsUefiCa2023))
    else {
        return;
    };
    let mut changed = of_2023.clone();
    changed[0x402] ^= 1;
    let revoked = "; firmware that has revoked that authority does not start it";
    let not_known =
        "; firmware that does not know that authority yet needs the 2011 set while Secure Boot is on";
    let (name_2011, name_2023) = (Signer::ProductionPca2011.issuer(), Signer::WindowsUefiCa2023.issuer());
    let otherwise = format!("is signed under {name_2011} and not under {name_2023}{revoked}");
    let unsigned = "is not signed; firmware does not start it while Secure Boot is on".to_owned();
    let altered = format!(
        "was changed after it was signed under {name_2023}; firmware does not start it while Secure Boot is on"
    );
    let expected = format!("is signed under {name_2023}{not_known}");
    for (choice, bytes, notes) in [
        (BootManagerChoice::Auto, &of_2023, vec![expected.clone()]),
        (BootManagerChoice::Ca2023, &of_2023, vec![]),
        (BootManagerChoice::Auto, &of_2011, vec![otherwise.clone()]),
        (BootManagerChoice::Ca2023, &of_2011, vec![otherwise]),
        (BootManagerChoice::Pca2011, &of_2011, vec![]),
        (
            BootManagerChoice::Pca2011,
            &of_2023,
            vec![format!("is signed under {name_2023} and not under {name_2011}{not_known}")],
        ),
        (BootManagerChoice::Ca2023, &program(b"boot manager"), vec![unsigned]),
        (BootManagerChoice::Auto, &changed, vec![altered, expected]),
    ] {
        let with = |path: &str, form| {
            let mut spec = with_file(path, bytes.clone(), form);
            spec.boot_image.boot_manager = choice;
            staged(&spec)
        };
        let staged = with("EFI/Boot/bootx64.efi", STICK);
        assert_eq!(said_of(&staged, "EFI/Boot/bootx64.efi"), notes, "{choice:?}");
        assert_eq!(said_of(&staged, "bootmgr.efi"), [""; 0], "a stick does not start it");
        // Firmware goes on with this one from an ISO; the authority chosen for the medium was said of the other one.
        let of_cd = said_of(&with("bootmgr.efi", ISO), "bootmgr.efi");
        let notes: Vec<_> = notes
            .into_iter()
            .filter(|note| *note != format!("is signed under {name_2023}{not_known}"))
            .collect();
        assert_eq!(of_cd, notes, "{choice:?}");
    }
    let staged = staged(&with_file("EFI/Boot/bootx64.efi", of_2011, STICK));
    let programs: Vec<_> = staged
        .report
        .programs
        .iter()
        .map(|program| {
            let signers = program.signers.as_ref().expect("they can be read").iter();
            (
                program.path.as_str(),
                program.origin.as_str(),
                signers.map(|by| by.issuer.as_str()).collect::<Vec<_>>(),
            )
        })
        .collect();
    let cd = ("bootmgr.efi", r"\Windows\Boot\EFI_EX\bootmgr_EX.efi", vec![]);
    assert_eq!(programs, [("EFI/Boot/bootx64.efi", "given", vec![name_2011]), cd]);
}

#[test]
fn what_a_2023_set_lacks_is_said() {
    let notes = |without: &[&'static str], choice, form| {
        let recipe = BootImageRecipe { without: without.to_vec(), ..small() };
        let staged = staged_from(&recipe, |spec| (spec.form, spec.boot_image.boot_manager) = (form, choice));
        let report = staged.expect("it can be staged").report;
        let other = |note: &String| !note.contains("not signed") && !note.contains("efisys");
        (report.boot_manager, report.notes.into_iter().filter(other).collect::<Vec<_>>())
    };
    let (manager, cd, fonts) = (
        "Windows/Boot/EFI_EX/bootmgfw_EX.efi",
        "Windows/Boot/EFI_EX/bootmgr_EX.efi",
        "Windows/Boot/Fonts_EX",
    );
    let (of_2011, of_2023) = (BootManagerSet::Pca2011, BootManagerSet::Ca2023);
    let no_manager = r"the boot image has no \Windows\Boot\EFI_EX\bootmgfw_EX.efi; the 2011 set was taken";
    let not_complete = r"the boot image's 2023 boot files are not complete (no fonts in \Windows\Boot\Fonts_EX); the 2011 set was taken";
    let other_fonts =
        r"the boot image has no fonts in \Windows\Boot\Fonts_EX; those of \Windows\Boot\Fonts were taken";
    let other_cd = r"bootmgr.efi, which a CD goes on with, comes from \Windows\Boot\EFI\bootmgr.efi: the boot image has none in the 2023 set";
    for (without, choice, form, set, expected) in [
        (&[][..], BootManagerChoice::Auto, ISO, of_2023, None),
        (&[manager], BootManagerChoice::Auto, STICK, of_2011, Some(no_manager)),
        (&[fonts], BootManagerChoice::Auto, STICK, of_2011, Some(not_complete)),
        (&[fonts], BootManagerChoice::Ca2023, STICK, of_2023, Some(other_fonts)),
        (&[cd], BootManagerChoice::Auto, STICK, of_2023, None),
        (&[cd], BootManagerChoice::Auto, ISO, of_2023, Some(other_cd)),
        (&[cd], BootManagerChoice::Pca2011, ISO, of_2011, None),
    ] {
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(notes(without, choice, form), (set, expected), "without {without:?}");
    }
}

#[test]
fn a_size_no_volume_can_have_is_refused() {
    let staged = staged(&spec(false, STICK));
    for (scheme, size, cluster_size) in
        [(Scheme::Mbr, 3 << 40, None), (Scheme::Gpt, 3 << 40, None), (Scheme::Gpt, 1 << 40, Some(512))]
    {
        let form =
            Form::DiskImage { scheme, size: Some(size), cluster_size, partition: MediumPartition::Whole };
        let error = plan(&staged.tree, form).err().expect("it is refused").to_string();
        assert!(error.contains("more than") || error.contains("clusters"), "{error}");
    }
}

#[test]
fn a_size_too_small_is_refused_with_both_numbers() {
    let staged = staged(&spec(false, STICK));
    let form = Form::DiskImage {
        scheme: Scheme::Gpt,
        size: Some(100 << 20),
        cluster_size: None,
        partition: MediumPartition::Whole,
    };
    let error = plan(&staged.tree, form).err().expect("it is refused").to_string();
    let needed = plan(&staged.tree, STICK).expect("it fits").len;
    assert_eq!(error, format!("the medium needs {needed} bytes, but the size given is {} bytes", 100 << 20));
    let exact = Form::DiskImage {
        scheme: Scheme::Gpt,
        size: Some(needed),
        cluster_size: None,
        partition: MediumPartition::Whole,
    };
    assert_eq!(plan(&staged.tree, exact).expect("the smallest size it asks for").len, needed);
}

#[test]
fn a_boot_image_of_4_gib_goes_on_an_iso_and_not_on_a_stick() {
    /// Four gibibytes that nobody has to keep.
    struct Huge;
    impl Source for Huge {
        fn len(&self) -> u64 {
            1 << 32
        }
        fn read_at(&self, _: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.fill(0);
            Ok(buffer.len())
        }
    }
    let mut spec = spec(false, STICK);
    spec.boot_image.boot_files.push(("sources/large.bin".to_owned(), Arc::new(Huge)));
    let tree = staged(&spec).tree;
    let error = plan(&tree, STICK).err().expect("it is refused").to_string();
    assert!(error.contains("sources/large.bin") && error.contains("4294967296"), "{error}");
    assert!(plan(&tree, ISO).expect("an ISO holds it").len > 1 << 32);
}

#[test]
fn every_variable_that_follows_is_known_to_be_one() {
    let mut found = BTreeSet::new();
    for dynamic in [false, true] {
        let mut spec = spec(false, STICK);
        let unknown = Some("d10d7f98-17dd-4588-b645-34964936023b".to_owned());
        spec.site.unknown_computers =
            UnknownComputers { x64: unknown.clone(), x86: unknown.clone(), arm64: unknown };
        spec.options.user_device_affinity = UserDeviceAffinity::AutoApproval;
        spec.variables.clear();
        if dynamic {
            let point = ManagementPoint::on_premises("mp.contoso.com", "http").expect("a host");
            spec.site.management = Management::Dynamic(vec![point]);
        }
        found.extend(staged(&spec).report.variables);
    }
    assert_eq!(found, OWN.into_iter().map(str::to_owned).collect());
}

#[test]
fn a_prestart_command_takes_no_other_variables_place() {
    for name in ["SMSTSMP", "_smstsmediapfx"] {
        let mut spec = spec(false, STICK);
        spec.options.prestart = Some(Prestart { command: "cmd".to_owned(), variable: name.to_owned() });
        let expected = "the medium has it for something else than a prestart command";
        assert_eq!(refusal(&spec), format!("variable name `{name}`: {expected}"));
    }
}
