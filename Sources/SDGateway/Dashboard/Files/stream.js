// Server-sent events over fetch: unlike EventSource it can send an API key, and tells when it is cut off.

import { request } from "./api.js";
import { parse } from "./json.js";

const firstWait = 4000;
const proof = 2000;
const longestPause = 20000;

/** Takes the events out of a stream of text (WHATWG HTML, section 9.2.6). */
export class EventParser {
  #rest = "";
  #event = { name: "message", data: [] };
  id = "";
  retry = 1000;

  /** The events that a piece of text completes. */
  push(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop();
    const events = [];
    for (const line of lines) {
      if (line === "") {
        if (this.#event.data.length) events.push({ name: this.#event.name, data: this.#event.data.join("\n") });
        this.#event = { name: "message", data: [] };
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") this.#event.name = value;
      else if (field === "data") this.#event.data.push(value);
      else if (field === "id") this.id = value;
      else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    }
    return events;
  }
}

/**
 * Follows a stream for good, over every interruption, until `signal` is aborted or `onEvent` answers true.
 *
 * `onState` hears "live", "away" (it will be tried again) and "held" (something between here and the server keeps the
 * answer back until it ends: whoever wants to be up to date has to ask). While nobody sees the page the stream rests: a
 * browser has six connections to a server for all its tabs.
 */
export async function follow(path, { onEvent, onState = () => {}, signal }) {
  const place = { id: "", retry: 1000 };
  let failures = 0, isHeld = false;
  while (!signal.aborted) {
    await whenSeen(signal);
    const hidden = new AbortController();
    const hide = () => document.hidden && hidden.abort();
    document.addEventListener("visibilitychange", hide);
    let timer, hasBegun = false;
    // Whoever has had an event is kept waiting for the next; the first is always there.
    const onSent = () => {
      if (!place.id) timer = setTimeout(() => { isHeld = true; onState("held"); }, firstWait);
    };
    const onStart = () => {
      if (hasBegun) return;
      hasBegun = true;
      clearTimeout(timer);
      failures = 0;
      const live = () => { isHeld = false; onState("live"); };
      // What was held and comes at once may be its end; what goes on after that was only slow.
      if (isHeld) timer = setTimeout(live, proof);
      else live();
    };
    try {
      const asked = { signal: AbortSignal.any([signal, hidden.signal]), onSent, onAsk: () => clearTimeout(timer) };
      if (await listen(path, place, asked, onStart, onEvent)) return;
    } catch {
      if (signal.aborted) return;
      if (hidden.signal.aborted) continue;
      failures += 1;
    } finally {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", hide);
    }
    if (isHeld) place.id = "";
    if (failures > 0) onState("away");
    // Not all at the same moment, after a server that was away.
    const pause = Math.min(place.retry * 2 ** Math.min(failures, 5), longestPause) * (0.75 + Math.random() / 2);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** One connection, from where the last one ended; answers whether there is no more to come. */
async function listen(path, place, options, onStart, onEvent) {
  const headers = { Accept: "text/event-stream", ...(place.id ? { "Last-Event-ID": place.id } : {}) };
  const response = await request(path, { ...options, headers, cache: "no-store" });
  if (response.status === 404) return true;
  if (!response.ok) throw new Error(`${response.status}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser();
  parser.id = place.id;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    onStart();
    for (const event of parser.push(value)) {
      if (onEvent(event.name, parse(event.data)) === true) {
        reader.cancel();
        return true;
      }
    }
    [place.id, place.retry] = [parser.id, parser.retry];
  }
}

function whenSeen(signal) {
  if (!document.hidden) return undefined;
  return new Promise((resolve) => {
    const look = () => (!document.hidden || signal.aborted) && resolve();
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
  });
}
