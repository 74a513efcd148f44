//! The letters that go with media: what they say, and what they look like on paper, by the eyes of a browser.

use std::path::Path;

use media_cli::settings::{
    LONGEST_CONTACT_LINE, LONGEST_DELIVERY, LONGEST_ORGANISATION, LetterChoice, MOST_CONTACT_LINES,
};
use media_cli::workers::Worker;
use media_cli::workers::file::{LONGEST_EMAIL, LONGEST_NAME, LONGEST_SERIAL};
use media_cli::workers::letter::{LetterFacts, Letters, MediumFacts, MediumKind};
use media_core::time::Timestamp;
use media_tests::referee;
use tempfile::TempDir;

use crate::support::{Sandbox, snapshot};

const SPEC: &str = r#"
[letter]
organisation = "Contoso Ltd"
contact = """
IT service desk, weekdays 8 to 18
+1 555 0100
"""
password-delivery = "by telephone, when you call the service desk."
"#;

#[test]
fn the_letter_is_as_it_was_read_last() {
    let sandbox = Sandbox::new();
    sandbox.write("media.toml", SPEC);
    for (name, form) in [("letter-text", "--text"), ("letter-html", "--html")] {
        let outcome = sandbox.run(&["letter", "--spec", "media.toml", form]);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{name}");
        snapshot!(name, outcome.stdout);
    }
    let bare = sandbox.run(&["letter"]);
    assert_eq!(bare.code, 0, "{}", bare.stderr);
    snapshot!("letter-text-bare", bare.stdout);
}

#[test]
fn the_letter_needs_nothing_but_itself() {
    let letter = Sandbox::new().run(&["letter", "--html"]).stdout;
    for elsewhere in ["http", "src=", "href=", "url(", "@import", "<script"] {
        assert!(!letter.contains(elsewhere), "{elsewhere}");
    }
    assert!(letter.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{letter}");
}

#[test]
fn options_win_over_the_spec_file_and_templates_lie_beside_it() {
    let sandbox = Sandbox::new();
    let more = "letter-html = \"own.html\"\nletter-text = \"own.txt\"\n";
    sandbox.write("folder/media.toml", format!("{SPEC}{more}"));
    sandbox.write("folder/own.html", "<p>{{ organisation }}|{{ contact|join(\", \") }}</p>");
    sandbox.write("folder/own.txt", "{{ password_delivery }}\n");
    sandbox.write("other.txt", "other {{ name }}\n");
    for (arguments, letter) in [
        ("", "by telephone, when you call the service desk\n"),
        ("--text --password-delivery a<b", "a<b\n"),
        ("--text --letter-text other.txt", "other Anna Example\n"),
        ("--html", "<p>Contoso Ltd|IT service desk, weekdays 8 to 18, +1 555 0100</p>"),
        ("--html --organisation A<B --contact C", "<p>A&lt;B|C</p>"),
    ] {
        let mut typed = vec!["letter", "--spec", "folder/media.toml"];
        typed.extend(arguments.split_whitespace());
        let outcome = sandbox.run(&typed);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (0, letter), "{arguments}: {}", outcome.stderr);
    }
}

/// Facts of which each is so many hundredths of what it may be, in capital letters, which are wide.
fn wide(hundredths: usize) -> LetterFacts {
    let len = |most: usize| (most * hundredths / 100).max(1);
    let words = |most: usize| "MUSTERMANN WALDE ".repeat(20)[..len(most)].trim_end().to_owned();
    let choice = LetterChoice {
        organisation: Some(words(LONGEST_ORGANISATION)),
        contact: (0..MOST_CONTACT_LINES).map(|_| words(LONGEST_CONTACT_LINE)).collect(),
        password_delivery: words(LONGEST_DELIVERY),
        ..LetterChoice::default()
    };
    let worker = Worker {
        name: words(LONGEST_NAME),
        serial: "W".repeat(len(LONGEST_SERIAL)),
        email: Some(format!("{}@contoso.com", "m".repeat(len(LONGEST_EMAIL - 12)))),
        computer_name: Some("WWWWWWWWWWWWWWW".to_owned()),
        ..worker()
    };
    LetterFacts::new(&choice, &worker, MediumFacts { label: Some("M".repeat(len(32))), ..medium() })
}

/// Facts as they are where names are long.
fn long() -> LetterFacts {
    let line = |line: usize| format!("{line} Informationstechnik, Dienststelle München");
    let choice = LetterChoice {
        organisation: Some("Bundesanstalt für Verwaltungsdienstleistungen".to_owned()),
        contact: (0..MOST_CONTACT_LINES).map(line).collect(),
        password_delivery: "by telephone, when you call the service desk and say who you are".to_owned(),
        ..LetterChoice::default()
    };
    let worker = Worker {
        name: "Prof. Dr. Maximiliane-Wilhelmine Freifrau von Hohenstein-Wartburg".to_owned(),
        email: Some("maximiliane-wilhelmine.von-hohenstein-wartburg@verwaltungsdienst.example".to_owned()),
        computer_name: Some("DESKTOP-1234567".to_owned()),
        serial: "BAV-2026-11-000042".to_owned(),
        ..worker()
    };
    let label = Some("Notfall-Stick Wiederherstellung".to_owned());
    LetterFacts::new(&choice, &worker, MediumFacts { label, ..medium() })
}

fn worker() -> Worker {
    Worker {
        line: 2,
        name: "Zoë O’Neil-Žáková".to_owned(),
        serial: "K-7".to_owned(),
        email: None,
        computer_name: None,
        label: None,
        management_point: None,
        variables: Vec::new(),
        password: None,
        extra: Vec::new(),
    }
}

fn medium() -> MediumFacts {
    MediumFacts {
        kind: MediumKind::Stick,
        label: None,
        site_code: "PS1".to_owned(),
        has_password: true,
        valid_from: Timestamp::parse("2026-11-25"),
        valid_until: Timestamp::parse("2027-09-30T23:59:59Z"),
    }
}

#[test]
fn the_letter_is_one_page_of_paper_with_every_fact_on_it() {
    let usual = LetterChoice {
        organisation: Some("Contoso Ltd".to_owned()),
        contact: vec!["IT service desk".to_owned(), "+1 555 0100".to_owned()],
        ..LetterChoice::default()
    };
    let bare = MediumFacts { kind: MediumKind::Disc, has_password: false, ..medium() };
    let bare = LetterFacts::new(&LetterChoice::default(), &worker(), bare);
    let letters = Letters::read(&LetterChoice::default()).expect("the templates are good");
    for (name, facts) in [
        ("usual", LetterFacts::example(&usual)),
        ("bare", bare),
        ("long", long()),
        // Just below what makes the letter smaller, twice, and the most there can be.
        ("wide-12", wide(12)),
        ("wide-58", wide(58)),
        ("wide-100", wide(100)),
    ] {
        let html = letters.html(&facts).expect("it is a letter");
        for paper in [A4, LETTER] {
            print(name, &html, paper, &wanted(&facts));
        }
    }
}

#[test]
fn the_text_is_no_wider_than_it_should_be() {
    let widest = wide(100);
    let letters = Letters::read(&LetterChoice::default()).expect("the templates are good");
    let text = letters.text(&widest).expect("it is a letter");
    // An address or a serial number is not broken: it would be another one.
    let is_one_word = |line: &str| line.split_whitespace().count() == 2 && line.starts_with("  ");
    let wide: Vec<&str> =
        text.lines().filter(|line| line.chars().count() > 72 && !is_one_word(line)).collect();
    assert!(wide.is_empty(), "{wide:?}");
    let text = without_spaces(&text);
    for fact in wanted(&widest) {
        assert!(text.contains(&without_spaces(&fact)), "{fact}");
    }
}

/// What has to be found on the paper.
fn wanted(facts: &LetterFacts) -> Vec<String> {
    let mut wanted = vec![facts.name.clone(), facts.serial.clone(), facts.site_code.clone()];
    wanted.extend(facts.contact.iter().cloned());
    wanted.extend(
        [&facts.organisation, &facts.email, &facts.computer_name, &facts.label]
            .into_iter()
            .flatten()
            .cloned(),
    );
    wanted.extend([&facts.valid_from_words, &facts.valid_until_words].into_iter().flatten().cloned());
    if facts.has_password {
        wanted.push(format!("reaches you {}.", facts.password_delivery));
    }
    let usual =
        ["Wi-Fi will not do", "Task Sequence Wizard", "F12", "Volume Down", "erase everything", "Afterwards"];
    wanted.extend(usual.map(str::to_owned));
    wanted
}

/// Lines end where there is room, words too; and headings of the text are in capitals.
fn without_spaces(text: &str) -> String {
    text.to_lowercase().chars().filter(|character| !character.is_whitespace()).collect()
}

/// A paper: its name in CSS, and its size as `pdfinfo` says it.
type Paper = (&'static str, &'static str);
const A4: Paper = ("A4", "(A4)");
const LETTER: Paper = ("letter", "(letter)");

/// Resolution of the image, in dots an inch.
const DOTS: usize = 72;
/// What printers cannot reach, in millimetres, with some to spare.
const MARGIN: usize = 8;

fn print(name: &str, html: &str, (paper, size): Paper, wanted: &[String]) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let on_paper = html.replace("</head>", &format!("<style>@page {{ size: {paper} }}</style></head>"));
    assert_ne!(on_paper, html);
    std::fs::write(path("letter.html"), on_paper).expect("it is written");
    let printed = referee::run(
        "chromium",
        [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-pdf-header-footer",
            &format!("--user-data-dir={}", path("profile")),
            &format!("--print-to-pdf={}", path("letter.pdf")),
            &format!("file://{}", path("letter.html")),
        ],
    );
    if printed.map(referee::Verdict::success).is_none() {
        return;
    }
    let Some(facts) = referee::run("pdfinfo", [path("letter.pdf")]) else { return };
    let facts = facts.success().says(size).text();
    let pages = facts.lines().find_map(|line| line.strip_prefix("Pages:")).map(str::trim);
    assert_eq!(pages, Some("1"), "{name} on {paper}: {facts}");

    let Some(text) = referee::run("pdftotext", ["-raw", &path("letter.pdf"), "-"]) else { return };
    let text = without_spaces(&text.success().text());
    for fact in wanted {
        assert!(text.contains(&without_spaces(fact)), "{name} on {paper}: {fact}\n{text}");
    }

    let dots = DOTS.to_string();
    let arguments = ["-r", &dots, "-gray", "-singlefile", &path("letter.pdf"), &path("letter")];
    let Some(drawn) = referee::run("pdftoppm", arguments) else { return };
    let _ = drawn.success();
    check_image(&format!("{name} on {paper}"), &folder.path().join("letter.pgm"));
}

/// Looks at the paper: there is ink, as much as a written page has, from top to bottom, and none that a printer would cut off.
fn check_image(name: &str, path: &Path) {
    let image = std::fs::read(path).expect("the page was drawn");
    let (width, height, pixels) = grey(&image);
    let ink: Vec<(usize, usize)> =
        (0..width * height).filter(|at| pixels[*at] < 160).map(|at| (at % width, at / width)).collect();
    let share = ink.len() * 1000 / (width * height);
    assert!((25..250).contains(&share), "{name}: {share} of 1000 dots are dark");
    let margin = MARGIN * DOTS * 10 / 254;
    let outside =
        ink.iter().find(|(x, y)| *x < margin || *y < margin || *x >= width - margin || *y >= height - margin);
    assert_eq!(outside, None, "{name}: ink in the margin of {margin} dots");
    for part in 0..6 {
        let rows = part * height * 3 / 4 / 6..(part + 1) * height * 3 / 4 / 6;
        assert!(ink.iter().any(|(_, y)| rows.contains(y)), "{name}: part {part} is empty");
    }
}

/// A portable grey map: `P5`, width, height, 255, and a byte a dot.
fn grey(image: &[u8]) -> (usize, usize, &[u8]) {
    let mut words = image.splitn(4, |byte| byte.is_ascii_whitespace());
    let mut number = || -> usize {
        let word = words.next().and_then(|word| std::str::from_utf8(word).ok());
        word.and_then(|word| word.trim_start_matches("P5").parse().ok()).unwrap_or(0)
    };
    let (_, width, height) = (number(), number(), number());
    let pixels = image.len() - width * height;
    assert!(image.starts_with(b"P5") && image[..pixels].ends_with(b"255\n"), "it is a grey map");
    (width, height, &image[pixels..])
}
