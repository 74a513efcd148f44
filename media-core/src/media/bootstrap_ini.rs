//! `TsmBootstrap.ini` of a site's own media: read with every byte it has, and written again with other values in it.

use thiserror::Error;

/// Its path on the medium.
pub const PATH: &str = "SMS/data/TsmBootstrap.ini";
/// Such a file has some hundred bytes.
pub const LARGEST: u64 = 1 << 20;
const SECTION: &str = "MediaInfo";

/// How the text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IniEncoding {
    /// UTF-8, which ASCII is too.
    Utf8,
    /// UTF-8 after a byte order mark.
    Utf8WithMark,
    /// UTF-16LE after a byte order mark.
    Utf16WithMark,
    /// UTF-16LE without one.
    Utf16,
    /// A code page that is not known: each byte is the character of its number, and stays that byte.
    Bytes,
}

/// The file as it was read: its lines with their ends, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootstrapIni {
    /// How the text is encoded.
    pub encoding: IniEncoding,
    /// Each line with its end.
    pub lines: Vec<String>,
}

/// Why a file cannot be read, or text not be written in its encoding.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BootstrapError {
    /// UTF-16 with half a character.
    #[error("TsmBootstrap.ini: it is not whole UTF-16 text")]
    Utf16,
    /// There is no section for our keys.
    #[error("TsmBootstrap.ini: it has no section [{SECTION}]")]
    NoSection,
    /// A code page cannot hold a character.
    #[error("TsmBootstrap.ini: line {line} has a character that is no byte")]
    NotAByte {
        /// The line, counted from 1.
        line: usize,
    },
}

impl IniEncoding {
    /// Every encoding with its name.
    pub const ALL: [(Self, &str); 5] = [
        (Self::Utf8, "utf-8"),
        (Self::Utf8WithMark, "utf-8-bom"),
        (Self::Utf16WithMark, "utf-16le-bom"),
        (Self::Utf16, "utf-16le"),
        (Self::Bytes, "bytes"),
    ];
}

impl BootstrapIni {
    /// Reads a file.
    ///
    /// # Errors
    /// [`BootstrapError`] when it could not be written again.
    pub fn read(bytes: &[u8]) -> Result<Self, BootstrapError> {
        let utf16 = |bytes: &[u8]| {
            let units: Vec<u16> =
                bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            let text = String::from_utf16(&units).map_err(|_| BootstrapError::Utf16);
            text.and_then(
                |text| if bytes.len().is_multiple_of(2) { Ok(text) } else { Err(BootstrapError::Utf16) },
            )
        };
        let (encoding, text) = match bytes {
            [0xFF, 0xFE, text @ ..] => (IniEncoding::Utf16WithMark, utf16(text)?),
            [_, 0, ..] => (IniEncoding::Utf16, utf16(bytes)?),
            [0xEF, 0xBB, 0xBF, text @ ..] if std::str::from_utf8(text).is_ok() => {
                (IniEncoding::Utf8WithMark, String::from_utf8_lossy(text).into_owned())
            }
            bytes => match std::str::from_utf8(bytes) {
                Ok(text) => (IniEncoding::Utf8, text.to_owned()),
                Err(_) => (IniEncoding::Bytes, bytes.iter().copied().map(char::from).collect()),
            },
        };
        Self::new(encoding, text.split_inclusive('\n').map(str::to_owned).collect())
    }

    /// Takes lines with their ends.
    ///
    /// # Errors
    /// [`BootstrapError`] when they have no section for our keys, or the encoding cannot hold them.
    pub fn new(encoding: IniEncoding, lines: Vec<String>) -> Result<Self, BootstrapError> {
        let is_byte = |letter: char| u32::from(letter) < 0x100;
        if encoding == IniEncoding::Bytes
            && let Some(line) = lines.iter().position(|line| !line.chars().all(is_byte))
        {
            return Err(BootstrapError::NotAByte { line: line + 1 });
        }
        if !lines.iter().any(|line| is_our_section(line)) {
            return Err(BootstrapError::NoSection);
        }
        Ok(Self { encoding, lines })
    }

    /// The file with values in place of those it has. A key that it lacks follows the section's last.
    pub fn with(&self, values: &[(&str, &str)]) -> Vec<u8> {
        let mut lines = self.lines.clone();
        for (key, value) in values {
            let ours = our_lines(&lines);
            let found = ours.iter().copied().find(|line| key_of(&lines[*line]).eq_ignore_ascii_case(key));
            match (found, ours.last()) {
                (Some(line), _) => lines[line] = replaced(&lines[line], value),
                (None, last) => add(&mut lines, last.copied(), key, value),
            }
        }
        self.encode(&lines.concat())
    }

    /// Keys and values of every section, as they stand there.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            (!is_comment(line)).then_some((key.trim(), value.trim()))
        })
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        let utf16 = |mark: &[u8]| {
            let mut out = mark.to_vec();
            out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            out
        };
        match self.encoding {
            IniEncoding::Utf8 => text.as_bytes().to_vec(),
            IniEncoding::Utf8WithMark => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            IniEncoding::Utf16WithMark => utf16(b"\xFF\xFE"),
            IniEncoding::Utf16 => utf16(b""),
            // Every character was checked to be one.
            IniEncoding::Bytes => text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect(),
        }
    }
}

/// The lines of our section that hold a key, and the section's own line.
fn our_lines(lines: &[String]) -> Vec<usize> {
    let Some(start) = lines.iter().position(|line| is_our_section(line)) else { return Vec::new() };
    let inside = lines.iter().enumerate().skip(start + 1).take_while(|(_, line)| section(line).is_none());
    let keys = inside.filter(|(_, line)| line.contains('=') && !is_comment(line)).map(|(index, _)| index);
    [start].into_iter().chain(keys).collect()
}

fn section(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.strip_suffix(']')
}

fn is_our_section(line: &str) -> bool {
    section(line).is_some_and(|name| name.trim().eq_ignore_ascii_case(SECTION))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with([';', '#'])
}

fn key_of(line: &str) -> &str {
    line.split_once('=').map_or("", |(key, _)| key.trim())
}

/// The line with another value; what is around the value stays, and so does one that differs in its case alone.
fn replaced(line: &str, value: &str) -> String {
    let Some((key, old)) = line.split_once('=').filter(|(_, old)| !old.trim().eq_ignore_ascii_case(value))
    else {
        return line.to_owned();
    };
    let before = &old[..old.len() - old.trim_start().len()];
    let after = &old[old.trim_end().len().max(before.len())..];
    // A value that was empty has its spaces before it.
    let before = if old.trim().is_empty() { "" } else { before };
    let after = if old.trim().is_empty() { line_end(line) } else { after };
    format!("{key}={before}{value}{after}")
}

fn add(lines: &mut Vec<String>, last: Option<usize>, key: &str, value: &str) {
    let Some(last) = last else { return };
    let end =
        lines.iter().map(|line| line_end(line)).find(|end| !end.is_empty()).unwrap_or("\r\n").to_owned();
    if line_end(&lines[last]).is_empty() {
        lines[last].push_str(&end);
    }
    lines.insert(last + 1, format!("{key}={value}{end}"));
}

fn line_end(line: &str) -> &str {
    &line[line.trim_end_matches(['\r', '\n']).len()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [(&str, &str); 3] =
        [("MediaType", "BootMedia"), ("PasswordRequired", "true"), ("Unattended", "false")];

    #[test]
    fn only_our_values_change() {
        for (before, after) in [
            (
                "[MediaInfo]\r\nMediaType=FullMedia\r\nPasswordRequired=false\r\nUnattended=true\r\n",
                "[MediaInfo]\r\nMediaType=BootMedia\r\nPasswordRequired=true\r\nUnattended=false\r\n",
            ),
            // Order, spelling, spaces, comments, other keys, other sections and the missing last end stay.
            (
                "; made\n[Other]\nUnattended=x\n\n[ mediainfo ]\nunattended =  true \n;MediaType=a\nMore= Zürich=1\nPASSWORDREQUIRED=\nMediaType=x\n[Z]\nPasswordRequired=y",
                "; made\n[Other]\nUnattended=x\n\n[ mediainfo ]\nunattended =  false \n;MediaType=a\nMore= Zürich=1\nPASSWORDREQUIRED=true\nMediaType=BootMedia\n[Z]\nPasswordRequired=y",
            ),
            (
                "[MediaInfo]\nMediaType=BootMedia\n\n[Z]\na=b\n",
                "[MediaInfo]\nMediaType=BootMedia\nPasswordRequired=true\nUnattended=false\n\n[Z]\na=b\n",
            ),
            (
                "[MediaInfo]\nMediaType=bootMedia\nPasswordRequired=TRUE\t\nUnattended=False",
                "[MediaInfo]\nMediaType=bootMedia\nPasswordRequired=TRUE\t\nUnattended=False",
            ),
            (
                "[MediaInfo]",
                "[MediaInfo]\r\nMediaType=BootMedia\r\nPasswordRequired=true\r\nUnattended=false\r\n",
            ),
        ] {
            for (encoding, name) in IniEncoding::ALL {
                let lines = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect();
                let ini = BootstrapIni::new(encoding, lines(before)).expect("it has the section");
                let bytes = ini.encode(before);
                assert_eq!(ini.encode(&ini.lines.concat()), bytes);
                let read = BootstrapIni::read(&bytes).expect("as written");
                // Bytes that are UTF-8 are taken for it; both come back as they were.
                if encoding != IniEncoding::Bytes {
                    assert_eq!(read.encoding, encoding, "{name}");
                }
                assert_eq!(read.with(&OURS), ini.encode(after), "{name}: {before}");
            }
        }
    }

    #[test]
    fn what_could_not_be_written_again_is_refused() {
        for (bytes, error) in [
            (&b"MediaType=BootMedia\r\n"[..], BootstrapError::NoSection),
            (b"", BootstrapError::NoSection),
            (b"\xFF\xFE[\0M", BootstrapError::Utf16),
            (b"\xFF\xFE\0\xD8", BootstrapError::Utf16),
        ] {
            assert_eq!(BootstrapIni::read(bytes), Err(error));
        }
        let lines = vec!["[MediaInfo]\n".to_owned(), "a=€\n".to_owned()];
        assert_eq!(BootstrapIni::new(IniEncoding::Bytes, lines), Err(BootstrapError::NotAByte { line: 2 }));
    }
}
