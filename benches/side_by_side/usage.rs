//! What a process has used so far, as the kernel counts it.

use std::collections::HashMap;
use std::fs;
use std::io;

/// What each of its threads has used.
pub struct Usage(HashMap<String, Thread>);

#[derive(Clone, Copy, Default)]
struct Thread {
    cpu_ns: u64,
    /// How often it has waited for something and was woken.
    wakeups: u64,
}

/// What was used between two moments.
pub struct Used {
    pub cpu_ns: u64,
    pub wakeups: u64,
}

impl Usage {
    pub fn of(pid: u32) -> io::Result<Self> {
        let mut threads = HashMap::new();
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            let (name, path) = thread.map(|it| (it.file_name(), it.path()))?;
            // One that ends meanwhile has used next to nothing.
            let (Ok(schedstat), Ok(status)) = (
                fs::read_to_string(path.join("schedstat")),
                fs::read_to_string(path.join("status")),
            ) else {
                continue;
            };
            let used = Thread {
                cpu_ns: number(schedstat.split_whitespace().next()),
                wakeups: field(&status, "voluntary_ctxt_switches:"),
            };
            threads.insert(name.to_string_lossy().into_owned(), used);
        }
        Ok(Self(threads))
    }

    /// By the threads that there are now.
    pub fn since(&self, before: &Self) -> Used {
        let (mut cpu_ns, mut wakeups) = (0, 0);
        for (name, now) in &self.0 {
            let before = before.0.get(name).copied().unwrap_or_default();
            cpu_ns += now.cpu_ns.saturating_sub(before.cpu_ns);
            wakeups += now.wakeups.saturating_sub(before.wakeups);
        }
        Used { cpu_ns, wakeups }
    }
}

/// Its memory, in KiB: all of it, and with what it shares divided among those who share it.
pub struct Memory {
    pub rss_kib: u64,
    pub pss_kib: u64,
}

impl Memory {
    pub fn of(pid: u32) -> io::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        Ok(Self {
            rss_kib: field(&text, "Rss:"),
            pss_kib: field(&text, "Pss:"),
        })
    }
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    number(line.and_then(|rest| rest.split_whitespace().next()))
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}
