# SPDX-License-Identifier: GPL-3.0-or-later
"""Random definitions and values, and changes that must or must not matter.

A definition is kept as what it says (class Source), so that it can be written in many ways: in any order, with
any blanks and comments, with aliases, with types moved to another interface.
"""
import copy

from wit import KEYWORDS, PRIMITIVES, parts_of

WORDS = """a b c id of to in at key size port name line path code kind left right first last next time wait open close
read write send peer local error limit denied failed not-found timed-out bad-cid x1 utf8 v4 ipv6 list-of from stream
as map static use record own default int register""".split()
COMMENTS = ["// a note\n", "/* block */", "/* a /* nested */ one */", "/// documentation, with `code`\n", "/** doc */",
            "//\n", "/**/", "/* interface x { */", "// } ; \u00e9\u4e16\n"]


class Source:
    """One interface: types are (name, kind, body), where kind "type" has a type as its body."""

    def __init__(self, package, name):
        self.package, self.name = package, name
        self.uses, self.types, self.functions = [], [], []

    def names(self):
        return ([here for _, _, here in self.uses] + [t[0] for t in self.types] +
                [f[0] for f in self.functions])


def fresh(rng, taken):
    while True:
        name = "-".join(rng.choice(WORDS) for _ in range(rng.choice((1, 1, 1, 2, 3))))
        if rng.random() < 0.3:
            name += str(rng.randrange(100))
        if name not in taken:
            return name


def unique(rng, count):
    out = []
    while len(out) < count:
        out.append(fresh(rng, out))
    return out


def random_type(rng, names, depth=0):
    roll = rng.random()
    if names and roll < 0.35:
        return ("name", rng.choice(names))
    if depth >= 4 or roll < 0.65:
        return (rng.choice(PRIMITIVES),)
    kind = rng.choice(("list", "list", "option", "result", "tuple"))
    if kind in ("list", "option"):
        return (kind, random_type(rng, names, depth + 1))
    if kind == "tuple":
        return (kind, tuple(random_type(rng, names, depth + 1) for _ in range(rng.randint(1, 4))))
    return (kind, random_type(rng, names, depth + 1) if rng.random() < 0.7 else None,
            random_type(rng, names, depth + 1) if rng.random() < 0.7 else None)


def random_declaration(rng, name, names):
    kind = rng.choice(("record", "record", "variant", "enum", "flags", "type"))
    if kind == "type":
        return (name, kind, random_type(rng, names))
    if kind == "record":
        return (name, kind, tuple((n, random_type(rng, names)) for n in unique(rng, rng.randint(1, 5))))
    if kind == "variant":
        return (name, kind, tuple((n, random_type(rng, names) if rng.random() < 0.6 else None)
                                  for n in unique(rng, rng.randint(1, 5))))
    return (name, kind, tuple(unique(rng, rng.choice((1, 2, 3, 5, 9) if kind == "enum" else (1, 3, 8, 9, 17, 32)))))


def random_source(rng, package, name, uses=(), functions=None, types=None):
    source = Source(package, name)
    for other in uses:
        for there in [t[0] for t in other.types]:
            if rng.random() < 0.5:
                here = there if there not in source.names() and rng.random() < 0.6 else fresh(rng, source.names())
                source.uses.append((other.name, there, here))
    for _ in range(rng.randint(0, 4) if types is None else types):
        names = source.names()
        source.types.append(random_declaration(rng, fresh(rng, names), names))
    names = source.names()
    for _ in range(rng.randint(0, 4) if functions is None else functions):
        parameters = [(n, random_type(rng, names)) for n in unique(rng, rng.randint(0, 4))]
        result = random_type(rng, names) if rng.random() < 0.8 else None
        source.functions.append((fresh(rng, source.names()), parameters, result))
    return source


def random_sources(rng):
    """A definition and what it uses: the first is the one asked for."""
    package = ":".join(unique(rng, 2))
    used = []
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        name = fresh(rng, [u.name for u in used])
        used.append(random_source(rng, package, name, uses=used[:rng.randint(0, len(used))], functions=0))
    first = random_source(rng, package, fresh(rng, [u.name for u in used]), uses=used)
    return [first] + used


def sources_at_a_limit(rng):
    """A definition whose types nest about as deep, or expand about as far, as is allowed."""
    source = Source("test:limits", "limits")
    levels = rng.randint(28, 34) if rng.random() < 0.5 else rng.randint(8, 16)
    wide = levels < 20
    last = rng.choice((("u8",), ("string",), ("list", ("u8",))))
    for level in range(levels):
        name = f"t{level}"
        kind = rng.choice(("record", "tuple", "list", "option", "result", "variant", "type") if not wide else
                          ("record", "tuple", "variant"))
        count = rng.choice((1, 2, 2, 3)) if wide else 1
        if kind in ("record", "variant"):
            source.types.append((name, kind, tuple((f"x{i}", last) for i in range(count))))
        else:
            body = {"tuple": ("tuple", (last,) * count), "list": ("list", last), "option": ("option", last),
                    "result": ("result", None, last), "type": last}[kind]
            source.types.append((name, "type", body))
        last = ("name", name)
    source.functions.append(("f", [("x", last)], last if rng.random() < 0.3 else None))
    rng.shuffle(source.types)
    return [source]


# ---- writing

def quoted(name, rng):
    return "%" + name if name in KEYWORDS or rng and rng.random() < 0.1 else name


def type_tokens(t, rng):
    kind = t[0]
    if kind == "name":
        return [quoted(t[1], rng)]
    out = [kind]
    if kind in ("list", "option"):
        out += ["<"] + type_tokens(t[1], rng) + [">"]
    elif kind == "tuple":
        out.append("<")
        for i, item in enumerate(t[1]):
            out += ([","] if i else []) + type_tokens(item, rng)
        out += ([","] if rng and rng.random() < 0.2 else []) + [">"]
    elif kind == "result" and (t[1] or t[2]):
        out += ["<"] + (type_tokens(t[1], rng) if t[1] else ["_"])
        out += ([","] + type_tokens(t[2], rng) if t[2] else []) + [">"]
    return out


def braces(items, rng):
    out = ["{"]
    for i, item in enumerate(items):
        out += ([","] if i else []) + item
    return out + ([","] if rng and rng.random() < 0.5 else []) + ["}"]


def declaration_tokens(declaration, rng):
    name, kind, body = declaration
    head = [kind, quoted(name, rng)]
    if kind == "type":
        return head + ["="] + type_tokens(body, rng) + [";"]
    if kind == "record":
        items = [[quoted(n, rng), ":"] + type_tokens(t, rng) for n, t in body]
    elif kind == "variant":
        items = [[quoted(n, rng)] + (["("] + type_tokens(t, rng) + [")"] if t else []) for n, t in body]
    else:
        items = [[quoted(n, rng)] for n in body]
    return head + braces(items, rng)


def function_tokens(function, rng):
    name, parameters, result = function
    out = [quoted(name, rng), ":", "func", "("]
    for i, (n, t) in enumerate(parameters):
        out += ([","] if i else []) + [quoted(n, rng), ":"] + type_tokens(t, rng)
    return out + [")"] + (["->"] + type_tokens(result, rng) if result else []) + [";"]


def source_tokens(source, rng=None):
    """The tokens in the order kept, or, with rng, in any order and with what may be there or not."""
    space, name = source.package.split(":")
    members = [["use", quoted(o, rng), ".", "{", quoted(t, rng)] + (["as", quoted(h, rng)] if h != t else []) + ["}", ";"]
               for o, t, h in source.uses]
    members += [declaration_tokens(t, rng) for t in source.types]
    members += [function_tokens(f, rng) for f in source.functions]
    if rng:
        rng.shuffle(members)
    return (["package", quoted(space, rng), ":", quoted(name, rng), ";", "interface", quoted(source.name, rng), "{"] +
            sum(members, []) + ["}"])


def is_word(token):
    return token[0].isalnum() or token[0] == "%"


def join(toks, rng=None):
    """Text out of tokens: with rng, any gaps, else the shortest that keep them apart."""
    out = []
    for i, token in enumerate(toks):
        apart = i > 0 and is_word(token) and is_word(toks[i - 1]) or token == "->" and i > 0 and is_word(toks[i - 1])
        gap = ""
        if rng:
            for _ in range(rng.choice((0, 0, 1, 1, 2))):
                gap += rng.choice((" ", "\n", "\t", "\r\n", "    ", rng.choice(COMMENTS)))
        elif i > 0 and toks[i - 1] in (";", "{", "}"):
            gap = "\n"
        if apart and not gap:
            gap = " "
        # "/" begins a comment only as "//" or "/*", which no two tokens make
        out.append(gap + token)
    return "".join(out).encode()


def files(sources, rng=None):
    return [(s.name, join(source_tokens(s, rng), rng)) for s in sources]


# ---- changes that must not matter

def with_aliases(rng, sources):
    """Gives some types that are written in place a name, and some names another."""
    sources = copy.deepcopy(sources)
    source = sources[0]
    added = []

    def change(t):
        if t is None:
            return None
        kind = t[0]
        if kind in ("list", "option"):
            t = (kind, change(t[1]))
        elif kind == "result":
            t = (kind, change(t[1]), change(t[2]))
        elif kind == "tuple":
            t = (kind, tuple(change(i) for i in t[1]))
        if rng.random() < 0.4:
            name = fresh(rng, source.names() + [a[0] for a in added])
            added.append((name, "type", t))
            return ("name", name)
        return t

    source.functions = [(n, [(p, change(t)) for p, t in ps], change(r)) for n, ps, r in source.functions]
    types = []
    for name, kind, body in source.types:
        if kind == "type":
            body = change(body)
        elif kind in ("record", "variant"):
            body = tuple((n, change(t)) for n, t in body)
        types.append((name, kind, body))
    source.types = types + added
    return sources


def with_types_moved(rng, sources):
    """Moves all declared types into an interface of their own, and uses them from there."""
    sources = copy.deepcopy(sources)
    source = sources[0]
    if not source.types:
        return sources
    other = Source(source.package, fresh(rng, [s.name for s in sources]))
    other.types, other.uses = source.types, source.uses
    source.types = []
    names = other.names()
    source.uses = [(other.name, n, n) for n in names]
    return [source, other] + sources[1:]


def with_names_changed(rng, sources):
    """Gives every declared type of the first interface another name."""
    sources = copy.deepcopy(sources)
    source = sources[0]
    new = {}
    for name in [t[0] for t in source.types]:
        new[name] = fresh(rng, source.names() + list(new.values()))

    def change(t):
        if t is None:
            return None
        kind = t[0]
        if kind == "name":
            return ("name", new.get(t[1], t[1]))
        if kind in ("list", "option"):
            return (kind, change(t[1]))
        if kind == "result":
            return (kind, change(t[1]), change(t[2]))
        return (kind, tuple(change(i) for i in t[1])) if kind == "tuple" else t

    types = []
    for name, kind, body in source.types:
        if kind == "type":
            body = change(body)
        elif kind in ("record", "variant"):
            body = tuple((n, change(t)) for n, t in body)
        types.append((new[name], kind, body))
    source.types = types
    source.functions = [(n, [(p, change(t)) for p, t in ps], change(r)) for n, ps, r in source.functions]
    return sources


# ---- changes of one token

REPLACEMENTS = PRIMITIVES + ["list", "option", "result", "tuple", "record", "variant", "enum", "flags", "type", "func",
                             "use", "as", "_", "zz-new", "a", ",", ";", ":", "<", ">", "(", ")", "{", "}", "=", ".", "->"]


def token_changes(toks):
    """Every list of tokens that differs in one place: one left out, one twice, one replaced, two swapped."""
    for i, token in enumerate(toks):
        yield toks[:i] + toks[i + 1:]
        yield toks[:i] + [token, token] + toks[i + 1:]
        if i and token != toks[i - 1]:
            yield toks[:i - 1] + [token, toks[i - 1]] + toks[i + 1:]
        for other in sorted(set(REPLACEMENTS + [t for t in toks if is_word(t)])):
            if other != token:
                yield toks[:i] + [other] + toks[i + 1:]


# ---- values

STRINGS = ["", "a", "hello", "\u00e9", "\u4e16\u754c", "\U0001f600", "\u07ff\u0800\uffff\U00010000\U0010ffff", "x" * 40]


def random_value(rng, t, depth=0):
    kind = t[0]
    if kind == "bool":
        return rng.random() < 0.5
    if kind[0] in "us" and kind[1:].isdigit():
        bits = int(kind[1:])
        low = -(1 << bits - 1) if kind[0] == "s" else 0
        high = low + (1 << bits) - 1
        return rng.choice((low, high, low + 1, high - 1, rng.randint(low, high), rng.randint(low, high)))
    if kind in ("f32", "f64"):
        special = {"f32": (0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 0x7f812345, 1),
                   "f64": (0, 1 << 63, 0x7ff << 52, 0xfff << 52, 0x7ff8 << 48, 0xfff8_0000_1234_5678,
                           0x7ff0_0000_1234_5678, 1)}[kind]
        return rng.choice(special + (rng.getrandbits(int(kind[1:])),) * 3)
    if kind == "char":
        return rng.choice((0, 0x7f, 0xd7ff, 0xe000, 0x10ffff, rng.randrange(0xd800)))
    if kind == "string":
        return rng.choice(STRINGS)
    if kind == "list":
        most = 12 if t[1] == ("u8",) else (4, 3, 2, 1, 1)[min(depth, 4)]
        return [random_value(rng, t[1], depth + 1) for _ in range(rng.randint(0, most))]
    if kind == "option":
        return ("some", random_value(rng, t[1], depth + 1)) if rng.random() < 0.7 else ("none",)
    if kind == "result":
        which = rng.randrange(2)
        return (("ok", "error")[which], random_value(rng, t[1 + which], depth + 1) if t[1 + which] else None)
    if kind == "tuple":
        return tuple(random_value(rng, i, depth + 1) for i in t[1])
    if kind == "record":
        return tuple(random_value(rng, i, depth + 1) for _, i in t[1])
    if kind == "variant":
        n = rng.randrange(len(t[1]))
        return (n, random_value(rng, t[1][n][1], depth + 1) if t[1][n][1] else None)
    if kind == "enum":
        return rng.randrange(len(t[1]))
    return rng.choice((0, (1 << len(t[1])) - 1, rng.getrandbits(len(t[1]))))


def weight(t):
    """How many types are in a type, counted as often as they are met."""
    return 1 + sum(weight(p) for p in parts_of(t))


def damaged(rng, data):
    """Bytes near `data` that may or may not be a body."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2))):
        roll = rng.randrange(6)
        at = rng.randrange(len(out)) if out else 0
        if roll == 0:
            del out[at:]
        elif roll == 1:
            out.append(rng.randrange(256))
        elif roll == 2 and out:
            out[at] = rng.choice((0, 1, 2, 0x7f, 0x80, 0xff, rng.randrange(256)))
        elif roll == 3 and out:
            out[at] ^= 1 << rng.randrange(8)
        elif roll == 4 and len(out) >= 4:
            at = rng.randrange(len(out) - 3)
            out[at:at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\1\0\0\0", bytes(4)))
        elif out:
            del out[at]
    return bytes(out)
