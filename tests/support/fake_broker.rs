//! A broker that does what a real one does not let itself be asked for.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

pub const CONNECT: u8 = 0x10;
pub const SUBSCRIBE: u8 = 0x82;

/// Answers every packet with what `answer` makes of its first byte and its body, which has less than
/// 128 bytes. Returns its port; it ends with the process.
pub fn start(answer: fn(u8, &[u8]) -> Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(socket, answer));
        }
    });
    port
}

fn serve(mut socket: TcpStream, answer: fn(u8, &[u8]) -> Vec<u8>) -> Option<()> {
    loop {
        let mut header = [0; 2];
        socket.read_exact(&mut header).ok()?;
        let mut body = vec![0; header[1].into()];
        socket.read_exact(&mut body).ok()?;
        socket.write_all(&answer(header[0], &body)).ok()?;
    }
}
