//! Files into a boot image.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use media_core::Plan;
use media_core::io::AtomicFile;
use media_core::service::{self, NewFile};
use media_core::wim::{self, Wim};

use super::{BOOT_IMAGE, service_error};
use crate::args::boot_image::AddFilesArgs;
use crate::error::{Error, Exit, OutputProblem, Place};
use crate::interrupt::Interruption;
use crate::output::boot_image::files::AddedFiles;
use crate::output::target;
use crate::progress::Progress;
use crate::{input, show};

/// No tree of files for a boot image has more.
const MOST_FILES: usize = 100_000;

pub(super) fn add(args: &AddFilesArgs) -> Result<Exit, Error> {
    let path = &args.boot_image;
    let files = files(args)?;
    let (output, force) = match &args.output.output {
        Some(output) => (output.as_path(), args.output.force),
        // The boot image itself is what is replaced, and not before the new one is complete.
        None => (path.as_path(), true),
    };
    let inputs: &[target::Input<'_>] = if args.output.output.is_some() { &[(BOOT_IMAGE, path)] } else { &[] };
    let source = input::open(path, BOOT_IMAGE)?;
    let target = target::check(output, force, inputs)?;
    let failed = |error| service_error(path, error);
    let wim = Wim::open(source.source()).map_err(|error| failed(error.into()))?;
    let images = service::images(&wim, args.image.image.0).map_err(failed)?;

    let mut report = AddedFiles::new(path, args.output.output.as_deref());
    let in_place = args.output.output.is_none();
    let interruption = Interruption::listen()?;
    let mut progress = Progress::new(args.output.quiet, interruption.clone());
    let system = |error| Error::Output { path: target.clone(), problem: OutputProblem::System(error) };
    let mut file: Option<AtomicFile> = None;
    for image in images {
        let current = match &file {
            Some(file) => {
                let source = Arc::new(file.source().map_err(system)?);
                Wim::open(source).map_err(|error| failed(error.into()))?
            }
            None => wim.clone(),
        };
        let plan = service::plan_files(&current, image, &files).map_err(failed)?;
        report.add(image, &plan.files);
        if !plan.is_changed() && (in_place || file.is_some()) {
            continue;
        }
        let mut next = AtomicFile::create(&target).map_err(system)?;
        interruption.making(next.temporary());
        let content = Plan::of_file("WIM file", &plan.edited.content());
        media_core::write(&content, &mut next, &mut progress)
            .map_err(|error| Error::writing(&target, error))?;
        if !plan.additions.is_empty() {
            wim::add(next.temporary(), image, &plan.additions).map_err(|error| failed(error.into()))?;
        }
        file = Some(next);
    }
    source.check_unchanged()?;
    if interruption.asked() {
        return Err(Error::Interrupted);
    }
    if let Some(file) = file {
        check(&target, &file, &files, args)?;
        // Windows gives its name to no other file while it is open.
        drop((wim, source));
        target::keep(file, &target, force)?;
    }
    progress.clear();
    if args.output.json || !args.output.quiet {
        show(&report, args.output.json)?;
    }
    Ok(Exit::Done)
}

/// Reads back what was written: every file is there now.
fn check(target: &Path, file: &AtomicFile, files: &[NewFile], args: &AddFilesArgs) -> Result<(), Error> {
    let failed = |error| service_error(target, error);
    let system = |error| Error::Output { path: target.to_owned(), problem: OutputProblem::System(error) };
    let written = Arc::new(file.source().map_err(system)?);
    let wim = Wim::open(written).map_err(|error| failed(error.into()))?;
    for image in service::images(&wim, args.image.image.0).map_err(failed)? {
        if service::plan_files(&wim, image, files).map_err(failed)?.is_changed() {
            return Err(Error::NotWritten { path: target.to_owned() });
        }
    }
    Ok(())
}

/// Every file with its place in the image.
fn files(args: &AddFilesArgs) -> Result<Vec<NewFile>, Error> {
    let to = args.to.as_deref().unwrap_or_default().trim_end_matches(['\\', '/']);
    if to.split(['\\', '/']).any(|name| matches!(name, "." | "..") || name.contains(':')) {
        let message = "expected a path from the root of the image, for example \\sms\\bin\\x64";
        return Err(Error::setting(message, Place::Option("--to")));
    }
    if let Some(tree) = &args.tree {
        return below(tree, to);
    }
    let one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        let is_file = path.is_file();
        match name.filter(|_| is_file) {
            Some(name) => Ok(NewFile { source: path.clone(), target: format!(r"{to}\{name}") }),
            None => {
                let error = fs::metadata(path).err().unwrap_or_else(|| io::ErrorKind::IsADirectory.into());
                Err(Error::Unreadable { what: "file", path: path.clone(), error })
            }
        }
    };
    args.files.iter().map(one).collect()
}

/// The files of a folder, and the empty folders in it, in order of their names.
fn below(tree: &Path, to: &str) -> Result<Vec<NewFile>, Error> {
    let mut found = Vec::new();
    let mut waiting = vec![(tree.to_owned(), to.to_owned())];
    while let Some((folder, target)) = waiting.pop() {
        let unreadable = |error| Error::Unreadable { what: "folder", path: folder.clone(), error };
        let entries: io::Result<Vec<_>> = fs::read_dir(&folder).map_err(unreadable)?.collect();
        let mut names: Vec<_> = entries.map_err(unreadable)?.iter().map(fs::DirEntry::file_name).collect();
        names.sort();
        if names.is_empty() && folder != tree {
            found.push(NewFile { source: folder.clone(), target: target.clone() });
        }
        for name in names {
            let source = folder.join(&name);
            let Some(name) = name.to_str() else {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "its name is not UTF-8 text");
                return Err(Error::Unreadable { what: "file", path: source, error });
            };
            let target = format!(r"{target}\{name}");
            if found.len() + waiting.len() >= MOST_FILES {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "it holds more than 100000 files");
                return Err(Error::Unreadable { what: "folder", path: tree.to_owned(), error });
            }
            let facts = fs::metadata(&source);
            let facts =
                facts.map_err(|error| Error::Unreadable { what: "file", path: source.clone(), error })?;
            if facts.is_dir() {
                waiting.push((source, target))
            } else {
                found.push(NewFile { source, target })
            }
        }
    }
    found.sort_by(|left, right| left.target.cmp(&right.target));
    Ok(found)
}
