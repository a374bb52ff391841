"""A way to AWS that counts: requests by their operation, and how many of one were under way at once."""

import collections
import http.client
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class CountingWay:
    """Hands requests on to `target` as they come."""

    def __init__(self, target):
        self.begun, self.most = collections.Counter(), collections.Counter()
        self._now, self._lock = collections.Counter(), threading.Lock()
        host = urllib.parse.urlsplit(target).netloc
        way = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def hand_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                operation = way._begin(self, body)
                try:
                    server = http.client.HTTPConnection(host, timeout=60)
                    headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                    server.request(self.command, self.path, body, headers)
                    answer = server.getresponse()
                    data = answer.read()
                    server.close()
                finally:
                    way._end(operation)
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length", "server", "date"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = hand_on

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _begin(self, request, body):
        action = urllib.parse.parse_qs(body.decode("latin-1")).get("Action") if body.startswith(b"Action=") else None
        operation = action[0] if action else f"{request.command} object"
        with self._lock:
            self.begun[operation] += 1
            self._now[operation] += 1
            self.most[operation] = max(self.most[operation], self._now[operation])
        return operation

    def _end(self, operation):
        with self._lock:
            self._now[operation] -= 1

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
