"""What clients of the two earlier systems get, task type by task type, to the letter: objects, keys, notices.

`golden/` holds the messages as the doors publish them, and what has to come of each. `SDTEST_GOLDEN=write` writes what came
of them this time, to be compared with the APIs' contracts before it is committed. `{bucket}` stands for the bucket.
"""

import json
import os
import pathlib

import pytest

from support.comfyui import ComfyUI
from support.pictures import plain_png, read_png
from support.waiting import wait_until

FOLDER = pathlib.Path(__file__).with_name("golden")
ANSWER_TIME = 0.5
REFUSED = {"detail": "Script 'x' not found"}


def message(task, deployment):
    return json.loads(json.dumps(task["message"]).replace("{bucket}", deployment.bucket))


def results(deployment, tasks):
    """What lies in the bucket and what was announced, by task."""
    found = {id_: {"objects": {}, "notices": []} for id_ in tasks}
    for key in deployment.keys():
        if key.startswith("inputs/"):
            continue
        task = found[key.split("/")[-2]]
        picture = deployment.object(key)
        task["objects"][key] = picture["ContentType"]
        data = picture["Body"].read()
        if key.endswith(".png"):
            read_png(data)
        if key.endswith(".out"):
            task["out"] = json.loads(data)
    for attributes, notice in deployment.notices():
        told = found[attributes["notice_id"].split("/")[0]]["notices"]
        # At least once, and always the same.
        if (announcement := {"attributes": attributes, "body": notice}) not in told:
            told.append(announcement)
    for task in found.values():
        task["notices"].sort(key=lambda notice: notice["attributes"]["notice_id"], reverse=True)
    return json.loads(json.dumps(found).replace(deployment.bucket, "{bucket}"))


@pytest.fixture
def engine(webui):
    """The engine for a runtime of a type: where the references' agents look for it."""
    webui.refusals = {"refuse me": (422, REFUSED)}
    # A start is told beside the work, and not any more once that has ended.
    webui.seconds = ANSWER_TIME
    comfyui = ComfyUI(ANSWER_TIME)
    yield lambda environment: {
        "comfyui": {"API_BASE_URL": comfyui.address}}.get(environment.get("RUNTIME_TYPE"), {})
    comfyui.stop()


@pytest.mark.parametrize("api", sorted(path.stem for path in FOLDER.glob("*.json")))
@pytest.mark.parametrize("program, arguments", [("sd-agent", ()), ("sd-job", ("--max-tasks", "100"))], ids=["sd-agent", "sd-job"])
def test_every_task_type_gives_what_its_clients_expect(deploy, programs, webui, engine, api, program, arguments):
    golden = json.loads((FOLDER / f"{api}.json").read_text())
    deployment = deploy()
    deployment.s3.put_object(
        Bucket=deployment.bucket, Key="inputs/cat.png", Body=plain_png(8, 8, lambda x, y: (x, y, 0)), ContentType="image/png")
    for number, task in enumerate(golden["tasks"].values()):
        body = message(task, deployment)
        # Every other one as raw delivery hands it over.
        deployment.send(json.dumps(body) if number % 2 else body)
    environment = golden["environment"] | engine(golden["environment"])
    process = programs.start(program, *arguments, **deployment.environment(webui.url, **environment))
    wait_until(lambda: deployment.left() == 0 or not process.is_running, 90, "an empty queue", interval=0.1)
    if program == "sd-job":
        assert process.wait(30) == 1, "some of its tasks failed"
    made = results(deployment, golden["tasks"])
    if os.environ.get("SDTEST_GOLDEN") == "write":
        for id_, task in made.items():
            golden["tasks"][id_] = {"message": golden["tasks"][id_]["message"]} | task
        (FOLDER / f"{api}.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")
    for id_, task in golden["tasks"].items():
        assert made[id_] == {name: value for name, value in task.items() if name != "message"}, id_
