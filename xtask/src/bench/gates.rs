//! What an output has to be before its time counts.

use std::path::Path;

use super::jobs::{Job, Kind};
use super::{quiet, shell};
use crate::run::{Done, target};

/// Looks at the volume with tools that did not make it; with `thorough` also at the boot image in it and at the hive in that.
pub(super) fn check(job: &Job, work: &Path, thorough: bool) -> Done {
    let volume = match job.kind {
        Kind::Copy | Kind::Nothing => return Ok(()),
        Kind::BootImage => "G=\"$W/out.wim\"".to_owned(),
        Kind::Iso => format!("{ISO}\ngrep -q 'boot img.*UEFI' \"$W/report\"\n{FROM_ISO}"),
        Kind::BiosIso => format!("{ISO}\n{FROM_ISO}"),
        Kind::Stick => format!("{STICK}\n{HIDDEN}\n{FROM_STICK}"),
        Kind::LooseStick => format!("{STICK}\n{FROM_STICK}"),
    };
    let media = job.is_ours && matches!(job.kind, Kind::Iso | Kind::Stick);
    let ours = if media {
        // What has all its checksums has nothing to be said of it.
        let or = if job.makes_unchecked() { format!(" || test $? = {WITH_NOTES}") } else { String::new() };
        format!("\"$T\" verify --quiet \"$W/{}\"{or}", job.kind.output())
    } else {
        String::new()
    };
    let inside = if thorough { BOOT_IMAGE } else { "" };
    let lines = format!("exec 2>&1\n{volume}\n{inside}\n{ours}");
    quiet(&mut shell(&lines, &[("W", work), ("T", &target().join("release/tsmedia"))]))
        .map_err(|error| format!("{}: what it made is not right: {error}", job.name))
}

/// What `tsmedia verify` ends with when a medium is intact and there is something to say of it: that its boot image was made
/// without a checksum, for one.
const WITH_NOTES: u8 = 6;

const ISO: &str = r#"xorriso -indev "$W/out.iso" -report_el_torito plain > "$W/report"
grep -q 'boot img.*BIOS' "$W/report"
7z l "$W/out.iso" | grep -qi 'sources.boot.wim'"#;

const FROM_ISO: &str = r#"N="$(7z l -ba -slt "$W/out.iso" | sed -n 's/^Path = //p' | grep -i '^sources.boot.wim$')"
G="$W/gate.wim"; 7z e -so "$W/out.iso" "$N" > "$G" 2> /dev/null"#;

const STICK: &str = r#"sgdisk -v "$W/out.img" | grep -q 'No problems found'
dd if="$W/out.img" of="$W/gate.fat" bs=1M skip=1 conv=sparse status=none
truncate -s "$(sgdisk -i 1 "$W/out.img" | sed -n 's/^Partition size: \([0-9]*\).*/\1/p' | awk '{printf "%.0f", $1 * 512}')" "$W/gate.fat"
fsck.fat -n "$W/gate.fat" > /dev/null"#;

const HIDDEN: &str = r#"minfo -i "$W/out.img@@1M" :: | grep -q 'hidden sectors: 2048'"#;

const FROM_STICK: &str = r#"G="$W/gate.wim"; mcopy -n -o -i "$W/out.img@@1M" ::/sources/boot.wim "$G""#;

const BOOT_IMAGE: &str = r#"wimlib-imagex verify "$G" > /dev/null
wimlib-imagex info "$G" > "$W/info"
grep -q 'Compression: *LZX' "$W/info"; grep -q 'Chunk Size: *32768' "$W/info"; grep -q 'Boot Index: *1' "$W/info"
mkdir -p "$W/gate"
wimlib-imagex extract "$G" 1 /Windows/System32/config/SOFTWARE --dest-dir="$W/gate" --no-acls --quiet
hivexregedit --export "$W/gate/SOFTWARE" '\Microsoft\SystemCertificates\AuthRoot\Certificates' | grep -q '"Blob"='"#;
