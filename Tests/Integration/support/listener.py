"""An HTTP server that knows its connections, and can break them."""

import socket
from http.server import ThreadingHTTPServer


class Listener(ThreadingHTTPServer):
    """Threaded; a broken connection is nothing to be told about."""

    daemon_threads = True

    def __init__(self, *arguments):
        self._connections = set()
        super().__init__(*arguments)

    def process_request(self, request, address):
        self._connections.add(request)
        super().process_request(request, address)

    def shutdown_request(self, request):
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, address):
        pass

    def drop_connections(self):
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
