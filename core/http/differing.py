"""What another person saved while somebody was editing, in the words of the form: label, theirs, yours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext as _

MOST = 200  # characters of a value that are shown


def on_newer(form: forms.Form, now: Mapping[str, Any]) -> list[dict[str, str]]:
    """Put a bound form on the version there is now, what was typed kept; return what differs (see `differences`)."""
    data: Any = form.data
    form.data = data = data.copy()
    data[form.add_prefix("version")] = str(now["version"])
    return differences(form, now)


def differences(form: forms.Form, now: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return {label, theirs, yours} for each field whose typed value differs from what is saved now.

    `form` is bound; `now` is what a fresh form would show (field name -> value). Hidden fields (the version) and
    passwords are left out.
    """
    found: list[dict[str, str]] = []
    for name, field in form.fields.items():
        bound = form[name]
        if name not in now or bound.is_hidden or isinstance(field.widget, forms.PasswordInput):
            continue
        if field.has_changed(now[name], bound.data):
            theirs, yours = words_of(field, now[name]), words_of(field, bound.data)
            found.append({"label": str(bound.label or ""), "theirs": theirs, "yours": yours})
    return found


def words_of(field: forms.Field, value: Any) -> str:
    """Return a field's value as its form says it: a choice by its label, yes or no, "–" for nothing."""
    if isinstance(field, forms.BooleanField):
        return _("Yes") if field.to_python(value) else _("No")
    if value in (None, "", [], ()):
        return "–"
    if isinstance(field, forms.ChoiceField):
        offered: Any = field.choices
        labels = dict(_flat(offered))
        many = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
        between = ", " if (get_language() or "").startswith("en") else "、"
        return between.join(labels.get(str(one), str(one)) for one in many)
    text = str(field.prepare_value(value))
    return text if len(text) <= MOST else f"{text[:MOST]}…"


def _flat(choices: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield from _flat(label)
        else:
            yield str(value), str(label)
