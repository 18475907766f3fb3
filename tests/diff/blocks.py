# SPDX-License-Identifier: GPL-3.0-or-later
"""Random modules that are mostly control: blocks, loops and ifs with parameters and several results, branches
that carry values to any label, tables of branches, dead code, and locals assigned everywhere.

What a compiler gets wrong about structured control is which value a local or an operand has where ways meet;
so each value that is computed ends in a local, a global, memory or a result. A global counts down at the head
of each loop and function, so every run ends.

    blocks.py FOLDER SEED COUNT     writes FOLDER/blocks_SEED.wasm and so on
"""
import pathlib
import random
import subprocess
import sys

TYPES = ('i32', 'i64', 'f64')
LOCALS = ('i32', 'i32', 'i64', 'i32', 'i64', 'f64', 'i32', 'i64')  # the first three are parameters
PARAMS = 3
BINARY = {
    'i32': ('add', 'sub', 'mul', 'and', 'or', 'xor', 'shl', 'shr_u', 'shr_s', 'rotl'),
    'i64': ('add', 'sub', 'mul', 'and', 'or', 'xor', 'shl', 'shr_u', 'shr_s', 'rotr'),
    'f64': ('add', 'sub', 'mul', 'min', 'max'),
}
COMPARE = {
    'i32': ('eq', 'ne', 'lt_s', 'lt_u', 'gt_s', 'le_u', 'ge_s'),
    'i64': ('eq', 'ne', 'lt_u', 'gt_s', 'le_s', 'ge_u'),
    'f64': ('eq', 'ne', 'lt', 'gt', 'le', 'ge'),
}
CONVERT = {
    ('i32', 'i64'): ('i64.extend_i32_u', 'i64.extend_i32_s'), ('i64', 'i32'): ('i32.wrap_i64',),
    ('i32', 'f64'): ('f64.convert_i32_s',), ('i64', 'f64'): ('f64.convert_i64_u',),
    ('f64', 'i32'): ('i32.trunc_sat_f64_s',), ('f64', 'i64'): ('i64.trunc_sat_f64_u',),
}
RESULTS = ('i32', 'i64')  # of every function


class Function:
    """One function as text; `stack` is what lies on the operand stack of the innermost block."""

    def __init__(self, dice, number, size):
        self.dice = dice
        self.number = number
        self.left = size
        self.lines = []
        self.labels = []  # types that each carries, outermost first

    def put(self, line):
        self.lines.append('  ' * len(self.labels) + line)

    def types(self, most):
        return tuple(self.dice.choice(TYPES) for _ in range(self.dice.randint(0, most)))

    def constant(self, kind):
        value = self.dice.choice((0, 1, 2, 3, 7, 8, 31, 255, -1, 65536, 1000))
        self.put(f'{kind}.const {value}')

    def leaf(self, kind):
        local = self.dice.choice([i for i, k in enumerate(LOCALS) if k == kind])
        if self.dice.random() < 0.7:
            self.put(f'local.get {local}')
        else:
            self.constant(kind)

    def value(self, stack, kind):
        """Pushes a value of that type, out of what is there when it can be."""
        if stack and stack[-1] == kind and self.dice.random() < 0.3:
            self.leaf(kind)
            self.put(f'{kind}.{self.dice.choice(BINARY[kind])}')
            return
        self.leaf(kind)
        stack.append(kind)

    def condition(self, stack):
        kind = self.dice.choice(TYPES)
        self.leaf(kind)
        if kind == 'i32' and self.dice.random() < 0.3:
            if self.dice.random() < 0.5:
                self.put('i32.eqz')
        else:
            self.leaf(kind)
            self.put(f'{kind}.{self.dice.choice(COMPARE[kind])}')
        stack.append('i32')

    def carry(self, stack, types):
        """Makes the top of the stack these types."""
        if len(stack) >= len(types) and tuple(stack[len(stack) - len(types):]) == types:
            return
        for kind in types:
            self.leaf(kind)
            stack.append(kind)

    def settle(self, stack, types):
        """Makes the whole stack these types; what is in the way goes to locals."""
        while stack and tuple(stack) != types[:len(stack)]:
            kind = stack.pop()
            local = self.dice.choice([i for i, k in enumerate(LOCALS) if k == kind])
            self.put(f'local.set {local}')
        for kind in types[len(stack):]:
            self.leaf(kind)
            stack.append(kind)

    def budget(self):
        self.put('global.get $left')
        self.put('i32.eqz')
        self.put('if')
        for kind in RESULTS:
            self.put(f'{kind}.const 9')
        self.put('return')
        self.put('end')
        self.put('global.get $left')
        self.put('i32.const 1')
        self.put('i32.sub')
        self.put('global.set $left')

    def block(self, stack):
        form = self.dice.choice(('block', 'loop', 'if'))
        count = min(len(stack), self.dice.randint(0, 2))
        params = tuple(stack[len(stack) - count:])
        results = self.types(3)
        if form == 'if' and self.dice.random() < 0.3:
            results = params  # needs no else
        if form == 'if':
            if self.dice.random() < 0.1:
                self.constant('i32')
            else:
                self.condition([])
        del stack[len(stack) - count:]
        words = ' '.join(f'(param {k})' for k in params) + ' ' + ' '.join(f'(result {k})' for k in results)
        self.put(f'{form} {words}')
        self.labels.append(params if form == 'loop' else results)
        inner = list(params)
        if form == 'loop':
            self.budget()
        self.body(inner, results)
        if form == 'if' and (results != params or self.dice.random() < 0.5):
            self.put('else')
            self.body(list(params), results)
        self.labels.pop()
        self.put('end')
        stack.extend(results)

    def branch(self, stack):
        """A branch out. Returns whether what follows is dead."""
        depth = self.dice.randrange(len(self.labels))
        types = self.labels[len(self.labels) - 1 - depth]
        form = self.dice.choice(('br_if', 'br_if', 'br_if', 'br', 'br_table', 'return'))
        if form == 'return':
            self.carry(stack, RESULTS)
            self.put('return')
            return True
        self.carry(stack, types)
        if form == 'br_if':
            self.condition([])
            self.put(f'br_if {depth}')
            return False
        if form == 'br':
            self.put(f'br {depth}')
            return True
        same = [i for i in range(len(self.labels)) if self.labels[len(self.labels) - 1 - i] == types]
        if self.dice.random() < 0.1:
            self.constant('i32')
        else:
            self.leaf('i32')
            self.put(f'i32.const {self.dice.choice((3, 7, 1))}')
            self.put('i32.and')
        targets = [self.dice.choice(same) for _ in range(self.dice.choice((1, 2, 3, 9)))]
        self.put('br_table ' + ' '.join(str(t) for t in targets))
        return True

    def statement(self, stack):
        """One more thing. Returns whether what follows is dead."""
        choice = self.dice.random()
        if choice < 0.22 and len(self.labels) < 9:
            self.block(stack)
        elif choice < 0.36:
            return self.branch(stack)
        elif choice < 0.60:
            self.value(stack, self.dice.choice(TYPES))
        elif choice < 0.80 and stack:
            kind = stack.pop()
            local = self.dice.choice([i for i, k in enumerate(LOCALS) if k == kind])
            if self.dice.random() < 0.3:
                self.put(f'local.tee {local}')
                stack.append(kind)
            else:
                self.put(f'local.set {local}')
        elif choice < 0.86 and stack:
            kind = stack.pop()
            other = self.dice.choice([k for k in TYPES if k != kind])
            self.put(self.dice.choice(CONVERT[kind, other]))
            stack.append(other)
        elif choice < 0.90:
            self.put(f'global.get ${self.dice.choice("ab")}')
            stack.append('i32')
        elif choice < 0.93:
            self.leaf('i32')
            self.put(f'global.set ${self.dice.choice("ab")}')
        elif choice < 0.96:
            self.leaf('i32')
            self.put('i32.const 1020')
            self.put('i32.and')
            kind = self.dice.choice(TYPES)
            if self.dice.random() < 0.5:
                self.put(f'{kind}.load offset=8')
                stack.append(kind)
            else:
                self.leaf(kind)
                self.put(f'{kind}.store')
        elif choice < 0.99 and self.number > 0:
            for kind in LOCALS[:PARAMS]:
                self.leaf(kind)
            self.put(f'call $f{self.dice.randrange(self.number)}')
            stack.extend(RESULTS)
        elif choice > 0.997:
            self.put('unreachable')
            return True
        return False

    def body(self, stack, results):
        for _ in range(self.dice.randint(1, 7)):
            self.left -= 1
            if self.left < 0 or len(stack) > 12:
                break
            if self.statement(stack):
                if self.dice.random() < 0.3:  # dead code, on a stack of any types
                    self.put('drop')
                    self.put('i32.const 1')
                    self.put('br_if 0')
                    self.put('unreachable')
                return
        self.settle(stack, results)

    def text(self):
        self.put(f'(func $f{self.number} (export "f{self.number}")')
        for kind in LOCALS[:PARAMS]:
            self.put(f'  (param {kind})')
        for kind in RESULTS:
            self.put(f'  (result {kind})')
        self.put('  (local ' + ' '.join(LOCALS[PARAMS:]) + ')')
        self.labels.append(RESULTS)
        self.budget()
        while self.left > 0:
            stack = []
            self.put('block')
            self.labels.append(())
            self.body(stack, ())
            self.labels.pop()
            self.put('end')
        self.settle([], RESULTS)
        self.labels.pop()
        self.put(')')
        return '\n'.join(self.lines)


def write_modules(out, seed, count):
    """Writes modules `seed` to `seed + count` into a folder and returns their paths."""
    paths = []
    for number in range(seed, seed + count):
        dice = random.Random(f'blocks {number}')
        parts = ['(module (memory (export "m") 1)', '(global $left (mut i32) (i32.const 400))',
                 '(global $a (mut i32) (i32.const 1)) (global $b (mut i32) (i32.const 2))']
        for index in range(4):
            parts.append(f'(func (export "again{index}") (global.set $left (i32.const 400)))')
            parts.append(Function(dice, index, dice.choice((10, 40, 120))).text())
        text, module = out / f'blocks_{number}.wat', out / f'blocks_{number}.wasm'
        text.write_text('\n'.join(parts) + ')\n')
        subprocess.run(['wat2wasm', text, '-o', module], check=True, timeout=60)
        paths.append(module)
    return paths


if __name__ == '__main__':
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_modules(folder, int(sys.argv[2]), int(sys.argv[3]))
