// SPDX-License-Identifier: GPL-3.0-or-later
// Runs every exported function of modules on the JavaScript engine at hand and prints all that can
// be seen of it, as tests/diff/engine.c does on ours.
//
//     node reference.mjs FILE.wasm...
import { readFileSync, writeSync } from 'node:fs';
import { trapClass } from './traps.mjs';

const out = [];
const hex = (value, digits) => value.toString(16).padStart(digits, '0');
const scratch = new DataView(new ArrayBuffer(8));

let state = 1;

function draw() {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
}

const edges = [0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 5, 0x8000, 0xffff8000];
const floatEdges = [0, -0, 1, -1, 5, 0.5, 2147483648, -9223372036854775808];

function drawU32() {
    const choice = (draw() >>> 16) % 4;
    const value = draw();
    return choice === 0 ? value >>> 28 : choice === 1 ? edges[value >>> 29] : value;
}

function drawFloat(type) {
    const choice = (draw() >>> 16) % 2;
    const high = draw();
    const low = draw();
    const special = type === 'f32' ? 0x7f800000 : 0x7ff00000;
    if (choice !== 0 || (high & special) === special) {
        return floatEdges[low >>> 29];
    }
    scratch.setUint32(0, high);
    scratch.setUint32(4, low);
    return type === 'f32' ? scratch.getFloat32(0) : scratch.getFloat64(0);
}

function drawArg(type) {
    switch (type) {
    case 'i32':
        return drawU32() | 0;
    case 'i64': {
        const high = draw() % 2 === 0 ? BigInt(drawU32()) : 0n;
        return BigInt.asIntN(64, high << 32n | BigInt(drawU32()));
    }
    case 'f32':
    case 'f64':
        return drawFloat(type);
    default:
        return null;
    }
}

function show(type, value) {
    switch (type) {
    case 'i32':
        return ' ' + hex(value >>> 0, 8);
    case 'i64':
        return ' ' + hex(BigInt.asUintN(64, value), 16);
    case 'f32':
        if (Number.isNaN(value)) {
            return ' nan';
        }
        scratch.setFloat32(0, value);
        return ' f' + hex(scratch.getUint32(0), 8);
    case 'f64':
        if (Number.isNaN(value)) {
            return ' nan';
        }
        scratch.setFloat64(0, value);
        return ' f' + hex(scratch.getBigUint64(0), 16);
    default:
        return value === null ? ' null' : ' ref';
    }
}

// ---- the types of the exports, which this engine knows and does not tell

class Reader {
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 8;
    }
    byte() {
        return this.bytes[this.at++];
    }
    u32() {
        let value = 0;
        for (let shift = 0; ; shift += 7) {
            const byte = this.byte();
            value += (byte & 0x7f) * 2 ** shift;
            if (byte < 0x80) {
                return value;
            }
        }
    }
    list(item) {
        return Array.from({ length: this.u32() }, () => item());
    }
    name() {
        const size = this.u32();
        this.at += size;
        return Buffer.from(this.bytes.subarray(this.at - size, this.at)).toString('utf8');
    }
}

const typeNames = {
    0x7f: 'i32', 0x7e: 'i64', 0x7d: 'f32', 0x7c: 'f64', 0x7b: 'v128', 0x70: 'funcref', 0x6f: 'externref',
};

// The exported functions in order: name, parameters, results; without those that take or give a v128, which can
// not be called from here. Knows as much of the format as it takes.
function exportedFunctions(bytes) {
    const reader = new Reader(bytes);
    const type = () => typeNames[reader.byte()];
    let types = [];
    const functions = [];
    let exported = [];
    while (reader.at < bytes.length) {
        const id = reader.byte();
        const size = reader.u32();
        const end = reader.at + size;
        if (id === 1) {
            types = reader.list(() => {
                reader.byte();
                return { params: reader.list(type), results: reader.list(type) };
            });
        } else if (id === 2) {
            reader.list(() => {
                reader.name();
                reader.name();
                if (reader.byte() !== 0) {
                    throw new Error('only functions are imported by these modules');
                }
                functions.push(types[reader.u32()]);
            });
        } else if (id === 3) {
            functions.push(...reader.list(() => types[reader.u32()]));
        } else if (id === 7) {
            exported = reader.list(() => {
                const name = reader.name();
                const kind = reader.byte();
                return { name, kind, index: reader.u32() };
            });
        }
        reader.at = end;
    }
    return exported.filter((e) => e.kind === 0).map((e) => ({ name: e.name, ...functions[e.index] }))
        .filter((e) => ![...e.params, ...e.results].includes('v128'));
}

function call(instance, { name, params, results }) {
    const args = params.map(drawArg);
    let line = 'call ' + name;
    try {
        const result = instance.exports[name](...args);
        const list = results.length === 1 ? [result] : results.length === 0 ? [] : result;
        line += results.map((type, i) => show(type, list[i])).join('');
    } catch (error) {
        line += ' trap ' + trapClass(error);
    }
    out.push(line);
    return !line.endsWith(' trap stack');
}

// What an exported memory or global holds; a global's type is not told, and of one that is no number
// nothing.
function showState([name, exported]) {
    if (exported instanceof WebAssembly.Memory) {
        let hash = 2166136261;
        const memory = new Uint8Array(exported.buffer);
        for (const byte of memory) {
            hash = Math.imul(hash ^ byte, 16777619);
        }
        out.push('memory ' + memory.length / 65536 + ' ' + hex(hash >>> 0, 8));
    } else if (exported instanceof WebAssembly.Global) {
        let value = null;
        try {
            value = exported.value;
        } catch {
            return; // a v128
        }
        const type = { bigint: 'i64', number: 'f64' }[typeof value];
        if (type) {
            out.push('global ' + name + show(type, value));
        }
    }
}

function runExports(instance, bytes) {
    for (const exported of exportedFunctions(bytes)) {
        instance.exports.hangLimitInitializer?.();
        if (!call(instance, exported)) {
            return;
        }
    }
    Object.entries(instance.exports).forEach(showState);
}

const log = (type) => (value) => void out.push('log' + show(type, value));
const imports = {
    'fuzzing-support': {
        'log-i32': log('i32'), 'log-i64': log('i64'), 'log-f32': log('f32'), 'log-f64': log('f64'),
    },
};

for (const path of process.argv.slice(2)) {
    const bytes = readFileSync(path);
    state = 1;
    out.push('module ' + path);
    let instance = null;
    try {
        instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
    } catch (error) {
        const isTrap = error instanceof WebAssembly.RuntimeError;
        out.push(isTrap ? 'start trap ' + trapClass(error) : 'refused: ' + error.message);
    }
    if (instance) {
        runExports(instance, bytes);
    }
}
let text = Buffer.from(out.join('\n') + '\n');
while (text.length > 0) {
    text = text.subarray(writeSync(1, text));
}
