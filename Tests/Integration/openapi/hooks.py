"""What schemathesis has to know of this API that OpenAPI cannot say."""

import random

import schemathesis

# Not the module's own: it is seeded for each test, so that two runs would come from the same addresses.
_random = random.SystemRandom()


@schemathesis.hook
def before_call(ctx, case, **kwargs):
    """Every request from an address of its own: guessing keys is what one of the checks does, and what the gateway slows down."""
    case.headers = dict(case.headers or {}) | {
        "X-Forwarded-For": ".".join(str(_random.randint(1, 254)) for _ in range(4))}
    # A stream of what happens ends when its client has enough: after a second, here.
    if case.operation.path.endswith("/events") and is_seconds((case.query or {}).get("seconds", 900)):
        case.query = dict(case.query or {}) | {"seconds": 1}


def is_seconds(value):
    """A number that the API takes; some come as their text."""
    return str(value).isdigit() and 1 <= int(value) <= 900


@schemathesis.hook
def filter_body(ctx, body):
    """JSON Schema counts characters, the API the bytes of a prefix: the document allows so many as fit in any case, and
    what is longer and fits nevertheless is neither wrong nor right to it."""
    return not any(
        len(prefix) > 128 and not prefix.isascii() and len(prefix.encode(errors="surrogatepass")) <= 512
        for prefix in prefixes(body))


def prefixes(value):
    """The texts of a body that say where outputs go."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name in ("prefix", "save_dir") and isinstance(member, str):
                yield member
            yield from prefixes(member)
