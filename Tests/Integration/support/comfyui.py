"""A ComfyUI that costs nothing: it takes graphs, and has done them at once. Its events are not served; its history is asked."""

import json
import threading
import time
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from .listener import Listener
from .pictures import plain_png

CLASSES = {"KSampler", "EmptyLatentImage", "CLIPTextEncode", "LoadImage", "SaveImage", "Fail"}


class ComfyUI:
    """`graphs` are those it did, and `seconds` how long each answer to one takes; a node of the class `Fail` fails as its
    inputs say."""

    def __init__(self, seconds=0.0):
        self.seconds, self.graphs, self.uploads = seconds, [], []
        self._history, self._files = {}, {}
        self._server = Listener(("127.0.0.1", 0), self._handler())
        # As the reference's charts write it: without a scheme.
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()

    @staticmethod
    def _refusal(graph):
        """What is wrong with a graph, as ComfyUI says it before it begins."""
        errors = {name: {"errors": [{"type": "invalid_prompt", "message": "Cannot execute because node does not exist",
                                     "details": f"Node ID '#{name}'"}], "dependent_outputs": [], "class_type": node["class_type"]}
                  for name, node in graph.items() if node["class_type"] not in CLASSES}
        if errors:
            return {"error": {"type": "invalid_prompt", "message": "Cannot execute", "details": "", "extra_info": {}},
                    "node_errors": errors}
        if not any(node["class_type"] == "SaveImage" for node in graph.values()):
            return {"error": {"type": "prompt_no_outputs", "message": "Prompt has no outputs", "details": "", "extra_info": {}},
                    "node_errors": {}}

    def _execute(self, graph, id_):
        self.graphs.append(graph)
        outputs, messages = {}, [["execution_start", {"prompt_id": id_}]]
        for name, node in graph.items():
            if node["class_type"] == "Fail":
                messages.append(["execution_error", {
                    "prompt_id": id_, "node_id": name, "node_type": "Fail", "exception_type": node["inputs"]["type"],
                    "exception_message": node["inputs"]["message"], "traceback": []}])
                return outputs, messages, "error"
        count = next((node["inputs"]["batch_size"] for node in graph.values() if "batch_size" in node["inputs"]), 1)
        for name, node in graph.items():
            if node["class_type"] != "SaveImage":
                continue
            subfolder, _, stem = node["inputs"]["filename_prefix"].rpartition("/")
            images = [{"filename": f"{stem}_{number:05}_.png", "subfolder": subfolder, "type": "output"}
                      for number in range(1, count + 1)]
            for number, image in enumerate(images):
                self._files[subfolder, image["filename"]] = plain_png(16, 16, lambda x, y, n=number: (x, y, n))
            outputs[name] = {"images": images}
        messages.append(["execution_success", {"prompt_id": id_}])
        return outputs, messages, "success"

    def _submit(self, body):
        time.sleep(self.seconds)
        graph, id_ = body["prompt"], body["prompt_id"]
        if refusal := self._refusal(graph):
            return 400, refusal
        outputs, messages, status = self._execute(graph, id_)
        self._history[id_] = {
            "prompt": [len(self.graphs), id_, graph, {}, list(outputs)], "outputs": outputs, "meta": {},
            "status": {"status_str": status, "completed": status == "success", "messages": messages}}
        return 200, {"prompt_id": id_, "number": len(self.graphs), "node_errors": {}}

    def _upload(self, headers, data):
        form = BytesParser().parsebytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + data)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.get_payload()}
        name = parts["image"].get_filename()
        subfolder = parts["subfolder"].get_payload() if "subfolder" in parts else ""
        self.uploads.append(parts["image"].get_payload(decode=True))
        return 200, {"name": name, "subfolder": subfolder, "type": "input"}

    def _ask(self, path, query):
        if path.startswith("/history/"):
            id_ = path.removeprefix("/history/")
            return {id_: self._history[id_]} if id_ in self._history else {}
        return {"/prompt": {"exec_info": {"queue_remaining": 0}}, "/queue": {"queue_running": [], "queue_pending": []},
                "/system_stats": {"system": {"comfyui_version": "0.3.64"}, "devices": []},
                "/models/checkpoints": ["v1-5-pruned-emaonly.safetensors"]}.get(path)

    def _handler(self):
        comfy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, value, type_="application/json"):
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", type_)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                target = urlsplit(self.path)
                query = dict(parse_qsl(target.query))
                if target.path == "/view":
                    file = comfy._files.get((query.get("subfolder", ""), query["filename"]))
                    return self.answer(200 if file else 404, file or b"", "image/png")
                value = comfy._ask(target.path, query)
                self.answer(404, b"") if value is None else self.answer(200, value)

            def do_POST(self):
                data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/prompt":
                    return self.answer(*comfy._submit(json.loads(data)))
                if self.path == "/upload/image":
                    return self.answer(*comfy._upload(self.headers, data))
                self.answer(200, b"")

            def log_message(self, *_):
                pass

        return Handler
