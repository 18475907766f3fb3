# SPDX-License-Identifier: GPL-3.0-or-later
"""A second implementation of docs/interfaces.md and docs/wire.md: parser, canonical form, hashes, codec.

Written from those two pages, in another language and another style than lib/wit and idlc, so that a
misreading shows as a difference.

A resolved type is a tuple, equal to another exactly when a peer cannot tell them apart:
  ("u8",) ... ("string",)   ("list", t)   ("option", t)   ("result", t or None, t or None)   ("tuple", (t, ...))
  ("record", ((name, t), ...))   ("variant", ((name, t or None), ...))   ("enum", (name, ...))   ("flags", (name, ...))
"""
import hashlib
import re
import struct

PRIMITIVES = "bool u8 u16 u32 u64 s8 s16 s32 s64 f32 f64 char string".split()
KEYWORDS = set("""as async bool borrow char constructor enum export f32 f64 flags from func future import include
interface list map option own package record resource result s16 s32 s64 s8 static stream string tuple type u16 u32 u64
u8 use variant with world""".split())
TAGS = {name: 1 + i for i, name in enumerate(PRIMITIVES)}
TAGS.update({"list": 16, "option": 17, "result": 18, "tuple": 19, "record": 20, "variant": 21, "enum": 22,
             "flags": 23})
TEXT_BYTES, NAME_BYTES, TYPES, FUNCTIONS, PARAMETERS, ITEMS, FLAGS = 256 << 10, 64, 256, 256, 32, 256, 32
DEPTH, CANONICAL_BYTES, COMMENT_DEPTH = 32, 64 << 10, 16
CONTROLS = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")
BLANKS = re.compile(r"(?:[ \t\r\n]+|//[^\n]*)+")
TOKEN = re.compile(r"(?:(?P<quote>%)|(?=[A-Za-z]))(?P<word>[A-Za-z0-9-]*)|->|[{}()<>,:;=./@_*]", re.S)
COMMENT_MARK = re.compile(r"/\*|\*/")
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*\Z")


class Refused(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Refused(why)


# ---- tokens

def tokens(text):
    """Yields (kind, text): kind is "name", "keyword" or "mark"."""
    need(len(text) <= TEXT_BYTES, "too long")
    try:
        text = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8") from error
    need(not CONTROLS.search(text), "control character")
    out = []
    at = 0
    while at < len(text):
        blank = BLANKS.match(text, at)
        if blank:
            at = blank.end()
            continue
        if text.startswith("/*", at):
            at = skip_block(text, at)
            continue
        token = TOKEN.match(text, at)
        need(token, "character")
        if token.group("word") is None:
            out.append(("mark", token.group()))
        else:
            word = token.group("word")
            need(NAME.match(word), "name")
            need(len(word) <= NAME_BYTES, "name too long")
            out.append(("keyword" if word in KEYWORDS and token.group("quote") is None else "name", word))
        at = token.end()
    return out


def skip_block(text, at):
    depth = 0
    for match in COMMENT_MARK.finditer(text, at):
        depth += 1 if match.group() == "/*" else -1
        need(depth <= COMMENT_DEPTH, "comments too deep")
        at = match.end()
        if depth == 0:
            return at
    raise Refused("comment without end")


# ---- grammar. Types before resolution: ("name", n) stands for a reference.

class Parser:
    def __init__(self, text):
        self.tokens = tokens(text)
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self):
        token = self.peek()
        self.at += 1
        return token

    def accept(self, kind, text):
        if self.peek() == (kind, text):
            self.at += 1
            return True
        return False

    def expect(self, text, kind="mark"):
        need(self.accept(kind, text), f"expected {text}")

    def name(self):
        kind, text = self.take()
        need(kind == "name", "expected a name")
        return text

    def commas(self, end, item, trailing=True):
        """One or more items up to the mark `end`."""
        out = [item()]
        while self.accept("mark", ","):
            if trailing and self.peek() == ("mark", end):
                break
            out.append(item())
        self.expect(end)
        return out

    def type(self, depth=0):
        need(depth <= DEPTH, "too deep")
        kind, text = self.take()
        if kind == "name":
            return ("name", text)
        need(kind == "keyword", "expected a type")
        if text in PRIMITIVES:
            return (text,)
        if text in ("list", "option"):
            self.expect("<")
            inner = self.type(depth + 1)
            self.expect(">")
            return (text, inner)
        if text == "tuple":
            self.expect("<")
            items = self.commas(">", lambda: self.type(depth + 1))
            need(len(items) <= ITEMS, "too many elements")
            return ("tuple", tuple(items))
        need(text == "result", "no such type")
        if not self.accept("mark", "<"):
            return ("result", None, None)
        if self.accept("mark", "_"):
            self.expect(",")
            value = None
            error = self.type(depth + 1)
        else:
            value = self.type(depth + 1)
            error = self.type(depth + 1) if self.accept("mark", ",") else None
        self.expect(">")
        return ("result", value, error)

    def field(self):
        name = self.name()
        self.expect(":")
        return name, self.type()

    def case(self):
        name = self.name()
        inner = None
        if self.accept("mark", "("):
            inner = self.type()
            self.expect(")")
        return name, inner


class Interface:
    def __init__(self, text):
        parser = Parser(text)
        parser.expect("package", "keyword")
        self.package = parser.name() + ":"
        parser.expect(":")
        self.package += parser.name()
        parser.expect(";")
        parser.expect("interface", "keyword")
        self.name = parser.name()
        self.types = {}      # name: unresolved type
        self.used = {}       # name: (interface, name there)
        self.functions = {}  # name: (parameters, result)
        parser.expect("{")
        while not parser.accept("mark", "}"):
            self.member(parser)
        need(parser.peek()[0] == "end", "more after the interface")
        need(len(self.types) + len(self.used) <= TYPES, "too many types")
        need(len(self.functions) <= FUNCTIONS, "too many functions")

    def enter(self, table, name, value):
        need(name not in self.types and name not in self.used and name not in self.functions, "twice")
        table[name] = value

    def member(self, parser):
        word = parser.peek()
        kind = word[1] if word[0] == "keyword" else None
        if kind in ("record", "variant", "enum", "flags"):
            parser.take()
            name = parser.name()
            parser.expect("{")
            item = {"record": parser.field, "variant": parser.case}.get(kind, parser.name)
            items = tuple(parser.commas("}", item))
            names = [i if isinstance(i, str) else i[0] for i in items]
            need(len(set(names)) == len(names), "twice")
            need(len(names) <= (FLAGS if kind == "flags" else ITEMS), "too many")
            self.enter(self.types, name, (kind, items))
        elif kind == "type":
            parser.take()
            name = parser.name()
            parser.expect("=")
            self.enter(self.types, name, parser.type())
            parser.expect(";")
        elif kind == "use":
            parser.take()
            other = parser.name()
            parser.expect(".")
            parser.expect("{")

            def used():
                there = parser.name()
                here = parser.name() if parser.accept("keyword", "as") else there
                self.enter(self.used, here, (other, there))
            parser.commas("}", used)
            parser.expect(";")
        else:
            name = parser.name()
            parser.expect(":")
            parser.expect("func", "keyword")
            parser.expect("(")
            parameters = []
            if not parser.accept("mark", ")"):
                parameters = parser.commas(")", parser.field, trailing=False)
            need(len({p[0] for p in parameters}) == len(parameters), "twice")
            need(len(parameters) <= PARAMETERS, "too many parameters")
            result = parser.type() if parser.accept("mark", "->") else None
            parser.expect(";")
            self.enter(self.functions, name, (parameters, result))


# ---- resolution

class Definition:
    """An interface with everything it uses: `qualified`, and `functions`: name to (parameters, result)."""

    def __init__(self, text, read=None):
        self.first = Interface(text)
        self.all = {self.first.name: self.first}
        queue = [self.first]
        while queue:
            for other, _ in queue.pop().used.values():
                if other not in self.all:
                    need(read is not None, "nothing to use")
                    source = read(other)
                    need(source is not None, "no such interface")
                    self.all[other] = Interface(source)
                    need(self.all[other].name == other, "another name than its file")
                    need(self.all[other].package == self.first.package, "another package")
                    queue.append(self.all[other])
        self.check_uses()
        self.done = {}
        for interface in self.all.values():
            for name in list(interface.types) + list(interface.used):
                self.lookup(interface, name, ())
        self.qualified = f"{self.first.package}/{self.first.name}"
        self.functions = {}
        for interface in self.all.values():
            for name, (parameters, result) in interface.functions.items():
                resolved = ([(n, self.resolve(interface, t, ())) for n, t in parameters],
                            self.resolve(interface, result, ()) if result else None)
                need(len(function_bytes(name, *resolved)) <= CANONICAL_BYTES, "function too large")
                if interface is self.first:
                    self.functions[name] = resolved

    def check_uses(self):
        ready = set()
        while len(ready) < len(self.all):
            more = {n for n, i in self.all.items() if n not in ready and
                    all(other in ready for other, _ in i.used.values())}
            need(more, "an interface uses itself")
            ready |= more

    def lookup(self, interface, name, under):
        """The resolved type of a declared name; `under`: the declarations it is part of."""
        key = (interface.name, name)
        need(key not in under, "contains itself")
        if key not in self.done:
            if name in interface.used:
                other, there = interface.used[name]
                need(there in self.all[other].types or there in self.all[other].used, "no such type there")
                value = self.lookup(self.all[other], there, under + (key,))
            else:
                need(name in interface.types, "no such type")
                value = self.resolve(interface, interface.types[name], under + (key,))
            self.done[key] = value
        return self.done[key]

    def resolve(self, interface, t, under):
        if t is None:
            return None
        kind = t[0]
        if kind == "name":
            return self.lookup(interface, t[1], under)
        if kind in PRIMITIVES or kind in ("enum", "flags"):
            out = t
        elif kind in ("list", "option"):
            out = (kind, self.resolve(interface, t[1], under))
        elif kind == "result":
            out = (kind, self.resolve(interface, t[1], under), self.resolve(interface, t[2], under))
        elif kind == "tuple":
            out = (kind, tuple(self.resolve(interface, i, under) for i in t[1]))
        else:
            out = (kind, tuple((n, self.resolve(interface, i, under)) for n, i in t[1]))
        need(depth_of(out) <= DEPTH, "too deep")
        need(canonical_size(out) <= CANONICAL_BYTES, "too large")
        return out

    def hash_of(self, name):
        return hashlib.sha256(function_bytes(name, *self.functions[name])).digest()

    def hash(self):
        hashes = sorted(self.hash_of(name) for name in self.functions)
        return hashlib.sha256(text_bytes("redshirt:interface") + text_bytes(self.qualified) +
                              u32(len(hashes)) + b"".join(hashes)).digest()

    def print(self):
        lines = [f"{self.hash().hex()} {self.qualified}"]
        for name in sorted(self.functions):
            f = self.hash_of(name)
            lines.append(f"{struct.unpack('<Q', f[:8])[0]:016x} {f.hex()} {name}")
        return "\n".join(lines) + "\n"

    def model(self):
        """What a peer can notice, without any hash."""
        return self.qualified, self.functions


MEMO = {}


def parts_of(t):
    kind = t[0]
    if kind in ("list", "option"):
        return [t[1]]
    if kind == "result":
        return [i for i in t[1:] if i is not None]
    if kind == "tuple":
        return list(t[1])
    if kind in ("record", "variant"):
        return [i for _, i in t[1] if i is not None]
    return []


def depth_of(t):
    return measure(t)[0]


def canonical_size(t):
    return measure(t)[1]


def measure(t):
    """(depth, bytes of the canonical form); memoised by identity, as types share their parts."""
    found = MEMO.get(id(t))
    if found is not None and found[0] is t:
        return found[1]
    inner = [measure(p) for p in parts_of(t)]
    kind = t[0]
    size = 1 + sum(i[1] for i in inner)
    if kind == "result":
        size += 2
    elif kind not in PRIMITIVES and kind not in ("list", "option"):
        size += 4
        if kind in ("record", "variant"):
            size += sum(4 + len(n) + (kind == "variant") for n, _ in t[1])
        elif kind in ("enum", "flags"):
            size += sum(4 + len(n) for n in t[1])
    depth = 0 if kind in PRIMITIVES else 1 + max([i[0] for i in inner], default=0)
    MEMO[id(t)] = (t, (depth, size))
    return depth, size


# ---- canonical form

def u32(n):
    return struct.pack("<I", n)


def text_bytes(s):
    return u32(len(s.encode())) + s.encode()


def maybe(t):
    return b"\0" if t is None else b"\1" + type_bytes(t)


def type_bytes(t):
    kind = t[0]
    out = bytes([TAGS[kind]])
    if kind in ("list", "option"):
        out += type_bytes(t[1])
    elif kind == "result":
        out += maybe(t[1]) + maybe(t[2])
    elif kind == "tuple":
        out += u32(len(t[1])) + b"".join(type_bytes(i) for i in t[1])
    elif kind == "record":
        out += u32(len(t[1])) + b"".join(text_bytes(n) + type_bytes(i) for n, i in t[1])
    elif kind == "variant":
        out += u32(len(t[1])) + b"".join(text_bytes(n) + maybe(i) for n, i in t[1])
    elif kind in ("enum", "flags"):
        out += u32(len(t[1])) + b"".join(text_bytes(n) for n in t[1])
    return out


def function_bytes(name, parameters, result):
    size = sum(canonical_size(t) for _, t in parameters) + (canonical_size(result) if result else 0)
    need(size <= CANONICAL_BYTES, "function too large")  # before it is built
    return (text_bytes("redshirt:function") + text_bytes(name) + u32(len(parameters)) +
            b"".join(text_bytes(n) + type_bytes(t) for n, t in parameters) + maybe(result))


# ---- codec. Values: bool, int, float bits as int (f32, f64), int (char), str or bytes (string), list,
# ("none",) / ("some", v), ("ok", v) / ("error", v), tuple of fields, (case number, v), int (enum), int (flags).

WIDTHS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "s8": "<b", "s16": "<h", "s32": "<i", "s64": "<q",
          "f32": "<I", "f64": "<Q"}


def flags_width(count):
    return next(w for w in (1, 2, 4) if count <= 8 * w)


def encode(t, v):
    kind = t[0]
    if kind == "bool":
        return b"\1" if v else b"\0"
    if kind in WIDTHS:
        return struct.pack(WIDTHS[kind], v)
    if kind == "char":
        return u32(v)
    if kind == "string":
        return text_bytes(v)
    if kind == "list":
        return u32(len(v)) + b"".join(encode(t[1], i) for i in v)
    if kind == "option":
        return b"\0" if v[0] == "none" else b"\1" + encode(t[1], v[1])
    if kind == "result":
        inner = t[1] if v[0] == "ok" else t[2]
        return (b"\0" if v[0] == "ok" else b"\1") + (encode(inner, v[1]) if inner else b"")
    if kind == "tuple":
        return b"".join(encode(i, x) for i, x in zip(t[1], v))
    if kind == "record":
        return b"".join(encode(i, x) for (_, i), x in zip(t[1], v))
    if kind == "variant":
        inner = t[1][v[0]][1]
        return bytes([v[0]]) + (encode(inner, v[1]) if inner else b"")
    if kind == "enum":
        return bytes([v])
    return v.to_bytes(flags_width(len(t[1])), "little")


def least(t):
    """Bytes of the smallest value."""
    kind = t[0]
    if kind in ("bool", "option", "enum"):
        return 1
    if kind in WIDTHS:
        return struct.calcsize(WIDTHS[kind])
    if kind in ("char", "string", "list"):
        return 4
    if kind == "result":
        return 1 + min(least(i) if i else 0 for i in t[1:])
    if kind == "tuple":
        return sum(least(i) for i in t[1])
    if kind == "record":
        return sum(least(i) for _, i in t[1])
    if kind == "variant":
        return 1 + min(least(i) if i else 0 for _, i in t[1])
    return flags_width(len(t[1]))


class Body:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, n):
        need(n <= len(self.data) - self.at, "bytes are missing")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def case(self, count):
        n = self.number(1)
        need(n < count, "no such case")
        return n

    def value(self, t):
        kind = t[0]
        if kind == "bool":
            return self.case(2) == 1
        if kind in WIDTHS:
            return struct.unpack(WIDTHS[kind], self.take(struct.calcsize(WIDTHS[kind])))[0]
        if kind == "char":
            n = self.number(4)
            need(n <= 0x10ffff and not 0xd800 <= n <= 0xdfff, "char")
            return n
        if kind == "string":
            try:
                return self.take(self.number(4)).decode("utf-8")
            except UnicodeDecodeError as error:
                raise Refused("not UTF-8") from error
        if kind == "list":
            count = self.number(4)
            need(count * least(t[1]) <= len(self.data) - self.at, "count")
            return [self.value(t[1]) for _ in range(count)]
        if kind == "option":
            return ("some", self.value(t[1])) if self.case(2) else ("none",)
        if kind == "result":
            which = self.case(2)
            inner = t[1 + which]
            return ("error" if which else "ok", self.value(inner) if inner else None)
        if kind == "tuple":
            return tuple(self.value(i) for i in t[1])
        if kind == "record":
            return tuple(self.value(i) for _, i in t[1])
        if kind == "variant":
            n = self.case(len(t[1]))
            return (n, self.value(t[1][n][1]) if t[1][n][1] else None)
        if kind == "enum":
            return self.case(len(t[1]))
        n = self.number(flags_width(len(t[1])))
        need(n >> len(t[1]) == 0, "no such flag")
        return n


def decode(types, data):
    """The values of a whole body: a list of types in order."""
    body = Body(data)
    values = [body.value(t) for t in types]
    need(body.at == len(data), "bytes are left over")
    return values
