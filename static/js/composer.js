// The composer: reply and note, drafts kept on the server, canned replies after a slash, files by button, drop or paste.
// A message has a client id: sent twice, it arrives once. Without a connection it waits here and goes out by itself.
import { flush, outbox, send } from "./outbox.js";
import { icon, make, toast, token } from "./ui.js";
import { upload } from "./uploads.js";

const SAVE_AFTER = 800;
const RETRY_AFTER = 5000;
const composers = new WeakMap();

function settle(entry, result) {
  const form = document.querySelector(`#composer[data-ticket="${entry.ticket}"]`);
  if (result.status < 300) {
    toast({ text: result.data.message, tone: "good" });
    composers.get(form)?.sent(entry.id, result.data);
  } else {
    composers.get(form)?.refused(result);
    if (!form) toast({ text: result.data.title, tone: "bad" });
  }
}
window.addEventListener("online", () => flush(settle));
setInterval(() => outbox.all().length && flush(settle), RETRY_AFTER);

/* ---- one composer ------------------------------------------------------------------------------------------------- */

class Composer {
  constructor(form) {
    this.form = form;
    this.text = form.querySelector("textarea");
    this.kindField = form.querySelector("input[type=hidden][name=kind]");
    this.idField = form.querySelector("input[name=client_id]");
    this.seenField = form.querySelector("input[name=seen_version]");
    this.words = Object.fromEntries(Object.entries(form.dataset).filter(([key]) => key.startsWith("words")));
    this.drafts = JSON.parse(form.querySelector("#composer-drafts")?.textContent ?? "{}");
    this.timer = 0;
    this.saved = this.text.value;
    this.busy = false;
    this.canned = form.querySelector("[data-canned]");
    this.listen();
  }

  get kind() {
    return this.kindField.value;
  }

  listen() {
    const { form, text } = this;
    form.addEventListener("submit", (event) => this.submit(event));
    for (const tab of form.querySelectorAll("[data-kind]")) tab.addEventListener("click", () => this.turn(tab.dataset.kind));
    text.addEventListener("input", () => this.typed());
    text.addEventListener("keydown", (event) => this.keys(event));
    text.addEventListener("paste", (event) => this.take([...(event.clipboardData?.files ?? [])], event));
    text.addEventListener("blur", () => this.save());
    form.querySelector("[data-file-input]")?.addEventListener("change", (event) => {
      this.take([...event.target.files]);
      event.target.value = "";
    });
    form.querySelector("[data-canned-open]")?.addEventListener("click", () => this.openCanned(""));
    this.canned.addEventListener("click", (event) => {
      const item = event.target.closest(".canned-item");
      if (item) this.choose(item);
    });
    const pane = form.closest(".pane-main") ?? form;
    pane.addEventListener("dragover", (event) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      form.classList.add("is-drop");
    });
    pane.addEventListener("dragleave", (event) => !pane.contains(event.relatedTarget) && form.classList.remove("is-drop"));
    pane.addEventListener("drop", (event) => {
      form.classList.remove("is-drop");
      this.take([...(event.dataTransfer?.files ?? [])], event);
    });
  }

  /* reply or note: each keeps its own text */
  turn(kind) {
    if (kind !== this.kind) {
      this.save();
      this.drafts[this.kind] = this.text.value;
      this.kindField.value = kind;
      this.text.value = this.drafts[kind] ?? "";
      this.saved = this.text.value;
    }
    const isNote = kind === "note";
    this.form.classList.toggle("is-note", isNote);
    for (const tab of this.form.querySelectorAll("[data-kind]")) tab.setAttribute("aria-pressed", String(tab.dataset.kind === kind));
    this.text.placeholder = isNote ? this.words.wordsNote : this.words.wordsReply;
    this.text.setAttribute("aria-label", this.form.querySelector(`[data-kind="${kind}"]`)?.textContent.trim() ?? "");
    const button = this.form.querySelector("[data-send] > span");
    const labels = this.form.querySelector("[data-send]").dataset;
    if (labels.labelNote) button.textContent = isNote ? labels.labelNote : labels.labelPublic;
    const more = this.form.querySelector("[data-send-more]");
    if (more) more.hidden = isNote;
    this.text.focus();
    this.text.setSelectionRange(this.text.value.length, this.text.value.length);
    this.text.dispatchEvent(new Event("input", { bubbles: false }));
  }

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), SAVE_AFTER);
    this.slash();
  }

  /* ---- drafts */
  async save() {
    clearTimeout(this.timer);
    const value = this.text.value;
    if (value === this.saved || this.busy || !this.form.isConnected) return;
    this.saved = value;
    this.state(this.words.wordsSaving);
    const body = new URLSearchParams({ csrfmiddlewaretoken: token(), kind: this.kind, text: value, seen_version: this.seenField.value });
    try {
      const answer = await fetch(this.form.dataset.draftUrl, { method: "POST", body, keepalive: value.length < 30_000 });
      if (!answer.ok) throw new Error(String(answer.status));
      this.state(value ? this.words.wordsSaved : "");
    } catch {
      this.saved = null;
      this.state("");
    }
  }

  state(words) {
    const place = this.form.querySelector("[data-composer-state]");
    place.textContent = words ?? "";
    clearTimeout(this.stateTimer);
    if (words === this.words.wordsSaved) this.stateTimer = setTimeout(() => (place.textContent = ""), 2500);
  }

  /* ---- keys */
  keys(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (!this.canned.hidden && this.cannedKeys(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      const resolve = event.shiftKey ? this.form.querySelector("[name=then][value=resolved]") : null;
      this.form.requestSubmit(resolve ?? this.form.querySelector("[data-send]"));
    }
  }

  /* ---- canned replies: a slash at the start of a line opens the list */
  slash() {
    const upTo = this.text.value.slice(0, this.text.selectionStart);
    const found = upTo.match(/(?:^|\n)\/([^\s/]{0,30})$/u);
    if (found) this.openCanned(found[1], true);
    else if (this.cannedFrom === "slash") this.closeCanned();
  }

  async openCanned(query, fromSlash = false) {
    this.cannedFrom = fromSlash ? "slash" : "button";
    const asked = (this.cannedAsked = `${query}|${Date.now()}`);
    const answer = await fetch(`${this.form.dataset.cannedUrl}?q=${encodeURIComponent(query)}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok || asked !== this.cannedAsked) return;
    this.canned.innerHTML = await answer.text();
    this.canned.hidden = false;
    this.mark(this.canned.querySelector(".canned-item"));
    if (!fromSlash) this.text.focus();
  }

  closeCanned() {
    this.cannedAsked = "";
    this.canned.hidden = true;
    this.cannedFrom = "";
    this.text.removeAttribute("aria-activedescendant");
  }

  mark(item) {
    for (const other of this.canned.querySelectorAll("[aria-selected]")) other.removeAttribute("aria-selected");
    if (!item) return;
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    this.text.setAttribute("aria-activedescendant", item.id);
  }

  cannedKeys(event) {
    const items = [...this.canned.querySelectorAll(".canned-item")];
    const at = items.findIndex((item) => item.hasAttribute("aria-selected"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.mark(items.at((at + (event.key === "ArrowDown" ? 1 : -1)) % items.length));
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") {
      if (!items[at]) return false;
      this.choose(items[at]);
    } else if (event.key === "Escape") this.closeCanned();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  choose(item) {
    const words = item.dataset.text;
    const caret = this.text.selectionStart;
    const before = this.text.value.slice(0, caret).replace(/(^|\n)\/[^\s/]{0,30}$/u, "$1");
    this.text.focus();
    this.text.setSelectionRange(before.length, caret);
    this.text.setRangeText(words, before.length, caret, "end");
    this.closeCanned();
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
    fetch(item.dataset.used, { method: "POST", body: new URLSearchParams({ csrfmiddlewaretoken: token() }), keepalive: true }).catch(() => {});
  }

  /* ---- files */
  take(files, event) {
    if (!files.length) return;
    event?.preventDefault();
    for (const file of files) upload(this.form, this.words, file);
  }

  /* ---- sending */
  async submit(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (this.busy) {
      this.again = event.submitter; // one more, as soon as this one is through
      return;
    }
    if (this.form.querySelector("[data-files] progress")) return;
    if (!this.text.value.trim() && !this.form.querySelector("[name=attachment]")) {
      this.text.focus();
      return;
    }
    const left = this.kind === "note" || this.anyway ? null : this.text.value.match(/\{(customer_name|order_number|tracking_number|agent_name|shop_name|ticket_number)\}/);
    if (left) {
      const submitter = event.submitter;
      this.alert(`${this.words.wordsLeft} ${left[0]}`, [this.anywayButton(submitter)]);
      this.text.focus();
      this.text.setSelectionRange(left.index, left.index + left[0].length);
      return;
    }
    const fields = [...new FormData(this.form, event.submitter ?? undefined)].filter(([name, value]) => typeof value === "string" && name !== "csrfmiddlewaretoken");
    if (this.anyway) fields.push(["anyway", "1"]);
    const url = this.form.action;
    const id = this.idField.value;
    clearTimeout(this.timer);
    this.pending = { id, kind: this.kind, text: this.text.value };
    this.wait(true);
    try {
      const result = await send(url, fields);
      if (result.status < 300) this.sent(id, result.data);
      else if (result.status >= 500) this.queue({ id, url, fields, ticket: this.form.dataset.ticket });
      else this.refused(result);
    } catch {
      this.queue({ id, url, fields, ticket: this.form.dataset.ticket });
    } finally {
      this.wait(false);
      const again = this.again;
      this.again = undefined;
      if (again !== undefined && this.text.value.trim()) this.form.requestSubmit(again ?? undefined);
    }
  }

  wait(on) {
    this.busy = on;
    this.form.toggleAttribute("aria-busy", on);
    for (const button of this.form.querySelectorAll("[data-send], [name=then]")) button.setAttribute("aria-disabled", String(on));
    this.state(on ? this.words.wordsSending : "");
  }

  queue(entry) {
    outbox.put(entry);
    this.alert(this.words.wordsQueued, []);
    this.form.classList.add("is-queued");
  }

  sent(id, data) {
    if (this.idField.value !== id) return;
    const { kind, text } = this.pending ?? { kind: this.kind, text: this.text.value };
    this.idField.value = crypto.randomUUID();
    this.drafts[kind] = "";
    if (kind === this.kind) {
      // what was typed while the answer was on its way stays
      this.text.value = this.text.value.startsWith(text) ? this.text.value.slice(text.length).replace(/^\n+/u, "") : this.text.value;
      this.saved = "";
    }
    this.anyway = false;
    delete this.form.dataset.stale;
    this.form.classList.remove("is-queued");
    this.form.querySelector("[data-files]").replaceChildren();
    this.alert("", []);
    this.state("");
    this.text.dispatchEvent(new Event("input", { bubbles: false }));
    document.dispatchEvent(new CustomEvent("composer:sent"));
    if (this.text.value) this.seenField.value = String(Number(this.seenField.value) + 1); // our own message is no news
    if (data.next) window.htmx.ajax("GET", data.next, { target: "#conversation", swap: "outerHTML" }).then(() => history.pushState({}, "", data.next));
    else window.htmx.trigger(document.body, "ticketChanged");
  }

  anywayButton(submitter) {
    const button = make("button", { type: "button", class: "btn btn-sm btn-primary" }, this.words.wordsAnyway);
    button.addEventListener("click", () => {
      this.anyway = true;
      this.form.requestSubmit(submitter ?? undefined);
    });
    return button;
  }

  refused({ status, data }) {
    this.form.classList.remove("is-queued");
    if (status === 409 && (data.changes || data.code === "ticket_moved_on")) {
      this.form.dataset.stale = "1";
      window.htmx.trigger(document.body, "ticketChanged");
      const anyway = this.anywayButton(this.form.querySelector("[data-send]"));
      const look = make("button", { type: "button", class: "btn btn-sm" }, this.words.wordsLook);
      look.addEventListener("click", () => {
        const box = document.getElementById("stream");
        box.scrollTop = box.scrollHeight;
        delete this.form.dataset.stale;
        this.seenField.value = document.getElementById("head")?.dataset.version ?? this.seenField.value;
        this.alert("", []);
        this.text.focus();
      });
      this.alert(`${this.words.wordsStale}: ${(data.changes ?? []).map((change) => change.words).filter(Boolean).join(" · ")}`.replace(/: $/, ""), [look, anyway]);
      return;
    }
    const first = Object.values(data.errors ?? {})[0]?.[0];
    this.alert(first ?? data.title ?? this.words.wordsFailed, []);
  }

  alert(words, buttons) {
    const place = this.form.querySelector("[data-composer-alert]");
    place.hidden = !words;
    place.replaceChildren();
    if (words) place.append(make("div", { class: "alert alert-warn" }, icon("alert-triangle"), make("div", { class: "alert-body" }, make("p", {}, words), make("div", { class: "row" }, ...buttons))));
  }
}

function dress() {
  for (const form of document.querySelectorAll("[data-composer]")) if (!composers.has(form)) composers.set(form, new Composer(form));
}
dress();
document.addEventListener("htmx:afterSettle", dress);
window.addEventListener("pagehide", () => {
  for (const form of document.querySelectorAll("[data-composer]")) composers.get(form)?.save();
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id !== "conversation") return;
  for (const form of document.querySelectorAll("[data-composer]")) composers.get(form)?.save();
});
if (outbox.all().length) flush(settle);
