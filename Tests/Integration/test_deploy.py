"""`sdctl deploy` and `sdctl smoke` against a stand-in for AWS, with a helm that writes down how it was called."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from support.aws import KEYS, Moto
from support.processes import clean_environment

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SAMPLES = ROOT / "Tests" / "Infra" / "samples"
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sd"
IMAGES = ["sd-gateway", "sd-agent", "sd-job", "sd-guard", "engine-forge", "engine-comfyui"]
CONFIG = {
    "stackName": "sd", "region": "us-east-1", "images": {"registry": REGISTRY, "tag": "0.1.0"},
    "modelBucketArn": "arn:aws:s3:::sd-models",
    "cluster": {"create": False, "name": "ours", "kedaRoleName": "keda", "nodeRoleName": "nodes"},
    "modelsRuntime": [
        {"name": "sdxl", "namespace": "pictures", "type": "sdwebui", "modelFilename": "xl.safetensors"},
        {"name": "comfy", "namespace": "pictures", "type": "comfyui", "extraValues": {"mode": "job"}}]}
# Answers as Helm does for a cluster in which nothing is installed; renders our own chart for real.
HELM = """#!/bin/sh
printf '%s\\037' "$@" >>'{folder}/calls'
printf '\\n' >>'{folder}/calls'
[ -z "$KUBECONFIG" ] || [ ! -f "$KUBECONFIG" ] || cp "$KUBECONFIG" '{folder}/kubeconfig'
case "$1" in
  upgrade)
    values=$(echo "$*" | sed 's/.*--values \\([^ ]*\\).*/\\1/')
    cp "$values" '{folder}/'"$3.yaml"
    case "$4" in /*) '{helm}' template "$3" "$4" --namespace "$6" --values "$values" >'{folder}/'"$3.rendered" ;; esac ;;
  get) if [ -f '{folder}/'"$3.yaml" ]; then '{python}' -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))' '{folder}/'"$3.yaml"
       else echo "Error: release: not found" >&2; exit 1; fi ;;
  list) echo '[{{"name":"sdxl","namespace":"pictures","status":"deployed","chart":"stable-diffusion-0.1.0","updated":"2026"}}]' ;;
  uninstall) rm -f '{folder}/'"$2.yaml" ;;
esac
"""


class Account:
    """A stand-in with a cluster and images in it, and sdctl in front of it."""

    def __init__(self, programs, folder, images=IMAGES):
        self.moto, self.programs, self.folder = Moto(), programs, folder
        self.cloudformation = self.moto.client("cloudformation")
        ecr = self.moto.client("ecr")
        for number, name in enumerate(images):
            ecr.create_repository(repositoryName=f"sd/{name}")
            ecr.put_image(repositoryName=f"sd/{name}", imageTag="0.1.0", imageManifest=json.dumps(
                {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "n": number}))
        network = self.moto.client("ec2").describe_subnets()["Subnets"][:2]
        self.moto.client("eks").create_cluster(
            name="ours", roleArn="arn:aws:iam::123456789012:role/eks",
            resourcesVpcConfig={"subnetIds": [each["SubnetId"] for each in network]})
        self.helm = folder / "helm"
        self.helm.mkdir()
        where = subprocess.run([ROOT / "scripts" / "fetch-helm"], check=True, capture_output=True, text=True).stdout.strip()
        program = self.helm / "helm"
        program.write_text(HELM.format(folder=self.helm, helm=f"{where}/helm3", python=ROOT / ".venv/bin/python"))
        program.chmod(0o755)
        self.config = folder / "config.yaml"
        self.write(CONFIG)

    @property
    def environment(self):
        return KEYS | {"AWS_ENDPOINT_URL": self.moto.url, "PATH": f"{self.helm}:{os.environ['PATH']}"}

    def write(self, config):
        self.config.write_text(yaml.safe_dump(config))

    def start(self, *arguments, name=None, **environment):
        return self.programs.start("sdctl", *arguments, "--config", self.config, name=name, **self.environment | environment)

    def sdctl(self, *arguments, status=0, **environment):
        result = self.programs.run("sdctl", *arguments, "--config", self.config, **self.environment | environment)
        assert result.returncode == status, result.stdout + result.stderr
        return result

    @property
    def stacks(self):
        return {stack["StackName"]: stack["StackStatus"] for stack in self.cloudformation.describe_stacks()["Stacks"]}

    @property
    def calls(self):
        path = self.helm / "calls"
        return [line.split("\037")[:-1] for line in path.read_text().splitlines()] if path.exists() else []

    def values(self, release):
        return yaml.safe_load((self.helm / f"{release}.yaml").read_text())


@pytest.fixture
def account(programs, tmp_path):
    account = Account(programs, tmp_path)
    yield account
    account.moto.stop()


def test_one_file_becomes_stacks_and_releases_and_the_gateway_knows_the_runtimes(account):
    result = account.sdctl("deploy", "--yes", "--output", "json")
    outputs = json.loads(result.stdout)
    # The pipeline's is changed once the runtimes are known, so that the gateway starts anew.
    assert account.stacks == {"sd": "UPDATE_COMPLETE", "sd-sdxl": "CREATE_COMPLETE", "sd-comfy": "CREATE_COMPLETE"}
    assert outputs["sd"]["FrontApiEndpoint"].startswith("https://")
    # People see what is to be done, and every event of it.
    for words in ("Stacks in us-east-1:", "sd-sdxl   to be created", "sd is created", "CREATE_COMPLETE sd-comfy"):
        assert words in result.stderr, result.stderr

    upgrades = [call for call in account.calls if call[0] == "upgrade"]
    assert [call[2] for call in upgrades] == ["sdxl", "comfy"], "a cluster of one's own has its KEDA already"
    assert upgrades[0][3] == str(ROOT / "charts" / "stable-diffusion")
    assert upgrades[0][4:7] == ["--namespace", "pictures", "--create-namespace"]
    values = account.values("sdxl")
    assert values["queue"]["url"] == outputs["sd-sdxl"]["QueueUrl"]
    assert values["store"]["uri"] == f"s3://{outputs['sd']['OutputBucketName']}"
    assert values["events"]["topic"] == outputs["sd"]["OutputTopicArn"]
    assert values["karpenter"]["clusterName"] == "ours"
    rendered = [each for each in yaml.safe_load_all((account.helm / "comfy.rendered").read_text()) if each]
    assert "ScaledJob" in {each["kind"] for each in rendered}

    kubeconfig = yaml.safe_load((account.helm / "kubeconfig").read_text())
    user = kubeconfig["users"][0]["user"]["exec"]
    assert user["args"][:2] == ["deploy", "token"] and user["args"][-1] == "ours"
    token = json.loads(subprocess.run(
        [user["command"], *user["args"]], check=True, capture_output=True, text=True,
        env=clean_environment(**KEYS)).stdout)
    assert token["kind"] == "ExecCredential" and token["status"]["token"].startswith("k8s-aws-v1.")

    bucket, key = outputs["sd"]["RuntimesUri"].removeprefix("s3://").split("/", 1)
    catalog = yaml.safe_load(account.moto.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    queue = outputs["sd-comfy"]["QueueUrl"].split("/")[-1]
    assert catalog["runtimes"][1] == {"name": "comfy", "engine": "comfyui", "job": True, "queue": queue}
    assert catalog["runtimes"][0]["model"] == "xl.safetensors"
    [stack] = account.cloudformation.describe_stacks(StackName="sd")["Stacks"]
    assert {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}["RuntimesVersion"]


def test_deploying_again_changes_what_is_different_and_nothing_else(account):
    account.sdctl("deploy", "--yes")
    events = len(account.cloudformation.describe_stack_events(StackName="sd")["StackEvents"])
    again = account.sdctl("deploy", "--yes")
    assert again.stderr.count("as it is to be") == 3
    assert len(account.cloudformation.describe_stack_events(StackName="sd")["StackEvents"]) == events
    assert account.sdctl("deploy", "diff").stdout.count("as it is to be") == 5

    config = json.loads(json.dumps(CONFIG))
    config["APIGW"] = {"throttle": {"rateLimit": 7}}
    config["modelsRuntime"][0]["extraValues"] = {"scaling": {"maxReplicaCount": 3}}
    account.write(config)
    different = account.sdctl("deploy", "diff", status=1)
    assert "+ scaling: {\"maxReplicaCount\":3}" in different.stdout
    assert "  sd  to be changed" in different.stdout and "  sd-sdxl  as it is to be" in different.stdout
    [stack] = account.cloudformation.describe_stacks(StackName="sd")["Stacks"]
    assert {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}["RateLimit"] == "30", "looking changes nothing"
    account.sdctl("deploy", "--yes")
    assert account.stacks == {"sd": "UPDATE_COMPLETE", "sd-sdxl": "CREATE_COMPLETE", "sd-comfy": "CREATE_COMPLETE"}
    [stack] = account.cloudformation.describe_stacks(StackName="sd")["Stacks"]
    assert {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}["RateLimit"] == "7"
    assert account.values("sdxl")["scaling"]["maxReplicaCount"] == 3


def test_a_missing_image_is_named_with_the_command_before_a_stack_is_touched(programs, tmp_path):
    account = Account(programs, tmp_path, images=[name for name in IMAGES if name not in ("sd-job", "engine-forge")])
    try:
        result = account.sdctl("deploy", "--yes", status=1)
        assert f"{REGISTRY}/sd-job:0.1.0" in result.stderr and f"{REGISTRY}/engine-forge:0.1.0" in result.stderr
        assert "sd-gateway" not in result.stderr
        assert f"make images push REGISTRY={REGISTRY} TAG=0.1.0" in result.stderr
        assert account.stacks == {} and account.calls == []
    finally:
        account.moto.stop()


def test_nobody_there_to_be_asked_is_told_so_and_leaves_nothing(account):
    result = account.sdctl("deploy", status=2)
    assert "--yes" in result.stderr
    assert set(account.stacks.values()) <= {"REVIEW_IN_PROGRESS"}
    assert [call[0] for call in account.calls] == ["version"]
    account.sdctl("deploy", "--yes", "--stacks-only")
    assert account.stacks == {"sd": "UPDATE_COMPLETE", "sd-sdxl": "CREATE_COMPLETE", "sd-comfy": "CREATE_COMPLETE"}
    assert [call for call in account.calls if call[0] == "upgrade"] == []


def test_without_helm_nothing_is_begun(account):
    (account.helm / "helm").unlink()
    folder = account.folder / "bin"
    folder.mkdir()
    for name in ("sh", "env"):
        (folder / name).symlink_to(shutil.which(name))
    result = account.sdctl("deploy", "--yes", status=1, PATH=str(folder))
    assert "helm is not installed" in result.stderr and account.stacks == {}


def test_status_and_destroy(account):
    account.sdctl("deploy", "status", status=1)
    account.sdctl("deploy", "--yes")
    found = json.loads(account.sdctl("deploy", "status", "--output", "json", status=1).stdout)
    assert [each["status"] for each in found["stacks"]] == ["UPDATE_COMPLETE", "CREATE_COMPLETE", "CREATE_COMPLETE"]
    assert [each.get("status") for each in found["releases"]] == ["deployed", None]
    account.sdctl("deploy", "status", "--stacks-only")

    result = account.sdctl("deploy", "destroy", "--yes")
    assert account.stacks == {}
    removed = [call[1] for call in account.calls if call[0] == "uninstall"]
    assert removed == ["comfy", "sdxl"], "the last first"
    assert "stays, with its pictures" in result.stderr
    assert "None of the stacks" in account.sdctl("deploy", "destroy", "--yes").stderr


@pytest.mark.parametrize("sample,runtimes", [("reference", ["sdruntime-snapshot"]), ("successor", ["sdruntime"])])
def test_files_of_the_systems_before_are_written_out(programs, tmp_path, sample, runtimes):
    out = tmp_path / "out"
    result = programs.run(
        "sdctl", "deploy", "--config", SAMPLES / f"{sample}.yaml", "--region", "us-west-2", "--dry-run", out)
    assert result.returncode == 0, result.stderr
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert {str(pathlib.Path(line).relative_to(out)) for line in result.stdout.splitlines()} == files
    [stack] = [name for name in os.listdir(out / "stacks") if name.endswith(f"-{runtimes[0]}")]
    parameters = {one["ParameterKey"]: one["ParameterValue"]
                  for one in json.loads((out / "stacks" / stack / "parameters.json").read_text())}
    assert parameters["RuntimeName"] == runtimes[0] and parameters["Routing"] == sample
    where = subprocess.run([ROOT / "scripts" / "fetch-helm"], check=True, capture_output=True, text=True).stdout.strip()
    # What only a stack can tell is named; the chart takes the values once it has been told.
    told = {"QueueUrl": "https://sqs.us-west-2.amazonaws.com/1/q", "OutputBucketName": "pictures",
            "OutputTopicArn": "arn:aws:sns:us-west-2:1:done", "registry": "registry.example/sd", "ClusterName": "c",
            "NodeRoleName": "nodes"}
    for runtime in runtimes:
        values = out / "releases" / runtime / "values.yaml"
        text = re.sub(r"\$\{[\w-]+\.(\w+)\}", lambda match: told[match[1]], values.read_text())
        values.write_text(text)
        subprocess.run([f"{where}/helm4", "template", runtime, ROOT / "charts" / "stable-diffusion", "--values", values],
                       check=True, capture_output=True)


def test_a_picture_comes_out_of_a_running_system(start_dev, programs, tmp_path):
    dev = start_dev()
    result = dev.programs.run("sdctl", "smoke", "--server", dev.url, "--out", tmp_path / "out", "--output", "json")
    assert result.returncode == 0, result.stderr
    [file] = json.loads(result.stdout)["files"]
    assert pathlib.Path(file).read_bytes().startswith(b"\x89PNG")
