//! Bad input: one table of cases. For each, the exact message is a snapshot, nothing is left on disk, and an output that
//! was there before is untouched.

mod command_line;
mod inputs;
mod letters;
mod looking;
mod outputs;
mod spec_files;

use std::fmt::Write as _;

use crate::support::{Sandbox, snapshot};

/// One case: what lies in the folder, what is typed, and which exit code follows.
pub struct Case {
    name: &'static str,
    prepare: Box<dyn Fn(&Sandbox)>,
    arguments: Vec<String>,
    environment: Vec<(&'static str, &'static str)>,
    input: Option<&'static str>,
    code: i32,
    about_output: bool,
}

/// A case whose arguments are separated by spaces.
pub fn case(name: &'static str, code: i32, arguments: &str) -> Case {
    Case {
        name,
        prepare: Box::new(|_| ()),
        arguments: arguments.split_whitespace().map(str::to_owned).collect(),
        environment: Vec::new(),
        input: None,
        code,
        about_output: false,
    }
}

impl Case {
    /// An argument that has white space in it.
    pub fn replacing(mut self, argument: &str, with: &str) -> Self {
        self.arguments
            .iter_mut()
            .filter(|given| *given == argument)
            .for_each(|given| *given = with.to_owned());
        self
    }

    /// Files that lie in the folder.
    pub fn with(mut self, prepare: impl Fn(&Sandbox) + 'static) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    /// An environment variable.
    pub fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// Text on standard input.
    pub fn input(mut self, text: &'static str) -> Self {
        self.input = Some(text);
        self
    }

    /// The case is about the output itself, so it is not tried again with an output that is there.
    pub fn about_output(mut self) -> Self {
        self.about_output = true;
        self
    }
}

/// Runs every case of a group and compares their messages with the group's snapshot.
pub fn check(group: &str, cases: &[Case]) {
    let mut transcript = String::new();
    for case in cases {
        let message = check_once(case, None);
        let makes_something = case.arguments.first().is_some_and(|command| command == "create");
        if makes_something && !case.about_output {
            let with_output = check_once(case, Some("--force"));
            assert_eq!(message, with_output, "{}: the message changes when there is an output", case.name);
        }
        let typed = case.arguments.join(" ");
        let _ =
            write!(transcript, "# {}\n$ tsmedia {typed}\n{message}[exit code {}]\n\n", case.name, case.code);
    }
    snapshot!(format!("bad-input-{group}"), transcript);
}

fn check_once(case: &Case, force: Option<&str>) -> String {
    let sandbox = Sandbox::new();
    (case.prepare)(&sandbox);
    if force.is_some() {
        for name in ["out.iso", "out.img"] {
            sandbox.write(name, "the old output\n");
        }
    }
    let before = sandbox.listing();
    let arguments: Vec<&str> = case.arguments.iter().map(String::as_str).chain(force).collect();
    let outcome = sandbox.run_with(&arguments, &case.environment, case.input);
    let message = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.code, case.code, "{}: {message}", case.name);
    let after = sandbox.listing();
    let names = |listing: &crate::support::Listing| listing.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "{}: files came or went", case.name);
    assert!(before == after, "{}: a file was changed", case.name);
    message
}

/// What a run needs beside what its case is about. The boot image is none: it is not read before settings are checked.
const BASE: &str = "create --boot-image boot.PS100005.wim --site-code PS1 --management-point mp.contoso.com --output out.iso";

/// The same with a boot image that is there, and good.
const REAL: &str = "create --boot-image boot.wim --site-code PS1 --management-point mp.contoso.com --label CONTOSO --output out.iso";
