# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server that knows who has what, or has blocks: web_peer.py ADDRESS FOLDER.

Prints "listening PORT", then each path that it is asked for. The answer to GET /a/b?c is the file a_b of FOLDER, with
its status in a_b.status where that is not 200, and as slowly as a_b.slow says: so many seconds before each byte."""
import http.server
import os
import sys
import time

address, folder = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, flush=True)
        path = os.path.join(folder, self.path.split("?")[0].strip("/").replace("/", "_"))

        def told(kind, otherwise):
            try:
                with open(path + kind, encoding="ascii") as file:
                    return float(file.read())
            except FileNotFoundError:
                return otherwise

        if not os.path.exists(path):
            self.send_error(404)
            return
        with open(path, "rb") as file:
            body = file.read()
        slow = told(".slow", 0)
        self.send_response(int(told(".status", 200)))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            for at in range(0, len(body), 1 if slow else len(body) or 1):
                self.wfile.write(body[at:at + 1] if slow else body)
                time.sleep(slow)
        except OSError:
            pass  # who asked has had enough

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer((address, 0), Handler)
print(f"listening {server.server_address[1]}", flush=True)
server.serve_forever()
