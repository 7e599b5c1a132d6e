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

/* An answer is never lost to a closed tab or a dead connection. */
window.addEventListener("offline", () => document.body.setAttribute("data-offline", say("offline")));
window.addEventListener("online", () => document.body.removeAttribute("data-offline"));
window.addEventListener("load", () => {
  const first = document.querySelector("[aria-invalid=true]");
  if (first) (first.matches("fieldset") ? first.querySelector("input") : first)?.focus();
});

export { openDialog };
