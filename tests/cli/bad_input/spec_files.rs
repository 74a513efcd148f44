//! Mistakes in a spec file: the message points at the line.

use super::{Case, case, check};
use crate::fixtures;
use crate::support::Sandbox;

const RUN: &str = "create --spec media.toml --output out.iso";
const GOOD: &str = "[boot]\nboot-image = \"boot.wim\"\n\n[site]\nsite-code = \"PS1\"\nmanagement-point = [\"mp.contoso.com\"]\n";

/// A case with this spec file.
fn spec(name: &'static str, text: &'static str) -> Case {
    case(name, 2, RUN).with(move |sandbox| _ = sandbox.write("media.toml", text))
}

/// A case with a spec file that is good but for these lines.
fn lines(name: &'static str, text: &'static str) -> Case {
    case(name, 2, RUN).with(move |sandbox| _ = sandbox.write("media.toml", format!("{GOOD}\n{text}")))
}

/// A case in which nothing is said on the command line that these lines about the output say.
fn within(name: &'static str, text: &'static str) -> Case {
    case(name, 2, "create --spec media.toml")
        .with(move |sandbox| _ = sandbox.write("media.toml", format!("{GOOD}\n[output]\n{text}")))
}

/// A case with a good boot image and these lines about the certificate, at a time that is set.
fn boot_image_and(name: &'static str, text: &'static str) -> Case {
    let prepare = move |sandbox: &Sandbox| {
        fixtures::boot_image(sandbox);
        sandbox.write("media.toml", format!("{GOOD}\n[security]\n{text}"));
    };
    case(name, 2, RUN).with(prepare).environment("SOURCE_DATE_EPOCH", "1798761600")
}

#[test]
fn files() {
    check(
        "spec-files",
        &[
            case("no such file", 3, RUN),
            case("a folder", 3, "create --spec folder --output out.iso")
                .with(|sandbox| _ = sandbox.write("folder/file", "")),
            case("not text", 3, RUN)
                .with(|sandbox| _ = sandbox.write("media.toml", b"[boot]\nboot-image = \"\xFF\"\n")),
            case("far too large", 3, RUN)
                .with(|sandbox| _ = sandbox.write("media.toml", "#".repeat(2 << 20))),
            spec("empty", ""),
        ],
    );
}

#[test]
fn text() {
    check(
        "spec-text",
        &[
            spec("not TOML", "[boot]\nboot-image: boot.wim\n"),
            spec("a quote that is not closed", "[boot]\nboot-image = \"boot.wim\n"),
            spec("a key given twice", "[site]\nsite-code = \"PS1\"\nsite-code = \"PS2\"\n"),
            spec("a table that is none", "[sites]\nsite-code = \"PS1\"\n"),
            spec("a key that is none", "[boot]\nboot-image = \"boot.wim\"\npakage-id = \"PS100005\"\n"),
            spec(
                "a key of another table",
                "[boot]\nboot-image = \"boot.wim\"\n\n[media]\nsite-code = \"PS1\"\n",
            ),
            spec("a number for a text", "[site]\nsite-code = 101\n"),
            spec("a text for a number", "[site]\nhttp-port = \"80\"\n"),
            spec("a text for yes or no", "[media]\nunattended = \"yes\"\n"),
            spec("a text for a list", "[security]\ntrusted-root = \"root.cer\"\n"),
            spec("a number in a list", "[security]\ntrusted-root = [\"root.cer\", 5]\n"),
            spec("a list for a text", "[boot]\nboot-image = [\"boot.wim\"]\n"),
            spec("a key for a table", "boot = \"boot.wim\"\n"),
            spec("a port that is too large", "[site]\nhttp-port = 70000\n"),
            spec("a number below zero", "[boot]\nimage-index = -1\n"),
            spec("a choice that is none", "[boot]\nboot-manager = \"2019\"\n"),
            spec("a size that is none", "[output]\nsize = \"4X\"\n"),
            spec("a size below zero", "[output]\nsize = -5\n"),
            spec("a date that is a number", "[security]\ncertificate-start = 2027\n"),
            spec("an architecture that is none", "[site.unknown-computer]\nia64 = \"x\"\n"),
            spec("a variable that is a number", "[variables]\nCOUNT = 5\n"),
        ],
    );
}

/// What is secret in the cases below; none of it may be printed.
const SECRET: &str = "S3cretHidden";

#[test]
fn secret_values() {
    check(
        "spec-secret-values",
        &[
            lines("a bad name", "[variables]\n\"OSD Pwd\" = \"S3cretHidden\"\n"),
            lines("a control character", "[variables]\nOSDPwd = \"S3cretHidden\\u0001\"\n"),
            lines("a bare control character", "[variables]\nOSDPwd = \"S3cretHidden\u{1}\"\n"),
            lines("a quote that is not closed", "[variables]\nOSDPwd = \"S3cretHidden\nA = \"b\"\n"),
            lines("no quotes", "[variables]\nOSDPwd = S3cretHidden\n"),
            lines("no equals sign", "[variables]\nOSDPwd \"S3cretHidden\"\n"),
            lines("a colon", "[variables]\nOSDPwd: \"S3cretHidden\"\n"),
            lines("several lines", "[variables]\nOSDPwd = \"\"\"\nA = S3cretHidden\n\\q\"\"\"\n"),
            lines("several lines that do not end", "[variables]\nOSDPwd = '''\nA = S3cretHidden\nB = 1\n"),
            lines("a number", "[variables]\nJoinPin = 48151623\n"),
            lines("no key", "[variables]\n            = \"S3cretHidden\"\n"),
            lines("a list", "[variables]\nA = \"b\"\nOSDPwds = [\n  \"S3cretHidden\",\n]\n"),
            lines("a table on one line", "[media]\nlabel = { password = \"S3cretHidden\" }\n"),
            lines(
                "the same variable twice",
                "[variables]\nOSDPwd = \"S3cretHidden\"\nOSDPWD = \"S3cretHidden\"\n",
            ),
            lines("a password", "[security]\npassword = \"S3cretHidden\" # S3cretHidden\n"),
            lines("a password that is a number", "[security]\npassword = 48151623\n"),
            lines("a password of the certificate", "[security]\ncertificate-password = \"S3cretHidden\"\n"),
            lines("a password in another table", "[media]\nlabel = \"A\"\npassword = \"S3cretHidden\"\n"),
            lines("a password for a variable's name", "[security]\npassword-env = \"S3cretHidden!\"\n"),
            lines("the media GUID", "[variables]\n_SMSMediaGuid = \"S3cretHidden\"\n"),
            lines(
                "a variable for the prestart command",
                "[media]\nprestart-command = \"cmd\"\nprestart-variable = \"Pre\"\n\n[variables]\nPre = \"S3cretHidden\"\n",
            ),
            lines("a password for yes", "[security]\npassword-prompt = \"S3cretHidden\"\n"),
            lines("a password for a choice", "[security]\nvariables-encryption = \"S3cretHidden\"\n"),
            lines(
                "a variable between two lines that are wrong",
                "[media]\nvars-file = \"-\"\n\n[variables]\nOSDPwd = \"S3cretHidden\"\n\n[security]\npassword-file = \"-\"\n",
            ),
        ],
    );
    let snapshot =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cli/snapshots/bad-input-spec-secret-values.snap");
    let printed = std::fs::read_to_string(snapshot).expect("it was just compared");
    assert!(!printed.contains(SECRET) && !printed.contains("48151623"));
}

#[test]
fn values() {
    check(
        "spec-values",
        &[
            spec(
                "site code",
                "[boot]\nboot-image = \"b.wim\"\n[site]\nmanagement-point = [\"mp\"]\nsite-code = \"PS10\"\n",
            ),
            lines("date", "[security]\ncertificate-start = \"31.1.2027\"\n"),
            lines("date before 1970", "[security]\ncertificate-start = 1960-01-01\n"),
            lines("media GUID", "[media]\nmedia-guid = \"12345\"\n"),
            lines("label", "[media]\nlabel = \"a/b\"\n"),
            lines("name of a variable", "[variables]\n\"1NAME\" = \"x\"\n"),
            lines("place of a boot file", "[boot.boot-file]\n\"../boot.sdi\" = \"boot.sdi\"\n"),
            lines("unknown computer", "[site.unknown-computer]\nx64 = \"12345\"\n"),
            within("cluster size", "output = \"out.img\"\ncluster-size = 3000\n"),
        ],
    );
}

#[test]
fn combinations() {
    let gateway = "[boot]\nboot-image = \"b.wim\"\n\n[site]\nsite-code = \"PS1\"\ncmg = \"cmg.contoso.com/CCM_Proxy_MutualAuth/1\"\n";
    check(
        "spec-combinations",
        &[
            spec(
                "dynamic through a gateway",
                "[boot]\nboot-image = \"b.wim\"\n\n[site]\nsite-code = \"PS1\"\nmedia-mode = \"dynamic\"\ncmg = \"cmg.contoso.com/CCM_Proxy_MutualAuth/1\"\n",
            ),
            case("gateway without a password", 2, RUN)
                .with(move |sandbox| _ = sandbox.write("media.toml", gateway)),
            case(
                "a gateway in the file, dynamic on the command line",
                2,
                &format!("{RUN} --media-mode dynamic"),
            )
            .with(move |sandbox| _ = sandbox.write("media.toml", gateway)),
            lines(
                "imported certificate with an expiry",
                "[security]\ncertificate = \"a.pfx\"\ncertificate-expiry = 2027-12-31\n",
            ),
            lines(
                "expiry before start",
                "[security]\ncertificate-start = 2027-12-31\ncertificate-expiry = 2027-01-01\n",
            ),
            boot_image_and(
                "expired dates",
                "certificate-start = 2020-01-01\ncertificate-expiry = 2021-01-01\n",
            ),
            boot_image_and("expired a year after the start", "certificate-start = 2020-01-01\n"),
            lines("two passwords", "[security]\npassword-file = \"a\"\npassword-env = \"B\"\n"),
            lines("prestart command without its variable", "[media]\nprestart-command = \"x.cmd\"\n"),
            within("cluster size of an ISO", "output = \"out.iso\"\ncluster-size = \"4K\"\n"),
            within("size of an ISO", "format = \"iso\"\noutput = \"out.iso\"\nsize = \"8G\"\n"),
            within("prompt of a disk image", "output = \"out.img\"\nprompt = true\n"),
            case("a size for the ISO of the file", 2, "create --spec media.toml --size 8G").with(|sandbox| {
                _ = sandbox.write("media.toml", format!("{GOOD}\n[output]\noutput = \"out.iso\"\n"))
            }),
            case("another port than the file's management point", 2, &format!("{RUN} --http-port 81")).with(
                |sandbox| _ = sandbox.write("media.toml", GOOD.replace("contoso.com", "contoso.com:8080")),
            ),
            case("an output that is neither", 2, "create --spec media.toml").with(|sandbox| {
                _ = sandbox.write("media.toml", format!("{GOOD}\n[output]\noutput = \"out.bin\"\n"))
            }),
        ],
    );
}
