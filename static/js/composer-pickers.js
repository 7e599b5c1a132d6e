// What the composer offers while one types: / canned replies (and 、, the same key in a Chinese input method), @ colleagues
// in a note, # orders; macros by their button. One list box, worked by arrows, Enter and Escape.
import { put } from "./composer-marks.js";
import { token } from "./ui.js";

const TRIGGERS = [
  { type: "canned", only: null, pattern: /(?:^|\n)([/、][^\s/、]{0,30})$/u },
  { type: "people", only: "note", pattern: /(?:^|[^\w.])([@＠][^\s@＠]{0,20})$/u },
  { type: "orders", only: null, pattern: /(?:^|[^\w&])([#＃][\w-]{0,30})$/u },
];

export class Picker {
  constructor(composer) {
    this.composer = composer;
    this.form = composer.form;
    this.text = composer.text;
    this.box = this.form.querySelector("[data-canned]");
    this.asked = "";
    this.typedHere = null;
    this.isStale = false; // what is listed answers an older question
    this.wantsFirst = false; // Enter came before the answer
    this.box.addEventListener("click", (event) => {
      const item = event.target.closest(".canned-item");
      if (item) this.choose(item);
    });
    document.addEventListener("pointerdown", (event) => {
      if (!this.box.hidden && !this.form.contains(event.target)) this.close();
    });
  }

  /* what stands before the caret may ask for a list */
  look() {
    const upTo = this.text.value.slice(0, this.text.selectionStart);
    for (const { type, only, pattern } of TRIGGERS) {
      if (only && only !== this.composer.kind) continue;
      const found = upTo.match(pattern);
      if (!found) continue;
      this.typedHere = { start: upTo.length - found[1].length, length: found[1].length };
      this.open(type, found[1].slice(1), true);
      return;
    }
    if (this.typedHere) this.close();
  }

  async open(type, query, fromText = false) {
    if (!fromText) this.typedHere = null;
    const url = { canned: "cannedUrl", macros: "macrosUrl", people: "peopleUrl", orders: "ordersUrl" }[type];
    const asked = (this.asked = `${type}|${query}|${performance.now()}`);
    this.isStale = true;
    this.wantsFirst = false;
    const answer = await fetch(`${this.form.dataset[url]}?q=${encodeURIComponent(query)}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (asked !== this.asked) return;
    if (!answer?.ok) {
      this.isStale = false;
      return;
    }
    const html = await answer.text();
    if (asked !== this.asked) return;
    this.box.innerHTML = html;
    this.isStale = false;
    const first = this.box.querySelector(".canned-item");
    if (!first && fromText && type !== "canned") {
      this.close(); // a # or @ that leads nowhere is just a character
      return;
    }
    this.box.hidden = false;
    this.mark(first);
    if (!fromText) this.text.focus();
    if (this.wantsFirst && first) this.choose(first);
  }

  close() {
    this.asked = "";
    this.typedHere = null;
    this.box.hidden = true;
    this.text.removeAttribute("aria-activedescendant");
  }

  mark(item) {
    for (const other of this.box.querySelectorAll("[aria-selected]")) other.removeAttribute("aria-selected");
    if (!item) return;
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    this.text.setAttribute("aria-activedescendant", item.id);
  }

  /* true when the key was for the list */
  keys(event) {
    if (this.box.hidden) return false;
    const items = [...this.box.querySelectorAll(".canned-item")];
    const at = items.findIndex((item) => item.hasAttribute("aria-selected"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.mark(items.at((at + (event.key === "ArrowDown" ? 1 : -1)) % items.length));
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") {
      if (!items[at]) return false;
      if (this.isStale) this.wantsFirst = true;
      else this.choose(items[at]);
    } else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  choose(item) {
    if (item.getAttribute("aria-disabled") === "true") return;
    const typed = this.typedHere;
    this.close();
    if (item.dataset.macro) {
      this.composer.useMacro(item);
      return;
    }
    const caret = this.text.selectionStart;
    const from = typed ? typed.start : caret;
    put(this.text, item.dataset.text, from, typed ? Math.max(caret, typed.start + typed.length) : this.text.selectionEnd);
    if (item.dataset.used) this.tell(item.dataset.used, {});
    if (item.dataset.mention) {
      const chosen = document.createElement("input");
      Object.assign(chosen, { type: "hidden", name: "mention", value: item.dataset.mention });
      this.form.append(chosen);
    }
    if (item.dataset.connect) this.tell(item.dataset.connect, { order: item.dataset.order }).then(() => window.htmx.trigger(document.body, "ticketChanged"));
  }

  tell(url, values) {
    const body = new URLSearchParams({ csrfmiddlewaretoken: token(), ...values });
    return fetch(url, { method: "POST", body, keepalive: true, headers: { "HX-Request": "true" } }).catch(() => {});
  }
}
