// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a kernel in node's engine, with one of its tiers alone, so that no run is in another:
// tests/bench/peer says how it is called.
//
// Reads   the module's size and a newline, the module, then a line with n for each run
// Prints  for each run its checksum and how many seconds of CPU time it took
import { readFileSync, readSync, writeSync } from "node:fs";

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

function seconds(before) {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
}

const [mode, path] = process.argv.slice(2);
if (mode === "--there") {
    process.exit(0);
}
if (mode === "--compile") {
    const wasm = readFileSync(path);
    const before = process.cpuUsage();
    const kept = new WebAssembly.Module(wasm);
    const took = seconds(before);
    const [, kib] = readFileSync("/proc/self/status", "utf8").match(/VmHWM:\s*(\d+) kB/);
    writeSync(OUTPUT, `${took} 0 ${kib * 1024}\n`);
    process.exit(kept ? 0 : 1);
}

const module = new WebAssembly.Module(read(readNumber()));
const { run } = new WebAssembly.Instance(module, {}).exports;
for (;;) {
    const n = readNumber();
    const before = process.cpuUsage();
    const sum = run(n);
    writeSync(OUTPUT, `${BigInt.asUintN(64, sum)} ${seconds(before)}\n`);
}
