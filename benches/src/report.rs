//! The figures as a table, and as JSON.

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::measure::{Figure, Unit, quantile};

/// The ratio of a figure to what it is compared with.
fn ratio(figure: &Figure, all: &[Figure]) -> Option<f64> {
    let of = figure.aim?.of?;
    let raw = all.iter().find(|other| other.case == figure.case && other.contender == of)?;
    Some(figure.median() / raw.median())
}

/// Whether it reached its aim, by its ratio or by itself.
fn reached(figure: &Figure, ratio: Option<f64>) -> Option<bool> {
    let aim = figure.aim?;
    let value = if aim.of.is_some() { ratio? } else { figure.median() };
    Some(if figure.unit == Unit::Rate { value >= aim.bound } else { value <= aim.bound })
}

fn number(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Rate => format!("{value:.0}/s"),
        Unit::Milliseconds => format!("{value:.2} ms"),
        Unit::Megabytes => format!("{value:.1} MB"),
        Unit::PerSecond => format!("{value:.1}/s"),
        Unit::Percent => format!("{value:.2} %"),
    }
}

/// All figures with their ratios.
pub fn table(figures: &[Figure]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["case", "contender", "median", "lowest", "highest", "ratio", "aim"]);
    for figure in figures {
        let ratio = ratio(figure, figures);
        let aim = figure.aim.map(|aim| {
            let sign = if figure.unit == Unit::Rate { ">=" } else { "<=" };
            let reached = if reached(figure, ratio) == Some(true) { "" } else { ", missed" };
            format!("{sign} {:.2}{reached}", aim.bound)
        });
        table.add_row([
            figure.case.to_owned(),
            figure.contender.to_owned(),
            number(figure.median(), figure.unit),
            number(quantile(&figure.samples, 0.0), figure.unit),
            number(quantile(&figure.samples, 1.0), figure.unit),
            ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            aim.unwrap_or_default(),
        ]);
    }
    table
}

/// One line of the JSON.
#[derive(Serialize)]
struct Line<'f> {
    #[serde(flatten)]
    figure: &'f Figure,
    median: f64,
    ratio: Option<f64>,
    reached: Option<bool>,
}

/// All figures with all their samples.
pub fn json(figures: &[Figure]) -> serde_json::Result<String> {
    let lines: Vec<_> = figures
        .iter()
        .map(|figure| {
            let ratio = ratio(figure, figures);
            let reached = reached(figure, ratio);
            Line { figure, median: figure.median(), ratio, reached }
        })
        .collect();
    serde_json::to_string_pretty(&lines)
}
