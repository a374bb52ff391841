"""Whether AWSKit and botocore say the same, in requests and in what they read of answers."""

import base64
import json
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import names

# Fields that say nothing of the call.
TRANSPORT = {"user-agent", "content-length", "expect", "amz-sdk-request", "amz-sdk-invocation-id", "accept-encoding",
             "host", "transfer-encoding"}
# Fields that follow from how the bytes of a body are written.
OF_BODY = {"authorization", "x-amz-content-sha256", "content-md5", "x-amz-sdk-checksum-algorithm"}
FRAMING = {"x-amz-decoded-content-length", "x-amz-trailer"}
# Made anew for each call of CloudFormation; botocore sends none.
TOKENS = {"ClientRequestToken", "ClientToken"}


# Requests

def request(case, sent):
    """What differs between the request that botocore made and ours."""
    theirs, ours = case["request"], sent
    found = []

    def differ(what, one, other):
        if isinstance(one, dict) and isinstance(other, dict):
            for name in sorted(one.keys() | other.keys()):
                if one.get(name) != other.get(name):
                    differ(f"{what}'s {name}", one.get(name), other.get(name))
        elif one != other:
            found.append(f"{what}: botocore has {one!r}, AWSKit {other!r}")

    differ("method", theirs["method"], ours["method"])
    differ("URL", url(theirs["url"]), url(ours["url"]))
    one, other = fields(theirs), fields(ours)
    one_body, other_body = base64.b64decode(theirs["body"]), base64.b64decode(ours["body"])
    ignored = set(TRANSPORT)
    if case["service"] == "s3" and case["operation"] in ("PutObject", "UploadPart"):
        ignored |= OF_BODY | FRAMING
        one_body, one = unframed(one_body, one)
        other_body, other = unframed(other_body, other)
        differ("body", digest(one_body), digest(other_body))
    elif one_body.lstrip().startswith(b"<"):
        ignored |= OF_BODY | {name for name in one.keys() | other.keys() if name.startswith("x-amz-checksum-")
                              and case["operation"] in ("DeleteObjects", "PutObjectTagging")}
        ignored.add("content-type")
        differ("body", tree(one_body), tree(other_body))
    elif one.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        ignored.add("authorization")
        own = TOKENS if case["service"] == "cloudformation" else ()
        differ("body", form(one_body), {name: value for name, value in form(other_body).items() if name not in own})
    elif one.get("content-type", "").startswith("application/x-amz-json") or one_body.startswith(b"{"):
        ignored |= {"authorization", "content-type"} if one.get("content-type") is None else {"authorization"}
        differ("body", json.loads(one_body), json.loads(other_body or b"{}"))
    else:
        differ("body", one_body, other_body)
    for name in sorted((one.keys() | other.keys()) - ignored):
        differ(name, one.get(name), other.get(name))
    found += signature(theirs, ours)
    return found


def url(text):
    """Without the order of the query, which signatures don't depend on."""
    parts = urlsplit(text)
    pairs = sorted(pair if "=" in pair else pair + "=" for pair in parts.query.split("&") if pair)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", pairs


def fields(request):
    return {name: value for name, value in request["headers"]}


def form(body):
    pairs = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    return {name: url(value) if name == "PresignedUrl" else value for name, value in pairs.items()}


def tree(body):
    def walk(element):
        children = sorted((walk(child) for child in element), key=repr)
        return element.tag, (element.text or "") if not children else "", children
    return walk(ElementTree.fromstring(body))


def digest(body):
    return body if len(body) < 100 else f"{len(body)} bytes, {hash(body)}"


def unframed(body, headers):
    """A body without `aws-chunked` framing, its checksum among the fields."""
    encoding = headers.get("content-encoding", "")
    if "aws-chunked" not in encoding:
        return body, headers
    headers = dict(headers)
    rest, plain = body, b""
    while True:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        plain, rest = plain + rest[:size], rest[size + 2:]
    assert str(len(plain)) == headers["x-amz-decoded-content-length"]
    for line in rest.decode().splitlines():
        name, _, value = line.partition(":")
        if name.startswith("x-amz-checksum-"):
            headers[name] = value
    left = [part for part in encoding.split(",") if part != "aws-chunked"]
    headers.pop("content-encoding")
    if left:
        headers["content-encoding"] = ",".join(left)
    return plain, headers


def signature(theirs, ours):
    """Our signature, made again by botocore over our very request; region and name are those that botocore signs for."""
    authorization = fields(theirs).get("authorization")
    own = fields(ours).get("authorization")
    if authorization is None or own is None:
        return [] if authorization == own else [f"signature: botocore has {authorization}, AWSKit {own}"]
    key, _, region, name, _ = authorization.partition("Credential=")[2].partition(",")[0].split("/")
    kind = botocore.auth.S3SigV4Auth if name.startswith("s3") else botocore.auth.SigV4Auth
    signer = kind(Credentials(key, "secret", "token"), name, region)
    again = AWSRequest(ours["method"], ours["url"], data=base64.b64decode(ours["body"]))
    for header, value in ours["headers"]:
        if header != "authorization":
            again.headers.add_header(header, value)
    again.context["timestamp"] = again.headers["x-amz-date"]
    text = signer.string_to_sign(again, signer.canonical_request(again))
    signed = signer.signed_headers(signer.headers_to_sign(again))
    made = f"AWS4-HMAC-SHA256 Credential={signer.scope(again)}, SignedHeaders={signed}, Signature={signer.signature(text, again)}"
    return [] if made == own else [f"signature: botocore makes {made}, AWSKit has {own}"]


# Answers

class Answers:
    """Compares results; remembers which members of AWSKit's types were seen with a value."""

    def __init__(self):
        self.members, self.valued = set(), set()

    def differences(self, case, result):
        if case.get("corrupt"):
            found = (result.get("error") or {}).get("code")
            return [] if found == "ChecksumMismatch" else [f"the body does not fit its checksum, AWSKit has {result}"]
        if "error" in case:
            return list(self.errors(case["error"], result.get("error")))
        if "error" in result:
            return [f"AWSKit failed: {result['error']}"]
        key = f"{case['service']}.{case['operation']}"
        if case["operation"] in names.SILENT.get(case["service"], "").split():
            return [] if result["output"] is None else [f"a result: {result['output']}"]
        theirs = {name: value for name, value in case["output"].items() if name != "ResponseMetadata"}
        wanted = names.RESULTS.get(key)
        if wanted:
            theirs = wanted(theirs) if callable(wanted) else names.at(theirs, wanted)
        return list(self.compare(result["output"], theirs, key, names.OWN_OF.get(key, set())))

    def errors(self, theirs, ours):
        if ours is None:
            yield f"AWSKit saw no error, botocore {theirs}"
            return
        metadata = theirs["ResponseMetadata"]
        pairs = [("code", theirs["Error"].get("Code")), ("status", metadata.get("HTTPStatusCode")),
                 ("requestID", metadata.get("RequestId"))]
        if theirs["Error"].get("Message") and theirs["Error"]["Message"] != "Not Found":
            pairs.append(("message", theirs["Error"]["Message"]))
        if metadata.get("HostId"):
            pairs.append(("hostID", metadata["HostId"]))
        for name, value in pairs:
            # botocore drops the ids of an answer of 500 without a body.
            if ours.get(name) != value and not (name == "requestID" and value is None):
                # Without a body the reason phrase stands in, which only botocore makes up.
                if name == "message" and theirs["Error"].get("Code", "").isdigit():
                    continue
                yield f"error's {name}: botocore has {value!r}, AWSKit {ours.get(name)!r}"

    def compare(self, ours, theirs, path, own=()):
        # A map may have that key too, which then is on both sides; no structure of botocore's has such a member.
        if isinstance(ours, dict) and "_" in ours and not (isinstance(theirs, dict) and "_" in theirs):
            kind = ours["_"].partition("<")[0]
            if not isinstance(theirs, dict):
                yield f"{path}: botocore has {theirs!r}, AWSKit {ours}"
                return
            for name, value in ours.items():
                if name == "_" or name in names.OWN.get(kind, ()) or name in own:
                    continue
                wanted = self.member(kind, name, path, theirs)
                self.members.add((kind, name))
                if wanted not in (None, "", [], {}, False, 0):
                    self.valued.add((kind, name))
                yield from self.compare(value, wanted, f"{path}.{name}", own)
        elif isinstance(ours, dict):
            theirs = theirs or {}
            if ours.keys() != theirs.keys():
                yield f"{path}: botocore has {sorted(theirs)}, AWSKit {sorted(ours)}"
                return
            for name in ours:
                yield from self.compare(ours[name], theirs[name], f"{path}[{name}]", own)
        elif isinstance(ours, list):
            theirs = theirs or []
            if len(ours) != len(theirs):
                yield f"{path}: botocore has {len(theirs)}, AWSKit {len(ours)}"
                return
            for index, (one, other) in enumerate(zip(ours, theirs)):
                yield from self.compare(one, other, f"{path}[{index}]", own)
        elif isinstance(ours, float) and isinstance(theirs, (int, float)):
            # Moments are counted from another year in Swift.
            if abs(ours - theirs) > 1e-6:
                yield f"{path}: botocore has {theirs!r}, AWSKit {ours!r}"
        elif ours != theirs and (ours or theirs):
            yield f"{path}: botocore has {theirs!r}, AWSKit {ours!r}"

    def member(self, kind, name, path, theirs):
        table = names.MEMBERS.get(f"{path.partition('.')[0].upper()}.{kind}", names.MEMBERS.get(kind, {}))
        if name in table:
            wanted = table[name]
            return wanted(theirs) if callable(wanted) else names.at(theirs, wanted)
        return next((value for key, value in theirs.items() if key.lower() == name.lower()), None)
