"""The dashboard, in a real browser: what people do there, and what is done to it."""

import hashlib
import json
import re
import signal

import pytest
from playwright.sync_api import expect

from conftest import free_port
from support import web
from support.dashboard import RUNTIME, go, submit
from support.pictures import read_png
from support.waiting import wait_until

KEY = "a-key-of-the-operators"


def more(page, content):
    """Adds members to the content that the form has no field for."""
    page.get_by_text("Anything else", exact=True).click()
    page.get_by_label("More for the engine").fill(json.dumps(content))


def test_a_task_is_submitted_watched_to_its_end_and_its_picture_opened(dev, page):
    go(page, "New task")
    page.get_by_label("Prompt", exact=True).fill("a lighthouse in fog")
    page.get_by_label("Seed").fill("18446744073709551615")
    more(page, {"test_pattern": {"seconds": 8}})
    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("a lighthouse in fog")
    expect(page.locator(".crumb .pill")).to_have_text("running")
    # Progress and preview come over the stream while the engine works.
    expect(page.get_by_role("img", name="The picture so far")).to_be_visible()
    expect(page.get_by_role("progressbar")).not_to_have_attribute("aria-valuenow", "0")
    expect(page.locator(".crumb .pill")).to_have_text("succeeded")
    expect(page.locator("#announcer")).to_have_text("The task has succeeded")

    [task] = web.get(f"{dev.url}/v1/tasks").json["tasks"]
    assert task["outputs"][0]["seed"] == 18446744073709551615, "seeds have 64 bits, on the way through a browser too"
    expect(page.get_by_text("seed 18446744073709551615")).to_be_visible()
    image = page.get_by_role("img", name="Output 1: a lighthouse in fog")
    page.wait_for_function("(image) => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    with page.context.expect_page() as opened:
        image.click()
    response = page.request.get(opened.value.url)
    assert read_png(response.body()).width == 512

    waterfall = page.get_by_role("table", name="Timings")
    for stage in ("In the queue", "Inference", "Store and announce"):
        expect(waterfall.get_by_role("rowheader", name=stage, exact=True)).to_be_visible()
    page.get_by_text("Manifest", exact=True).click()
    expect(page.locator("#part-manifest pre")).to_contain_text("request_sha256")
    page.get_by_text("Request", exact=True).click()
    expect(page.locator("#part-request pre")).to_contain_text("18446744073709551615")
    expect(page.get_by_role("table", name="Trace").get_by_role("rowheader", name="infer")).to_be_visible()

    go(page, "Pictures")
    expect(page.get_by_role("img", name="a lighthouse in fog")).to_be_visible()


def test_a_running_task_and_a_queued_one_are_cancelled(dev, page):
    submit(dev.url, "endless", test_pattern={"hang": True})
    submit(dev.url, "behind")
    row = page.get_by_role("list", name="Unfinished tasks").get_by_role("listitem").filter(has_text="a lighthouse behind")
    expect(row).to_contain_text("queued")
    row.get_by_role("button", name="Cancel").click()
    ended = page.get_by_role("list", name="Finished tasks").get_by_role("listitem").filter(has_text="a lighthouse behind")
    expect(ended).to_contain_text("cancelled")
    page.get_by_role("link", name="a lighthouse endless").click()
    expect(page.locator(".crumb .pill")).to_have_text("running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".crumb .pill")).to_have_text("cancelled")
    assert dev.wait_for("endless", "cancelled")["outputs"] == []


@pytest.fixture
def letter(start_gateway, start_agent, state):
    """A gateway with the dashboard, and a dead letter."""
    gateway = start_gateway("--dashboard")
    submit(gateway.url, "broken-1")
    broken = start_agent("--backend", "test-pattern:?fail=engine_failed", "--max-attempts", "1", name="broken")
    wait_until(lambda: state.waiting(f"{RUNTIME}-dlq") == 1, 60, "the dead letter")
    broken.stop()
    return gateway


def test_a_dead_letter_is_redriven_and_its_task_succeeds(letter, open_page, start_agent):
    page = open_page(letter.url)
    expect(page.locator("#dead-count")).to_contain_text("1")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Dead letters").click()
    row = page.get_by_role("row").filter(has_text="broken-1")
    expect(row).to_contain_text("engine_failed")
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Redrive 1").click()
    expect(page.locator("#announcer")).to_have_text("1 letter redriven")
    expect(page.get_by_role("heading", name="No dead letters")).to_be_visible()
    start_agent("--backend", "test-pattern:")
    wait_until(lambda: web.get(f"{letter.url}/v1/tasks/broken-1").json["state"] == "succeeded", 30, "the next run's end")
    page.goto(f"{letter.url}/#/tasks/broken-1")
    expect(page.get_by_text("run 2; see run 1")).to_be_visible()
    page.get_by_role("link", name="see run 1").click()
    expect(page.get_by_role("heading", name="the test-pattern engine failed as it was told to")).to_be_visible()


def test_a_dead_letter_is_dropped_only_when_it_is_meant(letter, open_page, state):
    page = open_page(f"{letter.url}/#/letters")
    page.get_by_role("checkbox", name="Choose all").check()
    page.get_by_role("button", name="Drop 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep as it is").click()
    assert state.waiting(f"{RUNTIME}-dlq") == 1
    page.get_by_role("button", name="Drop 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Drop", exact=True).click()
    expect(page.get_by_role("heading", name="No dead letters")).to_be_visible()
    assert state.waiting(f"{RUNTIME}-dlq") == 0


KINDS = ["Text to image", "Image to image", "Inpainting", "ControlNet", "Upscale", "Batch upscale", "ComfyUI graph"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kinds_example_works_as_it_stands(dev, page, kind):
    go(page, "New task")
    page.get_by_role("radio", name=kind, exact=True).check(force=True)
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".crumb .pill")).to_have_text("succeeded")
    # Its settings make the same task again.
    page.get_by_role("link", name="Use these settings").click()
    expect(page.get_by_role("radio", name=kind, exact=True)).to_be_checked()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".crumb .pill")).to_have_text("succeeded")
    first, second = (web.get(f"{dev.url}/v1/tasks/{task['id']}/request").json for task in web.get(f"{dev.url}/v1/tasks").json["tasks"])
    assert first == second


def test_what_is_written_before_the_runtimes_are_known_stays_and_waits_for_them(dev, page):
    held = []
    page.route("**/v1/runtimes", lambda route: held.append(route))
    go(page, "New task")
    page.get_by_role("radio", name="Image to image", exact=True).check(force=True)
    page.get_by_label("Prompt", exact=True).fill("a pier in the rain")
    expect(page.get_by_role("button", name="Submit")).to_be_disabled()
    wait_until(lambda: page.wait_for_timeout(10) or held, 30, "the question for the runtimes")
    for route in held:
        route.continue_()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("a pier in the rain")
    expect(page.locator(".crumb .pill")).to_have_text("succeeded")
    [task] = web.get(f"{dev.url}/v1/tasks").json["tasks"]
    assert (task["runtime"], task["type"]) == (RUNTIME, "image-to-image")


def test_what_is_wrong_is_said_at_its_field(page, complaints):
    complaints.expect("422")
    go(page, "New task")
    page.get_by_label("Steps").fill("0")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_label("Steps")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Steps")).to_be_focused()
    expect(page.get_by_text("From 1 to 500.")).to_be_visible()
    # What only the door knows is told the same way.
    page.get_by_label("Steps").fill("5")
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Folder").fill("../up")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_label("Folder")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Folder")).to_be_focused()
    expect(page.get_by_text("has a segment that starts with a dot")).to_be_visible()


def test_text_of_others_making_stays_text(dev, page, complaints):
    complaints.expect("404")
    attack = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\u202e{{7*7}}"
    submit(dev.url, "attack", prompt=attack, test_pattern={"fail": "engine_rejected"})
    web.post(f"{dev.url}/v1/tasks", {
        "id": "attack-2", "runtime": RUNTIME, "type": "text-to-image", "context": {attack: attack},
        "content": {"prompt": attack, "width": 64, "height": 64, "sampler_name": attack}})
    for task in ("attack", "attack-2"):
        dev.wait_for(task, "failed", "succeeded")
        expect(page.get_by_role("link", name=attack).first).to_be_visible()
        page.goto(f"{dev.url}/#/tasks/{task}")
        expect(page.get_by_role("heading", level=1)).to_have_text(attack)
        page.get_by_text("Request", exact=True).click()
        expect(page.locator("#part-request pre")).to_contain_text("onerror")
        if task == "attack-2":
            page.get_by_text("Context", exact=True).click()
            expect(page.locator("dl + details pre")).to_contain_text("onerror")
        go(page, "Overview")
    page.goto(f"{dev.url}/#/tasks/{'%3Cimg src=x onerror=alert(1)%3E'}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror=alert(1)>")
    page.goto(f"{dev.url}/#/%3Cscript%3E")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    assert "owned" not in page.title()
    assert page.locator("main script, main img[onerror]").count() == 0


def test_a_cut_stream_is_taken_up_where_it_was(start_gateway, start_agent, programs, state, open_page, complaints):
    complaints.expect("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")
    start_agent("--backend", "test-pattern:")
    gateway = start_gateway("--dashboard")
    page = open_page(gateway.url)
    asked = []
    page.on("request", lambda request: request.url.endswith("/v1/events") and asked.append(request.headers.get("last-event-id")))
    submit(gateway.url, "before")
    expect(page.get_by_role("link", name="a lighthouse before")).to_be_visible()
    expect(page.locator("#link-text")).to_have_text("Live")
    port = gateway.url.rsplit(":", 1)[1]
    gateway.signal(signal.SIGKILL)
    gateway.wait(10)
    expect(page.locator("#link-text")).to_have_text("Reconnecting")

    again = programs.start("sd-gateway", "--state", state.directory, "--port", port, "--dashboard", name="gateway-again")
    again.wait_for(lambda: web.answers(f"{gateway.url}/readyz"), 30, "readiness")
    submit(gateway.url, "after")
    expect(page.get_by_role("link", name="a lighthouse after")).to_be_visible()
    expect(page.get_by_role("link", name="a lighthouse before")).to_be_visible()
    expect(page.locator("#link-text")).to_have_text("Live")
    assert asked and all(asked), "the last event's id is told"


def test_where_no_stream_comes_through_the_page_asks(dev, open_page):
    page = open_page("about:blank")
    # A proxy that keeps an answer back until it ends.
    page.route("**/v1/events", lambda route: None)
    page.goto(dev.url)
    expect(page.locator("#link-text")).to_have_text("Every 3 s")
    submit(dev.url, "polled")
    expect(page.get_by_role("link", name="a lighthouse polled")).to_be_visible()


@pytest.fixture
def guarded(start_gateway, start_agent, tmp_path):
    """A gateway that asks for keys, one of them an operator's."""
    keys = tmp_path / "keys.yaml"

    def digest(secret):
        return hashlib.sha256(secret.encode()).hexdigest()

    keys.write_text(
        f"keys:\n  - name: operators\n    sha256: {digest(KEY)}\n    operator: true\n"
        f"  - name: studio\n    tenant: studio\n    sha256: {digest('of-the-studio')}\n")
    start_agent("--backend", "test-pattern:")
    # Links that need no key begin with its address, which it has to know beforehand.
    return start_gateway("--dashboard", "--api-keys", keys, "--port", free_port())


def test_a_key_is_asked_for_kept_in_the_tab_and_used_for_everything(guarded, open_page, complaints):
    complaints.expect("401")
    page = open_page(guarded.url)
    dialog = page.get_by_role("dialog", name="An API key, please")
    expect(dialog.get_by_label("API key")).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("The server does not take that key")
    page.keyboard.type(KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#link-text")).to_have_text("Live")
    go(page, "New task")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".crumb .pill")).to_have_text("succeeded")
    image = page.get_by_role("img", name=re.compile("^Output 1"))
    page.wait_for_function("(image) => image.complete && image.naturalWidth > 0", arg=image.element_handle())
    with page.context.expect_page() as opened:
        image.click()
    assert KEY not in opened.value.url
    assert read_png(page.request.get(opened.value.url).body()).width == 512, "a link that needs no key"
    assert page.evaluate("[localStorage.getItem('sd-api-key'), document.cookie, location.href.includes('key')]") == [None, "", False]
    page.reload()
    expect(page.locator("#link-text")).to_have_text("Live")
    page.get_by_role("button", name="Forget the API key").click()
    expect(dialog).to_be_visible()


def test_a_key_that_is_no_operators_is_told_so(guarded, open_page, complaints):
    complaints.expect("401", "403")
    page = open_page(f"{guarded.url}/#/letters")
    page.get_by_label("API key", exact=True).fill("of-the-studio")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("dead letters are for operators")
