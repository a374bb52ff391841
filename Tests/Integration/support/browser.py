"""A browser for tests: the system's Chromium, without a window, and everything that it complained of."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def executable():
    """Where the browser is: SDTEST_CHROMIUM, else what the system has; `None` for nowhere."""
    return os.environ.get("SDTEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Complaints:
    """What a page said in its console, threw, or was refused by its policy."""

    def __init__(self):
        self.all = []
        self.expected = []

    def follow(self, page):
        page.on("console", lambda message: message.type in ("error", "warning") and self._take(message.text))
        page.on("pageerror", lambda error: self._take(f"thrown: {error}"))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (event) => "
            "console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));")

    def expect(self, *words):
        """Complaints with one of these words are what a test is about."""
        self.expected += words

    def _take(self, text):
        if not any(word in text for word in self.expected):
            self.all.append(text)
