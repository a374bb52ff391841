"""`sdctl snapshot`, the built program, against an account with Bottlerocket nodes (support/nodes.py)."""

import json
import pathlib
import re
import signal
from urllib.parse import parse_qs

import pytest
import yaml

from support.nodes import MACHINE_IMAGE, TOKEN
from support.registry import Registry
from support.waiting import wait_until

PUBLIC = "public.ecr.aws/docker/library/nginx:1.29"
PRIVATE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sd/agent:1"
CHANGES = ("Create", "Delete", "Stop", "Send", "Put", "Enable")


@pytest.fixture(autouse=True)
def images(account):
    account.offers(PUBLIC, "1" * 64)
    account.offers(PRIVATE, "2" * 64, user=f"AWS:{TOKEN}")


@pytest.fixture
def registry():
    registry = Registry(wants_token=True)
    yield registry
    registry.stop()


@pytest.fixture
def snapshot(programs, account):
    return lambda *arguments, **options: programs.run(
        "sdctl", "snapshot", *arguments, **account.environment, **options)


@pytest.fixture
def start(programs, account):
    return lambda *arguments, name=None: programs.start(
        "sdctl", "snapshot", *arguments, name=name, **account.environment)


def nothing_is_left(account):
    assert account.temporary() == {"stacks": [], "instances": [], "roles": [], "profiles": [], "snapshots": []}


def made(done):
    """The id that a run has printed."""
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_public_and_private_images_become_a_snapshot(account, snapshot):
    account.starts_late, account.pending_looks = 1, 2
    done = snapshot("create", "--name", "nodes", "--arch", "amd64,arm64", "--size", "20", "--tag", "team=images",
                    "--output", "json", f"{PUBLIC},{PRIVATE}")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    [found] = account.snapshots()
    tags = found["Tags"]
    assert told["snapshot"] == found["SnapshotId"] and told["new"] is True and told["region"] == "us-east-1"
    assert told["images"] == [f"{PUBLIC}@sha256:{'1' * 64}", f"{PRIVATE}@sha256:{'2' * 64}"]
    assert found["VolumeSize"] == 20 and tags["team"] == "images" and tags["Name"] == "sdctl snapshot nodes"
    assert tags["sd-snapshot-name"] == "nodes" and tags["sd-snapshot-state"] == "ready"
    nothing_is_left(account)

    [host] = [path for path in account.hosts.iterdir() if path.is_dir()]
    both = ["linux/amd64", "linux/arm64"]
    # The images that came with the system are gone; ctr's stand-in refuses pulls without kubelet's label.
    assert account.images(host.name) == {PUBLIC: both, PRIVATE: both}
    assert (host / "systemctl").read_text() == "stop kubelet\n"
    pulls = [json.loads(line) for line in (host / "ctr.jsonl").read_text().splitlines()]
    assert {(each["image"], each["options"].get("--user", [None])[0]) for each in pulls} == {
        (PUBLIC, None), (PRIVATE, f"AWS:{TOKEN}")}
    # How it goes is told, the instance stopped before its volume is taken.
    assert "42%" in done.stderr and "[8/8]" in done.stderr and done.stderr.count("pulled in") == 4
    actions = account.actions()
    assert actions.index("ec2:StopInstances") < actions.index("ec2:CreateSnapshot")
    assert "ecr:GetAuthorizationToken" not in actions


def test_passwords_are_in_no_command_no_output_and_no_log(account, snapshot):
    done = snapshot("create", "--output", "json", PRIVATE)
    assert done.returncode == 0, done.stderr
    account.offers(PRIVATE, "2" * 64, user="AWS:another")
    refused = snapshot("create", "--output", "json", PRIVATE)
    assert refused.returncode == 1 and "no basic auth credentials" in refused.stderr
    sent = [body for action, body in account.calls if action == "ssm:SendCommand"]
    assert any("ecr-credential-provider" in body for body in sent)
    everything = [body for _, body in account.calls] + [json.dumps(command) for command in account.commands.values()]
    for text in (*everything, done.stdout, done.stderr, refused.stdout, refused.stderr):
        assert TOKEN not in text


def test_quiet_prints_the_id_alone(account, snapshot):
    done = snapshot("create", "--quiet", PUBLIC)
    assert done.stderr == "" and re.fullmatch(r"snap-[0-9a-f]+\n", done.stdout)


def test_an_image_that_is_not_there_fails_at_once_and_leaves_nothing(account, snapshot):
    done = snapshot("create", f"{PUBLIC},docker.io/library/missing:1")
    assert done.returncode == 1 and done.stdout == ""
    assert "docker.io/library/missing:1" in done.stderr and "not found" in done.stderr
    [host] = [path for path in account.hosts.iterdir() if path.is_dir()]
    tried = [json.loads(line)["image"] for line in (host / "ctr.jsonl").read_text().splitlines()]
    assert tried.count("docker.io/library/missing:1") == 1
    assert account.snapshots() == []
    nothing_is_left(account)


def test_an_image_is_tried_again_where_that_may_help(account, snapshot):
    account.offers(PUBLIC, "1" * 64, failures=1, error="unexpected status from GET request: 503 Service Unavailable")
    done = snapshot("create", PUBLIC)
    made(done)
    assert "tried again" in done.stderr and "503" in done.stderr
    nothing_is_left(account)


def test_an_instance_that_goes_away_is_noticed(account, start, tmp_path):
    account.offers(PUBLIC, "1" * 64, until=str(tmp_path / "never"))
    run = start("create", PUBLIC)
    [instance] = wait_until(lambda: [each["InstanceId"] for each in account.instances() if (account.host(each["InstanceId"]) / "ctr.jsonl").exists()], 60, "the pull")
    account.client("ec2").terminate_instances(InstanceIds=[instance])
    assert run.wait(60) == 1
    assert f"instance {instance} is terminated" in run.text
    assert account.snapshots() == []
    nothing_is_left(account)


def test_a_stack_that_cannot_be_made_is_an_error_with_its_reason(account, snapshot):
    account.stack_failure = "The subnet ID 'subnet-0nothere' does not exist"
    done = snapshot("create", "--subnet", "subnet-0nothere", PUBLIC)
    assert done.returncode == 1 and f"Instance: {account.stack_failure}" in done.stderr, done.stderr
    nothing_is_left(account)


def test_a_machine_image_that_is_not_there_is_said_before_anything_is_made(account, snapshot):
    done = snapshot("create", "--ami", "/aws/service/bottlerocket/aws-k8s-1.0/none/latest/image_id", PUBLIC)
    assert done.returncode == 2 and "there is no parameter" in done.stderr
    assert not [action for action in account.actions() if action.split(":")[1].startswith(CHANGES)
                and action != "cloudformation:DeleteStack"]


def test_a_kept_instance_is_gone_on_with_and_removed_when_named(account, snapshot):
    first = made(snapshot("create", "--keep", PUBLIC))
    [stack] = account.temporary()["stacks"]
    assert snapshot("clean").returncode == 0 and account.temporary()["stacks"] == [stack]
    done = snapshot("create", "--resume", PUBLIC)
    second = made(done)
    assert "going on with" in done.stderr and "pulling" not in done.stderr
    assert first == second, "the run had its snapshot already"
    nothing_is_left(account)

    made(snapshot("create", "--keep", PUBLIC))
    [stack] = account.temporary()["stacks"]
    named = snapshot("clean", stack.removeprefix("sdsnapshot"))
    assert named.returncode == 0, named.stderr
    nothing_is_left(account)


def test_nothing_is_made_where_nothing_has_changed(account, snapshot, registry):
    image = registry.push("app", "1", "3" * 64)
    account.offers(image, "3" * 64)
    ecr = account.client("ecr")
    ecr.create_repository(repositoryName="sd/agent")
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"digest": "sha256:" + "c" * 64}, "layers": []}
    pushed = ecr.put_image(repositoryName="sd/agent", imageManifest=json.dumps(manifest), imageTag="1")
    account.offers(PRIVATE, pushed["image"]["imageId"]["imageDigest"].removeprefix("sha256:"), user=f"AWS:{TOKEN}")
    images = f"{image},{PRIVATE}"

    first = made(snapshot("create", "--if-changed", images))
    count = len(account.calls)
    again = snapshot("create", "--if-changed", "--output", "json", images)
    assert json.loads(again.stdout)["snapshot"] == first and json.loads(again.stdout)["new"] is False, again.stderr
    assert not [action for action in account.actions()[count:] if action.split(":")[1].startswith(CHANGES)]

    registry.push("app", "1", "4" * 64)
    account.offers(image, "4" * 64)
    second = made(snapshot("create", "--if-changed", images))
    assert second != first and len(account.snapshots()) == 2
    # Another purpose, another size, another order of the images.
    assert made(snapshot("create", "--if-changed", "--name", "other", images)) not in (first, second)
    assert made(snapshot("create", "--if-changed", "--size", "60", images)) not in (first, second)
    assert made(snapshot("create", "--if-changed", f"{PRIVATE},{image}")) == second
    # A registry that does not answer: nobody can say that nothing has changed.
    registry.digests.clear()
    unknown = snapshot("create", "--if-changed", images)
    assert made(unknown) not in (first, second) and "counts as changed" in unknown.stderr


def test_a_dry_run_tells_everything_and_changes_nothing(account, snapshot, registry):
    image = registry.push("app", "1", "3" * 64)
    done = snapshot("create", "--dry-run", "--output", "json", f"{image},{PRIVATE}")
    plan = json.loads(done.stdout)
    assert plan["machine_image"] == MACHINE_IMAGE and plan["images"][0] == {"image": image, "digest": f"sha256:{'3' * 64}"}
    assert len(plan["problems"]) == 1 and PRIVATE in plan["problems"][0]
    assert not [action for action in account.actions() if action.split(":")[1].startswith(CHANGES)]
    text = snapshot("create", "--dry-run", image).stdout
    assert f"sha256:{'3' * 64}" in text and "no snapshot" in text


def test_the_id_is_written_where_it_is_wanted(account, snapshot, tmp_path):
    config = tmp_path / "config.yaml"
    text = ("# ours\nstackName: sd\nmodelsRuntime:\n- name: one   # the first\n  type: sdwebui\n  extraValues:\n"
            "    karpenter:\n      nodeTemplate:\n        amiFamily: Bottlerocket\n- name: two\n  type: \"comfyui\"\n")
    config.write_text(text)
    found = made(snapshot("create", "--output-parameter", "/nodes/snapshot", "--write-config", config, PUBLIC))
    assert account.client("ssm").get_parameter(Name="/nodes/snapshot")["Parameter"]["Value"] == found
    written = yaml.safe_load(config.read_text())
    for runtime in written["modelsRuntime"]:
        node = runtime["extraValues"]["karpenter"]["nodeTemplate"]
        assert node.pop("dataVolume") == {"snapshotID": found}
    del written["modelsRuntime"][1]["extraValues"]
    assert written == yaml.safe_load(text)
    assert "# the first" in config.read_text() and "# ours" in config.read_text() and '"comfyui"' in config.read_text()

    second = made(snapshot("create", "--write-config", config, "--runtime", "two", PUBLIC))
    ids = [each["extraValues"]["karpenter"]["nodeTemplate"]["dataVolume"]["snapshotID"]
           for each in yaml.safe_load(config.read_text())["modelsRuntime"]]
    assert ids == [found, second]
    before = len(account.calls)
    wrong = snapshot("create", "--write-config", config, "--runtime", "three", PUBLIC)
    assert wrong.returncode == 2 and "three" in wrong.stderr and len(account.calls) == before


def test_a_config_behind_a_symbolic_link_is_changed_and_the_link_stays(account, snapshot, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    real, link = folder / "real.yaml", tmp_path / "config.yaml"
    real.write_text("modelsRuntime:\n- name: one\n  type: sdwebui\n")
    real.chmod(0o640)
    link.symlink_to("shared/real.yaml")
    found = made(snapshot("create", "--write-config", link, PUBLIC))
    assert link.is_symlink() and link.readlink() == pathlib.Path("shared/real.yaml")
    assert found in real.read_text() and real.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in folder.iterdir()] == ["real.yaml"]


def test_older_ones_are_pruned_of_the_same_name_alone(account, snapshot):
    other = made(snapshot("create", "--name", "other", PUBLIC))
    ids = [made(snapshot("create", PUBLIC)) for _ in range(3)]
    asked = snapshot("prune", "--keep", "2")
    assert asked.returncode == 2 and "--yes" in asked.stderr and len(account.snapshots()) == 4
    assert snapshot("prune", "--keep", "2", "--yes").stdout == f"{ids[0]} deleted\n"
    newest = made(snapshot("create", "--prune", "1", "--quiet", PUBLIC))
    listed = json.loads(snapshot("list", "--output", "json").stdout)
    assert [each["snapshot"] for each in listed] == [newest, other]
    table = snapshot("list", "--name", "other").stdout
    assert other in table and newest not in table and PUBLIC in table


def test_what_it_is_to_be_like_reaches_the_stack(account, snapshot):
    account.client("iam").create_role(RoleName="puller", AssumeRolePolicyDocument="{}")
    made(snapshot("create", "--encrypt", "--kms-key", "alias/nodes", "--instance-type", "m7i.large", "--instance-role",
                  "puller", "--public-ip", "false", "--fast-restore", "us-east-1a", "--ami", MACHINE_IMAGE, PUBLIC))
    [body] = [body for action, body in account.calls if action == "cloudformation:CreateStack"]
    form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
    given = {form[f"Parameters.member.{n}.ParameterKey"]: form[f"Parameters.member.{n}.ParameterValue"] for n in range(1, 12)}
    assert {name: given[name] for name in ("Encrypted", "KmsKey", "InstanceType", "Role", "PublicIP", "MachineImage")} == {
        "Encrypted": "true", "KmsKey": "alias/nodes", "InstanceType": "m7i.large", "Role": "puller", "PublicIP": "false",
        "MachineImage": MACHINE_IMAGE}
    assert "ec2:EnableFastSnapshotRestores" in account.actions()
    assert account.temporary()["roles"] == ["puller"]


@pytest.mark.parametrize("arguments, words", [
    (("create", "--kms-key", "alias/a", PUBLIC), "encrypted"), (("create", "Not An Image"), "is no image"),
    (("create", "nginx;rm -rf"), "is no image"), (("create", "--size", "0", PUBLIC), "16,384"),
    (("create", "--arch", "sparc", PUBLIC), "sparc"), (("create", "--tag", "novalue", PUBLIC), "KEY=VALUE"),
    (("create",), "images"), (("prune", "--keep", "0"), "1 or more"),
])
def test_what_makes_no_sense_is_refused_before_any_call(account, snapshot, arguments, words):
    done = snapshot(*arguments)
    assert done.returncode == 2 and words in done.stderr and done.stdout == ""
    assert account.calls == []


def test_interrupting_twice_ends_at_once_and_the_next_run_clears_up(account, start, snapshot, tmp_path):
    account.offers(PUBLIC, "1" * 64, until=str(tmp_path / "go"))
    run = start("create", PUBLIC)
    hold = account.hold("cloudformation:DeleteStack")
    wait_until(lambda: "pulling" in run.text, 60, "the pull")
    run.signal(signal.SIGINT)
    hold.wait()
    assert "being removed" in run.text
    run.signal(signal.SIGINT)
    assert run.wait(10) == 130
    hold.release()
    (tmp_path / "go").touch()
    wait_until(lambda: account.instances() == [], 20, "the stack's end")
    cleaned = snapshot("clean")
    assert cleaned.returncode == 0, cleaned.stderr
    nothing_is_left(account)
