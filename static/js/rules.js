// The builder of a rule: an answer that left before the last keystroke may not overwrite what was typed since.

const form = document.querySelector(".rule-form");
const sent = new WeakMap();
let edits = 0;

for (const kind of ["input", "change"]) {
  form?.addEventListener(kind, () => {
    edits += 1;
  });
}
form?.addEventListener("htmx:beforeRequest", (event) => sent.set(event.detail.xhr, edits));
form?.addEventListener("htmx:beforeSwap", (event) => {
  const isLook = event.detail.requestConfig?.elt?.id === "rule-builder";
  if (isLook && sent.get(event.detail.xhr) !== edits) event.detail.shouldSwap = false; // the next one is on its way
});
