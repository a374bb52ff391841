"""CloudFormation: linted without a word, what it puts out, what each runtime's queue subscribes to."""

import json
import pathlib
import subprocess
import sys

import pytest

from support import strictyaml
from support.cloudformation import TEMPLATES, Template
from support.paths import CHART, DOCS, INFRA

VALUES = strictyaml.load((CHART / "values.yaml").read_text())
RUNTIME = {
    "PipelineStackName": "sd", "InputTopicArn": "arn:aws:sns:us-west-2:123456789012:sd-input",
    "OutputTopicArn": "arn:aws:sns:us-west-2:123456789012:sd-output", "OutputBucketArn": "arn:aws:s3:::sd-output",
    "ServiceAccountName": "sdruntime-stable-diffusion", "ClusterName": "sd-cluster",
}
PIPELINE = {"GatewayImage": "123456789012.dkr.ecr.us-west-2.amazonaws.com/sd/sd-gateway:0.1.0"}


def test_there_are_the_templates_that_are_documented():
    assert TEMPLATES == ["cluster.yaml", "ebs-throughput.yaml", "efs.yaml", "pipeline.yaml", "runtime.yaml"]
    readme = (INFRA / "README.md").read_text()
    assert all(name in readme for name in TEMPLATES)


def test_the_linter_has_nothing_to_say():
    result = subprocess.run(
        [pathlib.Path(sys.executable).with_name("cfn-lint"), "--include-checks", "W", "I", "--regions", "us-west-2",
         "eu-central-1", "--template", *[INFRA / name for name in TEMPLATES]], capture_output=True, text=True, timeout=300)
    assert (result.returncode, result.stdout.strip()) == (0, ""), result.stdout + result.stderr


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_and_output_is_explained(name):
    template = Template(name)
    readme = (INFRA / "README.md").read_text()
    for parameter, one in template.parameters.items():
        assert one["Description"], parameter
        assert f"`{parameter}`" in readme, f"{parameter} of {name} is not in infra/README.md"
    for output, one in template.outputs.items():
        assert one["Description"], output
    groups = template.data.get("Metadata", {}).get("AWS::CloudFormation::Interface", {}).get("ParameterGroups")
    if groups:
        grouped = [parameter for group in groups for parameter in group["Parameters"]]
        assert sorted(grouped) == sorted(template.parameters)


def test_outputs_are_named_as_the_references():
    pipeline, cluster = Template("pipeline.yaml"), Template("cluster.yaml")
    assert {"FrontApiEndpoint", "GetAPIKeyCommand", "OutputS3Bucket"} <= pipeline.outputs.keys()
    assert {"ConfigCommand", "ClusterName", "GetTokenCommand"} <= cluster.outputs.keys()
    deployed = pipeline.deployed(**PIPELINE)
    endpoint = deployed.resolve(pipeline.outputs["FrontApiEndpoint"]["Value"])
    assert endpoint == "https://<Api>.execute-api.us-west-2.amazonaws.com/prod/"
    command = deployed.resolve(pipeline.outputs["GetAPIKeyCommand"]["Value"])
    assert command.startswith("aws apigateway get-api-keys --query 'items[?id==`<ApiKey>`].value' --include-values")


def subscriptions(**parameters):
    deployed = Template("runtime.yaml").deployed(**RUNTIME, **parameters)
    return {name: one["Properties"] for name, one in deployed.of_type("AWS::SNS::Subscription").items()}


class TestRouting:
    """What SNS is told to hand to which queue."""

    def only(self, **parameters):
        found = subscriptions(**parameters)
        assert len(found) == 1, found.keys()
        return next(iter(found.values()))

    def test_by_body_as_the_first_system_had_it(self):
        one = self.only(RuntimeName="sdruntime-job", Routing="reference", ModelFilename="v1-5-pruned-emaonly.safetensors")
        assert one["FilterPolicyScope"] == "MessageBody"
        assert one["FilterPolicy"] == {
            "alwayson_scripts": {"sd_model_checkpoint": ["v1-5-pruned-emaonly.safetensors"]}, "sdname": ["sdruntime-jobAddon"]}

    def test_the_first_systems_dynamic_runtime_takes_all_other_models(self):
        one = self.only(RuntimeName="dynamicsdruntime", Routing="reference", DynamicModel="true", StaticModels="a.ckpt,b.ckpt")
        assert one["FilterPolicyScope"] == "MessageAttributes"
        assert one["FilterPolicy"] == {"sd_model_checkpoint": [{"anything-but": ["a.ckpt", "b.ckpt"]}]}

    def test_by_either_attribute_as_the_second_had_it(self):
        one = self.only(RuntimeName="sdruntime", Routing="successor", ModelFilename="turbo.safetensors")
        assert one["FilterPolicyScope"] == "MessageAttributes"
        assert one["FilterPolicy"] == {
            "$or": [{"sd_model_checkpoint": ["turbo.safetensors"]}, {"runtime": ["sdruntime"]}]}
        assert self.only(RuntimeName="comfy", Routing="successor")["FilterPolicy"] == {"runtime": ["comfy"]}

    def test_ours_asks_for_the_model_only_where_no_runtime_is_named(self):
        one = self.only(RuntimeName="sdruntime", ModelFilename="turbo.safetensors")
        assert one["FilterPolicy"] == {"$or": [
            {"runtime": ["sdruntime"]},
            {"sd_model_checkpoint": ["turbo.safetensors"], "runtime": [{"exists": False}]}]}
        assert self.only(RuntimeName="comfy")["FilterPolicy"] == {"runtime": ["comfy"]}
        dynamic = self.only(RuntimeName="any", DynamicModel="true", StaticModels="a.ckpt")
        assert dynamic["FilterPolicy"]["$or"][1] == {
            "sd_model_checkpoint": [{"anything-but": ["a.ckpt"]}], "runtime": [{"exists": False}]}
        alone = self.only(RuntimeName="any", DynamicModel="true")
        assert alone["FilterPolicy"]["$or"][1]["sd_model_checkpoint"] == [{"exists": True}]

    def test_urgent_tasks_go_to_their_own_queue_and_no_other(self):
        found = subscriptions(RuntimeName="sdruntime", ModelFilename="m", Priority="true")
        ordinary, urgent = found["SubscriptionByAttributes"], found["SubscriptionOfUrgent"]
        assert (ordinary["Endpoint"], urgent["Endpoint"]) == ("<Queue.Arn>", "<PriorityQueue.Arn>")
        assert [one["priority"] for one in ordinary["FilterPolicy"]["$or"]] == [[{"exists": False}]] * 2
        assert [one["priority"] for one in urgent["FilterPolicy"]["$or"]] == [["high"]] * 2

    def test_each_routing_makes_one_subscription(self):
        for routing in ("attributes", "successor", "reference"):
            for dynamic in ("true", "false"):
                self.only(RuntimeName="r", ModelFilename="m", Routing=routing, DynamicModel=dynamic)


def test_queues_give_up_late_and_letters_outlive_them():
    deployed = Template("runtime.yaml").deployed(**RUNTIME, RuntimeName="sdruntime")
    queue, letters = (deployed.resources[name]["Properties"] for name in ("Queue", "DeadLetters"))
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": "<DeadLetters.Arn>", "maxReceiveCount": 100}
    assert queue["QueueName"] == "sd-sdruntime" and letters["QueueName"] == "sd-sdruntime-dlq"
    assert letters["MessageRetentionPeriod"] == 14 * 86400
    pipeline = Template("pipeline.yaml")
    assert pipeline.parameters["RecordDays"]["MinValue"] * 86400 > queue["MessageRetentionPeriod"], "records outlive tasks"


def test_the_gateway_sees_the_queues_that_runtimes_have():
    """Its rights are by name: the names that runtimes' stacks give."""
    import fnmatch
    deployed = Template("pipeline.yaml").deployed(**PIPELINE)
    statements = {one["Sid"]: one for one in deployed.resources["GatewayPolicy"]["Properties"]["PolicyDocument"]["Statement"]}
    prefix = "arn:aws:sqs:us-west-2:123456789012:"
    for name in ("sd-sdruntime", "sd-sdruntime-dlq", "sd-sdruntime-priority"):
        assert fnmatch.fnmatchcase(prefix + name, statements["LookAtQueues"]["Resource"])
    assert fnmatch.fnmatchcase(prefix + "sd-sdruntime-dlq", statements["SweepDeadLetters"]["Resource"])
    assert not fnmatch.fnmatchcase(prefix + "sd-sdruntime", statements["SweepDeadLetters"]["Resource"])


def test_one_function_serves_api_webhooks_and_the_minute():
    deployed = Template("pipeline.yaml").deployed(**PIPELINE)
    assert list(deployed.of_type("AWS::Lambda::Function")) == ["Gateway"]
    assert deployed.resources["WebhookSource"]["Properties"]["FunctionName"] == "<Gateway>"
    assert deployed.resources["WebhookSource"]["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    rule = deployed.resources["SweepRule"]["Properties"]
    assert rule["ScheduleExpression"] == "rate(1 minute)" and rule["Targets"][0]["Arn"] == "<Gateway.Arn>"
    allowed = {one["Properties"]["Principal"] for one in deployed.of_type("AWS::Lambda::Permission").values()}
    assert allowed == {"events.amazonaws.com", "apigateway.amazonaws.com"}
    function = deployed.resources["Gateway"]["Properties"]
    assert deployed.resources["WebhookQueue"]["Properties"]["VisibilityTimeout"] >= 6 * function["Timeout"]
    for method in deployed.of_type("AWS::ApiGateway::Method").values():
        assert method["Properties"]["ApiKeyRequired"] is True


def test_what_is_stored_is_locked_up():
    for name, parameters in (("pipeline.yaml", {**PIPELINE, "ModelBucketName": "models"}), ("runtime.yaml",
                             {**RUNTIME, "RuntimeName": "r", "Priority": "true"})):
        deployed = Template(name).deployed(**parameters)
        for bucket in deployed.of_type("AWS::S3::Bucket").values():
            assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
            assert bucket["Properties"]["BucketEncryption"]
            # What is not kept is made anew by every deployment, and never expires.
            is_kept = "LifecycleConfiguration" in bucket["Properties"]
            assert bucket["DeletionPolicy"] == ("Retain" if is_kept else "Delete")
        for queue in deployed.of_type("AWS::SQS::Queue").values():
            assert queue["Properties"]["SqsManagedSseEnabled"] is True
        policies = [one["Properties"]["PolicyDocument"]["Statement"] for kind in
                    ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
                    for one in deployed.of_type(kind).values()]
        for statements in policies:
            assert any(one["Effect"] == "Deny" and one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                       for one in statements), "TLS only"
    key = {"KmsKeyArn": "arn:aws:kms:us-west-2:123456789012:key/1"}
    for queue in Template("runtime.yaml").deployed(**RUNTIME, RuntimeName="r", **key).of_type("AWS::SQS::Queue").values():
        assert queue["Properties"]["KmsMasterKeyId"] == key["KmsKeyArn"]
        assert queue["Properties"]["SqsManagedSseEnabled"] is False


def test_nothing_that_is_needed_expires():
    """Every object of the output bucket may: by its records' rule, or by its images'."""
    deployed = Template("pipeline.yaml").deployed(**PIPELINE, OutputDays=30)
    rules = deployed.resources["OutputBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {one.get("Prefix", ""): one["ExpirationInDays"] for one in rules if "ExpirationInDays" in one} == {".sd/": 60, "": 30}
    assert "LifecycleConfiguration" not in deployed.resources["SettingsBucket"]["Properties"]
    function = deployed.resources["Gateway"]["Properties"]["Environment"]["Variables"]
    assert function["SD_RUNTIMES"] == "s3://<SettingsBucket>/runtimes.yaml"
    # A record must outlive the messages of its task, which queues keep for 14 days.
    [rule] = deployed.template.data["Rules"]["RecordsOutliveTheQueues"]["Assertions"]
    assert rule["Assert"]["Fn::Not"][0]["Fn::Contains"][0] == [str(days) for days in range(1, 21)]
    assert Template("pipeline.yaml").parameters["RecordDays"]["MinValue"] == 21


def test_every_alarm_has_a_runbook():
    runbooks = (DOCS / "runbooks.md").read_text()
    alarms = []
    for name, parameters in (("pipeline.yaml", {**PIPELINE, "AlarmEmail": "a@b.example"}), ("runtime.yaml",
                             {**RUNTIME, "RuntimeName": "r", "Priority": "true", "AlarmTopicArn": "arn:aws:sns:us-west-2:123456789012:a"})):
        alarms += [one["Properties"] for one in Template(name).deployed(**parameters)
                   .of_type("AWS::CloudWatch::Alarm").values()]
    assert len(alarms) == 7
    for alarm in alarms:
        title = alarm["AlarmName"].split("-")[-1]
        assert f"\n## {title}\n" in runbooks and f"docs/runbooks.md#{title.lower()}" in alarm["AlarmDescription"]
        assert alarm["AlarmActions"] and alarm["TreatMissingData"] == "notBreaching"
    assert not Template("pipeline.yaml").deployed(**PIPELINE).of_type("AWS::CloudWatch::Alarm")


def test_the_dashboard_is_json():
    body = Template("pipeline.yaml").deployed(**PIPELINE).resources["Dashboard"]["Properties"]["DashboardBody"]
    assert len(json.loads(body)["widgets"]) == 6


def test_options_are_options():
    cluster = Template("cluster.yaml")
    few = cluster.deployed(LoadBalancerController="false", EbsCsi="false", S3Csi="false", ZoneCount=2)
    addons = [one["Properties"]["AddonName"] for one in few.of_type("AWS::EKS::Addon").values()]
    assert sorted(addons) == ["coredns", "eks-pod-identity-agent", "kube-proxy", "vpc-cni"]
    assert len(few.of_type("AWS::EC2::Subnet")) == 4
    many = cluster.deployed(EfsCsi="true", ContainerInsights="true", ContainerLogs="true", Kubecost="true", FluentBit="true")
    assert len(many.of_type("AWS::EKS::Addon")) == 9
    insights = json.loads(many.resources["Insights"]["Properties"]["ConfigurationValues"])
    assert insights["containerLogs"] == {"enabled": True}
    assert json.loads(many.resources["Network"]["Properties"]["ConfigurationValues"]) == {"enableNetworkPolicy": "true"}


def test_other_charts_are_pinned_and_get_what_the_cluster_puts_out():
    import re
    charts = strictyaml.load((INFRA / "charts.yaml").read_text())["charts"]
    outputs = Template("cluster.yaml").outputs.keys() | {"Region"}
    schema = json.loads((INFRA / "config.schema.json").read_text())
    for chart in charts:
        assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", str(chart["version"])), chart["release"]
        assert chart["chart"].startswith("oci://") != ("repository" in chart)
        named = set(re.findall(r"\$\{(\w+)\}", json.dumps(chart["values"])))
        assert named <= outputs, named - outputs
        place = schema
        for part in chart.get("when", "").split(".") if "when" in chart else []:
            place = place["properties"][part]
        assert "when" not in chart or place["type"] == "boolean"
    identities = {(one["Properties"]["Namespace"], one["Properties"]["ServiceAccount"])
                  for one in Template("cluster.yaml").deployed(FluentBit="true").of_type("AWS::EKS::PodIdentityAssociation").values()}
    releases = {chart["release"]: chart for chart in charts}
    for release, account in (("keda", "keda-operator"), ("karpenter", "karpenter"),
                             ("aws-load-balancer-controller", "aws-load-balancer-controller"),
                             ("aws-for-fluent-bit", "aws-for-fluent-bit")):
        assert (releases[release]["namespace"], account) in identities, "its role is tied to another service account"
    assert releases["karpenter"]["values"]["settings"]["featureGates"]["nodeOverlay"] is True
    slicing = releases["nvidia-device-plugin"]["values"]["config"]["map"]
    from support import helm
    label = helm.render("karpenter-al2023").one("NodePool")["spec"]["template"]["metadata"]["labels"]
    assert label["nvidia.com/device-plugin.config"] in slicing
    for name in slicing.keys() - {"whole"}:
        sharing = strictyaml.load(slicing[name])["sharing"]["timeSlicing"]["resources"]
        assert sharing == [{"name": "nvidia.com/gpu", "replicas": int(name.removeprefix("time-slicing-"))}]


@pytest.mark.parametrize("parameters,traces,mode", [
    ({}, None, "Active"), ({"Tracing": "none"}, "none:", "PassThrough"),
    ({"Tracing": "otlp", "OtlpEndpoint": "https://collector.example:4318"}, "otlp+https://collector.example:4318", "PassThrough")])
def test_the_gateways_spans_go_where_they_are_to(parameters, traces, mode):
    function = Template("pipeline.yaml").deployed(**PIPELINE, **parameters).resources["Gateway"]["Properties"]
    assert function["Environment"]["Variables"].get("SD_TRACES") == traces and function["TracingConfig"] == {"Mode": mode}


def test_models_are_copied_in_the_engines_name_and_read_by_all():
    """DataSync mounts as root, whom the file system's policy lets do nothing: it needs role and access point."""
    deployed = Template("efs.yaml").deployed(
        VpcId="vpc-1", VpcCidr="10.0.0.0/16", SubnetIds="subnet-1,subnet-2", SubnetCount=2, ModelBucketArn="arn:aws:s3:::m")
    target = deployed.resources["Target"]["Properties"]
    assert target["AccessPointArn"] == "<AccessPoint.Arn>" and target["InTransitEncryption"] == "TLS1_2"
    assert target["FileSystemAccessRoleArn"] == "<DataSyncRole.Arn>" and "Subdirectory" not in target
    [write] = [one for one in deployed.resources["DataSyncPolicy"]["Properties"]["PolicyDocument"]["Statement"]
               if one["Sid"] == "Write"]
    assert "elasticfilesystem:ClientWrite" in write["Action"] and write["Resource"] == "<FileSystem.Arn>"
    assert write["Condition"]["StringEquals"]["elasticfilesystem:AccessPointArn"] == target["AccessPointArn"]
    policy = deployed.resources["FileSystem"]["Properties"]["FileSystemPolicy"]["Statement"]
    assert [one["Action"] for one in policy if one["Effect"] == "Allow"] == ["elasticfilesystem:ClientMount"]
    point = deployed.resources["AccessPoint"]["Properties"]
    owner, user = point["RootDirectory"]["CreationInfo"], point["PosixUser"]
    assert owner["OwnerUid"] == user["Uid"] == str(VALUES["engine"]["securityContext"]["runAsUser"])
