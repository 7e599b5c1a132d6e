// Elements made by script, and the short messages that tell what happened.
import { say } from "./words.js";

const TONES = { success: "good", error: "bad", warning: "warn", info: "info", good: "good", bad: "bad", warn: "warn" };
const ICONS = { good: "circle-check", bad: "alert-circle", warn: "alert-triangle", info: "info-circle" };

/** Build an icon from the sprite the page already uses. */
export function icon(name, size = 20) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", size === 20 ? "icon" : `icon icon-${size}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite()}#${name}`);
  svg.append(use);
  return svg;
}

const sprite = () => say("sprite");

/** Build an element: make("button", {class: "btn", type: "button"}, "Save"). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== null) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Show a short message. {text|message, tone, undo: {url, label}, retry: fn, seconds}. Errors stay until closed. */
export function toast(options) {
  const { text, message, tone = "good", undo, retry, seconds } = typeof options === "string" ? { text: options } : options;
  const region = document.getElementById("toasts");
  const words = text ?? message;
  if (!region || !words) return null;
  const look = TONES[tone] ?? "info";
  const same = [...region.children].find((shown) => shown.dataset.words === words);
  if (same) same.remove();
  const box = make("div", { class: `toast toast-${look}`, role: look === "bad" ? "alert" : "status" }, icon(ICONS[look]), make("div", { class: "toast-text" }, words));
  box.dataset.words = words;
  if (undo) box.append(action(undo.label ?? say("undo"), () => post(undo.url)));
  if (retry) box.append(action(say("retry"), retry));
  const close = make("button", { type: "button", class: "btn btn-ghost btn-sm btn-icon", "aria-label": say("close") }, icon("x", 16));
  close.addEventListener("click", () => box.remove());
  box.append(close);
  region.append(box);
  lift(region);
  if (look !== "bad" || seconds) fade(box, (seconds ?? (undo ? 10 : 5)) * 1000);
  while (region.children.length > 4) region.firstElementChild.remove();
  return box;

  function action(label, act) {
    const button = make("button", { type: "button", class: "btn btn-sm" }, label);
    button.addEventListener("click", () => {
      box.remove();
      act();
    });
    return button;
  }
}

/** Let a toast go after a while, but never from under a pointer or the focus. */
export function fade(box, after) {
  let timer = setTimeout(() => box.remove(), after);
  const stop = () => clearTimeout(timer);
  const go = () => (timer = setTimeout(() => box.remove(), 2500));
  box.addEventListener("mouseenter", stop);
  box.addEventListener("focusin", stop);
  box.addEventListener("mouseleave", go);
  box.addEventListener("focusout", go);
}

/** Keep the region above an open dialog: the top layer hides everything else. */
export function lift(region) {
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  const home = open ?? document.body;
  if (region.parentElement !== home) home.append(region);
}

/** POST to a URL with the page's token; HTMX swaps what the answer asks for. */
export function post(url, values = {}) {
  if (window.htmx) return window.htmx.ajax("POST", url, { values, swap: "none" });
  const form = make("form", { method: "post", action: url }, make("input", { type: "hidden", name: "csrfmiddlewaretoken", value: token() }));
  for (const [name, value] of Object.entries(values)) form.append(make("input", { type: "hidden", name, value }));
  document.body.append(form);
  form.submit();
  return Promise.resolve();
}

/** Return the page's CSRF token. */
export function token() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (field) return field.value;
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}
