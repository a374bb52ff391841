"""An account of AWS with Bottlerocket nodes: moto, and beside it what moto lacks.

Systems Manager reaches every running instance and really runs its commands, on a host of stand-in programs (`host/`).
Each call is written down; one can be held before or after it is done, so that tests meet a program at a certain place.
"""

import hashlib
import io
import json
import logging
import pathlib
import re
import subprocess
import threading
import uuid
from urllib.parse import parse_qs

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from .aws import KEYS

HOST_PROGRAMS = pathlib.Path(__file__).resolve().with_name("host")
MACHINE_IMAGE = "ami-0b301ce3ce347599c"  # one of moto's
PARAMETER = re.compile(r"/aws/service/bottlerocket/aws-k8s-[0-9.]+(-nvidia)?/(x86_64|arm64)/latest/image_id")
TOKEN = "ecr-token-that-nobody-may-see"
logging.getLogger("werkzeug").setLevel(logging.WARNING)


class Hold:
    """A call that waits until it is released."""

    def __init__(self, action, when, passing):
        self.action, self.when, self.passing = action, when, passing
        self.reached, self.released, self.is_dropped = threading.Event(), threading.Event(), False

    def wait(self, limit=60):
        assert self.reached.wait(limit), f"{self.action} was not called within {limit} s"

    def release(self):
        self.released.set()

    def drop(self):
        """Releases it as a call that never arrived."""
        self.is_dropped = True
        self.released.set()


class Account:
    """Started by `with`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.app = DomainDispatcherApplication(create_backend_app)
        self.server = make_server("127.0.0.1", 0, self._serve, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.lock, self.open, self.begun = threading.Condition(), 0, 0
        self.begin()

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end()
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()

    def begin(self):
        """Empties the account for another test."""
        self.begun += 1
        self.hosts = self.folder / str(self.begun)
        self.hosts.mkdir()
        (self.hosts / "token").write_text(TOKEN)
        self.calls, self.commands, self.holds, self.running = [], {}, [], []
        self.registry, self.starts_late, self.pending_looks, self.stack_failure = {}, 0, 0, None
        self._write_registry()
        self._answer_of({
            "REQUEST_METHOD": "POST", "PATH_INFO": "/moto-api/reset", "QUERY_STRING": "", "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80", "HTTP_HOST": "127.0.0.1", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http",
            "CONTENT_LENGTH": "0", "wsgi.errors": io.StringIO()})

    def end(self):
        for hold in self.holds:
            hold.release()
        for child in self.running:
            child.kill()

    def client(self, service, region="us-east-1"):
        return boto3.client(
            service, endpoint_url=self.url, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")

    @property
    def environment(self):
        return KEYS | {"AWS_ENDPOINT_URL": self.url}

    # Images

    def offers(self, name, digest="a" * 64, platforms=("linux/amd64", "linux/arm64"), **more):
        """Has a registry hold an image, under the whole name that containerd knows it by."""
        self.registry[name] = {"digest": f"sha256:{digest}", "platforms": list(platforms)} | more
        self._write_registry()

    def _write_registry(self):
        new = self.hosts / "registry.new"
        new.write_text(json.dumps(self.registry))
        new.rename(self.hosts / "registry.json")

    def host(self, instance):
        return self.hosts / instance

    def images(self, instance):
        """What is on an instance: names with their platforms."""
        found = [json.loads(path.read_text()) for path in (self.host(instance) / "images").iterdir()]
        return {image["name"]: image["platforms"] for image in found}

    # What is there

    def snapshots(self):
        return [
            snapshot | {"Tags": {tag["Key"]: tag["Value"] for tag in snapshot.get("Tags", [])}}
            for snapshot in self.client("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"]
            if any(tag["Key"].startswith("sd-snapshot") for tag in snapshot.get("Tags", []))]

    def instances(self, region="us-east-1"):
        """Those that cost money."""
        return [
            instance for reservation in self.client("ec2", region).describe_instances()["Reservations"]
            for instance in reservation["Instances"] if instance["State"]["Name"] != "terminated"]

    def temporary(self):
        """All that must be gone at the end of a run."""
        stacks = [stack["StackName"] for stack in self.client("cloudformation").describe_stacks()["Stacks"]]
        iam = self.client("iam")
        return {
            "stacks": stacks, "instances": [instance["InstanceId"] for instance in self.instances()],
            "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
            "profiles": [profile["InstanceProfileName"] for profile in iam.list_instance_profiles()["InstanceProfiles"]],
            "snapshots": [each["SnapshotId"] for each in self.snapshots() if each["Tags"]["sd-snapshot-state"] != "ready"]}

    # Calls

    def hold(self, action, when="before", passing=0):
        """Holds a call, as `service:Action`; so many of them pass first."""
        hold = Hold(action, when, passing)
        self.holds.append(hold)
        return hold

    def actions(self):
        return [action for action, _ in self.calls]

    def settle(self):
        """Waits until what was asked is answered, though nobody may listen any more."""
        with self.lock:
            assert self.lock.wait_for(lambda: self.open == 0, 60), "a call is not answered"

    def _serve(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if environ.get("HTTP_USER_AGENT", "").startswith("Boto3"):
            return self.app(environ, start_response)  # the tests' own
        action, parameters = self._named(environ, body)
        with self.lock:
            self.open += 1
            self.calls.append((action, body.decode(errors="replace")))
            hold = self._hold(action)
        try:
            if hold and hold.when == "before":
                hold.released.wait(120)
            if hold and hold.is_dropped:
                answer = "503 Slow Down", [], b""
            else:
                answer = self._answered(action, parameters, environ)
            if hold and hold.when == "after":
                hold.released.wait(120)
        finally:
            with self.lock:
                self.open -= 1
                self.lock.notify_all()
        start_response(*answer[:2])
        return [answer[2]]

    def _hold(self, action):
        hold = next((each for each in self.holds if each.action == action and not each.reached.is_set()), None)
        if hold is None:
            return None
        if hold.passing:
            hold.passing -= 1
            return None
        hold.reached.set()
        return hold

    @staticmethod
    def _named(environ, body):
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        service = scope.group(1) if scope else "nobody"
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            return f"{service}:{target.split('.')[-1]}", json.loads(body or b"{}")
        form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        return f"{service}:{form.get('Action', environ['PATH_INFO'])}", form

    def _answer_of(self, environ):
        told = []
        answer = b"".join(self.app(environ, lambda status, headers, *_: told.append((status, headers))))
        return *told[0], answer

    def _answered(self, action, parameters, environ):
        if action == "ssm:DescribeInstanceInformation":
            region = re.search(r"Credential=[^/]+/\d+/([^/]+)/", environ["HTTP_AUTHORIZATION"]).group(1)
            return self._json({"InstanceInformationList": self._reached(parameters, region)})
        if action == "ssm:SendCommand":
            return self._send(parameters)
        if action == "ssm:GetCommandInvocation":
            return self._json(self.commands[parameters["CommandId"]])
        if action == "ssm:GetParameter" and PARAMETER.fullmatch(parameters["Name"]):
            return self._json({"Parameter": {"Name": parameters["Name"], "Value": MACHINE_IMAGE, "Type": "String"}})
        if action == "ec2:EnableFastSnapshotRestores":
            return self._xml(
                "<EnableFastSnapshotRestoresResponse xmlns='http://ec2.amazonaws.com/doc/2016-11-15/'>"
                f"<requestId>r</requestId><successful><item><snapshotId>{parameters['SourceSnapshotId.1']}</snapshotId>"
                f"<availabilityZone>{parameters['AvailabilityZone.1']}</availabilityZone><state>enabling</state></item>"
                "</successful><unsuccessful/></EnableFastSnapshotRestoresResponse>")
        if action == "cloudformation:DescribeStackEvents" and self.stack_failure:
            return self._xml(
                "<DescribeStackEventsResponse xmlns='http://cloudformation.amazonaws.com/doc/2010-05-15/'>"
                "<DescribeStackEventsResult><StackEvents><member><EventId>e</EventId><StackId>s</StackId><StackName>s</StackName>"
                "<LogicalResourceId>Instance</LogicalResourceId><ResourceType>AWS::EC2::Instance</ResourceType>"
                "<Timestamp>2026-01-01T00:00:00Z</Timestamp><ResourceStatus>CREATE_FAILED</ResourceStatus>"
                f"<ResourceStatusReason>{self.stack_failure}</ResourceStatusReason></member></StackEvents>"
                "</DescribeStackEventsResult></DescribeStackEventsResponse>")
        status, headers, answer = self._answer_of(environ)
        if action == "cloudformation:DescribeStacks" and self.stack_failure:
            answer = answer.replace(b"CREATE_COMPLETE", b"ROLLBACK_COMPLETE")
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        if action == "ec2:DescribeSnapshots" and "SnapshotId.1" in parameters and self.pending_looks > 0:
            self.pending_looks -= 1
            answer = re.sub(rb"<progress>[^<]*</progress>", b"<progress>42%</progress>", answer)
            answer = answer.replace(b"<status>completed</status>", b"<status>pending</status>")
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        return status, headers, answer

    @staticmethod
    def _json(value, status="200 OK"):
        return status, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(value).encode()

    @staticmethod
    def _xml(text):
        return "200 OK", [("Content-Type", "text/xml")], text.encode()

    # Systems Manager

    def _reached(self, parameters, region):
        [ids] = [each["Values"] for each in parameters["Filters"] if each["Key"] == "InstanceIds"]
        with self.lock:
            self.starts_late -= 1
            if self.starts_late >= 0:
                return []
        running = [each["InstanceId"] for each in self.instances(region) if each["State"]["Name"] == "running"]
        return [{"InstanceId": each, "PingStatus": "Online"} for each in ids if each in running]

    def _send(self, parameters):
        [instance], command = parameters["InstanceIds"], str(uuid.uuid4())
        host = self.host(instance)
        if not host.exists():
            (host / "images").mkdir(parents=True)
            old = {"name": "registry.k8s.io/pause:3.10", "digest": "sha256:" + "e" * 64, "platforms": ["linux/amd64"]}
            name = hashlib.sha256(old["name"].encode()).hexdigest()
            (host / "images" / name).write_text(json.dumps(old))
            (host / "no-admin").touch()
        self.commands[command] = invocation = {
            "CommandId": command, "InstanceId": instance, "Comment": parameters.get("Comment", ""), "Status": "InProgress",
            "StatusDetails": "InProgress", "StandardOutputContent": "", "StandardErrorContent": "", "ResponseCode": -1}
        child = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={"PATH": f"{HOST_PROGRAMS}:/usr/bin:/bin", "SDTEST_HOST": str(host)})
        self.running.append(child)

        def run():
            out, err = child.communicate("\n".join(parameters["Parameters"]["commands"]))
            status = "Success" if child.returncode == 0 else "Failed"
            if child.returncode:
                err += f"failed to run commands: exit status {child.returncode}"
            invocation.update(
                Status=status, StatusDetails=status, StandardOutputContent=out[:24000], StandardErrorContent=err[:8000],
                ResponseCode=child.returncode)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(1)  # what is quick is over at the first look
        return self._json({"Command": {"CommandId": command, "Status": "Pending"}})
