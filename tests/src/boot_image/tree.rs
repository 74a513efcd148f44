//! The files every boot image has, at the places where Windows and Configuration Manager put them.

use super::portable_executable::{Subsystem, program};
use super::{Architecture, BUILD_TIME, BootImageRecipe, File, FileContent, boot_sectors, fat12, security};

const ARCHIVE: u32 = 0x20;
/// Archive, hidden, system: how the files of the registry lie in an image.
const HIDDEN_SYSTEM: u32 = 0x26;
/// Archive, and stored compressed by NTFS when it was captured.
const NTFS_COMPRESSED: u32 = 0x820;
/// Archive, and on an integrity-checked volume (ReFS) when it was captured.
const INTEGRITY_STREAM: u32 = 0x8020;

const FONTS: [&str; 6] = [
    "chs_boot.ttf",
    "jpn_boot.ttf",
    "malgun_boot.ttf",
    "segmono_boot.ttf",
    "segoe_slboot.ttf",
    "wgl4_boot.ttf",
];

/// Everything but filler.
pub(super) fn fixed_files(recipe: &BootImageRecipe) -> Vec<File> {
    let mut made = Made { recipe, files: Vec::new(), links: 0 };
    made.windows();
    made.registry();
    made.boot_files();
    if recipe.with_2023_set {
        made.boot_files_2023();
    }
    if recipe.dvd_files {
        made.dvd_files();
    }
    if recipe.configmgr_files {
        made.configmgr_files();
    }
    made.files
}

struct Made<'a> {
    recipe: &'a BootImageRecipe,
    files: Vec<File>,
    links: u64,
}

impl Made<'_> {
    fn windows(&mut self) {
        let loader = self.stand_in(Subsystem::BootApplication, "winload.efi");
        self.linked(
            &["Windows/System32/winload.efi", "Windows/System32/Boot/winload.efi"],
            FileContent::bytes(loader),
        );
        let loader = self.stand_in(Subsystem::Native, "winload.exe");
        self.linked(
            &["Windows/System32/winload.exe", "Windows/System32/Boot/winload.exe"],
            FileContent::bytes(loader),
        );
        for name in ["ntoskrnl.exe", "hal.dll", "drivers/ntfs.sys", "drivers/disk.sys"] {
            let bytes = self.stand_in(Subsystem::Native, name);
            self.put(&format!("Windows/System32/{name}"), bytes);
        }
        for name in ["wpeinit.exe", "winpeshl.exe", "wpeutil.exe", "cmd.exe", "kernel32.dll", "ntdll.dll"] {
            let bytes = self.stand_in(Subsystem::Windows, name);
            self.put(&format!("Windows/System32/{name}"), bytes);
        }
        let shell = r"[LaunchApps]
%SYSTEMDRIVE%\sms\bin\x64\TsBootShell.exe
";
        self.put("Windows/System32/winpeshl.ini", shell.replace('\n', "\r\n"));
        self.put("Windows/System32/startnet.cmd", "wpeinit\r\n");
        self.put("Windows/System32/license.rtf", r"{\rtf1\ansi A fabricated boot image.}");
        // What Windows PE has too: a named stream, an empty file, and attributes beyond the everyday ones.
        self.put("Windows/System32/winpe.jpg", pattern(b"\xFF\xD8\xFF\xE0", 40_000, 3));
        let zone = ("Zone.Identifier".into(), FileContent::bytes(*b"[ZoneTransfer]\r\nZoneId=3\r\n"));
        self.last().streams.push(zone);
        self.put("Windows/System32/LogFiles/setupact.log", "");
        self.put("Windows/System32/CatRoot/dberr.txt", "CatalogDB: 1:00:00\r\n");
        self.last().attributes = NTFS_COMPRESSED;
        self.put("Windows/System32/netprofm.ini", "[version]\r\n");
        self.last().attributes = INTEGRITY_STREAM;
        self.put("Windows/System32/Zeichensätze – 日本語.txt", "a name beyond ASCII\r\n");
    }

    fn registry(&mut self) {
        for (name, bytes) in self.recipe.hives.files() {
            self.put(&format!("Windows/System32/config/{name}"), bytes);
            let file = self.last();
            (file.attributes, file.security, file.short_name) = (HIDDEN_SYSTEM, security::REGISTRY, None);
            // The last write tells the hive from everything else, so that a change of it shows.
            file.times = [BUILD_TIME + 10_000_000, BUILD_TIME + 20_000_000, BUILD_TIME + 30_000_000];
        }
        self.put("Users/Default/NTUSER.DAT", self.recipe.hives.other("NTUSER.DAT"));
        self.last().attributes = HIDDEN_SYSTEM;
    }

    fn boot_files(&mut self) {
        if self.recipe.with_2011_set {
            let manager = self.boot_manager();
            self.linked(
                &["Windows/Boot/EFI/bootmgfw.efi", "Windows/WinSxS/boot-environment/bootmgfw.efi"],
                FileContent::bytes(manager.clone()),
            );
            self.put("Windows/Boot/EFI/bootmgr.efi", manager);
        }
        let memory_test = self.stand_in(Subsystem::BootApplication, "memtest.efi");
        self.put("Windows/Boot/EFI/memtest.efi", memory_test);
        self.put(
            "Windows/Boot/EFI/boot.stl",
            pattern(b"\x30\x82\x25\x9A\x06\x09\x2A\x86\x48\x86\xF7\x0D", 9_630, 5),
        );
        self.put("Windows/Boot/EFI/winsipolicy.p7b", pattern(b"\x30\x82\x0B\x0C", 2_832, 7));
        for (name, payload) in [("bootmgr", "bootmgr"), ("memtest.exe", "memtest")] {
            let mut bytes = boot_sectors::says_on_com1(&format!("tsmedia: {payload}"));
            bytes.resize(4096, 0);
            self.put(&format!("Windows/Boot/PCAT/{name}"), bytes);
        }
        self.put("Windows/Boot/PCAT/bootnxt", "\0");
        for (index, font) in FONTS.iter().enumerate() {
            self.put(&format!("Windows/Boot/Fonts/{font}"), font_bytes(index));
        }
    }

    fn boot_files_2023(&mut self) {
        let manager = self.boot_manager_2023();
        self.put("Windows/Boot/EFI_EX/bootmgfw_EX.efi", manager.clone());
        self.put("Windows/Boot/EFI_EX/bootmgr_EX.efi", manager);
        for (index, font) in FONTS.iter().enumerate() {
            let name = font.replace(".ttf", "_EX.ttf");
            // The fonts are the same ones under another name: further references to their blobs.
            self.put(&format!("Windows/Boot/Fonts_EX/{name}"), font_bytes(index));
        }
    }

    fn dvd_files(&mut self) {
        for (folder, suffix) in self.dvd_folders() {
            let manager = if suffix.is_empty() { self.boot_manager() } else { self.boot_manager_2023() };
            let system = self.efi_system_image(&manager);
            for name in ["efisys", "efisys_noprompt"] {
                self.put(&format!("Windows/Boot/{folder}/EFI/en-US/{name}{suffix}.bin"), system.clone());
            }
        }
        self.put("Windows/Boot/DVD/EFI/boot.sdi", boot_sdi());
        self.put("Windows/Boot/DVD/PCAT/boot.sdi", boot_sdi());
        let cd_boot = self.bios_cd_boot();
        self.put("Windows/Boot/DVD/PCAT/etfsboot.com", cd_boot);
        self.put("Windows/Boot/DVD/PCAT/bootfix.bin", pattern(b"\xE9", 1024, 11));
        if self.recipe.bcd {
            self.put("Windows/Boot/DVD/EFI/BCD", self.recipe.hives.bcd.clone());
            self.put("Windows/Boot/DVD/PCAT/BCD", self.recipe.hives.bcd.clone());
        }
    }

    fn dvd_folders(&self) -> Vec<(&'static str, &'static str)> {
        let sets = [(self.recipe.with_2011_set, ("DVD", "")), (self.recipe.with_2023_set, ("DVD_EX", "_EX"))];
        sets.into_iter().filter(|(present, _)| *present).map(|(_, folder)| folder).collect()
    }

    fn configmgr_files(&mut self) {
        // An ARM64 image has the programs of Configuration Manager for x64 and the ADK's for ARM64.
        let (programs, kit, store) = match self.recipe.architecture {
            Architecture::X64 => ("x64", "x64", "BCD-EFI-64"),
            Architecture::X86 => ("i386", "i386", "BCD-EFI-32"),
            Architecture::Arm64 => ("x64", "arm64", "BCD-EFI-64"),
        };
        self.put("sms/boot/boot.sdi", boot_sdi());
        let system = self.efi_system_image(&self.boot_manager());
        self.put(&format!("sms/bin/{kit}/efisys.bin"), system);
        if self.recipe.architecture != Architecture::Arm64 {
            let cd_boot = self.bios_cd_boot();
            self.put(&format!("sms/bin/{kit}/etfsboot.com"), cd_boot);
            self.put(&format!("sms/bin/{kit}/bootfix.bin"), pattern(b"\xE9", 1024, 11));
        }
        for name in ["bootsect.exe", "bcdboot.exe", "oscdimg.exe", "wimgapi.dll"] {
            let bytes = self.stand_in(Subsystem::Windows, name);
            self.put(&format!("sms/bin/{kit}/{name}"), bytes);
        }
        if self.recipe.bcd {
            self.put(&format!("sms/bin/{programs}/{store}"), self.recipe.hives.bcd.clone());
        }
        for name in [
            "smsboot.exe",
            "TsBootShell.exe",
            "TsmBootstrap.exe",
            "TsPxe.dll",
            "TsCore.dll",
            "TsMessaging.dll",
            "TsManager.exe",
            "TsProgressUI.exe",
            "CcmGenCert.dll",
            "SmsCore.dll",
            "ccmcore.dll",
            "CommonUtils.dll",
            "OSDApplyOS.exe",
            "CMTrace.exe",
            "00000409/TsRes.dll",
        ] {
            let bytes = self.stand_in(Subsystem::Windows, name);
            self.put(&format!("sms/bin/{programs}/{name}"), bytes);
        }
        self.put(&format!("sms/bin/{programs}/TsBootShell.ini"), "EnableDebugShell=false\r\n");
        self.optional_components();
    }

    /// The manifests that servicing leaves of the components the site adds to a boot image; one has a language.
    fn optional_components(&mut self) {
        let machine = match self.recipe.architecture {
            Architecture::X64 => "amd64",
            Architecture::X86 => "x86",
            Architecture::Arm64 => "arm64",
        };
        for (component, language) in
            [("Scripting", ""), ("SecureStartup", ""), ("WDS-Tools", ""), ("WMI", ""), ("WMI", "en-US")]
        {
            let name =
                format!("WinPE-{component}-Package~31bf3856ad364e35~{machine}~{language}~10.0.26100.1.mum");
            self.put(&format!("Windows/servicing/Packages/{name}"), "<assembly/>\r\n");
        }
    }

    fn boot_manager(&self) -> Vec<u8> {
        let given = self.recipe.programs.boot_manager.clone();
        given.unwrap_or_else(|| self.stand_in(Subsystem::EfiApplication, "boot manager 2011"))
    }

    fn boot_manager_2023(&self) -> Vec<u8> {
        let given = self.recipe.programs.boot_manager_2023.clone();
        given.unwrap_or_else(|| self.stand_in(Subsystem::EfiApplication, "boot manager 2023"))
    }

    fn bios_cd_boot(&self) -> Vec<u8> {
        let given = self.recipe.programs.bios_cd_boot.clone();
        given.unwrap_or_else(|| boot_sectors::says_on_com1(boot_sectors::CD_BOOT_MESSAGE))
    }

    fn efi_system_image(&self, manager: &[u8]) -> Vec<u8> {
        let name = match self.recipe.architecture {
            Architecture::X64 => "BOOTX64.EFI",
            Architecture::X86 => "BOOTIA32.EFI",
            Architecture::Arm64 => "BOOTAA64.EFI",
        };
        fat12::image_with_program(name, self.recipe.programs.cd_boot.as_deref().unwrap_or(manager))
    }

    fn stand_in(&self, subsystem: Subsystem, name: &str) -> Vec<u8> {
        program(self.recipe.architecture, subsystem, format!("tsmedia stand-in for {name}").as_bytes())
    }

    fn put(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.push(file(path, FileContent::bytes(bytes.into())));
    }

    /// One file under several names.
    fn linked(&mut self, paths: &[&str], content: FileContent) {
        self.links += 1;
        for path in paths {
            let mut file = file(path, content.clone());
            (file.link_group, file.security) = (self.links, security::TRUSTED_INSTALLER);
            self.files.push(file);
        }
    }

    fn last(&mut self) -> &mut File {
        let last = self.files.len() - 1;
        &mut self.files[last]
    }
}

/// A file as most are.
pub(super) fn file(path: &str, content: FileContent) -> File {
    let name = path.rsplit('/').next().unwrap_or(path);
    File {
        path: path.into(),
        short_name: short_name(name),
        attributes: ARCHIVE,
        security: security::ORDINARY,
        times: [BUILD_TIME; 3],
        link_group: 0,
        content,
        streams: Vec::new(),
    }
}

/// Windows PE is captured from a volume with short names only where a name needs one; `setup.log~1` forms are enough here.
fn short_name(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    if stem.len() <= 8 || extension.len() > 3 || !name.is_ascii() {
        return None;
    }
    Some(format!("{}~1.{}", &stem[..6], extension).to_uppercase())
}

/// `magic` and then bytes without much pattern.
fn pattern(magic: &[u8], len: usize, step: u32) -> Vec<u8> {
    let mut out = magic.to_vec();
    out.extend((0..len as u32).map(|index| (index.wrapping_mul(index).wrapping_mul(step) >> 5) as u8));
    out.truncate(len);
    out
}

fn font_bytes(index: usize) -> Vec<u8> {
    pattern(b"\0\x01\0\0\0\x12\x01\0", 36_000 + index * 9_000, index as u32 + 1)
}

/// A RAM disk description: magic, a table that names one partition, and the partition.
fn boot_sdi() -> Vec<u8> {
    let mut out = vec![0; 3_170_304];
    out[..8].copy_from_slice(b"$SDI0001");
    out[0x70] = 1;
    out[0x100..0x104].copy_from_slice(b"PART");
    let (place, len) = (0x2000u64, out.len() as u64 - 0x2000);
    out[0x110..0x118].copy_from_slice(&place.to_le_bytes());
    out[0x118..0x120].copy_from_slice(&len.to_le_bytes());
    out[0x120..0x128].copy_from_slice(&7u64.to_le_bytes());
    out[0x2000..0x200B].copy_from_slice(b"\xEB\x52\x90NTFS    ");
    out[0x21FE..0x2200].copy_from_slice(&[0x55, 0xAA]);
    out
}
