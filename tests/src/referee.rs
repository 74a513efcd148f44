//! Examiners that somebody else wrote: run one, and say what it said.
//!
//! A missing examiner is skipped with a message at home and is a failure in continuous integration (`CI=true`),
//! so that no suite passes there because nobody looked.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What an examiner said.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The command line, for messages.
    pub command: String,
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Everything on standard output.
    pub stdout: Vec<u8>,
    /// Everything on standard error.
    pub stderr: Vec<u8>,
}

/// Runs `tool` with `arguments`; `None` when it is not installed and that is allowed.
///
/// The language is fixed to `C` and the time zone to UTC, so that what is said does not depend on the machine.
///
/// # Panics
/// When the tool is missing with `CI=true`, or cannot be started.
pub fn run(tool: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Option<Verdict> {
    run_in(Path::new("."), tool, arguments)
}

/// As [`run`], in another working folder.
///
/// # Panics
/// As [`run`].
pub fn run_in(
    folder: &Path,
    tool: &str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Option<Verdict> {
    // A path is taken as it is: the Python of a virtual environment, for example.
    let program = if tool.contains('/') { PathBuf::from(tool) } else { find(tool)? };
    let arguments: Vec<OsString> = arguments.into_iter().map(|argument| argument.as_ref().into()).collect();
    let command = format!("{tool} {}", arguments.join(OsStr::new(" ")).to_string_lossy());
    let output = Command::new(program)
        .args(&arguments)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        // mtools refuses media whose geometry it finds odd; what is on them is checked by other examiners.
        .env("MTOOLS_SKIP_CHECK", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command}: cannot be started: {error}"));
    Some(Verdict { command, code: output.status.code(), stdout: output.stdout, stderr: output.stderr })
}

/// Where `tool` is; `None` when it is not installed and that is allowed.
///
/// # Panics
/// When it is missing with `CI=true`.
pub fn find(tool: &str) -> Option<PathBuf> {
    let found = look_up(tool);
    if found.is_none() {
        missing(&format!("`{tool}` is not installed (`cargo xtask setup --referees` installs it)"));
    }
    found
}

/// Where `file` (a firmware image, a GRUB platform) is; `None` when it is absent and that is allowed.
///
/// # Panics
/// When it is missing with `CI=true`.
pub fn find_file(file: &str) -> Option<PathBuf> {
    let path = PathBuf::from(file);
    if path.exists() {
        return Some(path);
    }
    missing(&format!("{file} is not there (`cargo xtask setup --referees` installs it)"));
    None
}

/// The Python that has `package`, which `cargo xtask test` names in `TSMEDIA_VENV`; `None` when there is none and that is
/// allowed.
///
/// # Panics
/// When it is missing with `CI=true`.
pub fn python_with(package: &str) -> Option<PathBuf> {
    let venv = env::var_os("TSMEDIA_VENV").map(PathBuf::from).unwrap_or_default();
    let python = venv.join("bin/python");
    let packages = venv.join("lib").read_dir().into_iter().flatten().flatten();
    let there =
        packages.map(|folder| folder.path().join("site-packages").join(package)).any(|path| path.is_dir());
    if there && python.is_file() {
        return Some(python);
    }
    missing(&format!("{package} is not installed (`cargo xtask test` installs it and sets TSMEDIA_VENV)"));
    None
}

fn look_up(tool: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Examiners of disks live where only root's PATH leads on Debian.
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|folder| folder.join(tool)).find(|program| program.is_file())
}

/// Says that something is not there.
///
/// # Panics
/// With `CI=true`.
pub fn missing(what: &str) {
    if in_ci() {
        panic!("{what}, and CI=true allows no skipping");
    }
    eprintln!("skipped: {what}");
}

/// Whether this is continuous integration, where nothing may be skipped.
pub fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

impl Verdict {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Itself, when the exit code is 0.
    ///
    /// # Panics
    /// Otherwise, with everything that was said.
    #[track_caller]
    #[must_use]
    pub fn success(self) -> Self {
        assert!(self.code == Some(0), "{} ended with {:?}{}", self.command, self.code, self.said());
        self
    }

    /// Itself, when nothing was said on standard error.
    ///
    /// # Panics
    /// Otherwise, with everything that was said.
    #[track_caller]
    #[must_use]
    pub fn no_complaint(self) -> Self {
        assert!(self.stderr.is_empty(), "{} complained{}", self.command, self.said());
        self
    }

    /// Itself, when the exit code is 0 and neither output says any of `words` (case ignored).
    ///
    /// # Panics
    /// Otherwise, with everything that was said.
    #[track_caller]
    #[must_use]
    pub fn without(self, words: &[&str]) -> Self {
        let verdict = self.success();
        let said = verdict.said().to_lowercase();
        for word in words {
            assert!(
                !said.contains(&word.to_lowercase()),
                "{} says `{word}`{}",
                verdict.command,
                verdict.said()
            );
        }
        verdict
    }

    /// Itself, when standard output contains `text`.
    ///
    /// # Panics
    /// Otherwise, with everything that was said.
    #[track_caller]
    #[must_use]
    pub fn says(self, text: &str) -> Self {
        assert!(self.text().contains(text), "{} does not say `{text}`{}", self.command, self.said());
        self
    }

    fn said(&self) -> String {
        format!("\n--- stdout\n{}\n--- stderr\n{}", self.text(), self.complaint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_there_is_heard() {
        let verdict = run("sh", ["-c", "echo out; echo err >&2; exit 3"]).expect("sh is everywhere");
        assert_eq!((verdict.code, verdict.text().as_str()), (Some(3), "out\n"));
        assert_eq!(verdict.complaint(), "err\n");
    }

    #[test]
    #[should_panic(expected = "ended with Some(3)")]
    fn failure_is_not_success() {
        let _ = run("sh", ["-c", "exit 3"]).expect("sh is everywhere").success();
    }

    #[test]
    #[should_panic(expected = "says `warning`")]
    fn a_warning_is_found_on_either_output() {
        let _ = run("sh", ["-c", "echo 'WARNING: odd' >&2"]).expect("sh is everywhere").without(&["warning"]);
    }
}
