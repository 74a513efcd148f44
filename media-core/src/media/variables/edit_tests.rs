//! Changes keep what they are not about, and damage is told from a wrong password.

use super::*;
use crate::bytes::{to_utf16le, utf16le};
use crate::media::variables::{read_file, write_file};
use crate::sealed::Algorithm;
use crate::spec::VariablesForm;

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// What another program may have written: other quotes, white space, unknown elements and attributes, a comment.
const FOREIGN: &str = "<?xml version='1.0' encoding='utf-16'?>\r\n<MediaVarList Version='5.0' x=\"a>b\">\r\n  \
    <var type='1' name='B'>text &amp; more</var>\r\n  <!-- kept -->\r\n  <var name=\"Empty\" />\r\n  \
    <unknown/><var name=\"a\"><![CDATA[1]]></var>\r\n</MediaVarList>\r\n\0";

/// The text after an edit of a text that was sealed with a trailer of 7 bytes.
fn edited(text: &str, edit: impl FnOnce(&mut Editable)) -> String {
    let file =
        sealed::seal_with_trailer(&to_utf16le(text), &secret("x"), Algorithm::Aes256, 7).expect("short");
    let mut open = Editable::open(&file, Some(&secret("x"))).expect("it opens");
    edit(&mut open);
    let new = open.finish().expect("it can be sealed");
    let header = sealed::header(&new).expect("it is sealed");
    assert_eq!((header.algorithm, header.trailer_len), (Algorithm::Aes256, 7));
    utf16le(&sealed::open(&new, &secret("x")).expect("the same password"))
}

#[test]
fn only_what_is_named_changes() {
    for (name, value, from, to) in [
        (
            "b",
            "2<",
            "<var type='1' name='B'>text &amp; more</var>",
            "<var type='1' name='B'><![CDATA[2<]]></var>",
        ),
        ("EMPTY", "", "", ""),
        ("Empty", "e", "<var name=\"Empty\" />", "<var name=\"Empty\" ><![CDATA[e]]></var>"),
        ("A", "x]]>y", "<![CDATA[1]]>", "<![CDATA[x]]]]><![CDATA[>y]]>"),
        ("New", "n", "[1]]></var>", "[1]]></var><var name=\"New\"><![CDATA[n]]></var>"),
    ] {
        let expected = if from.is_empty() { FOREIGN.to_owned() } else { FOREIGN.replacen(from, to, 1) };
        let new = edited(FOREIGN, |open| _ = open.set(name, &secret(value)).expect("sound"));
        assert_eq!(new, expected, "{name}");
    }
    for (name, from, to) in [
        ("b", "\r\n  <var type='1' name='B'>text &amp; more</var>", ""),
        ("A", "<var name=\"a\"><![CDATA[1]]></var>", ""),
        ("not there", "", ""),
    ] {
        let new = edited(FOREIGN, |open| _ = open.unset(name).expect("sound"));
        assert_eq!(new, FOREIGN.replacen(from, to, 1), "{name}");
    }
}

#[test]
fn lists_without_variables_take_one() {
    let new = "<var name=\"A\"><![CDATA[1]]></var>";
    for (text, expected) in [
        ("<MediaVarList></MediaVarList>", format!("<MediaVarList>{new}</MediaVarList>")),
        ("<MediaVarList V=\"/\" />\0", format!("<MediaVarList V=\"/\" >{new}</MediaVarList>\0")),
        ("<MediaVarList>\n</MediaVarList>", format!("<MediaVarList>\n{new}</MediaVarList>")),
    ] {
        assert_eq!(edited(text, |open| _ = open.set("A", &secret("1")).expect("sound")), expected);
    }
}

#[test]
fn encodings_are_kept() {
    let text = "<MediaVarList><var name=\"A\">ü</var></MediaVarList>";
    let marked = format!("\u{FEFF}{text}");
    for plain in [to_utf16le(&marked), marked.clone().into_bytes(), text.as_bytes().to_vec()] {
        let file = sealed::seal(&plain, &secret("x"), Algorithm::TripleDes).expect("short");
        let mut open = Editable::open(&file, Some(&secret("x"))).expect("it opens");
        assert_eq!(open.set("B", &secret("ß")).expect("sound"), Change::Added);
        assert_eq!(open.unset("B").expect("sound"), Change::Removed);
        let new = open.finish().expect("it can be sealed");
        assert_eq!(new, file, "what was there and back is what it was");
    }
}

/// The file of a medium, long enough to have a middle.
fn file(algorithm: Algorithm, password: Option<&SecretString>) -> Vec<u8> {
    let mut variables = Variables::new();
    for index in 0..20 {
        variables.set(&format!("Variable{index}"), secret(&"value ".repeat(index))).expect("sound");
    }
    let form = VariablesForm { algorithm, xml: super::super::XmlForm::default(), trailer: None };
    write_file(&variables, password, &form).expect("short")
}

#[test]
fn what_is_so_already_changes_no_byte_and_the_trailer_follows_its_rule() {
    let password = secret("x");
    for algorithm in Algorithm::ALL {
        let mut file = file(algorithm, Some(&password));
        // The trailer is what was left in a buffer.
        if let Some(last) = file.last_mut() {
            *last = 0xAB;
        }
        let mut open = Editable::open(&file, Some(&password)).expect("it opens");
        assert_eq!(open.set("variable2", &secret("value value ")).expect("sound"), Change::None);
        assert!(!open.set_password(Some(&password)) && open.has_password());
        assert_eq!(open.finish().expect("it is there"), file);
        let mut open = Editable::open(&file, Some(&password)).expect("it opens");
        open.set("Variable2", &secret("v")).expect("sound");
        let new = open.finish().expect("it can be sealed");
        let header = sealed::header(&new).expect("it is sealed");
        let beyond = if algorithm == Algorithm::TripleDes { 8 } else { 18 };
        assert_eq!(new.len(), HEADER + header.plain_len as usize + beyond);
        assert!(read_file(&new, Some(&password)).is_ok());
    }
}

const HEADER: usize = sealed::HEADER_LEN;

#[test]
fn a_password_can_be_changed_given_and_taken() {
    let (old, new) = (secret("old"), secret("new"));
    let mut bytes = file(Algorithm::Aes128, Some(&old));
    for (password, next) in [(Some(&old), Some(&new)), (Some(&new), None), (None, Some(&old))] {
        let mut open = Editable::open(&bytes, password).expect("it opens");
        assert_eq!(open.has_password(), password.is_some());
        assert!(open.set_password(next));
        bytes = open.finish().expect("it can be sealed");
        assert!(read_file(&bytes, next).is_ok());
        assert_eq!(read_file(&bytes, password).err(), Some(VariablesError::WrongPassword));
    }
    assert_eq!(bytes, file(Algorithm::Aes128, Some(&old)));
    // One without a password opens whatever is given.
    let none = file(Algorithm::Aes128, None);
    assert!(!Editable::open(&none, Some(&old)).expect("it opens").has_password());
}

#[test]
fn damage_is_told_from_a_wrong_password_and_said_where() {
    let password = secret("right");
    for algorithm in Algorithm::ALL {
        let good = file(algorithm, Some(&password));
        let header = sealed::header(&good).expect("it is sealed");
        let block = algorithm.block_len();
        let why = |bytes: &[u8]| Editable::open(bytes, Some(&password)).err().map(|error| error.to_string());
        let flipped = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            bytes
        };
        let damaged = |at: usize| {
            let offset = HEADER as u64 + (at - HEADER) as u64 / block as u64 * block as u64;
            Some(VariablesError::Damaged { offset }.to_string())
        };
        let last = HEADER + header.cipher_len as usize - block;
        assert_eq!(why(&flipped(HEADER)), damaged(HEADER), "{algorithm}: first block");
        assert_eq!(why(&flipped(last + 1)), damaged(last), "{algorithm}: last block");
        // Noise may look like text in a block of a few characters: most of those in the middle are found.
        let middle: Vec<usize> = (HEADER + block..last).step_by(block).collect();
        let found = middle.iter().filter(|at| why(&flipped(**at)) == damaged(**at)).count();
        assert!(found * 3 > middle.len() * 2, "{algorithm}: {found} of {}", middle.len());
        // Whatever is damaged, the password is never called wrong.
        for at in (HEADER..last + block).step_by(5) {
            let said = why(&flipped(at)).unwrap_or_default();
            assert!(!said.contains("password is wrong"), "{algorithm}: {at}: {said}");
        }
        let truncated = why(&good[..last]).unwrap_or_default();
        assert!(truncated.contains("sealed file ciphertext"), "{algorithm}: {truncated}");
        let field = why(&flipped(12)).unwrap_or_default();
        assert!(field.contains("cannot be"), "{algorithm}: {field}");
        let mut length = good.clone();
        let other = if (header.plain_len as usize).is_multiple_of(block) {
            header.plain_len + 1
        } else {
            header.plain_len - 1
        };
        length[8..12].copy_from_slice(&other.to_le_bytes());
        let expected = VariablesError::Length { stated: other, found: header.plain_len };
        assert_eq!(why(&length), Some(expected.to_string()), "{algorithm}");
        for wrong in 0..300 {
            let error = Editable::open(&good, Some(&secret(&wrong.to_string()))).err();
            assert_eq!(error, Some(VariablesError::WrongPassword), "{algorithm}: {wrong}");
        }
        assert_eq!(Editable::open(&good, None).err(), Some(VariablesError::WrongPassword));
    }
    // The identifiers of the two AES differ in bits that damage may turn.
    let mut cipher = file(Algorithm::Aes128, Some(&password));
    cipher[16..18].copy_from_slice(&[0x10, 0x66]);
    let expected = VariablesError::Cipher { stated: Algorithm::Aes256, found: Algorithm::Aes128 };
    assert_eq!(Editable::open(&cipher, Some(&password)).err(), Some(expected));
}

#[test]
fn text_of_any_script_is_no_noise() {
    let password = secret("x");
    for value in [
        "日本語の変数の値です。",
        "한국어 값",
        "Ελληνικά и кириллица العربية",
        "🔑🏢 clé 鍵 ключ",
        "漢字ab漢字cdカナ",
    ] {
        let mut variables = Variables::new();
        for index in 0..16 {
            variables.set(&format!("V{}", "x".repeat(index)), secret(&value.repeat(4))).expect("sound");
        }
        for algorithm in Algorithm::ALL {
            let form = VariablesForm { algorithm, xml: super::super::XmlForm::default(), trailer: None };
            let file = write_file(&variables, Some(&password), &form).expect("short");
            assert!(read_file(&file, Some(&password)).is_ok(), "{value} {algorithm}");
        }
    }
}
