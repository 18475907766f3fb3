// SPDX-License-Identifier: GPL-3.0-or-later
// Times kernels in node's engine, with its optimising tier alone, so that no run is in a slower one.
//
// Use     node --no-wasm-tier-up --no-liftoff tests/bench/peer_node.mjs ROUNDS FOLDER NAME N ...
// Prints  NAME CHECKSUM MILLISECONDS COMPILE_MILLISECONDS for each, the shortest of ROUNDS runs
import { readFileSync } from "node:fs";

const [rounds, folder, ...cases] = process.argv.slice(2);
const now = () => Number(process.hrtime.bigint()) / 1e6;
for (let i = 0; i + 1 < cases.length; i += 2) {
    const bytes = readFileSync(`${folder}/${cases[i]}.wasm`);
    const start = now();
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
    const compile = now() - start;
    let least = Infinity;
    let sum = 0n;
    for (let round = 0; round < Number(rounds); round++) {
        const before = now();
        sum = instance.exports.run(Number(cases[i + 1]));
        least = Math.min(least, now() - before);
    }
    console.log(cases[i], BigInt.asUintN(64, sum).toString(), least.toFixed(3), compile.toFixed(3));
}
