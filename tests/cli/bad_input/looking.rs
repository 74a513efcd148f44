//! Things that `inspect` and `verify` cannot look at.

use media_tests::dirty_hive::not_closed;

use super::{case, check};
use crate::fixtures;

#[test]
fn what_is_no_medium() {
    check(
        "looking",
        &[
            case("nothing there to inspect", 5, "inspect media.iso"),
            case("nothing there to verify", 5, "verify media.iso"),
            case("a folder to inspect", 5, "inspect folder")
                .with(|sandbox| _ = sandbox.write("folder/x", "")),
            case("an empty file", 5, "verify media.iso").with(|sandbox| _ = sandbox.write("media.iso", "")),
            case("a text", 5, "inspect media.iso")
                .with(|sandbox| _ = sandbox.write("media.iso", "This is text.\n")),
            case("a text to verify, as JSON", 5, "verify --json media.iso")
                .with(|sandbox| _ = sandbox.write("media.iso", "text")),
            case("a WIM header alone", 5, "inspect boot.wim").with(|sandbox| {
                fixtures::boot_image(sandbox);
                let bytes = sandbox.read("boot.wim");
                sandbox.write("boot.wim", &bytes[..208]);
            }),
            case("half a WIM header", 5, "verify boot.wim")
                .with(|sandbox| _ = sandbox.write("boot.wim", b"MSWIM\0\0\0\xD0\0\0\0")),
            case("a pipable WIM", 5, "verify boot.wim")
                .with(|sandbox| fixtures::boot_image_with(sandbox, 0, b"WLPWM")),
            case("a hive header alone", 5, "inspect SOFTWARE")
                .with(|sandbox| _ = sandbox.write("SOFTWARE", b"regf\x01\0\0\0\x01\0\0\0")),
            case("a hive that was not closed", 5, "verify SOFTWARE").with(|sandbox| {
                sandbox.write("SOFTWARE", not_closed(&fixtures::software_hive(), 7));
            }),
            case("half a variables file", 5, "inspect variables.dat")
                .with(|sandbox| _ = sandbox.write("variables.dat", b"\0\0\xED\xEC\x14\0\0\0\x10\0\0\0")),
            case("a boot sector without a volume", 5, "verify media.img").with(|sandbox| {
                let mut bytes = vec![0; 4096];
                bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
                sandbox.write("media.img", bytes);
            }),
            case("an ISO mark without a volume", 5, "inspect media.iso").with(|sandbox| {
                let mut bytes = vec![0; 40_960];
                bytes[32_769..32_774].copy_from_slice(b"CD001");
                sandbox.write("media.iso", bytes);
            }),
            case("a password that is not set", 3, "inspect media.iso --password-env NO_SUCH_VARIABLE")
                .with(|sandbox| _ = sandbox.write("media.iso", "x")),
        ],
    );
}
