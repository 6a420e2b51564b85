//! What has happened, line by line: its hash always, its text where somebody wants to read it.

use std::fmt::{self, Write};

#[derive(Debug)]
pub struct Trace {
    hash: u64,
    pub lines: Option<Vec<String>>,
    pub count: u64,
}

impl Trace {
    pub fn new(is_kept: bool) -> Self {
        Self {
            hash: 0xcbf2_9ce4_8422_2325,
            lines: is_kept.then(Vec::new),
            count: 0,
        }
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn line(&mut self, now: u64, said: fmt::Arguments<'_>) {
        self.count += 1;
        // Writing to a hash cannot fail.
        let _ = writeln!(Hasher(&mut self.hash), "{now} {said}");
        if let Some(lines) = &mut self.lines {
            let (seconds, millis) = (now / 1000, now % 1000);
            lines.push(format!("{seconds:>6}.{millis:03}  {said}"));
        }
    }
}

/// FNV-1a: the same on every machine.
struct Hasher<'a>(&'a mut u64);

impl Write for Hasher<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for octet in text.bytes() {
            *self.0 = (*self.0 ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
