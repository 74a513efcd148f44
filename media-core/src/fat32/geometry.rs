//! Where the regions of a volume lie.

use super::{FEWEST_CLUSTERS, FatError, MOST_CLUSTERS, SECTOR_SIZE};

/// Sectors before the first FAT. 32 is what Windows uses, and leaves the BIOS boot code of Windows its sector 12.
pub(super) const RESERVED_SECTORS: u64 = 32;
/// Always two FATs.
pub(super) const FATS: u64 = 2;
/// FAT entries in a sector.
const ENTRIES_PER_SECTOR: u64 = SECTOR_SIZE / 4;
/// Files start at multiples of this, so that file systems on the host can share blocks with the image.
pub(super) const ALIGNMENT: u64 = 4096;

/// Regions of a volume, in sectors and clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Sectors the volume says it has; a few less than asked for when one more would need a longer FAT than it gives room.
    pub(super) sectors: u64,
    /// Sectors in each FAT.
    pub(super) fat_sectors: u64,
    /// Clusters for data; the first is number 2.
    pub(super) clusters: u64,
    /// Bytes in a cluster.
    pub(super) cluster_size: u32,
}

impl Geometry {
    /// The geometry with the most clusters in `sectors`.
    pub(super) fn new(sectors: u64, cluster_size: u32) -> Result<Self, FatError> {
        let per_cluster = sectors_per_cluster(cluster_size)?;
        if sectors > u64::from(u32::MAX) {
            return Err(FatError::TooManySectors { sectors, limit: u64::from(u32::MAX) });
        }
        let with_fat = |fat_sectors: u64| {
            let space = sectors.saturating_sub(RESERVED_SECTORS + FATS * fat_sectors) / per_cluster;
            let clusters = space.min(fat_sectors * ENTRIES_PER_SECTOR - 2);
            let end = RESERVED_SECTORS + FATS * fat_sectors + clusters * per_cluster;
            Self {
                sectors: if clusters < space { end } else { sectors },
                fat_sectors,
                clusters,
                cluster_size,
            }
        };
        // A FAT for every cluster there would be without FATs is always long enough; from there, shorter ones leave more room.
        let mut best = with_fat(fat_sectors(sectors / per_cluster, per_cluster));
        while best.fat_sectors > fat_step(per_cluster) {
            let shorter = with_fat(best.fat_sectors - fat_step(per_cluster));
            if shorter.clusters <= best.clusters {
                break;
            }
            best = shorter;
        }
        if best.clusters > MOST_CLUSTERS {
            let clusters = best.clusters;
            return Err(FatError::TooManyClusters { clusters, cluster_size, limit: MOST_CLUSTERS });
        }
        Ok(best)
    }

    /// Bytes from the volume's start to the FAT with this number, 0 or 1.
    pub(super) fn fat_offset(&self, number: u64) -> u64 {
        (RESERVED_SECTORS + number * self.fat_sectors) * SECTOR_SIZE
    }

    /// Bytes from the volume's start to a cluster.
    pub(super) fn cluster_offset(&self, cluster: u64) -> u64 {
        self.fat_offset(FATS) + (cluster - 2) * u64::from(self.cluster_size)
    }
}

/// Sectors of the smallest FAT32 volume with at least this many clusters.
pub(super) fn sectors_for(clusters: u64, cluster_size: u32) -> Result<u64, FatError> {
    let per_cluster = sectors_per_cluster(cluster_size)?;
    let clusters = clusters.max(FEWEST_CLUSTERS);
    if clusters > MOST_CLUSTERS {
        return Err(FatError::TooManyClusters { clusters, cluster_size, limit: MOST_CLUSTERS });
    }
    let sectors = RESERVED_SECTORS + FATS * fat_sectors(clusters, per_cluster) + clusters * per_cluster;
    if sectors > u64::from(u32::MAX) {
        return Err(FatError::TooManySectors { sectors, limit: u64::from(u32::MAX) });
    }
    Ok(sectors)
}

/// Clusters between two places a file may start at.
pub(super) fn clusters_per_alignment(cluster_size: u32) -> u64 {
    (ALIGNMENT / u64::from(cluster_size)).max(1)
}

fn sectors_per_cluster(cluster_size: u32) -> Result<u64, FatError> {
    if !cluster_size.is_power_of_two() || !(512..=65_536).contains(&cluster_size) {
        return Err(FatError::ClusterSize { cluster_size });
    }
    Ok(u64::from(cluster_size) / SECTOR_SIZE)
}

/// The FATs are padded so that the data region starts at a multiple of a cluster and of [`ALIGNMENT`].
fn fat_step(per_cluster: u64) -> u64 {
    per_cluster.max(ALIGNMENT / SECTOR_SIZE) / FATS
}

/// The shortest padded FAT for this many clusters, in sectors.
fn fat_sectors(clusters: u64, per_cluster: u64) -> u64 {
    let step = fat_step(per_cluster);
    let needed = (clusters + 2).div_ceil(ENTRIES_PER_SECTOR);
    let before = RESERVED_SECTORS / FATS;
    (needed + before).next_multiple_of(step) - before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_volume_is_exact_for_every_cluster_size() {
        for shift in 9..=16 {
            let size = 1 << shift;
            for clusters in [65_525, 65_534, 65_535, 65_662, 66_174, 66_175, 70_000, 131_070, 1_000_003] {
                let sectors = sectors_for(clusters, size).expect("a possible volume");
                let geometry = Geometry::new(sectors, size).expect("a possible volume");
                assert_eq!(geometry.clusters, clusters, "{clusters} clusters of {size}");
                assert_eq!(geometry.sectors, sectors);
                assert_eq!(geometry.cluster_offset(2) % u64::from(size).max(ALIGNMENT), 0);
                let less = Geometry::new(sectors - u64::from(size) / SECTOR_SIZE, size).expect("possible");
                assert_eq!(less.clusters, clusters - 1, "one cluster less of {size}");
            }
        }
    }

    #[test]
    fn more_sectors_never_give_fewer_clusters() {
        for size in [512, 1024, 2048, 4096, 65_536] {
            let mut before = 0;
            for sectors in 200_000..206_000 {
                let geometry = Geometry::new(sectors, size).expect("a possible volume");
                assert!(geometry.clusters >= before, "{sectors} sectors, clusters of {size}");
                let end = geometry.cluster_offset(geometry.clusters + 2) / SECTOR_SIZE;
                assert!(end <= geometry.sectors && geometry.sectors <= sectors);
                assert!(
                    (geometry.sectors - end) * SECTOR_SIZE < u64::from(size),
                    "others count the same clusters"
                );
                assert!(geometry.fat_sectors * ENTRIES_PER_SECTOR >= geometry.clusters + 2);
                before = geometry.clusters;
            }
        }
    }

    #[test]
    fn impossible_wishes_are_refused() {
        for size in [0, 1, 256, 513, 3072, 131_072] {
            assert!(matches!(Geometry::new(1 << 20, size), Err(FatError::ClusterSize { .. })), "{size}");
        }
        assert!(matches!(Geometry::new(1 << 32, 4096), Err(FatError::TooManySectors { .. })));
        assert!(matches!(Geometry::new(u64::MAX, 4096), Err(FatError::TooManySectors { .. })));
        assert!(matches!(Geometry::new(u64::from(u32::MAX), 512), Err(FatError::TooManyClusters { .. })));
        assert!(matches!(sectors_for(u64::MAX, 4096), Err(FatError::TooManyClusters { .. })));
        assert!(matches!(sectors_for(1 << 27, 65_536), Err(FatError::TooManySectors { .. })));
        assert_eq!(Geometry::new(0, 4096).expect("nothing fits, which the caller sees").clusters, 0);
    }
}
