// Shortcuts: any visible element with data-key is pressed by its key. Nothing is taken from someone who types or
// whose input method is composing.
import { make } from "./ui.js";
import { say } from "./words.js";

const WAIT = 1200; // how long the second key of a sequence may take
let first = "";
let timer = 0;

const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable=true]");
const shown = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent !== null;

/** Name a key press: r, ?, shift+s, mod+k, mod+enter. */
function nameOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase();
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && /^[a-z]$|^.{2,}$/.test(key)) parts.push("shift");
  return [...parts, key].join("+");
}

/** Elements that answer to a key, inside the open dialog if there is one. */
function bearers() {
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
  return [...(dialog ?? document).querySelectorAll("[data-key]")].filter((element) => !element.disabled && (dialog || shown(element) || element.closest("[data-menu]")));
}

function press(element) {
  if (element.matches("input:not([type=checkbox], [type=radio]), textarea, select")) {
    element.focus();
    element.select?.();
  } else element.click();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
  const name = nameOf(event);
  const strong = name.startsWith("mod+") || name.startsWith("alt+");
  if (typing(event.target) && !strong) {
    if (event.key === "Escape" && !event.target.closest("dialog, [data-menu]")) event.target.blur();
    return;
  }
  if (["shift", "control", "alt", "meta"].includes(event.key.toLowerCase())) return;
  if (!strong && event.target.closest?.("[data-menu]")) return; // an open menu hears arrows and Enter; E there must not resolve
  const all = bearers();
  const sequence = first ? `${first} ${name}` : "";
  const target = all.find((one) => sequence && one.dataset.key === sequence) ?? (first ? null : all.find((one) => one.dataset.key === name));
  clearTimeout(timer);
  first = "";
  if (target) {
    event.preventDefault();
    press(target);
    return;
  }
  if (all.some((one) => one.dataset.key.startsWith(`${name} `))) {
    first = name;
    timer = setTimeout(() => (first = ""), WAIT);
    event.preventDefault();
    return;
  }
  walk(event, name);
});

/* ---- lists: j k enter x --------------------------------------------------------------------------------------- */

let place = { list: "", at: -1 }; // where the reader was: the row itself may leave, as a resolved ticket does

function listShown() {
  const list = [...document.querySelectorAll("[data-keynav]")].find(shown);
  const items = list ? [...list.querySelectorAll("[data-key-item]")].filter(shown) : [];
  const focused = items.indexOf(document.activeElement);
  const at = focused >= 0 ? focused : items.findIndex((item) => item.matches("[aria-current=true], [aria-current=page]"));
  return { name: list?.closest("[data-view-key]")?.dataset.viewKey ?? list?.id ?? "", list, items, at };
}

function rememberPlace() {
  const { name, at } = listShown();
  if (at >= 0) place = { list: name, at };
}
document.addEventListener("htmx:beforeSwap", rememberPlace);

function walk(event, name) {
  if (document.querySelector("dialog[open]") || !["j", "k", "x"].includes(name)) return;
  const { name: listName, list, items, at: here } = listShown();
  if (!items.length) return;
  event.preventDefault();
  if (name === "x") {
    const box = items[here]?.parentElement.querySelector("input[type=checkbox]");
    box?.click();
    return;
  }
  const left = place.list === listName ? place.at - (name === "j" ? 1 : 0) : -1; // what followed stands in its place now
  const at = here >= 0 ? here : left;
  const next = items[Math.min(items.length - 1, Math.max(0, at + (name === "j" ? 1 : -1)))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  if (list.dataset.keynav === "open") next.click();
}

/* ---- ? : all shortcuts of this page ------------------------------------------------------------------------------ */

const PRETTY = { mod: navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl", shift: "Shift", alt: "Alt", enter: "↵", escape: "Esc", arrowdown: "↓", arrowup: "↑" };
const pretty = (part) => PRETTY[part] ?? (part.length === 1 ? part.toUpperCase() : part);

function keysMarkup(sequence) {
  const box = make("span");
  sequence.split(" ").forEach((step, index) => {
    if (index) box.append(` ${say("then")} `);
    for (const part of step.split("+")) box.append(make("kbd", {}, pretty(part)));
  });
  return box;
}

function fillHelp(dialog) {
  const grid = dialog.querySelector("[data-keys-help]");
  if (!grid) return;
  const groups = new Map();
  const add = (group, keys, label) => {
    if (!groups.has(group)) groups.set(group, new Map());
    groups.get(group).set(keys, label);
  };
  for (const element of document.querySelectorAll("[data-key]")) {
    if (!shown(element) && !element.closest("[data-menu]")) continue;
    const words = element.querySelector(".rail-label")?.textContent ?? element.getAttribute("aria-label") ?? element.placeholder ?? element.textContent;
    const label = (element.dataset.keyLabel ?? words ?? "").trim().replace(/\s+/g, " ");
    add(element.dataset.keyGroup ?? say("helpOther"), element.dataset.key, label);
  }
  if (document.querySelector("[data-keynav]")) {
    const { listTitle, listNext, listPrev, listOpen, listSelect } = grid.dataset;
    for (const [key, label] of [["j", listNext], ["k", listPrev], ["enter", listOpen], ["x", listSelect]]) add(listTitle, key, label);
  }
  grid.replaceChildren(
    ...[...groups].map(([title, rows]) =>
      make("section", { class: "keys-group" }, make("h3", {}, title), ...[...rows].map(([keys, label]) => make("div", { class: "keys-row" }, make("span", {}, label), keysMarkup(keys)))),
    ),
  );
}
document.addEventListener("dialog:open", (event) => event.target.id === "keys-help" && fillHelp(event.target));
