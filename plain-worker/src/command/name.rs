//! The name of a command's job: different commands have different names.

use uuid::Uuid;

use super::What;

/// Before a line for the shell.
pub(super) const SHELL: &str = "cmd:";
/// Before a program and its arguments.
const LIST: &str = "exec:";
/// The longest name of a job, in bytes.
pub(super) const LONGEST: usize = 200;

pub(super) fn of(what: &What) -> String {
    let whole = match what {
        What::Shell(line) | What::Unclear(line) => format!("{SHELL}{line}"),
        What::List(list) => format!("{LIST}{}", list.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(" ")),
    };
    if whole.len() <= LONGEST {
        return whole;
    }
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, whole.as_bytes()).simple().to_string();
    let end = whole.floor_char_boundary(LONGEST - hash.len() - " … ".len());
    format!("{} … {hash}", &whole[..end])
}

/// Whether a job of that name could only be a command.
pub(crate) fn is_command(job: &str) -> bool {
    job.starts_with(SHELL) || job.starts_with(LIST)
}

/// A text as one would type it for a shell, so that lists which differ look different.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::command::Command;

    #[test]
    fn commands_that_differ_have_names_that_differ() {
        let long = "é".repeat(300);
        let commands: [Command; 9] = [
            "cmd:echo a b".into(),
            ["echo", "a", "b"].into(),
            ["echo", "a b"].into(),
            ["echo", "'a b'"].into(),
            ["echo", "a", "b", ""].into(),
            ["sh", "-c", "echo a b"].into(),
            format!("cmd:{long}").into(),
            format!("cmd:{long}x").into(),
            format!("cmd:{long} ").repeat(2).into(),
        ];
        let names: BTreeSet<_> = commands.iter().map(Command::job_name).collect();
        assert_eq!(names.len(), commands.len(), "{names:?}");
        assert!(names.iter().all(|name| name.len() <= LONGEST && is_command(name)), "{names:?}");
        assert!(names.contains("exec:echo 'a b'") && names.contains("cmd:echo a b"), "{names:?}");
    }
}
