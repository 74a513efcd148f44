//! The media variables: the list that task sequence media carry, its XML, and the sealed file `variables.dat`.

mod edit;
mod open;
mod xml;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::sealed::{self, Algorithm, SealedError};
use crate::spec::VariablesForm;

pub use edit::{Change, Editable};
pub use xml::XmlForm;

/// Its path on the medium.
pub const PATH: &str = "SMS/data/variables.dat";
/// Seals the variables of media without a password.
pub const PASSWORD_WHEN_NONE: &str = "{BAC6E688-DE21-4ABE-B7FB-C9F54E6DB664}";
/// The longest variable name Configuration Manager takes, in characters.
pub const LONGEST_NAME: usize = 256;

/// An ordered list of variables. Names are compared without regard to case, as the task sequence engine does. Values
/// may be secrets, so nothing shows them.
#[derive(Default)]
pub struct Variables {
    list: Vec<(String, SecretString)>,
}

/// Variables as they were read, with the form they had.
pub struct Document {
    /// The variables.
    pub variables: Variables,
    /// How the XML around them looked.
    pub form: XmlForm,
}

/// Why variables could not be set, written or read. Values never appear in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VariablesError {
    /// A name the task sequence engine does not take.
    #[error("variable name `{name}`: {reason}")]
    Name {
        /// The name, cut short, control characters escaped.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A value has a character that XML 1.0 cannot hold.
    #[error("value of {name}: character {position} is U+{character:04X}, which XML cannot hold")]
    Value {
        /// The variable.
        name: String,
        /// Which character, counted from 1.
        position: usize,
        /// Its code point.
        character: u32,
    },
    /// The XML is larger than any list of media variables.
    #[error("media variables: {len} bytes of XML, more than the {limit} that are read")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The most that is read.
        limit: usize,
    },
    /// The XML is not well-formed.
    #[error("media variables: the XML is not well-formed in line {line}, column {column}")]
    Xml {
        /// The line, counted from 1.
        line: u32,
        /// The column, counted from 1.
        column: u32,
    },
    /// The XML is about something else.
    #[error("media variables: the root element is `{found}`, expected `MediaVarList`")]
    Root {
        /// The root element's name.
        found: String,
    },
    /// A variable element has no name.
    #[error("media variables: a `var` element in line {line} has no attribute `name`")]
    Unnamed {
        /// The line, counted from 1.
        line: u32,
    },
    /// Two variables have the same name.
    #[error("media variables: {name} is there twice")]
    Duplicate {
        /// The name of the second.
        name: String,
    },
    /// The declaration chosen for the XML makes a document nothing can read.
    #[error("with this XML declaration the media variables could not be read back")]
    Declaration,
    /// The root element's version is not what a reader would get.
    #[error("with this version the media variables could not be read back")]
    Version,
    /// What was written does not read back: a defect of this program.
    #[error("internal error: the media variables do not read back as they were written")]
    NotReadBack,
    /// The text is no text in its encoding, so that it could not be kept as it is.
    #[error("media variables: the text is not valid {encoding}")]
    Encoding {
        /// Its encoding.
        encoding: &'static str,
    },
    /// The file is not a sealed one, or its header is damaged.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// Nothing that it decrypts to is text.
    #[error("the password is wrong")]
    WrongPassword,
    /// The password is right, and a part of what it decrypts to is noise.
    #[error(
        "the password is right, but the file is damaged: the encrypted block at offset {offset} was changed"
    )]
    Damaged {
        /// Where the block starts in the file.
        offset: u64,
    },
    /// The header says another length than the text has.
    #[error(
        "the password is right, but the file is damaged: its header says {stated} bytes of text at offset 8, and it \
         has {found}"
    )]
    Length {
        /// What the header says.
        stated: u32,
        /// What the padding says.
        found: u32,
    },
    /// The header names another cipher than the one the file is encrypted with.
    #[error(
        "the password is right, but the file is damaged: its header names {stated} at offset 16, and it is encrypted \
         with {found}"
    )]
    Cipher {
        /// What the header names.
        stated: Algorithm,
        /// What decrypts it.
        found: Algorithm,
    },
}

impl Variables {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable: the value of one that is there already, under whatever case, or else a new one at the end.
    ///
    /// # Errors
    /// [`VariablesError::Name`] or [`VariablesError::Value`].
    pub fn set(&mut self, name: &str, value: SecretString) -> Result<(), VariablesError> {
        check_name(name)?;
        xml::check_value(name, &value)?;
        match self.position(name) {
            Some(position) => self.list[position].1 = value,
            None => self.list.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.position(name).map(|position| &self.list[position].1)
    }

    /// Leaves a variable out, and says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let position = self.position(name);
        position.map(|position| self.list.remove(position)).is_some()
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.list.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many variables there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Sorts by name, by code unit: the order in which the task sequence engine logs the variables of its media.
    pub fn sort(&mut self) {
        self.list.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
    }

    /// The same once more.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { list: self.list.clone() }
    }

    /// Whether they are in the order of [`Variables::sort`].
    pub fn is_sorted(&self) -> bool {
        self.list.is_sorted_by(|(left, _), (right, _)| left.encode_utf16().le(right.encode_utf16()))
    }

    fn equals(&self, other: &Self) -> bool {
        let same =
            |((name, value), (other, expected)): (&(String, SecretString), &(String, SecretString))| {
                name == other && value.expose_secret() == expected.expose_secret()
            };
        self.len() == other.len() && self.list.iter().zip(&other.list).all(same)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|(other, _)| other.eq_ignore_ascii_case(name))
    }
}

/// Whether a variable's value is known not to be secret. Every other one should be masked where variables are shown: who
/// named it may have put anything in it.
pub fn is_public(name: &str) -> bool {
    const PUBLIC: [&str; 24] = [
        "SMSTSMP",
        "SMSTSLocationMPs",
        "SMSTSAssignUsersMode",
        "_SMSMediaGuid",
        "_SMSTSBootMediaPackageID",
        "_SMSTSBootMediaSourceVersion",
        "_SMSTSHTTPPort",
        "_SMSTSHTTPSPort",
        "_SMSTSIISSSLState",
        "_SMSTSLaunchMode",
        "_SMSTSMediaType",
        "_SMSTSPreferredMPEnabled",
        // Keys and certificates of the site without their private halves: every client has them.
        "_SMSTSPublicRootKey",
        "_SMSTSRootCACerts",
        "_SMSTSSiteSigningCertificate",
        // How a client chooses among its certificates.
        "_SMSTSCertSelection",
        "_SMSTSCertStoreName",
        "_SMSTSSiteCode",
        "_SMSTSStandAloneMedia",
        "_SMSTSTimezone",
        "_SMSTSUseFirstCert",
        "_SMSTSx64UnknownMachineGUID",
        "_SMSTSx86UnknownMachineGUID",
        "_SMSTSarm64UnknownMachineGUID",
    ];
    PUBLIC.iter().any(|public| public.eq_ignore_ascii_case(name))
}

/// The file `variables.dat`: the XML, sealed under the password or, when there is none, under the string every task
/// sequence engine knows.
///
/// # Errors
/// [`VariablesError`] when the form makes XML that nothing can read, or the variables take more than is read.
pub fn write_file(
    variables: &Variables,
    password: Option<&SecretString>,
    form: &VariablesForm,
) -> Result<Vec<u8>, VariablesError> {
    form.xml.check()?;
    let plain = variables.to_utf16(&form.xml);
    // A medium whose variables nothing can read is found out before a stick of it is in the mail.
    if !Variables::from_xml(&plain)?.variables.equals(variables) {
        return Err(VariablesError::NotReadBack);
    }
    let (password, algorithm) = (effective(password), form.algorithm);
    Ok(match form.trailer {
        None => sealed::seal(&plain, &password, algorithm)?,
        Some(len) => sealed::seal_with_trailer(&plain, &password, algorithm, len.into())?,
    })
}

/// Reads a file `variables.dat` or a network boot's `.boot.var`.
///
/// # Errors
/// [`VariablesError::WrongPassword`], or what is damaged.
pub fn read_file(bytes: &[u8], password: Option<&SecretString>) -> Result<Document, VariablesError> {
    Variables::from_xml(&open::open(bytes, &effective(password))?)
}

fn effective(password: Option<&SecretString>) -> SecretString {
    password.cloned().unwrap_or_else(|| SecretString::from(PASSWORD_WHEN_NONE))
}

fn check_name(name: &str) -> Result<(), VariablesError> {
    let wrong = |reason| {
        Err(VariablesError::Name {
            name: name.chars().take(40).flat_map(char::escape_debug).collect(),
            reason,
        })
    };
    if name.chars().count() > LONGEST_NAME {
        return wrong("longer than 256 characters");
    }
    match name.chars().next() {
        None => return wrong("empty"),
        Some(first) if !first.is_ascii_alphabetic() && first != '_' => {
            return wrong("does not start with a letter or underscore");
        }
        Some(_) => {}
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return wrong("has something other than letters, digits, underscores and hyphens");
    }
    Ok(())
}

#[cfg(test)]
#[path = "variables_tests.rs"]
mod tests;
