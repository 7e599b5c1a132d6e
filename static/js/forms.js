// Forms: no double sending, growing text, unsent words are kept; passwords can be looked at, files are named.
import { icon, make, toast } from "./toasts.js";
import { say } from "./words.js";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post") || form.hasAttribute("data-many")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  unguard(form);
  const button = event.submitter;
  if (button?.classList.contains("btn")) setTimeout(() => button.classList.add("is-busy"), 150);
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll(".btn.is-busy")) button.classList.remove("is-busy");
});

/** Let a textarea grow with its words where the browser does not do it by itself. */
export function autosize(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

const draftName = (form) => `cs.draft.${form.dataset.guard}`;
const draftFields = (form) => [...form.querySelectorAll("textarea, input[type=text], input[type=email], input[type=tel]")].filter((field) => field.name);
const typed = (form) => draftFields(form).some((field) => field.value.trim() && field.value !== field.defaultValue);

/** Forget a form's draft: it was sent. */
export function unguard(form) {
  if (form.dataset.guard) localStorage.removeItem(draftName(form));
  form.dataset.clean = "1";
}

document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.matches?.("textarea[data-autosize]")) autosize(field);
  const form = field.closest?.("form[data-guard]");
  if (!form) return;
  delete form.dataset.clean;
  if (form.dataset.guard) {
    const values = Object.fromEntries(draftFields(form).filter((one) => one.value).map((one) => [one.name, one.value]));
    localStorage.setItem(draftName(form), JSON.stringify(values));
  }
});

/** Put back what was typed and not sent. */
export function restoreDrafts(root) {
  for (const form of root.querySelectorAll("form[data-guard]:not([data-guard=''])")) {
    const kept = localStorage.getItem(draftName(form));
    if (!kept || form.dataset.restored) continue;
    form.dataset.restored = "1";
    let restored = false;
    for (const [name, value] of Object.entries(JSON.parse(kept))) {
      const field = form.elements.namedItem(name);
      if (field && "value" in field && !field.value) {
        field.value = value;
        restored = true;
        if (field.matches("textarea[data-autosize]")) autosize(field);
      }
    }
    if (restored) toast({ text: say("draftKept"), tone: "info", seconds: 3 });
  }
}

window.addEventListener("beforeunload", (event) => {
  const open = [...document.querySelectorAll("form[data-guard]")].some((form) => !form.dataset.clean && typed(form));
  if (open) event.preventDefault();
});

/** Give every password field of a part its eye. */
export function showPasswords(root) {
  for (const field of root.querySelectorAll("input[type=password]:not([data-eye])")) {
    field.dataset.eye = "";
    const button = make("button", { type: "button", class: "btn btn-ghost btn-icon", "aria-label": say("showPassword"), title: say("showPassword") }, icon("eye", 16));
    const box = make("span", { class: "input-with-button" });
    field.replaceWith(box);
    box.append(field, button);
    button.addEventListener("click", () => {
      const hidden = field.type === "password";
      field.type = hidden ? "text" : "password";
      button.replaceChildren(icon(hidden ? "eye-off" : "eye", 16));
      const words = say(hidden ? "hidePassword" : "showPassword");
      button.setAttribute("aria-label", words);
      button.title = words;
    });
  }
}

document.addEventListener("change", (event) => {
  const drop = event.target.closest?.("[data-drop]");
  if (!drop || event.target.type !== "file") return;
  const list = drop.querySelector(".drop-files");
  list.replaceChildren(
    ...[...event.target.files].map((file) => make("span", { class: "badge badge-neutral" }, `${file.name} · ${size(file.size)}`)),
  );
});
for (const [name, on] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(name, (event) => event.target.closest?.("[data-drop]")?.classList.toggle("is-over", on));
}

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
