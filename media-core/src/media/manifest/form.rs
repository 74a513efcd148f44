//! The volume in a manifest: what decides its structures besides the files.

use serde::{Deserialize, Serialize};

use crate::disk::{Guid, Scheme};
use crate::spec::{Form, MediumPartition};
use crate::tree::VolumeIds;

/// What a volume is. With the label, the time and the names and lengths of the files all of its structures follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case")]
pub enum VolumeForm {
    /// A disk image for a stick.
    DiskImage {
        /// Length of the image in bytes.
        length: u64,
        /// `GPT` or `MBR`.
        partition_scheme: String,
        /// Bytes in a cluster.
        cluster_size: u32,
        /// GUID of a GPT disk.
        disk_guid: Guid,
        /// GUID of its partition.
        partition_guid: Guid,
        /// Signature of an MBR disk.
        mbr_signature: u32,
        /// Serial number of the volume.
        volume_serial_number: u32,
        /// Bytes of the medium's partition, where another one for data is behind it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partition_length: Option<u64>,
        /// GUID of the partition for data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data_partition_guid: Option<Guid>,
    },
    /// An ISO.
    Iso {
        /// Length in bytes.
        length: u64,
        /// What tells the UDF volume set from others: 16 hexadecimal digits.
        #[serde(with = "super::wire::hexadecimal")]
        volume_set: u64,
        /// Path of the BIOS boot image.
        bios_boot: Option<String>,
        /// Path of the UEFI boot image.
        uefi_boot: Option<String>,
    },
}

impl VolumeForm {
    /// Length of the medium in bytes.
    pub fn len(&self) -> u64 {
        let (Self::DiskImage { length, .. } | Self::Iso { length, .. }) = self;
        *length
    }

    /// Whether it has no bytes, which no medium has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As a specification has it; `None` for a partition scheme that is not known.
    pub fn form(&self) -> Option<Form> {
        Some(match self {
            Self::DiskImage { length, partition_scheme, cluster_size, partition_length, .. } => {
                Form::DiskImage {
                    scheme: [Scheme::Gpt, Scheme::Mbr]
                        .into_iter()
                        .find(|scheme| scheme.to_string() == *partition_scheme)?,
                    size: Some(*length),
                    cluster_size: Some(*cluster_size),
                    partition: partition_length.map_or(MediumPartition::Whole, MediumPartition::Length),
                }
            }
            Self::Iso { .. } => Form::Iso { prompt: false },
        })
    }

    /// The identifiers; those the form does not have are zero.
    pub fn ids(&self) -> VolumeIds {
        let none = VolumeIds {
            disk: Guid::default(),
            partition: Guid::default(),
            data_partition: Guid::default(),
            mbr_signature: 0,
            volume: 0,
            volume_set: 0,
        };
        match self {
            Self::DiskImage {
                disk_guid,
                partition_guid,
                mbr_signature,
                volume_serial_number,
                data_partition_guid,
                ..
            } => VolumeIds {
                disk: *disk_guid,
                partition: *partition_guid,
                data_partition: data_partition_guid.unwrap_or_default(),
                mbr_signature: *mbr_signature,
                volume: *volume_serial_number,
                ..none
            },
            Self::Iso { volume_set, .. } => VolumeIds { volume_set: *volume_set, ..none },
        }
    }
}
