"""A web UI that answers with files: `answer_server.py SMALL LARGE` prints its address.

The prompt of a txt2img request names the file: small or large.
"""

import http.server
import json
import pathlib
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers = {}

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"[]")

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(self.answers[request["prompt"]])

    def log_message(self, *arguments):
        pass


Handler.answers = {name: pathlib.Path(path).read_bytes() for name, path in zip(("small", "large"), sys.argv[1:])}
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
