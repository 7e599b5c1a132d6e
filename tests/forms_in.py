"""Read a page's forms as a browser would send them: name -> values, as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

Attrs = list[tuple[str, str | None]]


@dataclass
class Form:
    """One form: where it goes and what it would send untouched."""

    action: str
    method: str
    data: dict[str, list[str]] = field(default_factory=dict)

    def with_values(self, **values: str | list[str]) -> dict[str, list[str]]:
        """Return what is sent when these fields are typed or chosen otherwise."""
        return self.data | {name: [value] if isinstance(value, str) else value for name, value in values.items()}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.form: Form | None = None
        self.select = ""
        self.first_option: str | None = None
        self.area = ""

    def handle_starttag(self, tag: str, attrs: Attrs) -> None:
        told = dict(attrs)
        if tag == "form":
            self.form = Form(told.get("action") or "", (told.get("method") or "get").lower())
            self.forms.append(self.form)
        if self.form is None:
            return
        name = told.get("name") or ""
        if tag == "input" and name and "disabled" not in told:
            kind = told.get("type") or "text"
            if kind in {"checkbox", "radio"} and "checked" not in told:
                return
            if kind not in {"submit", "button", "file", "image"}:
                self.form.data.setdefault(name, []).append(told.get("value") or ("on" if kind == "checkbox" else ""))
        elif tag == "select":
            self.select, self.first_option = name, None
        elif tag == "option" and self.select:
            if "selected" in told:
                self.form.data.setdefault(self.select, []).append(told.get("value") or "")
            elif self.first_option is None:
                self.first_option = told.get("value") or ""
        elif tag == "textarea" and name:
            self.area = name
            self.form.data[name] = [""]

    def handle_data(self, data: str) -> None:
        if self.form is not None and self.area:
            self.form.data[self.area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "textarea" and self.form is not None and self.area:
            self.form.data[self.area][0] = self.form.data[self.area][0].removeprefix("\n")
            self.area = ""
        elif tag == "select" and self.form is not None and self.select:
            if self.select not in self.form.data and self.first_option is not None:
                self.form.data[self.select] = [self.first_option]
            self.select = ""


def forms_in(page: str) -> list[Form]:
    """Return the forms of a page in their order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def form_with(page: str, name: str) -> Form:
    """Return the one posted form of a page that has a field of this name."""
    found = [form for form in forms_in(page) if form.method == "post" and name in form.data]
    assert len(found) == 1, f"{len(found)} forms have a field {name}"
    return found[0]
