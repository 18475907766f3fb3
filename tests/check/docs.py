#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses pages that name what is not there: links to files, and paths of the tree in `code`. What is under
build/ or holds a capital placeholder (NAME) is not looked for. ARCHITECTURE.md names functions; each must be
in some source.

Use     docs.py PAGE.md...   from the root of the tree
"""
import os
import re
import sys

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"^(?:core|machines|interfaces|lib|programs|tools|tests|docs|mk)(?:/[\w.-]+)+/?$")
NAME = re.compile(r"[A-Za-z_]\w*")
FUNCTION = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$")
PLACEHOLDER = re.compile(r"[A-Z]{3,}")


def lines_of(page):
    """The page's lines that are not an indented or fenced block."""
    fenced = False
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("```"):
                fenced = not fenced
            elif not fenced and not line.startswith("    "):
                yield number, line


def words_of_sources():
    """Every name in a C file of the tree."""
    words = set()
    for top in ("core", "machines", "lib", "programs", "tools"):
        for folder, _, files in os.walk(top):
            for name in files:
                if name.endswith((".c", ".h")):
                    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                        words.update(NAME.findall(file.read()))
    return words


def check(page):
    bad = 0
    words = words_of_sources() if page.endswith("ARCHITECTURE.md") else None
    for number, line in lines_of(page):
        for target in LINK.findall(line):
            if "://" not in target and not os.path.exists(os.path.join(os.path.dirname(page), target)):
                print(f"{page}:{number}: link to {target}, which is not there")
                bad += 1
        for code in CODE.findall(line):
            if PATH.match(code) and not PLACEHOLDER.search(code.replace("README", "").replace("ARCHITECTURE", "")) \
                    and not os.path.exists(code):
                print(f"{page}:{number}: names {code}, which is not there")
                bad += 1
            if words is not None and FUNCTION.match(code) and code not in words:
                print(f"{page}:{number}: names {code}, which no source has")
                bad += 1
    return bad


if __name__ == "__main__":
    sys.exit(1 if sum(check(page) for page in sys.argv[1:]) else 0)
