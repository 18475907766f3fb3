# SPDX-License-Identifier: GPL-3.0-or-later
"""Random modules made of what the translator joins, defers and remembers.

Chains of loads through sums, locals that change while their old value waits on the operand stack,
comparisons in front of branches, counting loops with something behind them, values that blocks, loops and
tables of branches carry, i32s with the rest of an i64 above them.

The first half of memory holds pointers to its first PAGE bytes and nothing else, so that a pointer can be
followed any number of times; all else is stored in the second half. Functions call only leaves, and loops
count in locals of their own, so everything ends. A NaN is never seen but as one (`seen`).

`write_modules(folder, seed, count)` writes modules of FUNCTIONS functions and returns their paths.
"""
import random
import struct

from forms import ADD, CONSTS, TYPES, const, get, s64, set_, tee, u32

FUNCTIONS = 40
LEAVES = 8
CALLS = 2  # of each function, with other arguments
PAGE = 0xffc
DEPTH = 5
LOOPS = 2    # one in another
BODY = 1500  # beyond this only short expressions are chosen
SIZES = {'I': 4, 'L': 8, 'F': 4, 'D': 8}
LOADS = {'I': [0x28, 0x2c, 0x2d, 0x2e, 0x2f], 'L': [0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35],
         'F': [0x2a], 'D': [0x2b]}
STORES = {'I': [0x36, 0x3a, 0x3b], 'L': [0x37, 0x3c, 0x3d, 0x3e], 'F': [0x38], 'D': [0x39]}
BINARY = {'I': [0x6a] * 8 + [0x6b] * 4 + [0x74] * 4 + list(range(0x6c, 0x79)),
          'L': [0x7c, 0x7d] * 3 + list(range(0x7c, 0x8b)),
          'F': range(0x92, 0x98), 'D': range(0xa0, 0xa6)}
DIVIDE = {'I': range(0x6d, 0x71), 'L': range(0x7f, 0x83), 'F': (), 'D': ()}
AND, OR = {'I': b'\x71', 'L': b'\x83'}, {'I': b'\x72', 'L': b'\x84'}
UNARY = {'I': [0x67, 0x68, 0x69, 0xc0, 0xc1], 'L': [0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4],
         'F': [0x8b, 0x8c, 0x8d, 0x8e, 0x91], 'D': [0x99, 0x9a, 0x9b, 0x9c, 0x9f]}
# From, instruction. Truncation only as it saturates.
CONVERT = {'I': [('L', b'\xa7')] * 4 + [('F', b'\xfc\x00'), ('D', b'\xfc\x03')],
           'L': [('I', b'\xac'), ('I', b'\xad'), ('I', b'\xad'), ('D', b'\xfc\x06')],
           'F': [('I', b'\xb2'), ('L', b'\xb5'), ('D', b'\xb6'), ('I', b'\xbe')],
           'D': [('I', b'\xb7'), ('L', b'\xba'), ('F', b'\xbb'), ('L', b'\xbf')]}
COMPARE = {'I': range(0x46, 0x50), 'L': range(0x51, 0x5b), 'F': range(0x5b, 0x61),
           'D': range(0x61, 0x67)}
GLOBALS = 'ILFD'
POINTER_GLOBAL = 4
LETTERS = 'IIIILLFD'
VOID = b'\x40'


class Function:
    """One body, written by recursion on the type that is wanted."""

    def __init__(self, dice, module, number, params, results):
        self.dice = dice
        self.module = module
        self.is_leaf = number < LEAVES
        self.params = params
        self.letters = params + 'IIILLFD'  # of locals that hold anything
        first = len(self.letters)
        self.pointers = [first, first + 1, first + 2]
        self.indices = [first + 3, first + 4]
        self.counters = [first + 5 + number for number in range(LOOPS)]
        self.spare = {'F': first + 5 + LOOPS, 'D': first + 6 + LOOPS}
        self.labels = []  # types that a branch carries, None: not to be branched to
        self.loops = 0
        self.written = 0
        begin = b''.join(self.pointer(2) + set_(local) for local in self.pointers)
        begin += b''.join(self.index(2) + set_(local) for local in self.indices)
        self.labels.append(results)
        body = b''.join(self.statement(DEPTH) for _ in range(dice.randint(1, 6)))
        body += self.values(results, DEPTH)
        locals_ = self.letters[len(params):] + 'I' * (5 + LOOPS) + 'FD'
        self.code = u32(len(locals_)) + b''.join(b'\x01' + bytes([TYPES[letter]])
                                                 for letter in locals_)
        self.code += begin + body + b'\x0b'

    def pick(self, *makers):
        code = self.dice.choice(makers)()
        self.written += 1
        return code

    def local(self, letter):
        found = [number for number, other in enumerate(self.letters) if other == letter]
        return self.dice.choice(found)

    def values(self, letters, depth):
        return b''.join(self.between(depth) + self.value(letter, depth - 1) for letter in letters)

    def between(self, depth):
        """Sometimes a statement where values wait on the stack."""
        return self.statement(depth - 2) if depth > 1 and self.dice.random() < 0.15 else b''

    def short(self, depth):
        return depth <= 0 or self.written > BODY

    # ---- pointers, and addresses in the first half

    def index(self, depth):
        if self.short(depth) or self.dice.random() < 0.5:
            return get(self.dice.choice(self.indices)) if depth != 2 else const('I', 5)
        return self.value('I', depth - 1) + const('I', 63) + b'\x71'

    def pointer(self, depth):
        some = self.dice.choice(self.pointers)
        if self.short(depth) or self.dice.random() < 0.2:
            return get(some)
        follow = lambda: self.address(depth - 1) + b'\x28\x02' + u32(4 * self.dice.randrange(99))
        plain = lambda: self.address(depth - 1) + b'\x28\x02\x00'
        return self.pick(
            follow, follow, plain, plain, plain,
            lambda: const('I', self.dice.randrange(0, 4096, 4)),
            lambda: self.pointer(depth - 1) + tee(some),
            lambda: get(some) + self.pointer(depth - 1) + set_(some),
            lambda: b'\x23' + u32(POINTER_GLOBAL),
            lambda: self.value('I', depth - 1) + const('I', PAGE) + b'\x71',
            lambda: self.pointer(depth - 1) + self.between(depth) + self.pointer(depth - 1) +
            self.condition(depth - 2) + b'\x1b',
            # With something above it.
            lambda: self.pointer(depth - 1) + b'\xad' + self.value('L', depth - 2) +
            const('L', 32) + b'\x86\x84' + b'\xa7',
            lambda: self.block('P', depth))

    def address(self, depth):
        """At most about four pages, and a multiple of four."""
        step = lambda: const('I', 4 * self.dice.randrange(1000))
        scaled = lambda: self.index(depth - 1) + const('I', self.dice.choice([2, 2, 2, 3])) + b'\x74'
        pointer = lambda: self.pointer(depth - 1)
        add = b'\x6a'
        return self.pick(
            pointer, lambda: pointer() + step() + add, lambda: step() + pointer() + add,
            lambda: pointer() + scaled() + add, lambda: scaled() + pointer() + add,
            lambda: pointer() + self.between(depth) + scaled() + add + step() + add,
            lambda: pointer() + step() + add + scaled() + add,
            lambda: pointer() + self.between(depth) + pointer() + add,
            lambda: scaled() + step() + add,
            lambda: pointer() + const('I', 4000) + add + step() + b'\x6b',
            lambda: pointer() + step() + add + tee(self.local('I')))

    def place(self, depth):
        """An address in the second half, without its offset of 32768."""
        return self.pick(
            lambda: self.value('I', depth - 1) + const('I', 0x3ff8) + b'\x71',
            lambda: self.address(depth - 1), lambda: self.pointer(depth - 1),
            lambda: self.index(depth - 1) + const('I', 3) + b'\x74')

    # ---- values

    def seen(self, letter, code):
        """A float without a NaN's own bits."""
        if letter not in 'FD':
            return code
        spare = self.spare[letter]
        return code + tee(spare) + const(letter, 0) + get(spare) + get(spare) + \
            (b'\x5b' if letter == 'F' else b'\x61') + b'\x1b'

    def convert(self, letter, depth):
        source, code = self.dice.choice(CONVERT[letter])
        return self.value(source, depth - 1) + code

    def value(self, letter, depth):
        if letter == 'P':
            return self.pointer(depth)
        if self.short(depth):
            return self.pick(lambda: get(self.local(letter)), lambda: get(self.local(letter)),
                             lambda: const(letter, self.dice.choice(CONSTS[letter])))
        some = self.local(letter)
        deeper = lambda: self.value(letter, depth - 1)
        number = u32('ILFD'.index(letter))
        makers = [
            lambda: get(some), lambda: const(letter, self.dice.choice(CONSTS[letter])),
            lambda: self.binary(letter, depth), lambda: self.binary(letter, depth),
            lambda: self.binary(letter, depth),
            lambda: deeper() + bytes([self.dice.choice(UNARY[letter])]),
            lambda: self.convert(letter, depth),
            lambda: deeper() + tee(some), lambda: deeper() + tee(some) + get(some) + bytes([ADD[letter]]),
            lambda: get(some) + deeper() + set_(some),
            lambda: get(some) + deeper() + tee(some) + bytes([ADD[letter]]),
            lambda: b'\x23' + number, lambda: deeper() + self.between(depth) + deeper() +
            self.condition(depth - 1) + b'\x1b',
            lambda: self.place(depth) + bytes([self.dice.choice(LOADS[letter])]) + b'\x00' +
            u32(32768 + self.dice.choice([0, 0, 1, 8, 4096])),
            lambda: self.block(letter, depth), lambda: self.branching(letter, depth),
            lambda: self.call(letter, depth)]
        if letter == 'L':
            makers += [lambda: self.low_half(depth) + b'\xad'] * 2
        if letter == 'I':
            makers += [lambda: self.low_half(depth), lambda: self.pointer(depth - 1), lambda: self.address(depth - 1),
                       lambda: self.condition(depth - 1), lambda: b'\x3f\x00',
                       lambda: const('I', self.dice.randrange(2)) + b'\x40\x00']
        return self.pick(*makers)

    def low_half(self, depth):
        """Of an i64 that has more, as it is or after some way."""
        some = self.local('I')
        half = lambda: self.value('L', depth - 1) + self.dice.choice(
            [b'', const('L', 0x1234567890abcdef) + b'\x7e', const('L', -1) + b'\x85']) + b'\xa7'
        block = lambda make: b'\x02' + bytes([TYPES['I']]) + self.inside('I', make) + b'\x0b'
        maybe = lambda: self.condition(depth - 2)
        return self.pick(
            half, half, lambda: half() + self.between(depth), lambda: half() + tee(some),
            lambda: half() + set_(some) + get(some), lambda: half() + b'\x24\x00' + b'\x23\x00',
            lambda: block(half), lambda: half() + get(some) + maybe() + b'\x1b',
            lambda: get(some) + half() + maybe() + b'\x1b',
            lambda: block(lambda: half() + maybe() + b'\x0d\x00'))

    def binary(self, letter, depth):
        number = self.dice.choice(BINARY[letter])
        code = self.value(letter, depth - 1) + self.between(depth) + self.value(letter, depth - 1)
        if number in DIVIDE[letter] and self.dice.random() < 0.95:
            code += const(letter, 15) + AND[letter] + const(letter, 1) + OR[letter]
        return code + bytes([number])

    def condition(self, depth):
        if self.short(depth):
            return get(self.local('I'))
        letter = self.dice.choice('IIIILFD')
        compare = lambda: bytes([self.dice.choice(COMPARE[letter])])
        zero = b'\x50' if letter == 'L' else b'\x45'
        return self.pick(
            lambda: self.value(letter, depth - 1) + self.value(letter, depth - 1) + compare(),
            lambda: get(self.local(letter)) + const(letter, self.dice.choice(CONSTS[letter])) + compare(),
            lambda: const(letter, self.dice.choice(CONSTS[letter])) + get(self.local(letter)) + compare(),
            lambda: self.value('L' if letter == 'L' else 'I', depth - 1) + zero,
            lambda: self.condition(depth - 1) + b'\x45', lambda: self.pointer(depth - 1),
            lambda: self.value('I', depth - 1), lambda: self.address(depth - 1))

    # ---- blocks and branches

    def type_of(self, params, results):
        if not params and len(results) <= 1:
            return bytes([TYPES['I' if results == 'P' else results]]) if results else VOID
        return s64(self.module.type_of(params, results))

    def inside(self, carried, make):
        self.labels.append(carried)
        code = make()
        self.labels.pop()
        return code

    def block(self, letter, depth):
        result = self.type_of('', letter)
        body = lambda: self.statement(depth - 1) + self.value(letter, depth - 1)
        arms = lambda: self.inside(letter, body) + b'\x05' + self.inside(letter, body) + b'\x0b'
        return self.pick(
            lambda: b'\x02' + result + self.inside(letter, body) + b'\x0b',
            lambda: self.condition(depth - 1) + b'\x04' + result + arms(),
            lambda: self.table(letter, depth), lambda: self.loop(letter, depth),
            # It takes the value from outside.
            lambda: self.value(letter, depth - 1) + b'\x02' + self.type_of(letter, letter) +
            self.inside(letter, lambda: self.between(9)) + b'\x0b',
            lambda: self.value(letter, depth - 1) + self.condition(depth - 1) + b'\x04' +
            self.type_of(letter, letter) + self.inside(letter, lambda: self.statement(depth - 1)) +
            b'\x0b')

    def loop(self, letter, depth):
        """Goes round a few times with a value."""
        if self.loops == LOOPS:
            return self.value(letter, depth - 1)
        counter = self.counters[self.loops]
        self.loops += 1
        some = self.dice.choice(self.pointers) if letter == 'P' else self.local(letter)
        turns, step = self.dice.randint(1, 4), self.dice.choice([1, 1, 3])
        count = get(counter) + const('I', step) + b'\x6a'
        count += self.dice.choice([set_(counter) + get(counter), tee(counter)])
        count += const('I', turns * step) + self.dice.choice([b'\x47', b'\x48', b'\x49'])
        code = self.value(letter, depth - 1) + const('I', 0) + set_(counter)
        code += b'\x03' + self.type_of(letter, letter)
        code += self.inside(None, lambda: set_(some) + self.statement(depth - 1) +
                            self.value(letter, depth - 1))
        self.loops -= 1
        return code + count + b'\x0d\x00' + b'\x0b'

    def counting(self, depth):
        """A loop without values, and perhaps a condition right behind it."""
        if self.loops == LOOPS:
            return b''
        counter = self.counters[self.loops]
        self.loops += 1
        up = self.dice.random() < 0.7
        turns, step = self.dice.randint(1, 4), self.dice.choice([1, 1, 3])
        code = const('I', 0 if up else turns * step) + set_(counter) + b'\x03' + VOID
        code += self.inside(None, lambda: b''.join(
            self.statement(depth - 1) for _ in range(self.dice.randrange(3))))
        code += get(counter) + const('I', step if up else -step) + b'\x6a'
        code += self.dice.choice([set_(counter) + get(counter), tee(counter)])
        code += const('I', turns * step if up else 0)
        code += self.dice.choice([b'\x47', b'\x48' if up else b'\x4a'])
        code += b'\x0d\x00'
        behind = [number for number, carried in enumerate(self.labels) if carried == '']
        if behind and self.dice.random() < 0.3:
            target = len(self.labels) - self.dice.choice(behind)
            self.labels.append(None)
            code += self.condition(2) + b'\x0d' + u32(target)
            self.labels.pop()
        self.loops -= 1
        code += b'\x0b'
        if self.dice.random() < 0.5:
            code += self.condition(3) + b'\x04' + VOID + \
                self.inside('', lambda: self.statement(depth - 1)) + b'\x0b'
        return code

    def table(self, letters, depth):
        """Blocks around a table of branches; each changes what it carries."""
        count = self.dice.randint(1, 4)
        result = self.type_of('', letters)
        for _ in range(count):
            self.labels.append(letters)
        body = self.statement(depth - 1) + self.values(letters, depth - 1)
        body += self.value('I', depth - 2) + const('I', 7) + b'\x71'
        same = [len(self.labels) - 1 - number for number, carried in enumerate(self.labels)
                if carried == letters]
        targets = [self.dice.choice(same) for _ in range(self.dice.randint(1, 6))]
        body += b'\x0e' + u32(len(targets) - 1) + b''.join(u32(target) for target in targets)
        for _ in range(count):
            self.labels.pop()
            body += b'\x0b' + self.between(depth)
        return (b'\x02' + result) * count + body

    def branching(self, letter, depth):
        """A value that a branch may take away."""
        same = [number for number, carried in enumerate(self.labels) if carried == letter]
        if not same:
            return self.value(letter, depth - 1)
        target = len(self.labels) - 1 - self.dice.choice(same)
        code = self.value(letter, depth - 1) + self.between(depth)
        return code + self.condition(depth - 1) + b'\x0d' + u32(target)

    def call(self, letter, depth):
        fitting = [number for number, (_, results) in enumerate(self.module.leaves)
                   if results == letter]
        if self.is_leaf or not fitting:
            return get(self.local(letter))
        leaf = self.dice.choice(fitting)
        return self.invoke(leaf, depth)

    def invoke(self, leaf, depth):
        params, results = self.module.leaves[leaf]
        code = self.values(params, min(depth, 3))
        if self.dice.random() < 0.5:
            return code + b'\x10' + u32(leaf)
        return code + const('I', leaf) + b'\x11' + u32(self.module.type_of(params, results)) + b'\x00'

    # ---- statements

    def statement(self, depth):
        if self.short(depth):
            return self.pick(lambda: get(self.local('I')) + set_(self.local('I')),
                             lambda: self.dice.choice([b'\x01', get(self.local('L')) + b'\x1a']))
        letter = self.dice.choice(LETTERS)
        value = lambda: self.value(letter, depth - 1)
        half = u32(32768 + self.dice.choice([0, 0, 1, 8, 4096]))
        store = lambda: self.place(depth) + self.between(depth) + self.seen(letter, value()) + \
            bytes([self.dice.choice(STORES[letter])]) + b'\x00' + half
        change = lambda: value() + set_(self.local(letter))
        count = lambda: get(some) + const('I', self.dice.choice(CONSTS['I'])) + b'\x6a' + set_(some)
        some = self.local('I')
        return self.pick(
            store, store, change, change, count, lambda: self.counting(depth),
            lambda: self.counting(depth),
            lambda: self.address(depth) + self.between(depth) + self.pointer(depth - 1) + b'\x36\x02' +
            u32(4 * self.dice.randrange(99)),
            lambda: self.address(depth) + self.pointer(depth - 1) + b'\x36\x02\x00',
            lambda: self.pointer(depth) + set_(self.dice.choice(self.pointers)),
            lambda: self.index(depth) + set_(self.dice.choice(self.indices)),
            lambda: self.pointer(depth - 1) + b'\x24' + u32(POINTER_GLOBAL),
            lambda: value() + b'\x24' + u32(GLOBALS.index(letter)),
            lambda: self.swap(depth), lambda: self.table('', depth), lambda: self.carry(depth),
            lambda: self.condition(depth) + b'\x04' + VOID +
            self.inside('', lambda: self.statement(depth - 1)) + b'\x0b',
            lambda: b'\x02' + VOID + self.inside('', lambda: self.statement(depth - 1) + self.leave(depth) +
                                                 self.statement(depth - 1)) + b'\x0b',
            lambda: self.leave(depth), lambda: self.calls(depth), lambda: self.bulk(depth))

    def swap(self, depth):
        """Old values of locals that change."""
        letter = self.dice.choice(LETTERS)
        one, two = self.local(letter), self.local(letter)
        if self.dice.random() < 0.5:
            return get(one) + get(two) + set_(one) + self.between(depth) + set_(two)
        return get(one) + get(one) + self.value(letter, depth - 1) + bytes([ADD[letter]]) + \
            set_(one) + self.between(depth) + set_(two)

    def leave(self, depth):
        """A branch that takes what a label wants, or leaves it."""
        number = self.dice.randrange(len(self.labels))
        carried = self.labels[number]
        target = u32(len(self.labels) - 1 - number)
        if carried is None:
            return b''
        if self.dice.random() < 0.3:
            code = self.condition(depth - 1) + b'\x04' + VOID
            code += self.inside('', lambda: self.values(carried, depth - 1))
            return code + b'\x0c' + u32(len(self.labels) - number) + b'\x0b'
        code = self.values(carried, depth - 1) + self.condition(depth - 1) + b'\x0d' + target
        return code + b'\x1a' * len(carried)

    def carry(self, depth):
        """A block with parameters and several results."""
        params = ''.join(self.dice.choice(LETTERS) for _ in range(self.dice.randrange(3)))
        results = ''.join(self.dice.choice(LETTERS) for _ in range(self.dice.randint(2, 4)))
        take = lambda letters: b''.join(set_(self.local(letter)) for letter in reversed(letters))
        inner = lambda: take(params) + self.statement(depth - 1) + self.values(results, depth - 1)
        code = self.values(params, depth - 1)
        if self.dice.random() < 0.5:
            code += b'\x02' + self.type_of(params, results) + self.inside(results, inner) + b'\x0b'
        else:
            code += self.condition(depth - 1) + b'\x04' + self.type_of(params, results)
            code += self.inside(results, inner) + b'\x05' + self.inside(results, inner) + b'\x0b'
        return code + take(results)

    def calls(self, depth):
        if self.is_leaf:
            return b''
        leaf = self.dice.randrange(LEAVES)
        results = self.module.leaves[leaf][1]
        return self.invoke(leaf, depth) + b''.join(
            b'\x1a' if self.dice.random() < 0.2 or letter == 'P' else set_(self.local(letter))
            for letter in reversed(results))

    def bulk(self, depth):
        to = self.index(depth - 1) + const('I', 32768) + b'\x6a'
        if self.dice.random() < 0.5:
            return to + self.value('I', depth - 1) + self.index(depth - 1) + b'\xfc\x0b\x00'
        return to + self.pointer(depth - 1) + self.index(depth - 1) + b'\xfc\x0a\x00\x00'


class Module:
    def __init__(self, seed):
        self.dice = dice = random.Random(seed)
        self.types = {}
        draw = lambda letters, count: ''.join(dice.choice(letters) for _ in range(count))
        self.leaves = []
        for number in range(LEAVES):
            results = 'ILFD'[number] if number < 4 else draw(LETTERS, dice.randrange(4))
            self.leaves.append((draw(LETTERS, dice.choice([0, 1, 2, 3, 9])), results))
        shapes = self.leaves + [(draw(LETTERS, dice.randrange(5)), draw(LETTERS, dice.choice([1, 1, 2, 3])))
                                for _ in range(FUNCTIONS - LEAVES)]
        self.functions = [Function(dice, self, number, *shape) for number, shape in enumerate(shapes)]
        self.shapes = [self.type_of(*shape) for shape in shapes]

    def type_of(self, params, results):
        key = (params.replace('P', 'I'), results.replace('P', 'I'))
        return self.types.setdefault(key, len(self.types))

    def write(self):
        def section(number, items):
            body = u32(len(items)) + b''.join(items)
            return bytes([number]) + u32(len(body)) + body

        def letters(text):
            return u32(len(text)) + bytes(TYPES[letter] for letter in text)

        globals_ = GLOBALS + 'I'
        shapes = self.shapes + [self.type_of('', globals_)]
        bodies = [function.code for function in self.functions]
        bodies.append(b'\x00' + b''.join(b'\x23' + u32(n) for n in range(len(globals_))) + b'\x0b')
        exports = [(f'{number}.{turn}', number) for turn in range(CALLS)
                   for number in range(FUNCTIONS)] + [('globals', FUNCTIONS)]
        words = [4 * self.dice.randrange(PAGE // 4) for _ in range(8192)]
        data = struct.pack('<8192I', *words) + self.dice.randbytes(32768)
        return b''.join([
            b'\0asm\1\0\0\0',
            section(1, [b'\x60' + letters(params) + letters(results) for params, results in self.types]),
            section(3, [u32(shape) for shape in shapes]),
            section(4, [b'\x70\x00' + u32(LEAVES)]),
            section(5, [b'\x01\x01\x04']),
            section(6, [bytes([TYPES[letter]]) + b'\x01' + const(letter, 4) + b'\x0b'
                        for letter in globals_]),
            section(7, [u32(len(name)) + name.encode() + b'\x00' + u32(index)
                        for name, index in exports] + [b'\x06memory\x02\x00']),
            section(9, [b'\x00\x41\x00\x0b' + u32(LEAVES) + b''.join(u32(n) for n in range(LEAVES))]),
            section(10, [u32(len(body)) + body for body in bodies]),
            section(11, [b'\x00\x41\x00\x0b' + u32(len(data)) + data])])


def write_modules(folder, seed, count):
    paths = []
    for number in range(seed, seed + count):
        path = folder / f'chain_{number}.wasm'
        path.write_bytes(Module(number).write())
        paths.append(path)
    return paths
