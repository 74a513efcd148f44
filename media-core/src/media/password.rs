//! The media password: how long it would hold against somebody who has found a medium, and making a strong one.
//!
//! The key of the media variables is one SHA-1 away from the password (`docs/formats.md`, "Media variables"), so whoever
//! holds a medium tries passwords as fast as hardware can, without asking anybody. The estimate is a lower bound: words,
//! names, dates, keyboard walks and repetitions are recognised by zxcvbn, and count by how soon they are tried; a word
//! counts for no more than one of a list of 7776, known to zxcvbn or not; only what no word can be counts as random.

use std::fmt;

use rand_core::{CryptoRng, RngCore};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;
use zxcvbn::matching::Match;
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::zxcvbn;

use super::names::{ManagementPoint, PackageId};
use crate::spec::MediaSpec;

/// How many passwords an attacker is assumed to try in a second, on one graphics card: the two hashcat modes for this
/// format (19850 and 19851) take three SHA-1 blocks and one AES block for each.
pub const GUESSES_PER_SECOND: f64 = 1e10;
/// The least number of characters of a strong password.
pub const SHORTEST: usize = 12;
/// How long a strong password holds at least, in seconds: a year, as long as the usual media certificate.
pub const SHORTEST_HOLD: f64 = YEAR;
/// Entropy of a generated password in bits: 20 characters of 25.
pub const GENERATED_BITS: u32 = 92;

const YEAR: f64 = 365.25 * 86_400.0;
/// How long a generated password holds at least, in seconds: a million years.
const GENERATED_HOLD: f64 = 1e6 * YEAR;
/// Words in the usual list to draw passphrases from: five dice.
const WORD_LIST: f64 = 7776.0;
/// Guesses for a year, and for a day in one of them. (zxcvbn's own depend on this computer's clock.)
const YEARS: f64 = 100.0;
const DAYS: f64 = 36_500.0;
/// Words of a language are rarely longer.
const LONGEST_WORD: usize = 12;
/// What zxcvbn looks at; more can only be stronger.
const LONGEST: usize = 100;
/// Letters and digits that are told apart on paper and on the phone, and lie where they do on a US keyboard, the default
/// of Windows PE, on German and French ones too.
const ALPHABET: &[u8; 25] = b"bcdefghjknprstuvx23456789";
const GROUPS: usize = 4;
const GROUP: usize = 5;

/// What is known of a password; the password itself is not among it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strength {
    /// How many characters it has.
    pub characters: usize,
    /// How many guesses find it at least, as a decimal logarithm.
    pub guesses_log10: f64,
    /// Whether all its characters are on a US keyboard, the default of Windows PE.
    pub is_ascii: bool,
}

impl Strength {
    /// Whether it is long enough, and holds long enough.
    pub fn is_strong(&self) -> bool {
        self.characters >= SHORTEST && self.seconds() >= SHORTEST_HOLD
    }

    /// How long it holds at least at [`GUESSES_PER_SECOND`].
    pub fn holds(&self) -> Hold {
        Hold(self.seconds())
    }

    fn seconds(&self) -> f64 {
        10_f64.powf(self.guesses_log10) / GUESSES_PER_SECOND
    }
}

/// Has the word lists at hand: to read them takes longer than to use them, and can be done while something else is.
pub fn prepare() {
    let _ = zxcvbn("a", &[]);
}

/// A length of time in seconds, shown in words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hold(pub f64);

impl fmt::Display for Hold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, f64); 5] =
            [("year", YEAR), ("day", 86_400.0), ("hour", 3600.0), ("minute", 60.0), ("second", 1.0)];
        if self.0 >= YEAR * 1e6 {
            return out.write_str("more than a million years");
        }
        match UNITS.into_iter().find(|(_, unit)| self.0 >= *unit) {
            None => out.write_str("less than a second"),
            Some((name, unit)) => {
                let count = (self.0 / unit).floor();
                write!(out, "about {count} {name}{}", if count < 2.0 { "" } else { "s" })
            }
        }
    }
}

/// Estimates a password. Words in `known` (the site's code, names, hosts) count as the first that are tried. (The crate
/// that recognises words does not wipe its own copies.)
pub fn strength(password: &SecretString, known: &[&str]) -> Strength {
    let password = password.expose_secret();
    let mut words: Vec<&str> = known
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .chain(known.iter().copied())
        .collect();
    words.retain(|word| word.chars().count() > 2);
    let looked_at = Zeroizing::new(password.chars().take(LONGEST).collect::<String>());
    let by_match = Estimate::new(&words).matches(&looked_at);
    let by_piece = Estimate::new(&words).pieces(&looked_at);
    Strength {
        characters: password.chars().count(),
        guesses_log10: by_match.min(by_piece),
        is_ascii: password.is_ascii(),
    }
}

/// Estimates the password of a medium, when it has one. Whoever finds the medium knows what stands on it without its
/// password, and often whose it is.
pub fn strength_of(spec: &MediaSpec) -> Option<Strength> {
    let mut known = vec![spec.site.code.as_str(), spec.options.label.as_str()];
    known.extend(spec.site.management.points().iter().map(ManagementPoint::url));
    known.extend(spec.boot_image.package_id.iter().map(PackageId::as_str));
    known.extend(spec.trusted.iter().map(|trusted| trusted.certificate.subject.text.as_str()));
    spec.password.as_ref().map(|password| strength(password, &known))
}

/// One way to take a password apart, and what each part is worth.
struct Estimate<'a> {
    known: &'a [&'a str],
    /// What was met already: again it is worth little.
    seen: Vec<Zeroizing<String>>,
    log10: f64,
    /// Characters of which no word can be made, and which kinds there are among them.
    random: u32,
    kinds: [bool; 4],
    /// Whether spaces stand between words, however short these are.
    is_phrase: bool,
}

impl<'a> Estimate<'a> {
    fn new(known: &'a [&'a str]) -> Self {
        Self { known, seen: Vec::new(), log10: 0.0, random: 0, kinds: [false; 4], is_phrase: false }
    }

    /// As zxcvbn takes it apart, which finds what crosses kinds of characters: `p@ssw0rd`, `1qaz2wsx`, dates.
    fn matches(mut self, text: &str) -> f64 {
        self.is_phrase = text.contains(' ');
        for found in zxcvbn(text, self.known).sequence() {
            match found.pattern {
                MatchPattern::BruteForce => self.split(&found.token),
                _ => self.add(&found.token, guesses(found)),
            }
        }
        self.finish()
    }

    /// Piece by piece, which finds every word between others: zxcvbn takes long phrases for random.
    fn pieces(mut self, text: &str) -> f64 {
        self.is_phrase = text.contains(' ');
        self.split(text);
        self.finish()
    }

    fn finish(self) -> f64 {
        let sizes = [26.0, 26.0, 10.0, 33.0];
        let pool: f64 = sizes.iter().zip(self.kinds).filter(|(_, there)| *there).map(|(size, _)| size).sum();
        self.log10 + f64::from(self.random) * pool.max(1.0).log10()
    }

    fn split(&mut self, text: &str) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let kind = Kind::of(first);
            let end = rest.find(|c| Kind::of(c) != kind).unwrap_or(rest.len());
            self.piece(&rest[..end], kind);
            rest = &rest[end..];
        }
    }

    /// Characters of one kind.
    fn piece(&mut self, piece: &str, kind: Kind) {
        let is_separator = kind == Kind::Other && self.was_seen(piece);
        match piece.chars().count() {
            // The same between all words.
            _ if is_separator => {}
            _ if piece == " " => self.log10 += 33_f64.log10(),
            ..=2 if !(self.is_phrase && kind == Kind::Letter) => self.random(piece),
            _ if self.was_seen(piece) => self.log10 += 2_f64.log10(),
            _ => {
                for found in zxcvbn(piece, self.known).sequence() {
                    match found.pattern {
                        MatchPattern::BruteForce => self.unknown(&found.token, kind),
                        _ => self.add(&found.token, guesses(found)),
                    }
                }
            }
        }
        self.seen.push(Zeroizing::new(piece.to_lowercase()));
    }

    /// Characters of one kind in which zxcvbn recognises nothing.
    fn unknown(&mut self, token: &str, kind: Kind) {
        let len = token.chars().count();
        match kind {
            Kind::Letter if len > 3 && could_be_words(token) => {
                self.log10 += (len as f64).min(WORD_LIST.log10() * len.div_ceil(LONGEST_WORD) as f64);
            }
            Kind::Digit if len > 2 => self.log10 += len as f64,
            _ => self.random(token),
        }
    }

    fn random(&mut self, text: &str) {
        for character in text.chars() {
            self.random += 1;
            let kind = match Kind::of(character) {
                Kind::Letter if character.is_uppercase() => 1,
                Kind::Letter => 0,
                Kind::Digit => 2,
                Kind::Other => 3,
            };
            self.kinds[kind] = true;
        }
    }

    fn add(&mut self, token: &str, guesses: f64) {
        self.log10 += if self.was_seen(token) { 2.0 } else { guesses.max(1.0) }.log10();
        self.seen.push(Zeroizing::new(token.to_lowercase()));
    }

    fn was_seen(&self, token: &str) -> bool {
        let token = Zeroizing::new(token.to_lowercase());
        self.seen.iter().any(|seen| **seen == *token)
    }
}

fn guesses(found: &Match) -> f64 {
    let guesses = found.guesses.unwrap_or(u64::MAX) as f64;
    match found.pattern {
        MatchPattern::Dictionary(_) => guesses.min(WORD_LIST),
        MatchPattern::Regex(_) => YEARS,
        MatchPattern::Date(_) => DAYS,
        _ => guesses,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Other,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            _ if character.is_alphabetic() => Self::Letter,
            _ if character.is_numeric() => Self::Digit,
            _ => Self::Other,
        }
    }
}

/// Whether letters may be words of a language that zxcvbn does not know: written as words are, with a vowel among every
/// five letters. Of alphabets other than the Latin one that is not known, so they may.
fn could_be_words(token: &str) -> bool {
    let as_written = token.chars().skip(1).all(char::is_lowercase) || token.chars().all(char::is_uppercase);
    let is_vowel = |c: char| "aeiouyäöüåæøœáàâãéèêëíìîïóòôõúùûýÿ".contains(c);
    let longest = token.to_lowercase().split(is_vowel).map(|part| part.chars().count()).max();
    let is_latin = token.chars().all(|c| c < '\u{250}');
    !is_latin || as_written && longest.is_none_or(|longest| longest < 5)
}

/// A strong password: 20 random characters in four groups, to be typed and read out without mistakes.
pub fn generate(random: &mut (impl RngCore + CryptoRng)) -> SecretString {
    loop {
        let mut password = Zeroizing::new(String::with_capacity(GROUPS * (GROUP + 1)));
        for position in 0..GROUPS * GROUP {
            if position > 0 && position % GROUP == 0 {
                // The one key that lies in the same place on every keyboard.
                password.push(' ');
            }
            password.push(draw(random));
        }
        let password = SecretString::from(password.as_str());
        // Chance can make words and dates too: of forty one is found sooner than what is random should be.
        if strength(&password, &[]).seconds() >= GENERATED_HOLD {
            return password;
        }
    }
}

fn draw(random: &mut (impl RngCore + CryptoRng)) -> char {
    const FAIR: u8 = (256 / ALPHABET.len() * ALPHABET.len()) as u8;
    loop {
        let mut byte = [0];
        random.fill_bytes(&mut byte);
        if byte[0] < FAIR {
            return char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]);
        }
    }
}

#[cfg(test)]
#[path = "password_tests.rs"]
mod tests;
