// SPDX-License-Identifier: GPL-3.0-or-later
//! Reads the test suite's text where wabt cannot, and writes what wabt's wast2json would.
//!
//!     convert SCRIPT.wast FOLDER/SCRIPT.json   the commands as JSON, the modules beside it
//!     convert MODULE.wat                       only whether this is a module's text: 0 or 1
use std::{env, error::Error, fs, path::Path, process::ExitCode};
use wast::{lexer::Lexer, parser, parser::ParseBuffer, Wast, Wat};

fn script(from: &str, to: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(from)?;
    let mut lexer = Lexer::new(&text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    let script = json_from_wast::Wast::from_ast(from, &text, parser::parse::<Wast>(&buffer)?)?;
    let folder = to.parent().ok_or("the output has no folder")?;
    for (name, bytes) in &script.wasms {
        fs::write(folder.join(name), bytes)?;
    }
    fs::write(to, serde_json::to_string(&script)?)?;
    Ok(())
}

fn module(from: &str) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(from)?;
    let buffer = ParseBuffer::new(&text)?;
    parser::parse::<Wat>(&buffer)?.encode()?;
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let done = match &arguments[..] {
        [_, from] => module(from),
        [_, from, to] => script(from, Path::new(to)),
        _ => {
            eprintln!("usage: convert SCRIPT.wast SCRIPT.json | MODULE.wat");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}
