// SPDX-License-Identifier: GPL-3.0-or-later
// Runs every module of packs on the JavaScript engine at hand, and names those whose digest is not
// the one in the pack (digest.h; a pack is what tests/diff/machine writes).
//
//     node digests.mjs FILE...
//
// Prints `SEED differs`, `SEED stack` for one that ran out of stack, which may be why, or
// `SEED refused: WHY`, a line for each; at last `N compared`.
import { readFileSync } from 'node:fs';
import { trapClass } from './traps.mjs';

const MARK = { CALL: 1, TRAP: 2, NUMBER: 3, I64: 4, MEMORY: 5 };
const scratch = new DataView(new ArrayBuffer(8));
let digest = 0;

function word(value) {
    digest = Math.imul(digest ^ value, 0x9e3779b1);
    digest ^= digest >>> 15;
}

function pair(mark) {
    word(mark);
    word(scratch.getInt32(0, true));
    word(scratch.getInt32(4, true));
}

function value(it) {
    if (typeof it === 'bigint') {
        scratch.setBigInt64(0, it, true);
        pair(MARK.I64);
    } else if (Number.isNaN(it)) {
        scratch.setBigUint64(0, 0x7ff8000000000000n, true);
        pair(MARK.NUMBER);
    } else {
        scratch.setFloat64(0, it, true);
        pair(MARK.NUMBER);
    }
}

// Returns whether it ran out of stack.
function call(exported) {
    word(MARK.CALL);
    try {
        const result = exported();
        (Array.isArray(result) ? result : [result]).forEach(value);
        return false;
    } catch (error) {
        const name = trapClass(error);
        word(MARK.TRAP);
        for (let i = 0; i < name.length; i++) {
            word(name.charCodeAt(i));
        }
        return name === 'stack';
    }
}

function memory(it) {
    const words = new Int32Array(it.buffer);
    word(MARK.MEMORY);
    let hash = digest;
    for (let i = 0; i < words.length; i++) {
        hash = Math.imul(hash ^ words[i], 0x9e3779b1);
        hash ^= hash >>> 15;
    }
    digest = hash;
}

// Returns whether it ran out of stack.
function run(bytes) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    let isDeep = false;
    digest = 2166136261 | 0;
    for (const exported of Object.values(instance.exports)) {
        if (exported instanceof WebAssembly.Memory) {
            memory(exported);
        } else if (exported instanceof WebAssembly.Global) {
            value(exported.value);
        } else {
            isDeep = call(exported) || isDeep;
        }
    }
    return isDeep;
}

const HEADER_BYTES = 16; // u64 seed, u32 digest, u32 size
Error.stackTraceLimit = 0;
let compared = 0;
for (const path of process.argv.slice(2)) {
    const pack = readFileSync(path);
    for (let at = 0; at < pack.length;) {
        const seed = pack.readBigUInt64LE(at);
        const expected = pack.readInt32LE(at + 8);
        const size = pack.readUInt32LE(at + 12);
        at += HEADER_BYTES;
        let isDeep = false;
        let words = null;
        try {
            isDeep = run(pack.subarray(at, at + size));
        } catch (error) {
            words = `refused: ${error.message}`;
        }
        at += size;
        compared++;
        if (words !== null || digest !== expected) {
            console.log(`${seed} ${words ?? (isDeep ? 'stack' : 'differs')}`);
        }
    }
}
console.log(`${compared} compared`);
