"""Form fields: label above, help and errors beside, everything wired for screen readers."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from .escaping import esc
from .icons import icon as glyph_of

FACES = ("mood-angry", "mood-sad", "mood-empty", "mood-smile", "mood-happy")
PASS_THROUGH = (
    "inputmode",
    "autocomplete",
    "placeholder",
    "rows",
    "maxlength",
    "accept",
    "pattern",
    "enterkeyhint",
    "spellcheck",
)


def field(
    bound: BoundField, hint: str = "", icon: str = "", kind: str = "", size: str = "", label: str = "", **extra: Any
) -> SafeString:
    """Render a bound field of any kind.

    `kind` is the look of choices (chips, faces, scale, cards, list); `extra` are HTML attributes of the input.
    """
    if bound.is_hidden:
        return mark_safe(str(bound))
    widget = bound.field.widget
    words = esc(label or bound.label or bound.name)
    help_text = hint or bound.help_text
    help_id, error_id = f"{bound.auto_id}_help", f"{bound.auto_id}_error"
    described = " ".join(i for i, there in ((help_id, help_text), (error_id, bound.errors)) if there)
    below = f'<p class="field-help" id="{help_id}">{esc(help_text)}</p>' if help_text else ""
    below += field_errors(bound, error_id)
    classes = "field" + (" has-error" if bound.errors else "") + (f" field-{size}" if size else "")
    renderer = renderer_for(widget)
    return renderer(bound, words, described, below, classes, kind, icon, html_attrs(bound, described, extra))


def renderer_for(widget: forms.Widget) -> Callable[..., SafeString]:
    if isinstance(widget, (forms.RadioSelect, forms.CheckboxSelectMultiple)):
        return choice_field
    if isinstance(widget, forms.CheckboxInput):
        return checkbox_field
    if isinstance(widget, forms.FileInput):
        return file_field
    return text_field


def html_attrs(bound: BoundField, described: str, extra: dict[str, Any]) -> dict[str, Any]:
    attrs: dict[str, Any] = {
        name: value for name, value in extra.items() if name in PASS_THROUGH and value not in ("", None)
    }
    if extra.get("placeholder") == "":
        attrs["placeholder"] = False  # wanted without one, whatever the form's own widget says
    for name, value in extra.items():
        if name.startswith(("data_", "hx_", "aria_")):
            attrs[name.replace("_", "-")] = value
    if extra.get("autofocus"):
        attrs["autofocus"] = True
    if described:
        attrs["aria-describedby"] = described
    if bound.errors:
        attrs["aria-invalid"] = "true"
    return attrs


def text_field(
    bound: BoundField, words: str, described: str, below: str, classes: str, kind: str, icon: str, attrs: dict
) -> SafeString:
    widget = bound.field.widget
    base = (
        "select" if isinstance(widget, forms.Select) else "textarea" if isinstance(widget, forms.Textarea) else "input"
    )
    attrs["class"] = f"{base} {widget.attrs.get('class', '')}".strip()
    if base == "textarea":
        attrs.setdefault("rows", 4)
        attrs["data-autosize"] = True
    control: str = bound.as_widget(attrs=attrs)
    if icon:
        control = f'<span class="input-icon">{glyph_of(icon, 16)}{control}</span>'
    head = f'<label class="field-label" for="{bound.id_for_label}">{words}{optional_mark(bound)}</label>'
    return mark_safe(f'<div class="{classes}">{head}{control}{below}</div>')


def checkbox_field(
    bound: BoundField, words: str, described: str, below: str, classes: str, kind: str, icon: str, attrs: dict
) -> SafeString:
    attrs["class"] = "switch-input" if kind == "switch" else "check-input"
    control = bound.as_widget(attrs=attrs)
    return mark_safe(
        f'<div class="{classes} field-check"><label class="check">{control}<span'
        f' class="check-label">{words}</span></label>{below}</div>'
    )


def file_field(
    bound: BoundField, words: str, described: str, below: str, classes: str, kind: str, icon: str, attrs: dict
) -> SafeString:
    attrs["class"] = "drop-input"
    control = bound.as_widget(attrs=attrs)
    choose = (
        gettext("Choose or drop files here")
        if bound.field.widget.allow_multiple_selected
        else gettext("Choose or drop a file here")
    )
    return mark_safe(
        f'<div class="{classes}"><label class="field-label"'
        f' for="{bound.id_for_label}">{words}{optional_mark(bound)}</label>'
        f'<div class="drop" data-drop>{glyph_of(icon or "upload", 24)}<span class="drop-words">{choose}</span>{control}'
        f'<span class="drop-files" aria-live="polite"></span></div>{below}</div>'
    )


def choice_field(
    bound: BoundField, words: str, described: str, below: str, classes: str, kind: str, icon: str, attrs: dict
) -> SafeString:
    kind = kind or "list"
    options = [option for option in bound.subwidgets if option.data["value"] not in ("", None)]
    rows = "".join(choice_option(option, index, len(options), kind) for index, option in enumerate(options))
    voice = f' aria-describedby="{described}"' if described else ""
    if bound.errors:
        voice += ' aria-invalid="true"'
    role = ' role="radiogroup"' if isinstance(bound.field.widget, forms.RadioSelect) else ""
    return mark_safe(
        f'<fieldset class="{classes} field-choices"{role}{voice}><legend'
        f' class="field-label">{words}{optional_mark(bound)}</legend>'
        f'<div class="choices choices-{esc(kind)}">{rows}</div>{below}</fieldset>'
    )


def choice_option(option: Any, index: int, total: int, kind: str) -> str:
    face = ""
    if kind == "faces":
        face = glyph_of(FACES[round(index * (len(FACES) - 1) / max(total - 1, 1))], 32)
    return (
        f'<label class="choice choice-{index}" for="{option.id_for_label}">{option.tag()}'
        f'<span class="choice-face">{face}<span class="choice-label">{esc(option.choice_label)}</span></span></label>'
    )


def optional_mark(bound: BoundField) -> str:
    """Say which fields may be left out: most are needed, so only the others are marked."""
    if bound.field.required or getattr(bound.form, "all_optional", False):
        return ""
    return f' <span class="field-optional">{esc(gettext("optional"))}</span>'


def field_errors(bound: BoundField, error_id: str) -> str:
    if not bound.errors:
        return ""
    lines = "".join(f"<span>{esc(error)}</span>" for error in bound.errors)
    return f'<p class="field-error" id="{error_id}">{glyph_of("alert-circle", 16)}<span>{lines}</span></p>'


def form_errors(form: forms.BaseForm) -> SafeString:
    """Render what is wrong with the form as a whole; with only field errors, say that they are marked."""
    if not form.errors:
        return SafeString("")
    lines = [str(error) for error in form.non_field_errors()]
    hidden = [
        f"{name}: {error}"
        for bound in form.hidden_fields()
        for name, errors in ((bound.label, bound.errors),)
        for error in errors
    ]
    shown = lines + hidden or [gettext("Please look at the marked fields. Nothing you typed is lost.")]
    body = "".join(f"<p>{esc(line)}</p>" for line in shown)
    return mark_safe(
        f'<div class="alert alert-bad" role="alert" tabindex="-1" data-focus>{glyph_of("alert-circle")}'
        f'<div class="alert-body">{body}</div></div>'
    )
