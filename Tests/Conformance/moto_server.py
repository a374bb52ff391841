"""moto on a free port, in this process, and the calls that it was asked."""

import io
import re
import threading
from urllib.parse import parse_qsl

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

# S3's calls by method, whether a key is named, and what else tells them apart.
S3 = [
    ("GET", False, "versions", "ListObjectVersions"), ("GET", False, "uploads", "ListMultipartUploads"),
    ("GET", False, "list-type", "ListObjectsV2"), ("PUT", False, "", "CreateBucket"), ("DELETE", False, "", "DeleteBucket"),
    ("HEAD", False, "", "HeadBucket"), ("POST", False, "delete", "DeleteObjects"),
    ("GET", True, "tagging", "GetObjectTagging"), ("PUT", True, "tagging", "PutObjectTagging"),
    ("DELETE", True, "tagging", "DeleteObjectTagging"), ("POST", True, "uploads", "CreateMultipartUpload"),
    ("POST", True, "uploadId", "CompleteMultipartUpload"), ("DELETE", True, "uploadId", "AbortMultipartUpload"),
    ("GET", True, "uploadId", "ListParts"), ("PUT", True, "copy partNumber", "UploadPartCopy"),
    ("PUT", True, "partNumber", "UploadPart"), ("PUT", True, "copy", "CopyObject"), ("PUT", True, "", "PutObject"),
    ("GET", True, "", "GetObject"), ("HEAD", True, "", "HeadObject"), ("DELETE", True, "", "DeleteObject"),
]
REST = [("GET", r"/clusters/[^/]+", "eks.DescribeCluster"), ("POST", "/TraceSegments", "xray.PutTraceSegments"),
        ("GET", r"/apikeys/[^/]+", "apigateway.GetApiKey")]


class MotoServer:
    """Started by `with`; `calls` has what was asked, as `service.Operation`."""

    def __init__(self):
        self.calls = set()
        app = DomainDispatcherApplication(create_backend_app)

        def listening(environ, start_response):
            self.note(environ)
            return app(environ, start_response)

        self.server = make_server("127.0.0.1", 0, listening, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()

    def note(self, environ):
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        service = scope.group(1) if scope else ""
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            self.calls.add(f"{service}.{target.split('.')[-1]}")
        elif environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            action = dict(parse_qsl(body.decode())).get("Action", "")
            # Calls without a signature are STS's.
            self.calls.add(f"{service or 'sts'}.{action}")
        elif service == "s3":
            self.calls.add(f"s3.{self.object_call(environ)}")
        else:
            for method, path, name in REST:
                if environ["REQUEST_METHOD"] == method and re.fullmatch(path, environ["PATH_INFO"]):
                    self.calls.add(name)

    @staticmethod
    def object_call(environ):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].strip("/")
        told = set(dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)))
        told |= {"copy"} if "HTTP_X_AMZ_COPY_SOURCE" in environ else set()
        if not path:
            return "ListBuckets"
        for asked, has_key, parts, name in S3:
            if asked == method and has_key == ("/" in path) and set(parts.split()) <= told:
                return name
        return f"{method} {path}"
