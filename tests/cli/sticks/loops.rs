//! Loop devices: disks of this machine that are files.
