use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::bytes::{to_utf16le, utf16le};
use crate::sealed::Algorithm;

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn variables(list: &[(&str, &str)]) -> Variables {
    let mut variables = Variables::new();
    for (name, value) in list {
        variables.set(name, secret(value)).expect("sound");
    }
    variables
}

fn plain(variables: &Variables) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| (name.into(), value.expose_secret().into())).collect()
}

fn error<T>(result: Result<T, VariablesError>) -> VariablesError {
    result.err().expect("refused")
}

#[test]
fn the_xml_has_the_shape_the_engine_writes() {
    let variables = variables(&[("SMSTSMP", "https://mp.contoso.com"), ("_SMSTSSiteCode", "PS1")]);
    assert_eq!(
        variables.to_xml(&XmlForm::default()).as_str(),
        "<?xml version=\"1.0\" ?><MediaVarList Version=\"4.00.5345.0000\">\
         <var name=\"SMSTSMP\"><![CDATA[https://mp.contoso.com]]></var>\
         <var name=\"_SMSTSSiteCode\"><![CDATA[PS1]]></var></MediaVarList>"
    );
    let bytes = variables.to_utf16(&XmlForm::default());
    assert!(utf16le(&bytes).starts_with("<?xml ve"), "the eight characters every real file starts with");
    assert!(bytes.ends_with(&[b'>', 0, 0, 0]), "ends with a terminator");
    let bare = XmlForm { declaration: String::new(), version: None, nul_terminated: false };
    assert_eq!(Variables::new().to_xml(&bare).as_str(), "<MediaVarList></MediaVarList>");
    assert!(Variables::new().to_utf16(&bare).ends_with(&[b'>', 0]));
}

#[test]
fn values_that_character_data_cannot_hold_come_back() {
    for value in ["]]>", "]]]>", "a]]>b]]>", "]]", "x\r\ny\r", "\t<&\">'", "", " spaces ", "Zürich 🔑"] {
        let written = variables(&[("X", value)]);
        let read = Variables::from_xml(&written.to_utf16(&XmlForm::default())).expect("ours");
        assert_eq!(plain(&read.variables), plain(&written), "{value:?}");
        assert_eq!(read.form, XmlForm::default());
    }
}

#[test]
fn names_and_values_that_cannot_be_are_refused() {
    let mut variables = Variables::new();
    for name in ["", "1x", "-x", "a b", "a=b", "ä", "a\"b", &"x".repeat(257)] {
        assert!(matches!(variables.set(name, secret("x")), Err(VariablesError::Name { .. })), "{name:?}");
    }
    assert!(variables.set(&"x".repeat(256), secret("x")).is_ok());
    for (value, position, character) in [
        ("a\0", 2, 0),
        ("\u{1b}", 1, 0x1B),
        ("ab\u{FFFE}", 3, 0xFFFE),
        ("\u{FFFF}", 1, 0xFFFF),
        ("a\u{8}", 2, 8),
    ] {
        let expected = VariablesError::Value { name: "X".into(), position, character };
        assert_eq!(error(variables.set("X", secret(value))), expected);
    }
}

#[test]
fn names_are_one_without_regard_to_case_and_keep_their_place() {
    let mut list = variables(&[("_b", "1"), ("A", "2")]);
    list.set("_B", secret("3")).expect("sound");
    assert_eq!(plain(&list), [("_b".into(), "3".into()), ("A".into(), "2".into())]);
    assert_eq!(list.get("a").map(|value| value.expose_secret()), Some("2"));
    assert!(list.get("c").is_none());
    assert_eq!((list.len(), list.is_empty()), (2, false));
    list.sort();
    assert_eq!(plain(&list)[0].0, "A", "upper case, underscore, lower case: as code units");
}

#[test]
fn only_values_that_are_known_to_be_public_are_shown() {
    for name in ["SMSTSMP", "_SMSMediaGuid", "_SMSTSSiteCode"] {
        assert!(is_public(name) && is_public(&name.to_lowercase()), "{name}");
    }
    for name in ["_SMSTSMediaPFX", "OSDJoinPassword", "_SMSTSReserved1-000", "MyApiToken", "OSDComputerName"]
    {
        assert!(!is_public(name), "{name}");
    }
}

#[test]
fn a_form_that_nothing_could_read_is_refused_by_its_part() {
    let form = |declaration: &str, version: &str| XmlForm {
        declaration: declaration.to_owned(),
        version: Some(version.to_owned()).filter(|version| !version.is_empty()),
        nul_terminated: true,
    };
    for declaration in
        ["", "<?xml version=\"1.0\"?>\r\n", "<!-- Contoso -->", "<?xml version='1.0' encoding='utf-16'?>"]
    {
        assert_eq!(form(declaration, "5.0 \"<&'>").check(), Ok(()), "{declaration}");
    }
    for declaration in
        ["<bad", "text", " <?xml version=\"1.0\"?>", "\n", "<MediaVarList/>", "<?xml?>\u{1}", "\0"]
    {
        assert_eq!(form(declaration, "").check(), Err(VariablesError::Declaration), "{declaration}");
        let whole = VariablesForm { xml: form(declaration, ""), ..usual(Algorithm::Aes128) };
        assert_eq!(write_file(&Variables::new(), None, &whole), Err(VariablesError::Declaration));
    }
    for version in ["5\u{1}", "5\0", "5\n", "5\t0", "\u{FFFF}"] {
        assert_eq!(form("", version).check(), Err(VariablesError::Version), "{version:?}");
    }
}

fn usual(algorithm: Algorithm) -> VariablesForm {
    VariablesForm { algorithm, xml: XmlForm::default(), trailer: None }
}

#[test]
fn files_in_another_encoding_are_opened() {
    let text = "<?xml version=\"1.0\"?><MediaVarList><var name=\"A\">1</var></MediaVarList>";
    for plain in [
        to_utf16le(&format!("\u{FEFF}{text}")),
        format!("\u{FEFF}{text}").into_bytes(),
        text.as_bytes().to_vec(),
        text.split_once("?>").expect("a declaration").1.as_bytes().to_vec(),
    ] {
        let file = sealed::seal(&plain, &secret("x"), Algorithm::Aes128).expect("short");
        let read = read_file(&file, Some(&secret("x"))).expect("it is XML").variables;
        assert_eq!(self::plain(&read), [("A".to_owned(), "1".to_owned())]);
    }
}

#[test]
fn what_other_writers_make_is_read() {
    let expected =
        [("SMSTSMP".to_owned(), "http://a*http://b".to_owned()), ("X".to_owned(), "a<b".to_owned())];
    let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n<MediaVarList Version=\"5.0\">\r\n\
        <var name=\"SMSTSMP\">http://a*http://b</var>\r\n<var name=\"X\">a<![CDATA[<]]>b</var></MediaVarList>";
    for (form, bytes) in [
        ("UTF-16", to_utf16le(text)),
        ("UTF-16 with mark and terminators", to_utf16le(&format!("\u{FEFF}{text}\0\0"))),
        ("UTF-8", text.as_bytes().to_vec()),
    ] {
        let read = Variables::from_xml(&bytes).expect(form);
        assert_eq!(plain(&read.variables), expected, "{form}");
        assert_eq!(read.form.version.as_deref(), Some("5.0"));
        assert_eq!(read.form.declaration, "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n");
        assert_eq!(read.form.nul_terminated, form.contains("terminators"));
    }
}

#[test]
fn xml_that_is_something_else_is_refused_without_quoting_it() {
    for (text, expected) in [
        (
            "<MediaVarList>\n<var name=\"x\">s3cret</vat></MediaVarList>",
            "the XML is not well-formed in line 2, column 21",
        ),
        ("<Other s3cret=\"\"/>", "the root element is `Other`, expected `MediaVarList`"),
        (
            "<MediaVarList>\n<var>s3cret</var></MediaVarList>",
            "a `var` element in line 2 has no attribute `name`",
        ),
        ("<MediaVarList><var name=\"x\"/><var name=\"X\"/></MediaVarList>", "X is there twice"),
        (
            "<!DOCTYPE x [<!ENTITY a \"s3cret\">]><MediaVarList/>",
            "the XML is not well-formed in line 1, column 1",
        ),
        ("", "the XML is not well-formed in line 1, column 1"),
    ] {
        let said = error(Variables::from_xml(text.as_bytes())).to_string();
        assert_eq!(said, format!("media variables: {expected}"));
    }
    let long = vec![b' '; (4 << 20) + 1];
    assert!(matches!(error(Variables::from_xml(&long)), VariablesError::TooLarge { .. }));
    let deep = "<a>".repeat(500_000);
    assert!(matches!(error(Variables::from_xml(deep.as_bytes())), VariablesError::Xml { .. }));
    let wide = format!("<MediaVarList>{}</MediaVarList>", "<a/>".repeat(200_000));
    assert!(matches!(error(Variables::from_xml(wide.as_bytes())), VariablesError::Xml { .. }));
}

#[test]
fn files_open_with_their_password_and_no_other() {
    let written = variables(&[("_SMSMediaGuid", "{8B9E032D-A106-4E2E-A792-7A58332B96E5}")]);
    let password = secret("Pässword 1");
    for algorithm in [Algorithm::Aes128, Algorithm::Aes256, Algorithm::TripleDes] {
        let file = write_file(&written, Some(&password), &usual(algorithm)).expect("short");
        assert_eq!(plain(&read_file(&file, Some(&password)).expect("opens").variables), plain(&written));
        let wrong = VariablesError::WrongPassword;
        assert_eq!(error(read_file(&file, None)), wrong);
        // Some of these leave padding that looks right; none is taken for XML.
        for other in 0..600 {
            assert_eq!(error(read_file(&file, Some(&secret(&other.to_string())))), wrong);
        }
    }
    let file = write_file(&written, None, &usual(Algorithm::Aes128)).expect("short");
    assert_eq!(plain(&read_file(&file, None).expect("opens").variables), plain(&written));
    let named = secret("{BAC6E688-DE21-4ABE-B7FB-C9F54E6DB664}");
    assert!(read_file(&file, Some(&named)).is_ok(), "the string every engine knows");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        list in proptest::collection::btree_map("[A-Z_][A-Z0-9_-]{0,20}", "[\\t\\n\\r -\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]{0,40}|[\\]>\r\n<&]{0,12}", 0..10),
        nul_terminated in any::<bool>(),
    ) {
        let list: Vec<(&str, &str)> = list.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let written = variables(&list);
        let form = XmlForm { nul_terminated, ..XmlForm::default() };
        let text = written.to_xml(&form);
        let reserved = text.capacity();
        let read = Variables::from_xml(&written.to_utf16(&form)).expect("ours");
        prop_assert_eq!(plain(&read.variables), plain(&written));
        prop_assert_eq!(read.form, form);
        prop_assert_eq!(&*read.variables.to_xml(&XmlForm { nul_terminated, ..XmlForm::default() }), &*text);
        prop_assert!(reserved >= text.len());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Variables::from_xml(&bytes);
        let _ = read_file(&bytes, None);
    }

    #[test]
    fn no_markup_makes_it_panic(text in "(<|>|/|var|name|=|\"|MediaVarList|!\\[CDATA\\[|\\]\\]|&#13;|&|;|\\?|xml| ){0,40}") {
        let _ = Variables::from_xml(text.as_bytes());
        let _ = Variables::from_xml(&to_utf16le(&text));
    }
}
