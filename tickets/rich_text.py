"""What agents type: plain words with a few marks, as plain text and as HTML.

A textarea with marks rather than contenteditable: Chinese input methods, screen readers, the browser's own undo, drafts
and the offline outbox all work on plain text by themselves, and there is no foreign markup to let in.

Marks: `**bold**`, `[words](https://…)`, `![words](file:KEY)` for a picture among the message's files; lines that begin
with "- " or "1. " are lists, with "> " quotations; a blank line ends a paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

INLINE_DOMAIN = "inline"
_BOLD = r"\*\*(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)\*\*"
_PICTURE = r"!\[(?P<alt>[^\]\n]{0,120})\]\(file:(?P<key>[A-Za-z0-9_-]{8,64})\)"
_LINK = r"\[(?P<label>[^\[\]\n]{1,200})\]\((?P<url>(?:https?://|mailto:|tel:)[^\s()<>\"']{1,1000})\)"
_URL = r"(?P<bare>https?://[^\s<>\"'，。；！？、（）】》]+)"
_MARKS = re.compile(f"{_PICTURE}|{_LINK}|{_BOLD}")
_WORDS = re.compile(f"{_PICTURE}|{_LINK}|{_BOLD}|{_URL}")
_KEYS = re.compile(_PICTURE)
_ITEM = re.compile(r"- +\S")
_NUMBER = re.compile(r"\d{1,3}[.、] *\S")
_LINES = re.compile(r"^(?:- +\S|1[.、] *\S|> ?\S)", re.MULTILINE)


def picture_keys(source: str) -> list[str]:
    """Return the keys of the pictures that stand in the text, in order."""
    return list(dict.fromkeys(found["key"] for found in _KEYS.finditer(source)))


def content_id(key: str) -> str:
    """Return the content id under which a picture of ours travels in a mail."""
    return f"{key}@{INLINE_DOMAIN}"


def has_marks(source: str) -> bool:
    """Tell whether there is more than plain words."""
    return _MARKS.search(source) is not None or _LINES.search(source) is not None


def as_text(source: str) -> str:
    """Return the words without marks; lists and quotations read the same in plain text."""

    def plain(found: re.Match[str]) -> str:
        if found["key"]:
            return f"[{found['alt']}]" if found["alt"] else ""
        if found["url"]:
            label, url = found["label"], found["url"].removeprefix("mailto:").removeprefix("tel:")
            return label if label.strip() == url else f"{label} ({url})"
        return found["bold"]

    return _MARKS.sub(plain, source)


def as_html(source: str, *, pictures: Collection[str] = ()) -> SafeString | str:
    """Return the marked words as HTML, "" for plain words; `pictures` are the keys of files that may stand in it."""
    if not has_marks(source):
        return ""
    return format_html_join("", "{}", ((block,) for block in _blocks(source, pictures)))


def _blocks(source: str, pictures: Collection[str]) -> Iterator[SafeString]:
    for paragraph in re.split(r"\n[ \t]*\n", source.strip("\n")):
        lines = paragraph.split("\n")
        run: list[str] = []
        kind = ""
        for line in lines:
            now = _kind(line, kind)
            if now != kind and run:
                yield _block(kind, run, pictures)
                run = []
            kind = now
            run.append(line)
        if run:
            yield _block(kind, run, pictures)


def _kind(line: str, before: str) -> str:
    """Return what a line is; a numbered list begins with 1."""
    if _ITEM.match(line):
        return "ul"
    if _NUMBER.match(line) and (before == "ol" or re.match(r"1[.、]", line)):
        return "ol"
    return "blockquote" if re.match(r"> ?\S", line) or (line == ">" and before == "blockquote") else "p"


def _block(kind: str, lines: list[str], pictures: Collection[str]) -> SafeString:
    if kind in {"ul", "ol"}:
        head = r"- +" if kind == "ul" else r"\d{1,3}[.、] *"
        items = format_html_join("", "<li>{}</li>", ((_words(re.sub(f"^{head}", "", x), pictures),) for x in lines))
        return format_html("<ul>{}</ul>" if kind == "ul" else "<ol>{}</ol>", items)
    if kind == "blockquote":
        lines = [re.sub(r"^> ?", "", line) for line in lines]
        return format_html("<blockquote>{}</blockquote>", _joined(lines, pictures))
    return format_html("<p>{}</p>", _joined(lines, pictures))


def _joined(lines: list[str], pictures: Collection[str]) -> SafeString:
    return format_html_join(SafeString("<br>"), "{}", ((_words(line, pictures),) for line in lines))


def _words(line: str, pictures: Collection[str]) -> SafeString:
    parts: list[SafeString] = []
    end = 0
    for found in _WORDS.finditer(line):
        parts.append(escape(line[end : found.start()]))
        end = found.end()
        if found["key"]:
            known = found["key"] in pictures
            address = f"cid:{content_id(found['key'])}"
            parts.append(format_html('<img src="{}" alt="{}">', address, found["alt"]) if known else escape(""))
        elif found["url"]:
            parts.append(format_html('<a href="{}">{}</a>', found["url"], found["label"]))
        elif found["bare"]:
            parts.append(format_html('<a href="{}">{}</a>', found["bare"], found["bare"]))
        else:
            parts.append(format_html("<strong>{}</strong>", _words(found["bold"], pictures)))
    parts.append(escape(line[end:]))
    return format_html_join("", "{}", ((part,) for part in parts))
