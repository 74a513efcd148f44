use super::*;

/// Reads a PowerShell expression of texts and characters the way PowerShell does (about_Quoting_Rules, about_Operators), and
/// what follows it. Every kind of single quote ends a text.
fn read(expression: &str) -> (String, &str) {
    const QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}'];
    let (mut units, mut rest, mut is_first) = (Vec::<u16>::new(), expression, true);
    let in_parentheses = rest.starts_with('(');
    rest = rest.strip_prefix('(').unwrap_or(rest);
    loop {
        if let Some(number) = rest.strip_prefix("[char] 0x") {
            assert!(!is_first, "numbers would be added");
            units.push(u16::from_str_radix(&number[..4], 16).expect("four digits"));
            rest = &number[4..];
        } else {
            rest = rest.strip_prefix('\'').expect("a text");
            while let Some(letter) = rest.chars().next() {
                rest = &rest[letter.len_utf8()..];
                if QUOTES.contains(&letter) {
                    match rest.chars().next() {
                        Some(next) if QUOTES.contains(&next) => rest = &rest[next.len_utf8()..],
                        _ => break,
                    }
                }
                units.extend(letter.encode_utf16(&mut [0; 2]).iter());
            }
        }
        is_first = false;
        match rest.strip_prefix(" + ") {
            Some(more) if in_parentheses => rest = more,
            _ => break,
        }
    }
    if in_parentheses {
        rest = rest.strip_prefix(')').expect("closed");
    }
    (String::from_utf16(&units).expect("whole characters"), rest)
}

const HOSTILE: [&str; 9] = [
    "Contoso rescue",
    "it's; Remove-Item -Recurse C:\\ #'",
    "'); Stop-Computer; ('",
    "\u{2019}; Stop-Computer; \u{2018}",
    "$(Stop-Computer) `n $env:PATH \"x\"",
    "{smsid} {certificate} {media}",
    "Grüße aus Москва \u{1F600}",
    "a\r\nStop-Computer\r\n#>",
    "",
];

fn registration(name: &str) -> Registration {
    let medium = KnownMedium {
        smsid: "{8B9E032D-A106-4E2E-A792-7A58332B96E5}".to_owned(),
        thumbprint: "808D62642B7D1C4A9A83FD667F7A2A9D243FB1C7".to_owned(),
        name: name.to_owned(),
    };
    let user_device_affinity = UserDeviceAffinity::AdministratorApproval;
    Registration { medium, certificate: vec![0x30, 0x82, 0xAB], is_self_signed: true, user_device_affinity }
}

fn site() -> ScriptSite {
    ScriptSite { code: SiteCode::new("PS1").ok(), provider: Some("cm01.contoso.com".to_owned()) }
}

#[test]
fn any_text_is_one_literal_of_ascii_characters() {
    for text in HOSTILE {
        let written = literal(text);
        assert!(written.bytes().all(|byte| (0x20..0x7F).contains(&byte)), "{written}");
        assert_eq!(read(&written), (text.to_owned(), ""), "{written}");
    }
}

/// The value that a script sets, and whatever follows it on the line.
fn set<'a>(script: &'a str, name: &str) -> (String, &'a str) {
    let line = script
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(name)?.trim_start().strip_prefix("= "))
        .expect("it is set");
    read(line)
}

#[test]
fn a_script_registers_what_it_is_given_and_does_nothing_else() {
    let plain = registration(HOSTILE[0]).script(&site());
    let lines = |script: &str| script.matches("\r\n").count();
    for name in HOSTILE {
        let script = registration(name).script(&site());
        assert!(script.is_ascii() && lines(&script) == lines(&plain), "{name}");
        for (set_name, value) in [
            ("$medium", name),
            ("[string] $SmsProvider", "cm01.contoso.com"),
            ("SMSID", "{8B9E032D-A106-4E2E-A792-7A58332B96E5}"),
            ("$thumbprint", "808D62642B7D1C4A9A83FD667F7A2A9D243FB1C7"),
            ("Certificate", "3082AB"),
        ] {
            assert_eq!(set(&script, set_name), (value.to_owned(), ""), "{name}");
        }
        assert_eq!(set(&script, "[string] $SiteCode"), ("PS1".to_owned(), ","));
        for line in ["Type        = [int] 1", "UdaSetting  = [int] 1", "IssuedCert  = [int] 1"] {
            assert!(script.contains(line), "{line}");
        }
    }
    assert!(registration("").script(&ScriptSite::default()).contains("$SmsProvider = $env:COMPUTERNAME\r\n"));
}

#[test]
fn a_script_blocks_every_medium_of_its_list() {
    let media: Vec<KnownMedium> = HOSTILE.iter().map(|name| registration(name).medium).collect();
    let script = block_script(&media, &site());
    let entries: Vec<&str> = script.lines().filter(|line| line.starts_with("    @{ SMSID = ")).collect();
    assert_eq!(entries.len(), media.len());
    for (entry, medium) in entries.iter().zip(&media) {
        let (smsid, rest) = read(&entry["    @{ SMSID = ".len()..]);
        let (thumbprint, rest) = read(rest.strip_prefix("; Thumbprint = ").expect("next"));
        let (name, rest) = read(rest.strip_prefix("; Name = ").expect("next"));
        assert_eq!(
            (smsid, thumbprint, name),
            (medium.smsid.clone(), medium.thumbprint.clone(), medium.name.clone())
        );
        assert_eq!(rest, " }");
    }
}

/// No PowerShell takes part in the tests, so at least every bracket and quote of the templates has its other half.
#[test]
fn the_templates_are_balanced() {
    for script in [registration("x").script(&site()), block_script(&[registration("x").medium], &site())] {
        let (_, code) = script.split_once("#>").expect("help comes first");
        let (mut open, mut quote) = (Vec::new(), None);
        for line in code.lines().filter(|line| !line.trim_start().starts_with('#')) {
            for letter in line.chars() {
                match (quote, letter) {
                    (Some(started), letter) if started == letter => quote = None,
                    (Some('\''), _) => {}
                    (None, '\'' | '"') => quote = Some(letter),
                    (_, '(' | '{' | '[') => open.push(letter),
                    (_, ')' | '}' | ']') => {
                        let expected = match letter {
                            ')' => '(',
                            '}' => '{',
                            _ => '[',
                        };
                        assert_eq!(open.pop(), Some(expected), "{line}");
                    }
                    _ => {}
                }
            }
            assert_eq!(quote, None, "{line}");
        }
        assert!(open.is_empty());
    }
}
