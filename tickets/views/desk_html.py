"""What others wrote, made safe to show: plain text with links, mail HTML without anything that acts or calls home."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import nh3
from django.utils.html import escape, urlize
from django.utils.safestring import SafeString, mark_safe  # allowed: this file is where foreign text becomes safe

TAGS = {
    "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "img", "li", "ol", "p", "pre",
    "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_LINK = re.compile(r"https?://|www\.|@", re.IGNORECASE)
_SIZE = re.compile(r"\d{1,4}")


def safe_text(text: str) -> SafeString:
    """Return plain text as HTML; web addresses become links that open outside."""
    if not _LINK.search(text):
        return escape(text)
    linked = urlize(text, nofollow=True, autoescape=True, trim_url_limit=60)
    return mark_safe(  # allowed: urlize escaped it
        linked.replace("<a href=", '<a target="_blank" rel="noopener noreferrer nofollow" href=').replace(
            ' rel="nofollow">', ">"
        )
    )


def safe_html(html: str, pictures: dict[str, str]) -> SafeString:
    """Return a mail's HTML without scripts, styles, forms or remote pictures.

    `pictures` maps content ids to our own addresses; a picture from elsewhere is left out, since loading it would
    tell its sender that the mail was read.
    """

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if tag == "img" and attribute == "src":
            return pictures.get(unquote(value[4:]).strip("<>")) if value.lower().startswith("cid:") else None
        if attribute in {"width", "height", "colspan", "rowspan"}:
            return value if _SIZE.fullmatch(value) else None
        return value

    cleaned = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}, "img": {"loading": "lazy"}},
    )
    return mark_safe(re.sub(r"<img(?![^>]*\ssrc=)[^>]*>", "", cleaned))  # allowed: nh3 cleaned it


def picture_addresses(files: list[dict[str, Any]] | None, address: Any) -> dict[str, str]:
    """Return content id → address of the inline pictures among a message's files."""
    return {file["cid"].strip("<>"): address(file) for file in files or () if file["cid"]}
