//! Inputs that cannot be used.

use media_tests::boot_image::Compression;
use media_tests::dirty_hive::{incremental_log, not_closed};

use super::{Case, REAL, case, check};
use crate::fixtures::{self, ROOT_CERTIFICATE};

/// A case whose boot image is this file.
fn image(name: &'static str, arguments: &str, bytes: &'static [u8]) -> Case {
    case(name, 3, &format!("{REAL} {arguments}")).with(move |sandbox| _ = sandbox.write("boot.wim", bytes))
}

/// A case with the usual boot image, with bytes changed at an offset.
fn damaged(name: &'static str, offset: usize, bytes: &'static [u8]) -> Case {
    case(name, 3, REAL).with(move |sandbox| fixtures::boot_image_with(sandbox, offset, bytes))
}

#[test]
fn boot_images_that_are_none() {
    check(
        "boot-image-files",
        &[
            case("no such file", 3, REAL),
            case("a folder", 3, REAL).with(|sandbox| _ = sandbox.write("boot.wim/x", "")),
            image("empty", "", b""),
            image("a text", "", b"This is no boot image, and it is longer than a header has to be.\n"),
            image("half a header", "", b"MSWIM\0\0\0\xD0\0\0\0"),
            damaged("another header length", 8, b"\xD4\0\0\0"),
            damaged("another version", 12, b"\0\0\x0F\0"),
            damaged("a blob table beyond the end", 56, b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"),
            case("cut in the middle", 3, REAL).with(|sandbox| {
                fixtures::boot_image(sandbox);
                let bytes = sandbox.read("boot.wim");
                sandbox.write("boot.wim", &bytes[..bytes.len() / 2]);
            }),
            case("cut by its last byte", 3, REAL).with(|sandbox| {
                fixtures::boot_image(sandbox);
                let bytes = sandbox.read("boot.wim");
                sandbox.write("boot.wim", &bytes[..bytes.len() - 1]);
            }),
        ],
    );
}

#[test]
fn boot_images_that_would_not_boot() {
    let like = |name: &'static str,
                code,
                arguments: &str,
                change: fn(&mut media_tests::boot_image::BootImageRecipe)| {
        let arguments = format!("{REAL} {arguments}");
        case(name, code, &arguments).with(move |sandbox| fixtures::boot_image_like(sandbox, name, change))
    };
    check(
        "boot-images",
        &[
            like("no image marked bootable", 3, "", |recipe| recipe.boot_index = 0),
            like("an image that is not there", 2, "--image-index 3", |_| ()),
            like("LZMS", 3, "", |recipe| {
                (recipe.compression, recipe.chunk_size) = (Compression::Lzms, 128 << 10)
            }),
            like("chunks of 64 KiB", 3, "", |recipe| {
                (recipe.compression, recipe.chunk_size) = (Compression::Xpress, 64 << 10)
            }),
            damaged("part 2 of 3", 40, b"\x02\0\x03\0"),
            like("no boot managers of 2023", 3, "--boot-manager 2023", |recipe| recipe.with_2023_set = false),
            like("no boot managers of 2011", 3, "--boot-manager 2011", |recipe| recipe.with_2011_set = false),
            like("no files of Configuration Manager", 3, "", |recipe| recipe.configmgr_files = false),
            like("no boot configuration of its own", 3, "--boot-configuration boot-image", |recipe| {
                recipe.bcd = false
            }),
            like("no hive to put a certificate into", 3, "--trusted-root root.pem", |recipe| {
                recipe.hives.software = b"SOFTWARE".to_vec()
            }),
            like("a hive that was not closed", 3, "--trusted-root root.pem", |recipe| {
                recipe.hives.software = not_closed(&recipe.hives.software, 7)
            }),
            like(
                "a hive that was not closed, and a log of an earlier write",
                3,
                "--trusted-root root.pem",
                |recipe| {
                    let software = recipe.hives.software.clone();
                    recipe.hives.logs = vec![("SOFTWARE.LOG2", incremental_log(&[&software, &software], 3))];
                    recipe.hives.software = not_closed(&software, 7);
                },
            ),
        ]
        .map(|case| {
            let prepare = case.prepare;
            Case {
                prepare: Box::new(move |sandbox| {
                    prepare(sandbox);
                    sandbox.write("root.pem", ROOT_CERTIFICATE);
                }),
                ..case
            }
        }),
    );
}

#[test]
fn passwords() {
    let file = |name: &'static str, bytes: &'static [u8]| {
        case(name, 3, &format!("{REAL} --password-file password.txt")).with(move |sandbox| {
            fixtures::boot_image(sandbox);
            sandbox.write("password.txt", bytes);
        })
    };
    let with_image = |case: Case| case.with(fixtures::boot_image);
    check(
        "passwords",
        &[
            with_image(case("no such file", 3, &format!("{REAL} --password-file password.txt"))),
            file("empty", b""),
            file("an empty first line", b"\nsecret\n"),
            file("not text", b"sec\xFFret\n"),
            file("half a UTF-16 character", b"\xFF\xFEs"),
            file("UTF-16 without a byte order mark", b"s\0e\0c\0r\0e\0t\0\r\0\n\0"),
            file("an escape", b"sec\x1Bret\n"),
            with_image(case("a folder", 3, &format!("{REAL} --password-file /"))),
            with_image(case("not set", 3, &format!("{REAL} --password-env NO_SUCH_VARIABLE"))),
            with_image(case("set to nothing", 3, &format!("{REAL} --password-env EMPTY")))
                .environment("EMPTY", ""),
            with_image(case(
                "a password for a variable's name, to inspect",
                3,
                "inspect boot.wim --password-env S3cret!pw",
            )),
            with_image(case("nobody to ask", 3, &format!("{REAL} --password-prompt"))),
            with_image(case("nothing on standard input", 3, &format!("{REAL} --password-file -"))).input(""),
        ],
    );
}

#[test]
fn certificates() {
    let file = |name: &'static str, bytes: &'static [u8]| {
        case(name, 3, &format!("{REAL} --trusted-root root.cer")).with(move |sandbox| {
            fixtures::boot_image(sandbox);
            sandbox.write("root.cer", bytes);
        })
    };
    check(
        "certificates",
        &[
            case("no such file", 3, &format!("{REAL} --intermediate ca.cer")).with(fixtures::boot_image),
            file("empty", b""),
            file("a text", b"This is no certificate.\n"),
            file("not DER to the end", b"\x30\x82\x03\x00\x30\x82"),
            file("a private key", b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"),
            file("PEM that is not closed", b"-----BEGIN CERTIFICATE-----\nMAA=\n"),
            file("PEM of something else", b"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"),
            file("a registry file without certificates", b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso]\r\n\"A\"=\"B\"\r\n"),
            file("a registry file that is damaged", b"Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\r\n"),
        ],
    );
}

/// RFC 5280 section 4.2.1.12, `id-kp-serverAuth`.
pub const SERVER_AUTHENTICATION: &str = "1.3.6.1.5.5.7.3.1";

#[test]
fn media_certificates() {
    let pfx = |name: &'static str, arguments: &str| {
        case(name, 3, &format!("{REAL} --certificate media.pfx {arguments}")).with(|sandbox| {
            fixtures::boot_image(sandbox);
            sandbox.write("media.pfx", fixtures::media_certificate("right"));
        })
    };
    check(
        "media-certificates",
        &[
            case("no such file", 3, &format!("{REAL} --certificate media.pfx")).with(fixtures::boot_image),
            pfx("no password", ""),
            pfx("a wrong password", "--certificate-password-env PASSWORD").environment("PASSWORD", "wrong"),
            pfx("expired", "--certificate-password-env PASSWORD")
                .environment("PASSWORD", "right")
                .environment("SOURCE_DATE_EPOCH", "2500000000"),
            case(
                "not for client authentication",
                3,
                &format!("{REAL} --certificate media.pfx --certificate-password-env PASSWORD"),
            )
            .with(|sandbox| {
                fixtures::boot_image(sandbox);
                sandbox.write("media.pfx", fixtures::media_certificate_for("right", SERVER_AUTHENTICATION));
            })
            .environment("PASSWORD", "right"),
            case("no PKCS#12 file", 3, &format!("{REAL} --certificate media.pfx")).with(|sandbox| {
                fixtures::boot_image(sandbox);
                sandbox.write("media.pfx", ROOT_CERTIFICATE);
            }),
        ],
    );
}

#[test]
fn other_files() {
    let variables = |name: &'static str, file: &'static str, code, text: &'static str| {
        case(name, code, &format!("{REAL} --vars-file {file}")).with(move |sandbox| {
            fixtures::boot_image(sandbox);
            sandbox.write(file, text);
        })
    };
    check(
        "other-files",
        &[
            case("no such file of variables", 3, &format!("{REAL} --vars-file vars.txt"))
                .with(fixtures::boot_image),
            variables("a line without =", "vars.txt", 3, "# secret values\nA=1\nsecret value\n"),
            variables("a variable given twice", "vars.txt", 3, "A=1\na=2\n"),
            variables("a variable without a name", "vars.txt", 3, "=1\n"),
            variables("a variable with a bad name", "vars.txt", 3, "A B=1\n"),
            variables("a value that XML cannot hold", "vars.toml", 3, "A = \"1\"\nB = \"secret \\u0001\"\n"),
            variables("the media GUID", "vars.txt", 3, "A=1\n_SMSMediaGUID=secret\n"),
            case(
                "the prestart command's variable",
                3,
                &format!("{REAL} --vars-file vars.txt --prestart-command cmd --prestart-variable Pre"),
            )
            .with(|sandbox| {
                fixtures::boot_image(sandbox);
                sandbox.write("vars.txt", "A=1\nPRE=secret\n");
            }),
            case("no such seed file", 3, &format!("{REAL} --seed-file seed.txt")).with(fixtures::boot_image),
            case("an empty seed file", 3, &format!("{REAL} --seed-file seed.txt")).with(|sandbox| {
                fixtures::boot_image(sandbox);
                sandbox.write("seed.txt", "\n");
            }),
            variables("a value that is a number", "vars.toml", 3, "A = \"1\"\nB = 5\n"),
            variables("TOML that is none", "vars.toml", 3, "A = \"1\"\nsecret value\n"),
            case("variables that are not text", 3, &format!("{REAL} --vars-file vars.txt")).with(|sandbox| {
                fixtures::boot_image(sandbox);
                sandbox.write("vars.txt", b"A=1\nB=\xFF\n");
            }),
            case("an identity variable left out", 2, &format!("{REAL} --without-var _smsmediaguid"))
                .with(fixtures::boot_image),
            case("no such boot file", 3, &format!("{REAL} --boot-file boot/boot.sdi=boot.sdi"))
                .with(fixtures::boot_image),
            case(
                "a boot file with a name FAT32 cannot hold",
                2,
                &format!("{} --boot-file boot/a:b=boot.wim", REAL.replace("iso", "img")),
            )
            .with(fixtures::boot_image),
        ],
    );
}
