// The page's frame: which view is shown, the connection's state, the colours.

import { announce, fill, h, say } from "./dom.js";
import { forgetKey, hasKey } from "./api.js";
import { count } from "./format.js";
import { live, startLive } from "./live.js";
import { overview } from "./overview.js";
import { form } from "./form.js";
import { gallery } from "./gallery.js";
import { task } from "./task.js";
import { letters } from "./letters.js";

const main = document.getElementById("main");
const name = "Stable Diffusion on demand";
let leave = new AbortController();
let isFirst = true;

const views = {
  "": ["overview", "Overview", overview],
  new: ["new", "New task", (place, signal, id, run) => form(place, signal, id && { id, run })],
  pictures: ["pictures", "Pictures", gallery],
  letters: ["letters", "Dead letters", letters],
  tasks: ["", "Task", (place, signal, id, run) => task(place, signal, { id, run })],
};

function route() {
  const [first = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  const [view, title, show] = views[first] ?? ["", "Not found", notFound];
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  document.title = `${title} · ${name}`;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
  // Views put their heading there at once, or once they know it.
  new MutationObserver((_, observer) => {
    const heading = main.querySelector("h1");
    if (!heading && !signal.aborted) return;
    observer.disconnect();
    if (!heading || isFirst) return void (isFirst = false);
    heading.focus({ preventScroll: true });
    announce(document.title);
  }).observe(main, { childList: true, subtree: true });
  Promise.resolve(show(main, signal, ...rest)).catch((error) => {
    if (signal.aborted) return;
    console.error(error);
    fill(main, h("div", { class: "notice bad", role: "alert" }, h("h1", { tabindex: "-1" }, "The page broke down"), h("p", {}, String(error))));
  });
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function notFound(place) {
  fill(place, h("div", { class: "empty" }, h("h1", { tabindex: "-1" }, "There is no such page"), h("p", {}, h("a", { href: "#/" }, "To the overview"))));
}

const words = { connecting: "Connecting", live: "Live", polling: "Every 3 s", away: "Reconnecting" };
const state = document.getElementById("link-state");

function showState() {
  state.dataset.state = live.state;
  say(document.getElementById("link-text"), words[live.state]);
  const forget = document.getElementById("forget-key");
  forget.hidden = !hasKey();
}

function showCount() {
  const dead = (live.runtimes ?? []).reduce((sum, runtime) => sum + (runtime.queue?.dead ?? 0), 0);
  const badge = document.getElementById("dead-count");
  badge.hidden = dead === 0;
  fill(badge, count(dead), h("span", { class: "unseen" }, " of them"));
}

function startTheme() {
  const select = document.getElementById("theme");
  select.value = document.documentElement.dataset.theme ?? "auto";
  select.addEventListener("change", () => {
    if (select.value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = select.value;
    try { localStorage.setItem("sd-theme", select.value); } catch { /* It holds for this page, then. */ }
  });
}

document.getElementById("forget-key").addEventListener("click", () => {
  forgetKey();
  location.reload();
});
addEventListener("hashchange", route);
live.addEventListener("state", showState);
live.addEventListener("change", showCount);
startTheme();
route();
startLive();
showState();
