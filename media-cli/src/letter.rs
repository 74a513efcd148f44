//! `tsmedia letter`: shows what the letters of a batch look like.

use crate::args::letter::ExampleArgs;
use crate::error::{Error, Exit};
use crate::workers::letter::{LetterFacts, Letters};
use crate::{print, settings, spec_file};

/// Prints a letter with example facts.
pub fn example(args: ExampleArgs) -> Result<Exit, Error> {
    let spec = args.spec.as_deref().map(spec_file::read).transpose()?;
    let choice = settings::letter_choice(args.letter, spec)?;
    let letters = Letters::read(&choice)?;
    let facts = LetterFacts::example(&choice);
    print(&if args.html { letters.html(&facts) } else { letters.text(&facts) }?)?;
    Ok(Exit::Done)
}
