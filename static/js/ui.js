// What every page can do: dialogs, menus, confirmations, tabs, look, copies, times. Works by delegation on
// document, so fragments swapped in later need no set-up.
import { autosize, restoreDrafts, showPasswords } from "./forms.js";
import { fade, icon, lift, make, toast } from "./toasts.js";
import { duration, relative, say } from "./words.js";

export { autosize, unguard } from "./forms.js";
export { icon, make, post, toast, token } from "./toasts.js";

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

/* what a menu fetched when it opened is there now: the arrows go on in it */
document.addEventListener("htmx:afterSettle", () => {
  const menu = document.querySelector("[data-menu]:popover-open");
  if (!menu || menu.contains(document.activeElement)) return;
  place(menu, document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`));
  if (document.activeElement === document.body || document.activeElement?.closest("[data-key-item], [popovertarget]")) menu.querySelector("[aria-pressed=true], .menu-item")?.focus({ preventScroll: true });
});

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

/* a form in a menu sent by Enter or by its own button: the menu has done its work */
document.addEventListener("submit", (event) => {
  const menu = event.target.closest("[data-menu]");
  if (menu) setTimeout(() => menu.hidePopover?.(), 0);
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

/* ---- copy, row links --------------------------------------------------------------------------------------------- */

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
  for (const dialog of root.querySelectorAll("dialog[data-open]")) {
    dialog.removeAttribute("data-open"); // once: closed, it stays closed whatever is loaded beside it
    openDialog(dialog);
  }
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
