// SPDX-License-Identifier: GPL-3.0-or-later
// Rust's files and folders, in the folder that the program was started in.
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};

fn main() -> std::io::Result<()> {
    fs::create_dir_all("tree/branch")?;
    fs::write("tree/leaf", "one\ntwo\nthree\n")?;
    let mut file = fs::OpenOptions::new().read(true).append(true).open("tree/leaf")?;
    file.write_all(b"four\n")?;
    file.seek(SeekFrom::Start(4))?;
    let mut rest = String::new();
    file.read_to_string(&mut rest)?;
    println!("{:?} {}", rest, file.metadata()?.len());
    for line in BufReader::new(fs::File::open("tree/leaf")?).lines() {
        println!("{}", line?);
    }
    fs::copy("tree/leaf", "tree/branch/copy")?;
    fs::rename("tree/leaf", "tree/branch/leaf")?;
    file.set_len(3)?;
    file.sync_all()?;
    let mut names: Vec<_> = fs::read_dir("tree/branch")?
        .map(|entry| entry.map(|e| (e.file_name().into_string().unwrap(), e.metadata().unwrap().len())))
        .collect::<Result<_, _>>()?;
    names.sort();
    println!("{:?}", names);
    println!("{:?}", fs::metadata("tree")?.is_dir());
    println!("{:?}", fs::metadata("tree/branch/leaf")?.modified().is_ok());
    println!("{:?}", fs::read("nothing").map_err(|e| e.kind()) == Err(ErrorKind::NotFound));
    println!("{:?}", fs::create_dir("tree").map_err(|e| e.kind()) == Err(ErrorKind::AlreadyExists));
    println!("{:?}", fs::read("../outside").is_err());
    println!("{:?}", fs::read("/etc/passwd").is_err());
    fs::hard_link("tree/branch/copy", "tree/second")?;
    println!("{}", fs::read_to_string("tree/second")?.len());
    fs::remove_file("tree/second")?;
    fs::remove_dir_all("tree")?;
    println!("{:?}", fs::metadata("tree").is_err());
    Ok(())
}
