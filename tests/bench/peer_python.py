# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a kernel in an engine that Python has a module for, or that is a command. tests/bench/peer says how it is
called.

Reads   the module's size and a newline, the module, then a line with n for each run
Prints  for each run its checksum and how many seconds of CPU time it took

A command is started for each run: what it takes to start and load, seen with n = 0, is taken off.
"""
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

COMMANDS = {  # how each is told to call `run` of a file
    "iwasm": lambda path, n: ["iwasm", "--function", "run", path, n],
    "wasmer": lambda path, n: ["wasmer", "run", "--invoke", "run", path, n],
    "wasmedge": lambda path, n: ["wasmedge", path, "run", n],
}
STARTS = 3  # runs with n = 0, of which the shortest counts
NUMBER = re.compile(r"(0x[0-9a-f]+|-?\d+)(?::i64)?\s*$")
U64 = (1 << 64) - 1


def seconds(who=resource.RUSAGE_SELF):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


class Wasmtime:
    def __init__(self):
        import wasmtime
        config = wasmtime.Config()
        config.parallel_compilation = False
        self.wasmtime = wasmtime
        self.engine = wasmtime.Engine(config)

    def compile(self, wasm):
        return self.wasmtime.Module(self.engine, wasm)

    def open(self, wasm):
        module = self.compile(wasm)
        self.store = self.wasmtime.Store(self.engine)
        self.function = self.wasmtime.Instance(self.store, module, []).exports(self.store)["run"]

    def run(self, n):
        before = seconds()
        result = self.function(self.store, n)
        return result, seconds() - before


class Command:
    def __init__(self, name):
        self.arguments = COMMANDS[name]
        if shutil.which(name) is None:
            raise ImportError(name)

    def open(self, wasm):
        self.folder = tempfile.TemporaryDirectory(prefix="peer-")
        self.path = os.path.join(self.folder.name, "kernel.wasm")
        with open(self.path, "wb") as file:
            file.write(wasm)
        self.start = min(self.once(0)[1] for _ in range(STARTS))

    def once(self, n):
        before = seconds(resource.RUSAGE_CHILDREN)
        said = subprocess.run(self.arguments(self.path, str(n)), check=True, stdout=subprocess.PIPE, text=True)
        return int(NUMBER.search(said.stdout)[1], 0), seconds(resource.RUSAGE_CHILDREN) - before

    def run(self, n):
        result, took = self.once(n)
        return result, max(took - self.start, 1e-6)


def engine(name):
    return Wasmtime() if name == "wasmtime" else Command(name)


def main():
    name, mode = sys.argv[1], sys.argv[2:]
    try:
        peer = engine(name)
    except (ImportError, OSError):
        return 1
    if mode == ["--there"]:
        return 0
    if mode:
        if not hasattr(peer, "compile"):
            return 1
        with open(mode[1], "rb") as file:
            wasm = file.read()
        before = seconds()
        kept = peer.compile(wasm)
        took = seconds() - before
        with open("/proc/self/status") as status:
            kib = int(re.search(r"VmHWM:\s*(\d+) kB", status.read())[1])
        print(took, 0, kib * 1024)
        return 0 if kept else 1
    source = sys.stdin.buffer
    peer.open(source.read(int(source.readline())))
    for line in source:
        result, took = peer.run(int(line))
        print(result & U64, took, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
