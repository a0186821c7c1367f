use super::rows::each;
use super::{SqliteStore, safe};
use crate::error::Result;
use crate::pause::{Pause, PauseTarget};

impl SqliteStore {
    pub(super) async fn pause_target(&self, target: PauseTarget, by: String) -> Result<bool> {
        let fault = self.fault("pause");
        let (kind, name) = target.parts();
        let mut write = self.write("pause").await?;
        sqlx::query(safe(&self.sql.forget_pauses)).execute(&mut *write.tx).await.map_err(&fault)?;
        let done = sqlx::query(safe(&self.sql.pause))
            .bind(kind)
            .bind(name)
            .bind(&by)
            .execute(&mut *write.tx)
            .await
            .map_err(&fault)?;
        self.note(&mut write, (&by, "pause"), &target.to_string(), done.rows_affected(), None).await?;
        write.commit(self).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn resume_target(&self, target: PauseTarget, by: String) -> Result<bool> {
        let (kind, name) = target.parts();
        let mut write = self.write("resume").await?;
        let done = sqlx::query(safe(&self.sql.resume))
            .bind(kind)
            .bind(name)
            .execute(&mut *write.tx)
            .await
            .map_err(self.fault("resume"))?;
        self.note(&mut write, (&by, "resume"), &target.to_string(), done.rows_affected(), None).await?;
        write.commit(self).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn list_pauses(&self) -> Result<Vec<Pause>> {
        let fault = self.fault("look for pauses");
        let rows = sqlx::query(safe(&self.sql.pauses)).fetch_all(&self.pool).await.map_err(fault)?;
        each(&rows, "pauses", |row| {
            let target = PauseTarget::from_parts(row.get("kind")?, row.get("name")?);
            Ok(Pause::new(target, row.instant("paused_at")?, row.get("paused_by")?))
        })
    }
}
