// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a kernel in node's engine. Started with --no-wasm-tier-up --no-liftoff it has its optimising
// tier alone, so that no run is in a slower one.
//
// Reads   the module's size and a newline, the module, then a line with n for each run
// Prints  for each run its checksum and how many seconds of CPU time it took
import { readSync, writeSync } from "node:fs";

const INPUT = 0;
const OUTPUT = 1;

function read(count) {
    const bytes = Buffer.alloc(count);
    for (let have = 0; have < count;) {
        const more = readSync(INPUT, bytes, have, count - have, null);
        if (more === 0) {
            process.exit(0);
        }
        have += more;
    }
    return bytes;
}

function readNumber() {
    let text = "";
    for (;;) {
        const letter = read(1).toString();
        if (letter === "\n") {
            return Number(text);
        }
        text += letter;
    }
}

const module = new WebAssembly.Module(read(readNumber()));
const { run } = new WebAssembly.Instance(module, {}).exports;
for (;;) {
    const n = readNumber();
    const before = process.cpuUsage();
    const sum = run(n);
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1e6;
    writeSync(OUTPUT, `${BigInt.asUintN(64, sum)} ${seconds}\n`);
}
