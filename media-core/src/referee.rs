//! Programs we did not write, as referees of tests.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whether a program is installed. Where it is not, the test says that it is skipped; in continuous integration it fails.
pub fn installed(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    assert!(found || std::env::var("CI").as_deref() != Ok("true"), "{program} is not installed");
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// A temporary folder that is gone when the test is over.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("media-core-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self(path)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).expect("the temporary folder is writable");
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).expect("the program wrote the file")
    }

    /// Runs a program in the folder, and gives whether it succeeded and what it said.
    pub fn try_run(&self, program: &str, arguments: &str) -> (bool, String) {
        let output = Command::new(program)
            .args(split(arguments))
            .current_dir(&self.0)
            .output()
            .expect("the program starts");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// The same for a program that must succeed.
    pub fn run(&self, program: &str, arguments: &str) -> String {
        let (succeeded, said) = self.try_run(program, arguments);
        assert!(succeeded, "{program} {arguments}\n{said}");
        said
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Arguments separated by spaces, with `'` around those that contain some.
fn split(arguments: &str) -> Vec<String> {
    let mut all = vec![];
    for (part, quoted) in arguments.split('\'').zip([false, true].into_iter().cycle()) {
        if quoted {
            all.push(part.to_owned());
        } else {
            all.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    all
}
