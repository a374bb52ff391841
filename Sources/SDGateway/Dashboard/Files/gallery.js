// All pictures, newest first: those that are there when the page opens, a page at a time, and those that come meanwhile.

import { h, fill, reconcile, announce } from "./dom.js";
import { get } from "./api.js";
import { plural, title } from "./format.js";
import { live, taskKey } from "./live.js";
import { firstPicture, picture, taskAddress, trouble, when } from "./pieces.js";

const pageSize = 36;

export async function gallery(main, signal) {
  const grid = h("ul", { class: "gallery" });
  const place = h("div", { "aria-busy": "true" });
  const more = h("button", { type: "button", onclick: load }, "Show older ones");
  const foot = h("div", { class: "more", hidden: true }, more);
  fill(main, h("div", { class: "head" }, h("div", {}, h("h1", { tabindex: "-1" }, "Pictures"))), place, foot);
  const known = new Map();
  let cursor = "";

  function show() {
    for (const task of live.tasks()) if (task.state === "succeeded" && firstPicture(task)) known.set(taskKey(task), task);
    const tasks = [...known.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    reconcile(grid, tasks, taskKey, card, () => {});
    if (tasks.length) { if (place.firstElementChild !== grid) fill(place, grid); } else if (cursor === null) fill(place, empty());
  }

  async function load() {
    more.disabled = true;
    try {
      const before = known.size;
      // A page may be short, even empty, and not the last.
      for (let tries = 0; tries < 8 && known.size < before + pageSize / 2 && cursor !== null; tries += 1) {
        const page = await get(`v1/tasks?state=succeeded&limit=${pageSize}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, { signal });
        for (const task of page.tasks) if (firstPicture(task)) known.set(taskKey(task), task);
        cursor = page.next;
      }
      show();
      if (before) announce(`${plural(known.size - before, "older picture")} shown`);
      foot.hidden = cursor === null;
    } catch (problem) {
      if (!signal.aborted) fill(place, trouble(problem, load));
    } finally {
      more.disabled = false;
      place.removeAttribute("aria-busy");
    }
  }

  live.addEventListener("change", show, { signal });
  await load();
}

function card(task) {
  const output = firstPicture(task);
  const images = task.outputs.filter((one) => one.role === "image").length;
  return h("li", {}, h("figure", { class: "card" }, h("a", { href: taskAddress(task) },
    picture(task, output, 384, title(task)),
    h("figcaption", {}, h("span", {}, title(task)),
      h("small", {}, `${output.width ?? "?"}×${output.height ?? "?"}, `, images > 1 && `${plural(images, "picture")}, `, when(task.finished_at ?? task.created_at))))));
}

const empty = () => h("div", { class: "empty" },
  h("h2", {}, "No pictures yet"),
  h("p", {}, "What tasks make is collected here. ", h("a", { href: "#/new" }, "Submit one"), ", or let a client do it: ",
    h("code", {}, "sdctl submit --prompt \"a lighthouse\" --wait --out .")));
