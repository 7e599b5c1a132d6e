"""{% load ui %}: every part of the design system; see the gallery at /ui/."""

import json
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from core import ui
from core.templatetags import swift
from core.ui import fields
from core.ui.colour import shop_rules
from core.ui.escaping import esc
from core.ui.icons import sprite_url
from core.ui.words import script_words

register = template.Library()
register.tags.update(swift.register.tags)  # so {% load i18n static ui %} ends with these

register.simple_tag(ui.icon)
register.simple_tag(ui.badge)
register.simple_tag(ui.status)
register.simple_tag(ui.dot)
register.simple_tag(ui.channel)
register.simple_tag(ui.avatar)
register.simple_tag(ui.clock)
register.simple_tag(ui.when)
register.simple_tag(ui.rail_link)
register.simple_tag(ui.masked)
register.simple_tag(ui.copy_button, name="copy")
register.simple_tag(ui.kbd)
register.simple_tag(ui.button)
register.simple_tag(ui.progress)
register.simple_tag(ui.bar)
register.simple_tag(ui.sparkline)
register.simple_tag(ui.file_chip)
register.simple_tag(ui.steps)
register.simple_tag(ui.lifeline)
register.simple_tag(ui.story_item)
register.simple_tag(ui.skeleton)
register.simple_tag(ui.money)
register.simple_tag(fields.field)
register.simple_tag(fields.form_errors)

register.filter("money", ui.money)
register.filter("count", ui.count)
register.filter("percent", ui.percent)
register.filter("duration", ui.duration)
register.filter("phone_mask", ui.phone_mask)
register.filter("file_size", ui.file_size)


@register.filter
def when_words(at: Any) -> str:
    """Return the moment as plain words, for text that is not HTML."""
    from django.utils import timezone

    return ui.moment_words(at, now=timezone.now()) if at else ""


@register.inclusion_tag("ui/stat.html")
def stat(
    label: str,
    value: Any,
    unit: str = "",
    target: str = "",
    state: str = "",
    delta: str = "",
    delta_tone: str = "neutral",
    url: str = "",
    n: int | None = None,
    note: str = "",
    trend: list[float | None] | None = None,
    key: str = "",
) -> dict[str, Any]:
    """Show one big number with its target, its change and how many cases it stands on."""
    n = None if n == "" else n
    small = n is not None and 0 < n < 20  # none at all says so itself
    return {**locals()}


@register.inclusion_tag("ui/pager.html")
def pager(prev_url: str = "", next_url: str = "", label: str = "", target: str = "") -> dict[str, str]:
    """Turn keyset pages: newer and older, never a count of pages."""
    return {**locals()}


@register.inclusion_tag("ui/tabs.html")
def tabs(items: list[dict[str, Any]], label: str = "", target: str = "", select: str = "") -> dict[str, Any]:
    """Show links as tabs; with a target, HTMX swaps only the panel."""
    return {**locals()}


@register.inclusion_tag("ui/empty.html")
def empty(
    icon: str,
    title: str,
    text: str = "",
    action_label: str = "",
    action_url: str = "",
    key: str = "",
    action_dialog: str = "",
) -> dict[str, str]:
    """Say why nothing is here and what to do next."""
    return {**locals()}


@register.inclusion_tag("ui/chart.html")
def chart(
    id: str,
    option: dict[str, Any],
    title: str,
    summary: str = "",
    columns: list[str] | None = None,
    rows: list[list[Any]] | None = None,
    height: str = "md",
    show_title: bool = True,
) -> dict[str, Any]:
    """Draw an ECharts option (colours by token name, `@good`), with the same figures as a table."""
    return {**locals()}


@register.simple_tag
def chart_assets() -> SafeString:
    library, module = static("vendor/echarts-6.1.0/echarts.min.js"), static("js/charts.js")
    return mark_safe(f'<script defer src="{library}"></script><script type="module" src="{module}"></script>')


@register.simple_block_tag
def card(
    content: SafeString, title: str = "", icon: str = "", cls: str = "", actions: str = "", id: str = ""
) -> SafeString:
    """Group what belongs together on a raised surface."""
    glyph = ui.icon(icon, 16) if icon else ""
    head = (
        f'<header class="card-head"><h2 class="card-title">{glyph}{esc(title)}</h2>{esc(actions)}</header>'
        if title
        else ""
    )
    named = f' id="{esc(id)}"' if id else ""
    return mark_safe(f'<section class="card {esc(cls)}"{named}>{head}<div class="card-body">{content}</div></section>')


ALERT_ICONS = {
    "info": "info-circle",
    "good": "circle-check",
    "warn": "alert-triangle",
    "bad": "alert-circle",
    "note": "note",
    "neutral": "info-circle",
    "accent": "sparkles",
}


@register.simple_block_tag
def alert(
    content: SafeString, tone: str = "info", title: str = "", icon: str = "", dismiss: bool = False
) -> SafeString:
    """Tell something about this page; bad news is announced."""
    role = "alert" if tone == "bad" else "status"
    head = f'<p class="alert-title">{esc(title)}</p>' if title else ""
    off = ui.button(gettext("Close"), "ghost", "x", "sm", hide_label=True, cls="alert-close") if dismiss else ""
    return mark_safe(
        f'<div class="alert alert-{esc(tone)}" role="{role}">{ui.icon(icon or ALERT_ICONS.get(tone, "info-circle"))}'
        f'<div class="alert-body">{head}{content}</div>{off}</div>'
    )


def popup(content: str, id: str, title: str, classes: str, open: bool) -> SafeString:
    close = ui.button(gettext("Close"), "ghost", "x", "sm", hide_label=True, cls="dialog-close")
    closes = close.replace("<button ", "<button data-close ", 1)
    shown = " data-open" if open else ""
    return mark_safe(
        f'<dialog class="{classes}" id="{esc(id)}"'
        f' aria-labelledby="{esc(id)}-title"{shown}><header class="dialog-head">'
        f'<h2 class="dialog-title" id="{esc(id)}-title">{esc(title)}</h2>{closes}'
        f'</header><div class="dialog-body">{content}</div></dialog>'
    )


@register.simple_block_tag
def dialog(content: SafeString, id: str, title: str, size: str = "md", open: bool = False) -> SafeString:
    """Ask for one thing in front of the page (native dialog; opened by data-dialog=id)."""
    return popup(content, id, title, f"dialog dialog-{esc(size)}", open)


@register.simple_block_tag
def drawer(content: SafeString, id: str, title: str, open: bool = False) -> SafeString:
    """Show more beside the page (opened by data-dialog=id)."""
    return popup(content, id, title, "dialog drawer", open)


@register.simple_block_tag
def menu(
    content: SafeString,
    label: str,
    id: str,
    icon: str = "chevron-down",
    tone: str = "ghost",
    hide_label: bool = False,
    key: str = "",
    size: str = "md",
    cls: str = "",
) -> SafeString:
    """Hang a list of actions under a button (popover; arrows move, Escape closes)."""
    opener = ui.button(label, tone, icon, size, key=key, hide_label=hide_label, cls=f"menu-button {cls}".strip())
    hung = opener.replace("<button ", f'<button popovertarget="{esc(id)}" aria-haspopup="true" ', 1)
    return mark_safe(
        f'<span class="menu-box">{hung}<span class="menu" id="{esc(id)}" popover data-menu'
        f' role="group" aria-label="{esc(label)}">{content}</span></span>'
    )


@register.simple_tag(takes_context=True)
def html_attrs(context: template.Context) -> SafeString:
    """Return lang, theme and density of <html>, as remembered by the visitor's cookies."""
    request = context.get("request")
    cookies = request.COOKIES if request is not None else {}
    theme, density = cookies.get("cs_theme", ""), cookies.get("cs_density", "")
    attrs = f'lang="{"zh-Hans" if (get_language() or "").startswith("zh") else "en"}"'
    if theme in ("light", "dark"):
        attrs += f' data-theme="{theme}"'
    if density == "compact":
        attrs += ' data-density="compact"'
    return mark_safe(attrs)


@register.simple_tag(takes_context=True)
def shop_style(context: template.Context) -> SafeString:
    """Set the shop's colour for this page, in the one style element with a nonce."""
    shop = context.get("shop")
    colour = (shop.get("colour") if isinstance(shop, dict) else getattr(shop, "colour", "")) if shop else ""
    rules = shop_rules(colour or "")
    return mark_safe(f'<style nonce="{esc(context.get("csp_nonce", ""))}">{rules}</style>') if rules else SafeString("")


@register.simple_tag
def ui_words() -> SafeString:
    """Hand the words of the scripts to the page in its language."""
    return _words_for_scripts(get_language(), sprite_url())


@lru_cache(maxsize=8)
def _words_for_scripts(_language: str | None, _sprite: str) -> SafeString:
    return json_script(script_words(), "ui-words")


@register.simple_tag(takes_context=True)
def toasts(context: template.Context) -> SafeString:
    """Hand Django's messages to the toast region; without JavaScript they are plain alerts."""
    tones = {"success": "good", "error": "bad", "warning": "warn"}
    rows = "".join(
        f'<div class="toast toast-{tones.get(m.level_tag, "info")}"'
        f' role="status">{ui.icon(ALERT_ICONS[tones.get(m.level_tag, "info")])}'
        f'<div class="toast-text">{esc(m)}</div></div>'
        for m in context.get("messages") or ()
    )
    return mark_safe(f'<div class="toasts" id="toasts" aria-live="polite">{rows}</div>')


@register.filter
def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
