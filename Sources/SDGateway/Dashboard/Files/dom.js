// Elements out of data. Whatever comes from tasks goes in as text: there is no way here to make markup of a string.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `h("p", { class: "note", onclick }, "text", child)`. Empty children are left out. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  set(element, attributes);
  element.append(...present(children));
  return element;
}

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  set(element, attributes);
  element.append(...children);
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);
}

/** Puts children into an element in place of those it has. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

/** Sets a text where it is another, so that nothing is announced or repainted for nothing. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes a list show items in their order: elements are kept by key, so that focus and scrolling survive.
 * `make(item)` answers an element, `update(element, item)` brings one up to date.
 */
export function reconcile(list, items, key, make, update) {
  const known = new Map([...list.children].map((element) => [element.dataset.key, element]));
  let place = list.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let element = known.get(name);
    if (element) {
      known.delete(name);
      update(element, item);
    } else {
      element = make(item);
      element.dataset.key = name;
    }
    if (element === place) place = place.nextElementSibling;
    else list.insertBefore(element, place);
  }
  for (const element of known.values()) element.remove();
}

const announcer = document.getElementById("announcer");

/** Has a screen reader say something. */
export function announce(text) {
  announcer.textContent = "";
  // A text that is set twice is said once; the pause makes it new.
  setTimeout(() => { announcer.textContent = text; }, 50);
}

/** Asks for a yes before something that cannot be undone. */
export function ask(title, text, yes) {
  const dialog = document.getElementById("ask-dialog");
  say(document.getElementById("ask-title"), title);
  say(document.getElementById("ask-text"), text);
  say(document.getElementById("ask-yes"), yes);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
