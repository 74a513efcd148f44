//! The options about letters, and those of `tsmedia letter`.

use std::path::PathBuf;

use clap::Args;

pub(super) const ABOUT: &str = "\
Prints the letter that goes with a medium, with example facts in it: who gets it, which medium it is, what to have ready, \
which key opens the boot menu, what they will see, how long it is valid and whom to call. It fits on one page of A4 or US \
Letter.

Nothing else is made. So an organisation sees what its letters look like, and tries templates of its own: they are \
minijinja templates (much like Jinja2), and a name they do not know is an error that names it. The password is in no \
letter, and no template can put it there.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  tsmedia letter --spec media.toml
  tsmedia letter --html --organisation Contoso --contact \"Service desk, +1 555 0100\" > letter.html

Exit codes:
    0  done
    2  the command line or the spec file is wrong
    3  a template cannot be read, or makes no letter
    4  the letter cannot be printed";

/// Options about the letter to each worker.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Letter ([letter] in a spec file)")]
pub struct LetterArgs {
    /// The organisation's name
    #[arg(long, value_name = "NAME")]
    pub organisation: Option<String>,
    /// Whom to call: up to six lines of 64 characters
    #[arg(long, value_name = "TEXT")]
    pub contact: Option<String>,
    /// How the password reaches them: ends the sentence "it reaches you …" [default: separately]
    #[arg(long, value_name = "TEXT")]
    pub password_delivery: Option<String>,
    /// A template of your own for the printed letter
    ///
    /// `templates/letter.html` is the usual one, and `docs/formats.md` lists what a template can say.
    #[arg(long, value_name = "FILE")]
    pub letter_html: Option<PathBuf>,
    /// A template of your own for the letter as plain text
    #[arg(long, value_name = "FILE")]
    pub letter_text: Option<PathBuf>,
}

/// `tsmedia letter`
#[derive(Debug, Args)]
pub struct ExampleArgs {
    /// Read the table [letter] of this spec file (TOML)
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// Print the letter as a page to print
    #[arg(long, conflicts_with = "text")]
    pub html: bool,
    /// Print the letter as plain text, as when neither is said
    #[arg(long)]
    pub text: bool,
    /// The letter.
    #[command(flatten)]
    pub letter: LetterArgs,
}
