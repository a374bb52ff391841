"""A container registry, as far as it tells what its tags point to: with a token, as Docker Hub wants it, or without."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Registry:
    def __init__(self, wants_token=False):
        self.digests, self.asked = {}, []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(handler):
                self.asked.append(handler.path)
                if wants_token and handler.headers.get("Authorization") != "Bearer anonymous":
                    handler.answer(401, {"WWW-Authenticate":
                                         f'Bearer realm="{self.url}/token",service="tests",scope="repository:a:pull"'})
                elif digest := self.digests.get(handler.path):
                    handler.answer(200, {"Docker-Content-Digest": f"sha256:{digest}"})
                else:
                    handler.answer(404, {})

            def do_GET(handler):
                handler.answer(200, {}, b'{"token": "anonymous"}')

            def answer(handler, status, headers, body=b""):
                handler.send_response(status)
                for name, value in headers.items():
                    handler.send_header(name, value)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def push(self, repository, tag, digest):
        """A tag that points to a digest from now on; the image's whole name."""
        self.digests[f"/v2/{repository}/manifests/{tag}"] = digest
        return f"{self.host}/{repository}:{tag}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
