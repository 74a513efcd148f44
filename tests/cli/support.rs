//! Runs `tsmedia` in a folder of its own, in the same surroundings everywhere.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The time of runs that have to be the same each time: 2027-01-01T00:00:00Z.
pub const NOW: (&str, &str) = ("SOURCE_DATE_EPOCH", "1798761600");

/// The command that was built for another system, or what runs it here: with it in `TSMEDIA_PROGRAM`, all of the suite is
/// about that one.
pub fn of_another_system() -> Option<OsString> {
    std::env::var_os("TSMEDIA_PROGRAM")
}

/// What another system says when something is missing, in the words of this one.
fn in_our_words(text: String) -> String {
    match of_another_system() {
        Some(_) => {
            let missing = ["File not found. (os error 2)", "Path not found. (os error 3)"];
            let text = missing
                .iter()
                .fold(text, |text, said| text.replace(said, "No such file or directory (os error 2)"));
            // wine itself says this now and then when a program ends.
            text.split_inclusive('\n').filter(|line| !line.starts_with("wine client error")).collect()
        }
        None => text,
    }
}

/// A fresh folder in which the command runs. Paths given to it are relative, so that messages are the same everywhere.
pub struct Sandbox {
    folder: TempDir,
    program: OsString,
}

/// How a run ended.
pub struct Outcome {
    /// The exit code.
    pub code: i32,
    /// What was printed as a result.
    pub stdout: String,
    /// What was said.
    pub stderr: String,
}

/// A file as it is recognised: its number, length and, for small files, bytes.
pub type Listing = BTreeMap<PathBuf, (u64, u64, Vec<u8>)>;

impl Sandbox {
    pub fn new() -> Self {
        let here = Self::here();
        Self { program: of_another_system().unwrap_or(here.program), ..here }
    }

    /// For the command of this system, whatever the suite is about.
    pub fn here() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        Self { folder, program: env!("CARGO_BIN_EXE_tsmedia").into() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a file, and the folders it is in.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("the sandbox is above it")).expect("folders can be made");
        fs::write(path, bytes).expect("files can be written");
        self
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("the file was made")
    }

    /// Whether nobody but its owner may read a file. What Windows lets its folder hand down is not looked at.
    pub fn is_private(&self, name: &str) -> bool {
        let mode = self.path(name).metadata().expect("the file was made").permissions().mode();
        of_another_system().is_some() || mode & 0o777 == 0o600
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, &[], None)
    }

    /// Runs what is typed, words between spaces, at [`NOW`].
    pub fn typed(&self, typed: &str) -> Outcome {
        self.run_with(&typed.split_whitespace().collect::<Vec<_>>(), &[NOW], None)
    }

    /// The same for what must succeed; gives what it printed.
    pub fn good(&self, typed: &str) -> String {
        let outcome = self.typed(typed);
        assert_eq!(outcome.code, 0, "{typed}: {}{}", outcome.stdout, outcome.stderr);
        outcome.stdout
    }

    /// Runs with environment variables, and with text on standard input.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)], input: Option<&str>) -> Outcome {
        // Without the terminal of whoever runs the suite, so that nobody is asked for anything.
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(&self.program).args(arguments);
        self.outcome(command, environment, input)
    }

    /// Runs a shell script in which `$TSMEDIA` is the command.
    pub fn shell(&self, script: &str) -> Outcome {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).env("TSMEDIA", &self.program);
        self.outcome(command, &[], None)
    }

    /// Starts the command without waiting for its end.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.start_with(arguments, &[])
    }

    /// The same with environment variables.
    pub fn start_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        self.surroundings(&mut command)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .spawn()
            .expect("the command was built for this suite")
    }

    /// Waits for the end of a command.
    pub fn end(child: Child) -> Outcome {
        let output = child.wait_with_output().expect("a child can be waited for");
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: in_our_words(String::from_utf8(output.stdout).expect("results are UTF-8")),
            stderr: in_our_words(String::from_utf8(output.stderr).expect("messages are UTF-8")),
        }
    }

    fn surroundings<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .current_dir(self.folder.path())
            .env_remove("SOURCE_DATE_EPOCH")
            .env_remove("NO_COLOR")
            .envs([("COLUMNS", "100"), ("LC_ALL", "C"), ("TZ", "Pacific/Chatham")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
    }

    fn outcome(&self, mut command: Command, environment: &[(&str, &str)], input: Option<&str>) -> Outcome {
        let input_kind = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let command = self.surroundings(&mut command).envs(environment.iter().copied()).stdin(input_kind);
        let mut child = command.spawn().expect("the command was built for this suite");
        if let (Some(input), Some(mut stream)) = (input, child.stdin.take()) {
            // A command that fails early does not read it.
            let _ = stream.write_all(input.as_bytes());
        }
        Self::end(child)
    }

    /// Every file and folder there is, hidden ones too.
    pub fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        list(self.folder.path(), self.folder.path(), &mut listing);
        listing
    }
}

fn list(root: &Path, folder: &Path, listing: &mut Listing) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        // What a command that is running has for a moment is gone by now.
        let Ok(facts) = fs::symlink_metadata(&path) else { continue };
        let small = facts.is_file() && facts.len() < 1 << 20;
        let bytes = if small { fs::read(&path).unwrap_or_default() } else { Vec::new() };
        let name = path.strip_prefix(root).expect("it is below the root").to_owned();
        listing.insert(name, (facts.ino(), if facts.is_dir() { 0 } else { facts.len() }, bytes));
        if facts.is_dir() {
            list(root, &path, listing);
        }
    }
}

/// Compares with a stored snapshot; its name is the test's.
macro_rules! snapshot {
    ($name:expr, $value:expr) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cli/snapshots"));
        settings.bind(|| insta::assert_snapshot!($name, $value));
    }};
}
pub(crate) use snapshot;
