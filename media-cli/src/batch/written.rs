//! What is written beside each medium of a batch: receipt, registration, letters.

use std::path::{Path, PathBuf};

use media_core::Form;
use media_core::media::receipt::Receipt;
use media_core::media::registration::Registration;
use zeroize::Zeroizing;

use super::Batch;
use super::item::Item;
use crate::error::Error;
use crate::output::small_file::{self, Access, Prepared};
use crate::output::{registration, target};
use crate::values::ScriptForm;
use crate::workers::letter::{LetterFacts, MediumFacts, MediumKind};

/// A medium that would be made.
pub(crate) struct Planned {
    pub(crate) medium: PathBuf,
    pub(crate) name: String,
    pub(crate) length: u64,
}

impl Batch {
    pub(super) fn receipt(&self, item: &Item) -> PathBuf {
        target::receipt_of(&self.medium(item))
    }

    pub(super) fn registration(&self, item: &Item) -> PathBuf {
        self.folder.join(format!("{}.register.ps1", item.worker.serial))
    }

    /// Writes receipt and registration under temporary names.
    pub(super) fn prepare(
        &self,
        item: &Item,
        receipt: &Receipt,
        registration: Option<&Registration>,
    ) -> Result<Prepared, Error> {
        let mut prepared = Prepared::new(true);
        let mut add = |output: &Path, bytes: Vec<u8>| -> Result<(), Error> {
            prepared.add(&target::check(output, true, &[])?, output, bytes)
        };
        add(&self.receipt(item), receipt.to_bytes())?;
        if let Some(registration) = registration {
            let code = Some(self.spec.site.code.clone());
            let script = registration::text(registration, ScriptForm::Powershell, code)?;
            add(&self.registration(item), script.into_bytes())?;
        }
        Ok(prepared)
    }

    /// Writes the letter that goes with a medium.
    pub(super) fn write_letters(&self, item: &Item, receipt: &Receipt) -> Result<(), Error> {
        let Some(letters) = &self.letters else { return Ok(()) };
        let manifest = &receipt.manifest;
        let facts = MediumFacts {
            kind: match self.spec.form {
                Form::Iso { .. } => MediumKind::Disc,
                Form::DiskImage { .. } => MediumKind::Stick,
            },
            label: Some(manifest.identity.label.clone()),
            site_code: manifest.identity.site.code.clone(),
            has_password: item.password.is_some(),
            valid_from: manifest.validity.from,
            valid_until: manifest.validity.until,
        };
        let facts = LetterFacts::new(&self.letter, &item.worker, facts);
        for (ending, text) in [("letter.html", letters.html(&facts)?), ("letter.txt", letters.text(&facts)?)]
        {
            let output = self.folder.join(format!("{}.{ending}", item.worker.serial));
            let target = target::check(&output, true, &[])?;
            small_file::write(&target, &output, Zeroizing::new(text.into_bytes()), Access::Usual, true)?;
        }
        Ok(())
    }

    /// Plans the first medium: the others are as long.
    pub(super) fn planned(&self, items: &[Item]) -> Result<Vec<Planned>, Error> {
        let Some(first) = items.first() else { return Ok(Vec::new()) };
        let mut quiet = media_core::event::Unobserved;
        let env = self.seeds.env(&first.worker.serial, self.now);
        let spec = self.spec_of(first);
        let mut staged = media_core::stage(&spec, &env, &mut quiet)
            .map_err(|error| crate::create::stage_error(error, &self.decided))?;
        let len = media_core::draft(&mut staged.tree, spec.form)?.plan.len;
        let planned =
            |item: &Item| Planned { medium: self.medium(item), name: item.worker.name.clone(), length: len };
        Ok(items.iter().map(planned).collect())
    }
}
