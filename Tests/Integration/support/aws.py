"""An account of AWS to test against: moto in a process of its own, and what an operator would look at."""

import itertools
import json
import pathlib
import subprocess
import sys

import boto3

SERVER = pathlib.Path(__file__).resolve().with_name("moto_server.py")
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true"}
# A trace as the door hands it on with a message.
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


class Moto:
    """The process; it ends when its standard input does."""

    def __init__(self):
        self.child = subprocess.Popen(
            [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.child.stdout.readline().strip()
        assert self.url.startswith("http://"), "moto did not start"

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")

    def stop(self):
        self.child.stdin.close()
        self.child.wait(20)


class Deployment:
    """Queue, dead-letter queue, bucket, and a topic with a queue that hears it, as the infrastructure makes them."""

    def __init__(self, moto, name, visibility=30, receives=100, has_letters=True, proxy=None):
        self.moto, self.name, self.proxy = moto, name, proxy
        self._messages = itertools.count()
        self.sqs, self.s3, self.sns = (moto.client(service) for service in ("sqs", "s3", "sns"))
        self.bucket = f"out-{name}"
        self.s3.create_bucket(Bucket=self.bucket)
        attributes = {"VisibilityTimeout": str(visibility), "MaximumMessageSize": "1048576"}
        self.letters_url = None
        if has_letters:
            self.letters_url = self._queue(f"{name}-dlq", {})
            attributes["RedrivePolicy"] = json.dumps(
                {"deadLetterTargetArn": self._arn(self.letters_url), "maxReceiveCount": str(receives)})
        self.queue_url = self._queue(name, attributes)
        self.heard_url = self._queue(f"{name}-heard", {})
        self.topic = self.sns.create_topic(Name=f"{name}-done")["TopicArn"]
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=self._arn(self.heard_url),
                           Attributes={"RawMessageDelivery": "true"})
        self.tasks_topic = self.sns.create_topic(Name=f"{name}-tasks")["TopicArn"]
        self.sns.subscribe(TopicArn=self.tasks_topic, Protocol="sqs", Endpoint=self._arn(self.queue_url))
        self._heard = []

    def _queue(self, name, attributes):
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def _arn(self, url):
        return self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def seen(self, url):
        """An address of AWS as the programs know it: behind the proxy, where there is one."""
        return url.replace(self.moto.url, self.proxy.url) if self.proxy else url

    @property
    def surroundings(self):
        """Where AWS is, and who asks."""
        return KEYS | {"AWS_ENDPOINT_URL": self.seen(self.moto.url)}

    def environment(self, engine, **additions):
        """What the references' charts set, and where AWS is."""
        return self.surroundings | {
            "SQS_QUEUE_URL": self.seen(self.queue_url), "S3_BUCKET": self.bucket,
            "SNS_TOPIC_ARN": self.topic, "DYNAMIC_SD_MODEL": "false", "AWS_XRAY_CONTEXT_MISSING": "IGNORE_ERROR",
            "API_BASE_URL": f"{engine}/sdapi/v1/"} | additions

    # Tasks

    def send(self, body, trace=TRACE, message=None):
        """Puts a message into the queue as it is; a dictionary in the topic's envelope, under an id of its own or a given one."""
        body = body if isinstance(body, str) else self._enveloped(body, message)
        attributes = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}} if trace else {}
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=body, MessageSystemAttributes=attributes)

    def send_many(self, bodies):
        """The same for tasks by the thousand."""
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(number), "MessageBody": self._enveloped(body)}
                       for number, body in enumerate(bodies[start:start + 10])]
            assert not self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries).get("Failed")

    def _enveloped(self, body, message=None):
        return json.dumps({"Type": "Notification", "MessageId": message or f"m-{next(self._messages)}",
                           "TopicArn": self.topic, "Message": json.dumps(body)})

    # What came of them

    def keys(self, ours=False):
        """The keys of all objects that are for clients, or of those that are for us."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return sorted(each["Key"] for page in pages for each in page.get("Contents", [])
                      if each["Key"].startswith(".sd/") == ours)

    def object(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)

    def json(self, key):
        return json.loads(self.object(key)["Body"].read())

    def notices(self):
        """Everything that was announced so far, in the order in which it was heard."""
        return [(attributes, json.loads(body)) for attributes, body in self.heard()]

    def heard(self, receives=None):
        """The same, word for word; with a number of receives it stops there, though there may be more."""
        for _ in itertools.count() if receives is None else range(receives):
            found = self.sqs.receive_message(
                QueueUrl=self.heard_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages", [])
            if not found:
                break
            for message in found:
                attributes = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
                self._heard.append((attributes, message["Body"]))
            self.sqs.delete_message_batch(QueueUrl=self.heard_url, Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(found)])
        return self._heard

    def letters(self):
        """The dead letters, which stay where they are: bodies and attributes."""
        found = self.sqs.receive_message(
            QueueUrl=self.letters_url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"])
        return [
            (message["Body"], {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()})
            for message in found.get("Messages", [])]

    def left(self, url=None):
        """Messages in the queue, leased ones too."""
        counts = self.sqs.get_queue_attributes(QueueUrl=url or self.queue_url, AttributeNames=["All"])["Attributes"]
        return sum(int(counts[f"ApproximateNumberOf{what}"])
                   for what in ("Messages", "MessagesNotVisible", "MessagesDelayed"))

    def letter_count(self):
        return self.left(self.letters_url) if self.letters_url else 0
