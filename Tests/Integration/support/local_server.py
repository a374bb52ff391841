"""HTTP servers of tests, on ports of their own."""

import threading
from http.server import ThreadingHTTPServer


class LocalServer:
    """Serves with a handler until it is stopped."""

    def __init__(self, handler, host="127.0.0.1"):
        self._server = ThreadingHTTPServer((host, 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
