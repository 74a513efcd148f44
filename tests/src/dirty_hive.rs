//! Hives that were not closed, with log files in both formats, made from clean states of one hive.
//!
//! Written from M. Suhanov's "Windows registry file format specification" alone; nothing is taken from the reader.

const BASE_BLOCK: usize = 4096;
const BLOCK: usize = 4096;
const SECTOR: usize = 512;

/// A hive file cut off while it was written: the bins of one state, and sequence numbers that differ. Logs that bring
/// it further start with the number `sequence`.
pub fn not_closed(state: &[u8], sequence: u32) -> Vec<u8> {
    let mut hive = state.to_vec();
    set_sequence(&mut hive, sequence.wrapping_add(1), sequence);
    seal(&mut hive);
    hive
}

/// The same before Windows 8.1: the write of the state `next` began, so its base block is there, but none of its bins.
pub fn not_closed_before_8_1(state: &[u8], next: &[u8], sequence: u32) -> Vec<u8> {
    let mut hive = state.to_vec();
    hive[..BASE_BLOCK].copy_from_slice(&next[..BASE_BLOCK]);
    set_sequence(&mut hive, sequence, sequence.wrapping_sub(1));
    seal(&mut hive);
    hive
}

/// Makes the checksum of a hive's base block wrong.
pub fn spoil_base_block(hive: &mut [u8]) {
    hive[508] ^= 0x55;
}

/// A log since Windows 8.1: an entry from each state to the next, the first with the number `sequence`.
pub fn incremental_log(states: &[&[u8]], sequence: u32) -> Vec<u8> {
    let entries = states.windows(2).zip(0..).map(|(pair, index)| {
        let mut pages: Vec<(u32, Vec<u8>)> = Vec::new();
        for block in changed_blocks(pair[0], pair[1]) {
            // Blocks side by side make one page.
            match pages.last_mut() {
                Some((place, page)) if *place as usize + page.len() == block * BLOCK => {
                    page.extend_from_slice(block_of(pair[1], block));
                }
                _ => pages.push(((block * BLOCK) as u32, block_of(pair[1], block).to_vec())),
            }
        }
        Entry { sequence: sequence.wrapping_add(index), size: size_of(pair[1]), pages, ..Entry::default() }
    });
    log_of(states[0], sequence, entries.collect())
}

/// A log entry to be, true or not.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Its number.
    pub sequence: u32,
    /// Bytes of all hive bins.
    pub size: u32,
    /// Place in the bins and content of each page.
    pub pages: Vec<(u32, Vec<u8>)>,
    /// How many pages it says it has, when that is not the truth.
    pub count: Option<u32>,
    /// How long it says it is, when that is not the truth.
    pub len: Option<u32>,
    /// How long it says its first page is, when that is not the truth.
    pub page_len: Option<u32>,
}

/// A log with these entries behind the copy of a hive's base block.
pub fn log_of(state: &[u8], sequence: u32, entries: Vec<Entry>) -> Vec<u8> {
    let mut log = copy_of_base_block(state, 6, sequence);
    for entry in entries {
        let mut body = Vec::new();
        for (index, (place, page)) in entry.pages.iter().enumerate() {
            let len = entry.page_len.filter(|_| index == 0).unwrap_or(page.len() as u32);
            body.extend_from_slice(&place.to_le_bytes());
            body.extend_from_slice(&len.to_le_bytes());
        }
        entry.pages.iter().for_each(|(_, page)| body.extend_from_slice(page));
        // Windows fills up to the next 4096 bytes of the log.
        let end = (log.len() + 40 + body.len()).next_multiple_of(4096);
        body.resize(end - log.len() - 40, 0);
        let mut header = b"HvLE".to_vec();
        let len = entry.len.unwrap_or(body.len() as u32 + 40);
        for number in [len, 0, entry.sequence, entry.size, entry.count.unwrap_or(entry.pages.len() as u32)] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.extend_from_slice(&marvin32(&body));
        let hash = marvin32(&header);
        header.extend_from_slice(&hash);
        log.extend_from_slice(&header);
        log.extend_from_slice(&body);
    }
    log
}

/// A log before Windows 8.1: everything between two states, named by the bits of a dirty vector.
pub fn dirty_vector_log(from: &[u8], to: &[u8], sequence: u32) -> Vec<u8> {
    let mut log = copy_of_base_block(to, 1, sequence);
    let dirty = changed_blocks(from, to);
    log.extend_from_slice(b"DIRT");
    for block in 0..size_of(to) as usize / BLOCK {
        log.push(if dirty.contains(&block) { 0xFF } else { 0 });
    }
    log.resize(log.len().next_multiple_of(SECTOR), 0);
    dirty.iter().for_each(|block| log.extend_from_slice(block_of(to, *block)));
    log
}

/// Overwrites a file's copy of the numbers that say whether a write was finished.
fn set_sequence(file: &mut [u8], primary: u32, secondary: u32) {
    file[4..8].copy_from_slice(&primary.to_le_bytes());
    file[8..12].copy_from_slice(&secondary.to_le_bytes());
}

/// Sets the checksum of a base block.
pub fn seal(file: &mut [u8]) {
    let mut sum = [0; 4];
    for (at, byte) in file[..508].iter().enumerate() {
        sum[at % 4] ^= byte;
    }
    file[508..512].copy_from_slice(&sum);
}

fn copy_of_base_block(state: &[u8], kind: u8, sequence: u32) -> Vec<u8> {
    let mut log = state[..SECTOR].to_vec();
    log[28] = kind;
    set_sequence(&mut log, sequence, sequence);
    seal(&mut log);
    log
}

fn size_of(state: &[u8]) -> u32 {
    u32::from_le_bytes([state[40], state[41], state[42], state[43]])
}

fn block_of(state: &[u8], block: usize) -> &[u8] {
    &state[BASE_BLOCK + block * BLOCK..][..BLOCK]
}

fn changed_blocks(from: &[u8], to: &[u8]) -> Vec<usize> {
    let (had, has) = (size_of(from) as usize / BLOCK, size_of(to) as usize / BLOCK);
    (0..has).filter(|block| *block >= had || block_of(from, *block) != block_of(to, *block)).collect()
}

/// Marvin32 with the seed of log entries, as bytes. The input is filled up to whole numbers first: 0x80, zeros, and a
/// zero more.
fn marvin32(bytes: &[u8]) -> [u8; 8] {
    let mut input = bytes.to_vec();
    input.push(0x80);
    input.resize(input.len().next_multiple_of(4) + 4, 0);
    let (mut a, mut b) = (0x7A4E_55C5_u32, 0x82EF_4D88_u32);
    for number in input.chunks(4) {
        a = a.wrapping_add(u32::from_le_bytes([number[0], number[1], number[2], number[3]]));
        b ^= a;
        a = a.rotate_left(20).wrapping_add(b);
        b = b.rotate_left(9) ^ a;
        a = a.rotate_left(27).wrapping_add(b);
        b = b.rotate_left(19);
    }
    let mut hash = [0; 8];
    hash[..4].copy_from_slice(&a.to_le_bytes());
    hash[4..].copy_from_slice(&b.to_le_bytes());
    hash
}
