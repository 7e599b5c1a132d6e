// The staff socket: hints only. Every hint makes a page part look again through its normal view.
// Closed socket: parts look again every 15 s. Back again: everything looks once.
import { lookAgain } from "./live-parts.js";
import { say } from "./words.js";

const POLL = 15_000;
const RETRY = 10_000;
const FRAGMENT_AGE = 15;
const MEMORY = 60_000;
const body = document.body;
let socket = null;
let state = "";
let tries = 0;
let heartbeat = 0;
let poller = 0;
let deadline = 0;
let ended = false;
let everOpen = false;
let sentGroups = "";
const versions = new Map();
let hints = []; // the newest of the last minute: [when, hint]
const askedAt = new WeakMap(); // request → when
const brought = new WeakMap(); // request → parts it brought

/** What looks again by itself; the root carries the word for the state of the connection under the same name. */
const parts = () => body.querySelectorAll("[data-live]");
const known = new WeakSet(parts()); // what came before the socket is asked for with their age
const lists = (text) => (text ?? "").split(/[\s,]+/).filter(Boolean);

/** Groups the page wants: the body's own and those of every part. */
function groups() {
  const wanted = new Set(lists(body.dataset.liveGroups));
  for (const part of parts()) for (const name of lists(part.dataset.live)) wanted.add(name);
  return [...wanted].slice(0, 60);
}

/** `age`: how many seconds ago, at most, what is shown was made; hints of the groups since then come late. */
function subscribe(force = false, age = FRAGMENT_AGE) {
  const wanted = groups();
  const key = wanted.join(" ");
  if (socket?.readyState !== WebSocket.OPEN || (!force && key === sentGroups)) return;
  sentGroups = key;
  socket.send(JSON.stringify({ type: "subscribe", groups: wanted, age }));
}

function show(next) {
  if (next === state) return;
  state = next;
  const words = say({ open: "live", connecting: "connecting", polling: "polling" }[next]);
  for (const mark of document.querySelectorAll("[data-live-state]")) {
    mark.dataset.state = next;
    mark.title = words;
  }
  for (const place of document.querySelectorAll("[data-live-words]")) place.textContent = words;
  document.documentElement.dataset.live = next;
}

function announce(frame) {
  const seenKey = `${frame.group}|${frame.event}|${frame.id}`;
  if (frame.version && (versions.get(seenKey) ?? 0) >= frame.version) return;
  if (frame.version) versions.set(seenKey, frame.version);
  if (versions.size > 500) versions.clear();
  const now = performance.now();
  hints = [...hints.slice(-500).filter(([at]) => at > now - MEMORY), [now, frame]];
  const detail = { group: frame.group, event: frame.event, id: frame.id, version: frame.version };
  document.dispatchEvent(new CustomEvent(`live:${frame.event}`, { detail }));
  document.dispatchEvent(new CustomEvent("live:event", { detail }));
  lookAgain([...parts()].filter((part) => concerns(frame, part)));
}

const concerns = (frame, part) => lists(part.dataset.live).includes(frame.group) && !(frame.version && Number(part.dataset.version) >= frame.version);

/* A part hears hints once htmx has settled what it came with. Until then those since it was asked for are kept for it. */
document.addEventListener("htmx:beforeSend", ({ detail: { xhr } }) => askedAt.set(xhr, performance.now()));
document.addEventListener("htmx:afterSwap", ({ detail: { xhr } }) => {
  if (!xhr) return;
  const fresh = [...parts()].filter((part) => !known.has(part));
  for (const part of fresh) known.add(part);
  brought.set(xhr, [...(brought.get(xhr) ?? []), ...fresh]);
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  subscribe();
  const xhr = detail?.xhr;
  const fresh = brought.get(xhr) ?? [];
  brought.delete(xhr);
  lookAgain(fresh.filter((part) => hints.some(([at, frame]) => at >= askedAt.get(xhr) && concerns(frame, part))));
});

function receive(frame) {
  clearTimeout(deadline);
  if (frame.type === "hello") {
    tries = 0;
    show("open");
    stopPolling();
    subscribe(true, everOpen ? FRAGMENT_AGE : performance.now() / 1000 + 1);
    clearInterval(heartbeat);
    heartbeat = setInterval(ping, (frame.heartbeat ?? 25) * 1000);
    if (everOpen) resync();
    everOpen = true;
  } else if (frame.type === "event") announce(frame);
  else if (frame.type === "resync") resync();
}

function resync() {
  versions.clear();
  document.dispatchEvent(new CustomEvent("live:resync"));
  lookAgain(parts());
}

function ping() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send('{"type":"ping"}');
  clearTimeout(deadline);
  deadline = setTimeout(() => socket?.close(), 10_000);
}

function startPolling() {
  show("polling");
  if (poller) return;
  poller = setInterval(() => {
    if (document.visibilityState !== "visible" || !navigator.onLine) return;
    document.dispatchEvent(new CustomEvent("live:poll"));
    lookAgain(parts());
  }, POLL);
}

function stopPolling() {
  clearInterval(poller);
  poller = 0;
}

function connect() {
  if (ended || !body.dataset.socket) return;
  if (!state) show("connecting");
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}${body.dataset.socket}`);
  socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  socket.addEventListener("close", (event) => {
    clearInterval(heartbeat);
    clearTimeout(deadline);
    if (ended) return;
    if (event.code === 4401) return signedOut();
    tries += 1;
    if (tries > 1 || everOpen) startPolling();
    const ceiling = Math.min(RETRY, 500 * 2 ** tries);
    setTimeout(connect, ceiling / 2 + Math.random() * (ceiling / 2));
  });
}

function signedOut() {
  ended = true;
  stopPolling();
  const next = encodeURIComponent(location.pathname + location.search);
  location.assign(`${body.dataset.signIn ?? "/accounts/login/"}?next=${next}`);
}

window.addEventListener("pagehide", () => {
  ended = true;
  if (socket?.readyState === WebSocket.OPEN) socket.close(1000); // one that still connects goes with the page; closing it is a fault on the console
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  ended = false;
  connect();
});
window.addEventListener("online", () => socket?.readyState === WebSocket.CLOSED && (tries = 0));
// before that htmx does not listen yet
if (document.readyState === "complete") connect();
else document.addEventListener("DOMContentLoaded", connect, { once: true });

/** Say what the page is connected by: open, connecting or polling. */
export const liveState = () => state;
