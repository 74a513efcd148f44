use super::*;
use crate::env::Env;
use crate::time::Timestamp;

const KNOWN: [&str; 4] = [
    "PS1",
    "https://cmg.fabrikam.com/CCM_Proxy_MutualAuth/1",
    "Contoso remote rebuild",
    "CN=Tailspin Root CA",
];

fn of(password: &str) -> Strength {
    strength(&SecretString::from(password), &KNOWN)
}

#[test]
fn weak_passwords_are_told_from_strong_ones() {
    for weak in [
        "",
        "x",
        "Password1",
        "Contoso2026!",
        "Sommer2026!Sommer",
        "Sommerferien2026!",
        "Winter2026!Bergbahn",
        "Fabrikam.Tailspin.2026",
        "correct horse battery staple",
        "the cat and dog is on the way",
        "tangle mosaic hatchet provost",
        "Tangle-Mosaic-Hatchet-Provost",
        "Kabel Zebra Tulpe Wand",
        "qwertzuiop1234567890",
        "1qaz2wsx3edc4rfv",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabcabcabcabc",
        "P@ssw0rd!P@ssw0rd!P@ssw0rd!",
        "31.12.1999-01.01.2000",
        "4711081547110815",
        "xK7$mQ2!vZ9",
    ] {
        assert!(!of(weak).is_strong(), "{weak}: {:?}, {}", of(weak), of(weak).holds());
    }
    for strong in [
        "xK7$mQ2!vZ9pL#",
        "tangle mosaic hatchet provost gravel",
        "Tangle-Mosaic-Hatchet-Provost-Gravel",
        "Kabel Zebra Tulpe Wand Ofenrohr",
        "wqxzkvbnrtpslmdfghjk",
        "Zürich ist 3 schöne Städte wert",
        "7f3a9c1e5b8d2460a1c3",
    ] {
        assert!(of(strong).is_strong(), "{strong}: {:?}, {}", of(strong), of(strong).holds());
    }
}

#[test]
fn what_the_site_is_called_is_tried_first() {
    let word = |known: &[&str]| strength(&"Xanthippolis-Quork".into(), known).guesses_log10;
    assert!(
        word(&["CN=Xanthippolis Quork Root"]) < word(&[]) - 3.0,
        "{} {}",
        word(&["Xanthippolis"]),
        word(&[])
    );
}

#[test]
fn random_characters_are_not_underestimated() {
    const PRINTABLE: std::ops::Range<u8> = 33..127;
    let mut random = Env::new(Timestamp::from_unix(0), [5; 32]).random("passwords");
    let mut weak = 0;
    for _ in 0..500 {
        let password: String =
            (0..14).map(|_| char::from(PRINTABLE.start + (random.next_u32() % 94) as u8)).collect();
        let found = of(&password);
        assert!(found.guesses_log10 <= 14.0 * 95_f64.log10(), "{password}: no lower bound");
        weak += usize::from(!found.is_strong());
    }
    assert!(weak <= 5, "{weak} of 500 are held to be weak");
}

#[test]
fn generated_passwords_are_strong_and_differ() {
    let mut random = Env::new(Timestamp::from_unix(0), [5; 32]).random("passwords");
    let made: Vec<String> = (0..100).map(|_| generate(&mut random).expose_secret().to_owned()).collect();
    for password in &made {
        assert!(of(password).is_strong(), "{password}");
        let groups: Vec<&str> = password.split(' ').collect();
        assert!(groups.len() == 4 && groups.iter().all(|group| group.len() == 5), "{password}");
        assert!(password.bytes().all(|byte| byte == b' ' || ALPHABET.contains(&byte)), "{password}");
    }
    for letter in ALPHABET {
        assert!(
            made.iter().any(|password| password.contains(char::from(*letter))),
            "{}",
            char::from(*letter)
        );
    }
    assert!((1..made.len()).all(|index| !made[..index].contains(&made[index])));
    assert_eq!(GENERATED_BITS, (20.0 * 25_f64.log2()).floor() as u32);
}

#[test]
fn times_in_words() {
    for (seconds, words) in [
        (0.0, "less than a second"),
        (1.0, "about 1 second"),
        (119.0, "about 1 minute"),
        (7200.0, "about 2 hours"),
        (86_400.0 * 364.0, "about 364 days"),
        (YEAR, "about 1 year"),
        (YEAR * 999_999.0, "about 999999 years"),
        (f64::INFINITY, "more than a million years"),
    ] {
        assert_eq!(Hold(seconds).to_string(), words);
    }
}

#[test]
fn the_longest_passwords_are_looked_at_quickly() {
    for text in ["a", "p@ssw0rd", "4", "é!", "\u{1F600}", "Ab1$ "] {
        let found = of(&text.repeat(5_000));
        assert_eq!(found.characters, text.chars().count() * 5_000);
        assert!(found.guesses_log10.is_finite());
    }
}

proptest::proptest! {
    #[test]
    fn no_password_is_a_panic(password in "\\PC{0,40}") {
        assert!(of(&password).guesses_log10 >= 0.0);
    }
}
