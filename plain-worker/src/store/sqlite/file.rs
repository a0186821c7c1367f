//! The database file itself: who may read it, and where it may lie.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;

/// Whether the database lives in memory only.
pub(super) fn is_memory(options: &SqliteConnectOptions) -> bool {
    let name = options.get_filename().to_string_lossy();
    name == ":memory:" || name.starts_with("file:sqlx-in-memory")
}

/// The database in words.
pub(super) fn describe(options: &SqliteConnectOptions) -> String {
    if is_memory(options) {
        "SQLite in memory".to_owned()
    } else {
        format!("SQLite file {}", options.get_filename().display())
    }
}

/// Makes the file if it is missing, readable by its owner only, and looks where it lies.
pub(super) fn prepare(path: &Path, network_file: bool) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if !folder.is_dir() {
        return Err(format!("there is no folder `{}`: create it, or name a file elsewhere", folder.display()));
    }
    if !network_file && let Some(kind) = network_kind(folder) {
        return Err(format!(
            "`{}` is on a network file system ({kind}), whose locks lose data: use a local disk or Postgres, \
             or allow it with `QueueOptions::network_file(true)`",
            folder.display()
        ));
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(format!("`{}` cannot be created: {error}", path.display())),
    }
}

/// The name of the network file system that the folder is on, if it is on one.
///
/// SQLite's own advice: <https://www.sqlite.org/useovernet.html>.
#[cfg(target_os = "linux")]
fn network_kind(folder: &Path) -> Option<&'static str> {
    // The magic numbers of statfs(2).
    match rustix::fs::statfs(folder).ok()?.f_type {
        0x6969 => Some("NFS"),
        0x517B => Some("SMB"),
        0xFE53_4D42 => Some("SMB2"),
        0xFF53_4D42 => Some("CIFS"),
        0x0102_1997 => Some("9P"),
        0x6a65_6a63 => Some("virtiofs"),
        0x00C3_6400 => Some("Ceph"),
        _ => None,
    }
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
fn network_kind(_folder: &Path) -> Option<&'static str> {
    None
}
