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

/* An answer is never lost to a closed tab or a dead connection. */
window.addEventListener("offline", () => document.body.setAttribute("data-offline", say("offline")));
window.addEventListener("online", () => document.body.removeAttribute("data-offline"));
window.addEventListener("load", () => {
  const first = document.querySelector("[aria-invalid=true]");
  if (first) (first.matches("fieldset") ? first.querySelector("input") : first)?.focus();
});

export { openDialog };
