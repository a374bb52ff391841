// Server-sent events over fetch: unlike EventSource it can send an API key, and tells when it is cut off.

import { request } from "./api.js";
import { parse } from "./json.js";

const firstWait = 4000;
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
 * answer back until it ends: whoever wants to be up to date has to ask).
 */
export async function follow(path, { onEvent, onState = () => {}, signal }) {
  let [id, retry, failures] = ["", 1000, 0];
  while (!signal.aborted) {
    // Whoever has had an event is kept waiting for the next; the first is always there.
    const held = id ? 0 : setTimeout(() => onState("held"), firstWait);
    try {
      const headers = { Accept: "text/event-stream", ...(id ? { "Last-Event-ID": id } : {}) };
      const response = await request(path, { headers, signal, cache: "no-store" });
      if (response.status === 404) return;
      if (!response.ok) throw new Error(`${response.status}`);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      parser.id = id;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(held);
        failures = 0;
        onState("live");
        for (const event of parser.push(value)) {
          if (onEvent(event.name, parse(event.data)) === true) return void reader.cancel();
        }
        [id, retry] = [parser.id, parser.retry];
      }
    } catch {
      if (signal.aborted) return;
      failures += 1;
    } finally {
      clearTimeout(held);
    }
    if (failures > 0) onState("away");
    // Not all at the same moment, after a server that was away.
    const pause = Math.min(retry * 2 ** Math.min(failures, 5), longestPause) * (0.75 + Math.random() / 2);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
