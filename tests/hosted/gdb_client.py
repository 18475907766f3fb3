# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of the remote protocol that `redshirt run --gdb` speaks."""
import socket

CODE = 1 << 62  # plus an offset in the module's file


class Gdb:
    """One connection. `ask` is a packet and its answer; what stops the program is an answer, too."""

    def __init__(self, port, family=socket.AF_INET, patience=60):
        self.socket = socket.socket(family)
        self.socket.settimeout(patience)
        self.socket.connect(("127.0.0.1" if family == socket.AF_INET else "::1", port))
        self.buffer = b""
        self.acknowledges = True
        if self.ask("QStartNoAckMode") == "OK":
            self.acknowledges = False

    def close(self):
        self.socket.close()

    def send(self, content):
        data = content.encode("latin-1") if isinstance(content, str) else content
        self.socket.sendall(b"$" + data + b"#" + f"{sum(data) & 255:02x}".encode())

    def send_raw(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The content of the next packet; None: the connection is closed."""
        while True:
            start = self.buffer.find(b"$")
            end = self.buffer.find(b"#", start)
            if start >= 0 and end >= 0 and len(self.buffer) >= end + 3:
                content = self.buffer[start + 1:end]
                wanted = int(self.buffer[end + 1:end + 3], 16)
                assert sum(content) & 255 == wanted, content
                self.buffer = self.buffer[end + 3:]
                if self.acknowledges:
                    self.socket.sendall(b"+")
                return self.plain(content).decode("latin-1")
            data = self.socket.recv(65536)
            if not data:
                return None
            self.buffer += data

    @staticmethod
    def plain(content):
        out, at = bytearray(), 0
        while at < len(content):
            if content[at:at + 1] == b"}":
                at += 1
                out.append(content[at] ^ 0x20)
            else:
                out.append(content[at])
            at += 1
        return bytes(out)

    def ask(self, content):
        self.send(content)
        return self.receive()

    def interrupt(self):
        self.socket.sendall(b"\x03")

    # ---- in words

    def offset(self):
        """Where it stands, as an offset in the file."""
        return int.from_bytes(bytes.fromhex(self.ask("p0")), "little") - CODE

    def stack(self):
        data = bytes.fromhex(self.ask("qWasmCallStack:1"))
        return [int.from_bytes(data[at:at + 8], "little") - CODE for at in range(0, len(data), 8)]

    def value(self, what, frame, index):
        """The bytes of a Local, Global or StackValue; None: there is none."""
        answer = self.ask(f"qWasm{what}:{frame};{index}")
        return None if answer.startswith("E") else bytes.fromhex(answer)

    def number(self, what, frame, index):
        return int.from_bytes(self.value(what, frame, index), "little")

    def read(self, address, size):
        answer = self.ask(f"m{address:x},{size:x}")
        return None if answer.startswith("E") else bytes.fromhex(answer)

    def write(self, address, data):
        return self.ask(f"M{address:x},{len(data):x}:{data.hex()}")

    def break_at(self, offset, on=True):
        return self.ask(f"{'Z' if on else 'z'}0,{CODE + offset:x},1")
