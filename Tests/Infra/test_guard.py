"""The rule that holds the engine back, set by the real script with real packets: two network namespaces, a pod's and the
world's, and a wire between them."""

import os
import shutil
import subprocess
import sys

import pytest

from support.paths import IMAGES

GUARD = IMAGES / "guard" / "guard.sh"
ENGINE, AGENT = 10000, 10001
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
POD, WORLD = "10.203.0.1", "10.203.0.2"

# The interpreter may lie where other users cannot reach it: started as root, it becomes the user before its first socket.
BECOME = "import encodings.idna, os, socket, sys; os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))\n"
CONNECT = "socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=5).recv(5)"
ASK = "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (sys.argv[2], 53))"
SERVE = """
server = socket.create_server((sys.argv[2], 0))
print(server.getsockname()[1], flush=True)
while True:
    peer, _ = server.accept()
    peer.sendall(b"hello"); peer.close()
"""


@pytest.fixture(scope="module")
def wire():
    missing = [name for name in ("ip", "nft") if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing or os.geteuid() != 0:
        pytest.skip(f"network namespaces need root and {missing or 'nothing else'}: the guard was NOT tried")
    names = {place: f"sd-{place}-{os.getpid()}" for place in ("pod", "world")}

    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)

    try:
        for name in names.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("link", "add", f"p{os.getpid()}", "netns", names["pod"], "type", "veth", "peer", f"w{os.getpid()}", "netns",
           names["world"])
        for place, device, address in (("pod", "p", POD), ("world", "w", WORLD)):
            ip("-n", names[place], "address", "add", f"{address}/24", "dev", f"{device}{os.getpid()}")
            ip("-n", names[place], "link", "set", f"{device}{os.getpid()}", "up")
        yield names
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=20)


def inside(name, user, program, *arguments):
    return ["ip", "netns", "exec", name, sys.executable, "-c", BECOME + program, str(user), *arguments]


@pytest.fixture
def serve(wire):
    started = []

    def start(place, user, address):
        process = subprocess.Popen(inside(wire[place], user, SERVE, address), stdout=subprocess.PIPE,
                                   text=True)
        started.append(process)
        return process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.wait()


def reaches(wire, place, user, address, port):
    """Whether a user gets an answer, and the error where not."""
    result = subprocess.run(inside(wire[place], user, CONNECT, address, port), capture_output=True, text=True, timeout=30)
    return result.returncode == 0, result.stderr


def guard(wire, *arguments):
    return subprocess.run(["ip", "netns", "exec", wire["pod"], GUARD, *arguments], capture_output=True, text=True,
                          timeout=20, env=ENVIRONMENT)


def test_the_engine_is_held_back_and_nobody_else(wire, serve):
    outside = serve("world", 0, WORLD)
    before = reaches(wire, "pod", ENGINE, WORLD, outside)
    assert before[0], before
    result = guard(wire, str(ENGINE))
    assert result.returncode == 0, result.stderr

    ok, error = reaches(wire, "pod", ENGINE, WORLD, outside)
    assert not ok and "ConnectionRefusedError" in error, "refused at once, not left to time out"
    assert reaches(wire, "pod", AGENT, WORLD, outside)[0]

    engine = serve("pod", ENGINE, "0.0.0.0")
    assert reaches(wire, "pod", AGENT, "127.0.0.1", engine)[0], "the agent drives it"
    assert reaches(wire, "world", 0, POD, engine)[0], "the kubelet probes it"
    agent = serve("pod", AGENT, "127.0.0.1")
    assert reaches(wire, "pod", ENGINE, "127.0.0.1", agent)[0]

    assert guard(wire, str(ENGINE)).returncode == 0, "a restarted pod sets it again"
    assert not reaches(wire, "pod", ENGINE, WORLD, outside)[0]


def test_names_are_not_asked_for_either(wire):
    guard(wire, str(ENGINE))
    assert subprocess.run(inside(wire["pod"], ENGINE, ASK, WORLD), capture_output=True).returncode != 0
    assert subprocess.run(inside(wire["pod"], AGENT, ASK, WORLD), capture_output=True).returncode == 0


@pytest.mark.parametrize("argument", ["", "engine", "0; rm"])
def test_what_is_no_user_is_refused(wire, argument):
    assert guard(wire, argument).returncode != 0


def test_without_the_right_it_says_what_to_set(wire):
    run = f"os.execve('/bin/sh', ['sh', '-c', sys.argv[2]], {ENVIRONMENT})"
    result = subprocess.run(inside(wire["pod"], AGENT, run, GUARD.read_text().replace("${1:?usage: guard UID}", str(ENGINE))),
                            capture_output=True, text=True, timeout=20)
    assert result.returncode == 1 and "networkPolicy.engineEgress: allow" in result.stderr
