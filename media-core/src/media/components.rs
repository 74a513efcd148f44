//! What Configuration Manager and the Windows ADK put into a boot image, recognised by the files they leave there.

use std::collections::BTreeSet;

use super::boot_image::Architecture;
use crate::pe;
use crate::wim::{Entry, Hash, Image};

/// Where servicing keeps a manifest of every package in an image.
const PACKAGES: &str = r"\Windows\servicing\Packages";
/// The program that starts the task sequence engine from media.
const BOOTSTRAP: &str = "TsmBootstrap.exe";
/// Optional components without which Configuration Manager's boot images do not work (`manage-boot-images`).
pub const REQUIRED: [&str; 4] = ["WinPE-Scripting", "WinPE-SecureStartup", "WinPE-WDS-Tools", "WinPE-WMI"];

/// Components found in a boot image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Components {
    /// Configuration Manager's own programs, when they are there.
    pub configuration_manager: Option<ConfigurationManager>,
    /// Names of the ADK's optional components, `WinPE-WMI` and the like, sorted.
    pub optional: Vec<String>,
}

/// The task sequence engine in a boot image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationManager {
    /// The folder its programs are in.
    pub folder: String,
    /// The file version of `TsmBootstrap.exe`, most significant number first, when it says one.
    pub version: Option<[u16; 4]>,
}

impl Components {
    /// Required optional components that are missing. Empty also when servicing left no manifests to tell by.
    pub fn missing(&self) -> Vec<&'static str> {
        if self.optional.is_empty() {
            return Vec::new();
        }
        REQUIRED
            .into_iter()
            .filter(|name| !self.optional.iter().any(|other| other.eq_ignore_ascii_case(name)))
            .collect()
    }
}

/// Reads a program of the image, if it can be read.
pub type ReadProgram<'a> = &'a mut dyn FnMut(&Hash) -> Option<Vec<u8>>;

/// Looks for components in an image.
pub fn find(image: &Image, architecture: Option<Architecture>, read: ReadProgram<'_>) -> Components {
    Components { configuration_manager: engine(image, architecture, read), optional: optional(image) }
}

fn engine(
    image: &Image,
    architecture: Option<Architecture>,
    read: ReadProgram<'_>,
) -> Option<ConfigurationManager> {
    // An ARM64 image has Configuration Manager's programs for x64.
    let own = architecture.map(Architecture::configuration_manager_folder);
    let folders = own.into_iter().chain(["x64", "i386", "arm64"]).map(|name| format!(r"\sms\bin\{name}"));
    folders.into_iter().find_map(|folder| {
        let program = image.find(&format!(r"{folder}\{BOOTSTRAP}")).filter(|entry| entry.is_plain_file())?;
        Some(ConfigurationManager { version: version(&program, read), folder })
    })
}

fn version(program: &Entry, read: ReadProgram<'_>) -> Option<[u16; 4]> {
    let bytes = read(&program.hash()?)?;
    pe::read(&bytes).ok()?.file_version.ok()?
}

/// From names like `WinPE-WMI-Package~31bf3856ad364e35~amd64~~10.0.26100.1.mum`; those with a language are parts of the
/// one without.
fn optional(image: &Image) -> Vec<String> {
    let Some(folder) = image.find(PACKAGES) else { return Vec::new() };
    let component = |entry: Entry| {
        let name = entry.name.strip_suffix(".mum").or_else(|| entry.name.strip_suffix(".MUM"))?;
        let (package, _) = name.split_once('~')?;
        let component = package.strip_suffix("-Package")?;
        component.get(..6).filter(|start| start.eq_ignore_ascii_case("WinPE-"))?;
        Some(component.to_owned())
    };
    let found: BTreeSet<String> = image.children(&folder).filter_map(component).collect();
    found.into_iter().collect()
}
