"""A stand-in for S3 that keeps no bytes: uploads are counted and their checksums verified, downloads are zeros."""

import base64
import hashlib
import http.server
import threading
import zlib
from urllib.parse import parse_qs, urlsplit

BLOCK = bytes(1 << 20)


class ObjectServer:
    """Started by `with`. `parts` has the sizes of an upload's parts; `faults` what was wrong with them."""

    def __init__(self, download=0):
        self.parts, self.faults, self.completed, self.download = {}, [], None, download
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if "uploads" in query:
                    return self.answer(b"<R><UploadId>u</UploadId></R>")
                outer.completed = body.decode()
                self.answer(b'<CompleteMultipartUploadResult><ETag>"all"</ETag></CompleteMultipartUploadResult>')

            def do_PUT(self):
                query = parse_qs(urlsplit(self.path).query)
                size, crc, trailers = self.read_chunks()
                outer.parts[int(query.get("partNumber", ["1"])[0])] = size
                if size != int(self.headers["x-amz-decoded-content-length"]):
                    outer.faults.append("length")
                if trailers.get("x-amz-checksum-crc32") != base64.b64encode(crc.to_bytes(4, "big")).decode():
                    outer.faults.append("checksum")
                self.answer(b"", ETag='"part"')

            def read_chunks(self):
                """Takes `aws-chunked` framing apart: the bytes, their CRC-32, the trailing fields."""
                size = crc = 0
                while (count := int(self.rfile.readline().split(b";")[0], 16)) > 0:
                    chunk = self.rfile.read(count)
                    size, crc = size + count, zlib.crc32(chunk, crc)
                    self.rfile.readline()
                trailers = {}
                while line := self.rfile.readline().strip().decode():
                    name, _, value = line.partition(":")
                    trailers[name] = value
                return size, crc, trailers

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(outer.download))
                self.send_header("ETag", '"all"')
                self.send_header("x-amz-checksum-sha256", outer.checksum())
                self.end_headers()
                for start in range(0, outer.download, len(BLOCK)):
                    self.wfile.write(BLOCK[:outer.download - start])

            def answer(self, body, **fields):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                for name, value in fields.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def checksum(self):
        hasher = hashlib.sha256()
        for start in range(0, self.download, len(BLOCK)):
            hasher.update(BLOCK[:self.download - start])
        return base64.b64encode(hasher.digest()).decode()

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()
