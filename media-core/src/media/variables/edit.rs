//! Changes a variables file and keeps everything else of it: the text is cut open only where a variable changes.

use std::ops::Range;

use roxmltree::{Document as Xml, Node, ParsingOptions};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::xml::{self, MOST_NODES};
use super::{Variables, VariablesError, check_name, effective, open};
use crate::sealed::{self, Header};

/// A variables file that was opened for a change.
pub struct Editable {
    original: Vec<u8>,
    header: Header,
    encoding: Encoding,
    text: Zeroizing<String>,
    variables: Variables,
    password: Option<SecretString>,
    is_changed: bool,
}

/// What setting or removing a variable did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Added,
    /// It had another value.
    Replaced,
    /// It is gone.
    Removed,
    /// It was so already.
    None,
}

/// How the text is encoded, with a byte order mark or without.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf16 { mark: bool },
    Utf8 { mark: bool },
}

impl Editable {
    /// Opens a file. One without a password of its own opens whatever password is given.
    ///
    /// # Errors
    /// As [`super::read_file`]; [`VariablesError::Encoding`].
    pub fn open(bytes: &[u8], password: Option<&SecretString>) -> Result<Self, VariablesError> {
        let (password, plain) = match (open::open(bytes, &effective(password)), password) {
            (Err(VariablesError::WrongPassword), Some(_)) => match open::open(bytes, &effective(None)) {
                Err(VariablesError::WrongPassword) => return Err(VariablesError::WrongPassword),
                opened => (None, opened?),
            },
            (opened, password) => (password.cloned(), opened?),
        };
        let (encoding, text) = decode(&plain)?;
        let variables = Variables::from_xml(&plain)?.variables;
        let header = sealed::header(bytes)?;
        let original = bytes.to_vec();
        Ok(Self { original, header, encoding, text, variables, password, is_changed: false })
    }

    /// The variables as they are now.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Whether it has a password of its own.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Sets a variable: the value of one that is there, under whatever case, or else a new one at the end.
    ///
    /// # Errors
    /// [`VariablesError::Name`] or [`VariablesError::Value`].
    pub fn set(&mut self, name: &str, value: &SecretString) -> Result<Change, VariablesError> {
        check_name(name)?;
        xml::check_value(name, value)?;
        let change = match self.variables.get(name) {
            Some(before) if before.expose_secret() == value.expose_secret() => return Ok(Change::None),
            Some(_) => Change::Replaced,
            None => Change::Added,
        };
        let mut content = Zeroizing::new(String::with_capacity(64 + value.expose_secret().len() * 32));
        content.push_str("<![CDATA[");
        xml::push_character_data(&mut content, value.expose_secret());
        content.push_str("]]>");
        self.text = put(&self.text, name, &content)?;
        self.variables.set(name, value.clone())?;
        self.is_changed = true;
        Ok(change)
    }

    /// Leaves a variable out.
    ///
    /// # Errors
    /// [`VariablesError::Xml`], which cannot be: it was read before.
    pub fn unset(&mut self, name: &str) -> Result<Change, VariablesError> {
        if self.variables.get(name).is_none() {
            return Ok(Change::None);
        }
        self.text = without(&self.text, name)?;
        self.variables.remove(name);
        self.is_changed = true;
        Ok(Change::Removed)
    }

    /// Seals it under another password, or under none of its own; returns whether that is another.
    pub fn set_password(&mut self, password: Option<&SecretString>) -> bool {
        let same = effective(self.password.as_ref()).expose_secret() == effective(password).expose_secret();
        self.password = password.cloned();
        self.is_changed |= !same;
        !same
    }

    /// The file: the bytes it had when nothing changed, else sealed with the same cipher.
    ///
    /// # Errors
    /// [`VariablesError::TooLarge`] and [`VariablesError::NotReadBack`].
    pub fn finish(self) -> Result<Vec<u8>, VariablesError> {
        if !self.is_changed {
            return Ok(self.original);
        }
        let plain = encode(self.encoding, &self.text);
        // What cannot be read back is found out before it is on a medium.
        if !Variables::from_xml(&plain)?.variables.equals(&self.variables) {
            return Err(VariablesError::NotReadBack);
        }
        Ok(sealed::seal_like(&plain, &effective(self.password.as_ref()), &self.header)?)
    }
}

fn decode(plain: &[u8]) -> Result<(Encoding, Zeroizing<String>), VariablesError> {
    let utf16 = |bytes: &[u8]| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 3 / 2));
        for unit in char::decode_utf16(pairs.iter().map(|pair| u16::from_le_bytes(*pair))) {
            text.push(unit.ok()?);
        }
        rest.is_empty().then_some(text)
    };
    let utf8 = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(|text| Zeroizing::new(text.to_owned()));
    let (encoding, text) = match plain {
        [0xFF, 0xFE, text @ ..] => (Encoding::Utf16 { mark: true }, utf16(text)),
        [_, 0, ..] => (Encoding::Utf16 { mark: false }, utf16(plain)),
        [0xEF, 0xBB, 0xBF, text @ ..] => (Encoding::Utf8 { mark: true }, utf8(text)),
        text => (Encoding::Utf8 { mark: false }, utf8(text)),
    };
    let name = if matches!(encoding, Encoding::Utf16 { .. }) { "UTF-16LE" } else { "UTF-8" };
    Ok((encoding, text.ok_or(VariablesError::Encoding { encoding: name })?))
}

fn encode(encoding: Encoding, text: &str) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() * 2 + 3));
    match encoding {
        Encoding::Utf16 { mark } => {
            out.extend_from_slice(if mark { &[0xFF, 0xFE] } else { &[] });
            out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        }
        Encoding::Utf8 { mark } => {
            out.extend_from_slice(if mark { &[0xEF, 0xBB, 0xBF] } else { &[] });
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

/// The text with the content of a variable's element replaced, or with a new element behind the last.
fn put(text: &str, name: &str, content: &str) -> Result<Zeroizing<String>, VariablesError> {
    let plain = text.trim_end_matches('\0');
    let xml = parse(plain)?;
    if let Some(element) = elements(&xml).find(|element| is_named(element, name)) {
        let (inner, start) = content_of(plain, &element.range());
        let Some(inner) = inner else {
            // `<var name="x"/>`: the tag is opened.
            let tag = &plain[element.range().start..start];
            let end = end_tag(tag);
            return Ok(spliced(text, start..element.range().end, &[">", content, &end]));
        };
        return Ok(spliced(text, inner, &[content]));
    }
    let last = elements(&xml).last().map(|element| element.range());
    let (at, between) = match &last {
        Some(last) => (last.end..last.end, space_before(plain, last.start)),
        None => {
            let root = xml.root_element().range();
            match content_of(plain, &root) {
                (Some(inner), _) => (inner.end..inner.end, ""),
                (None, start) => {
                    let end = end_tag(&plain[root.start..start]);
                    let parts = [">", "<var name=\"", name, "\">", content, "</var>", &end];
                    return Ok(spliced(text, start..root.end, &parts));
                }
            }
        }
    };
    Ok(spliced(text, at, &[between, "<var name=\"", name, "\">", content, "</var>"]))
}

/// The text without a variable's element and the white space before it.
fn without(text: &str, name: &str) -> Result<Zeroizing<String>, VariablesError> {
    let plain = text.trim_end_matches('\0');
    let xml = parse(plain)?;
    let range = elements(&xml).find(|element| is_named(element, name)).map(|element| element.range());
    let range = range.map_or(0..0, |range| range.start - space_before(plain, range.start).len()..range.end);
    Ok(spliced(text, range, &[]))
}

fn parse(text: &str) -> Result<Xml<'_>, VariablesError> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    Xml::parse_with_options(text, options)
        .map_err(|error| VariablesError::Xml { line: error.pos().row, column: error.pos().col })
}

fn elements<'a>(xml: &'a Xml<'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    xml.root_element().descendants().filter(|node| node.has_tag_name("var"))
}

fn is_named(element: &Node<'_, '_>, name: &str) -> bool {
    element.attribute("name").is_some_and(|other| other.eq_ignore_ascii_case(name))
}

/// What is between an element's tags, and where its start tag ends but for `>` or `/>`; of an empty-element tag nothing
/// is between. A quoted attribute may hold `>`.
fn content_of(text: &str, element: &Range<usize>) -> (Option<Range<usize>>, usize) {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate().take(element.end).skip(element.start) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') if text[..at].ends_with('/') => return (None, at - 1),
            (None, b'>') => {
                let end = text[..element.end].rfind("</").unwrap_or(element.end);
                return (Some(at + 1..end.max(at + 1)), at);
            }
            _ => {}
        }
    }
    (None, element.end)
}

/// The end tag to a start tag, which may have attributes.
fn end_tag(start: &str) -> String {
    let name: String =
        start.chars().skip(1).take_while(|letter| !letter.is_whitespace() && *letter != '/').collect();
    format!("</{name}>")
}

fn space_before(text: &str, at: usize) -> &str {
    let before = &text[..at];
    &before[before.trim_end_matches([' ', '\t', '\r', '\n']).len()..]
}

/// Text with a range replaced, made at its final length: text that grows leaves copies of secrets behind.
fn spliced(text: &str, range: Range<usize>, parts: &[&str]) -> Zeroizing<String> {
    let added: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Zeroizing::new(String::with_capacity(text.len() - range.len() + added));
    out.push_str(&text[..range.start]);
    parts.iter().for_each(|part| out.push_str(part));
    out.push_str(&text[range.end..]);
    out
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
