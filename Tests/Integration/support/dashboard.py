"""A browser at the dashboard: fixtures of the tests that drive it, and what several of them do."""

import os

import pytest
from playwright.sync_api import expect, sync_playwright

from . import web
from .browser import Complaints, executable

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 860}
RUNTIME = "sdruntime"
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def chromium():
    path = executable()
    if not path:
        pytest.fail("there is no Chromium: run 'scripts/setup browser', or say where one is with SDTEST_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()


@pytest.fixture
def complaints():
    complaints = Complaints()
    yield complaints
    assert complaints.all == []


@pytest.fixture
def open_page(chromium, complaints):
    contexts = []

    def open_page(url, size=DESKTOP, **options):
        context = chromium.new_context(viewport=size, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        complaints.follow(page)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(dev, open_page):
    page = open_page(dev.url)
    expect(page.locator("#link-text")).to_have_text("Live")
    return page


def go(page, name):
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def submit(url, task, **content):
    answer = web.post(f"{url}/v1/tasks", {
        "id": task, "runtime": RUNTIME, "type": "text-to-image",
        "content": {"prompt": f"a lighthouse {task}", "width": 64, "height": 64, "steps": 20} | content})
    assert answer.status == 201, answer.text
