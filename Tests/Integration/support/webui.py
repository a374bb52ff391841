"""A web UI that costs nothing and does what a test says: for what a real engine cannot be made to do."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler

from .local_server import LocalServer
from .pictures import plain_png

MODEL = "v1-5-pruned-emaonly.safetensors"


class WebUI(LocalServer):
    """One 'GPU': requests are served one after the other, as the web UI does.

    `seconds` is how long an image takes; `faults` are answers (status, JSON) given in place of the next images.
    """

    def __init__(self, seconds=0.0):
        self.seconds, self.faults = seconds, []
        self.calls, self.interrupts = [], 0
        self._gpu = threading.Lock()
        super().__init__(self._handler())

    def _generate(self, path, body):
        with self._gpu:
            self.calls.append((path, body))
            if self.faults:
                return self.faults.pop(0)
            time.sleep(self.seconds)
        count = int(body.get("batch_size", 1)) * int(body.get("n_iter", 1))
        seed = body.get("seed", -1)
        images = [base64.b64encode(plain_png(16, 16, lambda x, y, n=n: (x, y, n))).decode() for n in range(count)]
        info = {"all_seeds": [seed + n for n in range(count)], "seed": seed, "prompt": body.get("prompt", ""),
                "sd_model_name": MODEL.rsplit(".", 1)[0], "index_of_first_image": 0}
        if path.endswith("extra-single-image"):
            return 200, {"html_info": "<p>done</p>", "image": images[0]}
        echo = {"n_iter": 1, "batch_size": 1} | {name: value for name, value in body.items() if name != "init_images"}
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
                values = {
                    "options": {"sd_model_checkpoint": MODEL, "samples_format": "png"},
                    "sd-models": [{"title": MODEL, "model_name": MODEL.rsplit(".", 1)[0], "filename": f"/m/{MODEL}", "hash": None}],
                    "progress": {"progress": 0.0, "eta_relative": 0.0, "state": {"job": "", "job_count": 0}, "current_image": None},
                    "memory": {"ram": {}, "cuda": {}}}
                name = self.path.split("?")[0].removeprefix("/sdapi/v1/")
                self.answer(200, values[name]) if name in values else self.answer(404, {"detail": "Not Found"})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                name = self.path.removeprefix("/sdapi/v1/")
                if name in ("txt2img", "img2img", "extra-single-image"):
                    self.answer(*webui._generate(self.path, body))
                elif name == "interrupt":
                    webui.interrupts += 1
                    self.answer(200, {})
                else:
                    self.answer(404, {"detail": "Not Found"})

            def log_message(self, *arguments):
                pass

        return Handler
