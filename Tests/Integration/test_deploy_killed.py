"""`sdctl deploy` killed at each call that changes something, and run again: it completes, and nothing is there twice."""

import json
import signal

import pytest

from support.aws_proxy import Proxy
from support.waiting import wait_until
from test_deploy import Account

# In the order of a first run: the pipeline, both runtimes, what the gateway is told, and the pipeline again.
CHANGES = [
    ("cloudformation.CreateChangeSet", 0), ("cloudformation.ExecuteChangeSet", 0), ("cloudformation.CreateChangeSet", 1),
    ("cloudformation.CreateChangeSet", 2), ("cloudformation.ExecuteChangeSet", 1), ("cloudformation.ExecuteChangeSet", 2),
    ("s3.PutObject", 0), ("cloudformation.CreateChangeSet", 3), ("cloudformation.ExecuteChangeSet", 3),
]
# Before a call is after the one before it, save for the first.
POINTS = [(*CHANGES[0], False), *((action, passing, True) for action, passing in CHANGES)]


@pytest.fixture
def account(programs, tmp_path):
    account = Account(programs, tmp_path)
    yield account
    account.moto.stop()


@pytest.fixture
def proxy(account):
    proxy = Proxy(account.moto.url)
    yield proxy
    proxy.stop()


def start(account, url, name):
    return account.start("deploy", "--yes", AWS_ENDPOINT_URL=url, name=name)


def creations(account, stack):
    """How many times a stack was made, by its own events."""
    events = account.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return sum(event["ResourceType"] == "AWS::CloudFormation::Stack" and event["ResourceStatus"] == "CREATE_COMPLETE"
               for event in events)


def everything(account):
    """What costs money or would be in the way, by name."""
    client = account.moto.client
    return {
        "queues": sorted(client("sqs").list_queues().get("QueueUrls", [])),
        "topics": sorted(topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]),
        "buckets": sorted(bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]),
        "functions": sorted(each["FunctionName"] for each in client("lambda").list_functions()["Functions"]),
        "apis": len(client("apigateway").get_rest_apis()["items"]), "keys": len(client("apigateway").get_api_keys()["items"]),
        "roles": len(client("iam").list_roles()["Roles"])}


def is_whole(account):
    """All is there once, and another run finds nothing to do."""
    assert account.stacks == {"sd": "UPDATE_COMPLETE", "sd-sdxl": "CREATE_COMPLETE", "sd-comfy": "CREATE_COMPLETE"}
    assert {stack: creations(account, stack) for stack in account.stacks} == {"sd": 1, "sd-sdxl": 1, "sd-comfy": 1}
    found = everything(account)
    # A bucket for pictures, and one for the gateway's settings.
    assert (len(found["buckets"]), found["apis"], found["keys"], len(found["functions"])) == (2, 1, 1, 1), found
    # Each runtime's queue with its dead letters, and the webhooks' with theirs.
    assert len(found["queues"]) == 6 and len(found["topics"]) == 2, found
    again = account.sdctl("deploy", "--yes")
    assert again.stderr.count("as it is to be") == 3 and everything(account) == found
    for runtime in ("sdxl", "comfy"):
        assert account.values(runtime)["queue"]["url"].split("/")[-1] in [url.split("/")[-1] for url in found["queues"]]


@pytest.mark.parametrize("action, passing, committed", POINTS)
def test_a_killed_run_is_completed_by_the_next(account, proxy, action, passing, committed):
    run, calls = [], iter(range(100))

    def act(call):
        if next(calls) != passing:
            return call.pass_on()
        if committed:
            call.forward()
        run[0].kill()
        return call.drop()
    proxy.on(action, act)
    run.append(start(account, proxy.url, "killed"))
    assert run[0].wait(120) == -signal.SIGKILL, run[0].tail()
    assert [call for call in account.calls if call[0] == "upgrade"] == []

    account.sdctl("deploy", "--yes")
    assert [call[2] for call in account.calls if call[0] == "upgrade"] == ["sdxl", "comfy"]
    is_whole(account)


def test_a_run_killed_between_two_releases_is_completed_by_the_next(account):
    """Each release is `helm upgrade --install`: what one has installed the next one leaves."""
    program = account.helm / "helm"
    text = program.read_text()
    hold = account.folder / "go"
    program.write_text(text.replace('case "$1" in\n', f"""case "$1$3" in upgradecomfy) touch '{hold}.reached'
      while [ ! -e '{hold}' ] && kill -0 $PPID; do sleep 0.05; done ;; esac\ncase "$1" in\n""", 1))
    run = start(account, account.moto.url, "killed")
    wait_until((account.folder / "go.reached").exists, 120, "the second release")
    run.kill()
    hold.touch()
    before = len(account.calls)
    account.sdctl("deploy", "--yes")
    assert [call[2] for call in account.calls[before:] if call[0] == "upgrade"] == ["sdxl", "comfy"]
    is_whole(account)
    found = json.loads(account.sdctl("deploy", "status", "--stacks-only", "--output", "json").stdout)
    assert len(found["stacks"]) == 3
