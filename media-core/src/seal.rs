//! Seal: reads every file of a tree once, and writes down what every byte of the medium should be.

use thiserror::Error;

use crate::content::Content;
use crate::digest::{self, Digest, DigestError, Digester, Ticket};
use crate::event::Observer;
use crate::io::{Sink, Source as _};
use crate::layout::FileSize;
use crate::media::boot_image::SOURCES_BOOT_WIM;
use crate::media::manifest::{
    self, FileEntry, InputEntry, Manifest, ManifestError, StructureEntry, VolumeForm,
};
use crate::media::receipt::Receipt;
use crate::media::signing::{KeyError, SigningKey};
use crate::plan::{Laid, Plan, PlanError, Shape, lay_again};
use crate::spec::{Form, MediaSpec};
use crate::tree::{Tree, TreeInput, room};
use crate::write::{WriteError, Written, write_with};

const CHECKSUMS: &str = "computing checksums";

/// A medium with its manifest.
pub struct Sealed {
    /// Where everything goes.
    pub plan: Plan,
    /// What was written down, with the place of every file.
    pub receipt: Receipt,
}

/// Why a medium could not be sealed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SealError {
    /// It does not fit.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file could not be read, or the observer asked to stop.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest could not be signed.
    #[error("signing the manifest: {0}")]
    Signature(#[from] KeyError),
}

/// A medium whose addresses are known.
pub struct Drafted {
    /// Where everything goes. The manifest in it has its length, and no checksums yet.
    pub plan: Plan,
    laid: Laid,
    manifest: Manifest,
}

/// Where everything of a tree goes. No file is read.
///
/// # Errors
/// [`PlanError`] as [`crate::plan`].
pub fn draft(tree: &mut Tree, form: Form) -> Result<Drafted, PlanError> {
    let (laid, manifest) = drafted(tree, form)?;
    set(tree, manifest::PATH, manifest.to_bytes());
    Ok(Drafted { plan: laid.plan(tree)?, laid, manifest })
}

/// Reads every byte of the medium and of its inputs once, writes the manifest, and signs it.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    tree: &mut Tree,
    form: Form,
    key: Option<&SigningKey>,
    observer: &mut dyn Observer,
) -> Result<Sealed, SealError> {
    let drafted = draft(tree, form)?;
    complete(drafted, tree, key, &Digester::start(digest::cores() - 1), observer)
}

/// The same of a medium that is drafted, with what was read ahead.
///
/// # Errors
/// [`SealError`].
pub fn complete(
    drafted: Drafted,
    tree: &mut Tree,
    key: Option<&SigningKey>,
    digester: &Digester,
    observer: &mut dyn Observer,
) -> Result<Sealed, SealError> {
    let tickets = begin(tree, digester);
    end(drafted, tree, key, (digester, &tickets), observer)
}

/// Reads the boot image of a specification for its checksums on threads of its own, before it is known what else will be on
/// the medium: [`make`] asks for them when everything else is done.
pub fn read_ahead(spec: &MediaSpec) -> Digester {
    // The caller has something else to do, for which one core is left.
    let digester = Digester::start((digest::cores() - 1).max(1));
    if spec.checksum_of_boot_image {
        digester.add(&Content::source(spec.boot_image.source.clone()));
    }
    digester
}

/// A medium that was written, and its manifest with it.
pub struct Made {
    /// Where everything is.
    pub plan: Plan,
    /// What was written down, with the place of every file.
    pub receipt: Receipt,
    /// What it took.
    pub written: Written,
}

/// Why a medium was not made. What is on the sink then does not boot. The set is closed: there are these two steps.
#[derive(Debug, Error)]
pub enum MakeError {
    /// Its manifest could not be made.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Seals a drafted medium while it is written: every byte is read for its checksum at about the time it is copied, and the
/// manifest, whose length and place are known before, goes on the sink behind all other files.
///
/// # Errors
/// [`MakeError`].
pub fn make(
    drafted: Drafted,
    tree: &mut Tree,
    key: Option<&SigningKey>,
    digester: &Digester,
    sink: &mut dyn Sink,
    observer: &mut dyn Observer,
) -> Result<Made, MakeError> {
    let tickets = begin(tree, digester);
    digester.join_in();
    let early = drafted.plan.extents.iter().filter(|extent| !is_late(&extent.label)).cloned().collect();
    let early = Plan { len: drafted.plan.len, extents: early, ..Plan::default() };
    let (written, Sealed { plan, receipt }) = write_with(&early, sink, observer, |observer| {
        let sealed = end(drafted, tree, key, (digester, &tickets), observer)?;
        let late = sealed.plan.extents.iter().filter(|extent| is_late(&extent.label)).cloned().collect();
        Ok::<_, MakeError>((late, sealed))
    })?;
    Ok(Made { plan, receipt, written })
}

/// Has everything read that the manifest lists: the files, and the inputs behind them.
fn begin(tree: &Tree, digester: &Digester) -> Vec<Ticket> {
    let files = listed(tree).map(|file| (&file.content, is_read(tree, &file.path)));
    let inputs = tree.inputs.iter().map(|input| (&input.content, is_input_read(tree, input)));
    let ticket = |(content, is_read)| if is_read { digester.add(content) } else { Ticket::default() };
    files.chain(inputs).map(ticket).collect()
}

/// Whether a file is read for its checksum.
fn is_read(tree: &Tree, path: &str) -> bool {
    tree.checksum_of_boot_image || path != SOURCES_BOOT_WIM
}

fn is_input_read(tree: &Tree, input: &TreeInput) -> bool {
    tree.checksum_of_boot_image || input.what != manifest::BOOT_IMAGE
}

/// Writes the manifest down and signs it, when everything has been read.
fn end(
    drafted: Drafted,
    tree: &mut Tree,
    key: Option<&SigningKey>,
    (digester, tickets): (&Digester, &[Ticket]),
    observer: &mut dyn Observer,
) -> Result<Sealed, SealError> {
    let Drafted { laid, mut manifest, .. } = drafted;
    let digests = digester.finish(tickets, CHECKSUMS, observer).map_err(|error| {
        let inputs = tree.inputs.iter().map(|input| &input.name);
        let mut named = listed(tree).map(|file| &file.path).chain(inputs);
        unread(error, |number| named.nth(number).cloned())
    })?;
    let entries = manifest.files.iter_mut().map(|file| &mut file.digest);
    let entries = entries.chain(manifest.inputs.iter_mut().map(|input| &mut input.digest));
    entries.zip(digests).for_each(|(entry, digest)| *entry = digest);
    let bytes = manifest.to_bytes();
    let signature = key.map(|key| key.sign(&bytes)).transpose()?;
    if let Some(signature) = &signature {
        set(tree, manifest::SIGNATURE_PATH, signature.clone());
    }
    set(tree, manifest::PATH, bytes);
    let paths = tree.files.iter().map(|file| &*file.path);
    let receipt = Receipt::new(manifest, signature, laid.places(paths));
    Ok(Sealed { plan: laid.plan(tree)?, receipt })
}

/// What the media of a specification are made from, as their manifests name it.
///
/// # Errors
/// [`ManifestError`] when an input cannot be read or the observer asks to stop.
pub fn input_digests(
    spec: &MediaSpec,
    observer: &mut dyn Observer,
) -> Result<Vec<InputEntry>, ManifestError> {
    let inputs = crate::stage::inputs(spec);
    let contents: Vec<&Content> = inputs.iter().map(|input| &input.content).collect();
    let digests = digest::digests(&contents, CHECKSUMS, observer)
        .map_err(|error| unread(error, |number| inputs.get(number).map(|input| input.name.clone())))?;
    Ok(inputs.iter().zip(digests).map(|(input, digest)| entry(input, digest)).collect())
}

/// Says which of the contents could not be read.
fn unread(error: DigestError, name: impl FnOnce(usize) -> Option<String>) -> ManifestError {
    match error {
        DigestError::Cancelled => ManifestError::Cancelled,
        DigestError::Read(number, error) => {
            ManifestError::Read { path: name(number).unwrap_or_default(), error }
        }
    }
}

fn entry(input: &TreeInput, digest: Digest) -> InputEntry {
    let (what, name) = (input.what.to_owned(), input.name.clone());
    InputEntry { what, name, size: input.content.len(), digest }
}

/// The addresses, and the manifest without checksums of files.
fn drafted(tree: &Tree, form: Form) -> Result<(Laid, Manifest), PlanError> {
    let mut shape = Shape::of(tree, form);
    // What the volume is, is known when it was laid out.
    let volume = VolumeForm::Iso { length: 0, volume_set: 0, bios_boot: None, uefi_boot: None };
    let mut manifest = Manifest::new(tree.time, tree.identity.clone(), &tree.validity, volume);
    manifest.files = listed(tree)
        .map(|file| {
            let (path, size) = (file.path.clone(), file.content.len());
            let digest = if is_read(tree, &path) { Digest::zero(size) } else { Digest::unknown() };
            FileEntry { path, size, digest }
        })
        .collect();
    let input = |input: &TreeInput| {
        let zero = || Digest::zero(input.content.len());
        entry(input, if is_input_read(tree, input) { zero() } else { Digest::unknown() })
    };
    manifest.inputs = tree.inputs.iter().map(input).collect();
    let laid = settle(&mut shape, &mut manifest)?;
    Ok((laid, manifest))
}

/// The files that a manifest lists: it cannot name itself, nor what is made from it.
fn listed(tree: &Tree) -> impl Iterator<Item = &crate::tree::TreeFile> + Clone {
    tree.files.iter().filter(|file| !is_late(&file.path))
}

/// Whether a file can only be written when all others have been read.
fn is_late(path: &str) -> bool {
    matches!(path, manifest::PATH | manifest::SIGNATURE_PATH)
}

fn set(tree: &mut Tree, path: &str, bytes: Vec<u8>) {
    if let Some(file) = tree.files.iter_mut().find(|file| file.path == path) {
        file.content = Content::bytes(bytes);
    }
}

/// Lays a medium out together with the manifest that lists its structures: they name the manifest's length, and it has a
/// line for each of them.
///
/// # Errors
/// [`PlanError`] as [`crate::plan`]; [`PlanError::Unsettled`].
pub(crate) fn settle(shape: &mut Shape, manifest: &mut Manifest) -> Result<Laid, PlanError> {
    /// The length changes the first time, and once more where it reaches a next unit of room.
    const TRIES: usize = 6;
    let own = shape.files.iter().position(|file| file.path == manifest::PATH);
    // No manifest that is read has 1 GiB.
    let mut front = None;
    for _ in 0..TRIES {
        let len = manifest.to_bytes().len() as u64;
        if let Some(own) = own {
            shape.files[own] =
                FileSize { path: manifest::PATH.to_owned(), len, room: room(manifest::PATH, len) };
        }
        let laid = lay_again(shape, &mut front)?;
        manifest.volume = volume(shape, &laid);
        manifest.structures = structures(&laid);
        if own.is_none() || manifest.to_bytes().len() as u64 == len {
            return Ok(laid);
        }
    }
    Err(PlanError::Unsettled)
}

fn structures(laid: &Laid) -> Vec<StructureEntry> {
    let entry = |(offset, structure): (u64, &crate::layout::Structure)| StructureEntry {
        label: structure.label.to_owned(),
        offset,
        size: structure.bytes.len() as u64,
        digest: Digest::of(&structure.bytes),
    };
    laid.structures().map(entry).collect()
}

fn volume(shape: &Shape, laid: &Laid) -> VolumeForm {
    let (ids, length) = (shape.ids, laid.len);
    match shape.form {
        Form::DiskImage { scheme, .. } => VolumeForm::DiskImage {
            length,
            partition_scheme: scheme.to_string(),
            cluster_size: laid.cluster_size.unwrap_or_default(),
            disk_guid: ids.disk,
            partition_guid: ids.partition,
            mbr_signature: ids.mbr_signature,
            volume_serial_number: ids.volume,
            partition_length: laid.data.as_ref().map(|_| laid.volume.len),
            data_partition_guid: laid.data.as_ref().map(|_| ids.data_partition),
        },
        Form::Iso { .. } => VolumeForm::Iso {
            length,
            volume_set: ids.volume_set,
            bios_boot: shape.bios_boot.clone(),
            uefi_boot: shape.uefi_boot.clone(),
        },
    }
}
