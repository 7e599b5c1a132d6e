// What an answer promises: asked for in a dialog, shown above the text as a chip, sent along, made when the answer
// goes. The chip outlives a look at another ticket, as the draft does.
import { icon, make } from "./ui.js";

const place = (form) => form.querySelector("[data-promise-bar]");
const keyOf = (form) => `promise.${form.dataset.ticket}`;

function remember(form, promise) {
  try {
    const { kind, words, due_at, label } = promise ?? {};
    if (promise) sessionStorage.setItem(keyOf(form), JSON.stringify({ kind, words, due_at, label }));
    else sessionStorage.removeItem(keyOf(form));
  } catch {
    // no storage here: the chip lives as long as the page
  }
}

/** Ask what the chosen words (or all of the text) promise; what stands in the chip is looked at again. */
function ask(form) {
  const text = form.querySelector("textarea[name=text]");
  const values = { words: text.value.slice(text.selectionStart, text.selectionEnd).trim() || text.value };
  for (const field of place(form).querySelectorAll("input")) values[field.name] = field.value;
  window.htmx.ajax("POST", form.dataset.promiseUrl, { target: "#ask", swap: "innerHTML", values });
}

export function showPromise(form, promise) {
  const fields = ["kind", "words", "due_at"].map((name) => make("input", { type: "hidden", name: `promise-${name}`, value: promise[name] }));
  const { wordsPromise, wordsDropPromise } = form.dataset;
  const change = make("button", { type: "button", class: "promise-chip", title: wordsPromise }, icon("rubber-stamp", 16), make("span", { class: "strong" }, promise.label), make("span", { class: "muted truncate" }, promise.words));
  change.addEventListener("click", () => ask(form));
  const off = make("button", { type: "button", class: "btn btn-ghost btn-icon btn-xs", "aria-label": wordsDropPromise, title: wordsDropPromise }, icon("x", 14));
  off.addEventListener("click", () => {
    dropPromise(form);
    form.querySelector("textarea[name=text]").focus();
  });
  place(form).replaceChildren(...fields, change, off);
  place(form).hidden = false;
  remember(form, promise);
}

export function dropPromise(form) {
  if (!place(form)) return;
  place(form).replaceChildren();
  place(form).hidden = true;
  remember(form, null);
}

/** Put back what was promised before somebody looked at another ticket, unless its time has come. */
export function restorePromise(form) {
  if (!place(form)) return;
  form.querySelector("[data-promise-open]")?.addEventListener("click", () => ask(form));
  try {
    const kept = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "null");
    if (kept && new Date(kept.due_at) > new Date()) showPromise(form, kept);
  } catch {
    remember(form, null);
  }
}

/* confirmed in the dialog: with words it belongs to the answer being written, without it is kept already */
document.addEventListener("promiseSaid", (event) => {
  document.getElementById("ask")?.replaceChildren();
  const form = document.querySelector(`#composer[data-ticket="${event.detail.ticket}"]`);
  if (!form || !event.detail.words) return;
  showPromise(form, event.detail);
  form.querySelector("textarea[name=text]").focus();
});

/* words chosen in a sent answer are the promise; the press itself would let the choice go */
let chosen = "";
document.addEventListener("pointerdown", (event) => {
  if (event.target.closest?.("[data-promise-said]")) chosen = String(getSelection() ?? "");
});
document.addEventListener("htmx:configRequest", (event) => {
  const { promiseSaid } = event.detail.elt.dataset ?? {};
  if (!promiseSaid) return;
  const words = (chosen || String(getSelection() ?? "")).trim();
  const own = event.detail.elt.closest(".msg")?.querySelector(".msg-body")?.textContent ?? "";
  chosen = "";
  event.detail.parameters.message = promiseSaid;
  if (words && own.includes(words)) event.detail.parameters.words = words;
});
