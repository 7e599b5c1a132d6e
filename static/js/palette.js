// The palette: one box for tickets, orders, customers, articles and commands. The server answers; a late answer to an
// older question is dropped.
import { post } from "./ui.js";
import { say } from "./words.js";

const dialog = document.getElementById("palette");

if (dialog) {
  const input = dialog.querySelector(".palette-input");
  const list = dialog.querySelector(".palette-list");
  const status = dialog.querySelector(".palette-status");
  let asked = 0;
  let timer = 0;
  let composing = false;
  let isStale = false; // what is listed answers an older question
  let wanted = null; // Enter came before the answer: it opens the first of it

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");

  const choose = (option) => {
    for (const one of options()) one.setAttribute("aria-selected", String(one === option));
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.id ||= `pal-${options().indexOf(option)}`;
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };

  const ask = async () => {
    const number = ++asked;
    const url = `${dialog.dataset.palette}?q=${encodeURIComponent(input.value.trim())}`;
    try {
      const response = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      const html = response.ok ? await response.text() : "";
      if (number !== asked) return;
      list.innerHTML = html; // our own server's fragment: no scripts run from innerHTML, and the policy forbids them
      list.querySelectorAll("[role=option]").forEach((option) => (option.tabIndex = -1));
      window.htmx?.process(list);
      choose(options()[0]);
      isStale = false;
      status.textContent = response.ok ? (options().length ? "" : say("noResults")) : say("failed");
    } catch {
      if (number === asked) status.textContent = say("unreachable");
    }
    if (number !== asked || !wanted) return;
    if (!isStale) open(chosen(), wanted.elsewhere);
    wanted = null;
  };

  const later = () => {
    isStale = true;
    wanted = null;
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  };

  const open = (option, elsewhere) => {
    if (!option) return;
    if (option.dataset.post) {
      dialog.close();
      post(option.dataset.post);
    } else if (option.tagName === "BUTTON" || option.hasAttribute("hx-get") || option.dataset.dialog) {
      dialog.close();
      option.click();
    } else if (elsewhere) window.open(option.href, "_blank", "noopener");
    else location.assign(option.href);
  };

  dialog.addEventListener("dialog:open", () => {
    input.value = "";
    input.focus();
    ask();
  });
  input.addEventListener("compositionstart", () => (composing = true));
  input.addEventListener("compositionend", () => {
    composing = false;
    later();
  });
  input.addEventListener("input", () => composing || later());
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = options();
    const at = all.indexOf(chosen());
    if (event.key === "ArrowDown") choose(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp") choose(all.at(at - 1));
    else if (event.key === "Enter" && isStale) wanted = { elsewhere: event.ctrlKey || event.metaKey };
    else if (event.key === "Enter") open(chosen(), event.ctrlKey || event.metaKey);
    else if (event.key === "Escape") dialog.close(); // a search box would only empty itself first
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option || event.ctrlKey || event.metaKey) return;
    if (option.dataset.post) {
      event.preventDefault();
      open(option);
    } else dialog.close();
  });
}
