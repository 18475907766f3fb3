#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums the worst path of stack through core/, from gcc's call graphs (-fcallgraph-info=su).

Use     stack.py --limit BYTES --frame BYTES FILE.ci...
Refuses a cycle of calls, a frame over --frame, a path over --limit, and a frame whose size is not known.
A call through a pointer ends a path: what it reaches starts one of its own, and is listed as well. The limit
leaves room for one such path on top of another.
"""
import argparse
import re
import sys

NODE = re.compile(r'^node: \{ title: "([^"]*)" label: "([^"]*)"(.*)\}$')
EDGE = re.compile(r'^edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"')
BYTES = re.compile(r"(\d+) bytes \(([a-z,]+)\)")


def read(paths):
    """Names to frame sizes, and names to what they call; functions that are not ours have no size."""
    frames, kinds, calls = {}, {}, {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                node = NODE.match(line)
                edge = EDGE.match(line)
                if node:
                    size = BYTES.search(node.group(2))
                    if size:
                        frames[node.group(1)] = int(size.group(1))
                        kinds[node.group(1)] = size.group(2)
                elif edge:
                    calls.setdefault(edge.group(1), set()).add(edge.group(2))
    return frames, kinds, calls


def worst_paths(frames, calls):
    """For each function the deepest stack below it, itself included, and the callee on that path; and a cycle."""
    done, cycle = {}, None
    for root in sorted(frames):
        stack = [(root, iter(sorted(calls.get(root, ()))))]
        on_path = {root}
        while stack:
            name, rest = stack[-1]
            callee = next(rest, None)
            if callee is None:
                best = max(((done[c][0], c) for c in calls.get(name, ()) if c in done), default=(0, None))
                done[name] = (frames.get(name, 0) + best[0], best[1])
                on_path.discard(name)
                stack.pop()
            elif callee in on_path:
                names = [n for n, _ in stack]
                cycle = cycle or names[names.index(callee):] + [callee]
            elif callee not in done and callee in frames:
                on_path.add(callee)
                stack.append((callee, iter(sorted(calls.get(callee, ())))))
    return done, cycle


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, required=True)
    parser.add_argument("--frame", type=int, required=True)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    frames, kinds, calls = read(options.files)
    if not frames:
        print("stack: the call graphs hold no function")
        return 1
    done, cycle = worst_paths(frames, calls)
    bad = 0
    if cycle:
        print("stack: recursion: " + " -> ".join(cycle))
        return 1  # and no path is the deepest
    for name, size in sorted(frames.items(), key=lambda item: -item[1]):
        if size > options.frame or kinds[name] not in ("static", "dynamic,bounded"):
            print(f"stack: {name} has a frame of {size} bytes ({kinds[name]}), over {options.frame}")
            bad += 1
    root = max(done, key=lambda name: done[name][0])
    print(f"stack: the deepest path takes {done[root][0]} of {options.limit} bytes:")
    bad += done[root][0] > options.limit
    name = root
    while name is not None:
        print(f"  {frames.get(name, 0):>6}  {name}")
        name = done[name][1]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
