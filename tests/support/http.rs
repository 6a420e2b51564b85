//! A small HTTP client: one connection for each request, read to its end; and streams of events.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::mosquitto::PATIENCE;

/// Whoever asks.
#[derive(Clone, Debug)]
pub struct Http {
    pub port: u16,
    /// With every request; one with the name of another takes its place.
    pub headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Http {
    pub fn to(port: u16) -> Self {
        Self {
            port,
            headers: Vec::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, "")
    }

    pub fn post(&self, path: &str, body: &Json) -> Response {
        self.send_json("POST", path, body)
    }

    pub fn put(&self, path: &str, body: &Json) -> Response {
        self.send_json("PUT", path, body)
    }

    pub fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, "")
    }

    /// What an operation answers that goes well.
    pub fn json(&self, path: &str) -> Json {
        self.get(path).ok()
    }

    fn send_json(&self, method: &str, path: &str, body: &Json) -> Response {
        self.clone()
            .with("Content-Type", "application/json")
            .send(method, path, &body.to_string())
    }

    pub fn send(&self, method: &str, path: &str, body: &str) -> Response {
        let mut reader = self.ask(method, path, body);
        let (status, headers) = head(&mut reader);
        let body = match headers.iter().any(|(_, value)| value == "chunked") {
            true => std::iter::from_fn(|| chunk(&mut reader)).collect(),
            false => {
                let mut body = String::new();
                reader.read_to_string(&mut body).expect("a body of text");
                body
            }
        };
        Response {
            status,
            headers,
            body,
        }
    }

    /// A stream of events.
    pub fn events(&self, query: &str) -> Events {
        let mut reader = self.ask("GET", &format!("/api/v1/events{query}"), "");
        let (status, headers) = head(&mut reader);
        assert_eq!(status, 200, "{headers:?}");
        assert!(headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned())));
        Events {
            reader,
            text: String::new(),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut headers = vec![
            ("Host".to_owned(), format!("localhost:{}", self.port)),
            ("Connection".to_owned(), "close".to_owned()),
            ("Content-Length".to_owned(), body.len().to_string()),
        ];
        for (name, value) in &self.headers {
            headers.retain(|(known, _)| known != name);
            headers.push((name.clone(), value.clone()));
        }
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let text = format!("{method} {path} HTTP/1.1\r\n{headers}\r\n{body}");
        // A server that has heard enough may have closed it: its answer says why.
        let _ = stream.write_all(text.as_bytes());
        BufReader::new(stream)
    }
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The JSON of an answer that is well.
    pub fn ok(&self) -> Json {
        assert_eq!(self.status, 200, "{}", self.body);
        self.parsed()
    }

    pub fn parsed(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// What a problem says; it has this status.
    pub fn problem(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem = self.parsed();
        assert_eq!(problem["status"], json!(status), "{problem}");
        for key in ["title", "detail"] {
            assert!(
                problem[key].as_str().is_some_and(|it| !it.is_empty()),
                "{problem}"
            );
        }
        problem
    }

    /// The sentence of a problem.
    pub fn detail(&self, status: u16) -> String {
        self.problem(status)["detail"].as_str().unwrap().to_owned()
    }
}

pub struct Events {
    reader: BufReader<TcpStream>,
    text: String,
}

impl Events {
    /// The next event and its data.
    pub fn next(&mut self) -> (String, Json) {
        self.try_next().expect("the stream goes on")
    }

    /// The next event; `None` when the stream has ended.
    pub fn try_next(&mut self) -> Option<(String, Json)> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let line = |key: &str| block.lines().find_map(|line| line.strip_prefix(key));
                if let Some(name) = line("event: ") {
                    let data = line("data: ").expect("an event has data");
                    let data = serde_json::from_str(data).expect("its data is JSON");
                    return Some((name.to_owned(), data));
                }
            }
            let more = chunk(&mut self.reader)?;
            self.text.push_str(&more);
        }
    }

    /// The data of the next event of this name.
    pub fn next_of(&mut self, name: &str) -> Json {
        loop {
            let (event, data) = self.next();
            if event == name {
                return data;
            }
        }
    }

    /// The data of the next event of this name for which this is so.
    pub fn wait_for(&mut self, name: &str, is_it: impl Fn(&Json) -> bool) -> Json {
        // Other events go on, so silence alone is no end.
        let until = Instant::now() + 3 * PATIENCE;
        while Instant::now() < until {
            let data = self.next_of(name);
            if is_it(&data) {
                return data;
            }
        }
        panic!("no event {name:?} like that has come")
    }
}

fn head(reader: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let status = line(reader);
    let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let code = code.unwrap_or_else(|| panic!("no status in {status:?}"));
    let mut headers = Vec::new();
    loop {
        let line = line(reader);
        let Some((name, value)) = line.split_once(": ") else {
            return (code, headers);
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
}

fn line(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    line.trim_end().to_owned()
}

/// The next chunk; `None` for the last, which is empty, and when the connection has been cut.
fn chunk(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let length = usize::from_str_radix(&line(reader), 16).ok()?;
    let mut octets = vec![0; length + 2];
    reader.read_exact(&mut octets).ok()?;
    octets.truncate(length);
    (length > 0).then(|| String::from_utf8(octets).expect("text"))
}
