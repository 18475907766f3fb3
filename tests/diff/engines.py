# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules by our engine, in each of its modes, and by node's V8, compared line by line.

Both print results, traps, logs, and at the end exported memories and globals (engine.c, reference.mjs); the outputs
must be equal. Only after a stack ran out, whose size is each engine's own, is nothing compared any more.
"""
import pathlib
import subprocess

import v8

HERE = pathlib.Path(__file__).resolve().parent
MODES = 'interpreter,compiled'  # of our engine: each has to agree


def outputs(command, modules):
    """Runs an engine on modules. Returns {path: lines}, and its words if it broke."""
    try:
        done = subprocess.run(command + modules, capture_output=True, timeout=200)
    except subprocess.TimeoutExpired:
        return {}, 'it did not end'
    found = {}
    for line in done.stdout.decode('utf-8', 'replace').splitlines():
        if line.startswith('module '):
            found[line[len('module '):]] = lines = []
        else:
            lines.append(line)
    return found, done.stderr.decode('utf-8', 'replace') if done.returncode else ''


def agree(ours, theirs):
    """Compares as far as neither ran out of stack. Returns the first line that differs, or None."""
    for number in range(max(len(ours), len(theirs))):
        mine = ours[number] if number < len(ours) else '(nothing)'
        other = theirs[number] if number < len(theirs) else '(nothing)'
        if mine.endswith(' trap stack') or other.endswith(' trap stack'):
            return None
        if mine != other:
            return f'ours: {mine}; theirs: {other}'
    return None


def run_batch(engine, modes, modules, keeps=False):
    """Returns (passed, failed, lines compared, messages, the modules that failed)."""
    names = [str(module) for module in modules]
    chained = [name for name in names if 'chain_' in name]
    theirs, broke = outputs([*v8.find().command, HERE / 'reference.mjs'], names)
    messages = [f'the reference: {broke}'] if broke else []
    runs = {}
    for mode in modes:
        runs[mode], broke = outputs([engine, '--mode', mode], names)
        messages += [f'the engine, {mode}: {broke}'] if broke else []
    sliced, broke = outputs([engine, '--slice', '1'], chained) if chained else ({}, '')
    messages += [f'the engine in slices: {broke}'] if broke else []
    compared = 0
    failed = []
    for module, name in zip(modules, names):
        other = theirs.get(name, [])
        compared += len(other)
        difference = None if other else 'no output of the reference'
        for mode in modes:
            mine = runs[mode].get(name, [])
            disagreement = agree(mine, other) if mine else 'no output'
            if disagreement is not None:
                difference = difference or f'{mode}: {disagreement}'
                module.with_suffix(f'.{mode}').write_text('\n'.join(mine))
        plain = runs[modes[0]].get(name, [])
        if difference is None and name in chained and sliced.get(name) != plain:
            difference = f'in slices, {agree(sliced.get(name, []), plain)}'
        if difference is None:
            if not keeps:
                module.unlink()
            continue
        failed.append(module)
        messages.append(f'{name}: {difference}')
        module.with_suffix('.theirs').write_text('\n'.join(other))
    return len(modules) - len(failed), len(failed), compared, messages, failed
