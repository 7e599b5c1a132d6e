// What every page can do: toasts, dialogs, menus, confirmations, times, copies, files. Works by delegation on
// document, so fragments swapped in later need no set-up.
import { duration, relative, say } from "./words.js";

const TONES = { success: "good", error: "bad", warning: "warn", info: "info", good: "good", bad: "bad", warn: "warn" };
const ICONS = { good: "circle-check", bad: "alert-circle", warn: "alert-triangle", info: "info-circle" };

/** Build an icon from the sprite the page already uses. */
export function icon(name, size = 20) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", size === 20 ? "icon" : `icon icon-${size}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite()}#${name}`);
  svg.append(use);
  return svg;
}

const sprite = () => say("sprite");

/** Build an element: make("button", {class: "btn", type: "button"}, "Save"). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== null) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/* ---- toasts -------------------------------------------------------------------------------------------------- */

/** Show a short message. {text|message, tone, undo: {url, label}, retry: fn, seconds}. Errors stay until closed. */
export function toast(options) {
  const { text, message, tone = "good", undo, retry, seconds } = typeof options === "string" ? { text: options } : options;
  const region = document.getElementById("toasts");
  const words = text ?? message;
  if (!region || !words) return null;
  const look = TONES[tone] ?? "info";
  const same = [...region.children].find((shown) => shown.dataset.words === words);
  if (same) same.remove();
  const box = make("div", { class: `toast toast-${look}`, role: look === "bad" ? "alert" : "status" }, icon(ICONS[look]), make("div", { class: "toast-text" }, words));
  box.dataset.words = words;
  if (undo) box.append(action(undo.label ?? say("undo"), () => post(undo.url)));
  if (retry) box.append(action(say("retry"), retry));
  const close = make("button", { type: "button", class: "btn btn-ghost btn-sm btn-icon", "aria-label": say("close") }, icon("x", 16));
  close.addEventListener("click", () => box.remove());
  box.append(close);
  region.append(box);
  lift(region);
  if (look !== "bad" || seconds) fade(box, (seconds ?? (undo ? 10 : 5)) * 1000);
  while (region.children.length > 4) region.firstElementChild.remove();
  return box;

  function action(label, act) {
    const button = make("button", { type: "button", class: "btn btn-sm" }, label);
    button.addEventListener("click", () => {
      box.remove();
      act();
    });
    return button;
  }
}

function fade(box, after) {
  let timer = setTimeout(() => box.remove(), after);
  const stop = () => clearTimeout(timer);
  const go = () => (timer = setTimeout(() => box.remove(), 2500));
  box.addEventListener("mouseenter", stop);
  box.addEventListener("focusin", stop);
  box.addEventListener("mouseleave", go);
  box.addEventListener("focusout", go);
}

/** Keep the region above an open dialog: the top layer hides everything else. */
function lift(region) {
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  const home = open ?? document.body;
  if (region.parentElement !== home) home.append(region);
}

/** POST to a URL with the page's token; HTMX swaps what the answer asks for. */
export function post(url, values = {}) {
  if (window.htmx) return window.htmx.ajax("POST", url, { values, swap: "none" });
  const form = make("form", { method: "post", action: url }, make("input", { type: "hidden", name: "csrfmiddlewaretoken", value: token() }));
  for (const [name, value] of Object.entries(values)) form.append(make("input", { type: "hidden", name, value }));
  document.body.append(form);
  form.submit();
  return Promise.resolve();
}

/** Return the page's CSRF token. */
export function token() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (field) return field.value;
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

/* ---- dialogs and confirmations ------------------------------------------------------------------------------- */

/** Open a native dialog by id and focus its first field. */
export function openDialog(id) {
  const dialog = typeof id === "string" ? document.getElementById(id) : id;
  if (!dialog || dialog.open) return dialog;
  dialog.showModal();
  dialog.querySelector("[autofocus], .dialog-body :is(input, textarea, select):not([type=hidden])")?.focus();
  dialog.dispatchEvent(new CustomEvent("dialog:open", { bubbles: true }));
  dialog.addEventListener("close", () => lift(document.getElementById("toasts") ?? make("div")), { once: true });
  return dialog;
}

/** Ask before something that cannot be undone; resolves to true or false. */
export function confirmAction(question, action = say("confirm"), danger = true) {
  return new Promise((resolve) => {
    const yes = make("button", { class: `btn ${danger ? "btn-danger-solid" : "btn-primary"}`, value: "yes", autofocus: "" }, action);
    const no = make("button", { class: "btn", value: "" }, say("cancel"));
    const form = make("form", { method: "dialog", class: "dialog-body" }, make("p", { class: "prose" }, question), make("div", { class: "dialog-foot" }, no, yes));
    const head = make("header", { class: "dialog-head" }, make("h2", { class: "dialog-title", id: "confirm-title" }, say("confirmTitle")));
    const dialog = make("dialog", { class: "dialog", role: "alertdialog", "aria-labelledby": "confirm-title" }, head, form);
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    openDialog(opener.dataset.dialog);
    return;
  }
  const closer = event.target.closest("[data-close]");
  if (closer) {
    const dialog = closer.closest("dialog");
    if (dialog) {
      event.preventDefault();
      dialog.close();
    }
    return;
  }
  const off = event.target.closest(".alert-close");
  if (off) off.closest(".alert").remove();
  if (event.target instanceof HTMLDialogElement && event.target.open && !event.target.hasAttribute("data-sticky")) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && (event.clientX || event.clientY) && !dirty(event.target)) event.target.close();
  }
});

function dirty(dialog) {
  return [...dialog.querySelectorAll("textarea, input:not([type=hidden], [type=search])")].some((field) => field.value !== field.defaultValue);
}

const confirmed = new WeakSet();
document.addEventListener(
  "click",
  async (event) => {
    const asker = event.target.closest("[data-confirm]");
    if (!asker || confirmed.has(asker)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (await confirmAction(asker.dataset.confirm, asker.dataset.confirmAction ?? asker.textContent.trim())) {
      confirmed.add(asker);
      asker.click();
      confirmed.delete(asker);
    }
  },
  true,
);

/* ---- menus: popovers under their button, arrows move ---------------------------------------------------------- */

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.hasAttribute("data-menu")) return;
    const opener = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
    if (opener) opener.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "open") {
      place(menu, opener);
      menu.querySelector("[aria-pressed=true], [aria-checked=true], .menu-item")?.focus({ preventScroll: true });
    }
  },
  true,
);

function place(menu, opener) {
  if (!opener) return;
  const from = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const [viewWidth, viewHeight] = [window.innerWidth, window.innerHeight];
  const beside = menu.dataset.menuSide === "end" && viewWidth >= 768;
  let left = beside ? from.right + 8 : from.left;
  if (!beside && left + width > viewWidth - 8) left = from.right - width;
  menu.style.left = `${Math.max(8, Math.min(left, viewWidth - width - 8))}px`;
  const up = beside || (from.bottom + height + 12 > viewHeight && from.top > viewHeight / 2);
  menu.style.top = up ? "auto" : `${Math.max(8, Math.min(from.bottom, viewHeight - height - 12))}px`;
  menu.style.bottom = up ? `${Math.max(4, viewHeight - (beside ? from.bottom : from.top))}px` : "auto"; // grows upwards, whatever is filled in later
}

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("[data-menu]");
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const items = [...menu.querySelectorAll(".menu-item:not([disabled])")].filter((item) => item.offsetParent);
  const at = items.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  items.at(next % items.length)?.focus();
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-menu] .menu-item");
  if (item && !item.hasAttribute("data-stay")) setTimeout(() => item.closest("[data-menu]")?.hidePopover?.(), 0);
});

/* ---- tabs inside the page (buttons with aria-controls) --------------------------------------------------------- */

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[role=tab][aria-controls]");
  if (tab) choose(tab);
  const link = event.target.closest("[data-tabs] > a.tab[hx-get]");
  if (link) for (const other of link.parentElement.children) other === link ? other.setAttribute("aria-current", "page") : other.removeAttribute("aria-current");
});

function choose(tab) {
  for (const other of tab.closest("[role=tablist]").querySelectorAll("[role=tab]")) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !on;
  }
}

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  if (!tab || !["ArrowRight", "ArrowLeft"].includes(event.key)) return;
  const all = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
  const next = all.at((all.indexOf(tab) + (event.key === "ArrowRight" ? 1 : -1)) % all.length);
  next.focus();
  choose(next);
});

/* ---- look: theme and density are cookies, so the server paints them at once ------------------------------------- */

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=${value ? 31536000 : 0}; samesite=lax${secure}`;
}

export function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember("cs_theme", theme === "auto" ? "" : theme);
  markLook();
  document.dispatchEvent(new CustomEvent("ui:theme"));
}

function setDensity(density) {
  const root = document.documentElement;
  const next = density === "toggle" ? (root.dataset.density === "compact" ? "" : "compact") : density;
  if (next === "compact") root.dataset.density = next;
  else delete root.dataset.density;
  remember("cs_density", next);
  markLook();
}

function markLook() {
  const theme = document.documentElement.dataset.theme ?? "auto";
  for (const button of document.querySelectorAll("[data-theme-set]")) button.setAttribute("aria-pressed", String(button.dataset.themeSet === theme));
  const compact = document.documentElement.dataset.density === "compact";
  for (const button of document.querySelectorAll("[data-density-set]")) button.setAttribute("aria-pressed", String(compact));
}

document.addEventListener("click", (event) => {
  const theme = event.target.closest("[data-theme-set]");
  if (theme) setTheme(theme.dataset.themeSet);
  const density = event.target.closest("[data-density-set]");
  if (density) setDensity(density.dataset.densitySet);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("ui:theme")));

/* ---- copy, row links, password, files ---------------------------------------------------------------------------- */

document.addEventListener("click", async (event) => {
  const source = event.target.closest("[data-copy]");
  if (source) {
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(source.dataset.copy);
      toast({ text: say("copied"), seconds: 2 });
    } catch {
      toast({ text: say("copyFailed"), tone: "warn" });
    }
    return;
  }
  const row = event.target.closest("[data-href]");
  if (row && !event.target.closest("a, button, input, select, textarea, label, summary") && !String(getSelection())) {
    if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
    else location.assign(row.dataset.href);
  }
});

function showPasswords(root) {
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

/* ---- forms: no double sending, growing text, unsent words are kept -------------------------------------------------- */

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

function restoreDrafts(root) {
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

/* ---- times that stay true ----------------------------------------------------------------------------------------- */

function refreshTimes() {
  const now = new Date();
  for (const time of document.querySelectorAll("time[data-when]")) {
    const words = relative(new Date(time.dateTime), now);
    if (words === null) time.removeAttribute("data-when");
    const next = words ?? time.dataset.abs ?? time.textContent;
    if (next !== time.textContent) time.textContent = next;
  }
  for (const clock of document.querySelectorAll("[data-clock]")) refreshClock(clock, now);
}

function refreshClock(clock, now) {
  const due = new Date(clock.dataset.due);
  const start = clock.dataset.start ? new Date(clock.dataset.start) : null;
  const left = (due - now) / 1000;
  const share = start ? Math.min(1, Math.max(0, (now - start) / (due - start))) : null;
  const words = say(left < 0 ? "over" : "left", { span: duration(left) });
  const text = clock.querySelector(".clock-words");
  if (text) text.textContent = words;
  else clock.setAttribute("aria-label", words);
  if (share !== null) clock.querySelector(".ring-fill")?.setAttribute("stroke-dasharray", `${Math.round(share * 100)} 100`);
  const state = left < 0 ? "late" : share !== null && share >= 0.75 ? "risk" : null;
  if (!state || clock.classList.contains(`clock-${state}`)) return;
  clock.classList.remove("clock-running", "clock-risk");
  clock.classList.add(`clock-${state}`);
  if (state === "late") clock.querySelector("svg.ring")?.replaceWith(icon("alert-triangle", 14));
}
setInterval(refreshTimes, 30_000);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refreshTimes());

/* ---- start, and again for every fragment --------------------------------------------------------------------------- */

function dress(root) {
  showPasswords(root);
  restoreDrafts(root);
  for (const dialog of root.querySelectorAll("dialog[data-open]")) openDialog(dialog);
  for (const area of root.querySelectorAll("textarea[data-autosize]")) autosize(area);
  root.querySelector("[data-focus]")?.focus();
  for (const shown of document.querySelectorAll("#toasts > .toast:not([data-words])")) {
    shown.dataset.words = shown.textContent.trim();
    fade(shown, 6000);
  }
}
document.addEventListener("DOMContentLoaded", () => dress(document));
if (document.readyState !== "loading") dress(document);
document.addEventListener("htmx:load", (event) => event.detail.elt !== document.body && dress(event.detail.elt.parentElement ?? event.detail.elt));
markLook();
