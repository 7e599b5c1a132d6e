// The prepared answer of an incident: one click puts it into the composer, where the agent may still change it.
import { put } from "./composer-marks.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-put-answer]");
  const form = document.querySelector("#composer");
  if (!button || !form) return;
  form.querySelector('.composer-tabs [data-kind="public"]')?.click();
  const text = form.querySelector("textarea");
  text.focus();
  const end = text.value.length;
  put(text, (text.value.trim() ? "\n\n" : "") + button.dataset.putAnswer, end, end);
  text.scrollIntoView({ block: "nearest" });
});
