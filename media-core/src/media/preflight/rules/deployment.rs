//! The deployment of the task sequence.

use super::super::deployment::{ContentOption, Deployment};
use super::super::facts::Facts;
use super::super::{Answer, Group, Input, Outcome, Rule, Severity, does_not_apply, fail, not_given, unknown};
use super::over_gateway;

const SETTINGS: &str = "console: Software Library > Operating Systems > Task Sequences > Deployments > Properties > \
                        Deployment Settings";
const USER_EXPERIENCE: &str = "console: Software Library > Operating Systems > Task Sequences > Deployments > Properties > \
                               User Experience > Allow task sequence to run for client on the Internet";
const DISTRIBUTION_POINTS: &str = "console: Software Library > Operating Systems > Task Sequences > Deployments > Properties > \
                                   Distribution Points > Deployment options";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "deployment.of-task-sequence",
        group: Group::Deployment,
        severity: Severity::Error,
        text: "the deployment is one of this task sequence",
        source: "SMS_Advertisement Server WMI Class: PackageID and ProgramName say what is deployed; a task sequence has the \
                 program *",
        place: "console: Software Library > Operating Systems > Task Sequences > Deployments",
        never: None,
        is_said_when_made: false,
        check: of_task_sequence,
    },
    Rule {
        id: "deployment.allows-internet",
        group: Group::Deployment,
        severity: Severity::Error,
        text: "the deployment allows the task sequence to run for clients on the internet",
        source: "Deploy a task sequence over the internet, \"Allow task sequence to run on internet\": the setting is \
                 required whenever a client comes over the internet",
        place: USER_EXPERIENCE,
        never: None,
        is_said_when_made: false,
        check: allows_internet,
    },
    Rule {
        id: "deployment.available-to-media",
        group: Group::Deployment,
        severity: Severity::Error,
        text: "the deployment is made available to an option that includes media",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": make it available to an \
                 option that includes media",
        place: SETTINGS,
        never: None,
        is_said_when_made: false,
        check: |facts| match deployment(facts)?.is_for_media() {
            Some(true) => Ok(()),
            Some(false) => fail("it is made available to Configuration Manager clients only"),
            None => unknown(NO_FLAGS),
        },
    },
    Rule {
        id: "deployment.downloads-when-needed",
        group: Group::Deployment,
        severity: Severity::Error,
        text: "the deployment downloads content locally when needed by the running task sequence",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": on the page of \
                 distribution points, download content locally when needed by the running task sequence",
        place: DISTRIBUTION_POINTS,
        never: None,
        is_said_when_made: false,
        check: downloads_when_needed,
    },
    Rule {
        id: "deployment.upgrade-content",
        group: Group::Deployment,
        severity: Severity::Warning,
        text: "the deployment of an in-place upgrade downloads content when needed, or all of it first; it may pre-download",
        source: "Deploy a task sequence over the internet, \"Deploy Windows in-place upgrade via CMG\": one of the two \
                 download options, and optionally pre-download",
        place: DISTRIBUTION_POINTS,
        never: None,
        is_said_when_made: false,
        check: upgrade_content,
    },
    Rule {
        id: "deployment.not-high-risk",
        group: Group::Deployment,
        severity: Severity::Warning,
        text: "a task sequence that deploys an operating system is not deployed as required, which is high-risk",
        source: "Deploy a task sequence over the internet, introduction: a task sequence with the purpose Required that \
                 deploys an OS is a high-risk deployment",
        place: SETTINGS,
        never: None,
        is_said_when_made: false,
        check: not_high_risk,
    },
];

const NO_FLAGS: &str =
    "the export says nothing of it; export the deployment itself (SMS_Advertisement), not its summary";

fn deployment(facts: &Facts) -> Result<&Deployment, Outcome> {
    facts.deployment.as_ref().ok_or_else(|| not_given(Input::Deployment))
}

fn of_task_sequence(facts: &Facts) -> Answer {
    let deployment = deployment(facts)?;
    if deployment.is_of_task_sequence() == Some(false) {
        return fail("it is a deployment of a program, not of a task sequence");
    }
    let Some(package) = &deployment.package_id else {
        return unknown("the export does not say of what it is");
    };
    let sequence = facts.task_sequence.as_ref().and_then(|sequence| sequence.package_id.as_ref());
    match sequence.ok_or_else(|| not_given(Input::TaskSequenceExport))? {
        id if id.eq_ignore_ascii_case(package) => Ok(()),
        id => fail(format!("it deploys {package}, and the task sequence is {id}")),
    }
}

fn allows_internet(facts: &Facts) -> Answer {
    over_gateway(facts)?;
    match deployment(facts)?.allows_internet() {
        Some(true) => Ok(()),
        Some(false) => fail("it is for the intranet only (AdvertFlags, APTSINTRANETONLY)"),
        None => unknown(NO_FLAGS),
    }
}

fn downloads_when_needed(facts: &Facts) -> Answer {
    over_gateway(facts)?;
    match deployment(facts)?.content() {
        Some(ContentOption::WhenNeeded) => Ok(()),
        Some(ContentOption::AllBefore) => {
            fail("it downloads all content before the task sequence starts, which media cannot")
        }
        Some(ContentOption::Directly) => fail("it accesses content directly from a distribution point"),
        None => unknown(NO_FLAGS),
    }
}

fn upgrade_content(facts: &Facts) -> Answer {
    let sequence = facts.task_sequence.as_ref().ok_or_else(|| not_given(Input::TaskSequence))?;
    if !sequence.upgrades() {
        return does_not_apply("the task sequence upgrades no operating system in place");
    }
    match deployment(facts)?.content() {
        Some(ContentOption::WhenNeeded | ContentOption::AllBefore) => Ok(()),
        Some(ContentOption::Directly) => fail("it accesses content directly from a distribution point"),
        None => unknown(NO_FLAGS),
    }
}

fn not_high_risk(facts: &Facts) -> Answer {
    match deployment(facts)?.is_required() {
        Some(false) => Ok(()),
        None => unknown("the export does not say whether it is required or available"),
        Some(true) => {
            let sequence = facts.task_sequence.as_ref().ok_or_else(|| not_given(Input::TaskSequence))?;
            if sequence.deploys_operating_system() {
                fail("it is required, and the task sequence deploys an operating system")
            } else {
                does_not_apply("the task sequence deploys no operating system")
            }
        }
    }
}
