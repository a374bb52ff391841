"""Lambda in small: its runtime API (2018-06-01) for one function, and events as API Gateway makes them of requests."""

import base64
import json
import queue
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "/2018-06-01/runtime"


class LambdaRuntime:
    """Hands invocations to whoever asks for the next one, and takes what comes of them."""

    def __init__(self, seconds=30):
        self.seconds = seconds
        self._invocations = queue.Queue()
        self._answers = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        # What a function finds in AWS_LAMBDA_RUNTIME_API.
        self.authority = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._invocations.put(None)
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event, limit=40):
        """What the function answers to an event; raises FunctionError when it says that it failed."""
        number, waiting = str(uuid.uuid4()), queue.Queue()
        self._answers[number] = waiting
        self._invocations.put((number, event))
        failed, body = waiting.get(timeout=limit)
        if failed:
            raise FunctionError(body)
        return body

    def request(self, version, method, target, body=b"", headers=None, **changes):
        """A request through API Gateway, payload version 1 (REST) or 2 (HTTP): status, headers, body."""
        event = {1: rest_event, 2: http_event}[version](method, target, body, headers or {}) | changes
        answer = self.invoke(event)
        told = answer.get("body", "")
        content = base64.b64decode(told) if answer.get("isBase64Encoded") else told.encode()
        return answer["statusCode"], {name.lower(): value for name, value in answer.get("headers", {}).items()}, content

    def _handler(self):
        runtime = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body=b"", headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                if self.path != VERSION + "/invocation/next":
                    return self.answer(404)
                next_one = runtime._invocations.get()
                if next_one is None:
                    self.close_connection = True
                    return None
                number, event = next_one
                return self.answer(200, json.dumps(event).encode(), [
                    ("Content-Type", "application/json"), ("Lambda-Runtime-Aws-Request-Id", number),
                    ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + runtime.seconds) * 1000))),
                    ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:door"),
                    ("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")])

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                number, what = self.path.removeprefix(VERSION + "/invocation/").split("/")
                runtime._answers.pop(number).put((what == "error", body))
                self.answer(202)

            def log_message(self, *arguments):
                pass

        return Handler


class FunctionError(AssertionError):
    pass


def split(target):
    """A target's decoded path, its query as it stands, and the query's names with all their values."""
    path, _, query = target.partition("?")
    return urllib.parse.unquote(path), query, urllib.parse.parse_qs(query, keep_blank_values=True)


def content(body):
    """A body as events carry it: text where it is some."""
    try:
        return {"body": body.decode() if body else None, "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def rest_event(method, target, body, headers):
    """"Input format of a Lambda function for proxy integration", API Gateway REST APIs."""
    path, _, query = split(target)
    headers = {"Host": "abcdef.execute-api.us-east-1.amazonaws.com", "X-Forwarded-For": "203.0.113.7"} | headers
    return {
        "resource": "/{proxy+}", "path": path, "httpMethod": method, "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None, "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012", "apiId": "abcdef", "stage": "prod", "path": "/prod" + path, "protocol": "HTTP/1.1",
            "httpMethod": method, "resourcePath": "/{proxy+}", "requestId": str(uuid.uuid4()),
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "test"}}} | content(body)


def http_event(method, target, body, headers):
    """"Create AWS Lambda proxy integrations for HTTP APIs", payload format 2.0."""
    path, query, values = split(target)
    headers = {"host": "abcdef.execute-api.us-east-1.amazonaws.com", "x-forwarded-for": "203.0.113.7"} | {
        name.lower(): value for name, value in headers.items()}
    event = {
        "version": "2.0", "routeKey": "$default", "rawPath": target.partition("?")[0], "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "abcdef", "domainName": "abcdef.execute-api.us-east-1.amazonaws.com",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "test"},
            "requestId": str(uuid.uuid4()), "routeKey": "$default", "stage": "$default"}} | content(body)
    if values:
        event["queryStringParameters"] = {name: ",".join(each) for name, each in values.items()}
    return event
