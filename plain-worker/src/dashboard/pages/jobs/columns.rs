//! Chosen fields of a job's documents as columns of their own.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::record::JobRow;

/// Columns that a page has at most.
const MOST: usize = 8;

/// Fields as `args.user_id` names them, in the order in which they were asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns(Vec<Column>);

#[derive(Clone, Debug)]
struct Column {
    name: String,
    document: Document,
    path: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Document {
    Arguments,
    Metadata,
    Output,
}

impl Columns {
    /// # Errors
    /// What cannot be a column, in words.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let names: Vec<_> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.len() > MOST {
            return Err(format!("{} columns are too many: choose up to {MOST}.", names.len()));
        }
        names.into_iter().map(Column::read).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| column.name.as_str())
    }

    /// What a job has there; nothing where it has no such field.
    pub(super) fn values(&self, job: &JobRow) -> impl Iterator<Item = String> {
        self.0.iter().map(|column| column.value(job).unwrap_or_default())
    }
}

impl Column {
    fn read(name: &str) -> Result<Self, String> {
        let mut steps = name.split('.').map(str::to_owned);
        let document = match steps.next().as_deref() {
            Some("args" | "arguments") => Document::Arguments,
            Some("meta" | "metadata") => Document::Metadata,
            Some("output") => Document::Output,
            _ => {
                return Err(format!(
                    "`{name}` is no column: write a path such as args.user_id, meta.tenant or output.rows."
                ));
            }
        };
        Ok(Self { name: name.to_owned(), document, path: steps.collect() })
    }

    fn value(&self, job: &JobRow) -> Option<String> {
        let document = match self.document {
            Document::Arguments => job.arguments.as_str(),
            Document::Metadata => job.metadata.as_deref()?,
            Document::Output => job.output.as_deref()?,
        };
        let mut value: Box<RawValue> = serde_json::from_str(document).ok()?;
        for step in &self.path {
            value = inside(&value, step)?;
        }
        // A text without its quotes; everything else as it is stored, so that no digit of a number is lost.
        Some(serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned()))
    }
}

fn inside(value: &RawValue, step: &str) -> Option<Box<RawValue>> {
    match value.get().as_bytes().first()? {
        b'{' => serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(value.get()).ok()?.remove(step),
        b'[' => {
            let place: usize = step.parse().ok()?;
            serde_json::from_str::<Vec<Box<RawValue>>>(value.get()).ok()?.into_iter().nth(place)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_as_they_are_stored() {
        let value = |name: &str, document: &str| {
            let column = Column::read(name).unwrap();
            let mut value: Box<RawValue> = serde_json::from_str(document).unwrap();
            for step in &column.path {
                value = inside(&value, step)?;
            }
            Some(value.get().to_owned())
        };
        let document = r#"{"a":{"b":[1970670598291982290,"x"]},"n":1e400}"#;
        assert_eq!(value("args.a.b.0", document).as_deref(), Some("1970670598291982290"));
        assert_eq!(value("args.a.b.1", document).as_deref(), Some("\"x\""));
        assert_eq!(value("meta.n", document).as_deref(), Some("1e400"));
        assert_eq!(value("output", document).as_deref(), Some(document));
        assert_eq!((value("args.a.b.2", document), value("args.n.x", document)), (None, None));
        assert!(Columns::read("user_id").unwrap_err().starts_with("`user_id` is no column"));
        assert!(Columns::read(&"args.a,".repeat(9)).is_err());
        assert_eq!(Columns::read(" args.a , output ").unwrap().names().collect::<Vec<_>>(), ["args.a", "output"]);
    }
}
