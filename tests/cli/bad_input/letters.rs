//! What makes no letter.

use super::{case, check};

#[test]
fn letters() {
    let spec = |text: &'static str| {
        move |sandbox: &crate::support::Sandbox| {
            _ = sandbox.write("media.toml", format!("[letter]\n{text}\n"))
        }
    };
    check(
        "letters",
        &[
            case("two forms", 2, "letter --html --text"),
            case("an empty contact", 2, "letter --contact _").replacing("_", " "),
            case("seven lines", 2, "letter --spec media.toml")
                .with(spec("contact = \"\"\"\n1\n2\n3\n4\n5\n6\n7\n\"\"\"")),
            case("a long line", 2, "letter --spec media.toml").with(spec(
                "contact = \"01234567890123456789012345678901234567890123456789012345678901234\"",
            )),
            case("a misspelt key", 2, "letter --spec media.toml").with(spec("organization = \"Contoso\"")),
            case("a number", 2, "letter --spec media.toml").with(spec("organisation = 5")),
            case("no such template", 3, "letter --letter-html own.html"),
            case("a template in another encoding", 3, "letter --letter-text own.txt")
                .with(|sandbox| _ = sandbox.write("own.txt", b"Hello\nGr\xFC\xDFe")),
            case("a password in a template", 3, "letter --letter-html own.html")
                .with(|sandbox| _ = sandbox.write("own.html", "<p>\n{{ password }}</p>")),
            case("a template with a mistake", 3, "letter --spec media.toml").with(|sandbox| {
                sandbox.write("media.toml", "[letter]\nletter-text = \"own.txt\"\n");
                sandbox.write("own.txt", "Hello\n\n{% for line in contact %}{{ line }}\n");
            }),
            case("a letter of nothing", 3, "letter --letter-text own.txt")
                .with(|sandbox| _ = sandbox.write("own.txt", "\n")),
        ],
    );
}
