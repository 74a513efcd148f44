//! A chart as SVG text: bars, longest at the bottom, readable on light and dark ground.

use super::results::Row;

const WIDTH: f64 = 900.0;
const LABELS: f64 = 400.0;
const LINE: f64 = 22.0;

/// Bars of how many times as long as the first row each row takes.
pub(super) fn bars(title: &str, rows: &[Row]) -> String {
    let first = rows.first().map_or(1.0, |row| row.cost.wall);
    let most = rows.iter().map(|row| row.cost.wall / first).fold(1.0, f64::max);
    let mut sorted: Vec<&Row> = rows.iter().filter(|row| row.missing.is_none()).collect();
    sorted.sort_by(|one, other| one.cost.wall.total_cmp(&other.cost.wall));
    let height = (sorted.len() as f64 + 2.0) * LINE;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n<text x=\"8\" y=\"17\" font-weight=\"bold\">{}</text>\n",
        escaped(title)
    );
    for (number, row) in sorted.into_iter().enumerate() {
        let (ratio, y) = (row.cost.wall / first, (number as f64 + 1.5) * LINE);
        let length = (WIDTH - LABELS - 60.0) * ratio / most;
        let colour = if row.is_ours { "#0b6e4f" } else { "#8a8f98" };
        out.push_str(&format!(
            "<text x=\"8\" y=\"{:.0}\">{}</text><rect x=\"{LABELS}\" y=\"{:.0}\" width=\"{length:.1}\" height=\"14\" \
             fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{:.0}\">{ratio:.2}</text>\n",
            y + 12.0,
            escaped(&row.job),
            y,
            LABELS + length + 6.0,
            y + 12.0
        ));
    }
    out.push_str("</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::measure::Cost;
    use super::*;

    #[test]
    fn every_row_has_a_bar_as_long_as_its_time() {
        let row = |job: &str, wall| Row::new("t", job, "ISO", true, &[Cost { wall, ..Cost::default() }]);
        let chart = bars("a < b", &[row("cp", 0.5), row("slow & long", 2.0), row("quick", 0.25)]);
        assert!(chart.contains("a &lt; b") && chart.contains("slow &amp; long"), "{chart}");
        let widths: Vec<&str> =
            chart.split("width=\"").skip(2).map(|rest| rest.split('"').next().unwrap_or_default()).collect();
        assert_eq!(widths, ["55.0", "110.0", "440.0"]);
        assert_eq!(chart.matches("<text").count(), chart.matches("</text>").count());
    }
}
