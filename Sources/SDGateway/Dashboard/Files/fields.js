// The form's fields: each is an element, and says its value; `undefined` for nothing.

import { h, fill, say } from "./dom.js";
import { bytes, plural } from "./format.js";
import { parse, write } from "./json.js";
import { sampleMask, samplePicture } from "./examples.js";

const largestPicture = 12 << 20;

/** A field with its label, hint and place for what is wrong with it. */
export function makeField(field, initial, changed) {
  const id = `field-${field.name}`;
  const wrong = h("p", { class: "wrong", id: `${id}-wrong`, hidden: true });
  const maker = { picture: pictureField, pictures: picturesField, check: checkField }[field.kind] ?? plainField;
  const made = maker(field, id, initial, changed);
  const describe = [field.hint && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(" ");
  made.control.setAttribute("aria-describedby", describe);
  const hint = field.hint && h("p", { class: "hint", id: `${id}-hint` }, field.hint);
  const element = field.kind === "check" || field.kind === "picture" || field.kind === "pictures"
    ? fill(made.element, ...made.element.childNodes, hint, wrong)
    : h("div", { class: field.wide ? "field wide" : "field" }, h("label", { for: id }, field.label), made.element, hint, wrong);
  return {
    field, element, value: made.value,
    complain(text) {
      say(wrong, text ?? "");
      wrong.hidden = !text;
      if (text) made.control.setAttribute("aria-invalid", "true");
      else made.control.removeAttribute("aria-invalid");
    },
    focus: () => made.control.focus(),
  };
}

/** What a field cannot take, in words. */
export class Unusable extends Error {}

function plainField(field, id, initial, changed) {
  const isNumber = field.kind === "integer" || field.kind === "number";
  const start = field.kind === "json" ? write(initial ?? {}, 2) : initial ?? "";
  let control, list;
  if (field.kind === "choice") {
    control = h("select", { id }, field.options.map(([value, text]) => h("option", { value }, text)));
    control.value = String(start);
  } else if (field.kind === "text" || field.kind === "json") {
    control = h("textarea", { id, rows: field.rows ?? 3, value: start, class: field.kind === "json" && "code", spellcheck: field.kind === "json" ? "false" : undefined });
  } else {
    if (Array.isArray(field.list)) list = h("datalist", { id: `${id}-list` }, field.list.map((value) => h("option", { value })));
    control = h("input", {
      id, value: start, type: isNumber ? "number" : "text", inputmode: field.kind === "seed" ? "numeric" : undefined,
      min: field.min, max: field.max, step: isNumber ? "any" : undefined, list: list && list.id, autocomplete: "off",
      placeholder: field.placeholder,
    });
  }
  control.addEventListener("input", changed);
  return { control, element: list ? h("div", {}, control, list) : control, value: () => read(field, control) };
}

function read(field, control) {
  const text = control.value.trim();
  if (field.kind === "json") {
    try { return parse(control.value); } catch (error) { throw new Unusable(`This is no JSON: ${error.message}`); }
  }
  if (control.validity?.badInput) throw new Unusable("This is no number.");
  if (text === "") return undefined;
  if (field.kind === "choice") return field.number ? Number(text) : text;
  if (field.kind === "seed") {
    if (!/^-?\d{1,20}$/.test(text)) throw new Unusable("A seed is a whole number.");
    // Seeds have 64 bits, and JavaScript's numbers 53.
    return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
  }
  if (field.kind !== "integer" && field.kind !== "number") return control.value;
  const value = Number(text);
  if (field.kind === "integer" && !Number.isInteger(value)) throw new Unusable("A whole number is needed.");
  if (value < field.min || value > field.max) throw new Unusable(`From ${field.min} to ${field.max}.`);
  return value;
}

function checkField(field, id, initial, changed) {
  const control = h("input", { id, type: "checkbox", checked: Boolean(initial) });
  control.addEventListener("input", changed);
  return {
    control, value: () => control.checked,
    element: h("div", { class: "field" }, h("label", { class: "check", for: id }, control, field.label)),
  };
}

/** A picture by its address, or from a file. */
function pictureField(field, id, initial, changed) {
  let data = initial === "sample" ? samplePicture() : initial === "mask" ? sampleMask() : "";
  const isAddress = !data && typeof initial === "string" && /^(https?|s3):/.test(initial);
  if (!data && initial && !isAddress) data = initial.startsWith("data:") ? initial : `data:image/png;base64,${initial}`;
  const preview = h("img", { class: "preview", alt: "" });
  const told = h("p", { class: "hint" });
  const address = h("input", { id, type: "url", placeholder: "https://… or s3://…", value: isAddress ? initial : "" });
  const file = h("input", { type: "file", accept: "image/*", "aria-label": `${field.label}: a file` });
  function show(text) {
    if (data) preview.src = data;
    else preview.removeAttribute("src");
    say(told, text);
    changed();
  }
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    if (chosen.size > largestPicture) {
      file.value = "";
      return show(`${chosen.name} has ${bytes(chosen.size)}; ${bytes(largestPicture)} is the most that travels with a task. Give an address instead.`);
    }
    data = await asDataURL(chosen);
    address.value = "";
    show(`${chosen.name}, ${bytes(chosen.size)}`);
  });
  address.addEventListener("input", () => {
    data = "";
    file.value = "";
    show(address.value ? "The worker fetches it from there." : "");
  });
  const element = h("div", { class: "field wide picture-field" }, preview,
    h("label", { for: id }, field.label), file, address, told);
  if (data) preview.src = data;
  say(told, initial === "sample" || initial === "mask" ? "A sample, to try with." : "");
  return {
    control: address, element,
    value() {
      const value = data || address.value.trim();
      if (!value) throw new Unusable("Choose a file, or give an address.");
      return value;
    },
  };
}

function picturesField(field, id, initial, changed) {
  let chosen = initial === "sample" ? [samplePicture(), samplePicture()] : initial ?? [];
  const told = h("p", { class: "hint" }, initial === "sample" ? "Two samples, to try with." : plural(chosen.length, "picture"));
  const control = h("input", { id, type: "file", accept: "image/*", multiple: true });
  control.addEventListener("change", async () => {
    const total = [...control.files].reduce((sum, file) => sum + file.size, 0);
    if (total > largestPicture) return say(told, `${bytes(total)} in all; ${bytes(largestPicture)} is the most that travels with a task.`);
    chosen = await Promise.all([...control.files].map(asDataURL));
    say(told, `${plural(chosen.length, "picture")}, ${bytes(total)}`);
    changed();
  });
  return {
    control, element: h("div", { class: "field wide" }, h("label", { for: id }, field.label), control, told),
    value() {
      if (!chosen.length) throw new Unusable("Choose at least one file.");
      return chosen;
    },
  };
}

function asDataURL(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
