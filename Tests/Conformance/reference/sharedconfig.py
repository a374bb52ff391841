#!/usr/bin/env python3
"""Shared config files and what botocore reads from them, one JSON object a line: generated from fragments that meet
the parser's corners. What botocore refuses is
missing from the object."""
import argparse
import json
import os
import random
import shlex
import sys
import tempfile

import botocore.configloader as loader
import botocore.exceptions

SECTIONS = ["[default]", "[profile dev]", "[profile  dev ]", '[profile "a b"]', "[profile 'x y']", "[profile a b]", "[sso-session s]",
            "[services local]", "[plugins]", "[profile]", "[DEFAULT]", "[ profile dev]", "[profile dev] # c", "[]", "[profile d[e]v]",
            "[profile \"open]", "[profiled x]", " [profile ind]", "[default", "[profile dév]", "[profile back\\\\slash]", "[default]]"]
KEYS = ["region", "Region", "REGION", "aws_access_key_id", "s3", "role_arn", "x y", "ü", "a.b", "", "output"]
VALUES = ["eu-west-1", "a=b", "a:b", "  spaced  ", "# no comment", "v # kept", "v ; kept", "\"quoted\"", "", "ü日本", "a\\nb", "%(x)s", "${HOME}", "\u00a0x\u00a0"]
NESTED = ["  addressing_style = path", "    max=3", "\tuse = x = y", "  # comment", "  ; c", "  nothing", "", "   ", "  a:b", "  k =", "  [section]",
          "      deep = 1", " signature_version=s3v4", "  \u2028sep = a\u0085b"]
ODD = ["# comment", "; comment", "   # indented comment", "", "   ", "word", "=value", ": value", "\t", "  floating = 1", "\x0c", "\ufeff"]
ENDS = ["\n", "\n", "\n", "\n", "\r\n", "\r"]


def option(rng):
    return rng.choice(["", "", "", " ", "\t"]) + rng.choice(KEYS) + rng.choice([" = ", "=", ":", " : ", " =", "= ", "\t=\t"]) + rng.choice(VALUES)


def text(rng):
    lines = []
    for _ in range(rng.randint(0, 5)):
        lines.append(rng.choice(SECTIONS))
        for _ in range(rng.randint(0, 5)):
            kind = rng.random()
            if kind < 0.65:
                lines.append(option(rng))
            elif kind < 0.85:
                lines.append(rng.choice(["s3 =", "sqs=", "ec2 : ", "s3 = inline"]))
                lines += [rng.choice(NESTED) for _ in range(rng.randint(0, 4))]
            else:
                lines.append(rng.choice(ODD if rng.random() < 0.4 else ODD[:5]))
    end = rng.choice(ENDS)
    return end.join(lines) + (end if rng.random() < 0.8 else "")


def read(function, path):
    try:
        return function(path)
    except botocore.exceptions.ConfigParseError:
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=600)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "config")
        for _ in range(options.count):
            content = text(rng)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(content)
            config, credentials = read(loader.load_config, path), read(loader.raw_config_parse, path)
            result = {"text": content}
            if config is not None:
                result |= {k: config[k] for k in ("profiles", "sso_sessions", "services")}
            if credentials is not None:
                result["credentials"] = credentials
            try:
                result["words"] = shlex.split(content)
            except ValueError:
                pass
            json.dump(result, sys.stdout, ensure_ascii=True, separators=(",", ":"))
            sys.stdout.write("\n")


if __name__ == "__main__":
    main()
