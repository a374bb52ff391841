// The page that submits tasks. It shows the request that it is about to make, for those who want to make it elsewhere.

import { h, fill, say, announce } from "./dom.js";
import { get, hasKey, post, taskPath } from "./api.js";
import { content, kinds, recognised } from "./examples.js";
import { makeField, Unusable } from "./fields.js";
import { brief, write } from "./json.js";
import { live } from "./live.js";
import { taskAddress, trouble } from "./pieces.js";

const extra = { name: "extra", label: "More for the engine", kind: "json", wide: true, hint: "Members that are added to the content as they stand, in JSON." };

/** `again` names a task whose settings are to be taken over. */
export async function form(main, signal, again) {
  const parts = { fields: h("div", { class: "grid" }), problems: h("div"), code: h("pre", { tabindex: "0", role: "region", "aria-label": "In JSON" }) };
  let kind = kinds[0], values = {}, rest = {}, fields = [], options = [];
  const about = h("p", { class: "hint" });
  const chooser = h("fieldset", {}, h("legend", { class: "unseen" }, "What to make"), h("div", { class: "kinds" }, kinds.map((one) =>
    h("label", {}, h("input", { type: "radio", name: "kind", value: one.id, onchange: () => choose(one, one.example, {}) }), h("span", {}, one.label)))));
  const optionGrid = h("div", { class: "grid" });
  const button = h("button", { type: "submit", class: "primary", disabled: true }, "Submit");
  const element = h("form", { class: "stack card pad", novalidate: true, "aria-busy": "true", onsubmit: submit },
    chooser, about, parts.fields,
    h("details", {}, h("summary", {}, "Options"), optionGrid),
    parts.problems, h("div", { class: "actions" }, button,
      h("button", { type: "button", onclick: () => choose(kind, kind.example, {}) }, "Start from the example")));
  const copy = h("button", { type: "button", class: "small", onclick: copyCurl }, "Copy as curl");
  fill(main,
    h("div", { class: "head" }, h("div", {}, h("h1", { tabindex: "-1" }, "New task"),
      h("p", {}, "Every kind comes with an example that can be submitted as it stands."))),
    h("div", { class: "split" }, element,
      h("aside", { class: "card pad stack aside", "aria-label": "The request" },
        h("div", { class: "bar-head" }, h("h2", {}, "The request"), copy), parts.code,
        h("p", { class: "hint" }, "This is what the button posts to ", h("code", {}, "/v1/tasks"), ". Any client can do the same: see the ",
          h("a", { href: "docs" }, "API reference"), "."))));
  // What is written before the runtimes are known stays; settings that are about to come would be in its way.
  if (again) chooser.disabled = true;
  else choose(kind, kind.example, {});
  const deployment = await describeDeployment();
  if (signal.aborted) return;
  options = deployment.options.map((field) => makeField(field, field.initial, showRequest));
  fill(optionGrid, options.map((one) => one.element));
  if (again) await takeOver();
  showRequest();
  chooser.disabled = button.disabled = false;
  element.removeAttribute("aria-busy");

  async function takeOver() {
    try {
      const task = await get(taskPath(again, "/request"), { signal });
      const known = recognised(task);
      options.find((one) => one.field.name === "runtime")?.element.querySelectorAll("select").forEach((select) => { select.value = task.runtime ?? select.value; });
      choose(known.kind, known.values, known.rest);
    } catch (problem) {
      if (signal.aborted) return;
      choose(kind, kind.example, {});
      fill(parts.problems, trouble(problem));
    }
  }

  function choose(wanted, start, others) {
    [kind, values, rest] = [wanted, start, others];
    chooser.querySelector(`[value="${kind.id}"]`).checked = true;
    say(about, kind.about);
    fields = kind.fields.map((field) => makeField(field, values[field.name], showRequest));
    fields.push(makeField(extra, rest, showRequest));
    fill(parts.fields, fields.slice(0, -1).map((one) => one.element),
      h("details", { class: "wide", open: Object.keys(rest).length > 0 }, h("summary", {}, "Anything else"), fields.at(-1).element));
    fill(parts.problems);
    showRequest();
  }

  /** The body of the request; what cannot be read is said at its field. */
  function body(complains = false) {
    const found = {};
    let first;
    for (const one of [...fields, ...options]) {
      try {
        found[one.field.name] = one.value();
        if (complains) one.complain();
      } catch (error) {
        if (!(error instanceof Unusable)) throw error;
        if (complains) one.complain(error.message);
        first ??= one;
      }
    }
    if (complains && first) {
      open(first);
      return undefined;
    }
    const { extra: more, runtime, id, prefix, priority, expires_in, webhook } = found;
    return {
      ...compact({ runtime, type: kind.type, id, prefix, priority: priority === "high" ? priority : undefined, expires_in, webhook }),
      content: { ...content(kind, Object.fromEntries(fields.map((one) => [one.field.name, found[one.field.name]]))), ...more },
    };
  }

  function showRequest() { say(parts.code, brief(body())); }

  async function submit(event) {
    event.preventDefault();
    const request = body(true);
    if (!request) return;
    button.disabled = true;
    fill(parts.problems);
    try {
      // What is submitted twice by a nervous finger, or after an answer that was lost, is one task.
      const task = await post("v1/tasks", request, { "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` });
      live.note(task);
      announce("The task is submitted");
      location.hash = taskAddress(task);
    } catch (problem) {
      refused(problem);
    } finally {
      button.disabled = false;
    }
  }

  function refused(problem) {
    const others = [];
    let first;
    for (const { pointer, detail } of problem.fields ?? []) {
      const name = pointer.split("/").at(pointer.startsWith("/content/") ? 2 : 1);
      const one = [...options, ...fields].find((candidate) => candidate.field.name === name);
      if (one) one.complain(`It ${detail}.`);
      else others.push(`${pointer || "The task"} ${detail}`);
      first ??= one;
    }
    const notice = trouble(problem);
    if (others.length) notice.append(h("ul", {}, others.map((text) => h("li", {}, text))));
    fill(parts.problems, notice);
    if (first) open(first);
  }

  function open(one) {
    const details = one.element.closest("details");
    if (details) details.open = true;
    one.focus();
  }

  async function copyCurl() {
    const key = hasKey() ? " -H \"x-api-key: $KEY\"" : "";
    const json = write(body(), 1).replaceAll("'", "'\\''");
    await navigator.clipboard.writeText(
      `curl -s ${new URL("v1/tasks", document.baseURI.split("#")[0])}${key} -H 'Content-Type: application/json' -d '${json}'`);
    say(copy, "Copied");
    announce("Copied");
    setTimeout(() => say(copy, "Copy as curl"), 2000);
  }
}

/** What this deployment has: its runtimes, and whether tasks may hurry or call back. */
async function describeDeployment() {
  const options = [];
  let runtimes = [], submission;
  try {
    const [answer, document] = await Promise.all([get("v1/runtimes"), get("openapi.json")]);
    runtimes = answer.runtimes;
    submission = document.components.schemas.TaskSubmission.properties;
  } catch { /* The form works all the same; the door says what it does not take. */ }
  options.push(runtimes.length
    ? { name: "runtime", label: "Runtime", kind: "choice", initial: runtimes[0].name, options: runtimes.map(({ name }) => [name, name]) }
    : { name: "runtime", label: "Runtime", kind: "line", initial: "sdruntime" });
  options.push(
    { name: "id", label: "Id", kind: "line", placeholder: "one is made", hint: "Letters, digits, - and _." },
    { name: "prefix", label: "Folder", kind: "line", placeholder: "none", hint: "Where the pictures go in the store." },
    { name: "expires_in", label: "Give up after (s)", kind: "integer", min: 1, max: 1209600, hint: "Not begun by then, it expires." });
  if (submission?.priority?.enum?.includes("high")) {
    options.push({ name: "priority", label: "Priority", kind: "choice", options: [["normal", "normal"], ["high", "high"]], initial: "normal" });
  }
  if (!submission || submission.webhook) {
    options.push({ name: "webhook", label: "Webhook", kind: "line", placeholder: "https://…", hint: "Is called at the end.", wide: true });
  }
  return { options };
}

const compact = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
