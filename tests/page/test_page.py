# SPDX-License-Identifier: GPL-3.0-or-later
"""The live page in a real browser. One start of it for all that is looked at."""
import browser
import scene
from harness import Skip, expect, test

# Shows a system of so many processes, programs, interfaces and refusals; gives the boxes on the left and in
# the middle, and their words.
MADE_UP = """((count, programs, faces, refused) => {
    const list = [...Array(count).keys()].map(i => ({ id: 1000 + i, parent: 0, program: "p" + i % programs, name: "n" + i % programs,
        state: "waiting", memory: 65536, time: 0, threads: 1, sent: 0, received: 0, answers: 0, bonds: 1, inFlight: 0 }));
    show({ uptime: 1e9, workers: 1, processes: count, messages: 0, messageBytes: 0, refused: refused, moreEdges: false, interfaces: [], list,
        edges: list.map((p, i) => ({ client: p.id, name: "t:i/f" + i % faces, handler: 0, messages: 1, bytes: 1, answerBytes: 1 })),
        refusals: [...Array(refused).keys()].map(i => ({ process: 1, program: "q" + i, startedAs: "q", name: "t:i/f0", hash: "", right: "bind", count: 1, last: 1 })) });
    const boxes = column => [...document.querySelectorAll(`[data-node^="${column} "]`)];
    return [boxes(0).length, boxes(1).length, boxes(0).map(box => box.textContent).join(" ")];
})"""
NODES = "[...document.querySelectorAll('[data-node]')]"
EDGES = "[...document.querySelectorAll('[data-edge]')]"


def edge(words):
    """The first edge whose ends have these words in them."""
    return f"{EDGES}.find(e => e.dataset.edge.includes({words!r}))"


def shows_the_graph(page):
    """Nodes with memory and CPU, edges with rates that change, in the picture and in the table."""
    page.when(f"{edge('redshirt:demo/ping')}?.dataset.rate > 0", "a rate")
    labels = page.ask(f"{NODES}.map(n => n.getAttribute('aria-label'))")
    for words in "ping, #", "pong, #", "web, #", "redshirt:demo/ping, ", "the machine, ", "log, #":
        expect(any(label.startswith(words) for label in labels), True, (words, labels))
    web = next(label for label in labels if label.startswith("web, #"))
    expect("iB" in web and "% CPU" in web and "/s to redshirt:io/tcp" in web, True, web)
    rates = {page.ask(f"{edge('redshirt:demo/ping')}.dataset.rate")}
    for _ in range(100):
        if len(rates) > 1:
            break
        rates.add(page.when(f"{edge('redshirt:demo/ping')}.dataset.rate", "a rate"))
        page.ask("new Promise(done => setTimeout(done, 100)) && 1")
    talk = page.ask("[...document.querySelectorAll('#talk tr')].map(row => [...row.cells].map(cell => cell.textContent))")
    ping = next(row for row in talk if row[1] == "redshirt:demo/ping")
    expect((ping[0].startswith("ping #"), ping[2].startswith("pong #")), (True, True), ping)
    expect(page.ask(f"parseFloat({edge('redshirt:demo/ping')}.firstChild.getAttribute('stroke-width')) > 1.3"), True)


def shows_refusals(page):
    """In red, between who wanted it and what; counted as they come, though the process has ended."""
    refused = f"{EDGES}.find(e => e.dataset.refused > 0)"
    seen = page.when(f"{refused}?.dataset.refused", "a refusal")
    expect("interface redshirt:kernel/inspect" in page.ask(f"{refused}.dataset.edge"), True)
    expect(page.ask(f"{refused}.firstChild.getAttribute('class')"), "edge refused")
    page.when(f"{refused}.dataset.refused > {seen}", "another refusal")
    row = page.ask("[...document.querySelector('#refusals tr').cells].map(cell => cell.textContent)")
    expect((row[0].startswith("nosy #"), row[1], row[2]), (True, "use", "redshirt:kernel/inspect"), row)
    expect(page.ask("document.getElementById('refused').textContent > 0"), True)


def shows_names_as_text(page):
    """A name is never HTML, wherever it stands."""
    names = page.when(f"{NODES}.map(n => n.querySelector('title').textContent).filter(t => t.includes('onerror'))", "it")
    expect(all(name.startswith(scene.HOSTILE + "\n") for name in names), True, names)
    expect(page.ask("[...document.querySelectorAll('#list td')].some(td => td.textContent === "
                    f"{scene.HOSTILE!r})"), True)
    expect(page.ask("[document.title, document.images.length, document.scripts.length]"), ["redshirt", 0, 1])


def is_reached_by_keys(page):
    """Tab leads to each node, and its edges stand out."""
    for _ in range(3):
        page.press("Tab", 9)
    key = page.when("document.activeElement.dataset?.node", "a node that has the focus")
    page.when(f"{EDGES}.some(e => e.classList.contains('dim'))", "edges that do not")
    lit = page.ask(f"{EDGES}.filter(e => !e.classList.contains('dim')).map(e => e.dataset.edge)")
    expect(all(key[2:] in ends for ends in lit), True, (key, lit))
    page.when(f"window.asked = (window.asked || 0) + 1, window.asked > 15 && document.activeElement.dataset.node === {key!r}",
              "the focus where it was, after a second")


def respects_dark_mode(page):
    light = page.ask("getComputedStyle(document.body).backgroundColor")
    page.colors("dark")
    dark = page.when(f"getComputedStyle(document.body).backgroundColor !== {light!r} && "
                     "getComputedStyle(document.querySelector('.node text')).fill", "other colors")
    expect(dark, "rgb(240, 234, 230)")
    page.colors("light")


def stays_readable(page, count):
    """Many processes are grouped by program."""
    page.when(f"{NODES}.some(n => n.textContent.includes('×{count + 1}'))", "a group")
    nodes = page.ask(f"{NODES}.length")
    expect(nodes <= 3 * 24 + 8 and page.ask(f"{EDGES}.length") > 10, True, nodes)
    expect(page.ask("!document.getElementById('who-note').hidden"), True)


def groups_at_its_bounds(page):
    """24 boxes in a column; beyond, programs, and then "others". Who is gone leaves nothing behind."""
    for what, left, middle, words in (
            ((3, 3, 1, 0), 3, 1, "#1002"), ((24, 24, 24, 0), 24, 24, "#1023"), ((25, 25, 25, 0), 24, 24, "others"),
            ((25, 2, 1, 0), 2, 1, "×13"), ((256, 1, 24, 0), 1, 24, "×256"), ((2, 2, 1, 8), 10, 1, "has ended"),
            ((2, 2, 1, 9), 10, 1, "has ended"), ((1, 1, 1, 0), 1, 1, "#1000")):
        boxes = page.ask(f"{MADE_UP}{what}")
        expect((boxes[:2], words in boxes[2], "others" in boxes[2]), ([left, middle], True, words == "others"), what)


@test
def page_shows_who_talks_to_whom(world):
    if browser.found() is None:
        raise Skip("no browser: one of " + ", ".join(browser.NAMES))
    with browser.browser() as page:
        with scene.system(world, 2, scene.HOSTILE) as port:
            page.open(f"http://127.0.0.1:{port}/")
            shows_the_graph(page)
            shows_refusals(page)
            shows_names_as_text(page)
            is_reached_by_keys(page)
            respects_dark_mode(page)
            page.open("about:blank")  # before the server is gone
        with scene.system(world, 200) as many:
            page.open(f"http://127.0.0.1:{many}/")
            stays_readable(page, 200)
            groups_at_its_bounds(page)
            page.open("about:blank")
        ours = [f"http://127.0.0.1:{n}/" for n in (port, many)]
        outside = [url for url in page.requests if not url.startswith((*ours, "data:", "about:"))]
        expect((outside, page.problems), ([], []))
