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
use media_core::{
    BootManagerChoice, Form, Management, MediaSpec, Prestart, Staged, UnknownComputers, UserDeviceAffinity,
    plan, stage,
};
use media_tests::boot_image::{Architecture, BootImageRecipe, Subsystem, program};
use media_tests::medium;
use tempfile::TempDir;

const STICK: Form = Form::DiskImage { scheme: Scheme::Gpt, size: None, cluster_size: None };
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

#[test]
fn a_boot_manager_for_another_machine_is_refused() {
    let arm64 = program(Architecture::Arm64, Subsystem::EfiApplication, b"boot manager");
    let message = refusal(&with_file("EFI/Boot/bootx64.efi", arm64, STICK));
    assert!(
        message.ends_with(
            "EFI/Boot/bootx64.efi (given): it is a program for ARM64, and the boot image is for x64"
        ),
        "{message}"
    );
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
fn a_size_no_volume_can_have_is_refused() {
    let staged = staged(&spec(false, STICK));
    for (scheme, size, cluster_size) in
        [(Scheme::Mbr, 3 << 40, None), (Scheme::Gpt, 3 << 40, None), (Scheme::Gpt, 1 << 40, Some(512))]
    {
        let form = Form::DiskImage { scheme, size: Some(size), cluster_size };
        let error = plan(&staged.tree, form).err().expect("it is refused").to_string();
        assert!(error.contains("more than") || error.contains("clusters"), "{error}");
    }
}

#[test]
fn a_size_too_small_is_refused_with_both_numbers() {
    let staged = staged(&spec(false, STICK));
    let form = Form::DiskImage { scheme: Scheme::Gpt, size: Some(100 << 20), cluster_size: None };
    let error = plan(&staged.tree, form).err().expect("it is refused").to_string();
    let needed = plan(&staged.tree, STICK).expect("it fits").len;
    assert_eq!(error, format!("the medium needs {needed} bytes, but the size given is {} bytes", 100 << 20));
    let exact = Form::DiskImage { scheme: Scheme::Gpt, size: Some(needed), cluster_size: None };
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
