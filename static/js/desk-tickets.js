// The desk's list and conversation: marks the open ticket, keeps the reader's place, brings what is new, shows who is here.
import { token } from "./ui.js";

const desk = () => document.getElementById("desk");
const conversation = () => document.getElementById("conversation");
const stream = () => document.getElementById("stream");
const openTicket = () => conversation()?.dataset.ticket ?? "";
const view = () => document.getElementById("list-pane")?.dataset.viewKey ?? "";

/* ---- list ------------------------------------------------------------------------------------------------------ */

function markCurrent() {
  const current = openTicket();
  for (const link of document.querySelectorAll("#list-pane .ticket")) {
    const isIt = link.closest("li")?.id === `row-${current}`;
    if (isIt) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  for (const link of document.querySelectorAll("#views .view-link")) {
    if (link.dataset.viewKey === view()) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

let known = null;

function rememberRows() {
  known = new Set([...document.querySelectorAll("#tickets > li")].map((row) => row.id));
}

function glowNew() {
  if (!known) return;
  for (const row of document.querySelectorAll("#tickets > li")) {
    if (known.has(row.id)) continue;
    const link = row.querySelector(".ticket");
    link?.classList.add("is-new");
    setTimeout(() => link?.classList.remove("is-new"), 1500);
  }
  known = null;
}

function countChosen() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  const count = document.querySelectorAll(".ticket-check:checked").length;
  const all = bar.querySelector("[data-bulk-all]");
  bar.classList.toggle("is-on", count > 0 || Boolean(all?.checked));
  const words = bar.querySelector("[data-bulk-words]");
  words.textContent = count === 1 ? words.dataset.one : count ? words.dataset.many.replace("%n", count) : "";
}

document.addEventListener("change", (event) => event.target.matches?.(".ticket-check, [data-bulk-all]") && countChosen());
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-bulk-clear]")) return;
  clearChosen();
});
document.addEventListener("bulkDone", clearChosen);
document.addEventListener("bulkStarted", (event) => {
  const url = event.detail?.url; // many tickets: the run has a page of its own with its progress
  if (url?.startsWith("/")) window.location.assign(url);
});

function clearChosen() {
  const all = document.querySelector("[data-bulk-all]");
  if (all) all.checked = false;
  for (const box of document.querySelectorAll(".ticket-check:checked")) box.checked = false;
  countChosen();
}

/* the list looks again by itself while somebody ticks rows: a row that left is not counted */
document.addEventListener("htmx:afterSettle", countChosen);

/* in an order that moves, the next page may bring a row that stands further up already: the newer one is kept */
document.addEventListener("htmx:afterSwap", () => {
  const seen = new Set();
  for (const row of document.querySelectorAll("#list .tickets > li[id]")) {
    if (seen.has(row.id)) row.remove();
    else seen.add(row.id);
  }
});

/* ---- what each request needs to know --------------------------------------------------------------------------- */

document.addEventListener("htmx:configRequest", (event) => {
  const { elt, parameters } = event.detail;
  if (elt.id === "list") {
    parameters.rows = String(document.querySelectorAll("#list .tickets > li").length);
    parameters.current = openTicket();
  } else if (elt.id === "tail") {
    const last = [...stream().querySelectorAll(":scope [data-seq]")].at(-1);
    const events = [...stream().querySelectorAll("[data-event]")].map((line) => BigInt(line.dataset.event));
    parameters.after = last?.dataset.seq ?? "0";
    parameters.event = String(events.reduce((most, id) => (id > most ? id : most), 0n));
    parameters.day = [...stream().querySelectorAll("[data-day]")].at(-1)?.dataset.day ?? "";
    parameters.deliveries = [...stream().querySelectorAll(".delivery")].slice(-10).map((mark) => mark.id.slice(9)).join(",");
  }
});

/* ---- the reader's place in the stream --------------------------------------------------------------------------- */

let height = 0;
let place = 0;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt, target } = event.detail;
  if (elt.closest?.(".stream-earlier")) {
    height = stream().scrollHeight;
    place = stream().scrollTop;
  }
  if (target?.id === "list") rememberRows();
});

document.addEventListener("htmx:afterSwap", seeMessages); // at once: who types in the next instant has seen it
document.addEventListener("htmx:afterSwap", (event) => {
  if (height && !event.detail.elt.closest?.("#tail")) {
    const now = stream();
    if (now) now.scrollTop = place + now.scrollHeight - height;
    height = 0;
  }
});

document.addEventListener("htmx:afterSettle", (event) => {
  const { target, elt } = event.detail;
  if (target?.id === "conversation" || elt?.id === "conversation") opened();
  if (elt?.id === "list" || target?.id === "list") glowNew();
  markCurrent();
  countChosen();
  seeMessages();
  takeParts();
});

/** A ticket was joined in or taken out while this one is open: its messages come, unless an answer is being written. */
function takeParts() {
  const parts = document.getElementById("head")?.dataset.parts;
  const box = stream();
  if (!box || parts === undefined || box.dataset.parts === parts) return;
  if (document.querySelector("#composer textarea")?.value.trim()) return;
  box.dataset.parts = parts;
  window.htmx.ajax("GET", `/desk/t/${openTicket()}/?view=${view()}`, { target: "#conversation", swap: "outerHTML" });
}

/** What the reader has seen counts as known, but not while an answer is being written: then the sender is asked first. */
function seeMessages() {
  const version = document.getElementById("head")?.dataset.version;
  const form = document.getElementById("composer");
  if (!version || !form || form.querySelector("textarea").value.trim()) return;
  if (document.visibilityState !== "visible") return;
  form.querySelector("input[name=seen_version]").value = version;
  form.querySelector("input[name=seen]").value = document.getElementById("head").dataset.seen ?? "";
}

function opened() {
  const pane = conversation();
  if (!pane) return;
  desk().dataset.view = pane.dataset.ticket ? "conversation" : "list";
  if (pane.dataset.title) document.title = pane.dataset.title;
  const box = stream();
  if (box) box.scrollTop = box.scrollHeight;
  desk().dataset.context = "";
}

/* a ticket opened by the keyboard keeps the focus in the list, so that J and K go on */
document.addEventListener("htmx:oobAfterSwap", () => markCurrent());

/* ---- presence: a sign of life every 20 s, at once when typing begins, goodbye on leaving ------------------------- */

const EVERY = 20_000;
let typingUntil = 0;
let saidTyping = false;

/* Work on the open ticket, in milliseconds: the time between two signs of activity, unless they lie further apart than
   somebody reads without moving. Told every few minutes and on leaving. */
const IDLE = 120_000;
const TELL_WORK = 240_000;
let worked = 0;
let lastActive = 0;
let workTold = Date.now();

function active() {
  if (!document.getElementById("viewers")) {
    lastActive = 0;
    return;
  }
  const now = Date.now();
  if (lastActive && now - lastActive <= IDLE) worked += now - lastActive;
  lastActive = now;
}
function pauseWork() {
  if (lastActive) active();
  lastActive = 0;
}
function takeWork() {
  if (lastActive) active();
  const seconds = Math.floor(worked / 1000);
  worked -= seconds * 1000;
  workTold = Date.now();
  return seconds ? { worked: String(seconds) } : {};
}
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "input", "focus"])
  window.addEventListener(kind, () => { if (document.hasFocus()) active(); }, { capture: true, passive: true });
window.addEventListener("blur", (event) => { if (event.target === window) pauseWork(); });
document.addEventListener("visibilitychange", () => { if (document.visibilityState !== "visible") pauseWork(); });

function sayHere(values) {
  const url = document.getElementById("viewers")?.dataset.hereUrl;
  if (!url || !navigator.onLine) return;
  const body = new URLSearchParams({ csrfmiddlewaretoken: token(), ...values });
  fetch(url, { method: "POST", body, headers: { "HX-Request": "true" }, keepalive: true }).catch(() => {});
}

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  saidTyping = Date.now() < typingUntil;
  const work = Date.now() - workTold > TELL_WORK ? takeWork() : {};
  sayHere({ typing: saidTyping ? "1" : "0", ...work });
}, EVERY);

document.addEventListener("input", (event) => {
  if (!event.target.closest?.("#composer")) return;
  typingUntil = Date.now() + 8000;
  if (!saidTyping) {
    saidTyping = true;
    sayHere({ typing: "1" });
  }
});
document.addEventListener("composer:sent", () => (typingUntil = 0));
setInterval(() => {
  if (saidTyping && Date.now() > typingUntil) {
    saidTyping = false;
    sayHere({ typing: "0" });
  }
}, 2000);

let leaving = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id === "conversation") leaving = document.getElementById("viewers")?.dataset.hereUrl ?? "";
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "conversation" || !leaving) return;
  goodbye(leaving);
  leaving = "";
  saidTyping = false;
});
function goodbye(url) {
  const body = new URLSearchParams({ csrfmiddlewaretoken: token(), gone: "1", ...takeWork() });
  fetch(url, { method: "POST", body, keepalive: true }).catch(() => {});
}
window.addEventListener("pagehide", () => {
  const url = document.getElementById("viewers")?.dataset.hereUrl;
  if (url) goodbye(url);
});

markCurrent();

/* ---- answers that wait: how long they can still be taken back ----------------------------------------------------- */

setInterval(() => {
  for (const place of document.querySelectorAll("#waiting [data-due]")) {
    const left = Math.ceil((Date.parse(place.dataset.due) - Date.now()) / 1000);
    const words = left > 0 ? place.dataset.wordsIn.replace("%n", left) : place.dataset.wordsNow;
    const inner = place.querySelector("[data-due-words]");
    if (inner.textContent !== words) inner.textContent = words;
  }
}, 500);
