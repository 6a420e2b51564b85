//! The process that is killed, from both sides.

use std::env;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;
use tracing_subscriber::util::SubscriberInitExt;

use super::air::{Air, handle};
use super::mosquitto::PATIENCE;
use super::oracle::{CELLS, Oracle};

/// Set in the environment of the process that is to be killed: the port of its broker.
pub const VICTIM: &str = "BEMO_VICTIM_OF_BROKER";
const HOME: &str = "BEMO_VICTIM_HOME";
const FIRST: &str = "BEMO_VICTIM_FIRST";

fn yaml(port: &str, home: &str) -> String {
    let mut yaml = format!(
        "version: 1\nble: {{ adapter: virtual }}\nstore: {{ file: {home}/kept.journal }}\n\
        mqtt: {{ broker: 127.0.0.1:{port}, client_id: victim }}\n\
        services:\n  - name: Service\n    uuid: FF00\n    characteristics:\n"
    );
    for cell in &CELLS {
        yaml.push_str(&format!(
            "      - {{ name: {0}, uuid: {1}, access: [read, write], value: {{ type: u32 }}, {2} }}\n",
            cell.name, cell.uuid, cell.declared
        ));
    }
    yaml
}

/// Writes numbers that grow, by several centrals at once, and says of each when it begins and when it has
/// been acknowledged.
pub fn run() {
    let of = |name| env::var(name).expect("it is set with the others");
    let yaml = yaml(&of(VICTIM), &of(HOME));
    let next = Arc::new(AtomicU32::new(of(FIRST).parse().expect("a number")));
    let writes = Arc::new(AtomicBool::new(false));
    let (commands, unanswered) = (writes.clone(), Arc::new(AtomicU32::new(0)));
    let under_way = unanswered.clone();
    thread::spawn(move || {
        for line in stdin().lines().map_while(Result::ok) {
            commands.store(line == "write", Ordering::SeqCst);
            if line == "pause" {
                while unanswered.load(Ordering::SeqCst) > 0 {
                    thread::park_timeout(Duration::from_millis(1));
                }
                say("paused");
            }
        }
    });
    let _guard = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(|| LogLine(Vec::new()))
        .finish()
        .set_default();
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    tokio.block_on(async {
        let air = Air::of(&yaml).await;
        let local = tokio::task::LocalSet::new();
        for cell in &CELLS {
            let central = air.central();
            let (next, writes, under_way) = (next.clone(), writes.clone(), under_way.clone());
            local.spawn_local(async move {
                let at = handle(&central, cell.uuid);
                loop {
                    under_way.fetch_add(1, Ordering::SeqCst);
                    if !writes.load(Ordering::SeqCst) {
                        under_way.fetch_sub(1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        continue;
                    }
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    say(&format!("tries {} {number}", cell.name));
                    match central.write(at, &number.to_le_bytes()).await {
                        Ok(()) => say(&format!("acknowledged {} {number}", cell.name)),
                        Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                    }
                    under_way.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
        local.run_until(std::future::pending::<()>()).await;
    });
}

/// One line, at once.
fn say(line: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(format!("\n{line}\n").as_bytes());
    let _ = out.flush();
}

/// What is logged, on its way to the other side.
struct LogLine(Vec<u8>);

impl Write for LogLine {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        self.0.extend(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let line = String::from_utf8_lossy(&self.0);
        say(&format!("log {}", line.trim_end()));
    }
}

/// The process, from here.
pub struct Process {
    child: Child,
    to: ChildStdin,
    lines: Receiver<String>,
    /// Read and not yet taken in.
    early: Mutex<Vec<String>>,
}

impl Process {
    pub fn start(port: u16, home: &Path, first: u32) -> Self {
        let mut child = Command::new(env::current_exe().expect("it runs"))
            .args(["--exact", "victim", "--nocapture", "--test-threads=1"])
            .env(VICTIM, port.to_string())
            .env(HOME, home)
            .env(FIRST, first.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can start itself");
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let (lines, arriving) = channel();
        thread::spawn(move || {
            let read = BufReader::new(from.expect("it is piped")).lines();
            let _ = read
                .map_while(Result::ok)
                .try_for_each(|line| lines.send(line));
        });
        Self {
            child,
            to: to.expect("it is piped"),
            lines: arriving,
            early: Mutex::default(),
        }
    }

    /// Until it says so once more than before.
    pub fn wait_until_connected(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).expect("it connects");
            let is_it = line.contains("connected to the MQTT broker");
            self.early.lock().unwrap().push(line);
            if is_it {
                return;
            }
        }
    }

    pub fn write(&mut self) {
        writeln!(self.to, "write").expect("it listens");
    }

    /// Takes in what it says for so long.
    pub fn listen_for(&self, time: Duration, oracle: &mut Oracle) {
        let until = Instant::now() + time;
        for line in self.early.lock().unwrap().drain(..) {
            oracle.hears(&line);
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => oracle.hears(&line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// It writes no more, and has said what has become of all that it has written.
    pub fn pause(&mut self, oracle: &mut Oracle) {
        writeln!(self.to, "pause").expect("it listens");
        self.listen_for(Duration::ZERO, oracle);
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("it pauses");
            if line == "paused" {
                return;
            }
            oracle.hears(&line);
        }
    }

    pub fn kill_after(mut self, time: Duration, oracle: &mut Oracle) {
        self.listen_for(time, oracle);
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was ours");
        // What it had said by then it had said.
        for line in self.lines.iter() {
            oracle.hears(&line);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
