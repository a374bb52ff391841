"""An EC2 instance's metadata service (IMDSv2) that announces what a test says."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Metadata:
    """`announced` are texts by their paths below /latest/meta-data/."""

    def __init__(self):
        self.announced, self.looks = {}, 0
        metadata = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, text):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def do_PUT(self):
                has_time = "X-aws-ec2-metadata-token-ttl-seconds" in self.headers
                self.answer(200, "the-token") if has_time else self.answer(400, "")

            def do_GET(self):
                if self.headers.get("X-aws-ec2-metadata-token") != "the-token":
                    return self.answer(401, "")
                metadata.looks += 1
                text = metadata.announced.get(self.path.removeprefix("/latest/meta-data/"))
                self.answer(404, "") if text is None else self.answer(200, text)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self):
        return {"AWS_EC2_METADATA_DISABLED": "false",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{self.server.server_port}"}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
