"""Signatures, configuration files and endpoints beside botocore's, afresh: the Swift suites that run on committed cases
in `make test` run on thousands of new ones here."""

from conftest import COUNT, SEED


def test_pure_functions_are_those_of_botocore(reference, swift_test, tmp_path):
    for name, program, arguments in [
        ("signing", "signing.py", ["--seed", SEED, "--count", 60 * COUNT]),
        ("chunks", "signing.py", ["--seed", SEED, "--count", 5 * COUNT, "--chunks"]),
        ("sharedconfig", "sharedconfig.py", ["--seed", SEED, "--count", 100 * COUNT]),
        ("endpoints", "endpoints.py", ["--every", 3]),
    ]:
        lines = reference(program, *arguments)
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert swift_test("SigningVectorsTests|SharedConfigurationTests|EndpointVectorsTests",
                      {"AWSKIT_VECTORS": str(tmp_path)}) >= 6
