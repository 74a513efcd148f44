//! What is there already: media of an earlier run of the same batch.

use std::io;
use std::sync::Arc;

use media_core::io::{FileSource, Source};
use media_core::media::manifest::{self, InputEntry, Manifest, ManifestSite, VolumeForm};
use media_core::media::receipt::{self, Receipt};
use media_core::{Form, Medium};
use secrecy::ExposeSecret;

use super::Batch;
use super::item::{Item, Made};
use crate::error::{Error, OutputProblem};
use crate::input;
use crate::progress::Progress;

impl Batch {
    /// What media of this batch are made from, when some may be there already.
    pub(super) fn known_inputs(
        &self,
        items: &[Item],
        progress: &mut Progress,
    ) -> Result<Option<Vec<InputEntry>>, Error> {
        if self.force || !items.iter().any(|item| self.medium(item).exists()) {
            return Ok(None);
        }
        media_core::input_digests(&self.spec, progress).map(Some).map_err(|error| Error::Seal(error.into()))
    }

    /// A medium that is complete; nothing when it is still to be made.
    ///
    /// # Errors
    /// [`Error::Output`] for a file of that name that is somebody else's, or was made from something else.
    pub(super) fn existing(&self, item: &Item, inputs: Option<&[InputEntry]>) -> Result<Option<Made>, Error> {
        let path = self.medium(item);
        let Some(inputs) = inputs else { return Ok(None) };
        let source: Arc<dyn Source> = match FileSource::open(&path) {
            Ok(source) => Arc::new(source),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::Unreadable { what: "medium", path, error }),
        };
        let other =
            |what: &'static str| Error::Output { path: path.clone(), problem: OutputProblem::Other(what) };
        let bytes = manifest_of(&source).ok_or_else(|| other("a medium of this batch"))?;
        let listed = Manifest::read(&bytes).map_err(|_| other("a medium of this batch"))?;
        if listed.identity.serial_number.as_ref() != Some(&item.serial) {
            return Err(other("the medium with this serial number"));
        }
        let receipt = match self.read_receipt(item)? {
            Some(receipt) if receipt.manifest == listed && self.registration(item).exists() => receipt,
            // The end of the run that made it came before it was complete.
            _ => return Ok(None),
        };
        let is_iso = matches!(self.spec.form, Form::Iso { .. });
        let site = ManifestSite::of(self.spec.site.code.as_str(), &item.management.management);
        let same = listed.inputs == inputs
            && listed.identity.label == item.label.as_str()
            && listed.identity.site == site
            && is_iso == matches!(listed.volume, VolumeForm::Iso { .. })
            && receipt.signature.is_some() == self.spec.signing_key.is_some();
        if !same {
            return Err(other("made from what it would be made from now"));
        }
        if !same_variables(&source, item) {
            return Err(other("with the variables or the password that it would have now"));
        }
        Ok(Some(Made { receipt }))
    }

    fn read_receipt(&self, item: &Item) -> Result<Option<Receipt>, Error> {
        let path = self.receipt(item);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = input::read_small(&path, "receipt", receipt::LARGEST)?;
        Ok(Receipt::read(&bytes).ok())
    }
}

/// The manifest of a medium, when it is one.
pub(super) fn manifest_of(source: &Arc<dyn Source>) -> Option<Vec<u8>> {
    let medium = media_core::open(source.clone()).ok()?;
    if !matches!(medium, Medium::Iso(_) | Medium::Disk { .. }) {
        return None;
    }
    let files = medium.listing().ok()?.files;
    let file = files.iter().find(|file| file.path.eq_ignore_ascii_case(manifest::PATH))?;
    file.content.to_vec(manifest::LARGEST).ok()
}

/// Whether the password opens it, and every variable that is given is on it.
fn same_variables(source: &Arc<dyn Source>, item: &Item) -> bool {
    let facts = media_core::inspect_variables(source.clone(), item.password.as_ref());
    let Ok(Some(facts)) = facts else { return false };
    let Ok(found) = &facts.variables else { return false };
    item.variables.iter().all(|(name, value)| {
        found.get(name).is_some_and(|found| found.expose_secret() == value.expose_secret())
    })
}
