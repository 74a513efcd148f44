//! Settings of a batch: what all of its media share, and what cannot be the same on two of them.

use super::{Given, Settings, check, resolve};
use crate::error::{Error, Place};
use crate::secrets::PasswordSource;

impl Settings {
    /// Takes away what differs between the media of a batch; answers where the password comes from that media without one
    /// of their own get.
    ///
    /// # Errors
    /// [`Error::Setting`] for what cannot be the same on all media.
    pub(crate) fn for_batch(&mut self, allow_shared: bool) -> Result<Option<PasswordSource>, Error> {
        let refused = [
            ("a media GUID", self.media_guid.as_ref().map(|given| &given.place)),
            ("an identity", self.identity.as_ref().map(|given| &given.place)),
            ("a serial number", self.serial_number.as_ref().map(|given| &given.place)),
            ("a name for its receipt", self.receipt.as_ref().map(|given| &given.place)),
        ];
        if let Some((what, Some(place))) = refused.into_iter().find(|(_, place)| place.is_some()) {
            let message = format!("{what} is one medium's own, and every medium of a batch has another");
            return Err(Error::setting(message, place.clone()));
        }
        let shared = resolve::only_one(&self.password)?;
        if let (Some(given), false) = (self.password.first(), allow_shared) {
            let message = "every medium of a batch has its own password, and one for all is given";
            return Err(Error::setting(message, given.place.clone())
                .with_hint("leave it out, or let them share it: --allow-shared-password"));
        }
        if let (Some(output), None) = (&self.output, &self.format) {
            let format = check::format_by_name(&output.value);
            self.format = format.map(|value| Given { value, place: output.place.clone() });
        }
        (self.output, self.registration) = (None, None);
        // Every medium gets one; it is not read from here.
        self.password = vec![Given { value: PasswordSource::Prompt, place: Place::Nowhere }];
        Ok(shared)
    }
}
