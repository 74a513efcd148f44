//! The checklist of `tsmedia preflight`.

use std::fmt;

use media_core::media::preflight::{Group, Input, Outcome, Rule, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Shown, notes};

/// Every rule with its answer.
#[derive(Serialize, JsonSchema)]
pub struct Preflight {
    rules: Vec<Answered>,
    counts: Counts,
    notes: Vec<String>,
    #[serde(skip)]
    unanswered: usize,
}

/// A rule and its answer.
#[derive(Serialize, JsonSchema)]
struct Answered {
    /// A stable name.
    id: &'static str,
    /// What it is about.
    group: &'static str,
    severity: Matters,
    result: Answer,
    /// What is required.
    text: &'static str,
    /// The document it comes from, and what that says.
    source: &'static str,
    /// Why the result is what it is; nothing when it is `pass`.
    reason: Option<String>,
    /// The option that would let it be answered, or answered better.
    option: Option<&'static str>,
    /// Where it can be seen and put right.
    place: &'static str,
}

/// `error`: when it is broken, the medium is expected not to work.
#[derive(Serialize, JsonSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Matters {
    Error,
    Warning,
}

#[derive(Serialize, JsonSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Pass,
    Fail,
    CannotBeKnown,
    DoesNotApply,
}

/// How many rules have which answer.
#[derive(Serialize, JsonSchema, Default)]
struct Counts {
    rules: usize,
    pass: usize,
    /// Broken rules of severity error.
    errors: usize,
    /// Broken rules of severity warning.
    warnings: usize,
    cannot_be_known: usize,
    does_not_apply: usize,
}

impl Preflight {
    pub(crate) fn new(report: &[(&Rule, Outcome)], assumed: Option<&str>) -> Self {
        let rules: Vec<Answered> =
            report.iter().map(|(rule, outcome)| Answered::new(rule, outcome)).collect();
        let mut counts = Counts { rules: rules.len(), ..Counts::default() };
        for rule in &rules {
            *match (rule.result, rule.severity) {
                (Answer::Pass, _) => &mut counts.pass,
                (Answer::Fail, Matters::Error) => &mut counts.errors,
                (Answer::Fail, Matters::Warning) => &mut counts.warnings,
                (Answer::CannotBeKnown, _) => &mut counts.cannot_be_known,
                (Answer::DoesNotApply, _) => &mut counts.does_not_apply,
            } += 1;
        }
        let is_unanswered = |(rule, outcome): &&(&Rule, Outcome)| {
            rule.never.is_none() && matches!(outcome, Outcome::CannotKnow { .. })
        };
        let unanswered = report.iter().filter(is_unanswered).count();
        Self { rules, counts, notes: assumed.map(str::to_owned).into_iter().collect(), unanswered }
    }

    /// Broken rules of severity error.
    pub(crate) fn errors(&self) -> usize {
        self.counts.errors
    }

    /// Rules that cannot be known, and could with other inputs.
    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered
    }
}

impl Answered {
    fn new(rule: &Rule, outcome: &Outcome) -> Self {
        let (result, reason, option) = match outcome {
            Outcome::Pass => (Answer::Pass, None, None),
            Outcome::Fail { reason } => (Answer::Fail, Some(reason.clone()), None),
            Outcome::CannotKnow { not_given, reason } => {
                let reason = Some(reason.clone()).filter(|reason| !reason.is_empty());
                (Answer::CannotBeKnown, reason, not_given.map(option))
            }
            Outcome::DoesNotApply { reason } => (Answer::DoesNotApply, Some((*reason).to_owned()), None),
        };
        Self {
            id: rule.id,
            group: title(rule.group),
            severity: match rule.severity {
                Severity::Error => Matters::Error,
                Severity::Warning => Matters::Warning,
            },
            result,
            text: rule.text,
            source: rule.source,
            reason,
            option,
            place: rule.place,
        }
    }
}

fn title(group: Group) -> &'static str {
    group.title()
}

/// The option by which something is given.
fn option(input: Input) -> &'static str {
    match input {
        Input::Medium => "--spec",
        Input::BootImage => "--boot-image",
        Input::TrustedRoots => "--trusted-root",
        Input::GatewayCertificate => "--cmg-certificate",
        Input::SiteVersion => "--site-version",
        Input::TaskSequence => "--task-sequence",
        Input::TaskSequenceExport => "--task-sequence (the .zip that the console exports)",
        Input::Deployment => "--deployment",
        Input::ClientSettings => "--client-settings",
    }
}

impl fmt::Display for Preflight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut group = "";
        for rule in &self.rules {
            if rule.group != group {
                let between = if group.is_empty() { "" } else { "\n" };
                writeln!(out, "{between}{}", rule.group)?;
                group = rule.group;
            }
            rule.fmt(out)?;
        }
        let Counts { rules, pass, errors, warnings, cannot_be_known, does_not_apply } = &self.counts;
        writeln!(
            out,
            "\n{rules} rules: {pass} pass, {errors} FAIL, {warnings} warn, {cannot_be_known} cannot be known here, \
             {does_not_apply} do not apply"
        )?;
        notes(out, &self.notes)
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match (self.result, self.severity) {
            (Answer::Pass, _) => "pass",
            (Answer::Fail, Matters::Error) => "FAIL",
            (Answer::Fail, Matters::Warning) => "warn",
            (Answer::CannotBeKnown, _) => "?",
            (Answer::DoesNotApply, _) => "-",
        };
        writeln!(out, "  {mark:<5}{:<42} {}", self.id, self.text)?;
        let mut more = |name: &str, text: &str| writeln!(out, "       {name:<9}{}", Shown(text));
        match (self.result, &self.reason) {
            (Answer::Pass, _) => return Ok(()),
            (_, Some(reason)) => more("because", reason)?,
            _ => {}
        }
        if let Some(option) = self.option {
            more("give", option)?;
        }
        match self.result {
            Answer::Fail => {
                more("look at", self.place)?;
                more("source", self.source)
            }
            Answer::CannotBeKnown => more("look at", self.place),
            _ => Ok(()),
        }
    }
}
