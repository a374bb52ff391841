"""The attacks, by number, and which tests show what comes of them.

A test that is about one attack bears its number: `pytest -k attack_04`, `swift test --filter attack13`. Others, which
show more than that, are named here.
"""

import pathlib
import re

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
NUMBERED = [re.compile(r"^def test_attack_(\d\d)_", re.MULTILINE), re.compile(r"\bfunc attack(\d+)[A-Z]")]
INPUTS, INFRA = "BackendPluginsTests/Inputs/InputAttackTests.swift", "Infra/test_"

ATTACKS = {
    1: ("an image's address leads inside", [
        (INPUTS, "No address inside is connected to, asked for straight away or by a redirect"),
        ("HTTPTransportTests/PolicyTests.swift", "addressesThatAreNotPublicAreRefusedHoweverTheyAreWritten")]),
    2: ("a redirect, rebinding, a proxy", [
        (INPUTS, "A redirect leads to http and https alone"),
        (INPUTS, "A name that resolves outside first and inside later gains nothing (DNS rebinding)"),
        (INPUTS, "Of several addresses of a name each is judged"),
        (INPUTS, "Proxies of the environment are not used")]),
    3: ("an object that the runtime may not read", []),
    4: ("paths in ids and prefixes", [
        ("LocalPluginsTests/FileObjectStoreTests.swift", "plantedLinksAreNeverFollowed"),
        ("LocalPluginsTests/FileObjectStoreTests.swift", "keysAndPathsAreOneToOneAndFitIntoNames")]),
    5: ("XML that grows", []),
    6: ("JSON that is too deep, too long or too large", []),
    7: ("bombs, and malformed PNGs", [
        ("BackendPluginsTests/MemoryTests.swift", "A picture that is small to send and huge to decode"),
        ("ImageKitTests/MalformedPNGTests.swift", "Each is refused, for its own fault"),
        ("ImageKitTests/MalformedPNGTests.swift", "Bombs do not grow the process"),
        (INPUTS, "A compressed answer is not inflated")]),
    8: ("line breaks in values", []),
    9: ("control characters", []),
    10: ("secrets in logs", [
        ("Integration/test_secrets.py", "test_nothing_secret_is_told_at_any_level"),
        (INPUTS, "No signature, password or payload is told in an error")]),
    11: ("guessing", [
        ("SDGatewayTests/AccessTests.swift", "Who guesses is slowed down")]),
    12: ("forged webhooks", [
        ("SDGatewayTests/WebhookTests.swift", "signed so that its receiver can tell it from a forgery")]),
    13: ("TLS that cannot be trusted", []),
    14: ("smuggling, and slow clients", []),
    15: ("floods", [
        ("SDGatewayTests/AccessTests.swift", "Past the limit of its queue a task is refused")]),
    16: ("breaking out of a container", [(INFRA + "chart_pods.py", "test_our_containers_have_no_rights")]),
    17: ("moving on from one", [
        (INFRA + "chart_pods.py", "test_the_engine_reaches_nothing_by_default"),
        (INFRA + "chart_pods.py", "test_the_pod_reaches_no_metadata_and_no_neighbour"),
        (INFRA + "guard.py", "test_the_engine_is_held_back_and_nobody_else")]),
    18: ("wide rights", [(INFRA + "iam.py", "test_no_right_is_too_wide")]),
    19: ("what is built in", [
        (INFRA + "images.py", "test_bases_are_exact_and_nobody_is_root"),
        (INFRA + "workflows.py", "test_every_action_is_pinned_by_commit_and_says_its_version"),
        (INFRA + "workflows.py", "test_a_release_builds_every_image_scans_signs_and_records")]),
    20: ("pages that ask local servers", []),
}


@pytest.fixture(scope="module")
def numbered():
    """The numbers that tests bear."""
    sources = [path for path in TESTS.rglob("test_*.py")] + [path for path in TESTS.rglob("*.swift")]
    return {int(number) for path in sources for pattern in NUMBERED for number in pattern.findall(path.read_text())}


@pytest.mark.parametrize("number", ATTACKS)
def test_every_attack_is_shown_by_a_test(number, numbered):
    assert sorted(ATTACKS) == list(range(1, 21))
    what, named = ATTACKS[number]
    assert named or number in numbered, f"attack {number}, {what}: no test bears its number"
    for path, name in named:
        assert name in (TESTS / path).read_text(), f"attack {number}, {what}: {path} has no test of that name"
