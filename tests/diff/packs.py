# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeds of our generator by the interpreter, compiled code and V8, thousands in one go.

    compare(program, kind, lacks, node, first, count)   which seeds disagree
    reduce(programs, kind, lacks, node, seed, kept)     makes what disagrees small

`program` is a build of tests/diff/machine.c, which makes a module of each seed, runs it by the interpreter and
compiled, compares these two in all that can be seen from inside, and packs the modules with a digest each (digest.h).
digests.mjs runs a pack in one process of node: results, traps, memories and globals have to give the same digest. So
a module costs some two milliseconds. `kind` says for which CPU and memory it is compiled, a key of KINDS; `node` and
`lacks` are as of v8.py, whose V8 has stack for all calls that a module's budget allows.

`programs` has a build of engine.c beside it, for a difference in words (engines.py). What disagrees is made small by
other choices for the generator, fewer and smaller ones; so this knows all that the generator knows.
"""
import pathlib
import re
import shutil
import subprocess

import engines

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / 'build/many'
KINDS = {'fast': [], 'plain-checks': ['--plain', '--checks'], 'plain': ['--plain'], 'checks': ['--checks'],
         'storm': ['--storm'], 'loops': ['--loops']}
PACK_SECONDS = 300
ONE_SECONDS = 60
REDUCE_TRIES = 150  # of a third of a second; from 5 KiB to some hundred bytes
DIGEST_AT = 8  # in a pack


def without(lacks):
    return ['--without', ','.join(lacks)] if lacks else []


def machine(program, kind, lacks, arguments, seconds=PACK_SECONDS):
    """Runs the comparison of our engines. Returns its lines, and its words if it broke."""
    command = [program, *KINDS[kind], *without(lacks), *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors='replace', timeout=seconds)
    except subprocess.TimeoutExpired:
        return [], 'did not end'
    return done.stdout.splitlines(), done.stderr[-2000:] if done.returncode not in (0, 1) else ''


def seen_by_v8(node, pack):
    """Returns {seed: words} of a pack's modules that disagree, and how many were compared."""
    try:
        done = subprocess.run([*node.command, HERE / 'digests.mjs', pack], capture_output=True, text=True,
                              timeout=PACK_SECONDS)
    except subprocess.TimeoutExpired:
        return {None: 'V8 did not end'}, 0
    lines = [re.fullmatch(r'(\d+) (.*)', line) for line in done.stdout.splitlines()]
    compared = [int(line[1]) for line in lines if line and line[2] == 'compared']
    if not compared:
        return {None: f'V8 broke: {done.stderr[-500:]}'}, 0
    return {int(line[1]): f'V8 {line[2]}' for line in lines if line and line[2] != 'compared'}, compared[0]


def compare(program, kind, lacks, node, first, count):
    """Returns {seed: words} of those that disagree, and how many V8 has seen. A seed None: nobody knows which."""
    pack = OUT / f'{kind}_{first}.pack'
    lines, broke = machine(program, kind, lacks, ['--pack', pack, '--seeds', first, count])
    wrong = {int(found[1]): found[2] for found in (re.fullmatch(r'seed (\d+): (.*)', line) for line in lines) if found}
    seen = 0
    if broke and count > 1:  # by which of them?
        for seed in range(first, first + count):
            wrong |= compare(program, kind, lacks, None, seed, 1)[0]
        wrong = wrong or {None: f'seeds {first} to {first + count - 1}: {broke}'}
    elif broke:
        wrong[first] = broke
    elif node:
        others, seen = seen_by_v8(node, pack)
        wrong = others | wrong
    pack.unlink(missing_ok=True)
    return wrong, seen


def differs(programs, kind, lacks, node, module):
    """What disagrees about a file, in words; None: nothing."""
    lines, broke = machine(programs[0], kind, lacks, [module], ONE_SECONDS)
    told = [line for line in lines if ': function ' in line]
    if broke or told:
        return broke or told[0]
    if node is None:
        return None
    *_, told, failed = engines.run_batch(programs[1], engines.MODES.split(','), [module], keeps=True)
    return ' '.join(told) if failed else None


def write(program, lacks, seed, choices, module, is_from=False):
    machine(program, 'fast', lacks, ['--from' if is_from else '--write', seed, choices, module], ONE_SECONDS)


def smaller(choices, at, step):
    """Without some of the choices, and with the smallest in their place."""
    yield choices[:at] + choices[at + step:]
    if any(choices[at:at + step]):
        yield choices[:at] + bytes(len(choices[at:at + step])) + choices[at + step:]


def reduce(programs, kind, lacks, node, seed, kept):
    """Keeps the smallest module found that disagrees, and returns its path; None if this seed's does not."""
    choices, module = OUT / f'{seed}.choices', OUT / f'machine_{seed}.wasm'
    tried = OUT / f'{seed}_tried.wasm'
    write(programs[0], lacks, seed, choices, module)
    if differs(programs, kind, lacks, node, module) is None:
        return None
    best = choices.read_bytes()
    step, at, tries = len(best) // 2, 0, 0
    while step > 0 and tries < REDUCE_TRIES:
        is_better = False
        for other in smaller(best, at, step):
            choices.write_bytes(other)
            write(programs[0], lacks, seed, choices, tried, is_from=True)
            if tried.stat().st_size < module.stat().st_size:
                tries += 1
                is_better = differs(programs, kind, lacks, node, tried) is not None
            if is_better:
                shutil.copy(tried, module)
                best = other
                break
        at += 0 if is_better else step
        if at >= len(best):
            step, at = step // 2, 0
    print(f'{module.stat().st_size} bytes: {differs(programs, kind, lacks, node, module)}')
    kept.mkdir(exist_ok=True)
    return shutil.copy(module, kept / module.name)


def is_awake(program, lacks, node, seed):
    """Whether a digest that is wrong by one bit is told."""
    pack = OUT / 'awake.pack'
    machine(program, 'fast', lacks, ['--pack', pack, '--seeds', seed, 1], ONE_SECONDS)
    told = [seen_by_v8(node, pack)]
    wrong = bytearray(pack.read_bytes())
    wrong[DIGEST_AT] ^= 1
    pack.write_bytes(wrong)
    told.append(seen_by_v8(node, pack))
    pack.unlink()
    return told == [({}, 1), ({seed: 'V8 differs'}, 1)]
