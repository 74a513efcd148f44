//! `tsmedia preflight`: what must be right before a medium is worth posting.

use std::path::Path;

use media_core::media::password;
use media_core::media::preflight::{self, Facts, Outcome, client_settings, deployment, task_sequence};
use media_core::media::store::Store;
use media_core::x509::Certificate;

use crate::args::batch::BatchArgs;
use crate::args::letter::LetterArgs;
use crate::args::sticks::StickArgs;
use crate::args::{CreateArgs, ExportArgs, PreflightArgs, RunArgs};
use crate::create::{self, Given};
use crate::error::{Error, Exit};
use crate::interrupt::Interruption;
use crate::output::preflight::Preflight;
use crate::progress::Progress;
use crate::secrets::PasswordSource;
use crate::{certificates, input, settings, show, spec_file};

/// Exports with content beside them have about 1 MB.
const LARGEST_TASK_SEQUENCE: u64 = 64 << 20;
const LARGEST_EXPORT: u64 = 16 << 20;
const TASK_SEQUENCE: &str = "task sequence";

/// Checks a medium and its site.
pub fn preflight(args: PreflightArgs) -> Result<Exit, Error> {
    let PreflightArgs { preflight: run, boot, site, security, media, output } = args;
    let spec_file = run.spec.as_deref().map(spec_file::read).transpose()?;
    let text = spec_file.as_ref().map(|file| file.text.clone());
    let described = CreateArgs {
        run: RunArgs { spec: run.spec.clone(), ..RunArgs::default() },
        boot,
        site,
        security,
        media,
        output,
        // It is about media, and the spec file alone may speak of letters.
        letter: LetterArgs::default(),
        batch: BatchArgs::default(),
        sticks: StickArgs::default(),
    };
    let mut settings = create::settings_of(described, spec_file)?;
    let assumed = settings.for_preflight();
    let mut decided = settings::resolve(settings, true)?;
    let said_by_site = exports(&run)?;
    let server = run.cmg_certificate.as_deref().map(server).transpose()?;

    let env = create::environment(decided.seed.as_ref())?;
    // Nobody is asked for it only to be told about it.
    let is_asked_for = matches!(decided.password, Some(PasswordSource::Prompt));
    let given = create::media_spec(&mut decided, env.now(), is_asked_for);
    let Given { spec, opened } = given.map_err(|error| match &text {
        Some(text) => error.in_spec(text),
        None => error,
    })?;
    let mut progress = Progress::new(run.quiet, Interruption::listen()?);
    let staged = media_core::stage(&spec, &env, &mut progress);
    let staged = staged.map_err(|error| create::stage_error(error, &decided))?;
    let mut facts = media_core::preflight_facts(&spec, &staged, env.now());
    media_core::look_into_boot_image(&mut facts, &staged, server.as_deref())
        .map_err(|error| Error::Service { path: decided.boot_image.value.clone(), error: Box::new(error) })?;
    let facts = Facts {
        password: password::strength_of(&spec).filter(|_| !is_asked_for),
        site_version: run.site_version,
        task_sequence: said_by_site.task_sequence,
        deployment: said_by_site.deployment,
        client_settings: said_by_site.client_settings,
        ..facts
    };
    opened.iter().try_for_each(|opened| opened.check_unchanged())?;
    progress.clear();

    let report = Preflight::new(&preflight::report(&facts), assumed);
    show(&report, run.json)?;
    let is_broken = report.errors() > 0 || (run.strict && report.unanswered() > 0);
    Ok(if is_broken { Exit::Found } else { Exit::Done })
}

/// What making a medium has no words of its own for, and the specification alone shows to be broken.
pub(crate) fn notes(facts: &Facts) -> Vec<String> {
    let broken = preflight::report(facts).into_iter().filter(|(rule, _)| !rule.is_said_when_made);
    let note = |(rule, outcome): (&preflight::Rule, Outcome)| match outcome {
        Outcome::Fail { reason } => {
            let wanted = match rule.severity {
                preflight::Severity::Error => "required",
                preflight::Severity::Warning => "recommended",
            };
            Some(format!("{wanted}: {}; {reason} [{}]", rule.text, rule.id))
        }
        _ => None,
    };
    broken.filter_map(note).collect()
}

/// What the site exported.
struct Exports {
    task_sequence: Option<task_sequence::TaskSequence>,
    deployment: Option<deployment::Deployment>,
    client_settings: Option<client_settings::ClientSettings>,
}

fn exports(run: &ExportArgs) -> Result<Exports, Error> {
    let sequence = |path: &Path| {
        let bytes = input::read_small(path, TASK_SEQUENCE, LARGEST_TASK_SEQUENCE)?;
        task_sequence::read(&bytes)
            .map_err(|error| Error::TaskSequence { path: path.to_owned(), error: Box::new(error) })
    };
    let task_sequence = run.task_sequence.as_deref().map(sequence).transpose()?;
    let package = task_sequence.as_ref().and_then(|sequence| sequence.package_id.clone());
    let deployment = run.deployment.as_deref().map(|path| {
        let bytes = input::read_small(path, "deployment", LARGEST_EXPORT)?;
        deployment::read(&bytes, package.as_deref()).map_err(|error| Error::Export {
            what: "deployment",
            path: path.to_owned(),
            error,
        })
    });
    let client_settings = run.client_settings.as_deref().map(|path| {
        let bytes = input::read_small(path, "client settings", LARGEST_EXPORT)?;
        client_settings::read(&bytes).map_err(|error| Error::Export {
            what: "client settings",
            path: path.to_owned(),
            error,
        })
    });
    let (deployment, client_settings) = (deployment.transpose()?, client_settings.transpose()?);
    Ok(Exports { task_sequence, deployment, client_settings })
}

fn server(path: &Path) -> Result<Vec<Certificate>, Error> {
    // Which store they would go to does not matter here.
    let read = certificates::read(path, Store::Ca)?;
    Ok(read.into_iter().map(|trusted| trusted.certificate).collect())
}
