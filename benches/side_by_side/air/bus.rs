//! A message bus of its own: a real dbus-daemon that nobody else knows of.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::Result;

/// With the limits of the bus of a system; but everybody may say everything.
const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=@FOLDER@/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
"#;

/// A dbus-daemon. It ends when this is dropped.
pub struct Bus {
    daemon: Child,
    address: String,
    _folder: TempDir,
}

impl Bus {
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("bus.conf");
        let text = CONFIG.replace("@FOLDER@", &folder.path().display().to_string());
        fs::write(&config, text)?;
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--nosyslog", "--print-address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It tells of every monitor.
            .stderr(Stdio::null())
            .spawn()
            .map_err(|problem| format!("dbus-daemon does not start: {problem}"))?;
        let printed = daemon.stdout.take().expect("it is piped");
        let bus = |address| Self {
            daemon,
            address,
            _folder: folder,
        };
        let mut bus = bus(String::new());
        BufReader::new(printed).read_line(&mut bus.address)?;
        bus.address.truncate(bus.address.trim_end().len());
        if bus.address.is_empty() {
            return Err("dbus-daemon has ended without having said where it listens".into());
        }
        Ok(bus)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process, for whoever measures what it does.
    pub fn pid(&self) -> u32 {
        self.daemon.id()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
