"""Agents on AWS that are killed with -9 at every step of a task's life: nothing is lost, nothing is doubled."""

from support.aws_proxy import Hold, kill
from support.pictures import plain_png
from support.tasks import successor_task


def killed_at(cloud, what, committed, **where):
    """Starts an agent that dies at its next call of a kind, after it was done or before; waits for that."""
    victim = []
    cloud.proxy.on(what, kill(lambda: victim[0], committed), times=1, **where)
    victim.append(cloud.agent())
    assert victim[0].wait(60) == -9
    return victim[0]


def is_record(call):
    return call.key.startswith(".sd/") and call.key.rsplit("/", 1)[1].startswith("r")


def test_fault_01_killed_before_inference_it_is_done_once_by_the_next(brief_cloud):
    cloud = brief_cloud
    cloud.send()
    killed_at(cloud, "s3.PutObject", True, where=is_record)
    assert cloud.starts == 0 and cloud.record().state == "running"
    cloud.agent()
    cloud.settle({"t": 1})
    assert cloud.starts == 1 and cloud.record().json["attempts"] == 1


def test_fault_01_killed_before_inference_time_and_again_it_is_no_poison(brief_cloud):
    """More often than the engine may be started: not one of these was a start."""
    cloud = brief_cloud
    inputs = Hold()
    cloud.deployment.s3.put_object(
        Bucket=cloud.deployment.bucket, Key="inputs/a.png", Body=plain_png(8, 8, lambda x, y: (x, y, 0)), ContentType="image/png")
    fetch = cloud.proxy.on("s3.GetObject", inputs, key="inputs/*")
    cloud.deployment.send(successor_task("t", "image-to-image", init_images=[f"s3://{cloud.deployment.bucket}/inputs/a.png"]))
    for number in range(1, 5):
        victim = cloud.agent(SD_MAX_ATTEMPTS="2")
        victim.wait_for(lambda: fetch.count == number, 60, "the fetching of its input")
        victim.kill()
    assert cloud.starts == 0 and (cloud.record().state, cloud.record().json["attempts"]) == ("running", 0)
    inputs.let_go()
    cloud.agent(SD_MAX_ATTEMPTS="2")
    cloud.reaches("t", "succeeded")
    cloud.deployment.s3.delete_object(Bucket=cloud.deployment.bucket, Key="inputs/a.png")
    cloud.settle({"t": 1})
    assert cloud.starts == 1 and cloud.record().json["attempts"] == 1


def test_fault_02_killed_during_inference_it_is_redelivered_within_one_visibility(brief_cloud):
    cloud = brief_cloud
    cloud.webui.seconds = 5
    cloud.send()
    first = cloud.agent()
    first.wait_for(lambda: cloud.proxy.heard("sqs.ChangeMessageVisibility") and cloud.starts, 60, "a heartbeat")
    first.kill()
    cloud.webui.seconds = 0
    cloud.agent()
    cloud.settle({"t": 1})
    assert cloud.starts == 2 and cloud.record().json["attempts"] == 2
    # No call of either hid the message for longer than the queue's own visibility.
    hidden = [int(call.form["VisibilityTimeout"])
              for call in cloud.proxy.heard("sqs.*") if "VisibilityTimeout" in (call.form or {})]
    assert hidden and set(hidden) == {3}


def test_fault_03_killed_after_the_first_of_several_uploads_the_keys_are_the_same_and_nothing_is_stray(brief_cloud):
    cloud = brief_cloud
    cloud.webui.varies = True
    cloud.send(batch_size=3)
    # The other uploads run beside the first: they wait until the agent is dead.
    others = Hold()
    cloud.proxy.on("s3.PutObject", lambda call: (others(call), call.drop()), times=None, key="t/*",
                   where=lambda call: not others._open.is_set())
    killed_at(cloud, "s3.PutObject", True, key="t/t-1.png")
    others.let_go()
    assert "t/t-1.png" in cloud.deployment.keys() and cloud.record().state == "running"
    cloud.agent()
    cloud.settle({"t": 3})
    assert cloud.deployment.keys() == ["t/t-1.png", "t/t-2.png", "t/t-3.png", "t/t.json", "t/t.out"]
    assert cloud.starts == 2


def test_fault_04_killed_between_upload_and_notice_it_is_announced_and_the_engine_not_called_again(brief_cloud):
    cloud = brief_cloud
    cloud.send(batch_size=2)
    killed_at(cloud, "sns.Publish", False)
    assert cloud.record().state == "succeeded" and not cloud.notice_ids()
    cloud.agent()
    cloud.settle({"t": 2})
    assert cloud.starts == 1 and cloud.notice_ids() == {"t/1/succeeded"}


def test_fault_05_killed_between_notice_and_delete_it_is_told_again_in_the_same_words(brief_cloud):
    cloud = brief_cloud
    cloud.send(batch_size=2)
    killed_at(cloud, "sqs.DeleteMessage", False)
    before = cloud.outputs()
    assert len(before) == 4
    cloud.agent()
    cloud.settle({"t": 2})
    assert cloud.starts == 1 and cloud.outputs() == before
    assert cloud.notice_ids() == {"t/1/succeeded"}
