"""HTTP byte by byte: for requests that no client library would send."""

import re
import socket
import urllib.parse


class Line:
    """One connection to a server."""

    def __init__(self, url, limit=30):
        address = urllib.parse.urlsplit(url)
        self.host = f"{address.hostname}:{address.port}"
        self.socket = socket.create_connection((address.hostname, address.port), timeout=limit)
        self.received = b""

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def read(self):
        """Everything up to the end of the connection, or what has come when the limit is over."""
        try:
            while piece := self.socket.recv(65536):
                self.received += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return self.received

    @property
    def statuses(self):
        """The statuses of all answers that came until the server closed the connection."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.read())]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def statuses(url, request, limit=30):
    """What a server answers to bytes, until it closes the connection."""
    with Line(url, limit) as line:
        return line.send(request.replace(b"HOST", line.host.encode())).statuses
