use super::*;

fn variables(list: &[(&str, &str)]) -> Variables {
    let mut all = Variables::new();
    for (name, value) in list {
        all.set(name, SecretString::from(*value)).expect("it can be one");
    }
    all
}

fn arranged(site: &[(&str, Option<&str>)], ours: &[(&str, &str)]) -> (Vec<(String, String)>, Vec<String>) {
    let one = |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(SecretString::from));
    let form = SiteForm { variables: site.iter().map(one).collect(), bootstrap: None };
    let Arranged { variables, missing } = form.arrange(&variables(ours)).expect("names are sound");
    let plain = variables.iter().map(|(name, value)| (name.to_owned(), value.expose_secret().to_owned()));
    (plain.collect(), missing)
}

#[test]
fn a_medium_has_what_its_site_has_and_its_own_in_place() {
    type Case<'a> = (&'a [(&'a str, Option<&'a str>)], &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 8] = [
        // Order and spelling are the site's; what is new comes last.
        (
            &[("b", Some("1")), ("A", Some("2"))],
            &[("a", "3"), ("C", "4")],
            &[("b", "1"), ("A", "3"), ("C", "4")],
        ),
        // Where the site sorts, so does the medium.
        (&[("A", Some("1")), ("C", Some("2"))], &[("B", "3")], &[("A", "1"), ("B", "3"), ("C", "2")]),
        // What is assumed elsewhere is not written where the site shows that it need not be.
        (
            &[("b", Some("1")), ("A", Some("1"))],
            &[("_SMSTSMediaType", "BootMedia"), ("_SMSTSHTTPPort", "80"), ("_SMSTSHTTPSPort", "8443")],
            &[("b", "1"), ("A", "1"), ("_SMSTSHTTPSPort", "8443")],
        ),
        // Management points of one's own have no others beside them.
        (&[("SMSTSMP", Some("x"))], &[("SMSTSLocationMPs", "y")], &[("SMSTSLocationMPs", "y")]),
        (
            &[("SMSTSMP", Some("x")), ("SMSTSLocationMPs", Some("z"))],
            &[("SMSTSMP", "x")],
            &[("SMSTSMP", "x"), ("SMSTSLocationMPs", "z")],
        ),
        (
            &[("SMSTSMP", Some("x")), ("SMSTSLocationMPs", Some("z"))],
            &[("SMSTSMP", "y")],
            &[("SMSTSMP", "y")],
        ),
        // Its user device affinity and its boot image are the medium's own.
        (&[("SMSTSAssignUsersMode", Some("Auto")), ("_SMSTSBootMediaPackageID", Some("PS100005"))], &[], &[]),
        (&[("SMSTSAssignUsersMode", Some("Disable"))], &[], &[("SMSTSAssignUsersMode", "Disable")]),
    ];
    for (site, ours, expected) in cases {
        let expected: Vec<_> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(arranged(site, ours), (expected, Vec::new()), "{site:?} {ours:?}");
    }
    let (made, missing) = arranged(&[("Secret", None), ("B", None)], &[("b", "1")]);
    assert_eq!((made, missing), (vec![("B".to_owned(), "1".to_owned())], vec!["Secret".to_owned()]));
}
