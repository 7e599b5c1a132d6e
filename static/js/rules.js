// The builder of a rule: every answer of the server draws the whole form. One that was asked for before the last
// keystroke may not overwrite what was typed since: it is asked for again. Adding or removing a row never waits for a
// mere look, and a look never takes a row away again.

const form = document.querySelector(".rule-form");
const sent = new WeakMap();
let edits = 0;
let act = null; // the row being added or removed: rows are numbered, so one at a time

for (const kind of ["input", "change"]) {
  form?.addEventListener(kind, () => {
    edits += 1;
  });
}
form?.addEventListener("htmx:confirm", (event) => {
  if (act && event.target.matches("button")) event.preventDefault();
});
form?.addEventListener("htmx:beforeRequest", ({ target, detail }) => {
  if (target.matches("button")) {
    act = detail.xhr;
    edits += 1;
  }
  sent.set(detail.xhr, edits);
});
form?.addEventListener("htmx:afterRequest", (event) => {
  if (act === event.detail.xhr) act = null;
});
form?.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const isAct = act === detail.xhr;
  if (!detail.shouldSwap) return;
  if (sent.get(detail.xhr) === edits && (isAct || !act)) {
    if (isAct) edits += 1; // a look that left meanwhile shows the rows of before
    return;
  }
  detail.shouldSwap = false;
  if (act && !isAct) return; // what it would show comes with the row
  const { elt } = detail.requestConfig;
  detail.xhr.addEventListener("loadend", () => window.htmx.trigger(elt, isAct ? "click" : "change"));
});
