use sqlx::{PgConnection, Row};

use super::run::without_nul;
use super::{PostgresStore, safe};
use crate::error::Result;

impl PostgresStore {
    /// Notes who changed what, with the change itself; nothing where nothing changed. `noted` has an earlier part of
    /// the same change.
    pub(super) async fn note(
        &self,
        connection: &mut PgConnection,
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
            more.execute(connection).await.map_err(&fault)?;
            return Ok(noted);
        }
        let row = sqlx::query(safe(&self.sql.note))
            .bind(without_nul(by))
            .bind(action)
            .bind(without_nul(target))
            .bind(count)
            .fetch_one(connection)
            .await
            .map_err(&fault)?;
        row.try_get(0).map(Some).map_err(&fault)
    }
}
