//! `<MediaVarList Version="..."><var name="..."><![CDATA[...]]></var>...</MediaVarList>`, in UTF-16LE without byte order
//! mark.

use std::collections::HashSet;

use roxmltree::{Document as Xml, ParsingOptions};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{Document, Variables, VariablesError};

/// A hundred times the largest media variables seen.
const LIMIT: usize = 4 << 20;
pub(super) const MOST_NODES: u32 = 100_000;

/// How the XML around the variables looks. What Configuration Manager itself writes is known only in part (it starts
/// with `<?xml ve`), so every part can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlForm {
    /// The declaration, with the white space up to the root element. Default `<?xml version="1.0" ?>`, as the same engine writes for the
    /// Microsoft Deployment Toolkit. It names no encoding: parsers that are handed text refuse one they do not expect.
    pub declaration: String,
    /// The root element's `Version`. Default `4.00.5345.0000`, likewise; no reader is known to look at it.
    pub version: Option<String>,
    /// Whether a U+0000 ends the text. Default yes: real sealed texts of the same programs have one.
    pub nul_terminated: bool,
}

impl Default for XmlForm {
    fn default() -> Self {
        Self {
            declaration: r#"<?xml version="1.0" ?>"#.into(),
            version: Some("4.00.5345.0000".into()),
            nul_terminated: true,
        }
    }
}

impl XmlForm {
    /// Whether variables written in this form can be read: any of them, since their own text is escaped.
    ///
    /// # Errors
    /// [`VariablesError::Declaration`] or [`VariablesError::Version`].
    pub fn check(&self) -> Result<(), VariablesError> {
        let none = Variables::new();
        let unversioned = none.to_utf16(&Self { version: None, ..self.clone() });
        if !looks_like_variables(&unversioned) || Variables::from_xml(&unversioned).is_err() {
            return Err(VariablesError::Declaration);
        }
        let read = Variables::from_xml(&none.to_utf16(self)).map_err(|_| VariablesError::Version)?;
        if read.form.version == self.version { Ok(()) } else { Err(VariablesError::Version) }
    }
}

impl Variables {
    /// The XML as text, without terminator.
    pub fn to_xml(&self, form: &XmlForm) -> Zeroizing<String> {
        // Reserved at once: text that grows leaves copies of secrets behind.
        let longest = |(name, value): (&str, &SecretString)| {
            let value = value.expose_secret();
            let split = value.matches(']').count() + value.matches('\r').count();
            100 + name.len() * 6 + value.len() + split * 32
        };
        let capacity = 200 + form.declaration.len() + self.iter().map(longest).sum::<usize>();
        let mut out = Zeroizing::new(String::with_capacity(capacity));
        out.push_str(&form.declaration);
        out.push_str("<MediaVarList");
        if let Some(version) = &form.version {
            out.push_str(" Version=\"");
            push_attribute(&mut out, version);
            out.push('"');
        }
        out.push('>');
        for (name, value) in self.iter() {
            out.push_str("<var name=\"");
            push_attribute(&mut out, name);
            out.push_str("\"><![CDATA[");
            push_character_data(&mut out, value.expose_secret());
            out.push_str("]]></var>");
        }
        out.push_str("</MediaVarList>");
        out
    }

    /// The XML as UTF-16LE, ready to be sealed.
    pub fn to_utf16(&self, form: &XmlForm) -> Zeroizing<Vec<u8>> {
        let text = self.to_xml(form);
        let mut out = Zeroizing::new(Vec::with_capacity(text.len() * 2 + 2));
        let terminator = form.nul_terminated.then_some(0);
        out.extend(text.encode_utf16().chain(terminator).flat_map(u16::to_le_bytes));
        out
    }

    /// Reads the XML: UTF-16LE or UTF-8, with or without byte order mark and terminator, values as character data or
    /// plain text.
    ///
    /// # Errors
    /// [`VariablesError`] with the line that is wrong.
    pub fn from_xml(bytes: &[u8]) -> Result<Document, VariablesError> {
        if bytes.len() > LIMIT {
            return Err(VariablesError::TooLarge { len: bytes.len(), limit: LIMIT });
        }
        let text = decode(bytes);
        let nul_terminated = text.ends_with('\0');
        let text = text.trim_end_matches('\0');
        let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
        let xml = Xml::parse_with_options(text, options).map_err(|error| {
            // The library's message may quote the text, which may be secret.
            VariablesError::Xml { line: error.pos().row, column: error.pos().col }
        })?;
        let root = xml.root_element();
        if root.tag_name().name() != "MediaVarList" {
            return Err(VariablesError::Root { found: root.tag_name().name().chars().take(40).collect() });
        }
        let mut variables = Variables::new();
        let mut names = HashSet::new();
        for element in root.descendants().filter(|node| node.has_tag_name("var")) {
            let line = || xml.text_pos_at(element.range().start).row;
            let name = element.attribute("name").ok_or_else(|| VariablesError::Unnamed { line: line() })?;
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(VariablesError::Duplicate { name: name.to_owned() });
            }
            let parts = || element.children().filter_map(|child| child.text());
            let mut value = String::with_capacity(parts().map(str::len).sum());
            value.extend(parts());
            variables.list.push((name.to_owned(), SecretString::from(value)));
        }
        let declaration = match text.find("?>") {
            Some(end) if text.starts_with("<?xml") => {
                // With the line end that may follow it.
                let after = &text[end + 2..];
                text[..end + 2 + after.len() - after.trim_start().len()].to_owned()
            }
            _ => String::new(),
        };
        let version = root.attribute("Version").map(str::to_owned);
        Ok(Document { variables, form: XmlForm { declaration, version, nul_terminated } })
    }
}

/// Whether decrypted bytes start as XML in one of the encodings that [`Variables::from_xml`] reads. Those of real media
/// are UTF-16 without a mark; of UTF-8 more is asked, because noise starts with one right byte too often.
pub(super) fn looks_like_variables(plain: &[u8]) -> bool {
    const STARTS: [&[u8]; 5] = [b"<\0", b"\xFF\xFE<\0", b"\xEF\xBB\xBF<", b"<?xml", b"<MediaVarList"];
    STARTS.iter().any(|start| plain.starts_with(start))
}

fn decode(bytes: &[u8]) -> Zeroizing<String> {
    let utf16 = |bytes: &[u8]| {
        let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 3 / 2));
        let units = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
        text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
        text
    };
    match bytes {
        [0xFF, 0xFE, text @ ..] => utf16(text),
        [_, 0, ..] => utf16(bytes),
        [0xEF, 0xBB, 0xBF, text @ ..] | text => Zeroizing::new(String::from_utf8_lossy(text).into_owned()),
    }
}

/// XML 1.0 section 2.2, `Char`.
pub(super) fn check_value(name: &str, value: &SecretString) -> Result<(), VariablesError> {
    let holds = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    match value.expose_secret().chars().zip(1..).find(|(character, _)| !holds(*character)) {
        None => Ok(()),
        Some((character, position)) => {
            Err(VariablesError::Value { name: name.to_owned(), position, character: character.into() })
        }
    }
}

fn push_attribute(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
}

/// Character data cannot hold its own end, nor a carriage return that survives parsing (XML 1.0 sections 2.7 and 2.11):
/// it is ended and begun again around them.
pub(super) fn push_character_data(out: &mut String, text: &str) {
    let mut ending = 0;
    for character in text.chars() {
        match character {
            '>' if ending >= 2 => out.push_str("]]><![CDATA[>"),
            '\r' => out.push_str("]]>&#13;<![CDATA["),
            other => out.push(other),
        }
        ending = if character == ']' { ending + 1 } else { 0 };
    }
}
