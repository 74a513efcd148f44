//! Whether a disc is whole, and whether its trees tell one story.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::disc::{Disc, DiscFile, descriptors};
use super::el_torito::Platform;
use super::iso9660::{self, Folder, Volume};
use super::names;
use super::udf::{self, UdfVolume};
use super::{IsoError, SECTOR, le16};
use crate::finding::{Finding, Findings};

/// Differences between two trees that are listed one by one.
const LISTED: usize = 10;

/// See [`Disc::check`].
pub(super) fn check(disc: &Disc) -> Result<Vec<Finding>, IsoError> {
    let mut found = Findings::default();
    // What was told is damaged, not missing.
    let mut damaged = Vec::new();
    descriptors(&disc.image, &mut |id, error| {
        damaged.push(id);
        found.push(Finding::error(id, "descriptors", error.to_string()));
    })?;
    check_presence(disc, &damaged, &mut found);
    let mut trees: Vec<(&'static str, Vec<DiscFile>)> = Vec::new();
    if let Some(volumes) = &disc.volumes {
        check_size(disc, &volumes.primary, &mut found);
        for (name, volume) in
            [("primary tree", Some(&volumes.primary)), ("Joliet tree", volumes.joliet.as_ref())]
        {
            let Some(volume) = volume else { continue };
            let mut sound = true;
            let tree =
                iso9660::walk(&disc.image, volume, &mut finding("iso.tree", name, &mut sound, &mut found))?;
            check_overlaps(name, &tree.files, &mut found);
            check_names(name, &tree.files, &mut found);
            // A damaged tree differs from everything; that it is damaged has been said.
            if sound {
                check_path_tables(disc, volume, tree.folders, &mut found)?;
                trees.push((name, tree.files));
            }
        }
    }
    if let Some(volume) = &disc.udf {
        check_anchors(disc, &mut found)?;
        let (name, mut sound) = ("UDF tree", true);
        let tree = udf::walk(&disc.image, volume, &mut finding("udf.tree", name, &mut sound, &mut found))?;
        check_overlaps(name, &tree.files, &mut found);
        check_names(name, &tree.files, &mut found);
        let counted = sound.then_some((tree.file_entries, tree.directories));
        check_integrity(disc, volume, counted, &mut found)?;
        if sound {
            trees.push((name, tree.files));
        }
    }
    check_boot(disc, &mut found)?;
    for pair in trees.windows(2) {
        check_same_data(&pair[0], &pair[1], &mut found);
    }
    names::check(&trees, &mut found);
    Ok(found.finish("iso.more-findings", "disc"))
}

/// Makes a finding of each complaint of a walk; a device that fails is still an error.
fn finding<'a>(
    id: &'static str,
    place: &'a str,
    sound: &'a mut bool,
    found: &'a mut Findings,
) -> impl FnMut(IsoError) -> Result<(), IsoError> + 'a {
    move |error| {
        if matches!(error, IsoError::Read { .. }) {
            return Err(error);
        }
        *sound = false;
        found.push(Finding::error(id, place, error.to_string()));
        Ok(())
    }
}

/// The value, or none and a finding; a device that fails is still an error.
fn kept<T>(
    result: Result<T, IsoError>,
    id: &'static str,
    place: &str,
    found: &mut Findings,
) -> Result<Option<T>, IsoError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error @ IsoError::Read { .. }) => Err(error),
        Err(error) => {
            found.push(Finding::error(id, place, error.to_string()));
            Ok(None)
        }
    }
}

/// A disc may do without one of the three; firmware finds nothing to start without the first.
fn check_presence(disc: &Disc, damaged: &[&str], found: &mut Findings) {
    if disc.volumes.is_none() && !damaged.contains(&"iso.primary") {
        let message = "there is none, and so no El Torito entry that firmware could start";
        found.push(Finding::error("iso.no-primary", "primary volume descriptor", message));
    }
    // Without the first, it is not known where the second is.
    if disc.volumes.is_some() && !disc.has_joliet() && !damaged.contains(&"iso.joliet") {
        found.push(Finding::note("iso.no-joliet", "Joliet volume descriptor", "there is none"));
    }
    if disc.udf.is_none() && !damaged.contains(&"udf.volume") {
        found.push(Finding::note("iso.no-udf", "UDF recognition sequence", "there is none"));
    }
}

/// Windows does not tell upper from lower case: of two files it sees one.
fn check_names(tree: &str, files: &[DiscFile], found: &mut Findings) {
    let mut seen = HashMap::new();
    for file in files {
        if let Some(other) = seen.insert(file.path.to_lowercase(), &file.path) {
            let message = format!("{other:?} is there too, which is the same name");
            found.push(Finding::error("iso.same-name", format!("{tree}: {}", file.path), message));
        }
    }
}

fn check_size(disc: &Disc, volume: &Volume, found: &mut Findings) {
    let (says, is) = (u64::from(volume.blocks) * SECTOR, disc.image.len);
    if says > is {
        let message = format!("the volume has {says} bytes, but the image only {is}");
        found.push(Finding::error("iso.truncated", "primary volume descriptor", message));
    } else if says < is {
        let message = format!("the volume has {says} bytes, the image {is}");
        found.push(Finding::note("iso.trailing-data", "primary volume descriptor", message));
    }
}

fn check_path_tables(
    disc: &Disc,
    volume: &Volume,
    mut folders: Vec<Folder>,
    found: &mut Findings,
) -> Result<(), IsoError> {
    folders.sort();
    for big_endian in [false, true] {
        let place =
            format!("{}, {}-endian path table", volume.what, if big_endian { "big" } else { "little" });
        let table = iso9660::path_table(&disc.image, volume, big_endian);
        let Some(mut table) = kept(table, "iso.path-table", &place, found)? else { continue };
        table.sort();
        if table != folders {
            let differing = table.iter().zip(&folders).find(|(a, b)| a != b);
            let message = match differing {
                Some((table, folder)) => format!("expected {folder:?}, found {table:?}"),
                None => format!("expected {} folders, found {}", folders.len(), table.len()),
            };
            found.push(Finding::error("iso.path-table", place, message));
        }
    }
    Ok(())
}

fn check_anchors(disc: &Disc, found: &mut Findings) -> Result<(), IsoError> {
    let first = kept(udf::anchor(&disc.image, udf::ANCHOR), "udf.anchor", "sector 256", found)?;
    let blocks = disc.volumes.as_ref().map(|volumes| volumes.primary.blocks);
    let sectors = udf::last_anchors(&disc.image, blocks);
    let anchors = sectors.iter().map(|sector| udf::anchor(&disc.image, *sector));
    let end = anchors.reduce(|first, next| first.or_else(|error| next.map_err(|_| error)));
    let places: Vec<String> = sectors.iter().map(u64::to_string).collect();
    let place = format!("sector {}", places.join(" or "));
    let end = end.map(|end| kept(end, "udf.anchor", &place, found)).transpose()?.flatten();
    if let (Some(first), Some(end)) = (first, end)
        && first != end
    {
        let message = format!("expected {first:?} as at sector 256, found {end:?}");
        found.push(Finding::error("udf.anchor", place, message));
    }
    let Some(anchor) = first.or(end) else { return Ok(()) };
    let main = kept(udf::sequence(&disc.image, anchor.main), "udf.sequence", "main sequence", found)?;
    let reserve =
        kept(udf::sequence(&disc.image, anchor.reserve), "udf.sequence", "reserve sequence", found)?;
    if let (Some(main), Some(reserve)) = (main, reserve) {
        let body = |sequence: &[(u64, super::Block)]| -> Vec<(u16, Vec<u8>)> {
            sequence.iter().map(|(_, block)| (le16(block, 0), block[16..].to_vec())).collect()
        };
        if body(&main) != body(&reserve) {
            let message = "expected the descriptors of the main sequence, found others";
            found.push(Finding::error("udf.sequence", "reserve sequence", message));
        }
    }
    Ok(())
}

fn check_integrity(
    disc: &Disc,
    volume: &UdfVolume,
    counted: Option<(u32, u32)>,
    found: &mut Findings,
) -> Result<(), IsoError> {
    let (id, place) = ("udf.integrity", "logical volume integrity descriptor");
    let Some((closed, files, directories)) = kept(udf::integrity(&disc.image, volume), id, place, found)?
    else {
        return Ok(());
    };
    if !closed {
        found.push(Finding::error(id, place, "expected a closed volume, found an open one"));
    }
    if let Some((in_tree, folders)) = counted.filter(|counted| *counted != (files, directories)) {
        let message = format!(
            "expected {in_tree} files and {folders} folders as in the tree, found {files} and {directories}"
        );
        found.push(Finding::error(id, place, message));
    }
    Ok(())
}

fn check_boot(disc: &Disc, found: &mut Findings) -> Result<(), IsoError> {
    let entries = kept(disc.boot_entries(), "iso.boot-catalog", "boot catalog", found)?.unwrap_or_default();
    for (number, entry) in (1..).zip(entries) {
        let place = format!("boot entry {number} ({:?})", entry.platform);
        let bytes = u64::from(entry.load_sectors).max(1) * 512;
        if let Err(error) = disc.image.check("boot image", entry.offset, bytes) {
            found.push(Finding::error("iso.boot-image", &place, error.to_string()));
        }
        if entry.platform == Platform::Uefi && matches!(entry.load_sectors, 2 | 4 | 8) {
            let message = format!(
                "expected the true size or 1, found {}: firmware cuts the boot image to it",
                entry.load_sectors
            );
            found.push(Finding::error("iso.uefi-load-size", &place, message));
        }
        if !entry.bootable {
            found.push(Finding::error("iso.not-bootable", &place, "expected indicator 0x88, found another"));
        }
    }
    Ok(())
}

/// Two files may share all their bytes, as hard links do, but not a part.
fn check_overlaps(tree: &str, files: &[DiscFile], found: &mut Findings) {
    let mut extents: Vec<((u64, u64), &str)> = files
        .iter()
        .flat_map(|file| file.extents.iter().map(|extent| (*extent, file.path.as_str())))
        .collect();
    extents.sort();
    extents.dedup_by_key(|(extent, _)| *extent);
    for pair in extents.windows(2) {
        let [((start, len), first), ((next, _), second)] = [pair[0], pair[1]];
        if start + len > next {
            let message = format!("{first:?} ends at byte {}, but {second:?} starts at {next}", start + len);
            found.push(Finding::error("iso.overlap", tree, message));
        }
    }
}

/// The same runs of bytes in both trees; [`names`] says whether they are called the same.
fn check_same_data(a: &(&str, Vec<DiscFile>), b: &(&str, Vec<DiscFile>), found: &mut Findings) {
    let (left, right) = (runs(&a.1), runs(&b.1));
    let keys = |runs: &BTreeMap<Vec<(u64, u64)>, &str>| runs.keys().cloned().collect::<BTreeSet<_>>();
    for (tree, runs, other) in [(a.0, &left, &right), (b.0, &right, &left)] {
        let missing: Vec<_> = keys(runs).difference(&keys(other)).cloned().collect();
        let other = if tree == a.0 { b.0 } else { a.0 };
        for run in missing.iter().take(LISTED) {
            let path = runs.get(run).copied().unwrap_or_default();
            let message = format!("its data (offset and length {run:?}) is not in the {other}");
            found.push(Finding::error("iso.trees-differ", format!("{tree}: {path}"), message));
        }
        if missing.len() > LISTED {
            let message = format!("{} more differences to the {other}", missing.len() - LISTED);
            found.push(Finding::error("iso.trees-differ", tree, message));
        }
    }
    if a.1.len() != b.1.len() {
        let message = format!("{} files, but {} in the {}", a.1.len(), b.1.len(), b.0);
        found.push(Finding::error("iso.trees-differ", a.0, message));
    }
}

/// Each file's bytes as contiguous runs, because the formats cut long files at different places.
fn runs(files: &[DiscFile]) -> BTreeMap<Vec<(u64, u64)>, &str> {
    files.iter().filter(|file| file.len > 0).map(|file| (runs_of(file), file.path.as_str())).collect()
}

/// The file's bytes as contiguous runs: offset and length of each.
pub(super) fn runs_of(file: &DiscFile) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &(offset, len) in &file.extents {
        match runs.last_mut() {
            Some(last) if last.0 + last.1 == offset => last.1 += len,
            _ => runs.push((offset, len)),
        }
    }
    runs
}
