# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems whose page is looked at: demo.system, and beside it some who talk, and one who may not."""
import contextlib
import os
import socket
import time
import urllib.request

from harness import expect

HOSTILE = "</script><img src=x onerror=\"document.title='hit'\">&amp;"


def quoted(word):
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def text_of(world, port, crowd, name):
    """The system file, with so many processes of that name."""
    added = world.run("add", world.guest("throng"))
    cid = added.out.decode().split()[0]
    with open(os.path.join(os.path.dirname(__file__), "../../programs/demo.system")) as file:
        demo = file.read().replace("http 8000", f"http {port}")
    return f"""{demo}
program pong {world.guest("mortal")} handle 1000000000
    handles redshirt:demo/ping
    may redshirt:demo/ping redshirt:kernel/budget=cpu:5
program ping {world.guest("mortal")} call 1000000000
program throng {world.guest("throng")} {cid} {crowd} {quoted(name)}
    may redshirt:kernel/budget=memory:64MiB
program nosy {world.guest("inspector")}     # wants to see what runs, and may not
    restart on-failure
"""


def fetch(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


@contextlib.contextmanager
def system(world, crowd=2, name="throng"):
    """Its port, once the page is there and all of the crowd has started."""
    port = free_port()
    path = world.write(f"{port}.system", text_of(world, port, crowd, name).encode())
    with world.running("up", path) as process:
        if not any(said.startswith(b"started") for said in process.stdout):
            raise AssertionError(f"it did not start: {process.stderr.read()[-600:]!r}")
        for _ in range(600):
            with contextlib.suppress(OSError):
                fetch(port, "/hello")
                break
            time.sleep(0.1)
        yield port
        process.terminate()
        expect(process.wait(timeout=60), 0, "up")  # or what a sanitizer has to say
