"""A stage of a REST API of API Gateway before a Lambda function: what it asks of clients, and what it makes of requests."""

import base64
import fnmatch
import threading
from http.server import BaseHTTPRequestHandler

from .lambda_runtime import rest_event
from .listener import Listener

# Left out: the function's ideas of them, since the bytes go out anew.
OURS = {"content-length", "connection"}


class ApiGateway:
    """Lets in who has the key, as a usage plan does, and only below its stage.

    What the function answers in base64 is decoded for clients whose first accepted type is one of `binary`; the others get
    the base64 ("Return binary media from a Lambda proxy integration", API Gateway developer guide).
    """

    def __init__(self, function, key, stage="prod", binary=("image/*",)):
        self.function, self.key, self.stage, self.binary = function, key, stage, binary
        # Method and path of what was let in, and how many calls were not.
        self.calls, self.refused = [], 0
        self._server = Listener(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/{stage}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method, target, body, headers):
        path = target.removeprefix(f"/{self.stage}")
        if path == target or not path.startswith("/") or headers.get("x-api-key") != self.key:
            self.refused += 1
            return 403, {"content-type": "application/json", "x-amzn-errortype": "ForbiddenException"}, b'{"message":"Forbidden"}'
        self.calls.append(f"{method} {path}")
        event = rest_event(method, path, body, headers)
        event["requestContext"]["identity"] |= {"apiKey": self.key, "apiKeyId": "key1"}
        answer = self.function.invoke(event)
        content = answer.get("body", "").encode()
        accepted = headers.get("accept", "").split(",")[0].split(";")[0].strip()
        if answer.get("isBase64Encoded") and any(fnmatch.fnmatchcase(accepted, each) for each in self.binary):
            content = base64.b64decode(content)
        return answer["statusCode"], answer.get("headers", {}), content

    def _handler(self):
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, headers, content = gateway._answer(self.command, self.path, body, headers)
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in OURS:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve

            def log_message(self, *_):
                pass

        return Handler
