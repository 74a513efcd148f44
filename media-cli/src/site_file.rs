//! The file that describes the media of a site: `tsmedia site import` writes it, `tsmedia create --site` reads it. It may
//! hold secret values, so nothing of it is shown.

use std::fmt::Write as _;
use std::path::Path;

use media_core::donor::Donor;
use media_core::media::bootstrap_ini::{BootstrapIni, IniEncoding};
use media_core::media::site_form::SiteForm;
use media_core::media::site_variables::{IDENTITY, is_among};
use media_core::media::variables::{self, Variables, XmlForm};
use media_core::sealed::Algorithm;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::input;
use crate::spec_file::SecretText;
use crate::values::{VariablesEncryption, word};

/// A hundred times the largest set of media variables.
const LARGEST: u64 = 8 << 20;
const WHAT: &str = "site file";
/// The only version of the layout there is.
const VERSION: u32 = 1;

/// What is known of a site's media.
pub struct SiteFile {
    /// Variables and `TsmBootstrap.ini`.
    pub form: SiteForm,
    /// How the variables file is written.
    pub variables_file: VariablesFile,
}

/// How the variables file is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VariablesFile {
    /// Its cipher.
    pub encryption: VariablesEncryption,
    /// Bytes after the ciphertext, when they are not those that Windows programs leave.
    pub trailer: Option<u16>,
    /// The XML declaration.
    pub declaration: String,
    /// The root element's version; empty for none.
    pub version: String,
    /// Whether a NUL character ends the text.
    pub nul_terminated: bool,
}

/// A boot file as the site file names it.
pub struct NamedFile {
    /// Path on the medium.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Tables {
    site_file: u32,
    variables_file: VariablesFile,
    bootstrap_ini: Option<IniTable>,
    #[serde(default)]
    variable: Vec<toml::Spanned<VariableTable>>,
    #[serde(default)]
    #[expect(dead_code, reason = "for people to read and compare")]
    boot_file: Vec<BootFileTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariableTable {
    name: String,
    value: Option<SecretText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IniTable {
    encoding: String,
    lines: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for people to read and compare")]
struct BootFileTable {
    path: String,
    bytes: u64,
    sha256: String,
}

/// Reads a site file.
///
/// # Errors
/// [`Error::SiteFile`] with the line, never with what is in it.
pub fn read(path: &Path) -> Result<SiteFile, Error> {
    let bytes = input::read_small(path, WHAT, LARGEST)?;
    let line_at = |offset: usize| bytes.iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
    let text = std::str::from_utf8(&bytes).map_err(|error| Error::NotText {
        what: WHAT,
        path: path.to_owned(),
        line: line_at(error.valid_up_to()),
    })?;
    let wrong =
        |line: Option<usize>, problem: String| Error::SiteFile { path: path.to_owned(), line, problem };
    let tables: Tables = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_at(span.start));
        wrong(line, "it is not what `tsmedia site import` writes".to_owned())
    })?;
    if tables.site_file != VERSION {
        return Err(wrong(
            None,
            format!("it has version {}, and this program knows {VERSION}", tables.site_file),
        ));
    }
    let mut known = Variables::new();
    let mut variables = Vec::new();
    for table in tables.variable {
        let line = Some(line_at(table.span().start));
        let VariableTable { name, value } = table.into_inner();
        if known.get(&name).is_some() {
            return Err(wrong(line, format!("{name} is there twice")));
        }
        let value = value.map(|SecretText(value)| value);
        if value.is_some() && is_among(&name, &IDENTITY) {
            return Err(wrong(
                line,
                format!("{name} is part of a medium's own identity, and not of the site"),
            ));
        }
        let checked = known.set(&name, value.clone().unwrap_or_else(|| SecretString::from("")));
        checked.map_err(|error| wrong(line, error.to_string()))?;
        variables.push((name, value));
    }
    let bootstrap = tables.bootstrap_ini.map(|ini| {
        let encoding = IniEncoding::ALL.into_iter().find(|(_, name)| *name == ini.encoding);
        let (encoding, _) =
            encoding.ok_or_else(|| wrong(None, "TsmBootstrap.ini has an unknown encoding".to_owned()))?;
        BootstrapIni::new(encoding, ini.lines).map_err(|error| wrong(None, error.to_string()))
    });
    let form = SiteForm { variables, bootstrap: bootstrap.transpose()? };
    let xml = tables.variables_file.xml();
    xml.check().map_err(|error| wrong(None, error.to_string()))?;
    Ok(SiteFile { form, variables_file: tables.variables_file })
}

impl VariablesFile {
    fn xml(&self) -> XmlForm {
        let version = Some(self.version.clone()).filter(|version| !version.is_empty());
        XmlForm { declaration: self.declaration.clone(), version, nul_terminated: self.nul_terminated }
    }
}

/// What a donor shows, as the text of a site file.
pub fn write(donor: &Donor, with_secrets: bool, boot_files: &[NamedFile]) -> Zeroizing<String> {
    let form = donor.site_form(with_secrets);
    // Reserved at once: text that grows leaves copies of secrets behind.
    let values = form.variables.iter().map(|(name, value)| {
        name.len() + value.as_ref().map_or(0, |value| value.expose_secret().len() * 6) + 100
    });
    let lines = form.bootstrap.iter().flat_map(|ini| &ini.lines).map(|line| line.len() * 6 + 10);
    let files = boot_files.iter().map(|file| file.path.len() * 6 + 150);
    let capacity = 4096 + values.chain(lines).chain(files).sum::<usize>();
    let mut out = Zeroizing::new(String::with_capacity(capacity));
    // Writing to a text does not fail.
    let _ = tables(&mut out, donor, &form, boot_files);
    out
}

fn tables(out: &mut String, donor: &Donor, form: &SiteForm, boot_files: &[NamedFile]) -> std::fmt::Result {
    writeln!(
        out,
        "# What a medium of the site's own console shows, for `tsmedia create --site`.\n\
         site-file = {VERSION}\n\n\
         [variables-file]\n\
         encryption = \"{}\"",
        word(&match donor.form.algorithm {
            Algorithm::Aes128 => VariablesEncryption::Aes128,
            Algorithm::Aes256 => VariablesEncryption::Aes256,
            Algorithm::TripleDes => VariablesEncryption::TripleDes,
        })
    )?;
    if let Some(trailer) = donor.form.trailer {
        writeln!(out, "trailer = {trailer}")?;
    }
    let xml = &donor.form.xml;
    out.push_str("declaration = ");
    push_quoted(out, &xml.declaration);
    out.push_str("\nversion = ");
    push_quoted(out, xml.version.as_deref().unwrap_or_default());
    writeln!(out, "\nnul-terminated = {}", xml.nul_terminated)?;
    if let Some(ini) = &form.bootstrap {
        let name = IniEncoding::ALL.iter().find(|(encoding, _)| *encoding == ini.encoding);
        writeln!(out, "\n[bootstrap-ini]\nencoding = \"{}\"\nlines = [", name.map_or("", |(_, name)| name))?;
        for line in &ini.lines {
            out.push_str("    ");
            push_quoted(out, line);
            out.push_str(",\n");
        }
        out.push_str("]\n");
    }
    out.push_str("\n# In the order of the medium.\n");
    for (name, value) in &form.variables {
        out.push_str("\n[[variable]]\nname = ");
        push_quoted(out, name);
        match value {
            Some(value) => {
                out.push_str("\nvalue = ");
                push_quoted(out, value.expose_secret());
                out.push('\n');
            }
            None if is_among(name, &IDENTITY) => out.push_str("\n# each medium has its own\n"),
            None if variables::is_public(name) => out.push('\n'),
            None => out.push_str("\n# may be secret: not imported\n"),
        }
    }
    for file in boot_files {
        out.push_str("\n[[boot-file]]\npath = ");
        push_quoted(out, &file.path);
        writeln!(out, "\nbytes = {}\nsha256 = \"{}\"", file.bytes, file.sha256)?;
    }
    Ok(())
}

/// A basic string of TOML, on one line.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\r' => out.push_str("\\r"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Deserialize)]
    struct One {
        a: String,
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let mut written = "a = ".to_owned();
            push_quoted(&mut written, &text);
            prop_assert!(!written.contains('\n'));
            let read: One = toml::from_str(&written).expect("TOML");
            prop_assert_eq!(read.a, text);
        }
    }
}
