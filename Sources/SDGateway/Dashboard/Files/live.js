// What the server tells of everything: tasks, runtimes, workers. One stream for the whole page, and questions every few
// seconds where no stream comes through.

import { get } from "./api.js";
import { follow } from "./stream.js";

const kept = 400;
const pollEvery = 3000;

export const live = new EventTarget();
const tasks = new Map();
let polling;

Object.assign(live, {
  state: "connecting",
  runtimes: undefined,
  runtimesAt: 0,
  workers: undefined,
  /** All tasks that are known, newest first. */
  tasks: () => [...tasks.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)),
  task: (id, run) => tasks.get(`${id}/${run}`),
  isKnown: () => live.runtimes !== undefined,
  /** Notes what a call was answered with, ahead of the stream. */
  note(task) {
    take(task);
    changed();
  },
});

export const taskKey = (task) => `${task.id}/${task.run}`;
export const hasEnded = (task) => task.state !== "queued" && task.state !== "running";

function take(task) {
  tasks.set(taskKey(task), task);
  if (tasks.size <= kept) return;
  for (const old of live.tasks().slice(kept - 50)) tasks.delete(taskKey(old));
}

function changed() { live.dispatchEvent(new Event("change")); }

function setState(state) {
  if (live.state === state) return;
  live.state = state;
  live.dispatchEvent(new Event("state"));
}

function onEvent(name, news) {
  // What is unfinished here and not among the newest there may have ended meanwhile: it is not known any more.
  if (name === "overview") for (const [key, task] of tasks) if (!hasEnded(task)) tasks.delete(key);
  news.tasks?.forEach(take);
  if (news.runtimes) [live.runtimes, live.runtimesAt] = [news.runtimes, Date.now()];
  if (news.workers) live.workers = news.workers;
  changed();
}

async function poll() {
  try {
    const [page, runtimes, workers] = await Promise.all(
      [get("v1/tasks?limit=60"), get("v1/runtimes"), get("v1/workers")]);
    onEvent("overview", { ...page, ...runtimes, ...workers });
    setState("polling");
  } catch {
    setState("away");
  }
}

export function startLive() {
  follow("v1/events", {
    onEvent,
    signal: new AbortController().signal,
    onState(state) {
      if (state === "held") {
        polling ??= setInterval(poll, pollEvery);
        return;
      }
      if (state === "live") {
        clearInterval(polling);
        polling = undefined;
      }
      if (!polling) setState(state);
    },
  });
}
