//! What is in a boot image.

use std::fmt;
use std::path::Path;

use media_core::BootManagerFacts;
use media_core::media::components::Components;
use media_core::service::{ContentFacts, ImageFacts, WimFacts};
use serde::Serialize;

use super::roots::Certificate;
use crate::output::line;
use crate::output::sizes::size;

/// A boot image.
#[derive(Serialize)]
pub struct Info {
    path: String,
    bytes: u64,
    boot_index: u32,
    compression: String,
    chunk_size: u32,
    integrity_table: bool,
    read_only: bool,
    part: u16,
    parts: u16,
    solid: bool,
    images: Vec<Image>,
}

#[derive(Serialize)]
struct Image {
    index: u32,
    boots: bool,
    name: Option<String>,
    description: Option<String>,
    architecture: Option<String>,
    version: Option<String>,
    edition: Option<String>,
    languages: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct Content {
    files: u64,
    folders: u64,
    configuration_manager: Option<ConfigurationManager>,
    optional_components: Vec<String>,
    missing_components: Vec<&'static str>,
    boot_managers: Vec<BootManager>,
    certificates: Vec<Certificate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificates_problem: Option<String>,
}

#[derive(Serialize)]
struct ConfigurationManager {
    folder: String,
    version: Option<String>,
}

#[derive(Serialize)]
struct BootManager {
    path: String,
    machine: Option<String>,
    signed_under: Vec<String>,
    problem: Option<String>,
}

impl Info {
    pub(crate) fn new(path: &Path, facts: &WimFacts) -> Self {
        Self {
            path: path.display().to_string(),
            bytes: facts.len,
            boot_index: facts.boot_index,
            compression: facts.compression.to_string(),
            chunk_size: facts.chunk_size,
            integrity_table: facts.has_integrity_table,
            read_only: facts.is_read_only,
            part: facts.part.0,
            parts: facts.part.1,
            solid: facts.is_solid,
            images: facts.images.iter().map(|image| Image::new(image, facts.boot_index)).collect(),
        }
    }
}

impl Image {
    fn new(facts: &ImageFacts, boot_index: u32) -> Self {
        let info = &facts.info;
        Self {
            index: info.index,
            boots: info.index == boot_index,
            name: info.name.clone(),
            description: info.description.clone(),
            architecture: facts.architecture.map(|architecture| architecture.to_string()),
            version: info.version.map(|version| version.to_string()),
            edition: info.edition.clone(),
            languages: info.languages.clone(),
            content: facts.content.as_ref().ok().map(Content::new),
            problem: facts.content.as_ref().err().map(ToString::to_string),
        }
    }
}

impl Content {
    fn new(facts: &ContentFacts) -> Self {
        let Components { configuration_manager, optional } = &facts.components;
        let manager = |facts: &BootManagerFacts| BootManager {
            path: facts.path.clone(),
            machine: facts.machine.as_ref().ok().cloned(),
            signed_under: facts.signers.iter().map(|(_, issuer)| issuer.clone()).collect(),
            problem: facts.machine.as_ref().err().cloned(),
        };
        Self {
            files: facts.files,
            folders: facts.folders,
            configuration_manager: configuration_manager.as_ref().map(|engine| ConfigurationManager {
                folder: engine.folder.clone(),
                version: engine.version.map(|version| version.map(|number| number.to_string()).join(".")),
            }),
            missing_components: facts.components.missing(),
            optional_components: optional.clone(),
            boot_managers: facts.boot_managers.iter().map(manager).collect(),
            certificates: facts.certificates.iter().flatten().map(Certificate::new).collect(),
            certificates_problem: facts.certificates.as_ref().err().map(ToString::to_string),
        }
    }
}

impl fmt::Display for Info {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: WIM file, {}", self.path, size(self.bytes))?;
        match self.boot_index {
            0 => line(out, "Boots", "no image")?,
            index => line(out, "Boots", format!("image {index}"))?,
        }
        line(out, "Compression", format!("{}, chunks of {} bytes", self.compression, self.chunk_size))?;
        line(out, "Integrity table", if self.integrity_table { "yes" } else { "no" })?;
        if self.read_only {
            line(out, "Marked", "read-only")?;
        }
        if self.parts > 1 {
            line(out, "Part", format!("{} of {}", self.part, self.parts))?;
        }
        if self.solid {
            line(out, "Solid", "yes: its files are packed together")?;
        }
        self.images.iter().try_for_each(|image| image.fmt(out))
    }
}

impl fmt::Display for Image {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let boots = if self.boots { " (boots)" } else { "" };
        writeln!(out, "\nImage {}{boots}", self.index)?;
        let shown = [
            ("  Name", &self.name),
            ("  Description", &self.description),
            ("  Architecture", &self.architecture),
            ("  Version", &self.version),
            ("  Edition", &self.edition),
        ];
        for (name, value) in shown {
            if let Some(value) = value {
                line(out, name, value)?;
            }
        }
        if !self.languages.is_empty() {
            line(out, "  Languages", self.languages.join(", "))?;
        }
        if let Some(problem) = &self.problem {
            line(out, "  Damaged", problem)?;
        }
        self.content.as_ref().map_or(Ok(()), |content| content.fmt(out))
    }
}

impl fmt::Display for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(out, "  Content", format!("{} files in {} folders", self.files, self.folders))?;
        let engine = self.configuration_manager.as_ref().map_or_else(
            || "no task sequence engine".to_owned(),
            |engine| match &engine.version {
                Some(version) => format!("{version}, in {}", engine.folder),
                None => format!("version not known, in {}", engine.folder),
            },
        );
        line(out, "  ConfigMgr", engine)?;
        if !self.optional_components.is_empty() {
            line(out, "  ADK components", self.optional_components.join(", "))?;
        }
        if !self.missing_components.is_empty() {
            line(out, "  Missing", self.missing_components.join(", "))?;
        }
        for manager in &self.boot_managers {
            let what = match (&manager.problem, manager.signed_under.as_slice()) {
                (Some(problem), _) => problem.clone(),
                (None, []) => "not signed".to_owned(),
                (None, issuers) => format!("signed under {}", issuers.join(" and ")),
            };
            line(out, "  Boot manager", format!("{}: {what}", manager.path))?;
        }
        if let Some(problem) = &self.certificates_problem {
            line(out, "  Certificates", format!("cannot be listed: {problem}"))?;
        }
        self.certificates.iter().try_for_each(|certificate| certificate.fmt(out))
    }
}
