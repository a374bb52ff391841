"""The dashboard as everybody's page: keyboard, screen reader, colours, sizes; and pictures of it."""

import os
import pathlib
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from support.dashboard import DESKTOP, PHONE, RUNTIME, go, submit
from support.waiting import wait_until


@pytest.fixture
def furnished(dev, page):
    """A system with something of everything to look at."""
    for number, prompt in enumerate(["a lighthouse at dusk", "a harbour in winter", "a pier, long exposure", "hills under stars",
                                     "a sailing ship", "an old town by the sea", "a storm over cliffs", "a quiet bay at dawn"]):
        submit(dev.url, f"made-{number}", prompt=prompt, width=512, height=512, seed=number)
    submit(dev.url, "broken", prompt="a castle", test_pattern={"fail": "out_of_memory", "times": 9})
    for number in range(8):
        dev.wait_for(f"made-{number}", "succeeded", limit=60)
    dev.wait_for("broken", "failed", limit=60)
    for body in ('{"metadata": {"id": "poisoned", "runtime": "sdruntime", "tasktype": "text-to-imag"}, "content": {}}',
                 '{"prompt": "cut off in the mid', '["not", "a", "task"]'):
        dev.state.put(RUNTIME, body)
    wait_until(lambda: dev.state.waiting(f"{RUNTIME}-dlq") == 3, 30, "the dead letters")
    submit(dev.url, "slow", prompt="a slow river", width=512, height=512, test_pattern={"seconds": 90})
    submit(dev.url, "patient", prompt="a patient fisherman")
    dev.wait_for("slow", "running", limit=60)
    return page


VIEWS = {"overview": "", "new-task": "new", "pictures": "pictures", "task": "tasks/made-0", "running": "tasks/slow",
         "dead-letters": "letters"}


def show(page, url, view):
    page.goto(f"{url}/#/{VIEWS[view]}")
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    page.wait_for_function(
        "() => !document.querySelector('[aria-busy]') && [...document.images].every((image) => "
        "image.loading === 'lazy' && image.getBoundingClientRect().top > innerHeight || image.complete)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_is_accessible_in_every_size(dev, furnished, scheme):
    axe, page = Axe(), furnished
    page.emulate_media(color_scheme=scheme)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        for view in VIEWS:
            show(page, dev.url, view)
            found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
            assert found.violations_count == 0, f"{view}, {scheme}, {size}:\n{found.generate_report()}"
            overhang = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overhang <= 0, f"{view} is {overhang} pixels too wide at {size['width']}"


def test_the_colours_follow_the_system_and_the_choice(page):
    def paper():
        return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    page.emulate_media(color_scheme="light")
    light = paper()
    page.emulate_media(color_scheme="dark")
    dark = paper()
    assert light != dark
    page.get_by_label("Colours").select_option("light")
    assert paper() == light
    page.reload()
    assert paper() == light and page.get_by_label("Colours").input_value() == "light"
    page.get_by_label("Colours").select_option("auto")
    assert paper() == dark


def test_everything_can_be_done_from_the_keyboard(dev, page):
    def tab_to(name, limit=60):
        """Presses Tab until something of that name has the focus; it must be seen to have it."""
        for _ in range(limit):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "() => { const e = document.activeElement; const l = e.labels?.[0]; "
                "const ring = getComputedStyle(e), near = e.nextElementSibling && getComputedStyle(e.nextElementSibling), "
                "row = e.closest('li') && getComputedStyle(e.closest('li')); "
                "return { name: (e.getAttribute('aria-label') ?? l?.textContent ?? e.textContent).trim(), "
                "seen: [ring, near, row].some((s) => s && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) }; }")
            if focused["name"].startswith(name):
                assert focused["seen"], f"{name} has the focus, and nobody can see it"
                return
        pytest.fail(f"Tab does not come to {name}")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    tab_to("New task")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_role("button", name="Submit")).to_be_enabled()
    tab_to("Text to image")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Image to image")).to_be_checked()
    page.keyboard.press("ArrowLeft")
    tab_to("Prompt")
    page.keyboard.press("Control+a")
    page.keyboard.type("a keyboard on a beach")
    tab_to("Anything else")
    page.keyboard.press("Enter")
    tab_to("More for the engine")
    page.keyboard.press("Control+a")
    page.keyboard.type('{"test_pattern": {"hang": true}}')
    tab_to("Submit")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("a keyboard on a beach")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    tab_to("Cancel")
    page.keyboard.press("Enter")
    expect(page.locator(".crumb .pill")).to_have_text("cancelled")
    expect(page.locator("#announcer")).to_have_text(re.compile("cancelled"))


def test_screenshots(dev, furnished):
    """Pictures of every view for people to look at; kept where SDTEST_SHOTS says."""
    folder = os.environ.get("SDTEST_SHOTS")
    if not folder:
        pytest.skip("SDTEST_SHOTS names no folder")
    folder, page = pathlib.Path(folder), furnished
    folder.mkdir(parents=True, exist_ok=True)
    expect(page.get_by_role("progressbar")).not_to_have_attribute("aria-valuenow", re.compile("^[0-9]$"))
    for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
        for scheme in ("light", "dark"):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            for view in VIEWS:
                show(page, dev.url, view)
                page.evaluate(
                    "([here, there]) => { for (const e of document.querySelectorAll('.mono')) "
                    "e.textContent = e.textContent.replace(here, there); }", [str(dev.state.directory), "/srv/sd"])
                page.screenshot(path=folder / f"{view}-{name}-{scheme}.png", full_page=False)
