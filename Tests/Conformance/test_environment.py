"""Variables and shared files beside boto3: the same environment leads both to the same keys, region and address."""

import hashlib
import json
import os
import re
import subprocess
import sys

import pytest

from conftest import REFERENCE
from identity_server import IdentityServer
from tls_server import TLSServer

KEYS = {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "s"}
USER = "[user]\naws_access_key_id = USER\naws_secret_access_key = s\n"
ROLE = "role_arn = arn:aws:iam::123456789012:role/"

# Name: (variables, config file, credentials file). URL is the server's address, HOME the home folder.
SETTINGS = {
    "keys": (KEYS, "", ""),
    "keys-with-token": (KEYS | {"AWS_SESSION_TOKEN": "token", "AWS_DEFAULT_REGION": "eu-west-3"}, "", ""),
    "region-of-a-variable": (KEYS | {"AWS_DEFAULT_REGION": "ap-south-1"}, "[default]\nregion = us-west-1\n", ""),
    "region-of-the-profile": (KEYS | {"AWS_PROFILE": "p"}, "[profile p]\nregion = sa-east-1\n", ""),
    "credentials-file": ({}, "", "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n"),
    "config-file": ({}, "[default]\naws_access_key_id = CONFIG\naws_secret_access_key = s\n", ""),
    "credentials-go-before-config": (
        {}, "[default]\naws_access_key_id = CONFIG\naws_secret_access_key = s\n",
        "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\naws_session_token = t\n"),
    "other-files": ({"AWS_CONFIG_FILE": "HOME/c", "AWS_SHARED_CREDENTIALS_FILE": "~/k", "AWS_PROFILE": "x"},
                    "", "", {"c": "[profile x]\nregion = eu-north-1\n",
                             "k": "[x]\naws_access_key_id = OTHER\naws_secret_access_key = s\n"}),
    "odd-white-space": ({"AWS_PROFILE": "a b"}, "# note\n[profile 'a b']\n  region=eu-west-2\n",
                        "; note\n\n[a b]\naws_access_key_id:ODD\n  \naws_secret_access_key   =   s\n"),
    "role": ({"AWS_PROFILE": "r"}, f"[profile r]\n{ROLE}r\nsource_profile = user\nexternal_id = agreed\nduration_seconds = 1800\n"
             "role_session_name = me\nregion = eu-west-1\n", USER),
    "chain": ({"AWS_PROFILE": "c"}, f"[profile c]\n{ROLE}c\nsource_profile = b\nrole_session_name = two\n"
              f"[profile b]\n{ROLE}b\nsource_profile = user\nrole_session_name = one\n", USER),
    "role-of-variables": (KEYS | {"AWS_PROFILE": "r"}, f"[profile r]\n{ROLE}r\ncredential_source = Environment\n", ""),
    "role-of-instance": ({"AWS_PROFILE": "r", "AWS_EC2_METADATA_DISABLED": "false"},
                         f"[profile r]\n{ROLE}r\ncredential_source = Ec2InstanceMetadata\nrole_session_name = me\n", ""),
    "role-of-container": ({"AWS_PROFILE": "r", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container"},
                          f"[profile r]\n{ROLE}r\ncredential_source = EcsContainer\nrole_session_name = me\n", ""),
    "process": ({"AWS_PROFILE": "p"}, "[profile p]\ncredential_process = \"HOME/say it\" PROCESS\n", "",
                {"say it": '#!/bin/sh\necho "{\\"Version\\": 1, \\"AccessKeyId\\": \\"$1\\", \\"SecretAccessKey\\": \\"s\\"}"\n'}),
    "web-identity": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "HOME/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/web",
                      "AWS_ROLE_SESSION_NAME": "pod"}, "", "", {"token": "a.jwt"}),
    "web-identity-of-a-profile": (
        {"AWS_PROFILE": "w"},
        f"[profile w]\n{ROLE}w\nweb_identity_token_file = HOME/token\nrole_session_name = me\n", "", {"token": "a.jwt"}),
    "container": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "abc"},
                  "", ""),
    "container-token-file": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "HOME/t",
         "AWS_CONTAINER_AUTHORIZATION_TOKEN": "other"}, "", "", {"t": "xyz"}),
    "instance": ({"AWS_EC2_METADATA_DISABLED": "false"}, "", ""),
    "sso-session": ({"AWS_PROFILE": "s"},
                    "[profile s]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\n"
                    "[sso-session corp]\nsso_start_url = https://c/start\nsso_region = eu-west-1\n", "",
                    {".aws/sso/cache/" + hashlib.sha1(b"corp").hexdigest() + ".json":
                     '{"accessToken": "tok", "expiresAt": "2098-01-01T00:00:00Z"}'}),
    "sso-of-old": ({"AWS_PROFILE": "s"},
                   "[profile s]\nsso_start_url = https://o/start\nsso_region = eu-west-1\nsso_account_id = 1\n"
                   "sso_role_name = r\n", "",
                   {".aws/sso/cache/" + hashlib.sha1(b"https://o/start").hexdigest() + ".json":
                    '{"accessToken": "old", "expiresAt": "2098-01-01T00:00:00Z", "startUrl": "https://o/start", "region": "eu-west-1"}'}),
    "endpoint-of-the-service": (KEYS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_STS": "URL"}, "", ""),
    "endpoint-of-a-section": (
        KEYS | {"AWS_PROFILE": "e", "AWS_ENDPOINT_URL": ""},
        "[profile e]\nservices = local\n[services local]\nsts =\n  endpoint_url = URL/sts\n", ""),
    "endpoint-of-the-profile": (KEYS | {"AWS_PROFILE": "e", "AWS_ENDPOINT_URL": ""}, "[profile e]\nendpoint_url = URL/p\n", ""),
    # These end in an error, in both.
    "no-credentials": ({}, "", ""),
    "half-a-pair": ({"AWS_ACCESS_KEY_ID": "ENV"}, "", ""),
    "a-profile-that-is-missing": (KEYS | {"AWS_PROFILE": "nobody"}, "", ""),
    "a-role-without-a-source": ({"AWS_PROFILE": "r"}, f"[profile r]\n{ROLE}r\n", ""),
    "a-circle": ({"AWS_PROFILE": "a"}, f"[profile a]\n{ROLE}a\nsource_profile = b\n[profile b]\n{ROLE}b\nsource_profile = a\n", ""),
    "a-token-that-is-missing": (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "HOME/none", "AWS_ROLE_ARN": "arn:aws:iam::1:role/web"}, "", ""),
    "an-agent-elsewhere": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://203.0.113.7/creds"}, "", ""),
    "a-login-that-is-missing": (
        {"AWS_PROFILE": "s"}, "[profile s]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session corp]\nsso_start_url = https://c/start\nsso_region = eu-west-1\n", ""),
    "a-broken-file": (KEYS, "[default\nregion", ""),
}


def environment(setting, home, url):
    variables, config, credentials, *files = setting
    fill = lambda text: text.replace("URL", url).replace("HOME", str(home))
    files = dict(files[0]) if files else {}
    files |= {".aws/config": config, ".aws/credentials": credentials}
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fill(text))
        path.chmod(0o700)
    found = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    found |= {"HOME": str(home), "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
              "AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_MAX_ATTEMPTS": "1"}
    if re.search(r"^\s*region ?=", config, re.M):
        del found["AWS_DEFAULT_REGION"]
    found |= {name: fill(value) for name, value in variables.items()}
    return {name: value for name, value in found.items() if value != ""}


def told(server):
    """What of the requests says who asked for what: roles in their order, then the identity."""
    lines = []
    for request in server.requests:
        if request["form"]:
            scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", request["headers"].get("authorization", ""))
            form = dict(request["form"])
            # Made up by each where none was given.
            if re.search(r"session-\d", form.get("RoleSessionName", "")):
                del form["RoleSessionName"]
            lines.append((request["path"].rstrip("/"), form, scope and scope.groups(),
                          request["headers"].get("x-amz-security-token")))
    return lines


@pytest.mark.parametrize("name", SETTINGS)
def test_an_environment_leads_where_it_leads_boto3(name, binaries, tmp_path):
    results = []
    for program in ([sys.executable, REFERENCE / "identity.py"], [binaries / "awskit-probe", "identity"]):
        with IdentityServer() as server:
            home = tmp_path / f"home-{len(results)}"
            done = subprocess.run(program, env=environment(SETTINGS[name], home, server.url), capture_output=True, text=True,
                                  timeout=120)
            assert done.returncode == 0, done.stderr[-3000:]
            results.append((json.loads(done.stdout), told(server)))
    (theirs, their_calls), (ours, our_calls) = results
    assert (theirs.get("account"), their_calls) == (ours.get("account"), our_calls), (theirs, ours)
    fails = list(SETTINGS).index(name) >= list(SETTINGS).index("no-credentials")
    assert (ours.get("account") is None) == fails, ours


def identity(binaries, variables):
    done = subprocess.run([binaries / "awskit-probe", "identity"], env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_configured_endpoints_can_be_left_out(binaries, tmp_path):
    """`AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` leads to AWS itself: here, to a proxy that makes no tunnels."""
    with IdentityServer() as server:
        variables = environment((KEYS | {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "https_proxy": "URL"}, "", ""),
                                tmp_path, server.url)
        assert identity(binaries, variables)["code"] == "Connection"
    assert [request["path"] for request in server.requests] == ["sts.eu-central-1.amazonaws.com:443"]


def test_calls_go_through_the_proxy_of_the_environment_and_metadata_never(binaries, tmp_path):
    with IdentityServer() as machine, IdentityServer() as proxy:
        variables = environment(
            ({"AWS_EC2_METADATA_DISABLED": "false", "AWS_ENDPOINT_URL": "http://sts.invalid", "http_proxy": proxy.url}, "", ""),
            tmp_path, machine.url)
        assert identity(binaries, variables)["account"] == "123456789012"
        variables["no_proxy"] = ".invalid"
        assert identity(binaries, variables)["code"] == "Connection"
    assert [request["headers"]["host"] for request in proxy.requests] == ["sts.invalid"]
    assert machine.requests and all(request["path"].startswith("/latest/") for request in machine.requests)


@pytest.mark.parametrize("place", ["AWS_CA_BUNDLE", "ca_bundle"])
def test_a_bundle_of_authorities_is_trusted_and_nobody_else(place, binaries, certificate, tmp_path):
    answer = ("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><UserId>u</UserId><Account>1</Account>"
              "</GetCallerIdentityResult></GetCallerIdentityResponse>")
    bundle = str(certificate / "cert.pem")
    variables, config = ({place: bundle}, "") if place.isupper() else ({}, f"[default]\nca_bundle = {bundle}\n")
    with TLSServer(certificate, lambda _: answer) as server:
        trusting = environment((KEYS | variables, config, ""), tmp_path / "a", server.url)
        assert identity(binaries, trusting)["account"] == "1"
        seen = server.requests
        refusing = environment((KEYS, "", ""), tmp_path / "b", server.url)
        assert identity(binaries, refusing)["code"] == "tlsFailed"
        assert server.requests == seen
