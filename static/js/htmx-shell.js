// How HTMX behaves on the desk: busy buttons, honest errors, an offline bar, unsent words kept.
import { isChanged } from "./live-parts.js";
import { toast, unguard } from "./ui.js";
import { say } from "./words.js";

const waiting = new Map();

document.addEventListener("htmx:beforeRequest", (event) => {
  const source = event.detail.requestConfig?.triggeringEvent?.submitter ?? event.detail.elt;
  if (!source.classList?.contains("btn")) return;
  waiting.set(event.detail.xhr, [source, setTimeout(() => source.classList.add("is-busy"), 150)]);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const [source, timer] = waiting.get(event.detail.xhr) ?? [];
  clearTimeout(timer);
  source?.classList.remove("is-busy");
  waiting.delete(event.detail.xhr);
  const form = event.detail.elt.closest?.("form[data-guard]");
  if (form && event.detail.successful && event.detail.requestConfig.verb === "post") unguard(form);
});

/* What an answer tells is told where it was asked. Has that left the page meanwhile (a live part looked again), nobody
   would hear it: then it is told on the page itself. */
const heard = new WeakSet();
document.addEventListener("htmx:beforeOnLoad", (event) => heard.add(event.detail.xhr));
document.addEventListener("htmx:beforeSend", ({ detail: { xhr } }) => {
  xhr.addEventListener("loadend", () => {
    const told = heard.has(xhr) ? null : xhr.getResponseHeader("HX-Trigger");
    for (const [name, detail] of Object.entries(told ? JSON.parse(told) : {})) window.htmx.trigger(document.body, name, detail);
  });
});

/* What was chosen or typed before the scripts had come, or put back by the browser, nobody has heard yet. */
function hearEarly() {
  for (const field of [...document.querySelectorAll("input:not([type=hidden]), select, textarea")].filter(isChanged)) {
    for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
    if (field.form?.matches('[hx-trigger^="submit"]')) window.htmx.trigger(field.form, "submit"); // HTMX took these letters for the old ones
  }
}
document.addEventListener("htmx:load", hearEarly, { once: true });

document.addEventListener("toast", (event) => toast(event.detail));

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if ((xhr.getResponseHeader("HX-Trigger") ?? "").includes('"toast"')) return; // the server said it better
  if (xhr.status === 401 || xhr.status === 403) toast({ text: say(xhr.status === 401 ? "signedOut" : "notAllowed"), tone: "bad" });
  else toast({ text: say("failed"), tone: "bad", retry: retry(event.detail) });
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (event.detail.requestConfig?.verb === "get" && event.detail.elt.hasAttribute("data-live")) return; // the socket's fallback says so already
    toast({ text: say("unreachable"), tone: "bad", retry: retry(event.detail) });
  });
}

/** Ask the same again, from the same element. */
function retry({ elt, requestConfig }) {
  if (!requestConfig) return undefined;
  return () => window.htmx.ajax(requestConfig.verb.toUpperCase(), requestConfig.path, { source: elt, target: requestConfig.target ?? undefined, values: Object.fromEntries(requestConfig.formData ?? []) });
}

/* ---- offline -------------------------------------------------------------------------------------------------------- */

let queued = 0;

function showOffline() {
  const bar = document.getElementById("offline-bar");
  if (!bar) return;
  bar.hidden = navigator.onLine;
  const count = queued ? ` ${say("queued", { n: queued })}` : "";
  bar.querySelector("[data-offline-words]").textContent = navigator.onLine ? "" : say("offline") + count;
}
window.addEventListener("online", showOffline);
window.addEventListener("offline", showOffline);
document.addEventListener("outbox:count", (event) => {
  queued = event.detail.count;
  showOffline();
});
showOffline();
