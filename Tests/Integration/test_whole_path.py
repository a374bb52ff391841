"""The whole way of a task on AWS, from a client of each earlier system to its notice: templates deployed by sdctl, an event
of API Gateway into the Lambda form of sd-gateway, SNS, the right queue and no other, sd-agent with the environment that the
chart gives it, a real engine, S3, and the topic of ends."""

import json
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

from support.api_gateway import ApiGateway
from support.aws import KEYS
from support.aws_proxy import Proxy
from support.lambda_runtime import LambdaRuntime
from support.pictures import read_png
from support.processes import clean_environment
from support.waiting import wait_until
from test_deploy import REGISTRY, ROOT, Account

MODEL = "tiny-flux.safetensors"
CONFIG = {
    "stackName": "sd", "region": "us-east-1", "images": {"registry": REGISTRY, "tag": "0.1.0"},
    "modelBucketArn": "arn:aws:s3:::sd-models", "cluster": {"create": False, "name": "ours", "kedaRoleName": "keda"},
    "modelsRuntime": [
        {"name": "first", "type": "sdwebui", "modelFilename": MODEL, "routing": "reference"},
        {"name": "second", "type": "sdwebui", "modelFilename": "turbo.safetensors", "routing": "successor"},
        {"name": "other", "type": "sdwebui", "modelFilename": "other.safetensors"}]}
# What the templates say, worked out by the code that checks them.
READER = """
import json, sys
from support.cloudformation import Template
name, kind, parameters = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
print(json.dumps(Template(name).deployed(**parameters).of_type(kind)))
"""
SMALL = {"prompt": "a lighthouse", "steps": 2, "width": 64, "height": 64, "seed": 7}


def declared(template, kind, parameters):
    """The resources of a kind that a template has for these parameters."""
    result = subprocess.run(
        [sys.executable, "-c", READER, template, kind, json.dumps(parameters)], check=True, capture_output=True, text=True,
        cwd=ROOT / "Tests" / "Infra", env=clean_environment(PYTHONPATH="."))
    return {name: one["Properties"] for name, one in json.loads(result.stdout).items()}


class System:
    """What sdctl deployed, with what the stand-in leaves out made from the templates' own words."""

    def __init__(self, account):
        self.account = account
        account.write(CONFIG)
        self.outputs = json.loads(account.sdctl("deploy", "--yes", "--output", "json").stdout)
        self.pipeline = self.outputs["sd"]
        self.sqs, self.sns = (account.moto.client(name) for name in ("sqs", "sns"))
        self.queues = {name: self.outputs[f"sd-{name}"]["QueueUrl"] for name in ("first", "second", "other")}
        for name, url in self.queues.items():
            self._subscribe(self.outputs["sd"]["InputTopicArn"], url, self._filter(name))
        self.heard = self.sqs.create_queue(QueueName="heard")["QueueUrl"]
        self._subscribe(self.pipeline["OutputTopicArn"], self.heard, {"RawMessageDelivery": "true"})

    def _filter(self, runtime):
        [stack] = self.account.cloudformation.describe_stacks(StackName=f"sd-{runtime}")["Stacks"]
        given = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
        [subscription] = declared("runtime.yaml", "AWS::SNS::Subscription", given).values()
        return {"FilterPolicy": json.dumps(subscription["FilterPolicy"]),
                "FilterPolicyScope": subscription["FilterPolicyScope"]}

    def _subscribe(self, topic, url, attributes):
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)

    def environment(self):
        """The function's, as the template gives it."""
        [function] = declared("pipeline.yaml", "AWS::Lambda::Function", {
            "GatewayImage": f"{REGISTRY}/sd-gateway:0.1.0"}).values()
        given = function["Environment"]["Variables"]
        told = {"SD_TOPIC": self.pipeline["InputTopicArn"], "SD_EVENTS": self.pipeline["OutputTopicArn"],
                "SD_STORE": f"s3://{self.pipeline['OutputBucketName']}", "SD_RUNTIMES": self.pipeline["RuntimesUri"],
                "SD_WEBHOOKS": self.pipeline["WebhookQueueUrl"], "SD_PUBLIC_URL": self.pipeline["FrontApiEndpoint"].rstrip("/"),
                "SD_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
        assert told.keys() <= given.keys(), "the template names everything that only a stack can tell"
        return self.reach | given | told

    @property
    def reach(self):
        return KEYS | {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.account.moto.url}

    def agent_environment(self, runtime, engine):
        """The agent's, as the chart renders it."""
        for one in yaml.safe_load_all((self.account.helm / f"{runtime}.rendered").read_text()):
            if one and one["kind"] == "Deployment":
                [agent] = [each for each in one["spec"]["template"]["spec"]["containers"] if each["name"] == "agent"]
        given = {each["name"]: each["value"] for each in agent["env"] if "value" in each}
        # Not here: the pod's service account, its collector, and two agents' health on one host.
        for name in ("SD_MARK_POD", "SD_TRACES", "SD_HEALTH_PORT"):
            given.pop(name, None)
        assert given["SD_BACKEND"].startswith("webui+http://localhost:")
        return self.reach | given | {"SD_BACKEND": f"webui+{engine}"}

    def depth(self, name):
        found = self.sqs.get_queue_attributes(QueueUrl=self.queues[name], AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    def depths(self):
        return {name: self.depth(name) for name in self.queues}

    def notices(self):
        found = []
        while messages := self.sqs.receive_message(
                QueueUrl=self.heard, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.heard, ReceiptHandle=message["ReceiptHandle"])
        return found

    def listed(self):
        return self.account.moto.client("s3").list_objects_v2(Bucket=self.pipeline["OutputBucketName"])["Contents"]

    def object(self, uri):
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        return self.account.moto.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.fixture
def system(programs, tmp_path):
    account = Account(programs, tmp_path)
    yield System(account)
    account.moto.stop()


@pytest.fixture
def door(programs, system):
    function = LambdaRuntime()
    programs.start("sd-gateway", AWS_LAMBDA_RUNTIME_API=function.authority, **system.environment())
    yield function
    function.stop()


def test_a_task_of_each_earlier_system_goes_all_the_way(system, door, programs, engine):
    first = {"alwayson_scripts": {"task": "text-to-image", "sd_model_checkpoint": MODEL, "id_task": "307", "uid": "456",
                                  "save_dir": "outputs"}, "sdname": "firstAddon", **SMALL}
    status, _, body = door.request(1, "POST", "/v1alpha1", json.dumps(first).encode(), {"Content-Type": "application/json"})
    assert status == 200, body
    bucket = system.pipeline["OutputBucketName"]
    assert json.loads(body)["output_location"] == f"s3://{bucket}/307"
    second = {"task": {
        "metadata": {"id": "t2", "runtime": "second", "tasktype": "text-to-image", "prefix": "output", "context": {"a": 1}},
        "content": {"alwayson_scripts": {}, **SMALL}}}
    status, _, body = door.request(2, "POST", "/v1alpha2", json.dumps(second).encode(), {"Content-Type": "application/json"})
    assert status == 200, body

    assert system.depths() == {"first": 1, "second": 1, "other": 0}, "each to its queue and no other"
    agents = [programs.start("sd-agent", **system.agent_environment(name, engine)) for name in ("first", "second")]
    heard = []
    wait_until(lambda: heard.extend(system.notices()) or len(heard) >= 2, 120, "two notices")
    assert len(heard) == 2 and all(agent.is_running for agent in agents)

    [old] = [each for each in heard if "parameters" in each]
    assert old["parameters"]["id_task"] == "307" and old["parameters"]["status"] == 1
    [new] = [each for each in heard if "parameters" not in each]
    assert new["runtime"] == "second" and new["status"] == "completed" and new["id"] == "t2"
    assert new["result"] is True and new["context"] == {"a": 1} and len(new["image_url"]) == 1
    pictures = [read_png(system.object(uri)) for uri in (old["parameters"]["image_url"], new["image_url"][0])]
    assert [(picture.width, picture.height) for picture in pictures] == [(64, 64), (64, 64)]
    wait_until(lambda: sum(system.depths().values()) == 0, 30, "empty queues")
    assert system.notices() == [], "nothing is announced twice"


@pytest.fixture
def api(programs, system):
    """The deployed API at an address that can be had here: `url`, and `key`."""
    function = LambdaRuntime()
    [key] = system.account.moto.client("apigateway").get_api_keys(includeValues=True)["items"]
    assert f"`{key['id']}`" in system.pipeline["GetAPIKeyCommand"], "what people are told to call finds the same key"
    api = ApiGateway(function, key["value"])
    programs.start("sd-gateway", AWS_LAMBDA_RUNTIME_API=function.authority,
                   **system.environment() | {"SD_PUBLIC_URL": api.url.rstrip("/")})
    yield api
    function.stop()
    api.stop()


@pytest.fixture
def smoke(system, api, tmp_path):
    """Runs `sdctl smoke`, which hears from the stack where the API is."""
    proxy = Proxy(system.account.moto.url)

    def tells_where_it_is_here(call):
        status, headers, body = call.forward()
        call.answer(status, body.replace(system.pipeline["FrontApiEndpoint"].encode(), api.url.encode()), headers)
    proxy.on("cloudformation.DescribeStacks", tells_where_it_is_here)
    yield lambda *arguments, **options: system.account.sdctl(
        "smoke", "--out", tmp_path / "out", "--output", "json", *arguments, AWS_ENDPOINT_URL=proxy.url, **options)
    proxy.stop()


def test_smoke_asks_the_stack_for_address_and_key_and_fetches_the_picture(system, api, smoke, programs, webui):
    webui.models, webui.loaded = [MODEL], MODEL
    programs.start("sd-agent", **system.agent_environment("first", webui.url))
    # Its queue has the first system's filter, and gets the first system's tasks.
    told = smoke()
    result = json.loads(told.stdout)
    [file] = result["files"]
    assert pathlib.Path(file).read_bytes() == webui.made[0] and result["runtime"] == "first"
    [(path, asked)] = webui.calls
    assert path.endswith("/txt2img") and asked["prompt"] == "a lighthouse"
    assert (asked["width"], asked["height"], asked["steps"]) == (512, 512, 20)
    assert f"API      {api.url.rstrip('/')}" in told.stderr and "runtime  first, one of first, second, other" in told.stderr
    assert "POST /v1alpha1" in api.calls and "POST /v1/tasks" not in api.calls and api.refused == 0
    assert api.key not in told.stdout + told.stderr
    [key] = {each["Key"] for each in system.listed() if each["Key"].endswith(".png")}
    assert system.object(f"s3://{system.pipeline['OutputBucketName']}/{key}") == pathlib.Path(file).read_bytes()
    [notice] = system.notices()
    assert notice["parameters"]["id_task"] == result["task"] and notice["parameters"]["status"] == 1
    wait_until(lambda: sum(system.depths().values()) == 0, 30, "empty queues")


def test_smoke_says_what_is_wrong(system, api, smoke, programs, webui):
    refused = smoke(status=4, SDCTL_API_KEY="another")
    assert "SDCTL_API_KEY" in refused.stderr and api.url.rstrip("/") in refused.stderr and "403" in refused.stderr
    assert "another" not in refused.stdout + refused.stderr
    assert api.calls == [] and api.refused == 1

    unknown = smoke("--runtime", "none", status=4)
    assert "none" in unknown.stderr and unknown.stdout == ""

    webui.faults = [(422, {"error": "ValidationError", "detail": "no such sampler", "body": "", "errors": ""})]
    webui.models, webui.loaded = ["other.safetensors"], "other.safetensors"
    programs.start("sd-agent", **system.agent_environment("other", webui.url))
    failed = smoke("--runtime", "other", status=1)
    assert re.search(r"task \S+ failed: .*no such sampler", failed.stderr), failed.stderr
    assert failed.stdout == "" and len(webui.calls) == 1 and "POST /v1/tasks" in api.calls
    assert json.loads(smoke("--runtime", "other").stdout)["files"] and len(webui.calls) == 2, "nothing is left of it"
    wait_until(lambda: sum(system.depths().values()) == 0, 30, "empty queues")

    # As docs/runbooks.md has it: topic and catalog lead to the queues.
    system.sqs.send_message(QueueUrl=system.queues["other"], MessageBody="no task")
    wait_until(lambda: "poison" in programs.run(
        "sdctl", "dlq", "list", "--runtime", "other", "--output", "json", **system.reach,
        SD_TOPIC=system.pipeline["InputTopicArn"], SD_RUNTIMES=system.pipeline["RuntimesUri"]).stdout, 30, "a dead letter")

    system.account.sdctl("deploy", "destroy", "--yes")
    gone = smoke(status=1)
    assert "there is no stack sd: deploy first" in gone.stderr
