use sqlx::Row;

use super::{SqliteStore, Write, safe};
use crate::error::Result;

impl SqliteStore {
    /// Notes who changed what, with the change itself; nothing where nothing changed. `noted` has an earlier part of
    /// the same change.
    pub(super) async fn note(
        &self,
        write: &mut Write,
        (by, action): (&str, &str),
        target: &str,
        count: u64,
        noted: Option<i64>,
    ) -> Result<Option<i64>> {
        let fault = self.fault("note who changed what");
        if count == 0 {
            return Ok(noted);
        }
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if let Some(seq) = noted {
            let more = sqlx::query(safe(&self.sql.note_more)).bind(seq).bind(count);
            more.execute(&mut *write.tx).await.map_err(&fault)?;
            return Ok(noted);
        }
        let row = sqlx::query(safe(&self.sql.note))
            .bind(by)
            .bind(action)
            .bind(target)
            .bind(count)
            .fetch_one(&mut *write.tx)
            .await
            .map_err(&fault)?;
        row.try_get(0).map(Some).map_err(&fault)
    }
}
