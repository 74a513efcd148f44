//! How an error is printed: what is wrong, where, why, and what to do.

use std::error::Error as _;
use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use super::keys_only::keys_only;
use super::{Error, Place, SettingError, advice};
use crate::output::Shown;

/// Renders an error: the message with its causes, the lines of the spec file it is about, and a hint.
pub(super) fn render(error: &Error, colour: bool) -> String {
    let (red, bold, plain) = if colour { ("\u{1b}[31;1m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
    let mut out = match error {
        Error::Setting(setting) => match snippet(setting, colour) {
            Some(snippet) => snippet,
            None => format!("{red}error:{plain} {}{}\n", option_names(setting), setting.message),
        },
        other => format!("{red}error:{plain} {}\n", Shown(with_causes(other))),
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
    source: WholeLines,
    labels: Vec<LabeledSpan>,
}

impl fmt::Display for Pointing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Pointing {}

impl Diagnostic for Pointing {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// A spec file of which the lines an error is about are shown, and no others: they may hold secret values.
struct WholeLines {
    name: String,
    text: String,
}

impl fmt::Debug for WholeLines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

impl SourceCode for WholeLines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.text.as_bytes();
        let is_end = |byte: &u8| *byte == b'\n';
        let (start, end) = (span.offset().min(text.len()), (span.offset() + span.len()).min(text.len()));
        let start = text[..start].iter().rposition(is_end).map_or(0, |position| position + 1);
        let end = text[end..].iter().position(is_end).map_or(text.len(), |position| end + position);
        let lines = self.text.read_span(&(start..end).into(), 0, 0)?;
        let (line, column) = (lines.line(), lines.column());
        let contents = MietteSpanContents::new_named(
            self.name.clone(),
            lines.data(),
            *lines.span(),
            line,
            column,
            lines.line_count(),
        );
        Ok(Box::new(contents))
    }
}

/// The text with every line blank that no span is in: those between two places may hold secret values.
fn only_lines(text: &str, spans: &[Range<usize>]) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let here = shown.len()..shown.len() + line.len();
        if spans.iter().any(|span| span.start < here.end && here.start < span.end.max(span.start + 1)) {
            shown.push_str(line);
        } else {
            // As many bytes, so that places stay what they are.
            shown.extend(line.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        }
    }
    shown
}

fn snippet(setting: &SettingError, colour: bool) -> Option<String> {
    let spec = setting.spec.as_ref()?;
    let mut spans: Vec<Range<usize>> = [&setting.place, &setting.also]
        .into_iter()
        .filter_map(|place| match place {
            Place::SpecFile(span) => Some(span.clone()),
            _ => None,
        })
        .collect();
    spans.sort_by_key(|span| span.start);
    let (text, spans) = if setting.hides_values {
        keys_only(&spec.text, &spans)
    } else {
        (only_lines(&spec.text, &spans), spans)
    };
    let words = if spans.len() > 1 { ["this", "and this"] } else { ["here", ""] };
    let label = |(span, word): (Range<usize>, &str)| LabeledSpan::new_with_span(Some(word.into()), span);
    let labels: Vec<_> = spans.into_iter().zip(words).map(label).collect();
    if labels.is_empty() {
        return None;
    }
    let message = format!("{}{}", option_names(setting), setting.message);
    let source = WholeLines { name: spec.name.clone(), text };
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
