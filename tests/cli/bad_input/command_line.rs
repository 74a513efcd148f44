//! Mistakes on the command line.

use super::{BASE, case, check};

const POINT: &str = "--management-point mp.contoso.com";
const GATEWAY: &str = "cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100";

#[test]
fn commands_and_options() {
    check(
        "options",
        &[
            case("no command", 2, ""),
            case("a command that is none", 2, "crate"),
            case("an option that is none", 2, "create --bot-image boot.wim"),
            case("a password as an argument", 2, &format!("{BASE} --password secret")),
            case("a choice that is none", 2, &format!("{BASE} --boot-manager 2019")),
            case("a store that is none", 2, &format!("{BASE} --root-store disallowed")),
            case("a number that is none", 2, &format!("{BASE} --image-index first")),
            case("a port that is too large", 2, &format!("{BASE} --http-port 70000")),
            case("a size that is none", 2, &format!("{BASE} --size 4X")),
            case("two passwords", 2, &format!("{BASE} --password-env A --password-file b")).about_output(),
            case("verify without a medium", 2, "verify"),
            case("inspect with two passwords", 2, "inspect out.iso --password-env A --password-prompt"),
            case("completions for no shell", 2, "completions cmd"),
            case("a manual page of no command", 2, "manual crate"),
        ],
    );
}

#[test]
fn what_has_to_be_given() {
    check(
        "missing",
        &[
            case("no boot image", 2, "create --output out.iso"),
            case("no site code", 2, "create --boot-image boot.wim --output out.iso"),
            case("no management point", 2, "create --boot-image boot.wim --site-code PS1 --output out.iso"),
            case("no output", 2, "create --boot-image boot.wim --site-code PS1 --management-point mp"),
            case(
                "a dry run of nothing",
                2,
                "create --boot-image b.wim --site-code PS1 --management-point mp --dry-run",
            ),
            case("an output that is neither", 2, &BASE.replace("out.iso", "out.bin")),
            case("an output without extension", 2, &BASE.replace("out.iso", "stick")),
        ],
    );
}

#[test]
fn values() {
    check(
        "values",
        &[
            case("site code of four characters", 2, &BASE.replace("PS1 ", "PS10 ")),
            case("package id with a G", 2, &format!("{BASE} --package-id PS1000G5")),
            case("image 0", 2, &format!("{BASE} --image-index 0")),
            case("management point with a path", 2, &BASE.replace("mp.contoso.com", "mp.contoso.com/ccm")),
            case("management point by ftp", 2, &BASE.replace("mp.contoso.com", "ftp://mp.contoso.com")),
            case(
                "management point with a signed port",
                2,
                &BASE.replace("mp.contoso.com", "mp.contoso.com:+443"),
            ),
            case("gateway without its path", 2, &BASE.replace(POINT, "--cmg cmg.contoso.com")),
            case("gateway by http", 2, &BASE.replace(POINT, &format!("--cmg http://{GATEWAY}"))),
            case("password for a variable's name", 2, &format!("{BASE} --password-env S3cret!pw")),
            case(
                "certificate password for a variable's name",
                2,
                &format!("{BASE} --certificate a.pfx --certificate-password-env 1234"),
            ),
            case("certificate that starts before 1970", 2, &format!("{BASE} --certificate-start 1960-01-01")),
            case("media GUID as a variable", 2, &format!("{BASE} --var _smsmediaguid=x")),
            case("media certificate as a variable", 2, &format!("{BASE} --var _SMSTSMediaPFX=x")),
            case("port 0", 2, &format!("{BASE} --https-port 0")),
            case("unknown computer of no architecture", 2, &format!("{BASE} --unknown-computer ia64=x")),
            case("unknown computer that is no GUID", 2, &format!("{BASE} --unknown-computer x64=12345")),
            case("unknown computer without architecture", 2, &format!("{BASE} --unknown-computer 12345")),
            case("boot file without a place", 2, &format!("{BASE} --boot-file boot.sdi")),
            case("boot file outside the medium", 2, &format!("{BASE} --boot-file boot/../../x=boot.sdi")),
            case(
                "boot file that is always made",
                2,
                &format!("{BASE} --boot-file Sources\\Boot.wim=boot.sdi"),
            ),
            case("date that is none", 2, &format!("{BASE} --certificate-start 31.1.2027")),
            case("key of 1000 bits", 2, &format!("{BASE} --key-bits 1000")),
            case("label of 33 characters", 2, &format!("{BASE} --label {}", "x".repeat(33))),
            case("label with a slash", 2, &format!("{BASE} --label A/B")),
            case("media GUID that is none", 2, &format!("{BASE} --media-guid 12345")),
            case("variable without a value", 2, &format!("{BASE} --var NAME")),
            case("variable with a bad name", 2, &format!("{BASE} --var 1NAME=x")),
            case("variable with a character that XML cannot hold", 2, &format!("{BASE} --var NAME=a\u{1}b")),
            case(
                "prestart variable with a bad name",
                2,
                &format!("{BASE} --prestart-command cmd --prestart-variable a=b"),
            ),
            case(
                "prestart variable that is the management point's",
                2,
                &format!("{BASE} --prestart-command cmd --prestart-variable smstsmp"),
            ),
            case(
                "prestart variable that is the media certificate's",
                2,
                &format!("{BASE} --prestart-command cmd --prestart-variable _SMSTSMediaPFX"),
            ),
            case("variable to leave out with a bad name", 2, &format!("{BASE} --without-var A=B")),
            case("XML declaration that is none", 2, &format!("{BASE} --variables-xml-declaration <bad")),
            case("XML version with a line end", 2, &format!("{BASE} --variables-xml-version X"))
                .replacing("X", "5\n0"),
            case("trailer of 70000 bytes", 2, &format!("{BASE} --variables-trailer 70000")),
            case("size that is no sector", 2, &format!("{} --size 1000", BASE.replace("iso", "img"))),
            case("cluster of 3000 bytes", 2, &format!("{} --cluster-size 3000", BASE.replace("iso", "img"))),
            case("cluster of 64 KiB", 2, &format!("{} --cluster-size 64K", BASE.replace("iso", "img"))),
            case("time that is none", 2, BASE).environment("SOURCE_DATE_EPOCH", "yesterday"),
        ],
    );
}

#[test]
fn combinations() {
    let base = "create --boot-image boot.PS100005.wim --site-code PS1 --output out.iso";
    check(
        "combinations",
        &[
            case("two management points, site-based", 2, &format!("{BASE} --management-point mp2")),
            case("dynamic through a gateway", 2, &format!("{base} --cmg {GATEWAY} --media-mode dynamic")),
            case("management point and gateway", 2, &format!("{BASE} --cmg {GATEWAY}")),
            case("gateway without a password", 2, &format!("{base} --cmg {GATEWAY}")),
            case("password of no certificate", 2, &format!("{BASE} --certificate-password-env A")),
            case(
                "imported certificate with a start",
                2,
                &format!("{BASE} --certificate a.pfx --certificate-start 2027-01-01"),
            ),
            case(
                "imported certificate with an expiry",
                2,
                &format!("{BASE} --certificate a.pfx --certificate-expiry 2027-01-01"),
            ),
            case(
                "imported certificate with a key length",
                2,
                &format!("{BASE} --certificate a.pfx --key-bits 2048"),
            ),
            case(
                "expiry before start",
                2,
                &format!("{BASE} --certificate-start 2027-01-02 --certificate-expiry 2027-01-01"),
            ),
            case("prestart command without its variable", 2, &format!("{BASE} --prestart-command x.cmd")),
            case("prestart variable without its command", 2, &format!("{BASE} --prestart-variable X")),
            case(
                "unknown computer twice",
                2,
                &format!(
                    "{BASE} --unknown-computer x64=d10d7f98-17dd-4588-b645-34964936023b --unknown-computer x64=d10d7f98-17dd-4588-b645-34964936023b"
                ),
            ),
            case(
                "boot file twice",
                2,
                &format!("{BASE} --boot-file boot/boot.sdi=a --boot-file Boot\\BOOT.SDI=b"),
            ),
            case("variable twice", 2, &format!("{BASE} --var A=1 --var a=2")),
            case("variable given and left out", 2, &format!("{BASE} --var A=1 --without-var a")),
            case("size of an ISO", 2, &format!("{BASE} --size 8G")),
            case("cluster size of an ISO", 2, &format!("{BASE} --cluster-size 4K")),
            case("partition scheme of an ISO", 2, &format!("{BASE} --partition-scheme mbr")),
            case("prompt of a disk image", 2, &format!("{} --prompt", BASE.replace("iso", "img"))),
            case(
                "prestart variable that is one of the user's",
                2,
                &format!("{BASE} --prestart-command cmd --prestart-variable Pre --var PRE=x"),
            ),
            case("self-signed and imported", 2, &format!("{BASE} --self-signed --certificate a.pfx"))
                .about_output(),
            case(
                "password of no certificate, self-signed",
                2,
                &format!("{BASE} --self-signed --certificate-password-env A"),
            ),
            case("two seeds", 2, &format!("{BASE} --seed a --seed-file b")).about_output(),
            case(
                "two ports for https",
                2,
                &format!(
                    "{} --https-port 443",
                    BASE.replace("mp.contoso.com", "https://mp.contoso.com:8443")
                ),
            ),
            case(
                "management points of two ports",
                2,
                &format!(
                    "{} --media-mode dynamic --management-point b.contoso.com:81",
                    BASE.replace("mp.contoso.com", "a.contoso.com:8080")
                ),
            ),
            case(
                "seed and password from standard input",
                2,
                &format!("{BASE} --password-file - --seed-file -"),
            ),
            case("two readers of standard input", 2, &format!("{BASE} --password-file - --vars-file -")),
        ],
    );
}
