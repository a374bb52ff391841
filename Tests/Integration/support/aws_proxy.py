"""What stands between the programs and AWS: it notes every call, and does to it what a test says.

A fault is a function of a call. It may act before and after the call is forwarded, answer in its place, or drop the
connection; a call that it does not answer is forwarded.
"""

import collections
import fnmatch
import http.client
import socket
import struct
import threading
import time
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from .listener import Listener

# S3's operations by method, whether a key is named, and what of the query tells them apart.
OBJECT_CALLS = [
    ("POST", True, "uploads", "CreateMultipartUpload"), ("POST", True, "uploadId", "CompleteMultipartUpload"),
    ("PUT", True, "partNumber", "UploadPart"), ("DELETE", True, "uploadId", "AbortMultipartUpload"),
    ("PUT", True, "", "PutObject"), ("GET", True, "", "GetObject"), ("HEAD", True, "", "HeadObject"),
    ("DELETE", True, "", "DeleteObject"), ("POST", False, "delete", "DeleteObjects"), ("GET", False, "", "ListObjectsV2"),
]
# Hop by hop, or made anew.
OURS = {"connection", "transfer-encoding", "content-length", "date", "server"}
LIMIT = 120


class Call:
    """A request, and what became of it."""

    def __init__(self, proxy, handler):
        self.proxy, self._handler = proxy, handler
        self.at, self.status, self._body = time.monotonic(), None, None
        self.method, self.target, self.headers = handler.command, handler.path, handler.headers
        self.length = int(self.headers.get("Content-Length", 0))
        scope = self.headers.get("Authorization", "").partition("Credential=")[2].split(",")[0].split("/")
        self.access_key, self.service = scope[0], scope[3] if len(scope) > 3 else ""
        self.key = self.form = None
        if self.service == "s3":
            self.operation = self._object_call()
        else:
            self.form = dict(parse_qsl(self.body.decode(), keep_blank_values=True))
            self.operation = self.form.get("Action", "")

    def _object_call(self):
        target = urlsplit(self.target)
        told = set(parse_qs(target.query, keep_blank_values=True))
        bucket, _, key = unquote(target.path).lstrip("/").partition("/")
        self.bucket, self.key = bucket, key
        for method, has_key, part, name in OBJECT_CALLS:
            if method == self.method and has_key == bool(key) and (not part or part in told):
                return name
        return f"{self.method} {self.target}"

    @property
    def name(self):
        return f"{self.service}.{self.operation}"

    @property
    def is_answered(self):
        return self.status is not None

    @property
    def body(self):
        if self._body is None:
            self._body = self._handler.rfile.read(self.length)
        return self._body

    def read_part(self, count):
        """Takes so much of the body and no more, as a server does whose connection is about to break."""
        self._handler.rfile.read(min(count, self.length))

    def change(self, **fields):
        """Has AWS asked for something else than was asked."""
        self.form |= fields
        self._body = urlencode(self.form).encode()

    def forward(self):
        """Has AWS do it, and answers with what it says unless the fault does."""
        target = urlsplit(self.proxy.target)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=LIMIT)
        try:
            left_out = ("connection", "expect", "content-length", "host")
            headers = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
            connection.request(self.method, self.target, self.body, headers | {"Content-Length": str(len(self.body))})
            answer = connection.getresponse()
            return answer.status, {name: value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def answer(self, status, body=b"", headers=None):
        body = body.encode() if isinstance(body, str) else body
        length = (headers or {}).get("Content-Length", len(body)) if self.method == "HEAD" else len(body)
        self.status, handler = status, self._handler
        try:
            handler.send_response_only(status)
            handler.send_header("Date", formatdate(self.proxy.now.timestamp(), usegmt=True))
            for name, value in (headers or {}).items():
                if name.lower() not in OURS:
                    handler.send_header(name, value)
            handler.send_header("Content-Length", str(length))
            handler.end_headers()
            if self.method != "HEAD":
                handler.wfile.write(body)
        except OSError:
            handler.close_connection = True

    def pass_on(self):
        status, headers, body = self.forward()
        self.answer(status, body, headers)

    def refuse(self, status, code, message="said by the test"):
        """An error as this service writes one."""
        self.body  # read, so that the connection can go on
        kind = "Receiver" if status >= 500 else "Sender"
        error = f"<Code>{code}</Code><Message>{message}</Message>"
        text = (f"<Error>{error}<RequestId>r</RequestId></Error>" if self.service == "s3" else
                f"<ErrorResponse><Error><Type>{kind}</Type>{error}</Error><RequestId>r</RequestId></ErrorResponse>")
        self.answer(status, "" if self.method == "HEAD" else text, {"Content-Type": "text/xml"})

    def drop(self):
        """Resets the connection."""
        self.status = 0
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        self._handler.close_connection = True


class Fault:
    """Something that happens to the next calls of a kind."""

    def __init__(self, what, act, times, key, where):
        self.what, self.act, self.left, self.key, self.where, self.count = what, act, times, key, where, 0

    def fits(self, call):
        return ((self.left is None or self.left > 0) and fnmatch.fnmatch(call.name, self.what)
                and (self.key is None or fnmatch.fnmatch(call.key or "", self.key))
                and (self.where is None or self.where(call)))

    def stop(self):
        self.left = 0


class Proxy:
    """`calls` has what was asked, in order; `offset` is how far its clock is off, in seconds."""

    def __init__(self, target):
        self.target, self.calls, self.offset = target, [], 0
        # How many calls of each name were answered how; and whether the calls themselves are kept.
        self.counts, self.remembers = collections.Counter(), True
        self._faults, self._lock = [], threading.Lock()
        self._server = Listener(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def cut(self):
        """Breaks every connection, long polls among them."""
        self._server.drop_connections()

    @property
    def now(self):
        return datetime.now(timezone.utc) + timedelta(seconds=self.offset)

    def on(self, what, act, times=None, key=None, where=None):
        """Has a fault happen to calls such as `s3.PutObject` of keys such as `*.png`; the newest fitting one does."""
        fault = Fault(what, act, times, key, where)
        with self._lock:
            self._faults.insert(0, fault)
        return fault

    def heard(self, what, key=None):
        """The calls of a kind so far."""
        return [call for call in list(self.calls)
                if fnmatch.fnmatch(call.name, what) and (key is None or fnmatch.fnmatch(call.key or "", key))]

    def _serve(self, call):
        with self._lock:
            if self.remembers:
                self.calls.append(call)
            fault = next((each for each in self._faults if each.fits(call)), None)
            if fault:
                fault.count += 1
                if fault.left is not None:
                    fault.left -= 1
        if self.offset and abs(self._asked_at(call) - self.now) > timedelta(minutes=15):
            return call.refuse(*((403, "RequestTimeTooSkewed") if call.service == "s3" else (400, "RequestExpired")))
        if fault:
            fault.act(call)
        if not call.is_answered:
            call.pass_on()
        with self._lock:
            self.counts[call.name, call.status] += 1

    @staticmethod
    def _asked_at(call):
        text = call.headers.get("X-Amz-Date", "")
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)

    def _handler(self):
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def serve(self):
                try:
                    proxy._serve(Call(proxy, self))
                except OSError:
                    # Whoever asked is gone, or the test is over.
                    self.close_connection = True

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = serve

            def log_message(self, *_):
                pass

        return Handler


# Faults that many tests need

def refuse(status, code, message="said by the test"):
    return lambda call: call.refuse(status, code, message)


def drop(call):
    """The connection breaks before anything was done."""
    call.body
    call.drop()


def commit_and_drop(call):
    """It is done, and nobody hears of it."""
    call.forward()
    call.drop()


def kill(process, committed):
    """The program dies at this call: after it was done, or before."""
    def act(call):
        if committed:
            call.forward()
        process().kill()
        call.drop()
    return act


class Hold:
    """Keeps calls waiting until they are let go."""

    def __init__(self):
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self, call):
        self.reached.set()
        self._open.wait(LIMIT)

    def let_go(self):
        self._open.set()
