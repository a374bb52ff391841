"""Answers of services as they come over the wire, from values: what botocore only reads, written."""

import base64
import hashlib
import json
import zlib
from email.utils import format_datetime
from xml.sax.saxutils import escape


def wire(operation, value, request_id="r-1"):
    """Status, header fields and body of an answer that says `value`."""
    protocol = operation.service_model.metadata["protocol"]
    shape = operation.output_shape
    if protocol in ("query", "ec2"):
        return query(operation, shape, value, protocol, request_id)
    if protocol == "json":
        body = json.dumps(plain(shape, value)) if shape else ""
        return 200, [("x-amzn-RequestId", request_id), ("Content-Type", "application/x-amz-json-1.1")], body.encode()
    headers, body = located(operation, shape, value, protocol)
    name = "x-amz-request-id" if protocol == "rest-xml" else "x-amzn-RequestId"
    return operation.http.get("responseCode", 200), [(name, request_id), ("x-amz-id-2", "h-1")] + headers, body


def error(operation, code, message, status, request_id="r-1", host_id="h-1"):
    """An error of a service."""
    protocol = operation.service_model.metadata["protocol"]
    code, text = xml_text(code), xml_text(message)
    if protocol == "query":
        body = (f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>")
        return status, [("Content-Type", "text/xml")], body.encode()
    if protocol == "ec2":
        body = (f"<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
                f"<RequestID>{request_id}</RequestID></Response>")
        return status, [("Content-Type", "text/xml")], body.encode()
    if protocol == "rest-xml":
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{text}</Message>'
                f"<RequestId>{request_id}</RequestId><HostId>{host_id}</HostId></Error>")
        return status, [("x-amz-request-id", request_id), ("x-amz-id-2", host_id)], body.encode()
    if protocol == "json":
        body = {"__type": f"com.amazonaws#{code}", "message": message}
        return status, [("x-amzn-RequestId", request_id)], json.dumps(body).encode()
    return status, [("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", f"{code}:http://internal/")], json.dumps(
        {"message": message}).encode()


# XML

def xml_text(text):
    # A carriage return would be read as a line feed.
    return escape(text, {"\r": "&#13;"})


def query(operation, shape, value, protocol, request_id):
    inside = "".join(members(shape, value)) if shape else ""
    if protocol == "ec2":
        body = f"<{operation.name}Response><requestId>{request_id}</requestId>{inside}</{operation.name}Response>"
    else:
        wrapper = shape.serialization.get("resultWrapper") if shape else None
        result = f"<{wrapper}>{inside}</{wrapper}>" if wrapper else inside
        body = (f'<{operation.name}Response xmlns="http://example.amazonaws.com/doc/">{result}<ResponseMetadata>'
                f"<RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>")
    return 200, [("Content-Type", "text/xml")], f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode()


def members(shape, value):
    for name, member in shape.members.items():
        if name in value and member.serialization.get("location") is None and not member.serialization.get("xmlAttribute"):
            yield element(member, member.serialization.get("name", name), value[name])


def element(shape, name, value):
    kind = shape.type_name
    if kind == "structure":
        return f"<{name}>{''.join(members(shape, value))}</{name}>"
    if kind == "list":
        inner = shape.member.serialization.get("name", "member")
        if shape.serialization.get("flattened"):
            inner = shape.member.serialization.get("name", name)
            return "".join(element(shape.member, inner, each) for each in value)
        return f"<{name}>{''.join(element(shape.member, inner, each) for each in value)}</{name}>"
    if kind == "map":
        flat = shape.serialization.get("flattened")
        key, item = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
        outer = name if flat else "entry"
        entries = "".join(f"<{outer}>{element(shape.key, key, k)}{element(shape.value, item, v)}</{outer}>"
                          for k, v in value.items())
        return entries if flat else f"<{name}>{entries}</{name}>"
    return f"<{name}>{xml_text(scalar(shape, value, 'iso8601'))}</{name}>"


def scalar(shape, value, time):
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    if shape.type_name == "timestamp":
        form = shape.serialization.get("timestampFormat", time)
        if form == "rfc822":
            return format_datetime(value, usegmt=True)
        if form == "unixTimestamp":
            return str(int(value.timestamp()))
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return str(value)


# JSON

def plain(shape, value):
    kind = shape.type_name
    if kind == "structure":
        return {member.serialization.get("name", name): plain(member, value[name])
                for name, member in shape.members.items() if name in value}
    if kind == "list":
        return [plain(shape.member, each) for each in value]
    if kind == "map":
        return {key: plain(shape.value, each) for key, each in value.items()}
    if kind == "blob":
        return base64.b64encode(value).decode()
    if kind == "timestamp":
        return value.timestamp()
    return value


# REST

def located(operation, shape, value, protocol):
    headers, inside, body = [], {}, b""
    if shape is None:
        return headers, body
    payload = shape.serialization.get("payload")
    for name, member in shape.members.items():
        if name not in value:
            continue
        location, label = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "header":
            headers.append((label, scalar(member, value[name], "rfc822")))
        elif location == "headers":
            headers += [(label + key, each) for key, each in value[name].items()]
        elif name == payload:
            body = value[name] if member.type_name in ("blob", "string") else document(member, label, value[name], protocol)
        else:
            inside[name] = value[name]
    if payload is None and (inside or has_body(shape)):
        body = document(shape, operation.name + "Result", inside, protocol)
    return headers, body


def has_body(shape):
    return any(member.serialization.get("location") is None for member in shape.members.values())


def document(shape, name, value, protocol):
    if protocol == "rest-json":
        return json.dumps(plain(shape, value)).encode()
    inside = "".join(members(shape, value))
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"{inside}</{name}>").encode()


# Checksums of S3, the two that Python's library lacks written out

def reflected(polynomial, width):
    table = []
    for index in range(256):
        for _ in range(8):
            index = index >> 1 ^ (polynomial if index & 1 else 0)
        table.append(index)
    full = (1 << width) - 1

    def crc(data):
        value = full
        for byte in data:
            value = value >> 8 ^ table[(value ^ byte) & 255]
        return (value ^ full).to_bytes(width // 8, "big")

    return crc


CHECKSUMS = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": reflected(0x82F63B78, 32),
    "CRC64NVME": reflected(0x9A6C9329AC4BC9B5, 64),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}


def checksum(algorithm, data):
    return base64.b64encode(CHECKSUMS[algorithm](data)).decode()
