#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a module that accesses memory in each form that an address can have, at the edges.

    tests/diff/addresses.py OUT.wat

A function for each way to come by an address, each offset and each access; an export for each of them and each
number that it is made of. Many of them trap, and have to.
"""
import sys

NUMBERS = [0, 1, 3, 8190, 65527, 65528, 65532, 65535, 65536, 0x7fffffff, 0x80000000, 0xffff0000, 0xfffffff8,
           0xffffffff]
OFFSETS = [0, 1, 8, 65528, 65535, 0x7fffffff, 0x80000000, 0xffffffff]
MINUS_8 = '(i32.const -8)'
ADDRESSES = {
    'local': '(local.get $a)',
    'wrap': '(i32.wrap_i64 (local.get $l))',
    'wrap_or': '(i32.wrap_i64 (i64.or (local.get $l) (i64.const 0x7654321000000000)))',
    'wrap_add': '(i32.wrap_i64 (i64.add (local.get $l) (i64.const 0x100000004)))',
    'signed': '(i32.wrap_i64 (i64.extend_i32_s (local.get $a)))',
    'add_8': '(i32.add (local.get $a) (i32.const 8))',
    'sub_8': f'(i32.add (local.get $a) {MINUS_8})',
    'add_half': '(i32.add (local.get $a) (i32.const 0x80000000))',
    'sum': '(i32.add (local.get $a) (local.get $b))',
    'sum_8': f'(i32.add (i32.add (local.get $a) (local.get $b)) {MINUS_8})',
    'scaled': '(i32.add (i32.shl (local.get $a) (i32.const 3)) (local.get $b))',
    'shifted': '(i32.shl (local.get $a) (i32.const 2))',
    'short': '(i32.add (i32.and (local.get $a) (i32.const 0xffff)) (i32.const 16))',
    'negative': '(i32.sub (i32.const 0) (local.get $a))',
    'select': '(select (local.get $a) (local.get $b) (i32.wrap_i64 (local.get $l)))',
    'phi': '(if (result i32) (local.get $b) (then (i32.wrap_i64 (local.get $l))) (else (local.get $a)))',
    'result': '(call $same (local.get $l))',
    'grow': f'(i32.add (i32.mul (memory.grow (i32.const 0)) (local.get $a)) {MINUS_8})',
    'failed': '(memory.grow (local.get $a))',
    'loaded': '(i32.load (i32.and (local.get $a) (i32.const 0xff)))',
    'float': '(i32.trunc_sat_f64_u (f64.convert_i32_u (local.get $a)))',
}
ACCESSES = {
    'load_8': ('i64', '(i64.load8_s {at} {to})'),
    'load_32': ('i64', '(i64.extend_i32_u (i32.load {at} {to}))'),
    'load_64': ('i64', '(i64.load {at} {to})'),
    'fold': ('i64', '(i64.add (i64.load {at} {to}) (local.get $l))'),
    'store': ('', '(i64.store {at} {to} (local.get $l))'),
    'in_place': ('', '(local.set $t {to}) (i32.store {at} (local.get $t) (i32.add (i32.load {at} (local.get $t))'
                     ' (local.get $b)))'),
    'wide': ('', '(v128.store {at} {to} (i64x2.splat (local.get $l)))'),
}


def module():
    yield '(memory (export "memory") 1 2) (data (i32.const 0) "\\ff\\ff\\ff\\ff\\f8\\ff\\00\\00")'
    yield '(func $same (param i64) (result i32) (i32.wrap_i64 (local.get 0)))'
    for name, to in ADDRESSES.items():
        for offset in OFFSETS:
            for access, (result, text) in ACCESSES.items():
                function = f'{name}_{offset}_{access}'
                body = text.format(at=f'offset={offset}', to=to)
                result = f'(result {result})' if result else ''
                yield (f'(func ${function} (param $a i32) (param $b i32) (param $l i64) {result} (local $t i32)'
                       f' {body})')
                for number in NUMBERS[offset % 2::2]:
                    args = f'(i32.const {number}) (i32.const {number & 9}) (i64.const {number | 0xabcd << 40})'
                    yield f'(func (export "{function}_{number}") {result} (call ${function} {args}))'


with open(sys.argv[1], 'w') as out:
    out.write('(module\n' + '\n'.join(module()) + ')\n')
