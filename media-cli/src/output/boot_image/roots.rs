//! Certificates in the stores of a boot image: listed, added, removed.

use std::fmt;
use std::path::Path;

use media_core::media::chain::{Chain, ChainWarning};
use media_core::media::roots::{AddedCertificate, Listed, RemovedCertificate};
use media_core::media::store::Store;
use serde::Serialize;

use crate::create::phrase;
use crate::output::Shown;

/// The certificates of a boot image.
#[derive(Serialize)]
pub struct Listing {
    boot_image: String,
    images: Vec<ImageListing>,
}

#[derive(Serialize)]
struct ImageListing {
    image: u32,
    certificates: Vec<Certificate>,
}

/// A certificate in a store.
#[derive(Serialize)]
pub(crate) struct Certificate {
    store: &'static str,
    thumbprint: String,
    subject: Option<String>,
    issuer: Option<String>,
    valid_from: Option<String>,
    valid_until: Option<String>,
    problem: Option<String>,
}

impl Certificate {
    pub(crate) fn new(listed: &Listed) -> Self {
        let certificate = listed.certificate.as_ref();
        let text = |text: &dyn Fn(&media_core::x509::Certificate) -> String| certificate.ok().map(text);
        Self {
            store: listed.store.registry_name(),
            thumbprint: listed.thumbprint.clone(),
            subject: text(&|certificate| certificate.subject.text.clone()),
            issuer: text(&|certificate| certificate.issuer.text.clone()),
            valid_from: text(&|certificate| certificate.not_before.to_string()),
            valid_until: text(&|certificate| certificate.not_after.to_string()),
            problem: certificate.err().map(ToString::to_string),
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.subject.as_deref().or(self.problem.as_deref()).unwrap_or_default();
        writeln!(out, "  {:<18}{} {}", self.store, Shown(&self.thumbprint), Shown(what))?;
        match (&self.valid_from, &self.valid_until) {
            (Some(from), Some(until)) => writeln!(out, "  {:<18}valid from {from} until {until}", ""),
            _ => Ok(()),
        }
    }
}

impl Listing {
    pub(crate) fn new(boot_image: &Path, images: &[(u32, Vec<Listed>)], store: Option<Store>) -> Self {
        let image = |(image, listed): &(u32, Vec<Listed>)| ImageListing {
            image: *image,
            certificates: listed
                .iter()
                .filter(|listed| store.is_none_or(|store| store == listed.store))
                .map(Certificate::new)
                .collect(),
        };
        Self { boot_image: boot_image.display().to_string(), images: images.iter().map(image).collect() }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for image in &self.images {
            let count = image.certificates.len();
            let certificates = if count == 1 { "certificate" } else { "certificates" };
            writeln!(out, "{}, image {}: {count} {certificates}", self.boot_image, image.image)?;
            image.certificates.iter().try_for_each(|certificate| certificate.fmt(out))?;
        }
        Ok(())
    }
}

/// What became of certificates that were to be added or removed.
#[derive(Serialize)]
pub struct Changes {
    boot_image: String,
    output: String,
    changed: bool,
    certificates: Vec<Change>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chains: Vec<ProvenChain>,
    notes: Vec<String>,
}

/// A chain from a server's certificate to a root.
#[derive(Serialize)]
struct ProvenChain {
    image: u32,
    store: &'static str,
    subjects: Vec<String>,
}

#[derive(Serialize)]
struct Change {
    image: u32,
    store: Option<&'static str>,
    thumbprint: String,
    subject: Option<String>,
    result: Outcome,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Added,
    WasThere,
    Removed,
    WasNotThere,
}

impl Changes {
    pub(crate) fn added(images: &[(u32, Vec<AddedCertificate>)]) -> Self {
        let change = |image: u32, added: &AddedCertificate| Change {
            image,
            store: Some(added.store.registry_name()),
            thumbprint: added.thumbprint.clone(),
            subject: Some(added.subject.clone()),
            result: if added.was_there { Outcome::WasThere } else { Outcome::Added },
        };
        Self::of(
            images.iter().flat_map(|(image, all)| all.iter().map(|added| change(*image, added))).collect(),
        )
    }

    pub(crate) fn removed(images: &[(u32, Vec<RemovedCertificate>)], asked: &[String]) -> Self {
        let mut changes = Vec::new();
        for (image, removed) in images {
            for thumbprint in asked {
                let of_this: Vec<_> = removed.iter().filter(|one| one.thumbprint == *thumbprint).collect();
                let change = |store, result| Change {
                    image: *image,
                    store,
                    thumbprint: thumbprint.clone(),
                    subject: None,
                    result,
                };
                if of_this.is_empty() {
                    changes.push(change(None, Outcome::WasNotThere));
                }
                changes.extend(
                    of_this.iter().map(|one| change(Some(one.store.registry_name()), Outcome::Removed)),
                );
            }
        }
        Self::of(changes)
    }

    fn of(certificates: Vec<Change>) -> Self {
        let changed =
            certificates.iter().any(|change| matches!(change.result, Outcome::Added | Outcome::Removed));
        Self {
            boot_image: String::new(),
            output: String::new(),
            changed,
            certificates,
            chains: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Says which chains were proven, and what speaks against them.
    pub(crate) fn prove(&mut self, chains: &[(u32, Chain)]) {
        for (image, chain) in chains {
            let subjects = chain.certificates.iter().map(|certificate| certificate.subject.text.clone());
            self.chains.push(ProvenChain {
                image: *image,
                store: chain.store.registry_name(),
                subjects: subjects.collect(),
            });
            self.note(chain.warnings.iter().map(warning));
        }
    }

    /// Adds notes, each once.
    pub(crate) fn note(&mut self, notes: impl Iterator<Item = String>) {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// Says what was changed, and where the result is.
    pub(crate) fn name(&mut self, boot_image: &Path, output: Option<&Path>) {
        self.boot_image = boot_image.display().to_string();
        self.output = output.unwrap_or(boot_image).display().to_string();
    }
}

fn warning(warning: &ChainWarning) -> String {
    match warning {
        ChainWarning::Certificate { subject, problem } => format!("chain: `{subject}`: {}", phrase(problem)),
        ChainWarning::TooNewForFirmware { subject, not_before } => format!(
            "chain: the root `{subject}` is valid from {not_before}; a computer whose clock has stopped and starts at its \
             firmware's default date does not trust it yet"
        ),
        _ => format!("chain: {warning:?}"),
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.certificates {
            let store = change.store.unwrap_or("any store");
            let words = match change.result {
                Outcome::Added => format!("added in {store}"),
                Outcome::WasThere => format!("was in {store} already"),
                Outcome::Removed => format!("removed from {store}"),
                Outcome::WasNotThere => "was in no store".to_owned(),
            };
            let subject = change.subject.as_deref().map(|subject| format!(" {}", Shown(subject)));
            let subject = subject.unwrap_or_default();
            writeln!(out, "image {}: {words}: {}{subject}", change.image, change.thumbprint)?;
        }
        for chain in &self.chains {
            let way = chain.subjects.iter().map(|subject| Shown(subject).to_string()).collect::<Vec<_>>();
            writeln!(
                out,
                "image {}: proven, to a root in {}: {}",
                chain.image,
                chain.store,
                way.join(" <- ")
            )?;
        }
        crate::output::notes(out, &self.notes)?;
        match (self.changed, self.output == self.boot_image) {
            (true, true) => writeln!(out, "{}: changed in place", self.boot_image),
            (true, false) => writeln!(out, "{}: written", self.output),
            (false, true) => writeln!(out, "{}: nothing to change, and nothing was", self.boot_image),
            (false, false) => writeln!(out, "{}: written; nothing in it differs", self.output),
        }
    }
}
