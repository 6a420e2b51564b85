//! mosquitto, on a free port of the loopback, as quick as it can be and so that it drops nothing.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::Result;

/// It ends with this.
pub struct Broker {
    pub port: u16,
    child: Child,
    _directory: TempDir,
}

pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

impl Broker {
    pub async fn start() -> Result<Self> {
        let (port, directory) = (free_port()?, TempDir::new()?);
        let config = directory.path().join("mosquitto.conf");
        // Zero is no limit. Without TCP_NODELAY it would wait for whoever is slow to acknowledge.
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nsys_interval 0\n\
             max_inflight_messages 0\nmax_queued_messages 0\nlog_type error\npersistence false\n"
        );
        fs::write(&config, text)?;
        let child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .spawn()?;
        let mut broker = Self {
            port,
            child,
            _directory: directory,
        };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = broker.child.try_wait()? {
                return Err(format!("mosquitto has ended: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(broker)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
