//! `tsmedia create`: from settings to a medium under its name.

mod beside;
mod certificates;
mod completed;
mod environment;
mod onto_sticks;
mod spec;

use std::path::PathBuf;

use media_core::digest::Digester;
use media_core::finding::{Finding, Severity};
use media_core::media::identity::EXPIRED;
use media_core::media::validity::{Kind, Validity};
use media_core::time::Timestamp;
use media_core::{MediaSpec, StageError, StageReport, Staged};

use beside::Beside;
pub(crate) use certificates::{notes, phrase};
pub(crate) use completed::Completing;
pub(crate) use environment::{environment, given_seed, now, random_seed, seed_from};
pub(crate) use onto_sticks::{of_spec, refuse_options};
pub(crate) use spec::{Given, Note, certificate_source, media_spec};

use crate::args::{CreateArgs, RunArgs};
use crate::error::{Error, Exit, Place};
use crate::identity;
use crate::input::Opened;
use crate::interrupt::Interruption;
use crate::output::created::{self, Created};
use crate::output::planned::Planned;
use crate::output::target;
use crate::progress::Progress;
use crate::settings::{self, CertificateChoice, Decided, Settings};
use crate::spec_file::{SpecFile, SpecText};
use crate::{batch, preflight, show, site_file, spec_file};

/// Makes a medium, or with `--dry-run` says what would be made.
pub fn create(args: CreateArgs) -> Result<Exit, Error> {
    if args.batch.workers.is_some() {
        return batch::create(args);
    }
    let run = args.run.clone();
    let spec_file = run.spec.as_deref().map(spec_file::read).transpose()?;
    let text = spec_file.as_ref().map(|file| file.text.clone());
    let sticks = args.sticks.clone();
    let mut settings = settings_of(args, spec_file)?;
    if let Some(device) = onto_sticks::device(&mut settings, &run, &sticks)? {
        return onto_sticks::make(settings, text.as_ref(), &[device], &run, &sticks);
    }
    let mut decided = settings::resolve(settings, run.dry_run)?;
    let interruption = Interruption::listen()?;
    let mut progress = Progress::new(run.quiet, interruption.clone());
    let target = place(&mut decided, &run)?;
    let Ready { spec, opened, mut staged, digester } =
        ready(&mut decided, &run, text.as_ref(), &mut progress)?;
    // Whatever does not fit is refused before every byte of the inputs is read for its checksum.
    let drafted = media_core::draft(&mut staged.tree, spec.form)?;
    if let Err(error) = target::check_limit(decided.output.as_deref(), drafted.plan.len) {
        refuse_or_note(error, &mut decided, &run)?;
    }
    let Some(target) = target else {
        progress.clear();
        note_drawn(&mut decided);
        let planned = Planned::new(&drafted.plan, &staged.report, &decided);
        return show(&planned, run.json).map(|()| Exit::Done);
    };
    let beside = Beside::new(&decided, &run)?;
    let output = decided.output.as_deref().unwrap_or(&target);
    let (replace, verify) = (run.force, run.verify);
    let completing = Completing { output, target: &target, replace, verify, opened: &opened };
    let registration = created::registration(&staged.report, &spec);
    let (tree, key) = (&mut staged.tree, spec.signing_key.as_ref());
    target::clear_leftovers(&target);
    let made = completing.write(&interruption, &mut progress, |file, progress| {
        let made = media_core::make(drafted, tree, key, &digester, file, progress);
        let made = made.map_err(|error| Error::making(output, error))?;
        let beside = beside.prepare(&made.receipt, &registration)?;
        Ok((made, beside))
    })?;
    progress.clear();
    let created = Created::new(output, &made, &staged.report, &spec, &decided, run.verify);
    report(&created, &run)
}

/// Everything that a medium is made of.
struct Ready {
    spec: MediaSpec,
    opened: Vec<Opened>,
    staged: Staged,
    digester: Digester,
}

/// Reads and stages what was decided, and refuses what would be of no use.
fn ready(
    decided: &mut Decided,
    run: &RunArgs,
    text: Option<&SpecText>,
    progress: &mut Progress,
) -> Result<Ready, Error> {
    let checksum_of_boot_image = checksum_of_boot_image(decided, run)?;
    if !run.dry_run && decided.password.is_some() {
        std::thread::spawn(media_core::media::password::prepare);
    }
    let env = environment(decided.seed.as_ref())?;
    let given = spec::media_spec(decided, env.now(), run.dry_run);
    let spec::Given { mut spec, opened } = given.map_err(|error| match text {
        Some(text) => error.in_spec(text),
        None => error,
    })?;
    spec.checksum_of_boot_image = checksum_of_boot_image && !run.dry_run;
    let digester = media_core::read_ahead(&spec);
    spec.checksum_of_boot_image = checksum_of_boot_image;
    let staged = media_core::stage(&spec, &env, progress).map_err(|error| stage_error(error, decided))?;
    check_certificate(&staged.report, decided, env.now())?;
    check_validity(&staged.report.validity, decided, env.now())?;
    decided.notes.extend(preflight::notes(&media_core::preflight_facts(&spec, &staged, env.now())));
    Ok(Ready { spec, opened, staged, digester })
}

/// Whether the manifest has the checksum of the boot image.
fn checksum_of_boot_image(decided: &Decided, run: &RunArgs) -> Result<bool, Error> {
    if run.no_boot_image_checksum && decided.signing_key.is_some() {
        let message = "the manifest is to be signed, and without this checksum the signature says nothing of the boot image";
        return Err(Error::setting(message, Place::Option("--no-boot-image-checksum")));
    }
    Ok(!run.no_boot_image_checksum)
}

/// What the command line and the spec file say, with the site file and the kept identity that they name.
pub(crate) fn settings_of(args: CreateArgs, spec_file: Option<SpecFile>) -> Result<Settings, Error> {
    let mut settings = settings::merge(args, spec_file)?;
    if let Some(path) = settings.site_file() {
        settings.set_site(site_file::read(&path)?);
    }
    if let Some((path, password)) = settings.identity()? {
        settings.set_identity(identity::read(&path, password.as_ref())?);
    }
    Ok(settings)
}

/// Where the output is made. A dry run says what is wrong with the place, and goes on.
fn place(decided: &mut Decided, run: &RunArgs) -> Result<Option<PathBuf>, Error> {
    let Some(output) = &decided.output else { return Ok(None) };
    match target::check(output, run.force, &spec::inputs(decided, run.spec.as_deref())) {
        Ok(target) => Ok((!run.dry_run).then_some(target)),
        Err(error) => refuse_or_note(error, decided, run).map(|()| None),
    }
}

fn refuse_or_note(error: Error, decided: &mut Decided, run: &RunArgs) -> Result<(), Error> {
    if !run.dry_run {
        return Err(error);
    }
    decided.notes.push(format!("without --dry-run: {error}"));
    Ok(())
}

/// Refuses what `create` refuses, for one medium of many: notes are not made of each.
pub(crate) fn check(report: &StageReport, decided: &Decided, now: Timestamp) -> Result<(), Error> {
    refuse_staged(report, decided, now)?;
    refuse_validity(&report.validity, decided, now)
}

fn check_certificate(report: &StageReport, decided: &mut Decided, now: Timestamp) -> Result<(), Error> {
    refuse_staged(report, decided, now)?;
    decided.notes.extend(environment::note_validity(report.media_certificate_validity, now));
    let note = |finding: &Finding| match finding.severity {
        Severity::Note => format!("media certificate: {}", finding.message),
        Severity::Error => {
            format!("media certificate, expected to be refused by management points: {}", finding.message)
        }
    };
    decided.notes.extend(report.media_certificate_findings.iter().map(note));
    Ok(())
}

/// Refuses an imported certificate that has expired, or that management points are expected to refuse for another
/// reason; one made here was checked before it was made.
pub(crate) fn refuse_certificate(
    choice: &CertificateChoice,
    expiry: Timestamp,
    findings: &[Finding],
    (allow_expired, allow_unsuitable): (bool, bool),
    now: Timestamp,
) -> Result<(), Error> {
    let (CertificateChoice::Import { file, .. } | CertificateChoice::Kept { file, .. }) = choice else {
        return Ok(());
    };
    let path = || file.value.clone();
    if expiry < now && !allow_expired {
        return Err(Error::ExpiredCertificate { path: path(), expired: expiry });
    }
    let wrong = |finding: &&Finding| finding.severity >= Severity::Error && finding.id != EXPIRED;
    let reasons: Vec<String> = findings.iter().filter(wrong).map(|wrong| wrong.message.clone()).collect();
    if !reasons.is_empty() && !allow_unsuitable {
        return Err(Error::UnsuitableCertificate { path: path(), reasons });
    }
    Ok(())
}

fn refuse_staged(report: &StageReport, decided: &Decided, now: Timestamp) -> Result<(), Error> {
    let (_, expiry) = report.media_certificate_validity;
    let allowed = (decided.allow_expired, decided.allow_unsuitable_certificate);
    refuse_certificate(&decided.certificate, expiry, &report.media_certificate_findings, allowed, now)
}

/// Refuses a medium that is of no use any more, and notes one that is not yet. What is not valid yet among the
/// certificates that were given is noted where they are read.
fn check_validity(validity: &Validity, decided: &mut Decided, now: Timestamp) -> Result<(), Error> {
    refuse_validity(validity, decided, now)?;
    if validity.is_over(now) {
        let over = validity
            .until()
            .map(|(end, thing)| format!("the medium is of no use after {end}: {thing} ends then"));
        decided.notes.extend(over);
    }
    if let Some((start, thing)) = validity.from().filter(|(start, _)| *start > now)
        && matches!(thing.kind, Kind::Certificate { .. } | Kind::Token { .. })
    {
        decided.notes.push(format!("the medium is valid from {start}, when {thing} starts to be"));
    }
    Ok(())
}

fn refuse_validity(validity: &Validity, decided: &Decided, now: Timestamp) -> Result<(), Error> {
    if let (true, false, Some((expired, thing))) =
        (validity.is_over(now), decided.allow_expired, validity.until())
    {
        let valid_from = validity.from().map(|(start, _)| start).filter(|_| expired >= now);
        return Err(Error::Over { what: thing.to_string(), expired, valid_from });
    }
    Ok(())
}

/// Says which of the things a dry run shows the real run will not have.
fn note_drawn(decided: &mut Decided) {
    let drawn = match (&decided.media_guid, &decided.certificate) {
        (None, CertificateChoice::SelfSigned { .. }) => "the media GUID and the media certificate",
        (None, CertificateChoice::Import { .. }) => "the media GUID",
        (Some(_), CertificateChoice::SelfSigned { .. }) => "the media certificate",
        (Some(_), CertificateChoice::Import { .. }) | (_, CertificateChoice::Kept { .. }) => return,
    };
    if decided.seed.is_none() {
        let note = format!("{drawn} shown here will be others: without a seed each run draws its own");
        decided.notes.push(note);
    }
}

pub(crate) fn stage_error(error: StageError, decided: &Decided) -> Error {
    match (error, &decided.certificate) {
        (StageError::Cancelled, _) => Error::Interrupted,
        (StageError::Identity(error), CertificateChoice::Import { file, password }) => {
            let (path, has_password) = (file.value.clone(), password.is_some());
            Error::ImportedCertificate { path, has_password, error }
        }
        (error, _) => Error::Stage(error),
    }
}

fn report(created: &Created, run: &RunArgs) -> Result<Exit, Error> {
    if run.json || !run.quiet {
        show(created, run.json)?;
    }
    Ok(Exit::Done)
}
