"""Turn a template's words and values into a subject, a plain text and a branded HTML mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import nh3
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from core.ui.colour import contrast, readable
from notifications.errors import BadHeader
from notifications.templates import VARIABLE

SUBJECT_MAX = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_BUTTON = re.compile(r"\[([^\]\n]+)\]\(([^()\s]+)\)")
_LINK = re.compile(r"https?://[^\s<>\"'，。；！？、）】》]+")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LINKED_VALUES = frozenset({"text", "message"})  # an agent's words; a customer's name must not become a link
DEFAULT_COLOUR = "#0F766E"


@dataclass(frozen=True)
class Wording:
    """A subject and a body with variables in them."""

    subject: str
    body: str


@dataclass(frozen=True)
class Frame:
    """What stands around the words: whose shop, which signature, how to stop such mail."""

    shop_name: str = ""
    shop_colour: str = DEFAULT_COLOUR
    shop_url: str = ""
    signature: str = ""
    unsubscribe_url: str = ""
    can_reply: bool = False


@dataclass(frozen=True)
class Rendered:
    """A finished message."""

    subject: str
    text: str
    html: str


def render_message(
    wording: Wording, values: Mapping[str, Any], frame: Frame, language: str, rich: Mapping[str, str] | None = None
) -> Rendered:
    """Fill in the values; those in HTML are escaped, but `rich` ones, which are cleaned.

    Raises BadHeader when the subject would hold a line break.
    """
    known = {name: _clean(value) for name, value in values.items()}
    subject = check_header(_fill(wording.subject, known).strip())[:SUBJECT_MAX]
    blocks = [block for block in map(str.strip, re.split(r"\n[ \t]*\n", _clean(wording.body))) if block]
    blocks = [block for block in blocks if not _is_empty(block, known)]
    text = "\n\n".join(_as_text(block, known) for block in blocks)
    with translation.override(language):
        context = {
            "blocks": [_rich_block(block, rich or {}) or _as_html(block, known) for block in blocks],
            "subject": subject,
            "text": text,
            "frame": frame,
            "language": "en" if language == "en" else "zh-CN",
            "colours": _colours(frame.shop_colour),
        }
        html = render_to_string("notifications/mail.html", context)
        tail = render_to_string("notifications/mail_tail.txt", context).strip("\n")
    return Rendered(subject, f"{text}\n\n{tail}\n" if tail else f"{text}\n", html)


def short_text(body: str, values: Mapping[str, Any]) -> str:
    """Return the words of a message without HTML; paragraphs that are nothing but empty variables are left out."""
    known = {name: _clean(value) for name, value in values.items()}
    blocks = [block for block in map(str.strip, re.split(r"\n[ \t]*\n", _clean(body))) if block]
    return "\n\n".join(_as_text(block, known) for block in blocks if not _is_empty(block, known))


def check_header(value: str) -> str:
    """Return a header's value. Raises BadHeader when it holds a line break or another control character."""
    if _CONTROL.search(value):
        raise BadHeader
    return value


def fill_variables(words: str, values: Mapping[str, Any]) -> str:
    """Put values into one line of words, unknown variables left as they are."""
    return _fill(words, {name: _clean(value) for name, value in values.items()})


def _clean(value: Any) -> str:
    """Return a value as text that can be stored and sent: no lone surrogates, no NUL, plain line ends."""
    text = "" if value is None else str(value)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.encode("utf-8", "replace").decode()


def _fill(words: str, values: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), words)


def _is_empty(block: str, values: Mapping[str, str]) -> bool:
    """Tell whether a block is nothing but variables without a value, or a button without an address."""
    if button := _BUTTON.fullmatch(block):
        return not _safe_url(_fill(button[2], values))
    names = VARIABLE.findall(block)
    return (
        bool(names) and not VARIABLE.sub("", block).strip("\n >-") and not any(values.get(n, n).strip() for n in names)
    )


def _safe_url(url: str) -> str:
    parts = urlsplit(url) if len(url) < 2000 and not _CONTROL.search(url) else urlsplit("")
    return url if parts.scheme in {"http", "https"} and parts.netloc else ""


def _as_text(block: str, values: Mapping[str, str]) -> str:
    if block.startswith("> "):
        words = _fill("\n".join(line.removeprefix(">").removeprefix(" ") for line in block.split("\n")), values)
        return "\n".join(f"> {line}".rstrip() for line in words.split("\n"))

    def linked(found: re.Match[str]) -> str:
        url = _safe_url(_fill(found[2], values))
        return f"{_fill(found[1], values)}\n{url}" if found[0] == block else f"{_fill(found[1], values)} ({url})"

    # Links first, on the template's own words: what a customer typed is never read as markup.
    parts, end = [], 0
    for found in _BUTTON.finditer(block):
        parts += [_fill(block[end : found.start()], values), linked(found)]
        end = found.end()
    return "".join([*parts, _fill(block[end:], values)])


def _rich_block(block: str, rich: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the HTML of a paragraph that is one rich variable and nothing else, None for any other."""
    found = VARIABLE.fullmatch(block)
    html = rich.get(found[1], "") if found else ""
    return {"kind": "rich", "html": SafeString(clean_rich(html))} if html else None


def clean_rich(html: str) -> str:
    """Return HTML with nothing but paragraphs, lists, quotations, emphasis, links and the mail's own pictures."""

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            return value if value.lower().startswith("cid:") else None
        return None if value.lower().startswith("cid:") else value

    return nh3.clean(
        html,
        tags={"a", "b", "blockquote", "br", "em", "i", "img", "li", "ol", "p", "strong", "ul"},
        attributes={"a": {"href"}, "img": {"src", "alt"}},
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
    )


def _as_html(block: str, values: Mapping[str, str]) -> dict[str, Any]:
    if button := _BUTTON.fullmatch(block):
        return {"kind": "button", "label": _fill(button[1], values), "url": _safe_url(_fill(button[2], values))}
    lines = block.split("\n")
    if all(line.startswith("> ") for line in lines):
        return {"kind": "quote", "html": _lines([line[2:] for line in lines], values)}
    if all(line.startswith("- ") for line in lines):
        return {"kind": "list", "items": [_inline(line[2:], values) for line in lines]}
    return {"kind": "text", "html": _lines(lines, values)}


def _lines(lines: list[str], values: Mapping[str, str]) -> SafeString:
    return format_html_join(SafeString("<br>"), "{}", ((_inline(line, values),) for line in lines))


def _inline(line: str, values: Mapping[str, str]) -> SafeString:
    parts: list[SafeString] = []
    end = 0
    for found in re.finditer(f"{_BUTTON.pattern}|{VARIABLE.pattern}", line):
        parts.append(escape(line[end : found.start()]))
        if found[1] is not None:
            url = _safe_url(_fill(found[2], values))
            label = _fill(found[1], values)
            parts.append(format_html('<a href="{}">{}</a>', url, label) if url else escape(label))
        else:
            parts.append(_value(found[3], values.get(found[3], found[0])))
        end = found.end()
    parts.append(escape(line[end:]))
    return format_html_join("", "{}", ((part,) for part in parts))


def _value(name: str, value: str) -> SafeString:
    lines = [_linked(line) if name in _LINKED_VALUES else escape(line) for line in value.split("\n")]
    return format_html_join(SafeString("<br>"), "{}", ((line,) for line in lines))


def _linked(line: str) -> SafeString:
    parts: list[SafeString] = []
    end = 0
    for found in _LINK.finditer(line):
        if not _safe_url(found[0]):
            continue
        parts += [escape(line[end : found.start()]), format_html('<a href="{}">{}</a>', found[0], found[0])]
        end = found.end()
    parts.append(escape(line[end:]))
    return format_html_join("", "{}", ((part,) for part in parts))


def _colours(colour: str) -> dict[str, str]:
    """Return the shop's colour, what is readable on it, and the colour as link text on white and on dark."""
    own = colour if _COLOUR.fullmatch(colour) else DEFAULT_COLOUR
    on_own = "#FFFFFF" if contrast(own, "#FFFFFF") >= 4.5 or contrast(own, "#111111") < 4.5 else "#111111"
    return {
        "own": own,
        "on_own": on_own,
        "link": readable(own, "#000000", "#FFFFFF"),
        "link_dark": readable(own, "#FFFFFF", "#1B1E1D"),
    }
