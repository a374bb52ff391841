"""The faults, by number, and where they are shown: every one on the built programs.

A test is named after the number of its fault: `pytest -k fault_07`. Many are shown by unit tests as well, by the same
names (`swift test --filter fault07`).
"""

import pathlib
import re

FAULTS = {
    1: "kill -9 before inference", 2: "kill -9 during inference", 3: "kill -9 after the first of several uploads",
    4: "kill -9 between upload and notice", 5: "kill -9 between notice and delete", 6: "SIGTERM while idle in a long poll",
    7: "SIGTERM during inference", 8: "a second SIGTERM or SIGINT", 9: "the engine hangs",
    10: "the engine answers 500, 503, 429, 4xx", 11: "truncated body, bad base64, no images, HTML with 200",
    12: "the engine dribbles", 13: "the engine is absent, or dies during a task", 14: "S3 says SlowDown, several times",
    15: "S3 commits, then the connection resets; 409", 16: "the connection drops during a PUT", 17: "SNS is down",
    18: "the receipt handle has expired", 19: "heartbeats fail", 20: "the clock is off by 20 minutes",
    21: "credentials expire during a task", 22: "a full disk, or EIO", 23: "corrupt database, bit flips, stale locks",
    24: "one message at two agents at once", 25: "poison", 26: "a body of exactly 1,048,576 bytes, and one more",
    27: "many tiny tasks and random kills", 28: "an outage of SQS, S3, all, DNS", 29: "a batch that half fails",
    30: "paused longer than the visibility", 31: "an id used again", 32: "the gateway killed between record and publish",
    33: "a dead letter sent back", 34: "a cancellation at every stage", 35: "a notice that would exceed 200 KiB",
}


def test_every_fault_is_shown_by_a_test_of_its_number():
    shown = {number: [] for number in FAULTS}
    for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py")):
        for number in re.findall(r"^def test_fault_(\d\d)_", path.read_text(), re.MULTILINE):
            shown[int(number)].append(path.name)
    assert sorted(shown) == list(range(1, 36))
    assert [f"{number}: {FAULTS[number]}" for number, where in shown.items() if not where] == []
