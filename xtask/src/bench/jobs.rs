//! What is timed: lines for the shell, ours and those of the peers. They find their inputs in `$B`, write to `$W`, and leave
//! their output on the device.

/// What a job makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A boot image, or nothing that is looked at.
    BootImage,
    Copy,
    Nothing,
    Iso,
    /// Which BIOS starts and UEFI does not.
    BiosIso,
    Stick,
    /// Whose volume does not say at which sector it starts, which BIOS boot code asks.
    LooseStick,
}

impl Kind {
    pub(super) fn output(self) -> &'static str {
        match self {
            Self::BootImage | Self::Copy | Self::Nothing => "out.wim",
            Self::Iso | Self::BiosIso => "out.iso",
            Self::Stick | Self::LooseStick => "out.img",
        }
    }
}

/// One way to do the work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) is_ours: bool,
    /// Lines, in which `@INJECT` puts the certificate into `$I`.
    pub(super) script: &'static str,
}

impl Job {
    /// Whether what it makes lacks the checksum of its boot image.
    pub(super) fn makes_unchecked(&self) -> bool {
        self.script.contains("--no-boot-image-checksum")
    }

    pub(super) fn lines(&self) -> String {
        let lines = self.script.replace("@INJECT", INJECT).replace("@CREATE", CREATE);
        lines.replace("@BATCH", BATCH)
    }
}

/// Adds the certificate to the boot image `$I` in place, as it has been done so far.
const INJECT: &str = r#"wimlib-imagex extract "$I" 1 /Windows/System32/config/SOFTWARE --dest-dir="$W" --no-acls --quiet
hivexregedit --merge "$W/SOFTWARE" --prefix 'HKEY_LOCAL_MACHINE\SOFTWARE' "$B/root.reg"
wimlib-imagex update "$I" 1 --command="add '$W/SOFTWARE' '/Windows/System32/config/SOFTWARE'" --quiet"#;

/// Our own command up to its output.
pub(super) const CREATE: &str = r#""$T" create --boot-image "$B/boot.PS100005.wim" --site-code PS1 --management-point https://mp.contoso.com --trusted-root "$B/root.cer" --certificate "$B/media.pfx" --allow-unsuitable-certificate --allow-weak-password --password-file "$B/password" --quiet --no-receipt"#;

/// The same for a list of workers.
const BATCH: &str = r#""$T" create --boot-image "$B/boot.PS100005.wim" --site-code PS1 --management-point https://mp.contoso.com --trusted-root "$B/root.cer" --workers "$B/workers.csv" --output-dir "$W/media" --format iso --allow-weak-password --no-letters --quiet"#;

pub(super) const LIMIT: Job = Job {
    name: "cp of the boot image",
    kind: Kind::Copy,
    is_ours: false,
    script: r#"cp --reflink=never "$B/boot.PS100005.wim" "$W/out.wim"; sync "$W/out.wim""#,
};

pub(super) const SHARED: Job = Job {
    name: "cp --reflink=always of the boot image",
    script: r#"cp --reflink=always "$B/boot.PS100005.wim" "$W/out.wim"; sync "$W/out.wim""#,
    ..LIMIT
};

pub(super) const PEERS: [Job; 7] = [
    Job {
        name: "certificate into a copy: wimlib-imagex, hivexregedit",
        kind: Kind::BootImage,
        is_ours: false,
        script: r#"I="$W/out.wim"; cp --reflink=auto "$B/boot.PS100005.wim" "$I"
@INJECT
sync "$I""#,
    },
    Job {
        name: "ISO: the same, genisoimage -udf",
        kind: Kind::Iso,
        is_ours: false,
        script: r#"cp -r "$B/media" "$W/m"; I="$W/m/sources/boot.wim"; cp --reflink=auto "$B/boot.PS100005.wim" "$I"
@INJECT
genisoimage -quiet -udf -iso-level 3 -allow-limited-size -J -joliet-long -N -V CONFIGMGR -c boot/boot.cat -b boot/etfsboot.com -no-emul-boot -boot-load-size 8 -eltorito-alt-boot -e EFI/Microsoft/Boot/efisys_noprompt.bin -no-emul-boot -o "$W/out.iso" "$W/m"
sync "$W/out.iso""#,
    },
    Job {
        name: "ISO: the same, xorriso (no UDF)",
        kind: Kind::Iso,
        is_ours: false,
        script: r#"I="$W/boot.wim"; cp --reflink=auto "$B/boot.PS100005.wim" "$I"
@INJECT
xorriso -as mkisofs -quiet -iso-level 3 -J -joliet-long -V CONFIGMGR -graft-points -c boot/boot.cat -b boot/etfsboot.com -no-emul-boot -boot-load-size 8 -eltorito-alt-boot -e EFI/Microsoft/Boot/efisys_noprompt.bin -no-emul-boot -o "$W/out.iso" "/=$B/media" "/sources/boot.wim=$I"
sync "$W/out.iso""#,
    },
    Job {
        name: "ISO: mkwinpeimg --iso (BIOS only, four boot files)",
        kind: Kind::BiosIso,
        is_ours: false,
        script: r#"I="$B/boot.PS100005.wim"; O="$W/ov/Windows/System32/config"; mkdir -p "$O"
wimlib-imagex extract "$I" 1 /Windows/System32/config/SOFTWARE --dest-dir="$O" --no-acls --quiet
hivexregedit --merge "$O/SOFTWARE" --prefix 'HKEY_LOCAL_MACHINE\SOFTWARE' "$B/root.reg"
mkwinpeimg --iso -W "$B/win" -w "$I" -O "$W/ov" "$W/out.iso"
sync "$W/out.iso""#,
    },
    Job {
        name: "ISO: the certificate, then pycdlib",
        kind: Kind::Iso,
        is_ours: false,
        script: r#"I="$W/boot.wim"; cp --reflink=auto "$B/boot.PS100005.wim" "$I"
@INJECT
"$P" "$X/pycdlib_iso.py" "$B/media" "$I" "$W/out.iso"
sync "$W/out.iso""#,
    },
    Job {
        name: "stick image: the certificate, then sgdisk, mkfs.fat, mcopy",
        kind: Kind::Stick,
        is_ours: false,
        script: r#"I="$W/boot.wim"; cp --reflink=auto "$B/boot.PS100005.wim" "$I"
@INJECT
truncate -s 1G "$W/out.img"
sgdisk -o -n 1:2048:2095103 -t 1:0700 -c 1:ConfigMgr "$W/out.img"
mkfs.fat -F 32 -n CONFIGMGR -s 8 -h 2048 --offset 2048 "$W/out.img" 1046528
export MTOOLS_SKIP_CHECK=1
mcopy -s -m -Q -i "$W/out.img@@1M" "$B"/media/* ::
mcopy -o -m -Q -i "$W/out.img@@1M" "$I" ::/sources/boot.wim
sync "$W/out.img""#,
    },
    Job {
        name: "stick image: the same, genimage (hidden sectors 0)",
        kind: Kind::LooseStick,
        is_ours: false,
        script: r#"cp -r "$B/media" "$W/m"; I="$W/m/sources/boot.wim"; cp --reflink=auto "$B/boot.PS100005.wim" "$I"
@INJECT
genimage --rootpath "$W/m" --tmppath "$W/gt" --inputpath "$W" --outputpath "$W/go" --config "$X/genimage.cfg" --loglevel 0
mv "$W/go/usb.img" "$W/out.img"
sync "$W/out.img""#,
    },
];

pub(super) const ROOTS: Job = Job {
    name: "tsmedia boot-image roots add, to a new file",
    kind: Kind::BootImage,
    is_ours: true,
    script: r#""$T" boot-image roots add "$B/boot.PS100005.wim" "$B/root.cer" --output "$W/out.wim""#,
};
pub(super) const ISO: Job = Job {
    name: "tsmedia create, ISO",
    kind: Kind::Iso,
    is_ours: true,
    script: r#"@CREATE --output "$W/out.iso""#,
};
pub(super) const STICK: Job = Job {
    name: "tsmedia create, stick image",
    kind: Kind::Stick,
    is_ours: true,
    script: r#"@CREATE --output "$W/out.img""#,
};
pub(super) const ISO_UNCHECKED: Job = Job {
    name: "tsmedia create, ISO --no-boot-image-checksum",
    script: r#"@CREATE --no-boot-image-checksum --output "$W/out.iso""#,
    ..ISO
};
pub(super) const STICK_UNCHECKED: Job = Job {
    name: "tsmedia create, stick image --no-boot-image-checksum",
    script: r#"@CREATE --no-boot-image-checksum --output "$W/out.img""#,
    ..STICK
};
pub(super) const PLAN: Job = Job {
    name: "tsmedia create --dry-run",
    kind: Kind::Nothing,
    is_ours: true,
    script: r#"@CREATE --dry-run --output "$W/out.iso" > "$W/out.wim""#,
};
pub(super) const PERSONALISE: Job = Job {
    name: "tsmedia personalise, ISO to a new file",
    kind: Kind::Iso,
    is_ours: true,
    script: r#""$T" personalise "$B/first.iso" --password-file "$B/password" --new-password-file "$B/password-2" --serial-number K-2 --output "$W/out.iso" --quiet --no-receipt"#,
};
