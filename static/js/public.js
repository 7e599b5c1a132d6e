// Entry of customer and sign-in pages: comfort only, everything works without it.
import { openDialog } from "./ui.js";
import { say } from "./words.js";

/* One question a screen: choosing goes on by itself, and can be taken back. */
for (const form of document.querySelectorAll("form[data-auto-advance]")) {
  form.addEventListener("change", (event) => {
    if (event.target.type !== "radio" || event.detail?.keyboard) return;
    clearTimeout(Number(form.dataset.timer));
    form.dataset.timer = String(setTimeout(() => form.requestSubmit(), 450));
  });
  form.addEventListener("keydown", () => clearTimeout(Number(form.dataset.timer)));
}

/* What else is asked belongs to the chosen category; without script all of it is there. */
for (const group of document.querySelectorAll("[data-for-category]")) {
  const form = group.closest("form");
  const show = () => {
    const chosen = form.querySelector("input[name=category]:checked")?.value ?? "";
    group.hidden = group.dataset.forCategory !== "" && group.dataset.forCategory !== chosen;
  };
  form.addEventListener("change", show);
  show();
}

/* Another language is another page: what was typed goes along, but for secrets, files and what the server remembers. */
const KEPT = "cs.typed";
const SECRET = new Set(["hidden", "password", "file", "submit", "button"]);
const typed = () =>
  [...document.querySelectorAll("form:not(.language, [data-auto-advance]) :is(input, textarea, select)")].filter(
    (field) => field.name && !SECRET.has(field.type),
  );
const changed = (field) => !field.options || [...field.options].some((one) => one.selected !== one.defaultSelected);
document.querySelector("form.language")?.addEventListener("submit", () => {
  const values = typed().filter(changed).map(({ name, type, value, checked }) => ({ name, type, value, checked }));
  sessionStorage.setItem(KEPT, JSON.stringify({ path: location.pathname, values }));
});
const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
sessionStorage.removeItem(KEPT);
for (const { name, type, value, checked } of kept?.path === location.pathname ? kept.values : []) {
  const ticked = type === "radio" || type === "checkbox";
  const field = typed().find((one) => one.name === name && (!ticked || one.value === value));
  if (!field) continue;
  if (ticked) field.checked = checked;
  else field.value = value;
  if (!ticked || checked) field.dispatchEvent(new Event("change", { bubbles: true }));
}

/* An answer is never lost to a closed tab or a dead connection. */
const warnOffline = () => document.body.setAttribute("data-offline", say("offline"));
window.addEventListener("offline", warnOffline);
document.addEventListener(
  "submit",
  (event) => {
    if (navigator.onLine) return;
    event.preventDefault(); // sent into nowhere, the browser's own error page would take its place
    event.stopImmediatePropagation();
    warnOffline();
  },
  true,
);
window.addEventListener("online", () => document.body.removeAttribute("data-offline"));
window.addEventListener("load", () => {
  const first = document.querySelector("[aria-invalid=true]");
  if (first) (first.matches("fieldset") ? first.querySelector("input") : first)?.focus();
});

export { openDialog };
