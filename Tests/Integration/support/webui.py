"""A web UI that costs nothing and does what a test says: for what a real engine cannot be made to do."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler

from .listener import Listener
from .pictures import plain_png

MODEL = "v1-5-pruned-emaonly.safetensors"
MAKES = {"txt2img", "img2img", "extra-single-image", "extra-batch-images"}


class WebUI:
    """One 'GPU': requests are served one after the other, as the web UI does.

    `seconds` is how long an image takes, `delays` how long the next ones take instead; `faults` are given in place of the next images: an answer (status, JSON), or a
    function that writes what it likes to the request's handler. With `varies`, no two calls make the same picture.
    `memory` is what its process holds, in bytes, until it lets go of its model. One that `keeps_model` loads no other, and
    says 200.
    """

    def __init__(self, seconds=0.0, port=0, varies=False):
        self.seconds, self.delays, self.faults, self.varies = seconds, [], [], varies
        self.calls, self.made, self.interrupts = [], [], 0
        self.models, self.loaded, self.memory, self.keeps_model, self.reloads = [MODEL], MODEL, 0, False, 0
        self.echo, self.padding, self.shade = {}, 0, 0
        # Answers to requests with a prompt of this kind, whenever they come.
        self.refusals = {}
        # What goes wrong with the next image, if anything: asked before each.
        self.mischief = lambda: None
        # Not loaded yet, as a proxy before an engine tells; and how often somebody asked.
        self.is_away, self.looks = False, 0
        self.stopped = threading.Event()
        # How often it was asked to end.
        self.stops = 0
        # Set when the running image is to be broken off; the next one begins anew, as the web UI's does.
        self.broken_off = threading.Event()
        self._gpu, self._busy = threading.Lock(), False
        self._server = Listener(("127.0.0.1", port), self._handler())
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Goes away, with whatever it was at."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()

    def work(self, seconds):
        """Keeps the GPU busy until the time is over, or until somebody interrupts."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stopped.is_set():
                raise ConnectionAbortedError("the engine has died")
            if self.broken_off.wait(min(left, 0.05)):
                return

    def _generate(self, path, body):
        with self._gpu:
            self.broken_off.clear()
            self._busy = True
            try:
                return self._made(path, body)
            finally:
                self._busy = False

    def _made(self, path, body):
        self.calls.append((path, body))
        if fault := self.faults.pop(0) if self.faults else self.mischief():
            return fault
        self.work(self.delays.pop(0) if self.delays else self.seconds)
        if refusal := self.refusals.get(body.get("prompt", body.get("upscaler_1"))):
            return refusal
        count = int(body.get("batch_size", 1)) * int(body.get("n_iter", 1))
        seed = body.get("seed", -1)
        if not self.keeps_model:
            self.loaded = body.get("override_settings", {}).get("sd_model_checkpoint", self.loaded)
        shade = self.shade + (len(self.calls) * 16 if self.varies else 0)
        # ControlNet's maps come after the pictures.
        units = [unit for name, script in body.get("alwayson_scripts", {}).items() if name.lower() == "controlnet"
                 for unit in script["args"]]
        made = [plain_png(16, 16, lambda x, y, n=n: (x, y, (n + shade) % 256), padding=self.padding)
                for n in range(count + len(units))]
        self.made += made
        images = [base64.b64encode(image).decode() for image in made]
        info = {"all_seeds": [seed + n for n in range(count)], "seed": seed, "prompt": body.get("prompt", ""),
                "sd_model_name": self.loaded.rsplit(".", 1)[0], "index_of_first_image": 0}
        if path.endswith("extra-single-image"):
            return 200, {"html_info": "<p>done</p>", "image": images[0]}
        if path.endswith("extra-batch-images"):
            return 200, {"html_info": "<p>done</p>", "images": images[:1] * len(body.get("imageList", []))}
        echo = {"n_iter": 1, "batch_size": 1} | {name: value for name, value in body.items() if name != "init_images"}
        echo |= self.echo
        return 200, {"images": images, "parameters": echo, "info": json.dumps(info)}

    def _handler(self):
        webui = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, value):
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                webui.looks += 1
                if webui.is_away:
                    return self.answer(503, {"detail": "loading"})
                values = {
                    "options": {"sd_model_checkpoint": webui.loaded, "samples_format": "png"},
                    "sd-models": [{"title": model, "model_name": model.rsplit(".", 1)[0], "filename": f"/m/{model}", "hash": None}
                                  for model in webui.models],
                    "progress": {"progress": 0.0, "eta_relative": 0.0, "current_image": None,
                                 "state": {"job": "a task", "job_count": 1} if webui._busy else {"job": "", "job_count": 0}},
                    "memory": {"ram": {"used": webui.memory}, "cuda": {}}}
                name = self.path.split("?")[0].removeprefix("/sdapi/v1/")
                if name in MAKES:
                    return self.answer(405, {"detail": "Method Not Allowed"})
                self.answer(200, values[name]) if name in values else self.answer(404, {"detail": "Not Found"})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                name = self.path.removeprefix("/sdapi/v1/")
                if name in MAKES:
                    try:
                        made = webui._generate(self.path, body)
                        made(self) if callable(made) else self.answer(*made)
                    except OSError:
                        self.close_connection = True  # one of the two is gone
                elif name in ("unload-checkpoint", "reload-checkpoint", "refresh-checkpoints"):
                    if name == "unload-checkpoint":
                        webui.memory, webui.reloads = 0, webui.reloads + 1
                    self.answer(200, {})
                elif name == "server-stop":
                    webui.stops += 1
                    self.answer(200, "Stopping.")
                elif name == "interrupt":
                    webui.interrupts += 1
                    webui.broken_off.set()
                    self.answer(200, {})
                else:
                    self.answer(404, {"detail": "Not Found"})

            def log_message(self, *arguments):
                pass

        return Handler
