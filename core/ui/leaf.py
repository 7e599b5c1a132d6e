"""Small parts as plain functions: cheap enough for every row of a long list. All return safe markup."""

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, gettext_lazy, pgettext

from .escaping import esc
from .icons import icon as glyph_of
from .looks import CHANNEL_ICONS, look_of
from .numbers import file_size
from .times import when

CHANNEL_NAMES = {
    "mail": gettext_lazy("Mail"),
    "email": gettext_lazy("Mail"),
    "form": gettext_lazy("Web form"),
    "web": gettext_lazy("Web form"),
    "chat": gettext_lazy("Chat"),
    "phone": gettext_lazy("Phone call"),
    "call": gettext_lazy("Phone call"),
    "wechat": gettext_lazy("WeChat"),
    "sms": gettext_lazy("Text message"),
    "api": gettext_lazy("API"),
    "walkin": gettext_lazy("In the shop"),
    "import": gettext_lazy("Import"),
    "note": gettext_lazy("Internal note"),
    "system": gettext_lazy("System"),
}
FILE_ICONS = {
    "image": "photo",
    "pdf": "file-text",
    "sheet": "file-spreadsheet",
    "zip": "file-zip",
    "video": "video",
    "file": "file",
}
HUES = 8


def badge(text: object, tone: str = "neutral", icon: str = "", title: str = "") -> SafeString:
    """Render a pill of one or two words."""
    glyph = glyph_of(icon, 14) if icon else ""
    hint = f' title="{esc(title)}"' if title else ""
    return mark_safe(f'<span class="badge badge-{tone}"{hint}>{glyph}{esc(text)}</span>')


def status(code: str, label: object = "", tone: str = "", icon: str = "") -> SafeString:
    """Render a state word with the tone and icon it has everywhere (core/ui/looks.py)."""
    look = look_of(code)
    return badge(label or code, tone or look.tone, icon or look.icon)


def dot(tone: str, label: object = "", show: bool = True) -> SafeString:
    """Render a coloured dot with its word; show=False keeps the word for screen readers and the title."""
    words = esc(label)
    if show:
        return mark_safe(f'<span class="dotted"><span class="dot dot-{tone}"></span>{words}</span>')
    return mark_safe(f'<span class="dot dot-{tone}" role="img" aria-label="{words}" title="{words}"></span>')


def channel(code: str, size: int = 16) -> SafeString:
    """Render a channel's glyph, named for screen readers."""
    return _channel(code, size, get_language() or "")


@lru_cache(maxsize=256)
def _channel(code: str, size: int, language: str) -> SafeString:
    name = CHANNEL_NAMES.get(code, code)
    return mark_safe(
        '<span class="channel"'
        f' title="{esc(name)}">{glyph_of(CHANNEL_ICONS.get(code, "message"), size, str(name))}</span>'
    )


channel_glyph = channel


def avatar(name: str, size: int = 32, channel: str = "", src: str = "", tier: str = "") -> SafeString:
    """Render a picture or one or two letters on the name's own hue; a channel glyph sits at its foot.

    Nobody's name is no letter: then the channel's glyph is the face.
    """
    text = str(name or "").strip()
    if channel and not (text or src):
        return mark_safe(
            f'<span class="avatar avatar-{size} avatar-nobody">{channel_glyph(channel, size // 2 + 2)}</span>'
        )
    text = text or "?"
    hue = zlib.crc32(text.encode()) % HUES
    if src:
        face = f'<img src="{esc(src)}" alt="" width="{size}" height="{size}" loading="lazy">'
    else:
        face = f'<span aria-hidden="true">{esc(initials(text))}</span>'
    foot = f'<span class="avatar-channel">{channel_glyph(channel, 14)}</span>' if channel else ""
    ring = f" avatar-tier avatar-{esc(tier)}" if tier and tier != "standard" else ""
    return mark_safe(f'<span class="avatar avatar-{size} hue-{hue}{ring}">{face}{foot}</span>')


def initials(name: str) -> str:
    """Return the family name of a Chinese name, else the first letters of two words."""
    if not name[0].isascii():
        return name[0]
    words = [word for word in name.replace("@", " ").split() if word]
    return "".join(word[0] for word in words[:2]).upper() or name[0].upper()


def masked(value: object, reveal_url: str = "", label: str = "") -> SafeString:
    """Render a hidden value and, with a URL, the button that reveals it (a link without JavaScript)."""
    button = ""
    if reveal_url:
        url, words = esc(reveal_url), esc(label or gettext("Show in full"))
        button = (
            f'<a class="btn btn-ghost btn-icon btn-xs" href="{url}" hx-get="{url}"'
            ' hx-target="closest .masked" hx-swap="outerHTML"'
            f' title="{words}" aria-label="{words}">{glyph_of("eye", 14)}</a>'
        )
    return mark_safe(f'<span class="masked"><span class="num">{esc(value)}</span>{button}</span>')


def copy_button(value: object, label: str = "") -> SafeString:
    words = esc(label or gettext("Copy"))
    return mark_safe(
        '<button type="button" class="btn btn-ghost btn-icon btn-xs"'
        f' data-copy="{esc(value)}" title="{words}" aria-label="{words}">'
        f"{glyph_of('copy', 14)}</button>"
    )


def kbd(keys: str) -> SafeString:
    """Render keys pressed together or after each other: `Ctrl K`, `G I`."""
    return mark_safe("".join(f"<kbd>{esc(key)}</kbd>" for key in str(keys).split()))


def button(
    label: object,
    tone: str = "plain",
    icon: str = "",
    size: str = "md",
    href: str = "",
    type: str = "",
    name: str = "",
    value: object = None,
    key: str = "",
    form: str = "",
    dialog: str = "",
    disabled: bool = False,
    hide_label: bool = False,
    title: str = "",
    cls: str = "",
) -> SafeString:
    """Render a button, or a link that looks like one. `key` is its shortcut, `dialog` the id it opens."""
    classes = f"btn btn-{tone}" + (f" btn-{size}" if size != "md" else "") + (" btn-icon" if hide_label else "")
    attrs = [f'class="{classes}{" " + esc(cls) if cls else ""}"']
    words = esc(label)
    if hide_label:
        attrs.append(f'aria-label="{words}" title="{esc(title) or words}"')
    elif title:
        attrs.append(f'title="{esc(title)}"')
    for attribute, given in (("data-key", key), ("data-dialog", dialog), ("form", form), ("name", name)):
        if given:
            attrs.append(f'{attribute}="{esc(given)}"')
    if value is not None:
        attrs.append(f'value="{esc(value)}"')
    glyph = glyph_of(icon, 16 if size in ("sm", "xs") else 20) if icon else ""
    body = f"{glyph}{'' if hide_label else f'<span>{words}</span>'}"
    if href and not disabled:
        return mark_safe(f'<a href="{esc(href)}" {" ".join(attrs)}>{body}</a>')
    kind = type or ("button" if dialog or not name else "submit")
    return mark_safe(f'<button type="{kind}" {" ".join(attrs)}{" disabled" if disabled else ""}>{body}</button>')


def progress(value: float | None, maximum: float = 100, label: object = "") -> SafeString:
    """Render a native progress bar with its words; None means busy without an end in sight."""
    amount = "" if value in (None, "") else f' value="{value}"'
    words = f'<span class="progress-label">{esc(label)}</span>' if label else ""
    named = f' aria-label="{esc(label or gettext("Progress"))}"'
    return mark_safe(
        f'<span class="progress-box">{words}<progress class="progress"'
        f' max="{maximum}"{amount}{named}></progress></span>'
    )


def bar(value: float, maximum: float, tone: str = "accent", label: object = "") -> SafeString:
    """Render one thin horizontal bar as a share of the maximum."""
    share = max(0.0, min(100.0, 100 * float(value) / float(maximum))) if maximum else 0.0
    named = f'role="img" aria-label="{esc(label)}"' if label else 'aria-hidden="true"'
    return mark_safe(
        f'<svg class="bar tone-{tone}" viewBox="0 0 100 6" preserveAspectRatio="none" {named}>'
        f'<rect class="bar-track" width="100" height="6"/><rect class="bar-fill" width="{share:.1f}" height="6"/></svg>'
    )


def sparkline(
    values: Sequence[float | None], label: object = "", width: int = 96, height: int = 24, tone: str = "accent"
) -> SafeString:
    """Draw a small line; gaps (None) stay gaps, the last value gets a dot."""
    known = [float(value) for value in values if value is not None]
    if not known:
        return mark_safe('<span class="muted">–</span>')
    low, high = min(known), max(known)
    spread = (high - low) or 1.0
    step = (width - 6) / max(len(values) - 1, 1)
    runs: list[list[str]] = [[]]
    last = (0.0, 0.0)
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        last = (3 + index * step, 3 + (height - 6) * (1 - (float(value) - low) / spread))
        runs[-1].append(f"{last[0]:.1f},{last[1]:.1f}")
    lines = "".join(f'<polyline points="{" ".join(run)}"/>' for run in runs if len(run) > 1)
    named = f'role="img" aria-label="{esc(label)}"' if label else 'aria-hidden="true"'
    return mark_safe(
        f'<svg class="sparkline tone-{tone}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" {named}>'
        f'{lines}<circle cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="2.25"/></svg>'
    )


def file_chip(
    name: str, size: int | None = None, url: str = "", kind: str = "file", thumb: str = "", remove_url: str = ""
) -> SafeString:
    """Render an attachment: picture or kind, name, size, and a way to take it off again."""
    face = f'<img src="{esc(thumb)}" alt="" loading="lazy">' if thumb else glyph_of(FILE_ICONS.get(kind, "file"))
    meta = f'<span class="file-size num">{file_size(size)}</span>' if size not in (None, "") else ""
    body = f'<span class="file-face">{face}</span><span class="file-name">{esc(name)}</span>{meta}'
    link = f'<a class="file-link" href="{esc(url)}">{body}</a>' if url else f'<span class="file-link">{body}</span>'
    words = esc(gettext("Remove %(name)s") % {"name": name})
    off = (
        '<button type="button" class="btn btn-ghost btn-icon btn-xs"'
        f' hx-post="{esc(remove_url)}" hx-target="closest .file"'
        f' hx-swap="delete" aria-label="{words}" title="{words}">{glyph_of("x", 14)}</button>'
        if remove_url
        else ""
    )
    return mark_safe(f'<span class="file">{link}{off}</span>')


STEP_ICONS = {"done": "check", "now": "point", "failed": "x"}


def steps(items: Iterable[dict]) -> SafeString:
    """Render progress in words: items of {label, state: done|now|next|failed, at?, note?}."""
    rows = []
    for item in items:
        state = item.get("state", "next")
        mark = glyph_of(STEP_ICONS[state], 16) if state in STEP_ICONS else ""
        current = ' aria-current="step"' if state == "now" else ""
        rows.append(
            f'<li class="step is-{state}"{current}><span class="step-mark">{mark}</span>'
            f'<span class="step-label">{esc(item["label"])}{state_words(state)}</span>{below(item)}</li>'
        )
    return mark_safe(f'<ol class="steps">{"".join(rows)}</ol>')


def lifeline(items: Iterable[dict]) -> SafeString:
    """Render a parcel's line of life, first step first: items of {label, state, at?, note?, icon?}."""
    rows = []
    for item in items:
        state = item.get("state", "next")
        mark = glyph_of(item.get("icon") or STEP_ICONS.get(state, "point"), 16)
        current = ' aria-current="step"' if state == "now" else ""
        rows.append(
            f'<li class="life is-{state}"{current}><span class="life-mark">{mark}</span><span class="life-body">'
            f'<span class="life-label">{esc(item["label"])}{state_words(state)}</span>{below(item)}</span></li>'
        )
    return mark_safe(f'<ol class="lifeline">{"".join(rows)}</ol>')


def state_words(state: str) -> str:
    """Name a step's state for those who do not see its colour."""
    words = {
        "done": pgettext("step", "done"),
        "now": pgettext("step", "now"),
        "next": pgettext("step", "still to come"),
        "failed": pgettext("step", "failed"),
    }
    return f'<span class="sr-only"> ({words[state]})</span>'


def below(item: dict) -> str:
    at, note = item.get("at"), item.get("note")
    parts = (when(at) if isinstance(at, datetime) else esc(at or ""), esc(note or ""))
    words = "".join(f"<span>{part}</span>" for part in parts if part)
    return f'<span class="step-note">{words}</span>' if words else ""


def story_item(
    icon: str,
    text: object,
    at: datetime | None = None,
    tone: str = "",
    meta: object = "",
    url: str = "",
    moment: SafeString | None = None,
) -> SafeString:
    """Render one line of a story: a mark, what happened, when (or `moment`). Put lines into <ol class="story">."""
    words = f'<a href="{esc(url)}">{esc(text)}</a>' if url else esc(text)
    more = f'<span class="story-meta">{esc(meta)}</span>' if meta else ""
    moment = moment if moment is not None else when(at) if at else SafeString("")
    toned = f" tone-{tone}" if tone else ""
    return mark_safe(
        f'<li class="story-item{toned}"><span class="story-mark">{glyph_of(icon, 16)}</span>'
        f'<span class="story-text">{words}{more}</span><span class="story-at">{moment}</span></li>'
    )


def skeleton(kind: str = "lines", rows: int = 3) -> SafeString:
    """Draw the shape of what is on its way: rows, lines, card or chat."""
    piece = {
        "rows": (
            '<span class="bone bone-row"><span class="bone bone-disc"></span><span class="bone-text"><span'
            ' class="bone"></span><span class="bone bone-short"></span></span></span>'
        ),
        "lines": '<span class="bone"></span>',
        "card": '<span class="bone bone-card"></span>',
        "chat": '<span class="bone bone-bubble"></span>',
    }[kind]
    words = gettext("Loading")
    return mark_safe(
        f'<span class="skeleton skeleton-{kind}" role="status" aria-label="{words}">{piece * int(rows)}</span>'
    )


def telephone_link(phone: str, shown: str = "") -> SafeString:
    """Render a number one can tap to call."""
    return mark_safe(f'<a class="num" href="tel:{quote(phone, safe="+")}">{esc(shown or phone)}</a>')
