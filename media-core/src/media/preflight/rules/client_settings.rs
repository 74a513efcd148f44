//! Client settings, and where content comes from.

use super::super::client_settings::ClientSettings;
use super::super::facts::Facts;
use super::super::{Answer, Group, Input, Outcome, Rule, Severity, does_not_apply, fail, not_given, unknown};
use super::{medium, never_fails, only_unknown, over_gateway};

const CLOUD_SERVICES: &str = "console: Administration > Client Settings > Properties > Cloud Services";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "client-settings.cloud-distribution-point",
        group: Group::ClientSettings,
        severity: Severity::Error,
        text: "client settings allow access to a cloud distribution point",
        source: "Deploy a task sequence over the internet, \"Prerequisites for bootable media\" and \"Prerequisites for boot \
                 media via CMG\": Allow access to cloud distribution point, in the group Cloud Services",
        place: CLOUD_SERVICES,
        never: None,
        is_said_when_made: false,
        check: |facts| is_on(settings(facts)?.cloud_distribution_point),
    },
    Rule {
        id: "client-settings.cloud-management-gateway",
        group: Group::ClientSettings,
        severity: Severity::Error,
        text: "client settings enable clients to use a cloud management gateway",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": Enable clients to use a \
                 cloud management gateway, in the group Cloud Services",
        place: CLOUD_SERVICES,
        never: None,
        is_said_when_made: false,
        check: |facts| {
            over_gateway(facts)?;
            is_on(settings(facts)?.cloud_management_gateway)
        },
    },
    Rule {
        id: "client-settings.deployed",
        group: Group::ClientSettings,
        severity: Severity::Error,
        text: "the client settings are deployed to the clients, or are the default ones",
        source: "Deploy a task sequence over the internet, \"Prerequisites for bootable media\": make sure that the client \
                 setting is deployed to the target clients",
        place: "console: Administration > Client Settings > Deployments",
        never: None,
        is_said_when_made: false,
        check: |facts| match settings(facts)?.is_deployed {
            Some(true) => Ok(()),
            Some(false) => fail("they are deployed to no collection"),
            None => unknown("the export does not say it; Get-CMClientSetting without -Setting does"),
        },
    },
    Rule {
        id: "content.on-gateway",
        group: Group::ClientSettings,
        severity: Severity::Error,
        text: "all content that the task sequence refers to is distributed to a content-enabled cloud management gateway",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": distribute all content \
                 referenced in the task sequence to a content-enabled CMG",
        place: "console: Software Library > Operating Systems > Task Sequences > References; Monitoring > Distribution \
                Status > Content Status",
        never: never_fails("where content was distributed to is in no file that could be given"),
        is_said_when_made: false,
        check: on_gateway,
    },
    Rule {
        id: "content.boundary-group",
        group: Group::ClientSettings,
        severity: Severity::Warning,
        text: "where only content comes from the cloud, the boundary group of the device has the gateway and prefers cloud \
               sources",
        source: "Deploy a task sequence over the internet, \"Prerequisites for bootable media\": associate the content-enabled \
                 CMG with the boundary group, and prefer cloud based sources over on-premises sources",
        place: "console: Administration > Hierarchy Configuration > Boundary Groups > Properties > References, Options",
        never: only_unknown("boundary groups are in no file that could be given"),
        is_said_when_made: false,
        check: |facts| {
            if medium(facts)?.is_over_gateway() {
                return does_not_apply("policy comes through the gateway too");
            }
            unknown("it matters when content comes from the cloud")
        },
    },
];

fn settings(facts: &Facts) -> Result<&ClientSettings, Outcome> {
    facts.client_settings.as_ref().ok_or_else(|| not_given(Input::ClientSettings))
}

fn is_on(setting: Option<bool>) -> Answer {
    match setting {
        Some(true) => Ok(()),
        Some(false) => fail("it is off"),
        None => unknown("the export does not say it; Get-CMClientSetting -Setting Cloud does"),
    }
}

fn on_gateway(facts: &Facts) -> Answer {
    over_gateway(facts)?;
    let sequence = facts.task_sequence.as_ref().ok_or_else(|| not_given(Input::TaskSequence))?;
    // A task sequence is policy, not content.
    let refers_to = || sequence.references.iter().filter(|id| !sequence.missing.contains(*id));
    match (refers_to().count(), sequence.missing.len()) {
        (0, 0) => Ok(()),
        (0, _) => unknown("it runs other task sequences, whose content is not known"),
        (count @ 1..=8, _) => {
            let ids: Vec<&str> = refers_to().map(String::as_str).collect();
            let things = if count == 1 { "thing" } else { "things" };
            unknown(format!("it refers to {count} {things}: {}", ids.join(", ")))
        }
        (count, _) => unknown(format!("it refers to {count} things")),
    }
}
