// Parts that several pages show.

import { h, svg, say } from "./dom.js";
import { ago, time } from "./format.js";
import { showOutput } from "./api.js";

const marks = {
  queued: "M8 4v4l2.5 2M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13",
  running: "M14.5 8A6.5 6.5 0 1 1 8 1.5",
  succeeded: "M2.5 8.5 6.5 12.5 13.5 4",
  failed: "M4 4l8 8M12 4l-8 8",
  cancelled: "M3 8h10",
  worker: "M3 2.5h10v4.5H3zM3 9h10v4.5H3zM5.5 4.75h.01M5.5 11.25h.01",
  expired: "M4 2h8M4 14h8M5 2c0 4 6 5 6 6s-6 2-6 6M11 2c0 4-6 5-6 6s6 2 6 6",
};

export const mark = (name) => svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: marks[name] ?? marks.cancelled }));

/** A task's state: a shape and a word, so that nobody needs the colour. */
export function pill(task) {
  const state = task.cancel_requested && task.state === "running" ? "stopping" : task.state;
  return h("span", { class: "pill", "data-state": task.state }, mark(task.state), state);
}

/** A time that goes on: "12 s ago", with the whole of it on hover. */
export const when = (text) => h("time", { datetime: text, title: time(text), "data-ago": text }, ago(text));

setInterval(() => {
  for (const element of document.querySelectorAll("[data-ago]")) say(element, ago(element.dataset.ago));
}, 1000);

/** Whether the server makes a small picture of an output; others are opened, not shown. */
export const isShown = (output) => /^image\/(png|jpeg|webp)$/.test(output.content_type);

export const firstPicture = (task) => task.outputs.find((output) => output.role === "image" && isShown(output));

export function picture(task, output, size, alt) {
  const image = h("img", { alt, loading: "lazy", decoding: "async", width: output.width, height: output.height });
  showOutput(image, task, output, size).catch(() => image.removeAttribute("src"));
  return image;
}

export function progressBar(progress, big = false) {
  const done = Math.min(1, Math.max(0, progress?.fraction ?? 0));
  return h("div", {
    class: big ? "progress big" : "progress", role: "progressbar", "aria-label": "Progress", "aria-valuemin": "0",
    "aria-valuemax": "100", "aria-valuenow": String(Math.round(done * 100)),
  }, h("span", { vars: { "--done": String(done) } }));
}

/** What went wrong, and what there is to do about it. */
export function trouble(problem, again) {
  const advice = {
    0: "Is the server running? The page goes on by itself once it is back.",
    403: "Use a key that may do this.",
    404: "It may have been removed, or belong to another key.",
    429: "Too much at once: try again in a moment.",
    503: "It cannot be done for now: try again in a moment.",
  }[problem.status];
  return h("div", { class: "notice bad", role: "alert" },
    h("p", { class: "strong" }, problem.message), advice && h("p", {}, advice),
    again && h("div", { class: "actions" }, h("button", { type: "button", class: "small", onclick: again }, "Try again")));
}

export const taskAddress = (task) => `#/tasks/${encodeURIComponent(task.id)}${task.run > 1 ? `/${task.run}` : ""}`;
