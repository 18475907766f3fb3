# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as C: what docs/interfaces.md, "Generated C", says about names and types, applied to random interfaces.

Each value becomes a C constant and the bytes that it must encode to; each function gets the few lines through
which tests/interfaces/values.c reaches the generated codec.
"""
import struct

from wit import PRIMITIVES, encode

C_WORDS = set("""alignas alignof asm assert auto bool break case char const constexpr continue default do double else enum
errno extern false float for goto i386 if inline int linux long nullptr register restrict return short signed sizeof
static stderr stdin stdout struct switch thread_local true typedef typeof typeof_unqual union unix unsigned void
volatile while""".split())


def lower(name):
    return name.replace("-", "_")


def member(name):
    name = lower(name)
    return name + "_" if name in C_WORDS else name


class Naming:
    """C names of the types of one interface; types are those of wit.py, but ("name", n) stays where C has a name."""

    def __init__(self, source):
        self.prefix = lower(source.name)
        self.types = {}
        for name, kind, body in source.types:
            self.types[name] = body if kind == "type" else (kind, body)
        self.aliases = {name for name, kind, _ in source.types if kind == "type"}

    def real(self, t):
        """Follows aliases, but leaves the names that C knows."""
        while t[0] == "name" and t[1] in self.aliases:
            t = self.types[t[1]]
        return t

    def body(self, t):
        t = self.real(t)
        return self.types[t[1]] if t[0] == "name" else t

    def local(self, t):
        if t is None:
            return "none"
        t = self.real(t)
        if t[0] == "name":
            return lower(t[1])
        if t[0] in PRIMITIVES:
            return t[0]
        if self.is_bytes(t):
            return "bytes"
        items = t[1] if t[0] == "tuple" else t[1:]
        return "_".join([t[0]] + [self.local(i) for i in items])

    def is_bytes(self, t):
        t = self.body(t)
        return t[0] == "list" and self.real(t[1]) == ("u8",)

    def is_scalar(self, t):
        return self.is_bytes(t) or self.body(t)[0] in PRIMITIVES + ["enum"]

    def c(self, t):
        kind = self.body(t)[0]
        if kind == "string" or self.is_bytes(t):
            return "struct span"
        if kind in PRIMITIVES:
            return {"char": "u32"}.get(kind, kind.replace("s", "i") if kind[0] == "s" else kind)
        return f"{'enum' if kind == 'enum' else 'struct'} {self.prefix}_{self.local(t)}"

    def value(self, t, v):
        """An initializer."""
        t = self.real(t)
        b = self.body(t)
        kind = b[0]
        if kind == "bool":
            return "true" if v else "false"
        if kind in ("f32", "f64"):
            return real_number(kind, v)
        if kind == "s64":
            return f"(i64){v & (1 << 64) - 1:#x}ull"
        if kind[0] in "us" and kind[1:].isdigit() or kind == "char":
            return f"{v}ull" if kind == "u64" else f"{v}u" if kind == "u32" or kind == "char" else f"({v})" if v > -(1 << 31) else "(-2147483647 - 1)"
        if kind == "string":
            return span(v.encode())
        if self.is_bytes(t):
            return span(bytes(v))
        if kind == "list":
            if not v:
                return "{0}"
            items = ", ".join(self.value(b[1], i) for i in v)
            return f"{{.count = {len(v)}, .items = (const {self.c(b[1])}[]){{{items}}}}}"
        if kind == "option":
            return "{0}" if v[0] == "none" else f"{{.some = true, .value = {self.value(b[1], v[1])}}}"
        if kind == "result":
            ok = v[0] == "ok"
            inner = b[1] if ok else b[2]
            rest = f", .{'value' if ok else 'error'} = {self.value(inner, v[1])}" if inner else ""
            return f"{{.ok = {'true' if ok else 'false'}{rest}}}"
        if kind == "tuple":
            return "{" + ", ".join(f".f{n} = {self.value(i, x)}" for n, (i, x) in enumerate(zip(b[1], v))) + "}"
        if kind == "record":
            return "{" + ", ".join(f".{member(n)} = {self.value(i, x)}" for (n, i), x in zip(b[1], v)) + "}"
        upper = f"{self.prefix}_{self.local(t)}".upper()
        if kind == "variant":
            name, inner = b[1][v[0]]
            rest = f", .as.{member(name)} = {self.value(inner, v[1])}" if inner else ""
            return f"{{.kind = {upper}_{lower(name).upper()}{rest}}}"
        if kind == "enum":
            return f"{upper}_{lower(b[1][v]).upper()}"
        masks = [f"{upper}_{lower(n).upper()}" for i, n in enumerate(b[1]) if v >> i & 1]
        return "{" + (" | ".join(masks) or "0") + "}"


def real_number(kind, bits):
    wide = kind == "f64"
    mantissa_bits = 52 if wide else 23
    sign = bits >> (63 if wide else 31)
    exponent = bits >> mantissa_bits & (0x7ff if wide else 0xff)
    mantissa = bits & (1 << mantissa_bits) - 1
    f = "" if wide else "f"
    if exponent == (0x7ff if wide else 0xff):
        if mantissa == 0:
            out = f"__builtin_inf{f}()"
        else:
            quiet = mantissa >> mantissa_bits - 1
            out = f'__builtin_nan{"" if quiet else "s"}{f}("{mantissa & (1 << mantissa_bits - 1) - 1:#x}")'
    else:
        number = struct.unpack("<d" if wide else "<f", (bits & (1 << (63 if wide else 31)) - 1)
                               .to_bytes(8 if wide else 4, "little"))[0]
        out = float(number).hex() + f
    return f"-{out}" if sign else out


def span(data):
    text = "".join(f"\\{c:03o}" if not (48 <= c < 58 or 65 <= c < 91 or 97 <= c < 123) else chr(c) for c in data)
    return f'{{(const u8 *)"{text}", {len(data)}}}'


def emit(source, definition, values):
    """C that tests the bindings of one interface.

    values: for each function, ([call values], [result values]); a call value is a list, one for each parameter.
    Returns the C text and, for each tested body, its types: the rows of table `bodies_PREFIX`.
    """
    naming = Naming(source)
    p = naming.prefix
    out = [f'#include "interfaces/{p}.h"', '#include "tests/interfaces/values.h"']
    rows = []
    types = []
    for (name, parameters, result), (calls, results) in zip(source.functions, values):
        resolved_parameters, resolved_result = definition.functions[name]
        c = f"{p}_{lower(name)}"
        if parameters:
            initial = [(", ".join(f".{member(n)} = {naming.value(t, v)}" for (n, t), v in zip(parameters, call)),
                        b"".join(encode(t, v) for (_, t), v in zip(resolved_parameters, call))) for call in calls]
            views = [(t, f"value.{member(n)}") for n, t in parameters]
            rows.append(emit_body(out, naming, f"struct {c}_call", c, "call", "&value", initial, views))
            types.append([t for _, t in resolved_parameters])
        if result:
            scalar = naming.is_scalar(result)
            initial = [(naming.value(result, v), encode(resolved_result, v)) for v in results]
            rows.append(emit_body(out, naming, naming.c(result), c, "result", "value" if scalar else "&value", initial,
                                  [(result, "value")]))
            types.append([resolved_result])
    out.append(f"const struct body_test bodies_{p}[] = {{" + ",\n".join(rows) + ("," if rows else "") + "{0}};")
    return "\n".join(out) + "\n", types


def emit_body(out, naming, c_type, c, what, argument, initial, views):
    """Appends the codec's thunks and the values' constants; returns the row that names them."""
    n = f"{c}_{what}"
    braced = [i if i.startswith("{") or "struct" not in c_type or what == "result" else "{" + i + "}" for i, _ in initial]
    if what == "call":
        braced = ["{" + i + "}" for i, _ in initial]
    out.append(f"""
static size_t encode_{n}(void *buffer, size_t capacity, const void *at)
{{
    {c_type} value = *(const {c_type} *)at;
    return {c}_encode_{what}(buffer, capacity, {argument});
}}
static enum err decode_{n}(struct span body, void *buffer, size_t capacity, size_t *size)
{{
    {c_type} value;
    TRY({c}_decode_{what}(body, &value));
    *size = {c}_encode_{what}(buffer, capacity, {argument});
{walks(naming, views)}    return ERR_OK;
}}""")
    out.append(f"static const {c_type} values_{n}[] = {{" + ",\n".join(braced) + "};")
    expected = ", ".join(span(data) for _, data in initial)
    out.append(f"static const struct span bytes_{n}[] = {{{expected}}};")
    return (f'{{"{n}", encode_{n}, decode_{n}, values_{n}, sizeof values_{n}[0], bytes_{n}, {len(initial)}}}')


def walks(naming, views):
    """Walks each list that is there directly, and writes its items again: the same bytes must come out."""
    out = ""
    for t, place in views:
        b = naming.body(t)
        if b[0] != "list" or naming.is_bytes(t):
            continue
        item = b[1]
        write = writer(naming, item, "item")
        out += f"""    {{
        {naming.c(t)} list = {place};
        {naming.c(item)} item;
        struct wire_writer writer = wire_writer_over(buffer_for_walk, sizeof buffer_for_walk);
        struct wire_writer *out = &writer;
        u32 count = 0;
        while ({naming.prefix}_{naming.local(t)}_next(&list, &item)) {{
            {write}
            count++;
        }}
        check_walk(count == {place}.count && list.encoded.size == 0, out, {place}.encoded);
    }}
"""
    return out


def writer(naming, t, value):
    kind = naming.body(t)[0]
    if kind == "string" or naming.is_bytes(t):
        return f"wire_write_bytes(out, {value});"
    if kind == "enum":
        return f"wire_write_u8(out, (u8){value});"
    if kind in PRIMITIVES:
        word = {"char": "u32"}.get(kind, kind.replace("s", "u") if kind[0] == "s" else kind)
        return f"wire_write_{word}(out, {value});"
    return f"{naming.prefix}_{naming.local(t)}_write(out, &{value});"
