//! The table of rules.
//!
//! Most come from one article of Microsoft's, "Deploy a task sequence over the internet"; sources say which section and
//! what it says, in our words. What is not in it names another document or a published report.

mod boot_image;
mod client_settings;
mod deployment;
mod identity;
mod management_point;
mod medium;
mod network;
mod site;
mod task_sequence;

use super::facts::{Facts, MediumFacts};
use super::{Input, Never, Outcome, Rule, does_not_apply, not_given};

/// Every rule, by group, in the order of the checklist.
pub const RULES: [&[Rule]; 9] = [
    site::RULES,
    deployment::RULES,
    task_sequence::RULES,
    client_settings::RULES,
    management_point::RULES,
    identity::RULES,
    boot_image::RULES,
    medium::RULES,
    network::RULES,
];

/// For rules whose facts are in no file that could be given.
const fn only_unknown(reason: &'static str) -> Option<Never> {
    Some(Never { passes: true, fails: true, reason })
}

const fn never_fails(reason: &'static str) -> Option<Never> {
    Some(Never { passes: false, fails: true, reason })
}

const NO_GATEWAY: &str = "the medium does not reach its site through a cloud management gateway";

fn medium(facts: &Facts) -> Result<&MediumFacts, Outcome> {
    facts.medium.as_ref().ok_or_else(|| not_given(Input::Medium))
}

/// The medium, when it is one for a cloud management gateway.
fn over_gateway(facts: &Facts) -> Result<&MediumFacts, Outcome> {
    let medium = medium(facts)?;
    if medium.is_over_gateway() { Ok(medium) } else { does_not_apply(NO_GATEWAY) }
}
