// Calls to the API of the server that served this page.

import { parse, write } from "./json.js";

const storageName = "sd-api-key";
let key = sessionStorage.getItem(storageName);
let asking;

/** What a call was answered with when it was not what was hoped for: RFC 9457's problem. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body?.detail ?? (status ? `The server answered ${status}.` : "The server cannot be reached."));
    Object.assign(this, { status, fields: body?.errors ?? [], retryAfter });
  }
}

export const hasKey = () => key !== null;

export function forgetKey() {
  key = null;
  sessionStorage.removeItem(storageName);
}

/**
 * The answer to a request, whatever its status; asks for an API key where one is needed, and goes on with it.
 * `onSent` is called each time that it is on its way, `onAsk` when it waits for somebody to type.
 */
export async function request(path, options = {}) {
  for (;;) {
    const used = key;
    const headers = new Headers(options.headers);
    if (used !== null) headers.set("x-api-key", used);
    let response;
    options.onSent?.();
    try {
      response = await fetch(path, { ...options, headers });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new Problem(0);
    }
    if (response.status !== 401) return response;
    options.onAsk?.();
    if (key === used) await askForKey(used !== null);
  }
}

async function call(path, options) {
  const response = await request(path, options);
  if (response.ok) return parse(await response.text());
  let body;
  try { body = await response.json(); } catch { /* Not one of ours: a proxy's, perhaps. */ }
  throw new Problem(response.status, body, response.headers.get("Retry-After"));
}

export const get = (path, options) => call(path, options);
export const remove = (path) => call(path, { method: "DELETE" });
export const post = (path, body, headers = {}) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: write(body) });

/** The path of a task, or of something below it. */
export function taskPath(task, below = "", query = {}) {
  const values = new URLSearchParams(task.run ? { run: task.run, ...query } : query);
  return `v1/tasks/${encodeURIComponent(task.id)}${below}${values.size ? `?${values}` : ""}`;
}

export const letterPath = (runtime, verb = "") => `v1/runtimes/${encodeURIComponent(runtime)}/dead-letters${verb}`;

/** Has an image element show an output, small. An element cannot send a key: where there is one, the bytes are fetched. */
export async function showOutput(image, task, output, size) {
  const path = taskPath(task, `/outputs/${output.n}`, { thumb: size });
  if (key === null) {
    image.src = path;
    return;
  }
  const response = await request(path);
  if (!response.ok) return;
  const url = URL.createObjectURL(await response.blob());
  image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
}

/** Where an output can be opened by a click: its own address, or a link that needs no key. */
export async function outputAddress(task, output) {
  const path = taskPath(task, `/outputs/${output.n}`);
  if (key === null) return path;
  try {
    return (await get(taskPath(task, `/outputs/${output.n}/link`))).url;
  } catch {
    const response = await request(path);
    return response.ok ? URL.createObjectURL(await response.blob()) : path;
  }
}

/** One dialog for all calls that wait for a key. */
function askForKey(wasWrong) {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("key-dialog");
    const input = document.getElementById("key-input");
    document.getElementById("key-why").textContent = wasWrong
      ? "The server does not take that key, or no longer. Check it for a missing end, or ask whoever runs this deployment."
      : "This deployment asks for one. It is kept in this tab alone, and forgotten when you close it.";
    input.value = "";
    // There is nothing to see without one.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.getElementById("key-form").addEventListener("submit", () => {
      key = input.value.trim();
      sessionStorage.setItem(storageName, key);
      asking = undefined;
      resolve();
    }, { once: true });
    dialog.showModal();
    input.focus();
  });
  return asking;
}
