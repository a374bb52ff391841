"""STS, IAM Identity Center, a container's agent and an instance's metadata service at one address, listening."""

import http.server
import json
import re
import threading
from urllib.parse import parse_qsl, urlsplit

END = "2099-01-01T00:00:00Z"


class IdentityServer:
    """Started by `with`; `requests` has what came: path, header fields in lower case, form."""

    def __init__(self):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                # A tunnel is asked for by host and port, a proxied request by its whole URL.
                path = self.path if self.command == "CONNECT" else urlsplit(self.path).path
                request = {"method": self.command, "path": path,
                           "headers": {name.lower(): value for name, value in self.headers.items()},
                           "form": dict(parse_qsl(body)) if body.startswith("Action=") else {}, "body": body}
                outer.requests.append(request)
                status, answer = outer.answer(request)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            do_GET = do_POST = do_PUT = do_CONNECT = serve

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request):
        action, path, headers = request["form"].get("Action"), request["path"], request["headers"]
        if action == "GetCallerIdentity":
            return 200, ("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><UserId>u</UserId>"
                         "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
        if action:
            role = re.sub(r"\W", "", request["form"]["RoleArn"].rpartition("/")[2])
            return 200, (f"<{action}Response><{action}Result><Credentials><AccessKeyId>ROLE{role}</AccessKeyId>"
                         f"<SecretAccessKey>s</SecretAccessKey><SessionToken>token-{role}</SessionToken><Expiration>{END}"
                         f"</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/{role}/s</Arn>"
                         f"<AssumedRoleId>i</AssumedRoleId></AssumedRoleUser></{action}Result></{action}Response>")
        keys = {"AccessKeyId": "", "SecretAccessKey": "s", "Token": "t", "Expiration": END, "Code": "Success"}
        if path == "/container":
            return 200, json.dumps(keys | {"AccessKeyId": "CONTAINER" + headers.get("authorization", "")})
        if path == "/latest/api/token":
            return 200, "imds"
        if path.endswith("/security-credentials/") and headers.get("x-aws-ec2-metadata-token") == "imds":
            return 200, "my-role"
        if path.endswith("/security-credentials/my-role"):
            return 200, json.dumps(keys | {"AccessKeyId": "INSTANCE"})
        if path == "/federation/credentials":
            token = headers.get("x-amz-sso_bearer_token", "")
            return 200, json.dumps({"roleCredentials": {
                "accessKeyId": f"SSO{token}", "secretAccessKey": "s", "sessionToken": "t", "expiration": 4_070_908_800_000}})
        return 404, ""

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()
