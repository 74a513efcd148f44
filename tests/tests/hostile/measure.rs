//! Every operation on a boot image, and how much memory each takes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use media_core::event::Unobserved;
use media_core::io::Source;
use media_core::media::store::{Store, TrustedCertificate};
use media_core::service::{self, ImageChoice};
use media_core::time::Timestamp;
use media_core::wim::Wim;
use media_core::{verify_boot_image, x509};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What reading a hostile file may take beside the hives it has.
pub const MEMORY: usize = 64 << 20;

const ROOT: &[u8] = include_bytes!("../../cli/fixtures/root.pem");

/// What an operation answered, in words, and what it cost. wimlib's decompressors are not counted: 100 KB each.
#[derive(Debug)]
pub struct Outcome {
    pub operation: &'static str,
    pub said: String,
    pub peak: usize,
    pub seconds: f32,
}

/// One at a time: the allocator counts for the whole process.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn measured(operation: &'static str, run: impl FnOnce() -> String) -> Outcome {
    ALLOCATOR.reset_peak_usage();
    let (before, start) = (ALLOCATOR.current_usage(), Instant::now());
    let said = run();
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    Outcome { operation, said, peak, seconds: start.elapsed().as_secs_f32() }
}

pub fn certificates() -> Vec<TrustedCertificate> {
    let read = x509::read_file(ROOT).expect("a good certificate");
    read.into_iter().map(|certificate| TrustedCertificate::new(Store::Root, certificate)).collect()
}

pub fn time() -> Timestamp {
    Timestamp::from_filetime(133_700_544_000_000_000)
}

/// Everything there is to do with a boot image, one after the other.
pub fn operations(source: &Arc<dyn Source>) -> Vec<Outcome> {
    let trusted = certificates();
    let open = || Wim::open(source.clone());
    let of_images = |run: &dyn Fn(&Wim, &[u32]) -> String| match open() {
        Err(error) => error.to_string(),
        Ok(wim) => match service::images(&wim, ImageChoice::All) {
            Err(error) => error.to_string(),
            Ok(images) => run(&wim, &images),
        },
    };
    vec![
        measured("info", || match open() {
            Err(error) => error.to_string(),
            Ok(wim) => {
                let contents = service::wim_facts(&wim).images.into_iter().map(|image| match image.content {
                    Ok(content) => match content.certificates {
                        Ok(listed) => format!("{} files, {} roots", content.files, listed.len()),
                        Err(error) => format!("{} files, {error}", content.files),
                    },
                    Err(error) => error.to_string(),
                });
                contents.take(3).collect::<Vec<_>>().join("; ")
            }
        }),
        measured("list", || {
            of_images(&|wim, images| {
                service::list_roots(wim, images)
                    .map_or_else(|error| error.to_string(), |listed| format!("{} images", listed.len()))
            })
        }),
        measured("add", || {
            of_images(&|wim, images| {
                let added = service::add_roots(wim, images, &trusted, time());
                added.map_or_else(
                    |error| error.to_string(),
                    |done| format!("changed: {}", done.edited.is_changed()),
                )
            })
        }),
        measured("diff", || {
            of_images(&|wim, images| {
                let pair = (images.first().copied().unwrap_or(1), images.last().copied().unwrap_or(1));
                let compared = service::compare_images((wim, pair.0), (wim, pair.1));
                compared.map_or_else(
                    |error| error.to_string(),
                    |found| format!("{} differ", found.files.len() + found.left_out),
                )
            })
        }),
        measured("verify", || {
            let report = verify_boot_image(source.clone(), &mut Unobserved);
            report.map_or_else(
                |error| error.to_string(),
                |report| {
                    let mut ids: Vec<&str> = report.findings.iter().map(|finding| finding.id).collect();
                    ids.dedup();
                    ids.join(" ")
                },
            )
        }),
    ]
}

/// Fails when an operation took more than [`MEMORY`] and `hives`.
pub fn check(name: &str, outcomes: &[Outcome], hives: usize) {
    for Outcome { operation, said, peak, seconds } in outcomes {
        let short: String = said.chars().take(200).collect();
        println!(
            "{name:34} {operation:6} {:6.1} MiB {seconds:6.2} s  {short}",
            *peak as f64 / f64::from(1 << 20)
        );
        assert!(*peak <= MEMORY + hives, "{name}: {operation} took {peak} bytes: {said}");
    }
}
