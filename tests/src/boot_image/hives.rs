//! The registry's files in a boot image.

/// Registry files of a boot image.
#[derive(Debug, Clone, Default)]
pub struct Hives {
    /// `\Windows\System32\config\SOFTWARE`.
    pub software: Vec<u8>,
    /// A boot configuration store, used wherever a boot image has one.
    pub bcd: Vec<u8>,
}

impl Hives {
    /// The files of `\Windows\System32\config` by name.
    pub(super) fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut files = vec![("SOFTWARE", self.software.clone())];
        files.extend(["SYSTEM", "DEFAULT", "SAM", "SECURITY"].map(|name| (name, self.other(name))));
        files
    }

    pub(super) fn other(&self, name: &str) -> Vec<u8> {
        name.into()
    }
}
