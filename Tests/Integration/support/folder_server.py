"""A folder over HTTP, and which of its files were asked for."""

import functools
from http.server import SimpleHTTPRequestHandler

from .local_server import LocalServer


class FolderServer(LocalServer):
    def __init__(self, folder, **options):
        self.paths = paths = []

        class Handler(SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                paths.append(self.path)
                super().do_GET()

            def log_message(self, *arguments):
                pass

        super().__init__(functools.partial(Handler, directory=folder), **options)
