//! A picture of the rate of a drain against the backlog.

use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 60.0;

/// A round number at or above it: 1, 2 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|&round| round >= value).unwrap_or(value)
}

/// The picture of (backlog, rate), in equal steps of the backlog.
pub fn of(points: &[(u32, f64)]) -> String {
    let top = round_up(points.iter().map(|&(_, rate)| rate).fold(1.0, f64::max));
    #[allow(clippy::cast_precision_loss, reason = "a handful of points")]
    let x =
        |place: usize| MARGIN + (WIDTH - 2.0 * MARGIN) * place as f64 / points.len().saturating_sub(1).max(1) as f64;
    let y = |rate: f64| HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * rate / top;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"#555\">\n<title>Jobs a second against the jobs that are ready behind them</title>\n"
    );
    for part in [0.0, 0.5, 1.0] {
        let (value, at) = (top * part, y(top * part));
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<path d=\"M{MARGIN} {at}H{}\" stroke=\"#bbb\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{value:.0}</text>",
            WIDTH - MARGIN,
            MARGIN - 8.0,
            at + 4.0
        );
    }
    let line: Vec<_> =
        points.iter().enumerate().map(|(place, &(_, rate))| format!("{:.1},{:.1}", x(place), y(rate))).collect();
    let _ =
        writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"#2563eb\" stroke-width=\"2\"/>", line.join(" "));
    for (place, &(backlog, rate)) in points.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<circle cx=\"{0:.1}\" cy=\"{1:.1}\" r=\"4\" fill=\"#2563eb\"><title>{backlog} behind: {rate:.0} jobs/s</title>\
             </circle><text x=\"{0:.1}\" y=\"{2}\" text-anchor=\"middle\">{backlog}</text>",
            x(place),
            y(rate),
            HEIGHT - MARGIN + 18.0
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">ready jobs behind those that are drained</text>\n\
         <text x=\"{MARGIN}\" y=\"{}\">jobs/s, one worker, Postgres</text>\n</svg>",
        WIDTH / 2.0,
        HEIGHT - 16.0,
        MARGIN - 24.0
    );
    svg
}
