// Dead letters: messages that could not be worked, with the reason, to be sent back or dropped.

import { h, fill, announce, ask } from "./dom.js";
import { get, letterPath, post } from "./api.js";
import { count, plural } from "./format.js";
import { live } from "./live.js";
import { taskAddress, trouble, when } from "./pieces.js";

export async function letters(main, signal) {
  const place = h("div", { class: "stack", "aria-busy": "true" });
  const reload = h("button", { type: "button", onclick: () => show() }, "Look again");
  fill(main, h("div", { class: "head" },
    h("div", {}, h("h1", { tabindex: "-1" }, "Dead letters"),
      h("p", {}, "Messages that no worker could work: broken ones, and tasks that failed too often. Redriving sends one back to its queue, where it becomes the next run of its task.")),
    h("div", { class: "actions" }, reload)), place);
  let counts = "";

  async function show() {
    reload.disabled = true;
    try {
      const { runtimes } = await get("v1/runtimes", { signal });
      counts = deadCounts(runtimes);
      const found = await Promise.all(runtimes.map(async (runtime) => {
        try { return { runtime, ...await get(`${letterPath(runtime.name)}?limit=200`, { signal }) }; } catch (problem) { return { runtime, problem }; }
      }));
      if (signal.aborted) return;
      const refused = found.find(({ problem }) => problem && problem.status !== 404);
      const full = found.filter(({ letters: some }) => some?.length);
      fill(place, refused && trouble(refused.problem, show), full.map((one) => runtimePart(one, show)),
        !refused && !full.length && h("div", { class: "empty" }, h("h2", {}, "No dead letters"),
          h("p", {}, "What ends up here would be lost silently elsewhere. With ", h("code", {}, "sdctl dlq"), " there is more to be done about it, such as mending a message.")));
    } catch (problem) {
      if (!signal.aborted) fill(place, trouble(problem, show));
    } finally {
      reload.disabled = false;
      place.removeAttribute("aria-busy");
    }
  }

  // The stream tells how many there are; looking at them costs more, so only when that has changed.
  live.addEventListener("change", () => {
    if (live.runtimes && counts && deadCounts(live.runtimes) !== counts) show();
  }, { signal });
  await show();
}

const deadCounts = (runtimes) => runtimes.map(({ name, queue }) => `${name} ${queue?.dead}`).join();

function runtimePart({ runtime, letters: list }, reload) {
  const boxes = list.map((letter) => h("input", {
    type: "checkbox", value: letter.id, onchange: update, "aria-label": `Choose the letter of ${letter.task ?? letter.id}`,
  }));
  const all = h("input", { type: "checkbox", "aria-label": "Choose all", onchange() {
    for (const box of boxes) box.checked = all.checked;
    update();
  } });
  const redrive = h("button", { type: "button", class: "primary", onclick: () => act("redrive") });
  const drop = h("button", { type: "button", class: "danger", onclick: () => act("drop") });
  const told = h("div");
  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);

  function update() {
    const many = chosen().length;
    all.checked = many === boxes.length;
    all.indeterminate = many > 0 && many < boxes.length;
    redrive.textContent = many ? `Redrive ${count(many)}` : "Redrive";
    drop.textContent = many ? `Drop ${count(many)}` : "Drop";
    redrive.disabled = drop.disabled = !many;
  }

  async function act(verb) {
    const ids = chosen();
    if (verb === "drop" && !await ask(`Drop ${plural(ids.length, "letter")}?`,
      "They are gone for good. The records of their tasks stay.", "Drop")) return;
    redrive.disabled = drop.disabled = true;
    try {
      const result = await post(letterPath(runtime.name, `:${verb}`), { ids });
      const done = (result.redriven ?? result.dropped).length;
      const failed = Object.entries(result.failed);
      announce(`${plural(done, "letter")} ${verb === "redrive" ? "redriven" : "dropped"}`);
      if (!failed.length && !result.missing.length) return reload();
      fill(told, h("div", { class: "notice bad", role: "alert" }, h("p", { class: "strong" }, `${count(done)} of ${count(ids.length)} done`),
        h("ul", {}, failed.map(([id, why]) => h("li", {}, `${id} stays: ${why}`)),
          result.missing.map((id) => h("li", {}, `${id} was not met: somebody may have it; try again in a minute`)))));
    } catch (problem) {
      fill(told, trouble(problem));
    }
    update();
  }

  update();
  const title = `letters-${runtime.name}`;
  return h("section", { "aria-labelledby": title },
    h("div", { class: "bar-head" }, h("h2", { id: title }, runtime.name), h("div", { class: "actions" }, redrive, drop)),
    told,
    h("div", { class: "card scroll" }, h("table", { class: "letters" },
      h("caption", { class: "unseen" }, `Dead letters of ${runtime.name}`),
      h("thead", {}, h("tr", {}, h("td", {}, all, h("span", { class: "phone", "aria-hidden": "true" }, "All")), ["Task", "Reason", "Sent"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, list.map((letter, n) => h("tr", {},
        h("td", {}, boxes[n]),
        h("th", { scope: "row" }, letter.task
          ? (letter.tenant ? h("span", { class: "mono" }, `${letter.tenant}: ${letter.task}`)
            : h("a", { class: "mono", href: taskAddress({ id: letter.task, run: letter.run ?? 1 }) }, letter.task))
          : h("span", { class: "soft" }, "no task")),
        h("td", {}, h("strong", { class: "mono" }, letter.code), h("div", { class: "soft small" }, letter.problem ?? letter.reason)),
        h("td", { class: "small soft" }, letter.sent_at ? when(letter.sent_at) : "")))))));
}
