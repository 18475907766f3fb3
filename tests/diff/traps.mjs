// SPDX-License-Identifier: GPL-3.0-or-later
// The classes of traps that both engines tell apart: trap_class of tests/diff/digest.h.

const classes = [
    [/call stack/, 'stack'],
    [/rethrowing/, 'null'],
    [/unreachable/, 'unreachable'],
    [/(divide|remainder) by zero/, 'zero'],
    [/unrepresentable/, 'integer'],
    [/signature mismatch|null function/, 'signature'],
    [/table|element/, 'table'],
    [/memory|segment|unaligned/, 'memory'],
];

export function trapClass(error) {
    if (error instanceof WebAssembly.Exception) {
        return 'exception';
    }
    const found = classes.find(([words]) => words.test(error.message));
    return found ? found[1] : 'other ' + error.message;
}
