//! Preflight: what must be right at the desk and at the site before a medium is worth posting.
//!
//! A table of rules, each with the document it comes from. A rule looks at [`Facts`] and answers; where what it needs was
//! not given, or is in no file that could be given, it says so instead of guessing.

pub mod client_settings;
pub mod deployment;
mod facts;
mod rules;
pub mod task_sequence;
mod text;

pub use facts::{BootImageFacts, Facts, IdentityFacts, MediumFacts, Overruled, SiteVersion};
pub use rules::RULES;
pub use text::ExportError;

/// How much it matters that a rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The medium is expected not to work.
    Error,
    /// It may work, and there is something to know.
    Warning,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The site and its version.
    Site,
    /// The deployment.
    Deployment,
    /// The task sequence.
    TaskSequence,
    /// Client settings and content.
    ClientSettings,
    /// The management point, and whom the boot image trusts.
    ManagementPoint,
    /// The media certificate and the password.
    Identity,
    /// The boot image.
    BootImage,
    /// The volume and its files.
    Medium,
    /// The network of the computer that is started.
    Network,
}

impl Group {
    /// The group's name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Site => "Site",
            Self::Deployment => "Deployment",
            Self::TaskSequence => "Task sequence",
            Self::ClientSettings => "Client settings and content",
            Self::ManagementPoint => "Management point and trust",
            Self::Identity => "Media certificate and password",
            Self::BootImage => "Boot image",
            Self::Medium => "Medium",
            Self::Network => "Network",
        }
    }
}

/// Something that could be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The specification of the medium.
    Medium,
    /// The boot image, looked into.
    BootImage,
    /// Certificates that the boot image shall trust.
    TrustedRoots,
    /// The certificate of the server.
    GatewayCertificate,
    /// The site's version.
    SiteVersion,
    /// The task sequence.
    TaskSequence,
    /// The task sequence as the console exports it, which says more than the sequence's XML.
    TaskSequenceExport,
    /// The deployment.
    Deployment,
    /// Client settings.
    ClientSettings,
}

/// What a rule answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is kept.
    Pass,
    /// It is broken.
    Fail {
        /// By what.
        reason: String,
    },
    /// It cannot be known here.
    CannotKnow {
        /// What could be given to know more.
        not_given: Option<Input>,
        /// What is not known; empty when that is all of it.
        reason: String,
    },
    /// It is about another kind of medium, or of task sequence.
    DoesNotApply {
        /// Why.
        reason: &'static str,
    },
}

/// A rule answers with nothing when it is kept.
type Answer = Result<(), Outcome>;

fn fail<T>(reason: impl Into<String>) -> Result<T, Outcome> {
    Err(Outcome::Fail { reason: reason.into() })
}

fn unknown<T>(reason: impl Into<String>) -> Result<T, Outcome> {
    Err(Outcome::CannotKnow { not_given: None, reason: reason.into() })
}

fn not_given(input: Input) -> Outcome {
    Outcome::CannotKnow { not_given: Some(input), reason: String::new() }
}

fn does_not_apply<T>(reason: &'static str) -> Result<T, Outcome> {
    Err(Outcome::DoesNotApply { reason })
}

/// An answer that a rule never gives, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Never {
    /// Whether it never passes.
    pub passes: bool,
    /// Whether it never fails.
    pub fails: bool,
    /// Why.
    pub reason: &'static str,
}

/// One thing that must be right.
pub struct Rule {
    /// A stable name for scripts.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// How much it matters.
    pub severity: Severity,
    /// What is required.
    pub text: &'static str,
    /// The document it comes from, and what that says.
    pub source: &'static str,
    /// Where it can be seen and put right.
    pub place: &'static str,
    /// Answers it never gives.
    pub never: Option<Never>,
    /// Whether making a medium says it in its own words, or refuses what breaks it.
    pub is_said_when_made: bool,
    check: fn(&Facts) -> Answer,
}

impl Rule {
    /// Applies the rule.
    pub fn apply(&self, facts: &Facts) -> Outcome {
        match (self.check)(facts) {
            Ok(()) => Outcome::Pass,
            Err(outcome) => outcome,
        }
    }
}

/// Every rule with its answer, in the order of the table.
pub fn report(facts: &Facts) -> Vec<(&'static Rule, Outcome)> {
    RULES.iter().flat_map(|group| group.iter()).map(|rule| (rule, rule.apply(facts))).collect()
}

#[cfg(test)]
#[path = "rules_tests/mod.rs"]
mod tests;
