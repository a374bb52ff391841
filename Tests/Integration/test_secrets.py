"""No password, signature, token or image in a log, a span, or an error, however much is told."""

import base64

from support import web
from support.pictures import plain_png
from support.webui import WebUI


def test_nothing_secret_is_told_at_any_level(start_dev, serve_folder, tmp_path, state):
    (tmp_path / "www").mkdir()
    picture = plain_png(64, 64, lambda x, y: (x, y, 0))
    (tmp_path / "www" / "cat.png").write_bytes(picture)
    configuration = tmp_path / "config.yaml"
    # The log tells it, and the address that a program serves is looked up there: that one is on 127.0.0.1.
    pictures = serve_folder(tmp_path / "www", host="127.0.0.2")
    configuration.write_text(f"input-hosts: pictures.example={pictures.url}\n")
    payload = base64.b64encode(picture).decode()
    engine = WebUI()
    try:
        dev = start_dev(
            "--config", configuration, "--log-level", "trace", "--traces", f"file:{tmp_path / 'spans'}",
            "--backend", f"webui+{engine.url.replace('//', '//user:hush-password@')}")
        inputs = {
            "signed": "https://pictures.example/cat.png?X-Amz-Credential=AKIAHUSH&X-Amz-Signature=hush-signature",
            "gone": "https://pictures.example/none.png?token=hush-token",
            "inside": "http://user:hush-user@127.0.0.1/x?token=hush-token",
            "embedded": f"data:image/png;base64,{payload}",
            "plain": payload}
        ends = {}
        for name, image in inputs.items():
            answer = web.post(f"{dev.url}/v1/tasks", {
                "id": name, "runtime": "sdruntime", "type": "image-to-image",
                "content": {"prompt": "x", "init_images": [image]}}, headers={"Authorization": "Bearer hush-bearer"})
            assert answer.status == 201, answer.text
            ends[name] = dev.wait_for(name, "succeeded", "failed")
        assert [ends[name]["state"] for name in inputs] == ["succeeded", "failed", "failed", "succeeded", "succeeded"]
        told = dev.process.text + (tmp_path / "spans").read_text() + str([end.get("error") for end in ends.values()])
    finally:
        engine.stop()
    # Not vacuous: it has told of the tasks.
    assert "signed" in told and "pictures.example" in told
    for secret in ("hush", "HUSH", payload[:60], payload[100:160]):
        assert secret not in told, next(line for line in told.splitlines() if secret in line)[:400]
