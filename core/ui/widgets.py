"""The plain form controls as markup, without a template for each attribute of each of their choices.

Django renders a select by one template a choice and another for the attributes of each: the filters of a list cost its
page more than the list. What is not plain (files, dates in parts, chips) goes through Django's templates as before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.safestring import SafeString, mark_safe  # allowed: every value is escaped

from .escaping import esc

Widget = Mapping[str, Any]
_INPUTS = (
    "checkbox", "color", "date", "datetime", "email", "hidden", "input", "number", "password", "search", "tel", "text",
    "time", "url",
)  # fmt: skip


def _said(value: Any) -> str:
    return esc(value if isinstance(value, str) else str(value))


def _attrs(attrs: Mapping[str, Any]) -> str:
    """Return attributes with a space before each; True stands by its name alone, False is left out."""
    return "".join(
        f" {name}" if value is True else f' {name}="{_said(value)}"'
        for name, value in attrs.items()
        if value is not False
    )


def _input(widget: Widget) -> str:
    value = "" if widget["value"] is None else f' value="{_said(widget["value"])}"'
    return f'<input type="{widget["type"]}" name="{_said(widget["name"])}"{value}{_attrs(widget["attrs"])}>'


def _textarea(widget: Widget) -> str:
    value = _said(widget["value"]) if widget["value"] else ""
    return f'<textarea name="{_said(widget["name"])}"{_attrs(widget["attrs"])}>\n{value}</textarea>'


def _option(option: Widget) -> str:
    return f'<option value="{_said(option["value"])}"{_attrs(option["attrs"])}>{_said(option["label"])}</option>'


def _select(widget: Widget) -> str:
    groups = []
    for name, options, _index in widget["optgroups"]:
        inside = "".join(map(_option, options))
        groups.append(f'<optgroup label="{_said(name)}">{inside}</optgroup>' if name else inside)
    return f'<select name="{_said(widget["name"])}"{_attrs(widget["attrs"])}>{"".join(groups)}</select>'


_MADE: dict[str, Callable[[Widget], str]] = {
    **{f"django/forms/widgets/{name}.html": _input for name in _INPUTS},
    "django/forms/widgets/textarea.html": _textarea,
    "django/forms/widgets/select.html": _select,
}


class PlainControls(DjangoTemplates):
    """Django's form renderer, with the plain controls made here."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> SafeString:
        """Return the markup of a control, or whatever else of a form is asked for."""
        make = _MADE.get(template_name)
        if make is None:
            return SafeString(super().render(template_name, context, request))  # its templates escape
        return mark_safe(make(context["widget"]))  # allowed: every value is escaped
