//! An identity that outlives its media: GUID, certificate and key, and the file they are kept in.
//!
//! The file is a PKCS#12 whose friendly name is the media GUID, so that any program that reads such files reads this one.

use rsa::RsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Identity, IdentityError, IdentitySource, MediaGuid, checks, pfx_password};
use crate::env::Env;
use crate::finding::Finding;
use crate::pfx::{self, Bundle};
use crate::time::Timestamp;
use crate::x509::{self, Certificate, SelfSignedRequest};

/// The provider that keys of media certificates should have: others may not sign with SHA-256.
const KEY_PROVIDER: &str = "Microsoft Enhanced RSA and AES Cryptographic Provider";
const FRIENDLY_NAME_ON_MEDIA: &str = "Task sequence media";

/// An identity with its private key, which is wiped from memory when dropped and which nothing shows.
pub struct Kept {
    /// The media's identity string.
    pub guid: MediaGuid,
    /// The certificate.
    pub certificate: Certificate,
    /// The certificates above it that came with it.
    pub chain: Vec<Certificate>,
    /// Whether the certificate was made here, and not issued elsewhere.
    pub is_self_signed: bool,
    bundle: Bundle,
}

impl Kept {
    /// Makes or takes over a certificate, under a given GUID or a new one.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn new(source: &IdentitySource, guid: Option<&MediaGuid>, env: &Env) -> Result<Self, IdentityError> {
        let guid = guid.cloned().unwrap_or_else(|| MediaGuid::random(env));
        match source {
            IdentitySource::SelfSigned { start, expiry, key_bits } => {
                let request = SelfSignedRequest {
                    // The product's own subject is not established; this one tells administrators which medium it is.
                    common_name: guid.as_str(),
                    not_before: *start,
                    not_after: *expiry,
                    key_bits: *key_bits,
                    extended_key_usage: &[x509::CLIENT_AUTHENTICATION],
                };
                let made = x509::self_signed(&request, &mut env.random("media certificate"))?;
                let certificate = made.certificate.der().to_vec();
                let bundle = Bundle { private_key: made.private_key, certificate, chain: Vec::new() };
                Self::of_bundle(guid, bundle, true)
            }
            IdentitySource::Pfx { bytes, password } => {
                Self::of_bundle(guid, pfx::read(bytes, password)?, false)
            }
            IdentitySource::Kept(kept) => Ok(kept.copy()),
        }
    }

    /// The same once more, with its key.
    #[must_use]
    pub fn copy(&self) -> Self {
        let Bundle { private_key, certificate, chain } = &self.bundle;
        Self {
            guid: self.guid.clone(),
            certificate: self.certificate.clone(),
            chain: self.chain.clone(),
            is_self_signed: self.is_self_signed,
            bundle: Bundle {
                private_key: private_key.clone(),
                certificate: certificate.clone(),
                chain: chain.clone(),
            },
        }
    }

    /// Takes over what is in the media variables of a medium: its GUID, and its PKCS#12 in hexadecimal.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn of_medium(guid: &str, pfx: &[u8]) -> Result<Self, IdentityError> {
        let guid = MediaGuid::parse(guid)?;
        let bundle = pfx::read(pfx, &pfx_password(&guid))?;
        let mut kept = Self::of_bundle(guid, bundle, false)?;
        kept.is_self_signed = kept.certificate.self_issued;
        Ok(kept)
    }

    /// Reads a file that [`Kept::write`] made, or another program from it.
    ///
    /// # Errors
    /// [`IdentityError`]; [`IdentityError::NoGuid`] for a PKCS#12 file that is no identity.
    pub fn read(bytes: &[u8], password: &SecretString) -> Result<Self, IdentityError> {
        let (bundle, name) = pfx::read_named(bytes, password)?;
        let guid = name.as_deref().map(MediaGuid::parse).transpose().ok().flatten();
        let shown = |name: String| name.chars().take(60).flat_map(char::escape_debug).collect();
        let guid = guid.ok_or_else(|| IdentityError::NoGuid { found: name.map(shown) })?;
        let mut kept = Self::of_bundle(guid, bundle, false)?;
        // Ours are told by their name: an issuer would hardly give it.
        let is_named_so = kept.certificate.subject.common_name.as_deref() == Some(kept.guid.as_str());
        kept.is_self_signed = kept.certificate.self_issued && is_named_so;
        Ok(kept)
    }

    /// The file it is kept in.
    ///
    /// # Errors
    /// [`IdentityError::Pfx`] for a password that the format cannot hold.
    pub fn write(&self, password: &SecretString, env: &Env) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
        self.pfx(password, self.guid.as_str(), &mut env.random("identity file"))
    }

    /// The identity as media carry it.
    ///
    /// # Errors
    /// [`IdentityError::Pfx`] when it cannot be written.
    pub fn for_media(&self, env: &Env) -> Result<Identity, IdentityError> {
        let password = pfx_password(&self.guid);
        let pfx = self.pfx(&password, FRIENDLY_NAME_ON_MEDIA, &mut env.random("media PKCS#12"))?;
        Ok(Identity {
            guid: self.guid.clone(),
            certificate: self.certificate.clone(),
            is_self_signed: self.is_self_signed,
            findings: self.findings(env.now()),
            pfx,
        })
    }

    /// What an administrator should know about the certificate.
    pub fn findings(&self, now: Timestamp) -> Vec<Finding> {
        checks::check(&self.certificate, &self.chain, now)
    }

    fn pfx(
        &self,
        password: &SecretString,
        name: &str,
        random: &mut rand_chacha::ChaCha20Rng,
    ) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
        let attributes = pfx::Attributes { friendly_name: Some(name), key_provider: Some(KEY_PROVIDER) };
        Ok(pfx::write(&self.bundle, password, attributes, random)?)
    }

    fn of_bundle(guid: MediaGuid, bundle: Bundle, is_self_signed: bool) -> Result<Self, IdentityError> {
        let certificate = Certificate::from_der(&bundle.certificate)?;
        if RsaPrivateKey::from_pkcs8_der(&bundle.private_key).is_err() {
            return Err(IdentityError::NotRsa { subject: certificate.subject.text });
        }
        // What else is in the file is passed on as it is, readable or not.
        let chain = bundle.chain.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        Ok(Self { guid, certificate, chain, is_self_signed, bundle })
    }
}
