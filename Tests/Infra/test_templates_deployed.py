"""The templates on a stand-in for AWS, and tasks through the subscriptions that they name: the right queue, and no other.

The stand-in makes topics, queues and buckets and leaves out subscriptions, so these are made from the template's own words."""

import json
import pathlib
import re

import boto3
import pytest
from moto.server import ThreadedMotoServer

from support.cloudformation import Template
from support.paths import INFRA

MODEL = "v1-5-pruned-emaonly.safetensors"


class Cloud:
    def __init__(self, endpoint):
        self.endpoint = endpoint

    def client(self, service):
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-west-2", aws_access_key_id="test",
                            aws_secret_access_key="test")

    def stack(self, name, template, **parameters):
        client = self.client("cloudformation")
        client.create_stack(
            StackName=name, TemplateBody=pathlib.Path(INFRA / template).read_text(), Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    def runtime(self, pipeline, name, **parameters):
        """A runtime's stack with its subscriptions; answers the addresses of its queues."""
        parameters = {
            "RuntimeName": name, "PipelineStackName": "sd", "InputTopicArn": pipeline["InputTopicArn"],
            "OutputTopicArn": pipeline["OutputTopicArn"], "OutputBucketArn": pipeline["OutputS3Bucket"],
            "ServiceAccountName": name, **parameters}
        outputs = self.stack(f"sd-{name}", "runtime.yaml", **parameters)
        queues = {"<Queue.Arn>": outputs["QueueUrl"], "<PriorityQueue.Arn>": outputs.get("PriorityQueueUrl")}
        for one in Template("runtime.yaml").deployed(**parameters).of_type("AWS::SNS::Subscription").values():
            properties = one["Properties"]
            arn = self.client("sqs").get_queue_attributes(
                QueueUrl=queues[properties["Endpoint"]], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            self.client("sns").subscribe(
                TopicArn=properties["TopicArn"], Protocol=properties["Protocol"], Endpoint=arn, Attributes={
                    "FilterPolicy": json.dumps(properties["FilterPolicy"]),
                    "FilterPolicyScope": properties["FilterPolicyScope"]})
        return outputs

    def publish(self, topic, body, **attributes):
        self.client("sns").publish(
            TopicArn=topic, Message=json.dumps(body),
            MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()})

    def taken(self, url):
        """What lies in a queue, taken out of it."""
        client, bodies = self.client("sqs"), []
        while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
            for message in messages:
                bodies.append(json.loads(json.loads(message["Body"])["Message"]))
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies


@pytest.fixture(scope="module")
def cloud():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Cloud(f"http://{host}:{port}")
    server.stop()


@pytest.fixture(scope="module")
def pipeline(cloud):
    return cloud.stack("sd", "pipeline.yaml", GatewayImage="123456789012.dkr.ecr.us-west-2.amazonaws.com/sd/sd-gateway:0.1.0")


@pytest.fixture(scope="module")
def runtimes(cloud, pipeline):
    return {
        "first": cloud.runtime(pipeline, "first", Routing="reference", ModelFilename=MODEL),
        "second": cloud.runtime(pipeline, "second", Routing="successor", ModelFilename="turbo.safetensors"),
        "ours": cloud.runtime(pipeline, "ours", ModelFilename="xl.safetensors", Priority="true"),
    }


def test_the_pipeline_puts_out_what_its_users_need(pipeline):
    assert pipeline["FrontApiEndpoint"].endswith(".execute-api.us-west-2.amazonaws.com/prod/")
    assert pipeline["OutputS3Bucket"] == f"arn:aws:s3:::{pipeline['OutputBucketName']}"
    place = re.fullmatch(r"s3://([^/]+)/runtimes\.yaml", pipeline["RuntimesUri"])
    assert place[1] != pipeline["OutputBucketName"], "what lies there expires"


def v1alpha1(runtime, model):
    """As the gateway publishes a task of the first API: body and attributes."""
    body = {"sdname": f"{runtime}Addon", "alwayson_scripts": {"task": "text-to-image", "sd_model_checkpoint": model,
            "id_task": "307"}, "prompt": "a lighthouse"}
    return body, {"runtime": runtime, "sd_model_checkpoint": model}


def v1alpha2(runtime):
    return {"metadata": {"id": "1", "runtime": runtime}, "content": {}}, {"runtime": runtime}


@pytest.mark.parametrize("task,queue", [
    (v1alpha1("first", MODEL), "first"),
    (v1alpha1("ours", "xl.safetensors"), "ours"),
    (v1alpha2("second"), "second"),
    (v1alpha2("ours"), "ours"),
    # The second system's own v1alpha1: a model and no runtime.
    (({"metadata": {"runtime": "legacy"}, "content": {}}, {"sd_model_checkpoint": "turbo.safetensors"}), "second"),
    (({"metadata": {"runtime": "legacy"}, "content": {}}, {"sd_model_checkpoint": "xl.safetensors"}), "ours"),
    # Published straight to the topic without attributes, as the first system's gateway did.
    ((v1alpha1("first", MODEL)[0], {}), "first"),
    # Nobody's.
    (v1alpha2("third"), None),
    (v1alpha1("first", "other.safetensors"), None),
])
def test_a_task_goes_to_its_queue_and_no_other(cloud, pipeline, runtimes, task, queue):
    body, attributes = task
    cloud.publish(pipeline["InputTopicArn"], body, **attributes)
    found = {name: cloud.taken(outputs["QueueUrl"]) for name, outputs in runtimes.items()}
    assert found == {name: [body] if name == queue else [] for name in runtimes}
    assert cloud.taken(runtimes["ours"]["PriorityQueueUrl"]) == []


def test_an_urgent_task_goes_to_the_urgent_queue_and_no_other(cloud, pipeline, runtimes):
    body, attributes = v1alpha2("ours")
    cloud.publish(pipeline["InputTopicArn"], body, **attributes, priority="high")
    assert cloud.taken(runtimes["ours"]["PriorityQueueUrl"]) == [body]
    assert cloud.taken(runtimes["ours"]["QueueUrl"]) == []


def test_letters_go_where_the_queue_says(cloud, runtimes):
    client = cloud.client("sqs")
    for outputs in runtimes.values():
        attributes = client.get_queue_attributes(QueueUrl=outputs["QueueUrl"], AttributeNames=["All"])["Attributes"]
        policy = json.loads(attributes["RedrivePolicy"])
        assert policy["deadLetterTargetArn"].split(":")[-1] == outputs["DeadLetterQueueUrl"].split("/")[-1]
        assert int(policy["maxReceiveCount"]) == 100 and attributes["MaximumMessageSize"] == "1048576"
