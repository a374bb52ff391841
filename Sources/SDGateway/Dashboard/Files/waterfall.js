// Stretches of time below each other, as tables: the bars are for the eye, the figures for everybody.

import { h } from "./dom.js";
import { between, seconds } from "./format.js";

/** `rows` of `{ name, from, length, depth, kind, note }`, in seconds. */
function waterfall(caption, rows) {
  const end = Math.max(...rows.map((row) => row.from + row.length), 0.001);
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, h("table", { class: "waterfall" },
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Stage"), h("th", { scope: "col" }, `0 to ${seconds(end)}`), h("th", { scope: "col" }, "Took"))),
    h("tbody", {}, rows.map((row) => h("tr", {},
      h("th", { scope: "row", vars: { "--depth": String(row.depth ?? 0) } }, row.name, row.note && h("div", { class: "hint" }, row.note)),
      h("td", {}, h("div", { class: "track" },
        h("div", { class: "bar", "data-kind": row.kind, vars: { "--from": String(row.from / end), "--length": String(row.length / end) } }),
        h("span", { class: "unseen" }, `begins after ${seconds(row.from)}`))),
      h("td", {}, seconds(row.length)))))));
}

const stages = [
  ["prepare", "Prepare", undefined], ["wait", "Wait for the engine", "wait"], ["infer", "Inference", undefined],
  ["decode", "Decode", undefined], ["deliver", "Store and announce", undefined],
];

/** From the submission to the end, by the record. `undefined` for a task that has not begun. */
export function timings(task) {
  const rows = [];
  const began = task.started_at ?? task.finished_at;
  if (!began) return undefined;
  const queued = Math.max(0, between(task.created_at, began));
  rows.push({ name: "In the queue", from: 0, length: queued, kind: "wait" });
  let from = queued;
  for (const [name, label, kind] of stages) {
    const length = task.timings[name];
    if (length === undefined) continue;
    rows.push({ name: label, from, length, kind });
    from += length;
  }
  const end = task.finished_at ? between(task.created_at, task.finished_at) : from;
  if (end - from > 0.0005) {
    const isOnly = rows.length === 1;
    rows.push({ name: isOnly ? "In work" : "Store and announce", from, length: end - from, kind: task.state === "failed" ? "bad" : undefined });
  }
  return waterfall("Timings", rows);
}

/** The spans of a trace, each under the one that it is a part of. */
export function spans(list) {
  const times = (span) => [Number(BigInt(span.start_unix_nano) / 1000n) / 1e6, Number(BigInt(span.end_unix_nano) / 1000n) / 1e6];
  const first = Math.min(...list.map((span) => times(span)[0]));
  const known = new Set(list.map((span) => span.span_id));
  const children = Map.groupBy(list, (span) => (known.has(span.parent_id) ? span.parent_id : ""));
  const rows = [];
  (function walk(parent, depth) {
    for (const span of children.get(parent) ?? []) {
      const [start, end] = times(span);
      rows.push({
        name: span.name, note: depth === 0 || span.status === "error" ? span.status_message ?? span.service : undefined,
        from: start - first, length: Math.max(0, end - start), depth, kind: span.status === "error" ? "bad" : undefined,
      });
      if (depth < 12) walk(span.span_id, depth + 1);
    }
  })("", 0);
  return waterfall("Trace", rows);
}
