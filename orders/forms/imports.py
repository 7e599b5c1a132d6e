"""Forms of a file import: the file, the matching of its columns, and the start."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from orders.enums import ImportKind
from orders.models import ImportRun, Shop
from orders.services.imports.kinds import KINDS


class UploadForm(forms.Form):
    """What, of which shop, in which file."""

    kind = forms.ChoiceField(label=_("What the file holds"))
    shop = forms.ModelChoiceField(Shop.objects.none(), label=_("Shop"), empty_label=None)
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV in UTF-8 or GB18030, or an Excel workbook (xlsx). Up to 100 MB and 300,000 rows."),
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )

    def __init__(self, *args: Any, shops: Any, kinds: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]
        self.fields["shop"].queryset = shops  # type: ignore[attr-defined]


class MappingForm(forms.Form):
    """What each column means."""

    day_first = forms.TypedChoiceField(
        label=_("A date such as 03/04/2026 is"),
        choices=[("0", _("4 March (month first)")), ("1", _("3 April (day first)"))],
        coerce=lambda value: value == "1",
        required=False,
        empty_value=False,  # type: ignore[arg-type]
    )

    def __init__(self, *args: Any, run: ImportRun, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run = run
        self.fields["day_first"].initial = "1" if run.options.get("day_first") else "0"
        targets = KINDS[ImportKind(run.kind)].targets
        choices = [("", _("– leave out –")), *((key, target.label) for key, target in targets.items())]
        for index, heading in enumerate(run.headings):
            self.fields[f"column_{index}"] = forms.ChoiceField(
                label=heading or _("(no heading)"),
                choices=choices,
                required=False,
                initial=run.columns.get(str(index), ""),
                widget=forms.Select(attrs={"class": "select"}),
            )

    def columns(self) -> dict[str, str]:
        """Return {column index: target} as chosen."""
        return {
            str(index): value
            for index in range(len(self.run.headings))
            if (value := self.cleaned_data.get(f"column_{index}", ""))
        }


class RunForm(forms.Form):
    """Whether recent orders are treated as live."""

    treat = forms.ChoiceField(
        label=_("How to treat the new orders"),
        choices=[
            ("history", _("All as history: no notice, survey or visit follows from them")),
            ("live", _("Those placed from a day on as live: notices and visits follow from them")),
        ],
        initial="history",
        widget=forms.RadioSelect,
    )
    live_from = forms.DateField(label=_("Live from"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone

    def clean(self) -> dict[str, Any]:
        """A day is needed for live, and only then."""
        data = super().clean() or {}
        if data.get("treat") == "live" and not data.get("live_from") and "live_from" not in self.errors:
            self.add_error("live_from", _("Choose the day from which orders are live."))
        return data

    def moment(self) -> datetime | None:
        """Return the first moment of the chosen day in the shop's zone, None for history."""
        day = self.cleaned_data.get("live_from")
        if self.cleaned_data["treat"] != "live" or day is None:
            return None
        return datetime.combine(day, time.min, ZoneInfo(self.zone))
