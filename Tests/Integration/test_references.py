"""What clients of the two earlier systems send, as their READMEs show it, against dev mode."""

import json

from conftest import MODEL
from support import web
from support.pictures import plain_png, read_png
from support.waiting import wait_until


def reference_task(task_id="307", **changes):
    """The reference's README example: an id that every caller copies, and a runtime by its deployed name."""
    return {
        "alwayson_scripts": {"task": "text-to-image", "sd_model_checkpoint": MODEL, "id_task": task_id, "uid": "456",
                             "save_dir": "outputs"},
        "prompt": "A dog", "steps": 16, "width": 512, "height": 512, "sdname": "sdruntime-jobAddon"} | changes


def successor_task(task_id="test-t2i", **metadata):
    return {"task": {
        "metadata": {"id": task_id, "runtime": "sdruntime", "tasktype": "text-to-image", "prefix": "output",
                     "context": ""} | metadata,
        "content": {"alwayson_scripts": {}, "prompt": "A dog", "steps": 16, "width": 512, "height": 512}}}


def ended(dev, task, run=1):
    return wait_until(
        lambda: (record := dev.state.record(task, run)) and record.state in ("succeeded", "failed") and record, 30,
        f"{task}'s run {run} ending")


def test_the_references_example_makes_a_picture_and_its_notice(dev):
    answer = web.post(dev.url + "/", reference_task())
    assert answer.status == 200
    assert answer.json == {"id_task": "307", "task": "text-to-image", "sd_model_checkpoint": MODEL,
                           "output_location": "s3://local/307"}
    record = ended(dev, "307")
    assert record.state == "succeeded"
    [output] = record.outputs
    assert output["key"] == "307/307-1.png"
    picture = read_png(dev.state.object("307/307-1.png"))
    assert (picture.width, picture.height) == (512, 512) and "A dog" in picture.text["parameters"]

    notice = record.notice
    assert notice["images"] == [""] and notice["info"] == ""
    told = notice["parameters"]
    assert told["id_task"] == "307" and told["status"] == 1 and told["error_msg"] == ""
    assert told["image_url"] == "s3://local/307/307-1.png" and told["image_mask_url"] == ""
    assert told["image_seed"] == str(output["seed"])
    assert told["prompt"] == "A dog" and told["steps"] == 16
    wait_until(lambda: "307/307.out" in dev.state.keys(), 10, "the .out object")
    assert json.loads(dev.state.object("307/307.out")) == notice


def test_an_id_used_again_after_its_end_is_a_run_of_its_own(dev):
    for _ in range(2):
        assert web.post(dev.url + "/v1alpha1", reference_task()).status == 200
        run = len(dev.state.records())
        assert ended(dev, "307", run).state == "succeeded"
    second = dev.state.record("307", 2)
    assert [output["key"] for output in second.outputs] == ["307/307-r2-1.png"]
    assert second.notice["parameters"]["image_url"] == "s3://local/307/307-r2-1.png"
    first = dev.state.record("307", 1)
    assert dev.state.object("307/307-1.png") != dev.state.object("307/307-r2-1.png"), "unseeded runs make pictures of their own"
    assert first.outputs[0]["seed"] != second.outputs[0]["seed"]


def test_the_bare_runtime_name_does_as_well(dev):
    answer = web.post(dev.url + "/v1alpha1", reference_task("bare", sdname="sdruntime"))
    assert answer.status == 200
    assert ended(dev, "bare").state == "succeeded"


def test_the_reference_refuses_in_its_own_words(dev):
    without = reference_task()
    del without["alwayson_scripts"]
    answer = web.post(dev.url + "/", without)
    assert (answer.status, answer.text) == (400, "Incorrect payload structure")
    answer = web.get(dev.url + "/v1alpha1")
    assert (answer.status, answer.text) == (400, "Unsupported HTTP method")
    assert web.post(dev.url + "/", b"{", headers={"Content-Type": "application/json"}).status == 400
    assert web.post(dev.url + "/", reference_task(sdname="nowhereAddon")).status == 400
    assert dev.state.records() == []


def test_a_failure_is_told_in_the_references_form(dev):
    answer = web.post(dev.url + "/", reference_task("bad", test_pattern={"fail": "engine_rejected"}))
    assert answer.status == 200
    record = ended(dev, "bad")
    assert record.state == "failed"
    told = record.notice["parameters"]
    assert told["id_task"] == "bad" and told["status"] == 0 and told["image_url"] == "" and told["image_seed"] == []
    assert told["error_msg"] and "reason" in told and told["image_mask_url"] == ""


def test_the_successors_example_makes_a_picture_and_its_notice(dev):
    context = {"user": "u-1", "big": 12345678901234567890}
    answer = web.post(dev.url + "/v1alpha2", successor_task(context=context))
    assert answer.status == 200
    assert answer.json == {"id": "test-t2i", "runtime": "sdruntime", "output_location": "s3://local/output/test-t2i"}
    record = ended(dev, "test-t2i")
    assert record.state == "succeeded"
    assert [output["key"] for output in record.outputs] == ["output/test-t2i/test-t2i-1.png"]
    assert record.notice == {
        "runtime": "sdruntime", "id": "test-t2i", "result": True, "status": "completed",
        "image_url": ["s3://local/output/test-t2i/test-t2i-1.png"],
        "output_url": "s3://local/output/test-t2i/test-t2i.out", "context": context}
    wait_until(lambda: "output/test-t2i/test-t2i.out" in dev.state.keys(), 10, "the .out object")
    answer = json.loads(dev.state.object("output/test-t2i/test-t2i.out"))
    assert answer["images"] == [""] and answer["info"] == "" and answer["parameters"]["id_task"] == "test-t2i"
    assert answer["parameters"]["image_seed"] == str(record.outputs[0]["seed"])


def test_the_successors_image_to_image_example_makes_a_picture_and_its_notice(start_dev, serve_folder, tmp_path):
    """Word for word; its picture lies on a public host, whose name leads to a server of ours by `--input-hosts`."""
    example = {"task": {
        "metadata": {"id": "test-i2i", "runtime": "sdruntime", "tasktype": "image-to-image", "prefix": "output", "context": ""},
        "content": {
            "alwayson_scripts": {},
            "init_images": [
                "https://huggingface.co/datasets/huggingface/documentation-images/resolve/main/diffusers/cat.png"],
            "prompt": "cat wizard, gandalf, lord of the rings, detailed, fantasy, cute, adorable, Pixar, Disney, 8k",
            "steps": 16, "width": 512, "height": 512}}}
    path = "datasets/huggingface/documentation-images/resolve/main/diffusers/cat.png"
    (tmp_path / "www" / path).parent.mkdir(parents=True)
    (tmp_path / "www" / path).write_bytes(plain_png(512, 512, lambda x, y: (x // 2, y // 2, 90)))
    server = serve_folder(tmp_path / "www")
    dev = start_dev("--input-hosts", f"huggingface.co={server.url}")
    answer = web.post(dev.url + "/v1alpha2", example)
    assert answer.status == 200
    assert answer.json == {"id": "test-i2i", "runtime": "sdruntime", "output_location": "s3://local/output/test-i2i"}
    record = ended(dev, "test-i2i")
    assert record.state == "succeeded" and server.paths == [f"/{path}"]
    picture = read_png(dev.state.object("output/test-i2i/test-i2i-1.png"))
    assert (picture.width, picture.height) == (512, 512) and "cat wizard" in picture.text["parameters"]
    assert record.notice == {
        "runtime": "sdruntime", "id": "test-i2i", "result": True, "status": "completed",
        "image_url": ["s3://local/output/test-i2i/test-i2i-1.png"],
        "output_url": "s3://local/output/test-i2i/test-i2i.out", "context": ""}
    wait_until(lambda: "output/test-i2i/test-i2i.out" in dev.state.keys(), 10, "the .out object")
    told = json.loads(dev.state.object("output/test-i2i/test-i2i.out"))
    assert told["images"] == [""] and "init_images" not in told["parameters"]


def test_the_successor_refuses_in_its_own_words(dev):
    def answer(change):
        body = successor_task()
        change(body["task"])
        refused = web.post(dev.url + "/v1alpha2", body)
        return refused.status, refused.text

    def drop(*path):
        def change(body):
            for name in path[:-1]:
                body = body[name]
            del body[path[-1]]
        return change

    prefix = "Incorrect payload structure, "
    assert answer(drop("metadata")) == (400, prefix + "metadata is missing")
    assert answer(drop("metadata", "runtime")) == (400, prefix + "invalid runtime format")
    assert answer(drop("metadata", "id")) == (400, prefix + "invalid id format")
    assert answer(drop("metadata", "tasktype")) == (400, prefix + "invalid tasktype")
    assert answer(drop("content")) == (400, prefix + "content is missing")
    assert answer(lambda body: body["metadata"].update(id="../x")) == (400, prefix + "invalid id format")
    refused = web.post(dev.url + "/v1alpha2", b"[]", headers={"Content-Type": "application/json"})
    assert (refused.status, refused.text) == (400, "Invalid request format")
    assert dev.state.records() == []


def test_the_successors_v1alpha1_is_told_apart_by_its_missing_name(dev):
    body = reference_task("legacy-1")
    del body["sdname"]
    answer = web.post(dev.url + "/v1alpha1", body)
    assert answer.status == 200
    assert answer.json == {"id_task": "legacy-1", "sd_model_checkpoint": MODEL,
                           "output_location": "s3://local/outputs/legacy-1"}
    record = ended(dev, "legacy-1")
    assert record.state == "succeeded"
    assert record.notice["status"] == "completed"
    assert record.notice["image_url"] == ["s3://local/outputs/legacy-1/legacy-1-1.png"]
