//! An inspection as text, in sections.

use std::fmt;

use super::{BootImage, Certificate, Inspected, Password, VariablesFile, Volume};
use crate::output::sizes::size;
use crate::output::{Shown, line};

impl fmt::Display for Inspected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {}, {}", Shown(&self.path), self.kind, size(self.bytes))?;
        if let Some(volume) = &self.volume {
            writeln!(out, "\nVolume")?;
            volume.fmt(out)?;
        }
        if let Some(image) = &self.boot_image {
            writeln!(out, "\nBoot image")?;
            image.fmt(out)?;
        }
        if !self.certificates.is_empty() {
            writeln!(out, "\nCertificates")?;
            self.certificates.iter().try_for_each(|certificate| certificate.fmt(out))?;
        }
        if !self.boot_managers.is_empty() {
            writeln!(out, "\nBoot managers")?;
        }
        for manager in &self.boot_managers {
            let what = match (&manager.machine, &manager.problem) {
                (Some(machine), _) => machine.clone(),
                (None, problem) => format!("not a program: {}", problem.as_deref().unwrap_or_default()),
            };
            writeln!(out, "  {}: {}", Shown(&manager.path), Shown(what))?;
            for signer in &manager.signers {
                writeln!(out, "    signed by {}, under {}", Shown(&signer.subject), Shown(&signer.issuer))?;
            }
            if manager.machine.is_some() && manager.signers.is_empty() {
                writeln!(out, "    not signed")?;
            }
        }
        if !self.boot_configuration.is_empty() {
            writeln!(out, "\nBoot configuration")?;
        }
        for store in &self.boot_configuration {
            match (&store.wim, &store.loader, &store.problem) {
                (Some(wim), Some(loader), _) => {
                    writeln!(out, "  {}: {}, {}", Shown(&store.path), Shown(wim), Shown(loader))?
                }
                (_, _, problem) => writeln!(
                    out,
                    "  {}: {}",
                    Shown(&store.path),
                    Shown(problem.as_deref().unwrap_or_default())
                )?,
            }
        }
        if let Some(variables) = &self.variables {
            writeln!(out, "\nMedia variables")?;
            variables.fmt(out)?;
        }
        if let Some(manifest) = &self.manifest {
            writeln!(out, "\nManifest")?;
            manifest.fmt(out)?;
        }
        if !self.validity.is_empty() {
            writeln!(out, "\nValidity")?;
            self.validity.show(out, "  Valid until")?;
        }
        if !self.damaged.is_empty() {
            writeln!(out, "\nDamaged")?;
        }
        self.damaged
            .iter()
            .try_for_each(|part| writeln!(out, "  {}: {}", part.part, Shown(&part.problem)))?;
        if !self.files.is_empty() {
            writeln!(out, "\nFiles")?;
        }
        self.files.iter().try_for_each(|file| writeln!(out, "{:>14}  {}", file.bytes, Shown(&file.path)))
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk {
                label,
                partition_scheme,
                partitions,
                serial_number,
                cluster_size,
                bytes,
                free_bytes,
            } => {
                line(out, "  Label", label.as_deref().unwrap_or("not known"))?;
                line(out, "  Partition table", partition_scheme.as_deref().unwrap_or("none"))?;
                for partition in partitions {
                    let active = if partition.active { ", active" } else { "" };
                    let length = size(partition.bytes);
                    line(
                        out,
                        "  Partition",
                        format_args!("at {}, {length}, {}{active}", partition.offset, partition.kind),
                    )?;
                }
                line(out, "  File system", format_args!("FAT32, clusters of {cluster_size} bytes"))?;
                line(out, "  Serial number", serial_number)?;
                line(out, "  Size", size(*bytes))?;
                line(out, "  Free", free_bytes.map_or_else(|| "not known".to_owned(), size))
            }
            Self::Iso { label, file_systems, boot_entries } => {
                line(out, "  Label", label.as_deref().unwrap_or("none"))?;
                line(out, "  File systems", file_systems.join(", "))?;
                boot_entries.iter().try_for_each(|entry| {
                    let state = if entry.bootable { "" } else { ", not bootable" };
                    let (sectors, offset) = (entry.load_sectors, entry.offset);
                    let loads =
                        format_args!("{}: at {offset}, loads {sectors} sectors{state}", entry.platform);
                    line(out, "  Starts by", loads)
                })
            }
        }
    }
}

impl fmt::Display for BootImage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.boot_index {
            0 => line(out, "  Boots", "no image is marked bootable")?,
            index => line(out, "  Boots", format_args!("image {index}"))?,
        }
        line(out, "  Architecture", self.architecture.as_deref().unwrap_or("not known"))?;
        line(out, "  Compression", &self.compression)?;
        for image in &self.images {
            let name = image.name.as_deref().unwrap_or("without a name");
            let version = image.version.as_deref().unwrap_or("version not known");
            let languages = if image.languages.is_empty() {
                "no language".to_owned()
            } else {
                image.languages.join(", ")
            };
            line(out, &format!("  Image {}", image.index), format_args!("{name}, {version}, {languages}"))?;
        }
        if let Some(problem) = &self.certificates_problem {
            line(out, "  Certificates", format_args!("cannot be listed: {problem}"))?;
        } else if self.certificates.is_empty() {
            line(out, "  Certificates", "none in its stores")?;
        }
        self.certificates.iter().try_for_each(|certificate| certificate.fmt(out))
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject.as_deref().or(self.problem.as_deref()).unwrap_or_default();
        line(out, &format!("  {}", self.store), format_args!("{} {subject}", self.thumbprint))?;
        match (&self.valid_from, &self.valid_until) {
            (Some(from), Some(until)) => line(out, "", format_args!("valid from {from} until {until}")),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for VariablesFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(out, "  Encryption", format_args!("{}, {} of text", self.encryption, size(self.text_bytes)))?;
        line(
            out,
            "  Password",
            match (self.password, &self.problem) {
                (Password::None, None) => "none".to_owned(),
                (Password::None, Some(problem)) => format!("none; {problem}"),
                (Password::Needed, _) => "needed to show the variables (--password-file)".to_owned(),
                (Password::Given, None) => "the one given".to_owned(),
                (Password::Given, Some(problem)) => problem.clone(),
            },
        )?;
        for variable in &self.variables {
            let value = variable.value.as_deref().unwrap_or("(not shown; --reveal shows it)");
            writeln!(out, "  {} = {}", Shown(&variable.name), Shown(value))?;
        }
        Ok(())
    }
}
