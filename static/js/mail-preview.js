// Show a template's mail while its words are typed; without script the button beside "Save" does it.
const form = document.querySelector("form[data-preview]");
const now = form?.querySelector("[data-preview-now]");
let timer = 0;

function show() {
  const body = new FormData(form);
  fetch(form.dataset.preview, { method: "POST", body }).then((answer) => {
    // The frame is posted to only when the words can be shown; its own policy comes with the answer.
    if (answer.ok) submitToFrame(body);
  }).catch(() => {});
}

function submitToFrame(body) {
  const ghost = document.createElement("form");
  ghost.method = "post";
  ghost.action = form.dataset.preview;
  ghost.target = "mail-preview";
  ghost.hidden = true;
  for (const [name, value] of body) {
    const field = document.createElement("textarea");
    field.name = name;
    field.value = value;
    ghost.append(field);
  }
  document.body.append(ghost);
  ghost.submit();
  ghost.remove();
}

form?.addEventListener("input", (event) => {
  if (event.isComposing) return;
  clearTimeout(timer);
  timer = setTimeout(show, 500);
});
form?.addEventListener("compositionend", () => {
  clearTimeout(timer);
  timer = setTimeout(show, 500);
});
now?.addEventListener("click", (event) => {
  event.preventDefault();
  show();
});
