"""The replicas that KEDA asks for, from the rendered objects and its own formulas."""

import pytest

from support import helm, keda
from support.keda import Jobs, Queue
from support.paths import CHART


def scaled(name, *sets):
    manifests = helm.render(name, *sets)
    return (manifests.all("ScaledObject") + manifests.all("ScaledJob"))[0]


def test_what_counts_stands_in_the_triggers_metadata():
    for name in helm.runtimes():
        manifests = helm.render(name)
        for one in manifests.all("ScaledObject") + manifests.all("ScaledJob"):
            assert "scaleOnInFlight" not in one["spec"]
            for trigger in one["spec"]["triggers"]:
                assert trigger["metadata"]["scaleOnInFlight"] in ("true", "false")
                assert "identityOwner" not in trigger["metadata"]
                assert trigger["authenticationRef"]["name"]


def test_the_trigger_asks_with_an_identity():
    manifests = helm.render("minimal")
    [trigger] = manifests.one("ScaledObject")["spec"]["triggers"]
    authentication = manifests.one("TriggerAuthentication")
    assert authentication["metadata"]["name"] == trigger["authenticationRef"]["name"]
    assert authentication["spec"] == {"podIdentity": {"provider": "aws"}}
    assert helm.render("irsa").all("TriggerAuthentication") == []
    assert scaled("irsa")["spec"]["triggers"][0]["authenticationRef"]["name"] == "shared"
    assert (helm.render("scaling").one("TriggerAuthentication")["spec"]["podIdentity"]["roleArn"]
            == "arn:aws:iam::123456789012:role/sd-scaling")


@pytest.mark.parametrize("waiting,in_flight,pods", [
    (0, 0, 0), (1, 0, 1), (10, 0, 1), (11, 0, 2), (95, 5, 10), (1000, 20, 20),
    # The last task is being worked on: its pod stays.
    (0, 1, 1),
])
def test_a_deployment_follows_its_queue(waiting, in_flight, pods):
    assert keda.replicas(scaled("minimal"), Queue(waiting, in_flight)) == pods


def test_without_in_flight_the_last_pod_would_be_taken_from_its_task():
    blind = scaled("minimal", "scaling.scaleOnInFlight=false")
    assert keda.replicas(blind, Queue(waiting=0, in_flight=1)) == 0


@pytest.mark.parametrize("waiting,delayed,pods", [(0, 0, 1), (2, 0, 1), (3, 0, 1), (9, 0, 3), (0, 9, 3), (99, 0, 12)])
def test_bounds_and_activation_hold(waiting, delayed, pods):
    assert keda.replicas(scaled("scaling"), Queue(waiting, delayed=delayed)) == pods


def test_small_changes_move_nothing():
    assert keda.replicas(scaled("minimal"), Queue(waiting=105), current=10) == 10
    assert keda.replicas(scaled("minimal"), Queue(waiting=125), current=10) == 13


def test_scaling_in_takes_one_pod_at_a_time():
    behavior = scaled("minimal")["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert behavior["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 300}]
    assert behavior["stabilizationWindowSeconds"] >= 300


@pytest.mark.parametrize("name", ["job", "job-accurate"])
def test_one_job_a_message(name):
    job = scaled(name)
    assert keda.new_jobs(job, Queue()) == 0
    assert keda.new_jobs(job, Queue(waiting=3)) == 3
    # A GPU node takes minutes: the messages still wait, and no second job is started for any of them.
    assert keda.new_jobs(job, Queue(waiting=3), Jobs(unfinished=3, pending=3)) == 0
    # They were taken, and two more have come.
    assert keda.new_jobs(job, Queue(waiting=2, in_flight=3), Jobs(unfinished=3)) == 2
    # As many as may be.
    assert keda.new_jobs(job, Queue(waiting=100), Jobs()) == 20
    assert keda.new_jobs(job, Queue(waiting=100, in_flight=18), Jobs(unfinished=18)) == 2


def test_urgent_tasks_have_the_agent_and_keda_look_at_their_queue():
    for name in ("priority", "job-priority"):
        manifests = helm.render(name)
        urls = {one["name"]: one["metadata"]["queueURL"] for one in scaled(name)["spec"]["triggers"]}
        assert list(urls) == ["ordinary", "urgent"] and urls["urgent"] == urls["ordinary"] + "-priority"
        settings = manifests.environment("agent")
        assert (settings["SD_QUEUE"], settings["SD_PRIORITY_QUEUE"]) == (urls["ordinary"], urls["urgent"])
    plain = scaled("minimal")
    assert [one["name"] for one in plain["spec"]["triggers"]] == ["ordinary"]
    assert "scalingModifiers" not in plain["spec"]["advanced"]
    assert "SD_PRIORITY_QUEUE" not in helm.text(CHART / "ci" / "minimal-values.yaml")
    own = "queue.priorityUrl=https://sqs.us-west-2.amazonaws.com/123456789012/sd-sdruntime"
    assert "queue.priorityUrl is queue.url" in helm.refusal(CHART / "ci" / "minimal-values.yaml", own)


@pytest.mark.parametrize("waiting,urgent,pods", [(0, 0, 0), (0, 1, 1), (1, 0, 1), (8, 2, 1), (8, 3, 2), (95, 100, 20), (60, 60, 12)])
def test_a_deployment_follows_both_of_its_queues(waiting, urgent, pods):
    assert keda.replicas(scaled("priority"), Queue(waiting), urgent=Queue(urgent)) == pods


def test_without_the_sum_the_fuller_queue_alone_would_count():
    by_the_fuller = scaled("priority")
    del by_the_fuller["spec"]["advanced"]["scalingModifiers"]
    assert keda.replicas(by_the_fuller, Queue(60), urgent=Queue(60)) == 6
    jobs = scaled("job-priority")
    del jobs["spec"]["scalingStrategy"]["multipleScalersCalculation"]
    assert keda.new_jobs(jobs, Queue(2), urgent=Queue(2)) == 2, "two urgent tasks wait for the others' jobs"


def test_activation_counts_both_queues():
    sets = ("scaling.activationQueueLength=2",)
    assert keda.replicas(scaled("priority", *sets), Queue(1), urgent=Queue(1)) == 0
    assert keda.replicas(scaled("priority", *sets), Queue(2), urgent=Queue(1)) == 1


@pytest.mark.parametrize("sets,strategy", [((), "default"), (("scaling.scaleOnInFlight=false",), "accurate")])
def test_one_job_a_message_of_either_queue(sets, strategy):
    job = scaled("job-priority", *sets)
    assert job["spec"]["scalingStrategy"].get("strategy", "default") == strategy
    assert keda.new_jobs(job, Queue()) == 0
    assert keda.new_jobs(job, Queue(), urgent=Queue(2)) == 2
    assert keda.new_jobs(job, Queue(3), urgent=Queue(2)) == 5
    assert keda.new_jobs(job, Queue(3), Jobs(unfinished=5, pending=5), urgent=Queue(2)) == 0
    assert keda.new_jobs(job, Queue(1, in_flight=3), Jobs(unfinished=5), urgent=Queue(1, in_flight=2)) == 2
    assert keda.new_jobs(job, Queue(100), urgent=Queue(100)) == 20


def test_a_strategy_goes_with_what_it_counts():
    assert "scalingStrategy" not in scaled("job")["spec"]
    assert scaled("job")["spec"]["triggers"][0]["metadata"]["scaleOnInFlight"] == "true"
    assert scaled("job-accurate")["spec"]["scalingStrategy"] == {"strategy": "accurate"}
    assert scaled("job-accurate")["spec"]["triggers"][0]["metadata"]["scaleOnInFlight"] == "false"
    assert scaled("job", "scaling.scaleOnInFlight=false")["spec"]["scalingStrategy"] == {"strategy": "accurate"}


def test_the_other_pairs_start_too_many_or_too_few():
    """Why the chart refuses them."""
    accurate = scaled("job-accurate")
    accurate["spec"]["triggers"][0]["metadata"]["scaleOnInFlight"] = "true"
    assert keda.new_jobs(accurate, Queue(in_flight=3), Jobs(unfinished=3)) == 3, "three jobs for nothing"
    default = scaled("job")
    default["spec"]["triggers"][0]["metadata"]["scaleOnInFlight"] = "false"
    assert keda.new_jobs(default, Queue(waiting=3, in_flight=3), Jobs(unfinished=3)) == 0, "three messages wait"
    values = CHART / "ci" / "job-values.yaml"
    assert "scaling.scaleOnInFlight to false" in helm.refusal(values, "scaling.job.strategy=accurate")
    assert "scaling.scaleOnInFlight to true" in helm.refusal(
        values, "scaling.job.strategy=default", "scaling.scaleOnInFlight=false")


def test_without_keda_the_number_is_fixed():
    manifests = helm.render("fixed-replicas")
    assert manifests.all("ScaledObject") == [] and manifests.one("Deployment")["spec"]["replicas"] == 2
    assert "replicas" not in helm.render("minimal").one("Deployment")["spec"], "KEDA's number is not overwritten"
