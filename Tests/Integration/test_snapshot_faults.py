"""`sdctl snapshot` cut short at each call that changes something: nothing stays that nobody finds again."""

import signal

import pytest

from support.waiting import wait_until

IMAGE = "public.ecr.aws/docker/library/nginx:1.29"
PARAMETER = "/nodes/snapshot"
# Each call that changes something, in its order: the action, and how many of its kind come before.
CHANGES = [
    ("cloudformation:CreateStack", 0), ("ec2:CreateTags", 0), ("ec2:CreateTags", 1), ("ssm:SendCommand", 0),
    ("ec2:CreateTags", 2), ("ec2:CreateTags", 3), ("ssm:SendCommand", 3), ("ec2:CreateTags", 4), ("ec2:StopInstances", 0),
    ("ec2:CreateTags", 5), ("ec2:CreateSnapshot", 0), ("ec2:CreateTags", 6), ("ssm:PutParameter", 0),
    ("cloudformation:DeleteStack", 0),
]
# Before a call is after the one before it, save for the first.
POINTS = [(*CHANGES[0], "before"), *((action, passing, "after") for action, passing in CHANGES)]


@pytest.fixture(autouse=True)
def image(account):
    account.offers(IMAGE, "1" * 64)


@pytest.fixture
def snapshot(programs, account):
    return lambda *arguments: programs.run("sdctl", "snapshot", *arguments, **account.environment)


@pytest.fixture
def cut(programs, account):
    """Starts a run, and has it killed or interrupted at a call."""
    def cut(action, passing, when, number):
        hold = account.hold(action, when, passing)
        run = programs.start("sdctl", "snapshot", "create", "--output-parameter", PARAMETER, IMAGE, **account.environment)
        hold.wait()
        run.signal(number)
        if number == signal.SIGKILL:
            run.wait(10)
        hold.drop() if when == "before" else hold.release()
        return run
    return cut


def left(account):
    return {kind: found for kind, found in account.temporary().items() if found}


def good(account):
    """The snapshots that can be used; there is no other."""
    found = account.snapshots()
    assert [each["Tags"]["sd-snapshot-state"] for each in found] == ["ready"] * len(found)
    return [each["SnapshotId"] for each in found]


@pytest.mark.parametrize("action, passing, when", POINTS)
def test_what_a_killed_run_leaves_is_found_and_removed(account, cut, snapshot, action, passing, when):
    cut(action, passing, when, signal.SIGKILL)
    account.settle()
    cleaned = snapshot("clean")
    assert cleaned.returncode == 0, cleaned.stderr
    assert left(account) == {}
    is_ready = POINTS.index((action, passing, when)) >= POINTS.index(("ec2:CreateTags", 6, "after"))
    assert len(good(account)) == (1 if is_ready else 0)


@pytest.mark.parametrize("action, passing, when", POINTS)
def test_an_interrupted_run_leaves_nothing(account, cut, action, passing, when):
    run = cut(action, passing, when, signal.SIGINT)
    ended = run.wait(60)
    account.settle()
    assert left(account) == {}, run.text
    # With its last calls it is done, it may be before it can be stopped.
    is_last = action in ("cloudformation:DeleteStack", "ssm:PutParameter")
    assert ended in ((0, 130) if is_last else (130,)), run.text
    good(account)


@pytest.mark.parametrize("action, passing", [
    ("cloudformation:CreateStack", 0), ("ssm:SendCommand", 0), ("ec2:CreateTags", 4), ("ec2:StopInstances", 0),
    ("ec2:CreateSnapshot", 0), ("ec2:CreateTags", 6), ("ssm:PutParameter", 0)])
def test_a_killed_run_is_gone_on_with(account, cut, snapshot, action, passing):
    cut(action, passing, "after", signal.SIGKILL)
    account.settle()
    count = len(account.calls)
    resumed = snapshot("create", "--resume", "--output-parameter", PARAMETER, IMAGE)
    assert resumed.returncode == 0, resumed.stderr
    assert "going on with" in resumed.stderr
    assert "cloudformation:CreateStack" not in account.actions()[count:]
    assert account.actions().count("ec2:CreateSnapshot") == 1
    assert left(account) == {} and good(account) == [resumed.stdout.strip()]
    assert account.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"] == resumed.stdout.strip()


@pytest.mark.parametrize("action", ["cloudformation:CreateStack", "ec2:CreateSnapshot"])
def test_what_is_done_only_after_the_run_had_cleared_up_is_found(account, programs, snapshot, action):
    hold = account.hold(action)
    run = programs.start("sdctl", "snapshot", "create", IMAGE, **account.environment)
    hold.wait()
    run.signal(signal.SIGINT)
    assert run.wait(60) == 130
    hold.release()
    account.settle()
    assert snapshot("clean").returncode == 0
    assert left(account) == {} and good(account) == []


def test_the_next_run_removes_what_a_killed_one_left(account, cut, snapshot):
    cut("ec2:CreateSnapshot", 0, "after", signal.SIGKILL)
    account.settle()
    done = snapshot("create", IMAGE)
    assert done.returncode == 0, done.stderr
    assert "left behind" in done.stderr
    assert left(account) == {} and good(account) == [done.stdout.strip()]


def test_a_run_that_is_being_worked_on_is_left_alone(account, programs, snapshot, tmp_path):
    account.offers(IMAGE, "1" * 64, until=str(tmp_path / "go"))
    run = programs.start("sdctl", "snapshot", "create", IMAGE, **account.environment)
    wait_until(lambda: "pulling" in run.text, 60, "the pull")
    before = account.temporary()
    cleaned = snapshot("clean")
    assert cleaned.returncode == 0 and "is being worked on" in cleaned.stderr
    busy = snapshot("create", "--resume", IMAGE)
    assert busy.returncode == 4 and "is being worked on" in busy.stderr
    assert account.temporary() == before
    (tmp_path / "go").touch()
    assert run.wait(60) == 0
    assert left(account) == {}
