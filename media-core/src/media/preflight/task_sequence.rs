//! A task sequence as the site exports it: the sequence's own XML, or the console's .zip with the task sequence's object
//! in it.
//!
//! Task sequences hold passwords, and command lines that hold passwords. Of values only those are kept that a rule asks
//! for, and no error quotes one.

use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};
use thiserror::Error;
use zeroize::Zeroizing;

use super::text::decode;
use crate::zip_file::{self, ZipFileError};

/// Ten times the largest task sequences that are seen.
const LIMIT: u64 = 64 << 20;
const MOST_NODES: u32 = 2_000_000;
/// `SMS_TaskSequencePackage/PS100012/object.xml` in an export.
const FOLDER: &str = "SMS_TaskSequencePackage/";
const OBJECT: &str = "/object.xml";

/// `Apply Network Settings`.
pub const APPLY_NETWORK_SETTINGS: &str = "SMS_TaskSequence_ApplyNetworkSettingsAction";
/// `Join Domain or Workgroup`.
pub const JOIN_DOMAIN_OR_WORKGROUP: &str = "SMS_TaskSequence_JoinDomainWorkgroupAction";
/// `Setup Windows and ConfigMgr`.
pub const SETUP_WINDOWS_AND_CONFIGMGR: &str = "SMS_TaskSequence_SetupWindowsAndSMSAction";
/// `Upgrade Operating System`.
pub const UPGRADE_OPERATING_SYSTEM: &str = "SMS_TaskSequence_UpgradeOperatingSystemAction";
/// `Apply Operating System Image`.
pub const APPLY_OPERATING_SYSTEM: &str = "SMS_TaskSequence_ApplyOperatingSystemAction";
/// `Set Task Sequence Variable`.
pub const SET_VARIABLE: &str = "SMS_TaskSequence_SetVariableAction";

/// A task sequence, with those it runs as far as they came with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskSequence {
    /// Its package id, when the export says it.
    pub package_id: Option<String>,
    /// Its name, likewise.
    pub name: Option<String>,
    /// `Run another program first`: the program's name, empty when there is none. Not said by the sequence's XML alone.
    pub first_program: Option<String>,
    /// Its steps in order, those of the task sequences it runs behind them.
    pub steps: Vec<Step>,
    /// Ids of the packages and applications it refers to.
    pub references: BTreeSet<String>,
    /// Package ids of task sequences it runs that did not come with it.
    pub missing: BTreeSet<String>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// Its type, for example [`APPLY_NETWORK_SETTINGS`].
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Whether neither it nor a group around it is disabled.
    pub is_enabled: bool,
    /// Whether it or a group around it runs under a condition.
    pub is_conditional: bool,
    /// The settings of it that rules ask for.
    pub settings: Settings,
}

/// Settings of a step, where the step has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// What is joined: `0` is a domain, `1` a workgroup; may be an expression with variables.
    pub join_type: Option<String>,
    /// `CCMHOSTNAME` among the client's installation properties.
    pub client_host_name: Option<String>,
    /// Whether those properties hold variables of the task sequence.
    pub client_properties_vary: bool,
    /// The variable that the step sets.
    pub variable: Option<String>,
}

/// Why a task sequence could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TaskSequenceError {
    /// The .zip.
    #[error(transparent)]
    Zip(#[from] ZipFileError),
    /// The .zip is none of a task sequence.
    #[error("it holds no {FOLDER}ID{OBJECT}, so it is no export of a task sequence")]
    NoObject,
    /// It is not text.
    #[error("{file}it is not text (UTF-8, or UTF-16 with a byte order mark)")]
    NotText {
        /// Which file of the .zip, with a colon; empty for a file alone.
        file: String,
    },
    /// It is longer than any task sequence.
    #[error("it is larger than {LIMIT} bytes")]
    TooLarge,
    /// It is not XML.
    #[error("{file}line {line}, column {column}: it is not well-formed XML")]
    Xml {
        /// Which file of the .zip, with a colon; empty for a file alone.
        file: String,
        /// The line, counted from 1.
        line: u32,
        /// The column, counted from 1.
        column: u32,
    },
    /// It is XML of something else.
    #[error(
        "{file}it is no task sequence: its root element is neither <sequence> nor <INSTANCE> of SMS_TaskSequencePackage"
    )]
    Root {
        /// Which file of the .zip, with a colon; empty for a file alone.
        file: String,
    },
    /// The object has no sequence in it.
    #[error("{file}the task sequence's object has no property Sequence")]
    NoSequence {
        /// Which file of the .zip, with a colon; empty for a file alone.
        file: String,
    },
}

/// Reads an export: .zip, an `object.xml` of it, or the sequence's XML.
///
/// # Errors
/// [`TaskSequenceError`] with its place.
pub fn read(bytes: &[u8]) -> Result<TaskSequence, TaskSequenceError> {
    if !zip_file::is_archive(bytes) {
        if bytes.len() as u64 > LIMIT {
            return Err(TaskSequenceError::TooLarge);
        }
        return Ok(read_one(bytes, "")?.into_whole(Vec::new()));
    }
    let wanted = |name: &str| {
        let inside = name.strip_prefix(FOLDER).and_then(|rest| rest.strip_suffix(OBJECT));
        inside.is_some_and(|id| !id.is_empty() && !id.contains('/'))
    };
    let mut all = Vec::new();
    for entry in zip_file::find(bytes, wanted, LIMIT)? {
        all.push(read_one(&entry.bytes, &format!("{}: ", entry.name))?);
    }
    // What was exported is the one that no other runs.
    let run: BTreeSet<String> = all.iter().flat_map(|one| one.runs.clone()).collect();
    let is_run = |one: &One| one.sequence.package_id.as_ref().is_some_and(|id| run.contains(id));
    let first = all.iter().position(|one| !is_run(one)).unwrap_or(0);
    if all.is_empty() {
        return Err(TaskSequenceError::NoObject);
    }
    let main = all.remove(first);
    Ok(main.into_whole(all))
}

/// One task sequence, and which others it runs.
#[derive(Default)]
struct One {
    sequence: TaskSequence,
    runs: BTreeSet<String>,
}

impl One {
    fn into_whole(self, mut others: Vec<One>) -> TaskSequence {
        let Self { mut sequence, runs } = self;
        let (mut waiting, mut seen) = (runs, BTreeSet::new());
        while let Some(id) = waiting.pop_first() {
            if !seen.insert(id.clone()) {
                continue;
            }
            match others.iter().position(|one| one.sequence.package_id.as_ref() == Some(&id)) {
                Some(index) => {
                    let other = others.remove(index);
                    waiting.extend(other.runs);
                    sequence.steps.extend(other.sequence.steps);
                    sequence.references.extend(other.sequence.references);
                }
                None => _ = sequence.missing.insert(id),
            }
        }
        sequence
    }
}

fn read_one(bytes: &[u8], file: &str) -> Result<One, TaskSequenceError> {
    let file = || file.to_owned();
    let text = decode(bytes).ok_or_else(|| TaskSequenceError::NotText { file: file() })?;
    let xml = parse(text.trim_end_matches('\0'), &file())?;
    let root = xml.root_element();
    if root.has_tag_name("sequence") {
        return Ok(sequence(root));
    }
    if !root.has_tag_name("INSTANCE") || root.attribute("CLASSNAME") != Some("SMS_TaskSequencePackage") {
        return Err(TaskSequenceError::Root { file: file() });
    }
    let inner = property(root, "Sequence").ok_or_else(|| TaskSequenceError::NoSequence { file: file() })?;
    let xml = parse(&inner, &file())?;
    if !xml.root_element().has_tag_name("sequence") {
        return Err(TaskSequenceError::NoSequence { file: file() });
    }
    let mut one = sequence(xml.root_element());
    let plain = |name: &str| property(root, name).map(|text| text.trim().to_owned());
    one.sequence.package_id = plain("PackageID").filter(|id| !id.is_empty());
    one.sequence.name = plain("Name").filter(|name| !name.is_empty());
    one.sequence.first_program = plain("DependentProgram");
    Ok(one)
}

fn parse<'a>(text: &'a str, file: &str) -> Result<Document<'a>, TaskSequenceError> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| {
        // The library's message may quote the text.
        let place = error.pos();
        TaskSequenceError::Xml { file: file.to_owned(), line: place.row, column: place.col }
    })
}

/// `<PROPERTY NAME="…"><VALUE>text</VALUE></PROPERTY>`, the text also as character data or in several pieces.
fn property(instance: Node<'_, '_>, name: &str) -> Option<Zeroizing<String>> {
    let found = instance.children().find(|node| {
        node.has_tag_name("PROPERTY")
            && node.attribute("NAME").is_some_and(|found| found.eq_ignore_ascii_case(name))
    })?;
    found.children().find(|node| node.has_tag_name("VALUE")).map(text_of)
}

fn text_of(node: Node<'_, '_>) -> Zeroizing<String> {
    let pieces = || node.descendants().filter(Node::is_text).filter_map(|piece| piece.text());
    let mut text = Zeroizing::new(String::with_capacity(pieces().map(str::len).sum()));
    pieces().for_each(|piece| text.push_str(piece));
    text
}

/// The steps below a `<sequence>`, in order. Groups may be as deep as they like.
fn sequence(root: Node<'_, '_>) -> One {
    let mut one = One::default();
    let mut waiting: Vec<(Node<'_, '_>, bool, bool)> = vec![(root, true, false)];
    while let Some((node, enabled, conditional)) = waiting.pop() {
        let is_true = |name| node.attribute(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let enabled = enabled && !is_true("disable");
        let conditional = conditional || has_condition(node);
        match node.tag_name().name() {
            "sequence" | "group" => {
                let inner: Vec<_> = node.children().filter(Node::is_element).collect();
                waiting.extend(inner.into_iter().rev().map(|inner| (inner, enabled, conditional)));
            }
            "step" => one.sequence.steps.push(step(node, enabled, conditional)),
            "subtasksequence" if enabled => {
                let id = variables(node).find(|(property, ..)| *property == "TsPackageID");
                one.runs.extend(id.map(|(_, _, value)| value.trim().to_owned()));
            }
            "referenceList" => {
                let id = |node: Node<'_, '_>| {
                    node.attribute("package").or(node.attribute("application")).map(str::to_owned)
                };
                one.sequence.references.extend(node.children().filter_map(id));
            }
            _ => {}
        }
    }
    one
}

fn has_condition(node: Node<'_, '_>) -> bool {
    let condition = node.children().find(|inner| inner.has_tag_name("condition"));
    condition.is_some_and(|condition| condition.children().any(|inner| inner.is_element()))
}

/// The variables of a step: property, variable, value.
fn variables<'a>(step: Node<'a, '_>) -> impl Iterator<Item = (&'a str, &'a str, Zeroizing<String>)> {
    let lists = step.children().filter(|node| node.has_tag_name("defaultVarList"));
    lists.flat_map(|list| list.children()).filter(|node| node.has_tag_name("variable")).map(|node| {
        let attribute = |name| node.attribute(name).unwrap_or_default();
        (attribute("property"), attribute("name"), text_of(node))
    })
}

fn step(node: Node<'_, '_>, is_enabled: bool, is_conditional: bool) -> Step {
    let attribute = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
    let kind = attribute("type");
    let mut settings = Settings::default();
    for (property, _, value) in variables(node) {
        match (kind.as_str(), property) {
            (APPLY_NETWORK_SETTINGS, "NetworkJoinType") | (JOIN_DOMAIN_OR_WORKGROUP, "Type") => {
                settings.join_type = Some(value.trim().to_owned());
            }
            (SETUP_WINDOWS_AND_CONFIGMGR, "ClientInstallProperties") => {
                settings.client_host_name = client_host_name(&value);
                settings.client_properties_vary = value.contains('%');
            }
            (SET_VARIABLE, "VariableName") => settings.variable = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    Step { kind, name: attribute("name"), is_enabled, is_conditional, settings }
}

/// `CCMHOSTNAME=host/CCM_Proxy_MutualAuth/1`, with or without quotes, among other properties.
fn client_host_name(properties: &str) -> Option<String> {
    let named = |word: &str| {
        let (name, value) = word.split_once('=')?;
        name.eq_ignore_ascii_case("CCMHOSTNAME").then(|| value.trim_matches('"').to_owned())
    };
    properties.split_whitespace().find_map(named).filter(|value| !value.is_empty())
}

impl TaskSequence {
    /// The steps of a type that are not disabled.
    pub fn enabled<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Step> {
        self.steps.iter().filter(move |step| step.is_enabled && step.kind == kind)
    }

    /// Whether it puts an operating system onto the computer.
    pub fn deploys_operating_system(&self) -> bool {
        self.enabled(APPLY_OPERATING_SYSTEM).next().is_some() || self.upgrades()
    }

    /// Whether it upgrades the operating system in place.
    pub fn upgrades(&self) -> bool {
        self.enabled(UPGRADE_OPERATING_SYSTEM).next().is_some()
    }

    /// The step that sets a variable, when one does.
    pub fn sets(&self, variable: &str) -> Option<&Step> {
        self.enabled(SET_VARIABLE).find(|step| {
            step.settings.variable.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(variable))
        })
    }
}

#[cfg(test)]
#[path = "task_sequence_tests.rs"]
mod tests;
