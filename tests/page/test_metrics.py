# SPDX-License-Identifier: GPL-3.0-or-later
"""/metrics, read as strictly as its format is written: "Exposition formats", text-based format, version 0.0.4."""
import json
import re
import time

import scene
from harness import expect, test

TYPE = "text/plain; version=0.0.4; charset=utf-8"
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
MOST_SERIES = 6000
MOST_EDGES = 1024
MOST_PROCESSES = 256


class Reader:
    """One line, from its front."""

    def __init__(self, line):
        self.line, self.at = line, 0

    def take(self, pattern):
        found = pattern.match(self.line, self.at)
        if not found:
            raise AssertionError(f"wanted {pattern.pattern} at {self.at} of {self.line!r}")
        self.at = found.end()
        return found.group()

    def one(self, char):
        if self.line[self.at:self.at + 1] != char:
            raise AssertionError(f"wanted {char!r} at {self.at} of {self.line!r}")
        self.at += 1

    def value(self):
        """What stands between quotes, its escapes undone."""
        self.one('"')
        out = ""
        while self.line[self.at:self.at + 1] != '"':
            char = self.line[self.at]
            if char == "\\":
                self.at += 1
                char = {"\\": "\\", '"': '"', "n": "\n"}[self.line[self.at]]
            out += char
            self.at += 1
        self.one('"')
        return out


def sample(line):
    reader = Reader(line)
    name, labels = reader.take(METRIC), []
    if reader.line[reader.at] == "{":
        reader.one("{")
        while True:
            label = reader.take(LABEL)
            reader.one("=")
            labels.append((label, reader.value()))
            if reader.line[reader.at] == "}":
                break
            reader.one(",")
        reader.one("}")
    reader.one(" ")
    value = float(reader.take(NUMBER))
    expect(reader.at, len(line), line)
    expect(len({label for label, _ in labels}), len(labels), line)
    return name, tuple(labels), value


def parse(text):
    """{metric: (type, {labels: value})}. Each begins with one HELP and one TYPE; no two samples are alike."""
    expect(text.endswith("\n"), True)
    metrics, helped, current = {}, set(), None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, words = line[7:].split(" ", 1)
            expect((name in helped, words != ""), (False, True), line)
            helped.add(name)
        elif line.startswith("# TYPE "):
            current, kind = line[7:].split(" ")
            expect((current in metrics, current in helped, kind in ("counter", "gauge")), (False, True, True), line)
            expect(METRIC.fullmatch(current) is not None, True, line)
            expect(current.endswith("_total"), kind == "counter", line)
            metrics[current] = kind, {}
        else:
            name, labels, value = sample(line)
            expect((name, labels in metrics[name][1]), (current, False), line)
            expect(value >= 0, True, line)
            metrics[name][1][labels] = value
    return metrics


def scrape(port):
    kind, text = scene.fetch(port, "/metrics")
    expect(kind, TYPE)
    return parse(text)


def scrape_when(port, is_so):
    """The first for which that holds, within a minute."""
    for _ in range(600):
        seen = scrape(port)
        if is_so(seen):
            return seen
        time.sleep(0.1)
    raise AssertionError(f"it was never told: {seen}")


def one(metrics, name):
    """The value of a metric without labels."""
    return metrics[name][1][()]


def pings(metrics):
    """Messages to who handles redshirt:demo/ping, which begin when its client has begun."""
    return sum(value for labels, value in metrics["redshirt_bond_messages_total"][1].items()
               if dict(labels)["interface"] == "redshirt:demo/ping")


@test
def metrics_say_what_runs(world):
    name = 'a "quoted"\\ name\nof two lines \x1b[2J\x9b3J, ä'
    with scene.system(world, 2, name.replace("\n", "~")) as port:
        before = scrape_when(port, lambda seen: one(seen, "redshirt_refused_total") >= 1 and pings(seen) > 0)
        seen = scrape_when(port, lambda seen: pings(seen) > pings(before))
        kinds = {name: kind for name, (kind, _) in seen.items()}
        expect((kinds["redshirt_process_memory_bytes"], kinds["redshirt_bond_messages_total"]), ("gauge", "counter"))
        for total in "uptime_seconds", "messages_total":
            expect(one(seen, "redshirt_" + total) > one(before, "redshirt_" + total), True, total)
        expect(one(seen, "redshirt_processes") >= 7, True)
        infos = [dict(labels) for labels in seen["redshirt_process_info"][1]]
        shown = name.replace("\x1b", "\u241b").replace("\x9b", "\\x9b")
        expect(sum(info["name"] == shown for info in infos), 2, infos)
        text = scene.fetch(port, "/api/system")[1]
        expect(("\x9b" in text, text.count("\\u009b3J")), (False, 2), text)
        ping = next(info["process"] for info in infos if info["name"] == "ping")
        pong = next(info["process"] for info in infos if info["name"] == "pong")
        bond = ("client", ping), ("interface", "redshirt:demo/ping"), ("handler", pong)
        for metric in "messages_total", "bytes_total", "answer_bytes_total":
            expect(seen["redshirt_bond_" + metric][1][bond] > before["redshirt_bond_" + metric][1][bond], True, metric)
        limited = seen["redshirt_process_memory_limit_bytes"][1]
        expect(sorted(set(limited.values())), [64 << 20], limited)
        (refused, times), *others = seen["redshirt_refusals_total"][1].items()
        refused = dict(refused)
        expect((refused["interface"], refused["right"], len(refused["hash"]), others),
               ("redshirt:kernel/inspect", "bind", 64, []), refused)
        expect(times >= 1 and refused["program"].startswith("baf"), True, refused)


@test
def metrics_have_bounds(world):
    """More processes, and more who talk to whom, than there are samples for: the totals count them."""
    with scene.system(world, 300) as port:
        seen = scrape_when(port, lambda seen: len(seen["redshirt_bond_messages_total"][1]) >= MOST_EDGES)
        expect(one(seen, "redshirt_processes") > 300, True)
        expect(len(seen["redshirt_process_info"][1]), MOST_PROCESSES)
        expect(len(seen["redshirt_process_cpu_seconds_total"][1]), MOST_PROCESSES)
        expect(len(seen["redshirt_bond_messages_total"][1]), MOST_EDGES)
        expect(sum(len(samples) for _, samples in seen.values()) <= MOST_SERIES, True)
        system = json.loads(scene.fetch(port, "/api/system")[1])
        expect((len(system["list"]), len(system["edges"]), system["moreEdges"]), (MOST_PROCESSES, MOST_EDGES, True))


@test
def metrics_reader_is_strict(world):
    """The reader above refuses what is none of that format."""
    good = '# HELP a_total words\n# TYPE a_total counter\na_total{b="c\\\\\\"\\n"} 1.5\n'
    expect(parse(good), {"a_total": ("counter", {(("b", 'c\\"\n'),): 1.5})})
    for bad in (good[:-1], good + "a_total 2 \n", good + 'a_total{b="\\x"} 1\n', good + good, good + "b 1\n",
                good + 'a_total{b="c\\\\\\"\\n"} 1\n', good + 'a_total{b="1",b="2"} 1\n', good + "a_total x\n",
                good.replace("counter", "histogram"), good.replace("a_total", "a"), good + 'a_total{b=1} 1\n', good + "\n"):
        try:
            parse(bad)
        except (AssertionError, KeyError, IndexError, ValueError):
            continue
        raise AssertionError(f"it took {bad!r}")
