"""S3 and SNS that throttle, forget to answer, break off or are away: one set of whole objects, one announcement."""

import threading

import pytest

from support.aws_proxy import Hold, commit_and_drop, drop, refuse
from support.waiting import wait_until


def test_fault_14_slow_down_several_times_is_borne(cloud):
    cloud.send(batch_size=2)
    slow = cloud.proxy.on("s3.PutObject", refuse(503, "SlowDown", "Please reduce your request rate."), times=4)
    cloud.agent()
    cloud.settle({"t": 2})
    assert slow.left == 0 and cloud.starts == 1 and cloud.notice_ids() == {"t/1/succeeded"}


def test_fault_14_a_storm_is_capped(cloud):
    """Each message that cannot be claimed costs two writes, of record and place in the listing, and the agent pauses. That
    a client's quota runs out is shown in AWSKitTests, by fault14AStormIsCappedByTheQuota."""
    writes, tries = 2, 3
    down = cloud.proxy.on("s3.*", refuse(503, "ServiceUnavailable"))
    for number in range(4):
        cloud.send(f"t{number}")
    agent = cloud.agent()

    def given_back():
        return agent.text.count("a message could not be worked on, giving it back")

    agent.wait_for(lambda: given_back() >= 8, 90, "eight messages given back")
    down.stop()
    # All four messages may be in its hands by now.
    assert 8 <= down.count <= writes * tries * (given_back() + 4)
    cloud.settle({f"t{number}": 1 for number in range(4)})
    assert cloud.starts == 4


def first_of_each(*seen):
    """Fits the first request of each kind: the later tries are let through."""
    known, lock = set(), threading.Lock()

    def fits(call):
        name = (call.key, call.headers.get("If-Match"))
        with lock:
            return not (name in known or known.add(name))
    return fits


def test_fault_15_every_write_is_committed_and_its_answer_lost_once(cloud):
    cloud.send(batch_size=2)
    lost = cloud.proxy.on("s3.PutObject", commit_and_drop, where=first_of_each())
    cloud.agent()
    cloud.settle({"t": 2})
    # The claim, two pictures, the manifest, the commit, the .out and what else there is.
    assert lost.count >= 6
    record = cloud.record()
    assert (cloud.starts, record.json["attempts"], record.json["claim"]["epoch"]) == (1, 1, 1)
    assert cloud.notice_ids() == {"t/1/succeeded"}


def test_fault_15_a_conflict_with_a_write_under_way_is_tried_again(cloud):
    cloud.send(batch_size=2)
    conflicts = cloud.proxy.on(
        "s3.PutObject", refuse(409, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflict"),
        where=first_of_each())
    cloud.agent()
    cloud.settle({"t": 2})
    assert conflicts.count >= 6 and (cloud.starts, cloud.record().json["attempts"]) == (1, 1)


def test_fault_16_a_connection_that_drops_during_a_put_leaves_nothing_to_be_seen(cloud):
    cloud.webui.padding = 500_000
    seen = []

    def break_off(call):
        call.read_part(200_000)
        seen.append(cloud.deployment.keys())
        call.drop()

    broken = cloud.proxy.on("s3.PutObject", break_off, times=2, key="*.png")
    cloud.send()
    cloud.agent()
    cloud.settle({"t": 1})
    assert broken.left == 0 and all(not any(key.endswith(".png") for key in keys) for keys in seen)
    assert cloud.starts == 1


@pytest.mark.parametrize("harm", [drop, refuse(500, "InternalError")], ids=["dropped", "refused"])
def test_fault_16_an_abandoned_multipart_upload_is_aborted(make_cloud, harm):
    cloud = make_cloud(visibility=20)
    cloud.webui.padding = 20 << 20
    # Three tries by the client, then the upload is given up; the next one, from the start, is let through.
    failing = cloud.proxy.on("s3.UploadPart", harm, times=3, where=lambda call: "partNumber=2" in call.target)
    cloud.send()
    cloud.agent()
    cloud.settle({"t": 1}, limit=120)
    assert failing.left == 0 and cloud.starts == 1
    assert len(cloud.proxy.heard("s3.CreateMultipartUpload")) == 2 and cloud.proxy.heard("s3.AbortMultipartUpload")
    assert not cloud.deployment.s3.list_multipart_uploads(Bucket=cloud.deployment.bucket).get("Uploads")


def test_fault_17_while_sns_is_down_nothing_is_deleted_and_the_notice_follows(cloud):
    cloud.send()
    down = cloud.proxy.on("sns.Publish", refuse(503, "ServiceUnavailable"))
    agent = cloud.agent()
    agent.wait_for(lambda: down.count >= 7, 60, "tries")
    assert cloud.record().state == "succeeded"
    assert cloud.deployment.left() == 1 and not cloud.proxy.heard("sqs.DeleteMessage") and not cloud.notice_ids()
    down.stop()
    cloud.settle({"t": 1})
    assert cloud.starts == 1 and cloud.notice_ids() == {"t/1/succeeded"}


def test_fault_17_an_agent_that_ends_while_sns_is_down_leaves_the_notice_to_the_next(cloud):
    cloud.send()
    hold = Hold()
    down = cloud.proxy.on("sns.Publish", lambda call: (hold.reached.set(), call.refuse(503, "ServiceUnavailable")))
    first = cloud.agent(SD_GRACE="1s")
    assert hold.reached.wait(30)
    first.stop()
    down.stop()
    cloud.agent()
    cloud.settle({"t": 1})
    assert cloud.starts == 1 and cloud.notice_ids() == {"t/1/succeeded"}
    wait_until(lambda: cloud.deployment.left() == 0, 10, "an empty queue")
