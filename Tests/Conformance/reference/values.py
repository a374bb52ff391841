"""Random values for the shapes of botocore's service models."""

import datetime
import string

LETTERS = string.ascii_letters + string.digits
ODD = "-_.~!*'();:@&=+$,/?#[]%\"<>\\^`{|} äöü日本語🎨\n\t"
LOCATED = {"header", "headers", "uri", "querystring", "statusCode"}


class Values:
    """Values by a seeded generator; `odd` is the share of characters that formats have to escape."""

    def __init__(self, rng, odd=0.3, always=()):
        """`always` has the members (`Object.Key`) that get a value whatever their shapes say."""
        self.rng, self.odd, self.always = rng, odd, set(always)

    def word(self, low=1, high=12):
        return "".join(self.rng.choice(LETTERS) for _ in range(self.rng.randint(low, high)))

    def text(self, low=1, high=20):
        return "".join(self.rng.choice(ODD if self.rng.random() < self.odd else LETTERS)
                       for _ in range(self.rng.randint(low, high)))

    def ascii(self):
        """What a header field can hold."""
        return self.word() + self.rng.choice(["", " x", "; q=1", ", y", "/z"])

    def key(self):
        """A key of S3: any text, dots and slashes at odd places among them."""
        start = self.rng.choice(["/", "a/../", "./", "a//b/", "a+b/"]) if self.rng.random() < 0.3 else ""
        return start + self.text(1, 30).replace("\n", "").replace("\t", "")

    def date(self):
        return datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(
            seconds=self.rng.randint(0, 900_000_000))

    def maybe(self, chance=0.5):
        return self.rng.random() < chance

    def of(self, shape, left_out=(), path="", depth=0, chance=0.5):
        """A value of a shape. `left_out` has the paths (`Ebs.OutpostArn`) of members that get none."""
        location = shape.serialization.get("location")
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, left_out, path, depth, chance)
        if kind == "list":
            count = self.rng.randint(max(1, shape.metadata.get("min", 1)), max(3, shape.metadata.get("min", 1)))
            return [self.of(shape.member, left_out, path, depth + 1, chance) for _ in range(count)]
        if kind == "map":
            count = self.rng.randint(1, 3)
            if location in LOCATED:
                return {self.word().lower(): self.ascii() for _ in range(count)}
            keys = {self.of(shape.key, depth=depth + 1) for _ in range(count)}
            return {key: self.of(shape.value, left_out, path, depth + 1, chance) for key in sorted(keys)}
        if kind == "string":
            if shape.enum:
                return self.rng.choice(shape.enum)
            if location in LOCATED:
                return self.ascii()
            return self.text(max(1, shape.metadata.get("min", 1)), max(20, shape.metadata.get("min", 0)))
        if kind in ("integer", "long"):
            low = shape.metadata.get("min", 0)
            return self.rng.randint(low, min(shape.metadata.get("max", 1000), low + 1000))
        if kind in ("float", "double"):
            return self.rng.randint(0, 1000) / 8
        if kind == "boolean":
            return self.maybe()
        if kind == "timestamp":
            return self.date()
        if kind == "blob":
            return self.rng.randbytes(self.rng.randint(0, 40))
        raise ValueError(f"no values for {kind}")

    def structure(self, shape, left_out, path, depth, chance):
        value = {}
        for name, member in shape.members.items():
            place = f"{path}.{name}" if path else name
            if place in left_out or member.serialization.get("eventstream") or depth > 8:
                continue
            if name in shape.required_members or f"{shape.name}.{name}" in self.always or self.maybe(chance):
                value[name] = self.of(member, left_out, place, depth + 1, chance)
        # Of a union exactly one member is set.
        if getattr(shape, "is_tagged_union", False) and len(value) > 1:
            name = self.rng.choice(list(value))
            value = {name: value[name]}
        return value
