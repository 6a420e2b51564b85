//! A disk with a cache that a power cut empties, in sectors.

use fastrand::Rng;

const SECTOR: usize = 512;

#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// What a process reads.
    cached: Option<Vec<u8>>,
    /// What is there after a power cut, whatever else is.
    durable: Option<Vec<u8>>,
    under_way: Option<Write>,
    pub is_full: bool,
    /// Failures so far.
    pub failures: u64,
}

#[derive(Clone, Debug)]
enum Write {
    Append { before: usize, sync: bool },
    Replace(Vec<u8>),
}

impl Disk {
    pub fn read(&self) -> Option<&[u8]> {
        self.cached.as_deref()
    }

    /// What a power cut would leave at least.
    pub fn durable(&self) -> Option<&[u8]> {
        self.durable.as_deref()
    }

    pub fn append(&mut self, lines: &str, sync: bool) {
        let cached = self.cached.get_or_insert_default();
        let before = cached.len();
        cached.extend_from_slice(lines.as_bytes());
        self.under_way = Some(Write::Append { before, sync });
    }

    pub fn replace(&mut self, whole: String) {
        self.under_way = Some(Write::Replace(whole.into_bytes()));
    }

    /// The write that is under way is over; whether it went well.
    pub fn finish(&mut self) -> bool {
        let Some(write) = self.under_way.take() else {
            return true;
        };
        if self.is_full {
            self.failures += 1;
            if let (Write::Append { before, .. }, Some(cached)) = (write, &mut self.cached) {
                cached.truncate(before);
            }
            return false;
        }
        match write {
            Write::Append { sync: false, .. } => {}
            Write::Append { sync: true, .. } => self.durable = self.cached.clone(),
            Write::Replace(whole) => {
                self.cached = Some(whole.clone());
                self.durable = Some(whole);
            }
        }
        true
    }

    /// The process is killed: what the kernel has, it keeps.
    pub fn kill(&mut self, rng: &mut Rng) {
        match self.under_way.take() {
            Some(Write::Replace(whole)) if rng.bool() => {
                self.cached = Some(whole.clone());
                self.durable = Some(whole);
            }
            Some(Write::Append { before, .. }) => {
                // The call may have got anywhere.
                let cached = self.cached.get_or_insert_default();
                let end = rng.usize(before..=cached.len());
                cached.truncate(end);
            }
            Some(Write::Replace(_)) | None => {}
        }
    }

    /// The power is cut: of what was not synced, each sector is there or not.
    pub fn cut(&mut self, rng: &mut Rng) {
        self.kill(rng);
        let mut left = self.durable.clone();
        if let (Some(cached), Some(left)) = (&self.cached, &mut left)
            && cached.starts_with(left)
        {
            let end = rng.usize(left.len()..=cached.len());
            while left.len() < end {
                let next = (left.len() / SECTOR + 1) * SECTOR;
                let part = &cached[left.len()..next.min(end)];
                match rng.u8(..4) {
                    0 => left.extend(part.iter().map(|_| 0_u8)),
                    _ => left.extend_from_slice(part),
                }
            }
        }
        self.cached = left.clone();
        self.durable = left;
    }
}
