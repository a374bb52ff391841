"""sd-agent started with the environment of the two earlier agents, against SQS, S3 and SNS."""

import base64
import json
import signal
import socket

import pytest

from support.pictures import plain_png, read_png
from support.tasks import reference_task, successor_task
from support.waiting import wait_until
from support.webui import MODEL


@pytest.fixture
def start(programs, webui):
    """Starts an agent as the charts do: by its environment alone."""
    return lambda deployment, *arguments, **environment: programs.start(
        "sd-agent", *arguments, **deployment.environment(webui.url, **environment))


def settled(deployment, count=1):
    wait_until(lambda: len(deployment.notices()) >= count, 60, f"{count} notices")
    wait_until(lambda: deployment.left() == 0, 30, "an empty queue")


def test_the_references_environment_is_enough(deploy, start, webui):
    deployment = deploy()
    deployment.send(reference_task(deployment))
    agent = start(deployment)
    settled(deployment)

    assert deployment.keys() == ["307/307-1.png", "307/307.json", "307/307.out"]
    picture = deployment.object("307/307-1.png")
    assert picture["ContentType"] == "image/png"
    read_png(picture["Body"].read())
    [(attributes, notice)] = deployment.notices()
    assert {**notice, "parameters": None} == {"images": [""], "info": "", "parameters": None}
    assert notice["parameters"] == {
        "n_iter": 1, "batch_size": 1, "send_images": True, "save_images": False, "prompt": "a cat", "steps": 16, "width": 512, "height": 512, "seed": 7,
        "alwayson_scripts": {}, "id_task": "307", "status": 1, "image_url": f"s3://{deployment.bucket}/307/307-1.png",
        "image_seed": "7", "error_msg": "", "image_mask_url": ""}
    assert attributes["notice_id"] == "307/1/succeeded"
    assert deployment.json("307/307.out") == notice and deployment.object("307/307.out")["ContentType"] == "application/json"
    [(path, sent)] = webui.calls
    assert path == "/sdapi/v1/txt2img" and sent["prompt"] == "a cat" and "s3_output_path" not in sent
    assert "task" not in sent["alwayson_scripts"]

    agent.signal(signal.SIGTERM)
    assert agent.wait(10) == 0


def test_the_successors_environment_is_enough(deploy, start):
    deployment = deploy()
    deployment.send(successor_task(context={"user": "u", "big": 12345678901234567890}, batch_size=2))
    start(deployment, RUNTIME_NAME="sdruntime", RUNTIME_TYPE="sdwebui", EXP_CALLBACK_WHEN_RUNNING="true", LOGLEVEL="INFO",
          DISABLE_XRAY="true")
    settled(deployment, 2)
    stem = "output/t2i/t2i"
    assert deployment.keys() == [f"{stem}-1.png", f"{stem}-2.png", f"{stem}.json", f"{stem}.out"]
    context = {"user": "u", "big": 12345678901234567890}
    notices = {attributes["notice_id"]: notice for attributes, notice in deployment.notices()}
    assert notices == {
        "t2i/1/running": {"runtime": "sdruntime", "id": "t2i", "status": "running", "context": context},
        "t2i/1/succeeded": {
            "runtime": "sdruntime", "id": "t2i", "result": True, "status": "completed",
            "image_url": [f"s3://{deployment.bucket}/{stem}-{n}.png" for n in (1, 2)],
            "output_url": f"s3://{deployment.bucket}/{stem}.out", "context": context}}
    answer = deployment.json(f"{stem}.out")
    assert answer["images"] == [""] and answer["info"] == ""
    assert answer["parameters"]["id_task"] == "t2i" and answer["parameters"]["image_seed"] == "7,8"


def test_a_failure_is_told_in_each_apis_own_form(deploy, start, webui):
    deployment = deploy()
    webui.faults = [(422, {"detail": "Script 'x' not found"})] * 2
    deployment.send(reference_task(deployment, "old"))
    deployment.send(successor_task("new"))
    start(deployment, RUNTIME_NAME="sdruntime")
    settled(deployment, 2)
    notices = {attributes["notice_id"]: notice for attributes, notice in deployment.notices()}
    told = notices["old/1/failed"]["parameters"]
    assert {name: told[name] for name in ("id_task", "status", "image_url", "image_seed", "image_mask_url")} == {
        "id_task": "old", "status": 0, "image_url": "", "image_seed": [], "image_mask_url": ""}
    assert "not found" in told["error_msg"] and told["reason"] == {"detail": "Script 'x' not found"}
    assert notices["new/1/failed"] == {
        "runtime": "sdruntime", "id": "new", "result": False, "status": "failed", "image_url": [],
        "output_url": f"s3://{deployment.bucket}/output/new/new.out", "context": {}}
    answer = deployment.json("output/new/new.out")
    assert answer["parameters"]["status"] == 0 and answer["parameters"]["reason"] == {"detail": "Script 'x' not found"}
    assert deployment.keys() == ["old/old.out", "output/new/new.out"]


def test_inputs_come_from_the_deployments_bucket_and_from_no_other(deploy, start, webui, moto):
    deployment = deploy()
    picture = plain_png(8, 8, lambda x, y: (x, y, 0))
    secret = f"secret-{deployment.name}"[:60]
    deployment.s3.create_bucket(Bucket=secret)
    for bucket in (secret, deployment.bucket):
        deployment.s3.put_object(Bucket=bucket, Key="inputs/a.png", Body=picture)
    for task, bucket in (("ours", deployment.bucket), ("theirs", secret)):
        deployment.send(successor_task(task, "image-to-image", init_images=[f"s3://{bucket}/inputs/a.png"]))
    start(deployment, RUNTIME_NAME="sdruntime")
    settled(deployment, 2)
    notices = {notice["id"]: notice for _, notice in deployment.notices()}
    assert notices["ours"]["result"] is True and notices["theirs"]["result"] is False
    [(path, sent)] = webui.calls
    assert path == "/sdapi/v1/img2img" and base64.b64decode(sent["init_images"][0]) == picture


def test_other_buckets_can_be_allowed(deploy, start, webui):
    deployment = deploy()
    picture = plain_png(8, 8, lambda x, y: (x, y, 0))
    other = f"other-{deployment.name}"[:60]
    deployment.s3.create_bucket(Bucket=other)
    for key in ("open/a.png", "openly/a.png"):
        deployment.s3.put_object(Bucket=other, Key=key, Body=picture)
        deployment.send(successor_task(key.split("/")[0], "image-to-image", init_images=[f"s3://{other}/{key}"]))
    start(deployment, SD_RUNTIME="sdruntime", SD_S3_INPUTS=f"{other}/open")
    settled(deployment, 2)
    assert {notice["id"]: notice["result"] for _, notice in deployment.notices()} == {"open": True, "openly": False}


def test_attack_03_objects_that_no_task_may_read_are_refused_before_any_request(cloud, moto):
    """Other buckets, and what lies in ours that is not for tasks: records of other people's."""
    deployment = cloud.deployment
    other = f"other-{deployment.name}"[:60]
    deployment.s3.create_bucket(Bucket=other)
    deployment.s3.put_object(Bucket=other, Key="open/a.png", Body=plain_png(8, 8, lambda x, y: (x, y, 0)))
    references = [f"s3://{other}/closed/a.png", f"s3://{other}/opened.png", f"s3://{other}/open/../closed/a.png",
                  f"s3://{other}.evil/open/a.png", f"s3://{deployment.bucket}/.sd/aa/x/r000000001",
                  f"s3://{deployment.bucket}/a/.hidden/b", "s3://169.254.169.254/open/a.png", "s3:///open/a.png"]
    cloud.agent(SD_S3_INPUTS=f"{other}/open")
    for number, reference in enumerate(references):
        deployment.send(successor_task(f"t{number}", "image-to-image", init_images=[reference]))
    deployment.send(successor_task("allowed", "image-to-image", init_images=[f"s3://{other}/open/a.png"]))
    settled(deployment, len(references) + 1)
    ended = {record.name: (record.state, (record.json.get("error") or {}).get("code")) for record in cloud.state.records()}
    assert ended.pop("allowed") == ("succeeded", None)
    assert ended == {f"t{number}": ("failed", "input_refused") for number in range(len(references))}
    read = {call.key for call in cloud.proxy.heard("s3.*") if call.bucket != deployment.bucket}
    assert read == {"open/a.png"}
    assert not [call for call in cloud.proxy.heard("s3.GetObject") if call.key in (".sd/aa/x/r000000001", "a/.hidden/b")]


def test_spans_reach_the_daemon_under_the_messages_trace(deploy, start):
    deployment = deploy()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(30)
        deployment.send(reference_task(deployment))
        start(deployment, AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{daemon.getsockname()[1]}")
        segments = {}
        while "task" not in segments:
            header, document = daemon.recv(1 << 16).split(b"\n", 1)
            assert json.loads(header) == {"format": "json", "version": 1}
            segment = json.loads(document)
            segments[segment.get("annotations", {}).get("operation", segment["name"])] = segment
    task = segments["task"]
    assert task["name"] == "sd-agent" and task["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert task["parent_id"] == "53995c3f42cd8ad8" and task["annotations"]["task_id"] == "307"
    assert segments["infer"]["trace_id"] == task["trace_id"] and segments["infer"]["parent_id"] == task["id"]
