# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that put every instruction on vectors to every pair of interesting vectors, and into the forms
that a translator may treat apart (forms.py says what a form is).

No v128 crosses to the other engine, whose interface has none: functions take scalars and begin by loading
vectors, and what they compute they fold into an i64. Lanes that are NaN are made canonical first where an
instruction makes floats, since engines differ in their bits.

`write_modules(folder)` writes one module for each instruction and returns their paths.
"""
import itertools
import pathlib
import struct
import sys

from forms import Forms, ROOT, ROW, TYPES, const, get, s64, set_, tee, u32

V128 = b'\x7b'
VECTORS = 13  # three locals behind those of forms.py
FIRST, SECOND, SPARE = VECTORS, VECTORS + 1, VECTORS + 2
TABLE = 1024  # where the interesting vectors lie
HASH, I_INDEX, J_INDEX = 9, 8, 12  # locals of the functions that try all pairs
LOAD = b'\xfd\x00\x00\x00'
STORE = b'\xfd\x0b\x00\x00'


def op(number):
    return b'\xfd' + u32(number)


SUB, XOR, SELECT, LANES_SUB = op(0x71), op(0x51), b'\x1b', op(0x91)


def v128(pattern):
    return op(0x0c) + pattern


def interesting():
    """Vectors whose lanes are the edges of each type, and some of no kind."""
    def lanes(form, values):
        values = list(values)
        size = 16 // struct.calcsize(form)
        values += values[:-len(values) % size]
        for at in range(0, len(values), size):
            yield struct.pack(f'<{size}{form}', *values[at:at + size])

    for bits, form in ((8, 'B'), (16, 'H'), (32, 'I'), (64, 'Q')):
        top = 1 << bits
        yield from lanes(form, [0, 1, top - 1, top // 2, top // 2 - 1, top // 2 + 1, 2, top - 2,
                                bits, bits - 1, top // 3, top // 5])
    yield from lanes('f', [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 1e-45, -1e-40, 1.17549435e-38, 3e38,
                           float('inf'), float('-inf'), float('nan'), 2147483648.0, -2147483904.0,
                           4294967296.0, 4294967040.0, 8388608.5, 8388607.5, -0.7, 255.9, 1e10])
    yield from lanes('d', [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, 5e-324, -1e-310, 1e-45, 1e300, float('inf'),
                           float('-inf'), float('nan'), 2147483647.5, -2147483648.9, 4294967295.5,
                           4503599627370495.5, 3.4028235677973366e38, -0.3, 1e39])
    yield bytes(range(16))
    yield bytes(range(240, 256))
    yield bytes(31 * number % 256 for number in range(16))


ALL = list(interesting())


def canonical(name):
    """Code that makes the NaN lanes of the vector on top canonical, if this instruction makes floats."""
    makes = name.startswith(('F32X4', 'F64X2')) and not name.endswith(('_EQ', '_NE', '_LT', '_GT', '_LE', '_GE'))
    if not makes:
        return b''
    wide = name.startswith('F64X2')
    nan = struct.pack('<2Q', *[0x7ff8 << 48] * 2) if wide else struct.pack('<4I', *[0x7fc00000] * 4)
    equal = op(0x47) if wide else op(0x41)
    return tee(SPARE) + v128(nan) + get(SPARE) + get(SPARE) + equal + op(0x52)


def folded(code):
    """The two halves of a vector in one i64."""
    halves = [get(SPARE) + op(0x1d) + bytes([lane]) for lane in (0, 1)]
    return code + set_(SPARE) + halves[0] + const('L', 31) + b'\x7e' + halves[1] + b'\x7c'


def vector_at(index):
    return index + const('I', len(ALL)) + b'\x70' + const('I', 16) + b'\x6c' + b'\xfd\x00\x00' + u32(TABLE)


class LaneForms(Forms):
    def __init__(self, name):
        super().__init__()
        self.canonical = canonical(name)

    def sources(self, letter, which):
        if letter != 'V':
            yield from itertools.islice(super().sources(letter, which), 9)
            return
        local = FIRST + which
        pattern = ALL[(7 * self.count + which) % len(ALL)]
        self.count += 1
        yield b'', get(local)
        yield b'', v128(pattern)
        yield b'', get(local) + v128(pattern) + XOR
        yield b'', v128(pattern) + get(local) + XOR
        yield b'', b'\x23' + u32(4)
        yield b'', const('I', 24) + LOAD
        yield b'', get(local) + b'\x10' + u32(4)
        yield b'', get(local) + tee(SPARE)
        yield get(local) + set_(SPARE), get(SPARE)
        yield v128(pattern) + set_(SPARE), get(SPARE)
        yield b'', get(local) + get(local) + v128(pattern) + SUB + set_(local)
        yield b'', b'\x02' + V128 + get(local) + b'\x0b'
        yield b'', get(0) + const('I', 255) + b'\x71' + b'\xfd\x09\x00\x08'
        yield b'', get(local) + v128(pattern) + get(1) + SELECT

    def uses(self, letter, code):
        if letter != 'V':
            yield from super().uses(letter, code)
            return
        code += self.canonical
        other, pattern = get(SECOND), v128(ALL[3])
        there, global_ = const('I', 40), u32(4)
        results = [
            code, code + set_(SPARE) + get(SPARE), code + set_(SECOND) + other,
            code + tee(SPARE) + get(SPARE) + LANES_SUB, code + other + LANES_SUB,
            other + code + LANES_SUB, code + pattern + LANES_SUB, pattern + code + LANES_SUB,
            there + code + STORE + there + LOAD, get(0) + const('I', 1023) + b'\x71' + tee(8) + code + STORE +
            get(8) + LOAD, code + b'\x24' + global_ + b'\x23' + global_,
            code + other + get(0) + SELECT, other + code + get(0) + b'\x1c\x01' + V128,
            code + b'\x10' + u32(4), other + code + b'\x1a', code + pattern + b'\x10' + u32(5) + LANES_SUB,
            b'\x02' + V128 + code + get(0) + b'\x0d\x00' + b'\x1a' + other + b'\x0b',
            b'\x02' + V128 + code + b'\x0c\x00' + b'\x0b',
            b'\x02' + V128 + get(0) + other + code + b'\x0c\x00' + b'\x0b',
            b'\x02' + V128 + get(0) + code + get(1) + b'\x0d\x00' + b'\x1a\x1a' + other + b'\x0b',
            code + get(0) + b'\x04' + V128 + other + b'\x05' + pattern + b'\x0b' + SUB,
            code + get(0) + b'\x04' + s64(9) + other + SUB + b'\x0b',
            get(2) + code + other + b'\x02' + s64(10) + b'\x0b' + SUB + set_(SECOND) + b'\x1a' + other,
            # Round a loop that takes the vector and changes it.
            const('I', 3) + set_(12) + code + b'\x03' + s64(9) + other + SUB + get(12) + const('I', 1) + b'\x6b' +
            tee(12) + b'\x0d\x00' + b'\x0b',
            b'\x02' + V128 + b'\x02' + V128 + code + get(0) + const('I', 3) + b'\x71' + b'\x0e\x02\x00\x01\x00' +
            b'\x0b' + pattern + SUB + b'\x0b',
        ]
        for result in results:
            yield 'L', folded(result)

    def add(self, operands, code, result):
        """All sources with one use, and all uses with one source of each operand."""
        every = list(itertools.product(*(self.sources(letter, at) for at, letter in enumerate(operands))))
        for number, sources in enumerate(every):
            before = b''.join(first for first, _ in sources)
            middle = before + b''.join(operand for _, operand in sources) + code
            uses = list(self.uses(result, middle))
            self.functions += uses if number in (0, len(every) // 2) else [uses[number % len(uses)]]

    def add_pairs(self, operands, code, result):
        """A function that goes through every pair of vectors."""
        scalars = {'I': get(I_INDEX) + get(1) + b'\x6a', 'L': get(2), 'F': get(4), 'D': get(6)}
        vectors = iter([get(FIRST), get(SECOND), get(SPARE)])
        body = b''.join(next(vectors) if letter == 'V' else scalars[letter] for letter in operands) + code
        if result == 'V':
            body = folded(body + self.canonical)
        elif result != 'L':
            body += {'I': b'\xad', 'F': b'\x1a\x42\x00', 'D': b'\x1a\x42\x00'}[result]
        body = get(HASH) + const('L', 1099511628211) + b'\x7e' + body + b'\x85' + set_(HASH)
        step = lambda index: get(index) + const('I', 1) + b'\x6a' + tee(index) + const('I', len(ALL)) + \
            b'\x47' + b'\x0d\x00' + b'\x0b'
        load = vector_at(get(I_INDEX)) + set_(FIRST) + vector_at(get(J_INDEX)) + set_(SECOND)
        load += get(FIRST) + get(SECOND) + XOR + set_(SPARE)
        inner = const('I', 0) + set_(J_INDEX) + b'\x03\x40' + load + body + step(J_INDEX)
        code = const('I', 0) + set_(I_INDEX) + b'\x03\x40' + inner + step(I_INDEX)
        self.functions.append(('L', code + get(HASH)))

    def module(self):
        def section(number, items):
            body = u32(len(items)) + b''.join(items)
            return bytes([number]) + u32(len(body)) + body

        def shape(params, results):
            letters = {**TYPES, 'V': 0x7b}
            return b'\x60' + b''.join(u32(len(text)) + bytes(letters[letter] for letter in text)
                                      for text in (params, results))

        shapes = [shape('IILLFFDD', letter) for letter in 'ILFD']
        shapes += [shape(letter, letter) for letter in 'ILFDV']
        shapes += [shape('V', 'V'), shape('LVV', 'LVV'), shape('VV', 'VV')]
        locals_ = [b'\x01' + bytes([TYPES[letter]]) for letter in 'ILFDI'] + [b'\x03' + V128]
        begin = vector_at(get(0)) + set_(FIRST) + vector_at(get(1)) + set_(SECOND)
        bodies = [b'\x00' + get(0) + b'\x0b'] * 5 + [b'\x00' + get(1) + get(0) + b'\x0b']
        bodies += [u32(len(locals_)) + b''.join(locals_) + begin + code + b'\x0b' for _, code in self.functions]
        exports = [(f'{number}.{turn}', 6 + number) for number in range(len(self.functions)) for turn in (0, 1)]
        globals_ = [bytes([TYPES[letter]]) + b'\x01' + const(letter, 5) + b'\x0b' for letter in 'ILFD']
        globals_.append(V128 + b'\x01' + v128(ALL[-1]) + b'\x0b')
        data = bytes((7 * number + 3) % 251 for number in range(TABLE)) + b''.join(ALL)
        return b''.join([
            b'\0asm\1\0\0\0',
            section(1, shapes),
            section(3, [bytes([number]) for number in (4, 5, 6, 7, 8, 11)] +
                    [bytes(['ILFD'.index(letter)]) for letter, _ in self.functions]),
            section(5, [b'\x01\x01\x02']),
            section(6, globals_),
            section(7, [u32(len(name)) + name.encode() + b'\x00' + u32(index) for name, index in exports] +
                    [b'\x06memory\x02\x00']),
            section(10, [u32(len(body)) + body for body in bodies]),
            section(11, [b'\x00\x41\x00\x0b' + u32(len(data)) + data]),
        ])


def immediates(name, kind, size):
    """The immediates to try, but for a memory's offset."""
    if kind == 'LANE' or kind == 'MEMARG_LANE':
        return [bytes([lane]) for lane in sorted({0, 1, 16 // size // 2, 16 // size - 1})]
    if kind == 'LANES':
        return [bytes(31 - lane for lane in range(16)), bytes(5 * lane % 32 for lane in range(16)),
                bytes(lane // 4 for lane in range(16)), bytes(range(8, 24))]
    return [b'']


def write_module(folder, row):
    name, _, _, number, kind, immediate, operands, results, size, _ = row
    code, forms = op(int(number, 16)), LaneForms(name)
    for extra in immediates(name, immediate, int(size)):
        if kind == 'VECTOR':
            forms.add(operands, code + extra, results)
            forms.add_pairs(operands, code + extra, results)
            continue
        for offset in (0, 8, 65528, 0x7fffffff):
            access = code + b'\x00' + u32(offset) + extra
            for address in forms.addresses():
                value = get(FIRST) if 'V' in operands else b''
                if results == 'V':
                    forms.functions += forms.uses('V', address + value + access)
                else:
                    forms.functions += [('I', address + source + access + const('I', 1))
                                        for _, source in list(forms.sources('V', 0))[:8]]
    path = folder / f'lanes_{name.lower()}.wasm'
    path.write_bytes(forms.module())
    return path


def write_modules(folder):
    table = (ROOT / 'core/wasm/opcodes.def').read_text(encoding='utf-8')
    return [write_module(folder, row) for row in ROW.findall(table) if row[4].startswith('VECTOR')]


if __name__ == '__main__':
    write_modules(pathlib.Path(sys.argv[1]))
