"""Every call against moto, by the Swift suite that is written for it."""

from moto_server import MotoServer
from reference.operations import OPERATIONS


def test_every_call_is_made_to_moto(swift_test):
    with MotoServer() as moto:
        count = swift_test("MotoTests", {"AWSKIT_MOTO_URL": moto.url})
    assert count >= 15
    every = {f"{service}.{name}" for service, names in OPERATIONS.items() for name in names.split()}
    # A token is made, not asked for.
    assert every - moto.calls == {"eks.token"}
