//! Marvin32, the hash of log entries, with the seed they use.
//!
//! Source: M. Suhanov's specification, "Log entries", for the seed; the function as in .NET's `Marvin`.

/// The bytes `82 EF 4D 88 7A 4E 55 C5` of the specification, highest first.
const SEED: u64 = 0x82EF_4D88_7A4E_55C5;

/// The hash as a log entry stores it, read as a little-endian number.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    seeded(SEED, bytes)
}

fn seeded(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = (seed as u32, (seed >> 32) as u32);
    let (numbers, rest) = bytes.as_chunks::<4>();
    for number in numbers {
        mix(&mut state, u32::from_le_bytes(*number));
    }
    // What is left over, a mark behind it, and one more round.
    let last = rest.iter().rev().fold(0x80, |last, byte| last << 8 | u32::from(*byte));
    mix(&mut state, last);
    mix(&mut state, 0);
    u64::from(state.0) | u64::from(state.1) << 32
}

fn mix((low, high): &mut (u32, u32), number: u32) {
    *low = low.wrapping_add(number);
    *high ^= *low;
    *low = low.rotate_left(20).wrapping_add(*high);
    *high = high.rotate_left(9) ^ *low;
    *low = low.rotate_left(27).wrapping_add(*high);
    *high = high.rotate_left(19);
}

#[cfg(test)]
mod tests {
    use super::seeded;

    /// The values of .NET's own tests of `Marvin`.
    #[test]
    fn known_answers() {
        let seed = 0x004F_B61A_001B_DBCC;
        for (bytes, expected) in [
            (&[][..], 0x30ED_35C1_00CD_3C7D),
            (&[0xAF], 0x48E7_3FC7_7D75_DDC1),
            (&[0xE7, 0x0F], 0xB5F6_E1FC_485D_BFF8),
            (&[0x37, 0xF4, 0x95], 0xF0B0_7C78_9B8C_F7E8),
            (&[0x86, 0x42, 0xDC, 0x59], 0x7008_F2E8_7E9C_F556),
            (&[0x15, 0x3F, 0xB7, 0x98, 0x26], 0xE6C0_8C6D_A2AF_A997),
        ] {
            assert_eq!(seeded(seed, bytes), expected, "{bytes:02x?}");
        }
    }
}
