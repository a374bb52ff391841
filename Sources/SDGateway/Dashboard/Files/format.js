// Figures for people.

const number = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export const count = (value) => number.format(value);

/** Seconds, as short as they can be told: 84 ms, 2.4 s, 3 min 5 s, 2 h 10 min. */
export function seconds(value) {
  if (!Number.isFinite(value)) return "";
  if (value < 0.9995) return `${Math.max(0, Math.round(value * 1000))} ms`;
  if (value < 9.95 && !Number.isInteger(value)) return `${value.toFixed(1)} s`;
  if (value < 59.5) return `${Math.round(value)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return join(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86400) return join(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return join(Math.floor(whole / 86400), "d", Math.floor((whole % 86400) / 3600), "h");
}

function join(much, unit, little, small) {
  return little ? `${much} ${unit} ${little} ${small}` : `${much} ${unit}`;
}

export const between = (from, to) => (new Date(to) - new Date(from)) / 1000;

/** How long ago: "just now", "12 s ago". */
export function ago(time) {
  const past = between(time, Date.now());
  return past < 2 ? "just now" : `${seconds(Math.floor(past))} ago`;
}

export const time = (text) => clock.format(new Date(text));

export function bytes(value) {
  if (value < 1000) return `${value} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let rest = value / 1000;
  while (rest >= 999.5 && units.length > 1) {
    rest /= 1000;
    units.shift();
  }
  return `${rest < 10 ? rest.toFixed(1) : Math.round(rest)} ${units[0]}`;
}

const types = {
  "text-to-image": "Text to image", "image-to-image": "Image to image", "extra-single-image": "Upscale",
  "extra-batch-images": "Batch upscale", pipeline: "Graph",
};

export const type = (name) => types[name] ?? name;

/** What a task is called: its prompt's beginning, else its kind. */
export const title = (task) => task.title ?? `${type(task.type)} ${task.id}`;

export const plural = (many, one, more = `${one}s`) => `${count(many)} ${many === 1 ? one : more}`;
