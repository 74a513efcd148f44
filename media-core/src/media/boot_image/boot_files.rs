//! Which files of a boot image go where on the medium, and which are taken when there are several.
//!
//! The sources are Windows' own folders (`\Windows\Boot`) and the copies Configuration Manager injects
//! (`\sms\boot`, `\sms\bin`); see `docs/formats.md`, "Boot files".

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Architecture, BOOT_SDI, BootImage, BootImageError, StartedProgram, programs};
use crate::content::Content;
use crate::io::Source;
use crate::spec::{BootImageSpec, BootManagerChoice};
use crate::wim::Entry;

/// The boot files of a medium.
pub struct BootFiles {
    /// The files, in the order they go on the medium.
    pub files: Vec<BootFile>,
    /// Which set of boot managers was taken.
    pub set: BootManagerSet,
    /// Those of the files that firmware starts.
    pub programs: Vec<StartedProgram>,
    /// What the user may want to know about the choice.
    pub notes: Vec<String>,
}

/// One boot file.
pub struct BootFile {
    /// Path on the medium.
    pub path: String,
    /// Its bytes.
    pub content: Content,
    /// Where it came from, in words.
    pub origin: String,
}

/// The two sets of boot managers a serviced boot image holds (KB5025885). A set is a folder: who signed the files in it is
/// another question, which [`StartedProgram`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootManagerSet {
    /// `\Windows\Boot\EFI`, meant to be signed under Microsoft Windows Production PCA 2011.
    Pca2011,
    /// `\Windows\Boot\EFI_EX`, meant to be signed under Windows UEFI CA 2023.
    Ca2023,
}

impl BootManagerSet {
    /// The common name of the authority its boot managers should be signed under.
    pub fn authority(self) -> &'static str {
        match self {
            Self::Pca2011 => "Microsoft Windows Production PCA 2011",
            Self::Ca2023 => "Windows UEFI CA 2023",
        }
    }
}

impl std::fmt::Display for BootManagerSet {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Pca2011 => "2011",
            Self::Ca2023 => "2023",
        })
    }
}

const BOOT_MANAGER: &str = r"\Windows\Boot\EFI\bootmgfw.efi";
const BOOT_MANAGER_2023: &str = r"\Windows\Boot\EFI_EX\bootmgfw_EX.efi";
const FONTS: &str = r"\Windows\Boot\Fonts";
const FONTS_2023: &str = r"\Windows\Boot\Fonts_EX";

/// The origin of a file the user gave.
pub(super) const GIVEN: &str = "given";

/// Paths on the medium that other code has to name.
pub const BIOS_BOOT_IMAGE: &str = "boot/etfsboot.com";
/// The UEFI El Torito image that starts at once.
pub const UEFI_BOOT_IMAGE: &str = "EFI/Microsoft/Boot/efisys_noprompt.bin";
/// The UEFI El Torito image that waits for a key.
pub const UEFI_BOOT_IMAGE_PROMPT: &str = "EFI/Microsoft/Boot/efisys.bin";

/// Takes every boot file out of the image, or from what the user gave instead.
///
/// # Errors
/// [`BootImageError::Missing`] names the paths that were looked for.
pub fn boot_files(image: &BootImage, spec: &BootImageSpec) -> Result<BootFiles, BootImageError> {
    let set = choose_set(image, spec)?;
    let mut taken = Taking { image, spec, files: Vec::new() };
    taken.boot_managers(set)?;
    taken.fonts(set)?;
    taken.optional("EFI/Microsoft/Boot/boot.stl", &[r"\Windows\Boot\EFI\boot.stl".to_owned()])?;
    taken.ramdisk()?;
    taken.cd_images(set)?;
    taken.rest_of_given()?;
    let programs = programs::check(&taken.files, image.architecture)?;
    let notes = notes(image, spec, set);
    Ok(BootFiles { files: taken.files, set, programs, notes })
}

fn choose_set(image: &BootImage, spec: &BootImageSpec) -> Result<BootManagerSet, BootImageError> {
    let has_manager = has_manager_2023(image);
    match spec.boot_manager {
        BootManagerChoice::Pca2011 => Ok(BootManagerSet::Pca2011),
        BootManagerChoice::Ca2023
            if !has_manager && given(spec, &removable_media_path(image.architecture)).is_none() =>
        {
            Err(BootImageError::Missing {
                path: removable_media_path(image.architecture),
                purpose: "the boot manager of the 2023 set",
                asked_for: Some(BootManagerSet::Ca2023),
                looked_for: vec![BOOT_MANAGER_2023.to_owned()],
            })
        }
        BootManagerChoice::Ca2023 => Ok(BootManagerSet::Ca2023),
        BootManagerChoice::Auto if has_manager && has_fonts_2023(image) => Ok(BootManagerSet::Ca2023),
        BootManagerChoice::Auto => Ok(BootManagerSet::Pca2011),
    }
}

fn has_manager_2023(image: &BootImage) -> bool {
    image.image.find(BOOT_MANAGER_2023).is_some_and(|entry| !entry.is_directory())
}

fn has_fonts_2023(image: &BootImage) -> bool {
    let fonts = image.image.find(FONTS_2023).map(|folder| image.image.children(&folder));
    fonts.into_iter().flatten().any(|entry| is_font(&entry.name) && !entry.is_directory())
}

fn is_font(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".ttf")
}

fn notes(image: &BootImage, spec: &BootImageSpec, set: BootManagerSet) -> Vec<String> {
    let (has_manager, has_fonts) = (has_manager_2023(image), has_fonts_2023(image));
    let note = match (spec.boot_manager, set) {
        (BootManagerChoice::Auto, BootManagerSet::Pca2011) if !has_manager => {
            format!("the boot image has no {BOOT_MANAGER_2023}; the 2011 set was taken")
        }
        (BootManagerChoice::Auto, BootManagerSet::Pca2011) => {
            format!(
                "the boot image's 2023 boot files are not complete (no fonts in {FONTS_2023}); the 2011 set was taken"
            )
        }
        (_, BootManagerSet::Ca2023) if !has_fonts => {
            format!("the boot image has no fonts in {FONTS_2023}; those of {FONTS} were taken")
        }
        _ => return Vec::new(),
    };
    vec![note]
}

fn given<'a>(spec: &'a BootImageSpec, path: &str) -> Option<&'a Arc<dyn Source>> {
    spec.boot_files.iter().find(|(given, _)| given.eq_ignore_ascii_case(path)).map(|(_, source)| source)
}

fn removable_media_path(architecture: Architecture) -> String {
    format!("EFI/Boot/{}", architecture.removable_media_name())
}

struct Taking<'a> {
    image: &'a BootImage,
    spec: &'a BootImageSpec,
    files: Vec<BootFile>,
}

impl Taking<'_> {
    fn boot_managers(&mut self, set: BootManagerSet) -> Result<(), BootImageError> {
        let architecture = self.image.architecture;
        let first = match set {
            BootManagerSet::Pca2011 => BOOT_MANAGER,
            BootManagerSet::Ca2023 => BOOT_MANAGER_2023,
        };
        self.required(&removable_media_path(architecture), "the UEFI boot manager", &[first.to_owned()])?;
        // A CD goes on with this one. Not every 2023 set has one, and those seen were not signed under the 2023 authority.
        let mut second = vec![r"\Windows\Boot\EFI\bootmgr.efi".to_owned()];
        if set == BootManagerSet::Ca2023 {
            second.insert(0, r"\Windows\Boot\EFI_EX\bootmgr_EX.efi".to_owned());
        }
        self.required("bootmgr.efi", "the UEFI boot manager of CDs", &second)?;
        if architecture != Architecture::Arm64 {
            self.optional("bootmgr", &[r"\Windows\Boot\PCAT\bootmgr".to_owned()])?;
        }
        Ok(())
    }

    fn fonts(&mut self, set: BootManagerSet) -> Result<(), BootImageError> {
        let of_2023 = set == BootManagerSet::Ca2023 && has_fonts_2023(self.image);
        let folder = if of_2023 { FONTS_2023 } else { FONTS };
        for (name, entry) in self.children(folder) {
            let plain = name.replace("_EX.", ".").replace("_ex.", ".");
            if !is_font(&plain) || entry.is_directory() {
                continue;
            }
            let origin = format!(r"{folder}\{name}");
            let content = Content::bytes(self.image.read(&origin, &entry)?);
            for target in [format!("boot/fonts/{plain}"), format!("EFI/Microsoft/Boot/Fonts/{plain}")] {
                if !self.take_given(&target) {
                    self.push(target, content.clone(), origin.clone());
                }
            }
        }
        Ok(())
    }

    fn ramdisk(&mut self) -> Result<(), BootImageError> {
        let paths =
            [r"\sms\boot\boot.sdi", r"\Windows\Boot\DVD\EFI\boot.sdi", r"\Windows\Boot\DVD\PCAT\boot.sdi"];
        self.required(BOOT_SDI, "the RAM disk template", &paths.map(str::to_owned))
    }

    /// The El Torito images. A stick does not need them, but carries them as Microsoft's own media do.
    fn cd_images(&mut self, set: BootManagerSet) -> Result<(), BootImageError> {
        let bin = |name: &str| {
            format!(r"\sms\bin\{}\{name}", self.image.architecture.configuration_manager_folder())
        };
        if self.image.architecture != Architecture::Arm64 {
            let paths = [bin("etfsboot.com"), r"\Windows\Boot\DVD\PCAT\etfsboot.com".to_owned()];
            self.optional(BIOS_BOOT_IMAGE, &paths)?;
        }
        for (target, stem) in [(UEFI_BOOT_IMAGE, "efisys_noprompt"), (UEFI_BOOT_IMAGE_PROMPT, "efisys")] {
            let mut paths = vec![bin(&format!("{stem}.bin"))];
            paths.splice(0..0, self.in_languages(r"\Windows\Boot\DVD\EFI", &format!("{stem}.bin")));
            if set == BootManagerSet::Ca2023 {
                paths.splice(0..0, self.in_languages(r"\Windows\Boot\DVD_EX\EFI", &format!("{stem}_EX.bin")));
            }
            self.optional(target, &paths)?;
        }
        Ok(())
    }

    /// Files the user gave for places nothing above asked about.
    fn rest_of_given(&mut self) -> Result<(), BootImageError> {
        let mut taken: BTreeSet<String> =
            self.files.iter().map(|file| file.path.to_ascii_lowercase()).collect();
        for (path, source) in &self.spec.boot_files {
            if taken.insert(path.to_ascii_lowercase()) {
                self.push(path.clone(), Content::source(source.clone()), GIVEN.to_owned());
            }
        }
        Ok(())
    }

    /// `en-US` first, then the other languages in order.
    fn in_languages(&self, folder: &str, name: &str) -> Vec<String> {
        let mut languages: Vec<String> = self.children(folder).into_iter().map(|(name, _)| name).collect();
        languages
            .sort_by_key(|language| (!language.eq_ignore_ascii_case("en-US"), language.to_ascii_lowercase()));
        languages.into_iter().map(|language| format!(r"{folder}\{language}\{name}")).collect()
    }

    fn children(&self, folder: &str) -> Vec<(String, Entry)> {
        let image = &self.image.image;
        let children = image.find(folder).map(|folder| image.children(&folder)).into_iter().flatten();
        let mut found: Vec<(String, Entry)> = children.map(|entry| (entry.name.clone(), entry)).collect();
        found.sort_by_key(|(name, _)| name.to_ascii_lowercase());
        found
    }

    fn required(
        &mut self,
        path: &str,
        purpose: &'static str,
        paths: &[String],
    ) -> Result<(), BootImageError> {
        if self.optional(path, paths)? {
            return Ok(());
        }
        let (path, looked_for) = (path.to_owned(), paths.to_vec());
        Err(BootImageError::Missing { path, purpose, asked_for: None, looked_for })
    }

    /// Takes the first of `paths` there is; what the user gave for this place goes before all of them.
    fn optional(&mut self, path: &str, paths: &[String]) -> Result<bool, BootImageError> {
        if self.take_given(path) {
            return Ok(true);
        }
        for candidate in paths {
            if let Some(entry) = self.image.image.find(candidate).filter(|entry| !entry.is_directory()) {
                let content = Content::bytes(self.image.read(candidate, &entry)?);
                self.push(path.to_owned(), content, candidate.clone());
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes what the user gave for a place, when there is something.
    fn take_given(&mut self, path: &str) -> bool {
        let given = given(self.spec, path);
        if let Some(source) = given {
            self.push(path.to_owned(), Content::source(source.clone()), GIVEN.to_owned());
        }
        given.is_some()
    }

    fn push(&mut self, path: String, content: Content, origin: String) {
        self.files.push(BootFile { path, content, origin });
    }
}
