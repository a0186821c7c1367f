use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::Stylize;
use ratatui::text::Line;
use ratatui::widgets::{Row, Table};
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::oneshot;

use super::super::super::text;
use super::snapshot::{RunningJob, Snapshot};

/// How wide the bar of a job's progress is.
const BAR: u8 = 20;

/// The terminal, as long as it is ours.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    ended: oneshot::Receiver<()>,
}

impl Screen {
    /// Takes the terminal; it is given back when this is dropped, or at a panic.
    pub(super) fn open() -> std::io::Result<Self> {
        let terminal = ratatui::try_init()?;
        let (end, ended) = oneshot::channel();
        // It reads for as long as the process lives: nothing else does, and nothing waits for it.
        std::thread::spawn(move || {
            while !event::read().is_ok_and(|event| is_the_end(&event)) {}
            // Nobody listens any more when the looks have ended.
            let _ = end.send(());
        });
        Ok(Self { terminal, ended })
    }

    pub(super) fn draw(&mut self, snapshot: &Snapshot) -> std::io::Result<()> {
        self.terminal.draw(|frame| draw(frame, snapshot)).map(drop)
    }

    /// Waits until somebody has seen enough.
    pub(super) async fn ended(&mut self) {
        // The sender is gone with its thread: that is an end, too.
        let _ = (&mut self.ended).await;
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn is_the_end(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => true,
        KeyCode::Char('c') => key.modifiers.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}

fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot) {
    let queues = u16::try_from(snapshot.queues.len()).unwrap_or(u16::MAX).saturating_add(2);
    let [head, depths, running] =
        Layout::vertical([Constraint::Length(2), Constraint::Max(queues), Constraint::Fill(1)]).areas(frame.area());
    let workers = &snapshot.workers;
    let minute = &snapshot.last_minute;
    let line = format!(
        "workers {}  slots {}/{}  last minute: succeeded {}  failed {}  dead {}  {}",
        workers.alive,
        workers.busy,
        workers.slots,
        minute.succeeded,
        minute.failed,
        minute.dead,
        text::exact(snapshot.at)
    );
    frame.render_widget(Line::from(line), head);
    frame.render_widget(queue_table(snapshot), depths);
    frame.render_widget(job_table(snapshot), running);
}

fn queue_table(snapshot: &Snapshot) -> Table<'_> {
    let rows = snapshot.queues.iter().map(|(name, of)| {
        let oldest = of.oldest_ready_seconds.map(seconds).unwrap_or_default();
        let numbers = [of.ready, of.later, of.blocked, of.parked, of.running].map(|number| number.to_string());
        Row::new([text::shown(name)].into_iter().chain(numbers).chain([oldest]))
    });
    let number = Constraint::Length(9);
    let widths = [Constraint::Fill(1), number, number, number, number, number, Constraint::Length(12)];
    Table::new(rows, widths)
        .header(Row::new(["QUEUE", "READY", "LATER", "BLOCKED", "PARKED", "RUNNING", "OLDEST READY"]).bold())
}

fn job_table(snapshot: &Snapshot) -> Table<'_> {
    let rows = snapshot.running.iter().map(|job| {
        let RunningJob { id, attempt, .. } = job;
        Row::new([
            id.to_string(),
            text::shown(&job.job),
            text::shown(&job.queue),
            attempt.to_string(),
            seconds(job.seconds),
            job.progress.as_ref().map(bar).unwrap_or_default(),
        ])
    });
    let widths = [
        Constraint::Length(36),
        Constraint::Fill(1),
        Constraint::Length(12),
        Constraint::Length(7),
        Constraint::Length(6),
        Constraint::Fill(2),
    ];
    Table::new(rows, widths).header(Row::new(["RUNNING", "JOB", "QUEUE", "ATTEMPT", "FOR", "PROGRESS"]).bold())
}

fn seconds(seconds: i64) -> String {
    text::span(Duration::from_secs(seconds.unsigned_abs()))
}

/// A bar, the part in a hundred, and the note.
fn bar(progress: &crate::telling::Progress) -> String {
    // In steps of a twentieth.
    let full = (1..=BAR).filter(|step| progress.fraction * 20.0 >= f64::from(*step) - 0.5).count();
    let (full, empty) = ("█".repeat(full), "░".repeat(usize::from(BAR).saturating_sub(full)));
    text::line(&text::shown(&format!("{full}{empty} {}", text::progress(progress))), 200)
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::snapshot::Depths;
    use super::*;
    use crate::record::JobId;
    use crate::telling::Progress;

    #[test]
    fn queues_and_running_jobs_are_drawn() {
        let mut snapshot = Snapshot::default();
        snapshot.workers.alive = 3;
        let depths = Depths { ready: 31, oldest_ready_seconds: Some(90), ..Depths::default() };
        snapshot.queues.insert("mail\u{1b}[2J".to_owned(), depths);
        snapshot.running.push(RunningJob {
            id: JobId::generate(),
            job: "import".to_owned(),
            queue: "mail".to_owned(),
            attempt: 2,
            seconds: 75,
            progress: Progress::new(0.5, "page 50".to_owned()),
        });
        let mut terminal = Terminal::new(TestBackend::new(140, 12)).expect("a terminal");
        terminal.draw(|frame| draw(frame, &snapshot)).expect("drawn");
        let text: String = terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect();
        for part in ["workers 3", "QUEUE", "31", "1m", "import", "██████████░░░░░░░░░░ 50% page 50"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}'), "nothing of it steers the terminal");
    }

    #[test]
    fn keys_end_it() {
        let key = |code| Event::Key(event::KeyEvent::new(code, KeyModifiers::NONE));
        assert!(is_the_end(&key(KeyCode::Char('q'))) && is_the_end(&key(KeyCode::Esc)));
        assert!(!is_the_end(&key(KeyCode::Char('c'))));
        assert!(is_the_end(&Event::Key(event::KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL))));
    }
}
