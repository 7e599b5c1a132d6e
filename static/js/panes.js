// Panes of the desk: drag or arrow their edges, sizes are remembered; narrow screens show drawers or one pane.
import { say } from "./words.js";

const LIMITS = { views: [160, 320], list: [260, 520], context: [280, 520] };

function remembered() {
  try {
    return JSON.parse(localStorage.getItem("cs.panes") ?? "{}");
  } catch {
    return {};
  }
}

function resize(name, width) {
  const [least, most] = LIMITS[name];
  const next = Math.round(Math.min(most, Math.max(least, width)));
  document.documentElement.style.setProperty(`--w-${name}`, `${next}px`);
  localStorage.setItem("cs.panes", JSON.stringify({ ...remembered(), [name]: next }));
  return next;
}

function forget(name) {
  document.documentElement.style.removeProperty(`--w-${name}`);
  const { [name]: gone, ...rest } = remembered();
  localStorage.setItem("cs.panes", JSON.stringify(rest));
}

function addResizer(pane, name) {
  if (pane.querySelector(":scope > .pane-resizer")) return;
  const [least, most] = LIMITS[name];
  const grip = document.createElement("div");
  grip.className = "pane-resizer";
  const attributes = { role: "separator", tabindex: "0", "aria-orientation": "vertical", "aria-label": say("resize"), "aria-valuemin": least, "aria-valuemax": most, "aria-valuenow": Math.round(pane.offsetWidth) };
  for (const [key, value] of Object.entries(attributes)) grip.setAttribute(key, value);
  const sign = name === "context" ? -1 : 1;
  const set = (width) => grip.setAttribute("aria-valuenow", resize(name, width));
  grip.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    grip.classList.add("is-dragging");
    const [from, width] = [event.clientX, pane.offsetWidth];
    const move = (moved) => set(width + sign * (moved.clientX - from));
    const end = () => {
      grip.classList.remove("is-dragging");
      grip.removeEventListener("pointermove", move);
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", end, { once: true });
    grip.addEventListener("pointercancel", end, { once: true });
  });
  grip.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
    if (!step) return;
    event.preventDefault();
    set(pane.offsetWidth + sign * step);
  });
  grip.addEventListener("dblclick", () => forget(name));
  pane.append(grip);
}

function dress() {
  for (const name of Object.keys(LIMITS)) for (const pane of document.querySelectorAll(`[data-panes] > .pane-${name}`)) addResizer(pane, name);
}
dress();
document.addEventListener("htmx:afterSettle", dress);

document.addEventListener("click", (event) => {
  const desk = document.querySelector("[data-panes]");
  if (!desk) return;
  if (event.target.closest("[data-toggle-context]")) desk.dataset.context = desk.dataset.context === "open" ? "" : "open";
  else if (event.target.closest("[data-toggle-views]")) desk.dataset.views = desk.dataset.views === "open" ? "" : "open";
  else {
    if (desk.dataset.context === "open" && !event.target.closest(".pane-context, dialog, [popover]")) desk.dataset.context = "";
    if (desk.dataset.views === "open" && !event.target.closest(".pane-views")) desk.dataset.views = "";
  }
  if (event.target.closest("[data-back]") && matchMedia("(max-width: 767.98px)").matches && !event.target.closest("a[href]")) desk.dataset.view = "list";
});
document.addEventListener("keydown", (event) => {
  const desk = document.querySelector("[data-panes]");
  if (event.key === "Escape" && desk) desk.dataset.context = desk.dataset.views = "";
});

/* ---- streams stand at their end, unless someone reads further up ------------------------------------------------ */

const NEAR = 80;
const pinned = new WeakMap();

function settle() {
  for (const stream of document.querySelectorAll("[data-stream]")) {
    if (!pinned.has(stream)) {
      pinned.set(stream, true);
      stream.addEventListener("scroll", () => pinned.set(stream, stream.scrollHeight - stream.scrollTop - stream.clientHeight < NEAR), { passive: true });
    }
    if (pinned.get(stream)) stream.scrollTop = stream.scrollHeight;
  }
}
settle();
window.addEventListener("load", settle);
document.addEventListener("htmx:afterSettle", settle);
