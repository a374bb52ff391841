// One run of a task: how it stands, its pictures, what it cost in time, and what is known of its making.

import { h, fill, announce, ask } from "./dom.js";
import { get, outputAddress, post, remove, taskPath } from "./api.js";
import { bytes, count, seconds, title, type } from "./format.js";
import { brief } from "./json.js";
import { hasEnded, live } from "./live.js";
import { isShown, picture, pill, progressBar, taskAddress, trouble, when } from "./pieces.js";
import { follow } from "./stream.js";
import { spans, timings } from "./waterfall.js";

export async function task(main, signal, wanted) {
  const parts = { head: h("div", { class: "head" }), stage: h("div"), side: h("div", { class: "stack" }), below: h("div", { class: "whole" }) };
  let shown, progress, preview, endedHere = false;
  fill(main, parts.head, h("div", { class: "task" }, parts.stage, parts.side, parts.below));

  let first;
  try {
    first = await get(taskPath(wanted), { signal });
  } catch (problem) {
    if (signal.aborted) return;
    fill(main, h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Task ", wanted.id)),
      trouble(problem, () => task(main, signal, wanted)));
    return;
  }
  // The newest run may be another one by and by.
  wanted = { id: first.id, run: first.run };
  show(first);
  if (hasEnded(first)) return;
  await follow(taskPath(wanted, "/events"), {
    signal,
    onEvent(name, data) {
      if (name === "progress") progress = data;
      else if (name === "preview") preview = data;
      else if (name === "state" || name === "end") {
        // The queue's position is told by the task alone, and not by its events.
        shown = { position: data.state === "queued" ? shown.position : undefined, ...data };
      }
      endedHere = name === "end";
      show(shown);
      return endedHere;
    },
  });

  function show(now) {
    shown = now;
    document.title = `${title(now)} · Stable Diffusion on demand`;
    showHead(now);
    showStage(now);
    fill(parts.side, facts(now), chart(now));
    if (endedHere) {
      announce(`The task has ${now.state}`);
      live.note(now);
    }
    if (hasEnded(now) || !parts.below.hasChildNodes()) fill(parts.below, details(now, signal));
  }

  function showHead(now) {
    const hadFocus = parts.head.contains(document.activeElement);
    const stamp = `${now.state} ${now.cancel_requested}`;
    if (parts.head.dataset.stamp === stamp) return;
    parts.head.dataset.stamp = stamp;
    fill(parts.head,
      h("div", {}, h("p", { class: "crumb" }, pill(now), type(now.type), h("span", { class: "mono" }, now.id),
        now.run > 1 && h("a", { href: taskAddress({ ...now, run: 1 }).concat("/1") }, `run ${now.run}; see run 1`)),
      h("h1", { tabindex: "-1" }, title(now))),
      h("div", { class: "actions" },
        !hasEnded(now) && h("button", { type: "button", class: "danger", disabled: now.cancel_requested, onclick: cancel },
          now.cancel_requested ? "Cancelling" : "Cancel"),
        h("a", { class: "button", href: `#/new/${encodeURIComponent(now.id)}/${now.run}` }, "Use these settings"),
        hasEnded(now) && now.state !== "succeeded" && h("button", { type: "button", class: "primary", onclick: again }, "Submit again")));
    if (hadFocus) parts.head.querySelector("h1").focus();
  }

  function showStage(now) {
    if (now.state === "running" || now.state === "queued") {
      const image = preview && h("img", { alt: "The picture so far", src: `data:${/^image\/[a-z0-9.+-]+$/.test(preview.content_type) ? preview.content_type : "image/png"};base64,${preview.base64}` });
      const words = now.state === "queued"
        ? (now.position ? `Number ${count(now.position)} in the queue` : "Waiting for a worker")
        : progress?.steps ? `Step ${progress.step ?? 0} of ${progress.steps}` : now.cancel_requested ? "Being cancelled" : "The engine works on it";
      fill(parts.stage, h("div", { class: "card stage" }, image, h("p", { class: "soft" }, words,
        progress?.eta > 0.5 && `, about ${seconds(progress.eta)} to go`), now.state === "running" && progressBar(progress, true)));
      return;
    }
    if (parts.stage.dataset.state === now.state) return;
    parts.stage.dataset.state = now.state;
    const pictures = now.outputs.map((output) => shot(now, output));
    fill(parts.stage, now.error && failure(now),
      pictures.length > 0 && h("div", { class: "shots" }, pictures),
      !now.error && !pictures.length && h("div", { class: "empty" }, h("h2", {}, now.state === "expired" ? "Its time ran out" : "It made nothing")));
  }

  async function cancel() {
    try {
      show({ ...shown, ...await remove(taskPath(wanted)) });
      announce("The task is being cancelled");
    } catch (problem) {
      fill(parts.stage, trouble(problem));
    }
  }

  async function again() {
    if (!await ask("Submit it again?", "A new task with the same settings is queued. This one stays as it is.", "Submit")) return;
    try {
      const made = await post("v1/tasks", await get(taskPath(wanted, "/request")));
      live.note(made);
      location.hash = taskAddress(made);
    } catch (problem) {
      fill(parts.below, trouble(problem), parts.below.firstElementChild);
    }
  }
}

function shot(task, output) {
  const link = h("a", { target: "_blank", rel: "noopener" },
    isShown(output) ? picture(task, output, 1024, `Output ${output.n}: ${title(task)}`) : h("p", { class: "pad" }, `Open output ${output.n}, ${output.content_type}`));
  outputAddress(task, output).then((address) => { link.href = address; }, () => {});
  return h("figure", { class: "card" }, link, h("figcaption", {},
    output.width && h("span", {}, `${output.width}×${output.height}`), h("span", {}, bytes(output.bytes)),
    output.seed !== undefined && h("span", {}, `seed ${output.seed}`), output.role === "extra" && h("span", {}, "extra")));
}

const advice = {
  invalid_request: "Correct the request and submit it again.",
  engine_unreachable: "The engine could not be reached: see the worker's log, and whether the engine has started.",
  engine_rejected: "The engine does not take this request: a field may be wrong, or a model or sampler unknown to it.",
  engine_failed: "The engine broke down over it: its own log says more.",
  engine_timeout: "It took longer than the worker allows (inference-timeout): fewer steps, a smaller picture, or a longer limit.",
  out_of_memory: "The engine ran out of memory: a smaller picture or batch may do.",
  model_not_found: "The engine has no such model: the message names those that it has.",
  input_unreachable: "An input picture could not be fetched: is its address right, and reachable from the worker?",
  input_refused: "The worker may not fetch from there: private addresses and foreign buckets are refused.",
  input_invalid: "An input is no picture that can be used.",
  store_failed: "The pictures could not be stored: see whether the store can be written to.",
  attempts_exhausted: "It was begun too often without an end. It lies among the dead letters, from where it can be redriven.",
  expired: "It was not begun in the time that it was given.",
};

function failure(task) {
  const { error } = task;
  if (error.code === "cancelled") return h("div", { class: "empty" }, h("h2", {}, "Cancelled"), h("p", {}, error.message));
  return h("div", { class: "notice bad" }, h("h2", {}, error.message),
    advice[error.code] && h("p", {}, advice[error.code]),
    h("p", { class: "small" }, h("code", {}, error.code), `, in the stage “${error.stage}”`,
      task.attempts > 0 && `, after ${task.attempts === 1 ? "one attempt" : `${task.attempts} attempts`}`),
    error.code === "attempts_exhausted" && h("p", {}, h("a", { href: "#/letters" }, "See the dead letters")));
}

function facts(task) {
  const rows = [
    ["Runtime", task.runtime], ["Model", task.model], ["Priority", task.priority],
    ["Submitted", when(task.created_at)], ["Begun", task.started_at && when(task.started_at)],
    ["Ended", task.finished_at && when(task.finished_at)], ["Expires", !hasEnded(task) && task.expires_at && new Date(task.expires_at).toLocaleString()],
    ["Attempts", task.attempts > 0 && count(task.attempts)],
    ["Worker", task.worker && h("span", { class: "mono" }, task.worker)], ["Run", task.run > 1 && count(task.run)],
    ["Stored at", task.outputs[0] && h("span", { class: "mono" }, task.outputs[0].uri)],
    ["Trace", task.trace_id && h("span", { class: "mono" }, task.trace_id)],
  ];
  return h("section", { class: "card pad", "aria-labelledby": "facts-title" }, h("h2", { id: "facts-title", class: "unseen" }, "Facts"),
    h("dl", { class: "facts" }, rows.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    task.context !== undefined && json("Context", task.context));
}

function chart(task) {
  const rows = timings(task);
  return rows && h("section", { class: "card pad" }, h("h2", {}, "Timings"), rows);
}

/** What is looked up when it is opened, and never for nothing. */
function details(task, signal) {
  return h("div", { class: "stack" },
    task.trace_id && lazy("Trace", "trace", hasEnded(task), (again) => trace(task, signal, again)),
    lazy("Request", "request", false, async () => pre(await get(taskPath(task, "/request"), { signal }))),
    task.state === "succeeded" && lazy("Manifest", "manifest", false, async () => pre(await get(taskPath(task, "/manifest"), { signal }))));
}

/** Spans are written in batches, so that those of a task that has just ended come seconds later. */
async function trace(task, signal, again) {
  const { trace_id: id, xray_id: xray, spans: list } = await get(taskPath(task, "/trace"), { signal });
  if (!list) return h("p", { class: "soft" }, "Its spans are kept elsewhere. Look for ", h("code", {}, id), ", in X-Ray ", h("code", {}, xray), ".");
  const isFresh = hasEnded(task) && Date.now() - new Date(task.finished_at ?? task.created_at) < 30_000;
  if (isFresh && !list.some((span) => span.kind === "consumer") && !signal.aborted) setTimeout(again, 1500);
  return list.length ? spans(list) : h("p", { class: "soft" }, "No spans of it are here yet, or any more.");
}

function lazy(name, id, isOpen, load) {
  const place = h("div");
  const element = h("details", { class: "card pad", id: `part-${id}`, open: isOpen }, h("summary", {}, name), place);
  async function show() {
    if (!element.open) return;
    try {
      fill(place, await load(show));
    } catch (problem) {
      fill(place, problem.status === 404 ? h("p", { class: "soft" }, `${problem.message}.`) : trouble(problem, show));
    }
  }
  element.addEventListener("toggle", show);
  return element;
}

const pre = (value) => h("pre", { class: "json", tabindex: "0", role: "region", "aria-label": "JSON" }, brief(value));
const json = (name, value) => h("details", {}, h("summary", {}, name), pre(value));
