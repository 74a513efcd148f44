//! A finished medium as it was planned: laid out again from what its manifest says.

use thiserror::Error;

use crate::digest::Digest;
use crate::layout::FileSize;
use crate::media::manifest::{self, Manifest, ManifestError, PATH, VolumeForm};
use crate::media::names::MediaLabel;
use crate::media::validity::Validity;
use crate::media::variables::Variables;
use crate::medium::{MediumFile, find};
use crate::plan::{Laid, PlanError, Shape, lay};
use crate::spec::Form;
use crate::tree::room;

/// What was planned, with what decided it.
pub(crate) struct Origin {
    pub(crate) manifest: Manifest,
    pub(crate) shape: Shape,
    pub(crate) laid: Laid,
}

/// Why it cannot be said how a medium was planned.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OriginError {
    /// The manifest is damaged.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest could not be read.
    #[error("reading {PATH}: {0}")]
    Read(#[from] std::io::Error),
    /// What the manifest says is no medium.
    #[error("{PATH}: {0}")]
    Plan(#[from] PlanError),
    /// The manifest has something that no medium can have.
    #[error("{PATH}: its {what} is none")]
    Impossible {
        /// What it is.
        what: &'static str,
    },
    /// Another version of this program lays media out in another way.
    #[error("{tool} made this medium, and lays media out differently (its {structure} is another)")]
    OtherLayout {
        /// What made it.
        tool: String,
        /// The first structure that would be another.
        structure: String,
    },
}

impl Origin {
    /// When the medium is valid with these variables, and the certificates that its boot image was given.
    pub(crate) fn validity(&self, variables: &Variables) -> Validity {
        let mut validity = Validity::default();
        validity.add_variables(variables);
        self.manifest.validity.add_trusted(&mut validity);
        validity
    }

    /// Of a medium with these files; `None` when it has no manifest.
    pub(crate) fn of(files: &[MediumFile]) -> Result<Option<Self>, OriginError> {
        let Some(file) = find(files, manifest::PATH) else { return Ok(None) };
        let bytes = file.content.to_vec(manifest::LARGEST)?;
        let manifest = Manifest::read(&bytes)?;
        let signature =
            find(files, manifest::SIGNATURE_PATH).map(|file| crate::io::Source::len(&file.content));
        Self::new(manifest, bytes.len() as u64, signature).map(Some)
    }

    /// Lays out what a manifest of `len` bytes describes, and proves that its structures are those it lists.
    pub(crate) fn new(manifest: Manifest, len: u64, signature: Option<u64>) -> Result<Self, OriginError> {
        let shape = shape(&manifest, len, signature)?;
        let laid = lay(&shape)?;
        let mut listed = manifest.structures.iter();
        let other = |structure: &str| OriginError::OtherLayout {
            tool: manifest.tool.clone(),
            structure: structure.to_owned(),
        };
        for (offset, structure) in laid.structures() {
            let entry = listed.next().ok_or_else(|| other(structure.label))?;
            let (size, digest) = (structure.bytes.len() as u64, Digest::of(&structure.bytes));
            if (&*entry.label, entry.offset, entry.size) != (structure.label, offset, size)
                || entry.digest != digest
            {
                return Err(other(structure.label));
            }
        }
        if let Some(more) = listed.next() {
            return Err(other(&more.label));
        }
        Ok(Self { manifest, shape, laid })
    }
}

fn shape(manifest: &Manifest, len: u64, signature: Option<u64>) -> Result<Shape, OriginError> {
    let impossible = |what| OriginError::Impossible { what };
    let form = manifest.volume.form().ok_or_else(|| impossible("partition scheme"))?;
    if let Form::DiskImage { cluster_size: Some(size), .. } = form
        && !(size.is_power_of_two() && (512..=32 << 10).contains(&size))
    {
        return Err(impossible("cluster size"));
    }
    let size = |path: &str, len: u64| FileSize { path: path.to_owned(), len, room: room(path, len) };
    let mut files: Vec<FileSize> = manifest.files.iter().map(|file| size(&file.path, file.size)).collect();
    // What is in a manifest's own place: in front of the boot image, which is the last.
    let last = files.len().saturating_sub(1);
    let own = [(manifest::PATH, Some(len)), (manifest::SIGNATURE_PATH, signature)];
    let own = own.into_iter().filter_map(|(path, len)| Some(size(path, len?)));
    files.splice(last..last, own);
    let (bios_boot, uefi_boot) = match &manifest.volume {
        VolumeForm::Iso { bios_boot, uefi_boot, .. } => (bios_boot.clone(), uefi_boot.clone()),
        VolumeForm::DiskImage { .. } => (None, None),
    };
    Ok(Shape {
        label: MediaLabel::new(&manifest.identity.label).map_err(|_| impossible("label"))?,
        time: manifest.created,
        ids: manifest.volume.ids(),
        files,
        bios_boot,
        uefi_boot,
        form,
    })
}
