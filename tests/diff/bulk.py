# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a module that copies, fills and initialises memories: counts around every case of
core/jit/x86_64/bulk.c and core/jit/operations_bulk.c, known to the compiler and not, all ways in which the two
places can overlap, the last byte of a memory or segment and the one behind it, in memory 0 and another.

tests/diff/bulk.py OUT.wat"""
import sys

PAGE = 65536
MOST = 8192  # JIT_BULK_BYTES
FEW = 64  # JIT_BULK_FEW
SEGMENT = 9000
COUNTS = [*range(0, 36), 47, 48, 49, 63, 64, 65, 80, 96, 100, 127, 128, 129, 191, 192, 193, 255, 256, 257, 511, 512, 513,
          1023, 1024, 1025, 2047, 2048, 2049, 3000, MOST - 1, MOST, MOST + 1]
GAPS = [-3000, -1024, -513, -512, -511, -129, -128, -65, -64, -63, -33, -32, -31, -17, -16, -15, -9, -8, -5, -4, -3, -2, -1, 0, 1, 2, 3,
        4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 127, 128, 129, 511, 512, 513, 1024, 3000]
FEWER_GAPS = [-64, -16, -7, 0, 5, 16, 63, 600]
MIDDLE = 8000
PAGES = [1, 2]  # of the memories
SEEN = 20480  # bytes at both ends of both
PLACES = [(memory, start) for memory in (0, 1) for start in (0, PAGES[memory] * PAGE - SEEN)]
MIX = ('  (local.set 0 (i64.mul (i64.xor (local.get 0) (i64.load {} offset={} (local.get 1)))'
       ' (i64.const 0x100000001b3)))\n')


def forms(name, what, to, second, count):
    """One whose count the compiler knows, where that matters, and one that it learns from a call."""
    yield f"{name}_called", f"(call ${what} (i32.const {to}) (i32.const {second}) (i32.const {count}))"
    if count <= FEW or count < 0:
        yield f"{name}_known", f"({what.replace('_', ' ')} (i32.const {to}) (i32.const {second}) (i32.const {count}))"
        yield (f"{name}_moved", f"(call ${what}_{count & 0xffffffff} (i32.const {(to - 24) & 0xffffffff}) "
               f"(i32.const {(second - 40) & 0xffffffff}))")


def inside():
    for count in COUNTS:
        for gap in GAPS:
            yield from forms(f"copy_{count}_{gap}", "memory.copy_0_0", MIDDLE + gap, MIDDLE, count)
        for gap in FEWER_GAPS:
            yield from forms(f"copy_within_1_{count}_{gap}", "memory.copy_1_1", MIDDLE + gap, MIDDLE, count)
        yield from forms(f"copy_between_0_1_{count}", "memory.copy_0_1", MIDDLE + 5, MIDDLE, count)
        yield from forms(f"copy_between_1_0_{count}", "memory.copy_1_0", MIDDLE, MIDDLE + 1, count)
        for memory in (0, 1):
            yield from forms(f"fill_{memory}_{count}", f"memory.fill_{memory}", MIDDLE, count * 77 + 300, count)
            yield from forms(f"init_{memory}_{count}", f"memory.init_{memory}_$bytes", MIDDLE, 3, count)


def ends():
    for count in COUNTS:
        for over in (0, 1, 2):
            for memory in (0, 1):
                end = PAGES[memory] * PAGE - count + over
                key = f"{memory}_{count}_{over}"
                other = 1 - memory
                yield from forms(f"to_{key}", f"memory.copy_{memory}_{memory}", end, 16, count)
                yield from forms(f"from_{key}", f"memory.copy_{memory}_{memory}", 16, end, count)
                yield from forms(f"to_other_{key}", f"memory.copy_{memory}_{other}", end, 16, count)
                yield from forms(f"from_other_{key}", f"memory.copy_{other}_{memory}", 16, end, count)
                yield from forms(f"fill_end_{key}", f"memory.fill_{memory}", end, 90, count)
                yield from forms(f"init_to_{key}", f"memory.init_{memory}_$bytes", end, 16, count)
                yield from forms(f"init_from_{key}", f"memory.init_{memory}_$bytes", 16, SEGMENT - count + over, count)
    for place in (-1, -8, -60, -2147483648, 2147483647):
        for count in (0, 1, 8, 16, 61, 64, -1, -8, -16):
            for memory in (0, 1):
                key = f"{memory}_{place}_{count}"
                yield from forms(f"copy_far_{key}", f"memory.copy_{memory}_{memory}", 0, place, count)
                yield from forms(f"fill_far_{key}", f"memory.fill_{memory}", place, 1, count)
                yield from forms(f"init_far_{key}", f"memory.init_{memory}_$bytes", 0, place, count)
    for count in (0, 1, 16, 100):
        for memory in (0, 1):
            for start in (0, 1):
                yield from forms(f"dropped_{memory}_{count}_{start}", f"memory.init_{memory}_$dropped", 0, start, count)


def often():
    """So much of it that ticks come in between, as machine --storm sends them, and a look at the end of each."""
    for count in (300, 700, 2500, 5000):
        moves = "(local.set $p (i32.and (i32.add (local.get $p) (i32.const 72)) (i32.const 1023)))"
        for name, text, memory in (
                ("copy", f"(call $memory.copy_0_0 (i32.add (local.get $p) (i32.const 9000)) (local.get $p) (i32.const {count}))", 0),
                ("fill", f"(call $memory.fill_1 (i32.add (local.get $p) (i32.const 9000)) (local.get $k) (i32.const {count}))", 1)):
            looks = "".join(f"(local.set $s (i64.rotl (i64.xor (local.get $s) (i64.load {memory} offset={9000 + count - back} (local.get $p)))"
                            f" (i64.const 7)))" for back in (112, 80, 48, 16))
            yield f"often_{name}_{count}", (f"(local $p i32) (local $k i32) (local $s i64) (call $pattern)"
                                            f" (local.set $k (i32.const {3 * 10 ** 7 // count})) (loop {moves} {text} {looks}"
                                            f" (br_if 0 (local.tee $k (i32.sub (local.get $k) (i32.const 1))))) (call $sum (local.get $s))")


def dropped(text):
    return "(data.drop $dropped) " if "$dropped" in text else ""


def operations():
    """Functions that take what the compiler is not to know, and those that add to an address what it may take out."""
    names = [f"memory.copy_{a}_{b}" for a in (0, 1) for b in (0, 1)]
    names += [f"memory.fill_{a}" for a in (0, 1)] + [f"memory.init_{a}_{s}" for a in (0, 1) for s in ("$bytes", "$dropped")]
    for name in names:
        text = name.replace("_", " ")
        yield f"(func ${name} (param i32 i32 i32) ({text} (local.get 0) (local.get 1) (local.get 2)))"
        second = "(i32.add (local.get 1) (i32.const 40))"
        for count in [*range(FEW + 1), -1, -8, -16]:
            yield (f"(func ${name}_{count & 0xffffffff} (param i32 i32) ({text} (i32.add (local.get 0) (i32.const 24)) "
                   f"{second} (i32.const {count})))")


def main():
    with open(sys.argv[1], "w") as out:
        out.write(f'(module (memory (export "memory") {PAGES[0]} {PAGES[0]}) (memory {PAGES[1]} {PAGES[1]})\n'
                  f'(data $bytes "{"".join(chr(97 + i * i % 23) for i in range(SEGMENT))}") (data $dropped "dropped")\n'
                  # Another byte at each place, so that one that went astray is seen.
                  '(func $pattern (local i32 i64) (loop\n'
                  '  (local.set 1 (i64.mul (i64.extend_i32_u (i32.add (local.get 0) (i32.const 77)))\n'
                  '    (i64.const 0x9e3779b97f4a7c15)))\n'
                  f'{"".join(f"  (i64.store {m} offset={o} (local.get 0) (i64.rotl (local.get 1) (i64.const {o % 61 + m})))" for m, o in PLACES)}\n'
                  f'  (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 8))) (i32.const {SEEN})))))\n'
                  '(func $sum (param i64) (result i64) (local i32) (loop\n'
                  f'{"".join(MIX.format(m, o) for m, o in PLACES)}'
                  '  (local.set 0 (i64.rotl (local.get 0) (i64.const 29)))\n'
                  f'  (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 8))) (i32.const {SEEN}))))\n'
                  '  (local.get 0))\n')
        out.write("".join(line + "\n" for line in operations()))
        for name, text in [*inside(), *ends()]:
            out.write(f'(func (export "{name}") (result i64) (call $pattern) {dropped(text)}{text} (call $sum (i64.const 1)))\n')
        for name, text in often():
            out.write(f'(func (export "{name}") (result i64) {text})\n')
        out.write(")\n")


main()
