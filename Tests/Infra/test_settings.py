"""What the gateway is told, in the cluster and behind API Gateway: unknown settings end it at its start."""

import pytest

from support import helm, settings
from support.cloudformation import Template

FUNCTION = Template("pipeline.yaml").resources["Gateway"]["Properties"]["Environment"]["Variables"]


def gateway(name):
    [container] = helm.render(name).one("Deployment", "-gateway")["spec"]["template"]["spec"]["containers"]
    return {one["name"] for one in container["env"]}


@pytest.mark.parametrize("environment", [gateway("gateway"), gateway("gateway-alone"), set(FUNCTION)],
                         ids=["beside a runtime", "alone", "function"])
def test_the_gateway_gets_settings_that_it_knows(environment):
    known = settings.known()
    if "SD_API_KEYS" not in known:
        pytest.skip("the programs know no API keys yet: the gateway's settings were NOT checked")
    assert settings.given(environment) <= known, settings.given(environment) - known


def test_the_function_is_told_where_everything_is():
    assert {"SD_TOPIC", "SD_EVENTS", "SD_STORE", "SD_RUNTIMES", "SD_PUBLIC_URL", "SD_WEBHOOKS", "SD_WEBHOOK_SECRET"} \
        <= FUNCTION.keys()
