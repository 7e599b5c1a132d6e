// The composer: reply and note, drafts kept on the server, files by button, drop or paste. It is a textarea with marks:
// Chinese input methods, screen readers and the browser's own undo work on it by themselves.
// A message has a client id: sent twice, it arrives once. Without a connection it waits here and goes out by itself.
import { continueList, mark, put } from "./composer-marks.js";
import { Picker } from "./composer-pickers.js";
import { dropPromise, restorePromise, showPromise } from "./composer-promise.js";
import { flush, outbox, send } from "./outbox.js";
import { icon, make, toast, token } from "./ui.js";
import { keep, upload } from "./uploads.js";

const SAVE_AFTER = 800;
const RETRY_AFTER = 5000;
const composers = new WeakMap();

function settle(entry, result) {
  const form = document.querySelector(`#composer[data-ticket="${entry.ticket}"]`);
  if (result.status < 300) {
    if (!result.data.held || !composers.get(form)) toast({ text: result.data.message, tone: "good" });
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
    this.drafts = JSON.parse(form.dataset.drafts || "{}");
    this.timer = 0;
    this.saved = this.text.defaultValue;
    this.busy = false;
    this.snapshotField = form.querySelector("input[name=seen]");
    this.picker = new Picker(this);
    this.listen();
    restorePromise(form);
  }

  get kind() {
    return this.kindField.value;
  }

  listen() {
    const { form, text } = this;
    form.addEventListener("submit", (event) => this.submit(event));
    for (const tab of form.querySelectorAll("[data-kind]")) tab.addEventListener("click", () => this.turn(tab.dataset.kind));
    text.addEventListener("input", (event) => this.typed(event));
    text.addEventListener("keydown", (event) => this.keys(event));
    text.addEventListener("compositionend", () => this.typed());
    text.addEventListener("paste", (event) => this.take([...(event.clipboardData?.files ?? [])], event, true));
    text.addEventListener("blur", () => this.save());
    form.querySelector("[data-file-input]")?.addEventListener("change", (event) => {
      this.take([...event.target.files]);
      event.target.value = "";
    });
    form.querySelector("[data-canned-open]")?.addEventListener("click", () => this.picker.open("canned", ""));
    form.querySelector("[data-macros-open]")?.addEventListener("click", () => this.picker.open("macros", ""));
    for (const button of form.querySelectorAll("[data-mark]")) button.addEventListener("click", () => mark(text, button.dataset.mark, this.words));
    form.querySelector("[data-preview-open]")?.addEventListener("click", (event) => this.preview(event.currentTarget));
    form.querySelector("[data-send-at]")?.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // Enter here means this time, not the form's first button
      form.requestSubmit(form.querySelector("[name=send_at][value=chosen]"));
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
      this.take([...(event.dataTransfer?.files ?? [])], event, event.target === text);
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

  typed(event) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), SAVE_AFTER);
    if (!event?.isComposing) this.picker.look();
    this.closePreview();
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
    if (this.picker.keys(event)) return;
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && command) {
      event.preventDefault();
      const resolve = event.shiftKey ? this.form.querySelector("[name=then][value=resolved]") : null;
      this.form.requestSubmit(resolve ?? this.form.querySelector("[data-send]"));
    } else if (event.key.toLowerCase() === "b" && command && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      mark(this.text, "bold", this.words);
    } else if (event.key === "Enter" && !event.shiftKey && !event.altKey && continueList(this.text)) event.preventDefault();
  }

  /* ---- a macro: its words are in the text, its steps above it */
  useMacro(item) {
    if (item.dataset.kind !== this.kind && this.form.querySelector(`[data-kind="${item.dataset.kind}"]`)) this.turn(item.dataset.kind);
    this.form.querySelector("[name=macro]").value = item.dataset.macro;
    this.form.querySelector("[name=macro_version]").value = item.dataset.version;
    const off = make("button", { type: "button", class: "btn btn-ghost btn-icon btn-xs", "aria-label": this.words.wordsDropMacro, title: this.words.wordsDropMacro }, icon("x", 14));
    off.addEventListener("click", () => this.dropMacro());
    const bar = this.form.querySelector("[data-macro-bar]");
    bar.replaceChildren(icon("wand", 16), make("span", { class: "strong" }, item.dataset.title), item.querySelector(".macro-steps").cloneNode(true), off);
    bar.hidden = false;
    if (item.dataset.text) put(this.text, item.dataset.text, 0, this.text.value.length);
    this.text.focus();
  }

  dropMacro() {
    this.form.querySelector("[name=macro]").value = this.form.querySelector("[name=macro_version]").value = "";
    const bar = this.form.querySelector("[data-macro-bar]");
    bar.hidden = true;
    bar.replaceChildren();
  }

  /* ---- how it will read */
  async preview(button) {
    const place = this.form.querySelector("[data-preview]");
    if (!place.hidden) {
      this.closePreview();
      return;
    }
    const body = new URLSearchParams({ csrfmiddlewaretoken: token(), text: this.text.value });
    const answer = await fetch(this.form.dataset.previewUrl, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) return;
    place.innerHTML = await answer.text();
    place.hidden = false;
    button.setAttribute("aria-pressed", "true");
  }

  closePreview() {
    const place = this.form.querySelector("[data-preview]");
    if (place.hidden) return;
    place.hidden = true;
    this.form.querySelector("[data-preview-open]").setAttribute("aria-pressed", "false");
  }

  /* ---- files */
  take(files, event, intoText = false) {
    if (!files.length) return;
    event?.preventDefault();
    for (const file of files) {
      const isPicture = intoText && /^image\/(png|jpeg|gif|webp)$/.test(file.type);
      upload(this.form, this.words, file, isPicture ? (data) => this.picture(data) : null);
    }
  }

  /* a pasted or dropped picture stands where the caret is */
  picture(data) {
    const words = `![${this.words.wordsPicture}](file:${data.key})`;
    const { selectionStart: at, value } = this.text;
    const before = at && value[at - 1] !== "\n" ? "\n" : "";
    put(this.text, `${before}${words}\n`, at, this.text.selectionEnd);
  }

  /* ---- taken back: the words and files are here again */
  back(held) {
    if (this.busy) {
      this.returned = held; // the page shows it already, and its own sending is not through: that would clear the text again
      return;
    }
    const { kind, text, files, promise } = held;
    if (kind !== this.kind) this.turn(kind);
    const begun = this.text.value;
    if (!begun.startsWith(text)) this.text.value = [text, begun].filter((part) => part.trim()).join("\n\n");
    if (promise) showPromise(this.form, promise);
    for (const file of files ?? []) keep(this.form, this.words, file);
    this.text.focus();
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
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
    if (!this.text.value.trim() && !this.form.querySelector("[name=attachment]") && !this.form.querySelector("[name=macro]").value) {
      this.text.focus();
      return;
    }
    const left = this.kind === "note" || this.leftOpen ? null : this.text.value.match(/\{(customer_name|order_number|tracking_number|agent_name|shop_name|ticket_number)\}/);
    if (left) {
      const submitter = event.submitter;
      this.alert(`${this.words.wordsLeft} ${left[0]}`, [this.anywayButton(submitter, () => (this.leftOpen = true))]);
      this.text.focus();
      this.text.setSelectionRange(left.index, left.index + left[0].length);
      return;
    }
    const fields = [...new FormData(this.form, event.submitter ?? undefined)].filter(([name, value]) => typeof value === "string" && name !== "csrfmiddlewaretoken");
    this.lastSubmitter = event.submitter;
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
      const { again, returned } = this;
      this.again = this.returned = undefined;
      if (returned) this.back(returned);
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
    this.leftOpen = false;
    this.dropMacro();
    if (kind !== "note") dropPromise(this.form);
    this.closePreview();
    if (data.held) toast({ text: data.message, tone: "good", undo: { url: data.held.undo, label: data.held.label }, seconds: data.held.why === "undo" ? Math.max(data.held.seconds, 1) : 8 });
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

  /* sent again knowing what was shown, and nothing newer */
  anywayButton(submitter, prepare) {
    const button = make("button", { type: "button", class: "btn btn-sm btn-primary" }, this.words.wordsAnyway);
    button.addEventListener("click", () => {
      prepare();
      this.form.requestSubmit(submitter ?? undefined);
    });
    return button;
  }

  knows({ version, snapshot }) {
    if (version) this.seenField.value = String(version);
    if (snapshot) this.snapshotField.value = snapshot;
  }

  refused({ status, data }) {
    this.form.classList.remove("is-queued");
    if (status === 409 && (data.changes || data.code === "ticket_moved_on")) {
      this.form.dataset.stale = "1";
      window.htmx.trigger(document.body, "ticketChanged");
      const anyway = this.anywayButton(this.lastSubmitter ?? this.form.querySelector("[data-send]"), () => this.knows(data.context ?? {}));
      const look = make("button", { type: "button", class: "btn btn-sm" }, this.words.wordsLook);
      look.addEventListener("click", () => {
        const box = document.getElementById("stream");
        box.scrollTop = box.scrollHeight;
        delete this.form.dataset.stale;
        this.knows(data.context ?? {});
        this.alert("", []);
        this.text.focus();
      });
      this.alert(`${this.words.wordsStale}: ${(data.changes ?? []).map((change) => change.words).filter(Boolean).join(" · ")}`.replace(/: $/, ""), [look, anyway]);
      return;
    }
    if (data.code === "fields_missing") {
      const fill = make("button", { type: "button", class: "btn btn-sm btn-primary" }, this.words.wordsFill);
      fill.addEventListener("click", () => window.htmx.ajax("GET", this.words.wordsFieldsUrl.replace("then=resolve", "then="), { target: "#ask", swap: "innerHTML" }));
      this.alert(data.title, [fill]);
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
/* an answer taken back, here or in the stream, comes home to its ticket's composer */
document.addEventListener("heldBack", (event) => {
  const form = document.querySelector(`#composer[data-ticket="${event.detail.ticket}"]`);
  composers.get(form)?.back(event.detail);
});
document.addEventListener("fieldsFilled", () => document.getElementById("ask")?.replaceChildren());
if (outbox.all().length) flush(settle);
