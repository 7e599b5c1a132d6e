// Files of a message: each is sent at once, with its own progress, its own failure and its own way back.
import { icon, make, toast, token } from "./toasts.js";

/** Send a file to the form's upload address and show it as a chip; words are the composer's. */
export function upload(form, words, file, done = null) {
  const name = file.name && file.name !== "image.png" ? file.name : `screenshot-${new Date().toISOString().slice(11, 19).replaceAll(":", "")}.png`;
  const bar = make("progress", { class: "progress", max: "1", value: "0", "aria-label": `${words.wordsUploading} ${name}` });
  const off = make("button", { type: "button", class: "btn btn-ghost btn-icon btn-xs", "aria-label": `${words.wordsRemove} ${name}`, title: words.wordsRemove }, icon("x", 14));
  const chip = make("span", { class: "file" }, make("span", { class: "file-link" }, make("span", { class: "file-face" }, icon("paperclip")), make("span", { class: "file-name" }, name), bar), off);
  form.querySelector("[data-files]").append(chip);
  const request = new XMLHttpRequest();
  off.addEventListener("click", () => {
    request.abort();
    chip.remove();
  });
  const body = new FormData();
  body.append("file", file, name);
  body.append("csrfmiddlewaretoken", token());
  request.upload.addEventListener("progress", (moved) => moved.lengthComputable && (bar.value = moved.loaded / moved.total));
  request.addEventListener("load", () => {
    let data = {};
    try {
      data = JSON.parse(request.responseText);
    } catch {
      data = {};
    }
    bar.remove();
    if (request.status < 300) {
      chip.append(make("input", { type: "hidden", name: "attachment", value: String(data.id) }));
      done?.(data);
      if ((data.mime ?? "").startsWith("image/")) chip.querySelector(".file-face").replaceChildren(make("img", { src: data.url, alt: "" }));
    } else {
      chip.remove();
      toast({ text: data.errors?.files?.[0] ?? data.title ?? words.wordsFailed, tone: "bad" });
    }
  });
  request.addEventListener("error", () => {
    bar.remove();
    chip.classList.add("has-error");
    const again = make("button", { type: "button", class: "btn btn-xs" }, words.wordsRetry);
    again.addEventListener("click", () => {
      chip.remove();
      upload(form, words, file, done);
    });
    chip.append(again);
  });
  request.open("POST", form.dataset.uploadUrl);
  request.setRequestHeader("Accept", "application/json");
  request.send(body);
}

/** Show a file that is on the server already as a chip of the message. */
export function keep(form, words, { id, name }) {
  if (form.querySelector(`[name=attachment][value="${id}"]`)) return;
  const off = make("button", { type: "button", class: "btn btn-ghost btn-icon btn-xs", "aria-label": `${words.wordsRemove} ${name}`, title: words.wordsRemove }, icon("x", 14));
  const face = make("span", { class: "file-link" }, make("span", { class: "file-face" }, icon("paperclip")), make("span", { class: "file-name" }, name));
  const chip = make("span", { class: "file" }, face, off, make("input", { type: "hidden", name: "attachment", value: String(id) }));
  off.addEventListener("click", () => chip.remove());
  form.querySelector("[data-files]").append(chip);
}
