# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a module that copies and fills: counts around every case of core/jit/x86_64/bulk.c, all ways in which the
two places can overlap, the last byte of the memory and the one behind it.

tests/diff/bulk.py OUT.wat"""
import sys

PAGE = 65536
MOST = 8192  # JIT_BULK_BYTES
COUNTS = [*range(0, 36), 47, 48, 49, 63, 64, 65, 100, 511, 512, 513, 3000, MOST - 1, MOST, MOST + 1]
GAPS = [-3000, -513, -512, -511, -65, -33, -32, -31, -17, -16, -15, -9, -8, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31,
        32, 33, 48, 65, 511, 512, 513, 3000]
MIDDLE = 8000


def functions():
    yield from ((f"copy_{count}_{gap}", f"(memory.copy (i32.const {MIDDLE + gap}) (i32.const {MIDDLE}) "
                 f"(i32.const {count}))") for count in COUNTS for gap in GAPS)
    yield from ((f"fill_{count}", f"(memory.fill (i32.const {MIDDLE}) (i32.const {count * 77 + 300}) "
                 f"(i32.const {count}))") for count in COUNTS)
    for count in COUNTS:
        for over in (0, 1, 2):
            end = PAGE - count + over
            yield f"copy_to_{count}_{over}", f"(memory.copy (i32.const {end}) (i32.const 16) (i32.const {count}))"
            yield f"copy_from_{count}_{over}", f"(memory.copy (i32.const 16) (i32.const {end}) (i32.const {count}))"
            yield f"fill_{count}_{over}", f"(memory.fill (i32.const {end}) (i32.const 90) (i32.const {count}))"
    for place in (-1, -8, -2147483648, 2147483647):
        for count in (0, 1, 8, 16, 64, -1, -8, -16):
            yield f"copy_far_{place}_{count}", f"(memory.copy (i32.const 0) (i32.const {place}) (i32.const {count}))"
            yield f"fill_far_{place}_{count}", f"(memory.fill (i32.const {place}) (i32.const 1) (i32.const {count}))"


def main():
    with open(sys.argv[1], "w") as out:
        out.write('(module (memory (export "memory") 1 1)\n'
                  # Another byte at each place, so that one that went astray is seen.
                  '(func $pattern (local i32) (loop (i32.store8 (local.get 0)\n'
                  '  (i32.add (i32.mul (local.get 0) (i32.const 37)) (i32.shr_u (local.get 0) (i32.const 8))))\n'
                  '  (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 20480)))))\n'
                  '(func $sum (param i64) (result i64) (local i32) (loop\n'
                  '  (local.set 0 (i64.add (i64.mul (local.get 0) (i64.const 31)) (i64.load8_u (local.get 1))))\n'
                  '  (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 20480))))\n'
                  '  (local.get 0))\n')
        for name, text in functions():
            out.write(f'(func (export "{name}") (result i64) (call $pattern) {text} (call $sum (i64.const 1)))\n')
        out.write(")\n")


main()
