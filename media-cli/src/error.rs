//! Every error of the command: its words, its advice and its exit code. The library carries the facts; what to do about
//! them is said here and nowhere else.

mod advice;
mod keys_only;
mod render;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use media_core::media::identity::IdentityError;
use media_core::media::manifest::ManifestError;
use media_core::media::password::{SHORTEST, Strength};
use media_core::media::preflight::ExportError;
use media_core::media::preflight::task_sequence::TaskSequenceError;
use media_core::media::signing::KeyError;
use media_core::media::store::CertificateFileError;
use media_core::media::variables::VariablesError;
use media_core::service::ServiceError;
use media_core::time::Timestamp;
use media_core::{
    DonorError, InspectError, MakeError, PersonaliseError, PlanError, ReworkError, SealError, StageError,
    TransferError, VerifyError, WriteError,
};
use thiserror::Error as ThisError;

use crate::spec_file::SpecText;
use crate::workers::letter::LetterProblem;
use crate::workers::problem::Wrong;
use crate::workers::register::RegisterProblem;

pub(crate) use advice::ALLOW_EXPIRED;

/// The exit codes of `tsmedia`, as `tsmedia --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; with `verify`: the medium is intact.
    Done = 0,
    /// `verify` found something wrong, `preflight` a broken rule, or `inspect` a medium that ends too soon.
    Found = 1,
    /// The command line or the spec file is wrong.
    Usage = 2,
    /// An input cannot be used.
    Input = 3,
    /// The output cannot be written.
    Output = 4,
    /// `inspect` or `verify` could not look.
    CouldNotLook = 5,
    /// `verify` found the medium intact, and has notes.
    Notes = 6,
    /// Interrupted.
    Interrupted = 130,
}

/// Where a setting was given.
#[derive(Debug, Clone)]
pub enum Place {
    /// By this option on the command line.
    Option(&'static str),
    /// In these bytes of the spec file.
    SpecFile(Range<usize>),
    /// Nowhere, which is what is wrong.
    Nowhere,
}

/// A setting that is wrong, missing, or contradicts another.
#[derive(Debug)]
pub struct SettingError {
    message: String,
    place: Place,
    also: Place,
    hint: Option<String>,
    spec: Option<SpecText>,
    hides_values: bool,
}

/// What is wrong with a password. Never says what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
pub enum PasswordProblem {
    /// The first line is empty.
    #[error("the first line is empty")]
    Empty,
    /// It is set to nothing.
    #[error("it is empty")]
    SetToNothing,
    /// There is no such environment variable.
    #[error("it is not set")]
    NotSet,
    /// Bytes that are no text.
    #[error("it is not text (UTF-8, or UTF-16 with a byte order mark)")]
    NotText,
    /// Far more than a password.
    #[error("it is far longer than a password")]
    TooLong,
    /// What should be the name of a variable cannot be one.
    #[error("what was given is not the name of one")]
    NotAName,
    /// Something that nobody can type.
    #[error("it holds a control character")]
    ControlCharacter,
    /// There is nobody to ask.
    #[error("there is no terminal, so nobody can be asked")]
    NoTerminal,
    /// The two entries differ.
    #[error("the two entries are not the same")]
    Different,
}

/// Why the output cannot be made where it is to be.
#[derive(Debug, ThisError)]
pub enum OutputProblem {
    /// There is a file already.
    #[error("it exists already")]
    Exists,
    /// It is there, and is something else.
    #[error("it exists already and is not {0}")]
    Other(&'static str),
    /// It is a folder.
    #[error("it is a folder")]
    Folder,
    /// It is a device, a pipe or a socket.
    #[error("it is not a regular file")]
    NotAFile,
    /// It ends in a slash, or is `.` or `..`.
    #[error("it names no file")]
    NoName,
    /// Its folder does not exist.
    #[error("there is no folder {}", .0.display())]
    NoFolder(PathBuf),
    /// What should be its folder is a file.
    #[error("{} is not a folder", .0.display())]
    FolderIsAFile(PathBuf),
    /// It is the same file as an input.
    #[error("it is the same file as the {what} {}", path.display())]
    IsInput {
        /// What the input is.
        what: &'static str,
        /// What the user calls it.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{0}")]
    System(io::Error),
}

/// Why `tsmedia` did not do what was asked.
#[derive(Debug, ThisError)]
pub enum Error {
    /// A setting is wrong.
    #[error("{}", .0.message)]
    Setting(Box<SettingError>),
    /// An environment variable that the command itself reads is wrong.
    #[error("environment variable {name}: {problem}")]
    Environment {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A file cannot be read.
    #[error("cannot read the {what} {}", path.display())]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// What the user calls it.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A file is larger than any of its kind.
    #[error("the {what} {} is larger than {limit} bytes", path.display())]
    TooLarge {
        /// What it should be.
        what: &'static str,
        /// What the user calls it.
        path: PathBuf,
        /// How long it may be.
        limit: u64,
    },
    /// A file is not UTF-8 text.
    #[error("the {what} {} is not UTF-8 text: line {line} holds other bytes", path.display())]
    NotText {
        /// What it should be.
        what: &'static str,
        /// What the user calls it.
        path: PathBuf,
        /// The first line that is not text, counted from 1.
        line: usize,
    },
    /// A file of certificates cannot be used.
    #[error("the certificate file {}: {error}", path.display())]
    Certificates {
        /// What the user calls it.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: CertificateFileError,
    },
    /// The PKI certificate for the media cannot be used.
    #[error("the media certificate {}: {error}", path.display())]
    ImportedCertificate {
        /// What the user calls it.
        path: PathBuf,
        /// Whether a password was given for it.
        has_password: bool,
        /// What is wrong.
        #[source]
        error: IdentityError,
    },
    /// An identity file cannot be used.
    #[error("the identity file {}: {error}", path.display())]
    Identity {
        /// What the user calls it.
        path: PathBuf,
        /// Whether a password was given for it.
        has_password: bool,
        /// What is wrong.
        #[source]
        error: IdentityError,
    },
    /// A medium of the site cannot be read.
    #[error("the medium {}: {error}", path.display())]
    Donor {
        /// What the user calls it.
        path: PathBuf,
        /// Whether a password was given for it.
        has_password: bool,
        /// What is wrong.
        #[source]
        error: Box<DonorError>,
    },
    /// A file that describes the media of a site is wrong. Its values are never shown.
    #[error("the site file {}{}: {problem}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
    SiteFile {
        /// What the user calls it.
        path: PathBuf,
        /// The line, counted from 1, where it is known.
        line: Option<usize>,
        /// What is wrong.
        problem: String,
    },
    /// The PKI certificate for the media has expired.
    #[error("the media certificate {} expired on {expired}", path.display())]
    ExpiredCertificate {
        /// What the user calls it.
        path: PathBuf,
        /// The last moment it was valid.
        expired: Timestamp,
    },
    /// Something on the medium has expired, or will have when the rest of it becomes valid.
    #[error("the medium would be of no use: {what} {}", over_since(*.expired, *.valid_from))]
    Over {
        /// What ends first.
        what: String,
        /// The last moment it was valid.
        expired: Timestamp,
        /// When the last thing on the medium becomes valid, if that is later.
        valid_from: Option<Timestamp>,
    },
    /// Management points are expected to refuse the PKI certificate for the media.
    #[error("the media certificate {} is not suitable: {}", path.display(), reasons.join("; "))]
    UnsuitableCertificate {
        /// What the user calls it.
        path: PathBuf,
        /// What is wrong with it.
        reasons: Vec<String>,
    },
    /// An exported task sequence cannot be used.
    #[error("the task sequence {}: {error}", path.display())]
    TaskSequence {
        /// What the user calls it.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: Box<TaskSequenceError>,
    },
    /// Another export of the site cannot be used.
    #[error("the {what} {}: {error}", path.display())]
    Export {
        /// What it should be.
        what: &'static str,
        /// What the user calls it.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: ExportError,
    },
    /// The media variables cannot be read with the password that was given.
    #[error("the media variables of {}: {error}", path.display())]
    NotOpened {
        /// What the user calls the medium.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: VariablesError,
    },
    /// A medium is of no use soon, or any more.
    #[error(
        "{} {} on {end} ({what}){}",
        path.display(),
        if *.over { "ended" } else { "ends" },
        if *.over { String::new() } else { format!(", sooner than {within} from now") }
    )]
    Ends {
        /// What the user calls the medium.
        path: PathBuf,
        /// What ends first.
        what: String,
        /// When.
        end: Timestamp,
        /// Whether that is in the past.
        over: bool,
        /// How long it should last.
        within: String,
    },
    /// It cannot be said how long a medium is of use.
    #[error("it is not known how long {} lasts: {reason}", path.display())]
    EndNotKnown {
        /// What the user calls the medium.
        path: PathBuf,
        /// What was not looked at.
        reason: String,
        /// Whether the media password is what it takes.
        needs_password: bool,
    },
    /// The media variables are under a password, and none was given.
    #[error("the media variables of {} are under a password", path.display())]
    NeedsPassword {
        /// What the user calls the medium.
        path: PathBuf,
    },
    /// A medium cannot be changed as it should be.
    #[error("cannot change {}: {error}", path.display())]
    Rework {
        /// What the user calls it.
        path: PathBuf,
        /// What is in the way.
        #[source]
        error: ReworkError,
    },
    /// A medium to be changed is in use.
    #[error("cannot change {}: it is in use", path.display())]
    Busy {
        /// What the user calls it.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// There are no media variables where they should be.
    #[error("{} has no media variables (SMS/data/variables.dat)", path.display())]
    NoVariables {
        /// What the user calls it.
        path: PathBuf,
    },
    /// A large input was written to while it was read, so that the medium may not fit together.
    #[error("the {what} {} changed while it was read", path.display())]
    Changed {
        /// What it is.
        what: &'static str,
        /// What the user calls it.
        path: PathBuf,
    },
    /// A password cannot be had.
    #[error("{what} from {place}: {problem}")]
    Password {
        /// Which password.
        what: &'static str,
        /// Where it should come from.
        place: String,
        /// What is wrong.
        problem: PasswordProblem,
    },
    /// The media password is weak. Never says what it is.
    #[error(
        "the media password is weak: it has {} character{} and would hold for {} against whoever finds the medium; at \
         least {SHORTEST} characters that hold for a year are needed",
        .0.characters,
        if .0.characters == 1 { "" } else { "s" },
        .0.holds()
    )]
    WeakPassword(Strength),
    /// A line of a file of variables is wrong. The line itself is never shown.
    #[error("{}, line {line}: {problem}", path.display())]
    Variables {
        /// What the user calls the file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A list of workers is wrong. Its cells are never shown.
    #[error("{}, line {}{}: {}", path.display(), wrong.line, advice::column(wrong), wrong.problem)]
    Workers {
        /// What the user calls the file.
        path: PathBuf,
        /// What is wrong, and where.
        wrong: Wrong,
    },
    /// A register of media that were made cannot be used.
    #[error("the register {}: {problem}", path.display())]
    Register {
        /// What the user calls it.
        path: PathBuf,
        /// What is wrong.
        problem: RegisterProblem,
    },
    /// Another run writes the same register.
    #[error("the batch in {} is being made, or put on sticks, by another run of this program", folder.display())]
    BatchInUse {
        /// What the user calls its folder.
        folder: PathBuf,
    },
    /// There is no batch where one is to be put on sticks.
    #[error("there is no register of a batch in {}", folder.display())]
    NoBatch {
        /// What the user calls the folder.
        folder: PathBuf,
    },
    /// A medium of a batch is not what the register says.
    #[error("{} is not the medium that the register names", path.display())]
    NotRegistered {
        /// Its file.
        path: PathBuf,
    },
    /// A letter cannot be made of its template.
    #[error("the letter {}{}: {problem}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Letter {
        /// What the user calls the template.
        path: PathBuf,
        /// The line, counted from 1, where it is known.
        line: Option<usize>,
        /// What is wrong.
        problem: LetterProblem,
    },
    /// The output.
    #[error("cannot write {}: {problem}", path.display())]
    Output {
        /// What the user calls it.
        path: PathBuf,
        /// What is wrong.
        problem: OutputProblem,
    },
    /// The medium could not be staged.
    #[error("{}", advice::staging(.0))]
    Stage(StageError),
    /// The medium could not be laid out.
    #[error("the medium cannot be laid out: {0}")]
    Plan(#[from] PlanError),
    /// A key cannot be used.
    #[error("{}: {error}", path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// Why.
        error: KeyError,
    },
    /// A medium cannot be made somebody else's.
    #[error("{}: {error}", path.display())]
    Personalise {
        /// The medium.
        path: PathBuf,
        /// Why.
        error: PersonaliseError,
    },
    /// What should be a receipt is none.
    #[error("{}: {error}", path.display())]
    NotAReceipt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: ManifestError,
    },
    /// The medium could not be sealed.
    #[error("{0}")]
    Seal(SealError),
    /// The medium could not be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// What the user calls the output.
        path: PathBuf,
        /// What went wrong.
        #[source]
        error: WriteError,
    },
    /// A medium cannot be looked at.
    #[error("cannot look at {}: {error}", path.display())]
    Inspect {
        /// What the user calls it.
        path: PathBuf,
        /// What went wrong.
        #[source]
        error: InspectError,
    },
    /// A medium cannot be checked.
    #[error("cannot check {}: {error}", path.display())]
    Verify {
        /// What the user calls it.
        path: PathBuf,
        /// What went wrong.
        #[source]
        error: VerifyError,
    },
    /// A file to look at cannot be opened.
    #[error("cannot read {}", path.display())]
    CannotOpen {
        /// What the user calls it.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The written medium did not pass its own verification and was removed.
    #[error(
        "the medium that was written is not intact, and was removed ({count} findings; the first: {first})"
    )]
    NotIntact {
        /// How many errors were found.
        count: usize,
        /// The first of them.
        first: String,
    },
    /// A boot image cannot be serviced.
    #[error("the boot image {}: {error}", path.display())]
    Service {
        /// What the user calls it.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: Box<ServiceError>,
    },
    /// A changed boot image did not pass its own check.
    #[error("{}: what was read back is not what was written", path.display())]
    NotWritten {
        /// What the user calls it.
        path: PathBuf,
    },
    /// It is not known which disks there are.
    #[error("the disks of this machine: {0}")]
    Devices(#[from] media_devices::DevicesError),
    /// A medium cannot be put on sticks.
    #[error("cannot put {} on a stick: {error}", path.display())]
    Transfer {
        /// What the user calls the medium.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: TransferError,
    },
    /// The results could not be printed.
    #[error("cannot write to standard output")]
    StandardOutput(#[source] io::Error),
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(String),
    /// Ctrl-C could not be set up.
    #[error("interruption cannot be handled: {0}")]
    NoInterruption(String),
    /// The user or the system stopped it.
    #[error("interrupted; nothing was left behind")]
    Interrupted,
}

fn over_since(expired: Timestamp, valid_from: Option<Timestamp>) -> String {
    match valid_from {
        None => format!("expired on {expired}"),
        Some(start) => format!("expires on {expired}, before all of it is valid ({start})"),
    }
}

impl Error {
    /// A setting that is wrong in itself.
    pub fn setting(message: impl Into<String>, place: Place) -> Self {
        let (message, also) = (message.into(), Place::Nowhere);
        Self::Setting(Box::new(SettingError {
            message,
            place,
            also,
            hint: None,
            spec: None,
            hides_values: false,
        }))
    }

    /// What became of writing a file; a wish to stop is no failure.
    pub fn writing(path: &Path, error: WriteError) -> Self {
        match error {
            WriteError::Cancelled => Self::Interrupted,
            error => Self::Write { path: path.to_owned(), error },
        }
    }

    /// What became of making a medium.
    pub fn making(path: &Path, error: MakeError) -> Self {
        match error {
            MakeError::Write(error) => Self::writing(path, error),
            MakeError::Seal(error) => Self::Seal(error),
        }
    }

    /// A setting that contradicts the one at `also`.
    pub fn conflict(message: &str, place: Place, also: Place) -> Self {
        let message = message.to_owned();
        Self::Setting(Box::new(SettingError {
            message,
            place,
            also,
            hint: None,
            spec: None,
            hides_values: false,
        }))
    }

    /// Says what to do about a setting.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Setting(setting) = &mut self {
            setting.hint = Some(hint.into());
        }
        self
    }

    /// Keeps the values of the spec file out of what is printed: they may be secret, or are not known not to be.
    #[must_use]
    pub fn hiding_values(mut self) -> Self {
        if let Self::Setting(setting) = &mut self {
            setting.hides_values = true;
        }
        self
    }

    /// Gives a setting's error the text it points into.
    #[must_use]
    pub fn in_spec(mut self, spec: &SpecText) -> Self {
        if let Self::Setting(setting) = &mut self {
            setting.spec = Some(spec.clone());
        }
        self
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Setting(_) | Self::Environment { .. } => Exit::Usage,
            Self::Unreadable { .. } | Self::TooLarge { .. } | Self::NotText { .. } => Exit::Input,
            Self::Variables { .. } | Self::TaskSequence { .. } | Self::Export { .. } => Exit::Input,
            Self::WeakPassword(_)
            | Self::Password { .. }
            | Self::Certificates { .. }
            | Self::ImportedCertificate { .. } => Exit::Input,
            Self::ExpiredCertificate { .. } | Self::Over { .. } => Exit::Input,
            Self::UnsuitableCertificate { .. } => Exit::Input,
            Self::NotOpened { .. } | Self::Changed { .. } | Self::NotAReceipt { .. } => Exit::Input,
            Self::Personalise { .. } | Self::Key { .. } => Exit::Input,
            Self::Identity { .. } | Self::Donor { .. } | Self::SiteFile { .. } => Exit::Input,
            Self::Workers { .. } | Self::Register { .. } | Self::Letter { .. } => Exit::Input,
            Self::NeedsPassword { .. } | Self::NoVariables { .. } => Exit::Input,
            Self::Rework { error, .. } => advice::exit_of_rework(error),
            Self::Busy { .. } => Exit::Output,
            Self::Output { problem: OutputProblem::IsInput { .. } | OutputProblem::NoName, .. } => {
                Exit::Usage
            }
            Self::Output { .. } | Self::StandardOutput(_) => Exit::Output,
            Self::Stage(error) => advice::exit_of_stage(error),
            Self::Plan(error) | Self::Seal(SealError::Plan(error)) => advice::exit_of_plan(error),
            Self::Seal(SealError::Manifest(ManifestError::Cancelled)) => Exit::Interrupted,
            Self::Seal(_) => Exit::Input,
            Self::Write { error, .. } => advice::exit_of_write(error),
            Self::Inspect { .. } | Self::Verify { .. } | Self::CannotOpen { .. } => Exit::CouldNotLook,
            Self::EndNotKnown { .. } => Exit::CouldNotLook,
            Self::NotIntact { .. } | Self::Ends { .. } => Exit::Found,
            Self::Service { error, .. } => advice::exit_of_service(error),
            Self::NotWritten { .. } => Exit::Output,
            Self::Devices(_) => Exit::CouldNotLook,
            Self::Transfer { .. } | Self::NoBatch { .. } | Self::NotRegistered { .. } => Exit::Input,
            Self::BatchInUse { .. } => Exit::Output,
            Self::NoRandomness(_) | Self::NoInterruption(_) => Exit::Input,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// The error as it is printed, with colours or without.
    pub fn render(&self, colour: bool) -> String {
        render::render(self, colour)
    }
}
