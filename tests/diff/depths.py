#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a module whose functions use up the stack, each at another place.

    tests/diff/depths.py OUT.wat

A function for each count of values that live across its call of itself, and of words below its first frame: the
stack then ends within a call, between the pushes of a prologue, or where a slot is written.
"""
import sys

VALUES = range(1, 9)
BELOW = range(8)


def total(names):
    out = '(i64.const 0)'
    for name in names:
        out = f'(i64.xor {out} (local.get ${name}))'
    return out


def module():
    for values in VALUES:
        names = [f'p{i}' for i in range(values)]
        params = ' '.join(f'(param ${name} i64)' for name in names)
        args = ' '.join(f'(i64.add (local.get ${name}) (i64.const {i + 3}))' for i, name in enumerate(names))
        yield f'(func $f{values} {params} (result i64) (i64.add (call $f{values} {args}) {total(names)}))'
        for below in BELOW:
            kept = [f'q{i}' for i in range(below)]
            yield f'(func (export "d{values}_{below}") (param $a i64) (result i64) (local $r i64)'
            yield ' '.join(f'(local ${name} i64)' for name in kept)
            for i, name in enumerate(kept):
                yield f'(local.set ${name} (i64.mul (local.get $a) (i64.const {i + 7})))'
            yield f'(local.set $r (call $f{values} {"(local.get $a) " * values}))'
            yield f'(i64.add (local.get $r) {total(kept)}))'


with open(sys.argv[1], 'w') as out:
    out.write('(module\n' + '\n'.join(module()) + ')\n')
