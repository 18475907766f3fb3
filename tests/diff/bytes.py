# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of expressions that only move bytes of vectors: shuffles, extensions, splats of lanes, lanes put into
other vectors, shifts of each lane by another number. A compiler may make one instruction of several.

    tests/diff/bytes.py FOLDER [SEED [COUNT]]
"""
import pathlib
import random
import subprocess
import sys

FUNCTIONS = 40
LANES = {'i8x16': 16, 'i16x8': 8, 'i32x4': 4, 'i64x2': 2, 'f32x4': 4, 'f64x2': 2}
EXTENDS = ['i16x8.extend_{}_i8x16_{}', 'i32x4.extend_{}_i16x8_{}', 'i64x2.extend_{}_i32x4_{}']


def order(dice):
    """Sixteen numbers of bytes, most often in some pattern."""
    width = dice.choice([1, 1, 2, 4, 8])
    count = 16 // width
    high = dice.choice([count, 2 * count])
    start, stride = dice.randrange(high), dice.choice([0, 1, 1, 2])
    lanes = [dice.randrange(high) if dice.random() < 0.25 else (start + k * stride) % high for k in range(count)]
    if dice.random() < 0.3:
        lanes = [k // 2 + (count if k % 2 else 0) + dice.choice([0, 0, count // 2]) for k in range(count)]
    return ' '.join(str(lane * width + k) for lane in lanes for k in range(width))


def scalar(dice, depth, shape):
    """An integer or float that fits a lane of the shape."""
    if shape in ('i8x16', 'i16x8', 'i32x4'):
        source = dice.choice(['i8x16', 'i16x8', 'i32x4'])
    else:
        source = shape
    sign = dice.choice(['_s', '_u']) if source in ('i8x16', 'i16x8') else ''
    return f'({source}.extract_lane{sign} {dice.randrange(LANES[source])} {vector(dice, depth)})'


def lane_shifts(dice, depth):
    """Every lane shifted by another number; now and then one of them by the wrong one."""
    source, by = vector(dice, depth), vector(dice, 0)
    if dice.random() < 0.5:
        by = f'(v128.and {by} (v128.const i32x4 31 7 {dice.choice([3, 31, 33])} 1))'
    name = dice.choice(['shl', 'shr_s', 'shr_u'])
    out = None
    for lane in dice.sample(range(4), 4):
        other = dice.randrange(4) if dice.random() < 0.05 else lane
        shifted = (f'(i32.{name} (i32x4.extract_lane {lane} {source}) (i32x4.extract_lane {other} {by}))')
        out = f'(i32x4.replace_lane {lane} {out} {shifted})' if out else f'(i32x4.splat {shifted})'
    return out


def vector(dice, depth):
    if depth == 0:
        return dice.choice(['(local.get 0)', '(local.get 1)', '(local.get 0)', '(local.get 1)',
                            '(v128.const i64x2 0 0)', '(v128.load32_zero (i32.const 16))',
                            '(v128.load64_zero (i32.const 24))', '(v128.load (i32.const 16))'])
    depth -= 1
    kind = dice.randrange(12)
    if kind >= 10:
        return lane_shifts(dice, 0)
    if kind < 4:
        return f'(i8x16.shuffle {order(dice)} {vector(dice, depth)} {vector(dice, dice.randint(0, depth))})'
    if kind < 7:
        sign = dice.choice(['u', 'u', 'u', 's'])
        name = dice.choice(EXTENDS).format(dice.choice(['low', 'low', 'high']), sign)
        return f'({name} {vector(dice, depth)})'
    shape = dice.choice(list(LANES))
    if kind < 8:
        return f'({shape}.splat {scalar(dice, depth, shape)})'
    lane = dice.randrange(LANES[shape])
    return f'({shape}.replace_lane {lane} {vector(dice, depth)} {scalar(dice, dice.randint(0, depth), shape)})'


def module(dice):
    lines = ['(module (memory (export "memory") 1)',
             '  (data (i32.const 0) "0123456789abcdefghijklmnopqrstuvwxyz\\ff\\80\\01\\02\\03\\04\\05\\06\\07\\08")']
    for number in range(FUNCTIONS):
        lines.append(f'  (func (export "f{number}") (result v128) (local v128 v128)\n'
                     f'    (local.set 0 (v128.load (i32.const {dice.randrange(8)})))\n'
                     f'    (local.set 1 (v128.load (i32.const {dice.randrange(16, 30)})))\n'
                     f'    {vector(dice, dice.randint(1, 5))})')
    return '\n'.join(lines) + ')\n'


def main():
    folder = pathlib.Path(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    for number in range(seed, seed + count):
        text = folder / f'bytes_{number}.wat'
        text.write_text(module(random.Random(number)))
        subprocess.run(['wat2wasm', text, '-o', text.with_suffix('.wasm')], check=True)
        text.unlink()


if __name__ == '__main__':
    main()
