//! A terminal for a program under test: a real one, as far as the program can tell.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Terminal {
    keyboard: File,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    pub child: Child,
}

#[derive(Default)]
struct Screen {
    text: String,
    is_off: bool,
}

impl Terminal {
    /// Runs a program on it: what it says on standard error is on the screen, and standard output too unless
    /// the command sends that elsewhere.
    pub fn run(mut command: Command, shows_output: bool) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it is ours");
        let size = Winsize {
            ws_row: 50,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).expect("it is a terminal");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let name = name.into_string().expect("it is ASCII");
        let theirs = || {
            let opened = OpenOptions::new().read(true).write(true).open(&name);
            Stdio::from(opened.expect("it can be opened"))
        };
        command.stdin(theirs()).stderr(theirs());
        if shows_output {
            command.stdout(theirs());
        }
        let child = command.spawn().expect("the program was built");
        drop(command);
        let screen = Arc::<(Mutex<Screen>, Condvar)>::default();
        let (shows, mut from) = (screen.clone(), file(&ours));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails when the last program on it has ended.
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).replace('\r', "");
                shows.0.lock().expect("nothing panics with it").text += &text;
                shows.1.notify_all();
            }
            shows.0.lock().expect("nothing panics with it").is_off = true;
            shows.1.notify_all();
        });
        Self {
            keyboard: file(&ours),
            screen,
            child,
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.keyboard
            .write_all(line.as_bytes())
            .expect("somebody reads it");
    }

    /// Waits until this is on the screen; all of it.
    pub fn shows(&self, text: &str) -> String {
        self.until(text, |screen| screen.text.contains(text))
    }

    /// Waits until the program has ended; its exit code, and the screen.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let screen = self.until("the end", |screen| screen.is_off);
        let status = self.child.wait().expect("it was ours");
        (status.code(), screen)
    }

    fn until(&self, what: &str, is_so: impl Fn(&Screen) -> bool) -> String {
        let screen = self.screen.0.lock().expect("nothing panics with it");
        let (screen, timeout) = self
            .screen
            .1
            .wait_timeout_while(screen, PATIENCE, |screen| !is_so(screen))
            .expect("nothing panics with it");
        assert!(!timeout.timed_out(), "no {what:?} on: {}", screen.text);
        screen.text.clone()
    }
}

fn file(of: &OwnedFd) -> File {
    File::from(of.try_clone().expect("there is room for another"))
}
