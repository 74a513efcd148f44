//! Property lists in XML (plist(5), and the document type `PropertyList-1.0.dtd`): as much of them as is needed here.

use roxmltree::{Document, Node, ParsingOptions};
use thiserror::Error;

/// Lists within lists. The registry of a Mac with hubs behind hubs has about sixty.
const DEPTH_LIMIT: u32 = 256;
/// The registry of a Mac with many USB devices has some ten thousand.
const NODES_LIMIT: u32 = 1 << 20;

/// A value of a property list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// `dict`
    Dictionary(Vec<(String, Value)>),
    /// `array`
    Array(Vec<Value>),
    /// `string`
    Text(String),
    /// `integer`, which may be any of 64 bits with or without a sign.
    Integer(i128),
    /// `true` and `false`
    Truth(bool),
    /// Dates, data and fractions, of which nothing is needed.
    Other,
}

/// Why a text is no property list.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum PlistError {
    /// It is no XML.
    #[error("no XML: {0}")]
    Xml(roxmltree::Error),
    /// It is XML of another kind.
    #[error("no property list, but <{0}>")]
    Kind(String),
    /// It is nested without end.
    #[error("lists within lists, more than {DEPTH_LIMIT} deep")]
    Depth,
}

/// Reads a property list. No text at all, which `ioreg` prints when it finds nothing, is an empty list.
pub(super) fn parse(text: &str) -> Result<Value, PlistError> {
    if text.trim().is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    // What devices say of themselves is passed on as it is, and XML has no control characters.
    let text = text.replace(|letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'), " ");
    let options = ParsingOptions { allow_dtd: true, nodes_limit: NODES_LIMIT, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options).map_err(PlistError::Xml)?;
    let root = document.root_element();
    if root.tag_name().name() != "plist" {
        return Err(PlistError::Kind(root.tag_name().name().to_owned()));
    }
    root.first_element_child().map_or(Ok(Value::Other), |node| value(node, DEPTH_LIMIT))
}

fn value(node: Node<'_, '_>, depth: u32) -> Result<Value, PlistError> {
    let depth = depth.checked_sub(1).ok_or(PlistError::Depth)?;
    let text = || node.text().unwrap_or_default();
    let elements = node.children().filter(Node::is_element);
    Ok(match node.tag_name().name() {
        "dict" => {
            let (mut entries, mut key) = (Vec::new(), None);
            for element in elements {
                if element.tag_name().name() == "key" {
                    key = Some(element.text().unwrap_or_default().to_owned());
                } else if let Some(key) = key.take() {
                    entries.push((key, value(element, depth)?));
                }
            }
            Value::Dictionary(entries)
        }
        "array" => Value::Array(elements.map(|element| value(element, depth)).collect::<Result<_, _>>()?),
        "string" => Value::Text(text().to_owned()),
        "integer" => text().trim().parse().map_or(Value::Other, Value::Integer),
        "true" => Value::Truth(true),
        "false" => Value::Truth(false),
        _ => Value::Other,
    })
}

impl Value {
    /// What a dictionary has under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Dictionary(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text under a key; what surrounds it is padding, and nothing else is no text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Self::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// The number under a key, where it is one that fits.
    pub(super) fn number<N: TryFrom<i128>>(&self, key: &str) -> Option<N> {
        match self.get(key)? {
            Self::Integer(number) => N::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Whether the value under a key is true or false.
    pub(super) fn truth(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Self::Truth(truth) => Some(*truth),
            _ => None,
        }
    }

    /// What the list under a key has in it; nothing when there is none.
    pub(super) fn list(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::items)
    }

    /// What a list has in it.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plist(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
             \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">{inside}</plist>\n"
        )
    }

    #[test]
    fn values_of_each_kind_are_read() {
        let text = plist(
            "<dict><key>a</key><string> x &amp; y </string><key>b</key><integer>18446744073709551615</integer>\
             <key>c</key><true/><key>d</key><array><false/><real>1.5</real><data>AAEC</data></array><key>e</key><string/></dict>",
        );
        let value = parse(&text).expect("a property list");
        assert_eq!(value.text("a"), Some("x & y"));
        assert_eq!(value.number::<u64>("b"), Some(u64::MAX));
        assert_eq!(value.number::<u32>("b"), None);
        assert_eq!(value.truth("c"), Some(true));
        assert_eq!(value.list("d"), [Value::Truth(false), Value::Other, Value::Other]);
        assert_eq!((value.text("e"), value.text("f"), value.truth("a")), (None, None, None));
        assert_eq!(value.list("a"), []);
    }

    #[test]
    fn what_is_no_property_list_is_an_error() {
        assert!(matches!(parse("Could not find disk: disk9"), Err(PlistError::Xml(_))));
        assert!(matches!(parse("<plist><dict>"), Err(PlistError::Xml(_))));
        assert_eq!(parse("<html/>"), Err(PlistError::Kind("html".to_owned())));
        assert_eq!(parse("<plist/>"), Ok(Value::Other));
        assert_eq!(parse(" \n"), Ok(Value::Array(Vec::new())));
        assert_eq!(
            parse(&plist("<dict><string>no key</string><key>no value</key></dict>")),
            Ok(Value::Dictionary(Vec::new()))
        );
    }

    #[test]
    fn control_characters_and_depth_do_no_harm() {
        assert_eq!(
            parse(&plist("<dict><key>s</key><string>A\u{1}\0B\u{0}</string></dict>"))
                .expect("it is read")
                .text("s"),
            Some("A  B")
        );
        let deep = |count| plist(&format!("{}{}", "<array>".repeat(count), "</array>".repeat(count)));
        assert!(parse(&deep(200)).is_ok());
        assert_eq!(parse(&deep(5000)), Err(PlistError::Depth));
    }
}
