//! Sizes for people.

/// `734003200 bytes (700.0 MiB)`; small ones in bytes alone.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match bytes {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{bytes} bytes"),
        _ => format!("{bytes} bytes ({value:.1} {})", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_read_well() {
        assert_eq!(super::size(0), "0 bytes");
        assert_eq!(super::size(1), "1 byte");
        assert_eq!(super::size(1023), "1023 bytes");
        assert_eq!(super::size(734_003_200), "734003200 bytes (700.0 MiB)");
        assert_eq!(super::size(u64::MAX), "18446744073709551615 bytes (16777216.0 TiB)");
    }
}
