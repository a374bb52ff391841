"""Every operation beside botocore: what is sent, and what is made of answers."""

import json

import pytest

import compare
from conftest import COUNT, SEED
from reference.operations import OPERATIONS

SECRETS = ["secret", "token"]


@pytest.mark.parametrize("service", OPERATIONS)
def test_requests_and_answers_are_those_of_botocore(service, probe, reference):
    lines = reference("calls.py", "--services", service, "--seed", SEED, "--count", COUNT, service=service)
    cases = [json.loads(line) for line in lines]
    assert {case["operation"] for case in cases} == set(OPERATIONS[service].split())
    asked = [{name: case.get(name) for name in ("service", "operation", "params", "region", "endpoint", "settings", "time",
                                                "credentials", "body", "presign", "answer")} for case in cases]
    results = probe("calls", lines=[json.dumps(case) for case in asked])
    assert len(results) == len(cases)
    answers, wrong = compare.Answers(), {}
    for case, result in zip(cases, results):
        found = differences(answers, case, result)
        if found:
            wrong.setdefault(case["operation"], []).append(
                f"  {json.dumps(case['params'])[:600]} in {case['region']} at {case['endpoint']} with {case['settings']} "
                f"{case.get('body')}:\n    " + "\n    ".join(found))
    told = [f"{operation}: {len(found)} cases\n" + "\n".join(found[:2]) for operation, found in wrong.items()]
    assert not wrong, f"of {len(cases)} cases of {service}, seed {SEED}:\n" + "\n".join(told)
    if COUNT >= 30:
        assert answers.members == answers.valued, f"never seen with a value: {sorted(answers.members - answers.valued)}"


def differences(answers, case, result):
    if "url" in case:
        ours = (result.get("output") or {}).get("url")
        if ours is None:
            return [f"AWSKit failed: {result}"]
        one, other = compare.url(case["url"]), compare.url(ours)
        return [] if one == other else [f"URL: botocore has {one}, AWSKit {other}"]
    if "token" in case:
        return [] if result.get("output") == case["token"] else [f"botocore has {case['token']}, AWSKit {result}"]
    if "request" not in result:
        return [f"AWSKit sent nothing: {result}"]
    return compare.request(case, result["request"]) + answers.differences(case, result)
