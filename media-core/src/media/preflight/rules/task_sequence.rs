//! The task sequence.

use super::super::facts::Facts;
use super::super::task_sequence::{
    APPLY_NETWORK_SETTINGS, JOIN_DOMAIN_OR_WORKGROUP, SETUP_WINDOWS_AND_CONFIGMGR, Step, TaskSequence,
    UPGRADE_OPERATING_SYSTEM,
};
use super::super::{Answer, Group, Input, Outcome, Rule, Severity, does_not_apply, fail, not_given, unknown};
use super::{only_unknown, over_gateway};
use crate::media::names::host_of;

const EDITOR: &str = "console: Software Library > Operating Systems > Task Sequences > Edit";
const NO_OS: &str = "the task sequence deploys no operating system";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "task-sequence.no-program-first",
        group: Group::TaskSequence,
        severity: Severity::Error,
        text: "the task sequence does not run another program first",
        source: "Deploy a task sequence over the internet, \"Allow task sequence to run on internet\": run another program \
                 first uses the package's network path, which a CMG does not give access to",
        place: "console: Software Library > Operating Systems > Task Sequences > Properties > Advanced > Run another program \
                first",
        never: None,
        is_said_when_made: false,
        check: no_program_first,
    },
    Rule {
        id: "task-sequence.no-in-place-upgrade",
        group: Group::TaskSequence,
        severity: Severity::Error,
        text: "the task sequence upgrades no operating system in place: such a one starts from Software Center, never from \
               media",
        source: "Deploy a task sequence over the internet, \"Deploy Windows in-place upgrade via CMG\": start it from \
                 Software Center; Windows PE, PXE and media are not supported",
        place: EDITOR,
        never: None,
        is_said_when_made: false,
        check: no_in_place_upgrade,
    },
    Rule {
        id: "task-sequence.joins-workgroup",
        group: Group::TaskSequence,
        severity: Severity::Error,
        text: "Apply Network Settings joins a workgroup: over the internet no domain controller can be reached",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": configure Apply Network \
                 Settings to join a workgroup",
        place: EDITOR,
        never: None,
        is_said_when_made: false,
        check: joins_workgroup,
    },
    Rule {
        id: "task-sequence.joins-no-domain-later",
        group: Group::TaskSequence,
        severity: Severity::Error,
        text: "no step Join Domain or Workgroup joins a domain",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": during the task sequence \
                 the device cannot join the on-premises domain",
        place: EDITOR,
        never: None,
        is_said_when_made: false,
        check: joins_no_domain_later,
    },
    Rule {
        id: "task-sequence.client-host-name",
        group: Group::TaskSequence,
        severity: Severity::Error,
        text: "Setup Windows and ConfigMgr gives the client the gateway as CCMHOSTNAME",
        source: "Deploy a task sequence over the internet, \"Install a Windows imaging task sequence from Software Center\" \
                 (note): Microsoft Entra joined and token-authenticated clients need the property CCMHOSTNAME; \"Create boot \
                 media to use a CMG\": afterwards the client uses token-based authentication",
        place: "console: Software Library > Operating Systems > Task Sequences > Edit > Setup Windows and ConfigMgr > \
                Installation properties",
        never: None,
        is_said_when_made: false,
        check: client_host_name,
    },
    Rule {
        id: "task-sequence.entra-join-afterwards",
        group: Group::TaskSequence,
        severity: Severity::Warning,
        text: "it is planned who joins the device to Microsoft Entra ID afterwards: it does not join by itself, and is \
               managed all the same",
        source: "Deploy a task sequence over the internet, \"Install a Windows imaging task sequence from Software Center\" \
                 (note): the client in the new OS does not join Microsoft Entra ID automatically",
        place: "Windows, on the device afterwards: Settings > Accounts > Access work or school",
        never: only_unknown("what people do afterwards is in no file"),
        is_said_when_made: false,
        check: entra_join,
    },
];

fn sequence(facts: &Facts) -> Result<&TaskSequence, Outcome> {
    facts.task_sequence.as_ref().ok_or_else(|| not_given(Input::TaskSequence))
}

/// What holds for every step that is known holds for all only when all are known.
fn all_are_known(sequence: &TaskSequence) -> Answer {
    if sequence.missing.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = sequence.missing.iter().map(String::as_str).collect();
    Err(Outcome::CannotKnow {
        not_given: Some(Input::TaskSequenceExport),
        reason: format!("it runs other task sequences that are not in the export: {}", ids.join(", ")),
    })
}

fn no_program_first(facts: &Facts) -> Answer {
    over_gateway(facts)?;
    match sequence(facts)?.first_program.as_deref() {
        None => Err(not_given(Input::TaskSequenceExport)),
        Some("") => Ok(()),
        Some(program) => fail(format!("it runs {program} first")),
    }
}

fn no_in_place_upgrade(facts: &Facts) -> Answer {
    let sequence = sequence(facts)?;
    match sequence.enabled(UPGRADE_OPERATING_SYSTEM).next() {
        Some(step) => fail(format!("the step `{}` upgrades in place", step.name)),
        None => all_are_known(sequence),
    }
}

fn joins_workgroup(facts: &Facts) -> Answer {
    let medium = over_gateway(facts)?;
    let sequence = sequence(facts)?;
    // What a variable says already, a step's own setting does not change.
    match medium.join_type {
        Some("0") => return fail("the media variable OSDNetworkJoinType is 0, so a domain is joined"),
        Some(_) => return Ok(()),
        None => {}
    }
    let steps: Vec<&Step> = sequence.enabled(APPLY_NETWORK_SETTINGS).collect();
    if steps.is_empty() {
        all_are_known(sequence)?;
        if !sequence.deploys_operating_system() {
            return does_not_apply(NO_OS);
        }
        return unknown("it has no enabled step Apply Network Settings");
    }
    if let Some(step) = sequence.sets("OSDNetworkJoinType") {
        return unknown(format!("the step `{}` sets the variable OSDNetworkJoinType", step.name));
    }
    each_joins_workgroup(&steps)?;
    all_are_known(sequence)
}

fn joins_no_domain_later(facts: &Facts) -> Answer {
    over_gateway(facts)?;
    let sequence = sequence(facts)?;
    if let Some(step) = sequence.sets("OSDJoinType") {
        return unknown(format!("the step `{}` sets the variable OSDJoinType", step.name));
    }
    each_joins_workgroup(&sequence.enabled(JOIN_DOMAIN_OR_WORKGROUP).collect::<Vec<_>>())?;
    all_are_known(sequence)
}

/// A step under a condition may be meant for another network.
fn each_joins_workgroup(steps: &[&Step]) -> Answer {
    let joins_domain = |step: &Step| step.settings.join_type.as_deref() == Some("0");
    if let Some(step) = steps.iter().find(|step| joins_domain(step) && !step.is_conditional) {
        return fail(format!("the step `{}` joins a domain", step.name));
    }
    if let Some(step) = steps.iter().find(|step| joins_domain(step)) {
        return unknown(format!("the step `{}` joins a domain under a condition", step.name));
    }
    match steps.iter().find(|step| step.settings.join_type.as_deref() != Some("1")) {
        Some(step) => unknown(format!("the step `{}` does not say plainly what it joins", step.name)),
        None => Ok(()),
    }
}

fn client_host_name(facts: &Facts) -> Answer {
    let medium = over_gateway(facts)?;
    let sequence = sequence(facts)?;
    if medium.has_client_properties {
        return unknown("the media variable SMSClientInstallProperties gives the client's properties");
    }
    let mut steps = sequence.enabled(SETUP_WINDOWS_AND_CONFIGMGR).peekable();
    if steps.peek().is_none() {
        all_are_known(sequence)?;
        if !sequence.deploys_operating_system() {
            return does_not_apply(NO_OS);
        }
        return fail("it has no enabled step Setup Windows and ConfigMgr");
    }
    let gateways: Vec<&str> = medium.management.points().iter().map(|point| host_of(point.url())).collect();
    for step in steps {
        let settings = &step.settings;
        match settings.client_host_name.as_deref() {
            Some(name) if gateways.iter().any(|gateway| gateway.eq_ignore_ascii_case(host_of(name))) => {}
            Some(name) if name.contains('%') => {
                return unknown(format!("the step `{}` gives CCMHOSTNAME by a variable", step.name));
            }
            Some(name) => {
                return fail(format!(
                    "the step `{}` gives {} as CCMHOSTNAME, and the medium has {}",
                    step.name,
                    host_of(name),
                    gateways.join(", ")
                ));
            }
            None if settings.client_properties_vary => {
                return unknown(format!("the step `{}` gives properties by a variable", step.name));
            }
            None => match sequence.sets("SMSClientInstallProperties") {
                Some(other) => {
                    return unknown(format!("the step `{}` sets SMSClientInstallProperties", other.name));
                }
                None => return fail(format!("the step `{}` gives no CCMHOSTNAME", step.name)),
            },
        }
    }
    Ok(())
}

fn entra_join(facts: &Facts) -> Answer {
    over_gateway(facts)?;
    match &facts.task_sequence {
        Some(sequence) if sequence.missing.is_empty() && !sequence.deploys_operating_system() => {
            does_not_apply(NO_OS)
        }
        _ => unknown("it is not for a file to say"),
    }
}
