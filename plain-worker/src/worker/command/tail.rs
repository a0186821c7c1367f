//! The end of a stream of any length.

use std::collections::VecDeque;

/// How much of a stream is kept, in bytes.
const LIMIT: usize = 64 * 1024;

/// The last 64 KiB of what was pushed.
#[derive(Debug, Default)]
pub(super) struct Tail {
    kept: VecDeque<u8>,
    total: u64,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(LIMIT)..];
        let surplus = (self.kept.len() + bytes.len()).saturating_sub(LIMIT);
        self.kept.drain(..surplus);
        self.kept.extend(bytes);
    }

    /// How many bytes were pushed in all.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// As text that every store can hold: what is no UTF-8 is replaced, and NUL is written as `\0`.
    pub(super) fn text(&self) -> String {
        let (front, back) = self.kept.as_slices();
        let bytes = [front, back].concat();
        // A character that the cut went through would look like one that was wrong.
        let cut = self.total > bytes.len() as u64;
        let broken = bytes.iter().take(3).take_while(|byte| cut && **byte & 0b1100_0000 == 0b1000_0000).count();
        String::from_utf8_lossy(&bytes[broken..]).replace('\0', "\\0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let mut tail = Tail::default();
        for _ in 0..LIMIT {
            tail.push(b"ab");
        }
        tail.push(b"the end");
        assert_eq!(tail.total(), 2 * LIMIT as u64 + 7);
        let text = tail.text();
        assert_eq!(text.len(), LIMIT);
        assert!(text.starts_with("bab") && text.ends_with("abthe end"), "{}", &text[LIMIT - 20..]);
        tail.push(&vec![b'x'; 3 * LIMIT]);
        assert_eq!(tail.text(), "x".repeat(LIMIT));
    }

    #[test]
    fn any_bytes_are_text() {
        let mut tail = Tail::default();
        tail.push(b"\x80a\0b\xff\xc3");
        assert_eq!(tail.text(), "\u{fffd}a\\0b\u{fffd}\u{fffd}");
        tail.push("é".repeat(LIMIT / 2).as_bytes());
        tail.push(b"!");
        assert_eq!(tail.text(), format!("{}!", "é".repeat(LIMIT / 2 - 1)));
    }
}
