# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that put every numeric instruction, load and store into every form a translator may treat
apart.

A form is where each operand comes from (a constant, a local, a computation, a global, memory, a call, a
local that changes before it is used) and what happens to the result (returned, kept, branched on,
selected by, stored, used on either side of another operation). Random modules meet the common forms
again and again, and the rare ones never.

`write_modules(folder)` writes one module for each instruction and returns their paths.
"""
import itertools
import pathlib
import re
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROW = re.compile(r'WASM_OP\((\w+), "([^"]+)", ' + r'(\w+),\s+' * 7 + r'(\w+)\)')
TYPES = {'I': 0x7f, 'L': 0x7e, 'F': 0x7d, 'D': 0x7c}
CALLS = 2  # of each function, with other arguments

# Parameters of every function: two of each type, then one local of each type and one that counts.
PARAMS = 'IILLFFDD'
LOCAL = {letter: 8 + number for number, letter in enumerate('ILFD')}
COUNTER = 12
ADD = {'I': 0x6a, 'L': 0x7c, 'F': 0x92, 'D': 0xa0}
SUB = {'I': 0x6b, 'L': 0x7d, 'F': 0x93, 'D': 0xa1}
LOAD = {'I': b'\x28\x02', 'L': b'\x29\x03', 'F': b'\x2a\x02', 'D': b'\x2b\x03'}
STORE = {'I': b'\x36\x02', 'L': b'\x37\x03', 'F': b'\x38\x02', 'D': b'\x39\x03'}
CONSTS = {'I': [0, 1, -1, 5, 32767, 32768, -32768, -32769, 2147483647, -2147483648],
          'L': [0, 1, -1, 5, 32767, 32768, -32769, 2147483648, 1 << 62, -(1 << 63)],
          'F': [0.0, -0.0, 1.0, -1.0, 0.5, 5.0, 1e30, float('inf')],
          'D': [0.0, -0.0, 1.0, -1.0, 0.5, 5.0, 1e300, float('-inf')]}


def u32(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def s64(value):
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value & 0x7f)
    return bytes(out)


def const(letter, value):
    if letter == 'I':
        return b'\x41' + s64(value)
    if letter == 'L':
        return b'\x42' + s64(value)
    if letter == 'F':
        return b'\x43' + struct.pack('<f', value)
    return b'\x44' + struct.pack('<d', value)


def get(index):
    return b'\x20' + u32(index)


def set_(index):
    return b'\x21' + u32(index)


def tee(index):
    return b'\x22' + u32(index)


class Forms:
    """Functions with one instruction in the middle, and the module around them."""

    def __init__(self):
        self.functions = []  # result letter, code
        self.count = 0

    def constant(self, letter):
        self.count += 1
        return const(letter, CONSTS[letter][self.count % len(CONSTS[letter])])

    # ---- operands: (code that runs first, code that leaves the operand)

    def sources(self, letter, which):
        """Ways to get operand `which` (0 or 1) of a type."""
        local = PARAMS.index(letter) + which
        one = const(letter, 1)
        zero = const(letter, 0)
        add, spare = bytes([ADD[letter]]), LOCAL[letter]
        yield b'', self.constant(letter)
        yield b'', get(local)
        yield b'', get(local) + zero + add  # computed just now
        yield b'', zero + get(local) + add
        yield b'', bytes([0x23]) + u32('ILFD'.index(letter))
        yield b'', b'\x41\x10' + LOAD[letter] + b'\x00'
        yield b'', get(local) + b'\x10' + u32('ILFD'.index(letter))
        yield b'', get(local) + tee(spare)
        yield get(local) + set_(spare), get(spare)
        yield self.constant(letter) + set_(spare), get(spare)
        # A local that changes while it waits on the stack.
        yield b'', get(local) + get(local) + one + add + set_(local)
        yield b'', b'\x02' + bytes([TYPES[letter]]) + get(local) + b'\x0b'

    # ---- what becomes of a result

    def uses(self, letter, code):
        """Yields (result letter, code) for each use of the value that `code` leaves."""
        other = PARAMS.index(letter) + 1
        add, sub, spare = bytes([ADD[letter]]), bytes([SUB[letter]]), LOCAL[letter]
        yield letter, code
        yield letter, code + b'\x0f'
        yield letter, code + set_(spare) + get(spare)
        yield letter, code + set_(other) + get(other)
        yield letter, code + tee(spare) + get(spare) + add
        yield letter, code + get(other) + sub
        yield letter, get(other) + code + sub
        yield letter, code + self.constant(letter) + sub
        yield letter, self.constant(letter) + code + sub
        there, index = b'\x41\x20', u32('ILFD'.index(letter))
        yield letter, there + code + STORE[letter] + b'\x00' + there + LOAD[letter] + b'\x00'
        yield letter, code + b'\x24' + index + b'\x23' + index
        yield letter, code + get(other) + get(0) + b'\x1b'
        yield letter, get(other) + code + get(0) + b'\x1b'
        yield letter, code + b'\x10' + u32('ILFD'.index(letter))
        yield letter, get(other) + code + b'\x1a'
        block = b'\x02' + bytes([TYPES[letter]])
        yield letter, block + code + get(0) + b'\x0d\x00' + b'\x1a' + get(other) + b'\x0b'
        yield letter, block + code + b'\x0c\x00' + b'\x0b'
        yield letter, block + get(other) + code + b'\x0c\x00' + b'\x0b'
        yield letter, code + get(0) + b'\x04' + bytes([TYPES[letter]]) + get(other) + b'\x05' + \
            self.constant(letter) + b'\x0b' + add
        if letter == 'I':
            yield from self.conditions(code)

    def conditions(self, code):
        """Uses of an i32 as a condition."""
        yes, no = const('I', 100), const('I', 200)
        for test in (b'', b'\x45', b'\x45\x45', const('I', 0) + b'\x47', const('I', 0) + b'\x46',
                     const('I', 1) + b'\x46', const('I', 1) + b'\x71', const('I', 3) + b'\x4a'):
            condition = code + test
            yield 'I', b'\x02\x40' + condition + b'\x0d\x00' + no + b'\x0f' + b'\x0b' + yes
            yield 'I', condition + b'\x04\x7f' + yes + b'\x05' + no + b'\x0b'
            yield 'I', condition + b'\x04\x40' + yes + set_(COUNTER) + b'\x0b' + get(COUNTER)
            yield 'I', yes + no + condition + b'\x1b'
            yield 'I', yes + condition + b'\x0d\x00' + b'\x1a' + no  # leaves the function
            # Goes round at most once more, with what it computed changed.
            yield 'I', b'\x03\x40' + get(COUNTER) + b'\x41\x01' + b'\x6a' + tee(COUNTER) + \
                const('I', 2) + b'\x46' + b'\x04\x40' + get(COUNTER) + b'\x0f' + b'\x0b' + \
                condition + b'\x0d\x00' + b'\x0b' + get(COUNTER)
            # A branch that carries a value.
            yield 'I', b'\x02\x7f' + get(1) + condition + b'\x0d\x00' + b'\x1a' + no + b'\x0b'
            yield 'I', b'\x02\x7f' + get(1) + yes + condition + b'\x0d\x00' + b'\x6a' + b'\x0b'
        yield 'I', b'\x02\x40' * 3 + code + b'\x0e\x02\x00\x01\x02' + b'\x0b' + yes + b'\x0f' + \
            b'\x0b' + no + b'\x0f' + b'\x0b' + get(1)

    def add(self, operands, code, result):
        """Puts an instruction with these operand types into all its forms."""
        for sources in itertools.product(*(self.sources(letter, number)
                                           for number, letter in enumerate(operands))):
            before = b''.join(first for first, _ in sources)
            middle = before + b''.join(operand for _, operand in sources) + code
            self.functions += self.uses(result, middle)

    def add_store(self, code, letter):
        for (first, value), address in itertools.product(self.sources(letter, 0), self.addresses()):
            body = first + address + value + code + const('I', 1)
            self.functions.append(('I', body))

    def add_load(self, code, letter):
        for address in self.addresses():
            self.functions += self.uses(letter, address + code)

    def addresses(self):
        masked = get(0) + const('I', 0xff) + b'\x71'
        yield const('I', 24)
        yield const('I', 65533)
        yield const('I', -4)
        yield get(0)
        yield masked
        yield masked + tee(8)
        yield masked + set_(8) + get(8)
        yield masked + const('I', 40) + b'\x6a'
        yield masked + get(1) + const('I', 15) + b'\x71' + b'\x6a'

    def module(self):
        def section(number, body):
            return bytes([number]) + u32(len(body)) + body

        def vector(items):
            return u32(len(items)) + b''.join(items)

        params = u32(len(PARAMS)) + bytes(TYPES[letter] for letter in PARAMS)
        types = [b'\x60' + params + b'\x01' + bytes([TYPES[letter]]) for letter in 'ILFD']
        types += [b'\x60\x01' + bytes([TYPES[letter]]) + b'\x01' + bytes([TYPES[letter]])
                  for letter in 'ILFD']
        locals_ = vector([b'\x01' + bytes([TYPES[letter]]) for letter in 'ILFDI'])
        bodies = [b'\x00' + get(0) + b'\x0b'] * 4
        bodies += [locals_ + code + b'\x0b' for _, code in self.functions]
        exports = [(str(number) + '.' + str(turn), 4 + number)
                   for number in range(len(self.functions)) for turn in range(CALLS)]
        data = bytes((7 * number + 3) % 251 for number in range(300))
        return b''.join([
            b'\0asm\1\0\0\0',
            section(1, vector(types)),
            section(3, vector([b'\x04', b'\x05', b'\x06', b'\x07'] +
                              [bytes(['ILFD'.index(letter)]) for letter, _ in self.functions])),
            section(5, b'\x01\x01\x01\x02'),
            section(6, vector([bytes([TYPES[letter]]) + b'\x01' + const(letter, 5) + b'\x0b'
                               for letter in 'ILFD'])),
            section(7, vector([u32(len(name)) + name.encode() + b'\x00' + u32(index)
                               for name, index in exports] + [b'\x06memory\x02\x00'])),
            section(10, vector([u32(len(body)) + body for body in bodies])),
            section(11, vector([b'\x00\x41\x00\x0b' + u32(len(data)) + data])),
        ])


def write_modules(folder, only=None):
    """One module for each instruction that computes; `only` says by its name whether it is wanted."""
    paths = []
    table = (ROOT / 'core/wasm/opcodes.def').read_text(encoding='utf-8')
    for name, _, prefix, number, kind, _, operands, results, _, _ in ROW.findall(table):
        if only is not None and not only(name):
            continue
        code = bytes([int(prefix, 16)]) if prefix != '0' else b''
        code += u32(int(number, 16)) if prefix != '0' else bytes([int(number, 16)])
        forms = Forms()
        if kind in ('COMPARE', 'UNARY', 'BINARY', 'CONVERT'):
            forms.add(operands, code, results)
        elif kind in ('LOAD', 'STORE'):
            for offset in (0, 8, 65528, 0x7fffffff):
                access = code + b'\x00' + u32(offset)
                if kind == 'LOAD':
                    forms.add_load(access, results)
                else:
                    forms.add_store(access, operands[1])
        else:
            continue
        path = folder / f'form_{name.lower()}.wasm'
        path.write_bytes(forms.module())
        paths.append(path)
    return paths
