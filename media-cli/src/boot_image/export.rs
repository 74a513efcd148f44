//! The certificates a boot image trusts, as a file others can read.

use media_core::io::AtomicFile;
use media_core::media::store::Store;
use media_core::{Plan, service};

use super::{BOOT_IMAGE, open, service_error};
use crate::args::boot_image::ExportArgs;
use crate::error::{Error, Exit, OutputProblem};
use crate::interrupt::Interruption;
use crate::output::target;
use crate::progress::Progress;
use crate::values::ExportFormat;

pub(super) fn export(args: &ExportArgs) -> Result<Exit, Error> {
    let path = &args.boot_image;
    let failed = |error| service_error(path, error);
    let target =
        args.output.as_deref().map(|output| target::check(output, args.force, &[(BOOT_IMAGE, path)]));
    let target = target.transpose()?;
    let wim = open(path)?;
    let images = service::images(&wim, args.image.image.0).map_err(failed)?;
    let stores = args.store.map_or_else(|| Store::ALL.to_vec(), |store| vec![store.into()]);
    let exported = match args.form {
        ExportFormat::Reg => service::export_reg(&wim, &images, &stores),
        ExportFormat::Pem => service::export_pem(&wim, &images, &stores).map(String::into_bytes),
    };
    let exported = exported.map_err(failed)?;
    let Some(target) = target else { return crate::print_bytes(&exported).map(|()| Exit::Done) };
    let system = |error| Error::Output { path: target.clone(), problem: OutputProblem::System(error) };
    let mut file = AtomicFile::create(&target).map_err(system)?;
    let mut progress = Progress::new(true, Interruption::default());
    media_core::write(&Plan::of_file("certificates", &exported.into()), &mut file, &mut progress)
        .map_err(|error| Error::writing(&target, error))?;
    target::keep(file, &target, args.force)?;
    Ok(Exit::Done)
}
