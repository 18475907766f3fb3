#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a module in which each instruction on two integers meets many constants.

    tests/diff/constants.py OUT.wat

A function for each instruction, constant and side of it: it runs through a table of numbers at the edges and
mixes all results into one. Compilers have a way of their own for many constants, divisors above all.
"""
import random
import sys

PLAIN = ['add', 'sub', 'mul', 'and', 'or', 'xor', 'shl', 'shr_s', 'shr_u', 'rotl', 'rotr']
DIVIDE = ['div_s', 'div_u', 'rem_s', 'rem_u']
COMPARE = ['eq', 'ne', 'lt_s', 'lt_u', 'gt_s', 'gt_u', 'le_s', 'le_u', 'ge_s', 'ge_u']
dice = random.Random(7)


def constants(bits):
    """Small numbers, those around powers of two, divisors that are known to be hard, and some others."""
    out = set(range(-12, 13)) | {100, 641, 997, 1000, 10007, 1000000007, 6700417, 255, 256, 65535, 65536}
    for power in range(3, bits):
        out |= {(1 << power) - 1, 1 << power, (1 << power) + 1, -(1 << power), -(1 << power) + 1}
    out |= {dice.getrandbits(dice.randrange(2, bits + 1)) for _ in range(40)}
    half = 1 << (bits - 1)
    return sorted({(c + half) % (2 * half) - half for c in out})


def edges():
    out = [0, 1, 2, 3, 5, 6, 7, 9, 10, 127, 128, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0x80000001,
           0xffffffff, 0x100000000, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, (1 << 64) - 1, (1 << 64) - 2]
    out += [dice.getrandbits(64) for _ in range(60)]
    out += [dice.getrandbits(dice.randrange(3, 64)) for _ in range(40)]
    return [value % (1 << 64) for value in out]


def function(kind, op, constant, side, count):
    """`side` is where the constant stands; the other operand is memory, or a local that is used again."""
    wide = kind == 'i64'
    value = f'({kind}.load (local.get $p))'
    again = ''
    if dice.random() < 0.5:
        value = f'(local.tee $v {value})'
        again = '(local.set $h (i64.add (local.get $h) %s))' % (
            '(local.get $v)' if wide else '(i64.extend_i32_u (local.get $v))')
    const = f'({kind}.const {constant})'
    result = f'({kind}.{op} {value} {const})' if side else f'({kind}.{op} {const} {value})'
    if not wide or op in COMPARE:
        result = f'(i64.extend_i32_u {result})'
    name = f'{kind}.{op} {constant} {side}'
    return (f'(func (export "{name}") (result i64) (local $p i32) (local $h i64) (local $v {kind})\n'
            f' (loop $l (local.set $h (i64.xor (i64.rotl (local.get $h) (i64.const 5)) {result})) {again}\n'
            f'  (br_if $l (i32.ne (local.tee $p (i32.add (local.get $p) (i32.const 8))) '
            f'(i32.const {8 * count}))))\n (local.get $h))\n')


def swap(kind, bits, wrong):
    """The bytes of a number in the other order, or with one part that is `wrong`."""
    size = bits // 8
    parts = []
    for byte in range(size):
        up = 8 * (size - 1 - 2 * byte)
        mask = 0xff << 8 * byte if byte != wrong else 0x7f << 8 * byte
        if up > 0:
            parts.append(f'({kind}.shl ({kind}.and (local.get $v) ({kind}.const {mask})) ({kind}.const {up}))')
        else:
            parts.append(f'({kind}.and ({kind}.shr_u (local.get $v) ({kind}.const {-up})) '
                         f'({kind}.const {mask >> -up}))')
    while len(parts) > 1:
        parts = [f'({kind}.or {a} {b})' for a, b in zip(parts[::2], parts[1::2])]
    result = parts[0] if kind == 'i64' else f'(i64.extend_i32_u {parts[0]})'
    return (f'(func (export "{kind} swapped {wrong}") (result i64) (local $p i32) (local $h i64) (local $v {kind})\n'
            f' (loop $l (local.set $v ({kind}.load (local.get $p)))\n'
            f'  (local.set $h (i64.xor (i64.rotl (local.get $h) (i64.const 5)) {result}))\n'
            '  (br_if $l (i32.ne (local.tee $p (i32.add (local.get $p) (i32.const 8))) (i32.const 800))))\n'
            ' (local.get $h))\n')


FLOATS = ['0', '-0', '1', '-1', 'inf', '-inf', 'nan', '2.5']


def choices(kind):
    """Each choice between two floats, or one of them changed, by each comparison of theirs and by its opposite,
    for all pairs of FLOATS; a NaN counts as 77."""
    mixed = '(i64.extend_i32_u (i32.reinterpret_f32 %s))' if kind == 'f32' else '(i64.reinterpret_f64 %s)'
    yield (f'(func $plain_{kind} (param {kind}) (result {kind})\n'
           f' (select (local.get 0) ({kind}.const 77) ({kind}.eq (local.get 0) (local.get 0))))\n')
    for op in ('eq', 'ne', 'lt', 'gt', 'le', 'ge'):
        for form in range(8):
            a, b = ('(local.get 0)', '(local.get 1)')[::-1 if form & 1 else 1]
            a = f'({kind}.add {a} ({kind}.const 1))' if form & 2 else a
            condition = f'({kind}.{op} (local.get 0) (local.get 1))'
            condition = f'(i32.eqz {condition})' if form & 4 else condition
            yield (f'(func $choice_{kind}_{op}_{form} (param {kind} {kind}) (result {kind})\n'
                   f' (select {a} {b} {condition}))\n')
            calls = '\n'.join(
                f' (local.set 0 (i64.xor (i64.rotl (local.get 0) (i64.const 7)) '
                + mixed % f'(call $plain_{kind} (call $choice_{kind}_{op}_{form} '
                f'({kind}.const {x}) ({kind}.const {y})))' + '))' for x in FLOATS for y in FLOATS)
            yield f'(func (export "{kind} {op} {form}") (result i64) (local i64)\n{calls}\n (local.get 0))\n'


def main():
    table = edges()
    data = b''.join(value.to_bytes(8, 'little') for value in table)
    with open(sys.argv[1], 'w', encoding='utf-8') as out:
        out.write('(module (memory 1)\n(data (i32.const 0) "%s")\n' % ''.join(f'\\{b:02x}' for b in data))
        for kind, bits in (('i32', 32), ('i64', 64)):
            for wrong in range(-1, bits // 8):
                out.write(swap(kind, bits, wrong))
            for constant in constants(bits):
                for op in PLAIN + COMPARE:
                    out.write(function(kind, op, constant, 1, len(table)))
                    if op in ('sub', 'shl', 'rotr', 'lt_s', 'gt_u'):
                        out.write(function(kind, op, constant, 0, len(table)))
                for op in DIVIDE:
                    if constant != 0 and (constant != -1 or op.endswith('u')):
                        out.write(function(kind, op, constant, 1, len(table)))
        for kind in ('f32', 'f64'):
            out.writelines(choices(kind))
        out.write(')\n')


main()
