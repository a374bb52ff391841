"""Agents on AWS that are asked to end, or stopped and woken: what they hold is finished or given back, and never harmed."""

import signal

from support.aws_proxy import Hold
from support.tasks import successor_task
from support.waiting import wait_until


def said(agent, message):
    return [event for event in agent.events if event.get("message") == message]


def polls(cloud):
    return cloud.proxy.heard("sqs.ReceiveMessage")


def hidings(cloud, start=0):
    """For how long messages were hidden, call by call."""
    return [int(call.form["VisibilityTimeout"]) for call in cloud.proxy.heard("sqs.ChangeMessageVisibility")[start:]]


def test_fault_06_sigterm_in_an_idle_long_poll_ends_it_at_once(make_cloud):
    cloud = make_cloud(visibility=600)
    agent = cloud.agent()
    agent.wait_for(lambda: polls(cloud), 30, "the long poll")
    assert (polls(cloud)[0].form["WaitTimeSeconds"], polls(cloud)[0].form["VisibilityTimeout"]) == ("20", "30")
    agent.signal(signal.SIGTERM)
    # The poll would have gone on for 20 s.
    assert agent.wait(10) == 0


def test_fault_06_a_message_that_the_cut_poll_had_taken_comes_back_soon_and_uncounted(make_cloud):
    cloud = make_cloud(visibility=600)
    answer = Hold()

    def taken_and_stuck(call):
        status, headers, body = call.forward()
        if b"<Message>" not in body:
            return call.answer(status, body, headers)
        answer(call)
        call.drop()

    poll = cloud.proxy.on("sqs.ReceiveMessage", taken_and_stuck)
    agent = cloud.agent(SD_VISIBILITY="3s")
    agent.wait_for(lambda: polls(cloud), 30, "the long poll")
    cloud.send()
    assert answer.reached.wait(30)
    agent.signal(signal.SIGTERM)
    assert agent.wait(10) == 0
    poll.stop()
    answer.let_go()
    # The queue's own visibility is ten minutes.
    cloud.agent(SD_VISIBILITY="3s")
    cloud.settle({"t": 1}, limit=30)
    assert cloud.record().json["attempts"] == 1


def test_fault_07_sigterm_during_inference_finishes_within_the_grace(brief_cloud):
    cloud = brief_cloud
    cloud.webui.seconds = 7
    cloud.send()
    agent = cloud.agent()
    wait_until(lambda: cloud.starts, 30, "the engine's start")
    agent.signal(signal.SIGTERM)
    agent.wait_for(lambda: said(agent, "ending"), 10, "the signal")
    before = len(hidings(cloud))
    other = cloud.agent()
    assert agent.wait(60) == 0
    # The lease runs for three seconds: it was extended while the agent was ending.
    assert len(hidings(cloud)) > before and set(hidings(cloud)) == {3}
    cloud.settle({"t": 1})
    assert cloud.starts == 1 and not said(other, "engine started")


def test_fault_07_past_the_grace_the_engine_is_interrupted_and_the_message_due_at_once(make_cloud):
    cloud = make_cloud(visibility=600)
    cloud.webui.delays = [600]
    cloud.send()
    agent = cloud.agent(SD_GRACE="300ms", SD_VISIBILITY="10m")
    wait_until(lambda: cloud.starts, 30, "the engine's start")
    agent.signal(signal.SIGTERM)
    assert agent.wait(30) == 0
    assert cloud.webui.interrupts == 1 and hidings(cloud)[-1] == 0
    assert (cloud.record().state, cloud.record().json["attempts"]) == ("queued", 0)
    cloud.agent()
    cloud.settle({"t": 1})
    assert cloud.record().json["attempts"] == 1


def test_fault_08_a_second_signal_gives_back_at_once(make_cloud):
    for second in (signal.SIGTERM, signal.SIGINT):
        cloud = make_cloud(visibility=600)
        cloud.webui.delays, before = [600], cloud.starts
        cloud.send()
        agent = cloud.agent(SD_VISIBILITY="10m")
        wait_until(lambda: cloud.starts > before, 30, "the engine's start")
        agent.signal(signal.SIGTERM)
        agent.wait_for(lambda: said(agent, "ending"), 10, "the first signal")
        agent.signal(second)
        # The grace would be 90 s.
        assert agent.wait(20) == 0
        assert cloud.record().state == "queued" and hidings(cloud)[-1] == 0
        cloud.agent()
        cloud.settle({"t": 1})


def test_fault_30_paused_past_its_visibility_it_overwrites_nothing_of_whoever_took_over(brief_cloud):
    cloud = brief_cloud
    cloud.webui.varies, cloud.webui.delays = True, [4]
    cloud.send(batch_size=2)
    paused = cloud.agent()
    wait_until(lambda: cloud.starts and cloud.record().json["attempts"] == 1, 30, "the engine's start, and its record")
    paused.signal(signal.SIGSTOP)
    cloud.agent()
    cloud.settle({"t": 2})
    before, revision = cloud.outputs(), cloud.record().revision
    assert cloud.record().json["attempts"] == 2
    paused.signal(signal.SIGCONT)
    paused.wait_for(lambda: said(paused, "another worker has taken over"), 30, "its notice of that")
    paused.signal(signal.SIGTERM)
    assert paused.wait(30) == 0
    assert cloud.outputs() == before and cloud.record().revision == revision
    assert cloud.notice_ids() == {"t/1/succeeded"}


def test_fault_30_paused_before_its_delete_it_deletes_no_message_that_another_has(brief_cloud):
    cloud = brief_cloud
    """The task is announced, its message is not deleted: the lease that ran out meanwhile is another's by now."""
    cloud.deployment.send(successor_task("t"))
    hold = Hold()
    cloud.proxy.on("sns.Publish", hold, times=1)
    # One task, so that no poll of its own competes for the message.
    paused = cloud.agent(SD_MAX_TASKS="1")
    assert hold.reached.wait(30)
    paused.signal(signal.SIGSTOP)
    hold.let_go()
    taken = wait_until(
        lambda: cloud.deployment.sqs.receive_message(
            QueueUrl=cloud.deployment.queue_url, VisibilityTimeout=60).get("Messages"), 30, "the lease's end")
    paused.signal(signal.SIGCONT)
    assert paused.wait(30) == 0
    assert said(paused, "the lease had run out before its message was completed")
    assert cloud.deployment.left() == 1 and not cloud.proxy.heard("sqs.DeleteMessage")
    cloud.deployment.sqs.change_message_visibility(
        QueueUrl=cloud.deployment.queue_url, ReceiptHandle=taken[0]["ReceiptHandle"], VisibilityTimeout=0)
    cloud.agent()
    cloud.settle({"t": 1})
    assert cloud.starts == 1 and cloud.notice_ids() == {"t/1/succeeded"}
