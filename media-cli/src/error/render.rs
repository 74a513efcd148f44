//! How an error is printed: what is wrong, where, why, and what to do.

use std::error::Error as _;
use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, ThemeCharacters, ThemeStyles,
};

use super::{Error, Place, SettingError, advice};

/// Renders an error: the message with its causes, the lines of the spec file it is about, and a hint.
pub(super) fn render(error: &Error, colour: bool) -> String {
    let (red, bold, plain) = if colour { ("\u{1b}[31;1m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
    let mut out = match error {
        Error::Setting(setting) => match snippet(setting, colour) {
            Some(snippet) => snippet,
            None => format!("{red}error:{plain} {}{}\n", option_names(setting), setting.message),
        },
        other => format!("{red}error:{plain} {}\n", with_causes(other)),
    };
    if let Some(hint) = advice::hint(error) {
        out.push_str(&format!("{bold}hint:{plain} {hint}\n"));
    }
    out
}

/// The options at fault: `--cmg: `, or `--size and --format: `.
fn option_names(setting: &SettingError) -> String {
    match (&setting.place, &setting.also) {
        (Place::Option(name), Place::Option(also)) if name != also => format!("{also} and {name}: "),
        (Place::Option(name), _) | (_, Place::Option(name)) => format!("{name}: "),
        _ => String::new(),
    }
}

/// The message followed by what caused it. A cause that a message repeats is said once.
fn with_causes(error: &Error) -> String {
    let mut out = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !out.contains(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
        cause = error.source();
    }
    out
}

/// An error with the lines of the spec file it is about.
#[derive(Debug)]
struct Pointing {
    message: String,
    source: NamedSource<String>,
    labels: Vec<LabeledSpan>,
}

impl fmt::Display for Pointing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Pointing {}

impl miette::Diagnostic for Pointing {
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

fn snippet(setting: &SettingError, colour: bool) -> Option<String> {
    let spec = setting.spec.as_ref()?;
    let mut labels = Vec::new();
    for (place, label) in [(&setting.place, "here"), (&setting.also, "and here")] {
        if let Place::SpecFile(span) = place {
            labels.push(LabeledSpan::new_with_span(Some(label.to_owned()), span.clone()));
        }
    }
    if labels.is_empty() {
        return None;
    }
    let message = format!("{}{}", option_names(setting), setting.message);
    let source = NamedSource::new(&spec.name, spec.text.clone());
    let characters = ThemeCharacters { error: "error:".to_owned(), ..ThemeCharacters::unicode() };
    let styles = if colour { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let mut out = String::new();
    // Lines are not wrapped: a terminal does that, and a log should be searchable.
    GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_links(false)
        .with_wrap_lines(false)
        .with_context_lines(0)
        .render_report(&mut out, &Pointing { message, source, labels })
        .ok()?;
    let lines: Vec<&str> = out.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    Some(format!("{}\n", lines.join("\n").trim_start()))
}
