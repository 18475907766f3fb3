#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a module that accesses memories other than memory 0 by every width, at the edges.

    tests/diff/memories.py OUT.wat

A function for each access, memory and offset, which does it twice with growth of that memory between; an export for
each of them and each address. Many of them trap, and have to. Memory 0 is larger than the others, so that an access
which took its size for theirs would not.
"""
import sys

ADDRESSES = [0, 1, 8, 65524, 65528, 65535, 65536, 131064, 131068, 0xfffffff8, 0xffffffff]
OFFSETS = [0, 4, 65528, 0x80000000, 0xffffffff]
LOADS = {'i32': ['load', 'load8_s', 'load8_u', 'load16_s', 'load16_u', 'atomic.load', 'atomic.load8_u'],
         'i64': ['load', 'load8_s', 'load16_u', 'load32_s', 'load32_u', 'atomic.load', 'atomic.load32_u'],
         'f32': ['load'], 'f64': ['load'],
         'v128': ['load', 'load8x8_s', 'load16x4_u', 'load32_splat', 'load8_splat', 'load64_zero']}
STORES = {'i32': ['store', 'store8', 'store16', 'atomic.store', 'atomic.store16'],
          'i64': ['store', 'store8', 'store16', 'store32', 'atomic.store', 'atomic.store8'],
          'f32': ['store'], 'f64': ['store'], 'v128': ['store']}
CHANGES = {'i32': ['atomic.rmw.add', 'atomic.rmw8.sub_u', 'atomic.rmw16.and_u', 'atomic.rmw.xchg'],
           'i64': ['atomic.rmw.sub', 'atomic.rmw32.or_u', 'atomic.rmw.xor', 'atomic.rmw8.xchg_u']}
SWAPS = {'i32': ['atomic.rmw.cmpxchg', 'atomic.rmw16.cmpxchg_u'], 'i64': ['atomic.rmw.cmpxchg']}
VALUES = {'i32': '(i32.wrap_i64 (local.get $l))', 'i64': '(local.get $l)',
          'f32': '(f32.convert_i64_u (local.get $l))', 'f64': '(f64.convert_i64_u (local.get $l))',
          'v128': '(i64x2.splat (local.get $l))'}
AS_I64 = {'i32': '(i64.extend_i32_u {})', 'i64': '{}', 'f32': '(i64.extend_i32_u (i32.reinterpret_f32 {}))',
          'f64': '(i64.reinterpret_f64 {})', 'v128': '(i64x2.extract_lane 1 {})'}


def accesses(memory, offset):
    """Name and text, which gives an i64 or nothing."""
    place = f'{memory} offset={offset}'
    at = f'{place} (local.get $a)'
    for kind, names in LOADS.items():
        for name in names:
            yield f'{kind}_{name}', AS_I64[kind].format(f'({kind}.{name} {at})'), True
    for kind, names in STORES.items():
        for name in names:
            yield f'{kind}_{name}', f'({kind}.{name} {at} {VALUES[kind]})', False
    for kind, names in CHANGES.items():
        for name in names:
            yield f'{kind}_{name}', AS_I64[kind].format(f'({kind}.{name} {at} {VALUES[kind]})'), True
    for kind, names in SWAPS.items():
        for name in names:
            text = f'({kind}.{name} {at} ({kind}.const 0) {VALUES[kind]})'
            yield f'{kind}_{name}', AS_I64[kind].format(text), True
    yield 'in_place', '(i32.store {0} (i32.xor (i32.load {0}) (i32.const 77)))'.format(at), False
    yield 'load_lane', f'(i64x2.extract_lane 0 (v128.load16_lane {place} 3 (local.get $a) {VALUES["v128"]}))', True
    yield 'store_lane', f'(v128.store32_lane {place} 2 (local.get $a) {VALUES["v128"]})', False


SHARED = 3


def waits(memory, offset):
    """The same for waiting, which one embedder's only thread does for no time at all."""
    at = f'{memory} offset={offset} (local.get $a)'
    wrap = '(i64.extend_i32_u {})'
    yield 'notify', wrap.format(f'(memory.atomic.notify {at} (i32.const 1))'), True
    yield 'wait32', wrap.format(f'(memory.atomic.wait32 {at} (i32.const 0) (local.get $l))'), True
    yield 'wait64', wrap.format(f'(memory.atomic.wait64 {at} (local.get $l) (local.get $l))'), True


def chosen(memory, offset):
    yield from accesses(memory, offset) if memory in [1, 2] else ()
    yield from waits(memory, offset)


def module():
    yield '(memory (export "memory") 4) (memory 1) (memory 1 2) (memory 1 2 shared)'
    for memory in [0, 1, 2, SHARED]:
        for offset in OFFSETS:
            for access, text, has_result in chosen(memory, offset):
                function = f'{memory}_{offset}_{access}'
                again = f'(i64.add (local.get $t) {text})' if has_result else f'{text} (i64.const 0)'
                first = f'(local.set $t {text})' if has_result else text
                yield (f'(func ${function} (param $a i32) (param $l i64) (result i64) (local $t i64) {first}'
                       f' (drop (memory.grow {memory} (i32.const 0))) {again})')
                for address in ADDRESSES[len(access) % 2::2] + [16]:
                    yield (f'(func (export "{function}_{address}") (result i64)'
                           f' (call ${function} (i32.const {address}) (i64.const {address | 0xabcd << 40})))')


with open(sys.argv[1], 'w') as out:
    out.write('(module\n' + '\n'.join(module()) + ')\n')
