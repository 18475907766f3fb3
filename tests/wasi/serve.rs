// SPDX-License-Identifier: GPL-3.0-or-later
// Rust's own listener and streams, of the descriptor that the program begins with: each line of one
// client comes back, turned round.
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::wasi::io::FromRawFd;

fn main() -> std::io::Result<()> {
    let listener = unsafe { TcpListener::from_raw_fd(3) };
    println!("ready");
    let (stream, _) = listener.accept()?;
    let mut back = stream;
    let lines: Vec<String> = BufReader::new(&back).lines().collect::<Result<_, _>>()?;
    for line in lines {
        writeln!(back, "{}", line.chars().rev().collect::<String>())?;
    }
    Ok(())
}
