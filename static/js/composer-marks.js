// Marks in the composer's text, put in so that the browser's own undo takes them back.

/** Replace a range of a text field by words; the caret is behind them. */
export function put(text, words, from, to) {
  text.focus();
  text.setSelectionRange(from, to);
  const done = words ? document.execCommand("insertText", false, words) : document.execCommand("delete");
  if (!done) {
    text.setRangeText(words, from, to, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Put a mark on what is selected: bold, list, quote, link. */
export function mark(text, kind, words) {
  const { selectionStart: from, selectionEnd: to, value } = text;
  const chosen = value.slice(from, to);
  if (kind === "bold") {
    const inner = chosen.trim() || words.wordsLink;
    put(text, `**${inner}**`, from, to);
    text.setSelectionRange(from + 2, from + 2 + inner.length);
  } else if (kind === "link") {
    const isAddress = /^https?:\/\/\S+$/.test(chosen.trim());
    const label = isAddress ? words.wordsLink : chosen.trim() || words.wordsLink;
    const address = isAddress ? chosen.trim() : "https://";
    put(text, `[${label}](${address})`, from, to);
    if (isAddress) text.setSelectionRange(from + 1, from + 1 + label.length);
    else text.setSelectionRange(from + label.length + 3, from + label.length + 3 + address.length);
  } else {
    const sign = kind === "list" ? "- " : "> ";
    const start = value.lastIndexOf("\n", from - 1) + 1;
    const lines = value.slice(start, to).split("\n");
    const off = lines.every((line) => line.startsWith(sign));
    put(text, lines.map((line) => (off ? line.slice(sign.length) : sign + line)).join("\n"), start, to);
  }
}

/** Enter in a list begins the next item, in an empty item it ends the list; true when it did. */
export function continueList(text) {
  const { selectionStart: at, selectionEnd: to, value } = text;
  if (at !== to) return false;
  const start = value.lastIndexOf("\n", at - 1) + 1;
  const found = value.slice(start, at).match(/^(- |> |(\d{1,2})\. )(.*)$/u);
  if (!found) return false;
  if (!found[3].trim()) put(text, "", start, at);
  else put(text, `\n${found[2] ? `${Number(found[2]) + 1}. ` : found[1]}`, at, at);
  return true;
}
