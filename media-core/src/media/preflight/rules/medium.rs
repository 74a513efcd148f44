//! The volume and its files.

use super::super::facts::Facts;
use super::super::{Answer, Group, Input, Rule, Severity, does_not_apply, fail, not_given};
use super::medium;
use crate::fat32;
use crate::media::bootstrap_ini;
use crate::spec::{Form, MediumPartition};

/// What Windows' own tools do not format with FAT32.
const WINDOWS_FORMATS: u64 = 32 << 30;
/// What the task sequence engine knows media by.
const MARKERS: [&str; 2] = [bootstrap_ini::PATH, "MediaLabel.txt"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "medium.files-fit",
        group: Group::Medium,
        severity: Severity::Error,
        text: "no file of a stick has 4 GiB or more, which FAT32 does not hold",
        source: "Create bootable media: a USB drive is formatted with FAT32, and its files are smaller than 4 GB",
        place: "the specification: [boot] boot-image, or [output] for an ISO",
        never: None,
        is_said_when_made: true,
        check: files_fit,
    },
    Rule {
        id: "medium.volume-of-windows-size",
        group: Group::Medium,
        severity: Severity::Warning,
        text: "the volume of a stick has up to 32 GiB, as Windows formats FAT32 itself",
        source: "SurfaceDeploymentAccelerator PR#51, secureboot_objects#424: sticks above 32 GB are what other tools do not make, \
                 or not so that they boot",
        place: "the specification: [output] size, or partition-size with a data-partition; without either the volume is as small as fits",
        never: None,
        is_said_when_made: false,
        check: |facts| {
            let size = match medium(facts)?.form {
                Form::DiskImage { size, partition: MediumPartition::Whole, .. } => size,
                Form::DiskImage { partition: MediumPartition::Length(size), .. } => Some(size),
                Form::DiskImage { partition: MediumPartition::Fits, .. } => None,
                Form::Iso { .. } => return does_not_apply("an ISO is to be made"),
            };
            match size {
                Some(size) if size > WINDOWS_FORMATS => fail(format!(
                    "it is to have {size} bytes; whoever formats it again with Windows gets another"
                )),
                _ => Ok(()),
            }
        },
    },
    Rule {
        id: "medium.known-as-media",
        group: Group::Medium,
        severity: Severity::Warning,
        text: "the files by which the task sequence engine knows media are the ones made here",
        source: "rufus#2318: media that another program wrote differently are not recognised",
        place: "the specification: [boot.boot-file]; write sticks as they are (dd, or Rufus in DD mode) and verify them",
        never: None,
        is_said_when_made: false,
        check: |facts| {
            let given = &medium(facts)?.boot_files;
            let replaced =
                given.iter().find(|path| MARKERS.iter().any(|known| known.eq_ignore_ascii_case(path)));
            match replaced {
                Some(path) => fail(format!("{path} is a file of yours")),
                None => Ok(()),
            }
        },
    },
];

fn files_fit(facts: &Facts) -> Answer {
    if matches!(medium(facts)?.form, Form::Iso { .. }) {
        return does_not_apply("an ISO is to be made");
    }
    let image = facts.boot_image.as_ref().ok_or_else(|| not_given(Input::BootImage))?;
    if image.len > fat32::LARGEST_FILE {
        return fail(format!("the boot image has {} bytes", image.len));
    }
    Ok(())
}
