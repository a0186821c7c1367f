use std::sync::Arc;

use sqlx::Row;

use super::rows::each;
use super::{PostgresStore, giving_way, safe};
use crate::error::Result;
use crate::pause::{Pause, PauseTarget};

impl PostgresStore {
    pub(super) async fn pause_target(&self, target: PauseTarget, by: String) -> Result<bool> {
        giving_way!(self, self.change_pause(&self.sql.pause, "pause", &target, &by))
    }

    pub(super) async fn resume_target(&self, target: PauseTarget, by: String) -> Result<bool> {
        giving_way!(self, self.change_pause(&self.sql.resume, "resume", &target, &by))
    }

    /// Whether it changed anything.
    async fn change_pause(
        &self,
        statement: &Arc<str>,
        doing: &'static str,
        target: &PauseTarget,
        by: &str,
    ) -> Result<bool> {
        let fault = self.fault(doing);
        let (kind, name) = target.parts();
        let mut alone = self.alone(doing).await?;
        let row = sqlx::query(safe(statement))
            .bind(kind)
            .bind(name)
            .bind(by)
            .bind(target.to_string())
            .fetch_one(alone.connection())
            .await
            .map_err(&fault)?;
        alone.done(self).await?;
        Ok(row.try_get::<i64, _>(0).map_err(&fault)? > 0)
    }

    pub(super) async fn list_pauses(&self) -> Result<Vec<Pause>> {
        let fault = self.fault("look for pauses");
        let rows = sqlx::query(safe(&self.sql.pauses)).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "pauses", |row| {
            let target = PauseTarget::from_parts(row.get("kind")?, row.get("name")?);
            Ok(Pause::new(target, row.get("paused_at")?, row.get("paused_by")?))
        })
    }
}
