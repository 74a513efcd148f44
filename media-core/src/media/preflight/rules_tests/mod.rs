//! Every rule in each of its answers.

mod rows;

use std::collections::BTreeSet;

use super::*;

/// What a row expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Expected {
    Pass,
    Fail,
    CannotKnow,
    DoesNotApply,
}

fn kind(outcome: &Outcome) -> Expected {
    match outcome {
        Outcome::Pass => Expected::Pass,
        Outcome::Fail { .. } => Expected::Fail,
        Outcome::CannotKnow { .. } => Expected::CannotKnow,
        Outcome::DoesNotApply { .. } => Expected::DoesNotApply,
    }
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.into_iter().flatten()
}

#[test]
fn every_row_gets_its_answer() {
    for row in rows::rows() {
        let rule = rules().find(|rule| rule.id == row.id);
        assert!(rule.is_some(), "a row is about {}, which is no rule", row.id);
        let Some(rule) = rule else { continue };
        let outcome = rule.apply(&row.facts);
        assert_eq!(kind(&outcome), row.expected, "{}: {}: {outcome:?}", row.id, row.says);
        let said = match &outcome {
            Outcome::Fail { reason } | Outcome::CannotKnow { reason, .. } => reason.as_str(),
            Outcome::DoesNotApply { reason } => reason,
            Outcome::Pass => "",
        };
        assert!(said.contains(row.says), "{}: {said:?} does not say {:?}", row.id, row.says);
    }
}

#[test]
fn every_rule_has_a_row_where_it_passes_one_where_it_fails_and_one_where_it_cannot_know() {
    let rows = rows::rows();
    for rule in rules() {
        let has: BTreeSet<Expected> =
            rows.iter().filter(|row| row.id == rule.id).map(|row| row.expected).collect();
        let never = |wanted: fn(&Never) -> bool| rule.never.as_ref().is_some_and(wanted);
        for (wanted, never) in [
            (Expected::Pass, never(|never| never.passes)),
            (Expected::Fail, never(|never| never.fails)),
            (Expected::CannotKnow, false),
        ] {
            assert_eq!(has.contains(&wanted), !never, "{}: {wanted:?}", rule.id);
        }
        assert!(
            rule.never.is_none_or(|never| never.reason.len() > 10 && (never.passes || never.fails)),
            "{}",
            rule.id
        );
    }
}

#[test]
fn nothing_given_is_nothing_known() {
    for rule in rules() {
        let outcome = rule.apply(&Facts::none(rows::NOW));
        assert_eq!(kind(&outcome), Expected::CannotKnow, "{}: {outcome:?}", rule.id);
    }
}

#[test]
fn rules_can_be_told_apart_and_found() {
    let ids: BTreeSet<&str> = rules().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), rules().count());
    for rule in rules() {
        let (group, name) = rule.id.split_once('.').expect("a group and a name");
        assert!(
            ![group, name].contains(&"")
                && rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || b".-0123456789".contains(&byte)),
            "{}",
            rule.id
        );
        assert!(rule.source.contains(", ") || rule.source.contains(": "), "{}: {}", rule.id, rule.source);
        assert!(!rule.text.ends_with('.') && !rule.place.is_empty(), "{}", rule.id);
    }
    // In the order of the groups, each once.
    let mut groups: Vec<Group> = rules().map(|rule| rule.group).collect();
    groups.dedup();
    assert_eq!(groups.len(), RULES.len());
}

#[test]
fn versions_of_sites() {
    for (text, is_one) in [
        ("2403", true),
        ("1511", true),
        ("2413", false),
        ("0912", false),
        ("+403", false),
        ("24035", false),
        ("", false),
    ] {
        assert_eq!(SiteVersion::parse(text).is_some(), is_one, "{text}");
    }
    assert_eq!(SiteVersion::parse("2403").map(|version| version.to_string()).as_deref(), Some("2403"));
}
