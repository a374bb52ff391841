"""The IAM policy that is shipped for `sdctl snapshot`, held against the calls that the program makes."""

import json
import pathlib
import re
import subprocess

import pytest
import yaml

from support.nodes import MACHINE_IMAGE, TOKEN
from support.processes import clean_environment

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "scripts/bottlerocket-images-cache/snapshot.sh"
POLICY = json.loads((SCRIPT.parent / "policy.json").read_text())
TEMPLATE = ROOT / "Sources/Snapshots/Instance/SnapshotTemplate.swift"
PUBLIC = "public.ecr.aws/docker/library/nginx:1.29"
PRIVATE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sd/agent:1"
# What CloudFormation does with the caller's rights: "handlers", create and delete, of the resource types' schemas. Left
# out is what is for properties that the template does not have (volumes to attach, launch templates to read versions of,
# associations of Systems Manager, accelerators, host names, monitoring, placement), and all updates.
HANDLERS = {
    "AWS::IAM::Role": """CreateRole DeleteRole PutRolePolicy DeleteRolePolicy AttachRolePolicy DetachRolePolicy GetRole
        GetRolePolicy ListAttachedRolePolicies ListRolePolicies TagRole UntagRole""",
    "AWS::IAM::RolePolicy": "PutRolePolicy GetRolePolicy DeleteRolePolicy GetRole",
    "AWS::IAM::InstanceProfile": """CreateInstanceProfile DeleteInstanceProfile GetInstanceProfile PassRole
        AddRoleToInstanceProfile RemoveRoleFromInstanceProfile""",
    "AWS::EC2::Instance": """RunInstances TerminateInstances CreateTags DescribeInstances DescribeInstanceAttribute
        DescribeInstanceCreditSpecifications DescribeKeyPairs DescribeLaunchTemplates DescribeNetworkInterfaces
        DescribeSecurityGroups DescribeSubnets DescribeVolumes DescribeVpcs DescribeIamInstanceProfileAssociations""",
}


def actions(statements):
    return {action for statement in statements for action in listed(statement["Action"])}


def listed(value):
    return [value] if isinstance(value, str) else value


def template():
    text = re.search(r'text = #"""\n(.*?)\n    """#', TEMPLATE.read_text(), re.DOTALL).group(1)

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: None)
    return yaml.load(text, Loader)


@pytest.fixture
def images(account):
    account.offers(PUBLIC)
    account.offers(PRIVATE, user=f"AWS:{TOKEN}")


@pytest.mark.usefixtures("images")
def test_the_calls_that_are_made_are_those_that_are_allowed(account, programs):
    def snapshot(*arguments, status=0):
        done = programs.run("sdctl", "snapshot", *arguments, **account.environment)
        assert done.returncode == status, done.stderr

    snapshot("create", "--if-changed", "--output-parameter", "/nodes/snapshot", "--fast-restore", "us-east-1a",
             f"{PUBLIC},{PRIVATE}")
    snapshot("create", "--keep", PUBLIC)
    snapshot("create", "--resume", "--prune", "1", PUBLIC)
    snapshot("create", "--dry-run", PUBLIC)
    snapshot("create", "missing", status=1)
    account.stack_failure = "no capacity"
    snapshot("create", PUBLIC, status=1)
    for command in (("list",), ("clean",), ("prune", "--keep", "1", "--yes")):
        snapshot(*command)
    own = [statement for statement in POLICY["Statement"] if not statement["Sid"].startswith("Stack")]
    assert set(account.actions()) == actions(own)


def test_what_cloudformation_does_for_the_caller_is_allowed_and_no_more():
    wanted = {
        f"{'iam' if kind.startswith('AWS::IAM') else 'ec2'}:{name}"
        for kind in {resource["Type"] for resource in template()["Resources"].values()} for name in HANDLERS[kind].split()}
    stack = actions(statement for statement in POLICY["Statement"] if statement["Sid"].startswith("Stack"))
    # These two are allowed above, since the program makes them itself.
    assert stack == wanted - {"ec2:DescribeInstances", "ec2:CreateTags"}


def test_whatever_changes_something_names_what_it_may_change():
    for statement in POLICY["Statement"]:
        changes = [action for action in listed(statement["Action"]) if not re.match(r"\w+:(Describe|Get|List)", action)]
        if changes:
            assert "*" not in listed(statement["Resource"]), statement["Sid"]
        assert not any("*" in action for action in listed(statement["Action"])), statement["Sid"]
    text = json.dumps(POLICY)
    assert len(re.sub(r"\s", "", text)) < 6144, "a managed policy holds no more"


# The flags of the script that it replaces: each with what it becomes.
FLAGS = [
    (["-r", "eu-west-1"], ["--region", "eu-west-1"]), (["--region", "eu-west-1"], ["--region", "eu-west-1"]),
    (["-i", "m5.xlarge"], ["--instance-type", "m5.xlarge"]), (["--instance-type", "m5.xlarge"], ["--instance-type", "m5.xlarge"]),
    (["-e"], ["--encrypt"]), (["--encrypt"], ["--encrypt"]), (["-e", "-k", "alias/a"], ["--encrypt", "--kms-key", "alias/a"]),
    (["--encrypt", "--kms-id", "alias/a"], ["--encrypt", "--kms-key", "alias/a"]),
    (["-s", "90"], ["--size", "90"]), (["--snapshot-size", "90"], ["--size", "90"]),
    (["-R", "role"], ["--instance-role", "role"]), (["--instance-role", "role"], ["--instance-role", "role"]),
    (["-q"], ["--quiet"]), (["--quiet"], ["--quiet"]),
    (["-sg", "sg-1"], ["--security-group", "sg-1"]), (["--security-group-id", "sg-1"], ["--security-group", "sg-1"]),
    (["-sn", "subnet-1"], ["--subnet", "subnet-1"]), (["--subnet-id", "subnet-1"], ["--subnet", "subnet-1"]),
    (["-p", "false"], ["--public-ip", "false"]), (["--public-ip", "true"], ["--public-ip", "true"]),
    (["-op", "/a"], ["--output-parameter", "/a"]), (["--output-parameter-name", "/a"], ["--output-parameter", "/a"]),
    (["-A", "amd64,arm64"], ["--arch", "amd64,arm64"]), (["--arch", "arm64"], ["--arch", "arm64"]),
]
OLD_IMAGE = "/aws/service/bottlerocket/aws-k8s-1.27/x86_64/latest/image_id"


def script(programs, *arguments, **environment):
    return subprocess.run(["sh", str(SCRIPT), *arguments], capture_output=True, text=True, timeout=60,
                          env=clean_environment(**{"SDCTL": str(programs.path("sdctl"))} | environment))


@pytest.fixture
def echo(tmp_path, programs):
    """The script with a program in sdctl's place that tells what it was called with."""
    stand_in = tmp_path / "sdctl"
    stand_in.write_text('#!/bin/sh\nfor argument; do printf "%s\\n" "$argument"; done\n')
    stand_in.chmod(0o755)
    return lambda *arguments: script(programs, *arguments, SDCTL=str(stand_in))


@pytest.mark.parametrize("old, new", FLAGS)
def test_every_flag_of_the_old_script_is_handed_over(echo, old, new):
    for arguments in ([*old, "a,b"], ["a,b", *old]):
        done = echo(*arguments)
        assert done.stdout.splitlines() == ["snapshot", "create", "--ami", OLD_IMAGE, *new, "a,b"], done.stderr


def test_machine_images_spaces_and_odd_texts_are_handed_over_as_they_are(echo):
    assert echo("-a", "/an/ami", "x y").stdout.splitlines() == ["snapshot", "create", "--ami", "/an/ami", "x y"]
    assert echo("--ami", "/a", "$(id)").stdout.splitlines()[-1] == "$(id)"


@pytest.mark.parametrize("arguments", [[], ["-k", "key", "a"], ["-r"], ["--unknown", "a"], ["-Z", "a"]])
def test_wrong_use_is_told_with_the_usage(echo, arguments):
    done = echo(*arguments)
    assert done.returncode == 2 and done.stdout == "" and "snapshot.sh:" in done.stderr


@pytest.mark.usefixtures("images")
def test_the_flags_names_are_those_of_sdctl(programs, account):
    account.client("iam").create_role(RoleName="puller", AssumeRolePolicyDocument="{}")
    done = script(programs, "-r", "us-east-1", "-a", MACHINE_IMAGE, "-i", "m5.xlarge", "-e", "-k", "alias/a", "-s", "70",
                  "-R", "puller", "-p", "false", "-op", "/nodes/old", "-A", "amd64,arm64", "-q", f"{PUBLIC},{PRIVATE}",
                  **account.environment)
    assert done.returncode == 0, done.stderr
    [snapshot] = account.snapshots()
    assert (done.stdout, done.stderr) == (snapshot["SnapshotId"] + "\n", "")
    assert snapshot["VolumeSize"] == 70
    assert account.client("ssm").get_parameter(Name="/nodes/old")["Parameter"]["Value"] == snapshot["SnapshotId"]


def test_quiet_prints_the_id_and_nothing_else(programs, account):
    images = [f"public.ecr.aws/docker/library/img{number}:1" for number in (1, 2, 3)]
    for image in images:
        account.offers(image)
    done = script(programs, "-r", "us-west-2", "-q", ",".join(images), **account.environment)
    assert done.returncode == 0 and done.stderr == ""
    assert re.fullmatch(r"snap-[0-9a-f]+\n", done.stdout)
