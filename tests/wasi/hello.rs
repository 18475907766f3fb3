// SPDX-License-Identifier: GPL-3.0-or-later
// Rust with its library: arguments, standard input, a clock, a sleep, a hash map seeded by random_get, and an
// exit code.
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("arguments {:?}", arguments);
    println!("missing {:?}", std::env::var("NO_SUCH_VARIABLE").is_err());
    let mut counts: HashMap<String, usize> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        *counts.entry(line.unwrap()).or_insert(0) += 1;
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort();
    for (line, count) in sorted {
        println!("{} {}", line, count);
    }
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(50));
    println!("slept {}", start.elapsed() >= Duration::from_millis(50));
    println!("file {}", std::fs::File::open("x").is_err());
    std::io::stdout().flush().unwrap();
    std::process::exit(42);
}
