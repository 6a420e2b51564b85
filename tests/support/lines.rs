//! Lines that somebody writes and somebody else waits for.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::io;
use std::sync::{Condvar, Mutex};

use super::mosquitto::PATIENCE;

#[derive(Debug, Default)]
pub struct Lines {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Lines {
    pub fn push(&self, line: String) {
        self.lines.lock().unwrap().push(line);
        self.more.notify_all();
    }

    pub fn all(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub fn count(&self, part: &str) -> usize {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| line.contains(part)).count()
    }

    /// Waits for a line with this in it.
    pub fn wait_for(&self, part: &str) -> String {
        self.wait_for_count(part, 1)
    }

    /// Waits until so many lines have this in them, and hands out the last.
    pub fn wait_for_count(&self, part: &str, count: usize) -> String {
        let found = |lines: &Vec<String>| {
            let mut found = lines.iter().filter(|line| line.contains(part));
            found.nth(count - 1).cloned()
        };
        let lines = self.lines.lock().unwrap();
        let missing = |lines: &mut Vec<String>| found(lines).is_none();
        let (lines, _) = self
            .more
            .wait_timeout_while(lines, PATIENCE, missing)
            .unwrap();
        found(&lines)
            .unwrap_or_else(|| panic!("no {count} lines with {part:?} in:\n{}", lines.join("\n")))
    }
}

/// Where a log is written to.
#[derive(Clone, Debug)]
pub struct Writer(pub std::sync::Arc<Lines>);

impl io::Write for Writer {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(text).lines() {
            self.0.push(line.to_owned());
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
