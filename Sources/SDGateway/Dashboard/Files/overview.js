// The overview: runtimes and their queues, who works, and the newest tasks, all of it live.

import { h, fill, reconcile, announce } from "./dom.js";
import { count, plural, seconds, title, type } from "./format.js";
import { hasEnded, live, taskKey } from "./live.js";
import { firstPicture, mark, picture, pill, progressBar, taskAddress, trouble, when } from "./pieces.js";
import { remove, taskPath } from "./api.js";

const shown = 40, endedShown = 12;

export function overview(main, signal) {
  const runtimes = h("div", { class: "runtimes" });
  const workers = h("ul", { class: "card rows" });
  const open = h("ul", { class: "card rows", "aria-label": "Unfinished tasks" });
  const ended = h("ul", { class: "card rows", "aria-label": "Finished tasks" });
  const openPart = h("div"), endedPart = h("div"), workerPart = h("div"), problems = h("div");
  fill(main,
    h("div", { class: "head" },
      h("div", {}, h("h1", { tabindex: "-1" }, "Overview")),
      h("a", { class: "button primary", href: "#/new" }, "New task")),
    problems,
    h("section", { "aria-labelledby": "runtimes-title" },
      h("div", { class: "bar-head" }, h("h2", { id: "runtimes-title" }, "Runtimes")), runtimes),
    h("section", { "aria-labelledby": "open-title" },
      h("div", { class: "bar-head" }, h("h2", { id: "open-title" }, "Queued and running")), openPart),
    h("section", { "aria-labelledby": "ended-title" },
      h("div", { class: "bar-head" }, h("h2", { id: "ended-title" }, "Finished"),
        h("a", { href: "#/pictures" }, "All pictures")), endedPart),
    h("section", { "aria-labelledby": "workers-title" },
      h("div", { class: "bar-head" }, h("h2", { id: "workers-title" }, "Workers"),
        h("p", {}, "As the newest tasks name them")), workerPart));

  function show() {
    if (!live.isKnown()) return;
    reconcile(runtimes, live.runtimes, (runtime) => runtime.name, runtimeCard, updateRuntime);
    const tasks = live.tasks();
    const rank = (task) => (task.state === "running" ? 0 : 1);
    const unfinished = tasks.filter((task) => !hasEnded(task)).sort(
      (a, b) => rank(a) - rank(b) || (a.created_at < b.created_at ? -1 : 1));
    list(openPart, open, unfinished.slice(0, shown), row, updateRow, nothingOpen);
    list(endedPart, ended, tasks.filter(hasEnded).slice(0, endedShown), row, updateRow, nothingEnded);
    list(workerPart, workers, live.workers ?? [], workerRow, updateWorker, noWorkers, (worker) => worker.name);
  }

  function row(task) {
    const element = h("li");
    updateRow(element, task);
    return element;
  }

  function updateRow(element, task) {
    const stamp = JSON.stringify([task.state, task.cancel_requested, task.position, task.outputs.length, task.attempts]);
    const progress = task.state === "running" && task.progress ? progressBar(task.progress) : undefined;
    if (element.dataset.stamp === stamp) {
      const old = element.querySelector(".progress");
      if (old && progress) {
        old.setAttribute("aria-valuenow", progress.getAttribute("aria-valuenow"));
        old.firstElementChild.style.setProperty("--done", progress.firstElementChild.style.getPropertyValue("--done"));
      } else if (progress) {
        element.append(progress);
      }
      return;
    }
    const hadFocus = element.contains(document.activeElement);
    element.dataset.stamp = stamp;
    const output = firstPicture(task);
    const thumb = output ? picture(task, output, 128, "") : h("span", {}, mark(task.state));
    thumb.classList.add("thumb");
    fill(element, thumb,
      h("div", { class: "what" },
        h("a", { href: taskAddress(task), title: title(task) }, title(task)),
        h("p", {}, task.error ? task.error.message : `${type(task.type)}, ${task.runtime ?? task.model ?? ""}`)),
      h("div", { class: "end" }, h("span", { class: "small soft" }, when(task.finished_at ?? task.created_at)), pill(task),
        !hasEnded(task) && h("button", {
          type: "button", class: "small", disabled: task.cancel_requested, onclick: () => cancel(task),
          "aria-label": `Cancel ${title(task)}`,
        }, "Cancel")),
      progress);
    if (hadFocus) element.querySelector("a").focus();
  }

  async function cancel(task) {
    try {
      live.note(await remove(taskPath(task)));
      announce(`${title(task)} is being cancelled`);
      fill(problems);
    } catch (problem) {
      fill(problems, trouble(problem));
    }
  }

  live.addEventListener("change", show, { signal });
  show();
}

function list(part, element, items, make, update, empty, key = taskKey) {
  reconcile(element, items, key, make, update);
  const wanted = items.length ? element : (part.firstElementChild?.matches(".empty") ? part.firstElementChild : empty());
  if (part.firstElementChild !== wanted) fill(part, wanted);
}

function runtimeCard(runtime) {
  const card = h("article", { class: "card pad runtime", "aria-label": `Runtime ${runtime.name}` });
  updateRuntime(card, runtime);
  return card;
}

function updateRuntime(card, runtime) {
  const stamp = JSON.stringify(runtime);
  if (card.dataset.stamp === stamp) return;
  card.dataset.stamp = stamp;
  const queue = runtime.queue;
  const figure = (name, value, bad) =>
    h("div", {}, h("dt", {}, name), h("dd", { class: bad ? "figures bad" : "figures" }, value));
  fill(card,
    h("h3", {}, runtime.name, h("span", { class: "tag" }, runtime.job ? `${runtime.engine}, jobs` : runtime.engine)),
    h("p", { class: "small soft" }, runtime.dynamic_model ? "any model that a task names" : runtime.model ?? "no model named"),
    queue
      ? h("dl", {},
        figure("waiting", count(queue.waiting + queue.delayed)), figure("in work", count(queue.in_flight)),
        queue.dead === undefined ? null : figure("dead letters", count(queue.dead), queue.dead > 0))
      : h("p", { class: "small soft" }, "Its queue cannot be counted from here."),
    queue?.oldest_age > 5 && queue.waiting > 0
      && h("p", { class: "small soft" }, `The oldest has waited ${seconds(queue.oldest_age)}.`));
}

function workerRow(worker) {
  const element = h("li");
  updateWorker(element, worker);
  return element;
}

function updateWorker(element, worker) {
  const stamp = JSON.stringify(worker);
  if (element.dataset.stamp === stamp) return;
  element.dataset.stamp = stamp;
  fill(element,
    h("span", { class: "thumb" }, mark("worker")),
    h("div", { class: "what" }, h("strong", { class: "mono" }, worker.name),
      h("p", {}, `${worker.runtime ?? ""}, ${plural(worker.ended, "task")} lately`)),
    h("div", { class: "end" }, h("span", { class: "small soft" }, when(worker.since ?? worker.seen_at)), worker.task
      ? h("a", { class: "small", href: taskAddress({ id: worker.task, run: worker.run }) }, "works on a task")
      : h("span", { class: "small soft" }, "idle")));
}

const nothingOpen = () => h("div", { class: "empty" },
  h("h3", {}, "Nothing waits, nothing runs"),
  h("p", {}, "Tasks show up here the moment they are submitted, from this page or any client: ",
    h("code", {}, "sdctl submit --prompt \"a lighthouse\"")));

const nothingEnded = () => h("div", { class: "empty" },
  h("h3", {}, "No finished tasks yet"),
  h("p", {}, "The first picture is one ", h("a", { href: "#/new" }, "task"), " away."));

const noWorkers = () => h("div", { class: "empty" },
  h("h3", {}, "No worker has been seen"),
  h("p", {}, "A worker is known once it has taken a task. On one machine: ",
    h("code", {}, "sd-agent --state ./.sd --runtime sdruntime"), ". In a cluster the first task starts one."));
