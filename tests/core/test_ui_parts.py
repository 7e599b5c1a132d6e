"""The parts of the design system: words, numbers, escaping, and that they are cheap."""

import re
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django import forms
from django.template import Context, Template
from django.utils import translation

from core import ui
from core.ui.fields import field, form_errors
from core.ui.icons import SPRITE
from core.ui.leaf import CHANNEL_NAMES, FILE_ICONS
from core.ui.looks import CHANNEL_ICONS, LOOKS, TONES

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 21, 6, 5, tzinfo=UTC)  # 14:05 in Shanghai
EVIL = "<img src=x onerror=alert(1)>\"'"


def render(source: str, **context: object) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("1299", "CNY", "¥1,299.00"),
        (Decimal("0.005"), "CNY", "¥0.01"),
        (-128640, "CNY", "−¥128,640.00"),
        (1980, "JPY", "JP¥1,980"),
        (5, "CHF", "CHF 5.00"),
        (None, "CNY", "–"),
        ("", "CNY", "–"),
    ],
)
def test_money(amount: object, currency: str, words: str) -> None:
    assert ui.money(amount, currency) == words  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "chinese", "english"),
    [
        (0, "0", "0"),
        (980, "980", "980"),
        (9999, "9,999", "9,999"),
        (12_345, "1.2万", "12.3k"),
        (20_000, "2万", "20k"),
        (1_284_000, "128万", "1.3M"),
        (340_000_000, "3.4亿", "340M"),
        (None, "–", "–"),
    ],
)
def test_count_uses_the_big_units_of_the_language(number: int | None, chinese: str, english: str) -> None:
    with translation.override("zh-hans"):
        assert ui.count(number) == chinese
    with translation.override("en"):
        assert ui.count(number) == english


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
        (timedelta(days=3, hours=4, minutes=9), "3 d 4 h"),
        (timedelta(days=2, minutes=9), "2 d"),
        (-90, "1 min"),
        (None, "–"),
    ],
)
def test_duration(span: timedelta | int | None, words: str) -> None:
    with translation.override("en"):
        assert ui.duration(span) == words


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+8613812348000", "138****8000"),
        ("13812348000", "138****8000"),
        ("+447700900123", "+447****0123"),
        ("12345", "***45"),
        ("", ""),
        (None, ""),
    ],
)
def test_phone_mask(phone: str | None, masked: str) -> None:
    assert ui.phone_mask(phone) == masked


def test_file_size() -> None:
    assert [ui.file_size(size) for size in (480, 345_000, 3_400_000, 240_000_000, 2_500_000_000, None)] == [
        "480 B",
        "345 kB",
        "3.4 MB",
        "240 MB",
        "2.5 GB",
        "–",
    ]


@pytest.mark.parametrize(
    ("at", "english"),
    [
        (NOW, "just now"),
        (NOW - timedelta(minutes=12), "12 min ago"),
        (NOW - timedelta(hours=5), "5 h ago"),
        (NOW + timedelta(hours=2), "in 2 h"),
        (NOW - timedelta(days=3), "18 Nov 14:05"),
        (NOW - timedelta(days=500), "9 Jul 2025 14:05"),
        (date(2026, 11, 9), "9 Nov"),
    ],
)
def test_when_is_relative_for_a_day_then_a_date(at: datetime | date, english: str) -> None:
    with translation.override("en"):
        assert re.sub("<[^>]+>", "", ui.when(at, now=NOW)) == english


def test_when_in_chinese_and_in_the_companys_zone() -> None:
    with translation.override("zh-hans"):
        html = ui.when(NOW - timedelta(days=3), now=NOW)
    assert html == '<time datetime="2026-11-18T06:05:00+00:00" title="2026年11月18日 14:05:00">11月18日 14:05</time>'


def test_when_of_nothing_is_a_dash() -> None:
    assert "–" in ui.when(None)
    assert "–" in render("{% when missing %}")


@pytest.mark.parametrize(
    ("given", "state", "words"),
    [
        ({"due_at": NOW + timedelta(minutes=42), "started_at": NOW - timedelta(minutes=18)}, "running", "42 min left"),
        ({"due_at": NOW + timedelta(minutes=9), "started_at": NOW - timedelta(minutes=51)}, "risk", "9 min left"),
        ({"due_at": NOW + timedelta(days=9), "fraction": 0.8}, "risk", "9 d left"),
        ({"due_at": NOW - timedelta(minutes=12)}, "late", "over by 12 min"),
        ({"due_at": NOW, "stopped_at": NOW - timedelta(minutes=1)}, "kept", "kept"),
        ({"due_at": NOW, "stopped_at": NOW + timedelta(minutes=3)}, "late", "late by 3 min"),
        ({"due_at": NOW, "paused": True}, "paused", "paused"),
    ],
)
def test_clock_says_its_state_in_words(given: dict[str, object], state: str, words: str) -> None:
    with translation.override("en"):
        html = ui.clock(now=NOW, **given)  # type: ignore[arg-type]
        short = ui.clock(now=NOW, compact=True, **given)  # type: ignore[arg-type]
    assert f"clock-{state}" in html
    assert words in html
    assert f'aria-label="{words}"' in short


def test_clock_without_a_deadline_is_nothing() -> None:
    assert render("{% clock due_at=missing started_at=missing stopped_at=missing %}") == ""


def test_a_stopped_clock_does_not_tick() -> None:
    assert "data-clock" not in ui.clock(NOW, stopped_at=NOW + timedelta(minutes=3), now=NOW)


@pytest.mark.parametrize(
    "html",
    [
        lambda: ui.badge(EVIL, title=EVIL),
        lambda: ui.status(EVIL, EVIL),
        lambda: ui.avatar(EVIL, src=EVIL, tier=EVIL, channel=EVIL),
        lambda: ui.masked(EVIL, EVIL, EVIL),
        lambda: ui.copy_button(EVIL),
        lambda: ui.button(EVIL, href=EVIL, key=EVIL, title=EVIL),
        lambda: ui.file_chip(EVIL, url=EVIL, remove_url=EVIL, thumb=EVIL),
        lambda: ui.steps([{"label": EVIL, "note": EVIL}]),
        lambda: ui.lifeline([{"label": EVIL, "note": EVIL, "at": EVIL}]),
        lambda: ui.story_item("mail", EVIL, meta=EVIL, url=EVIL),
        lambda: ui.progress(1, label=EVIL),
        lambda: ui.icon("x", label=EVIL, cls=EVIL),
        lambda: render("{% card title=e %}{{ e }}{% endcard %}", e=EVIL),
        lambda: render("{% alert title=e %}{{ e }}{% endalert %}", e=EVIL),
        lambda: render("{% dialog e title=e %}{{ e }}{% enddialog %}", e=EVIL),
        lambda: render("{% menu e id=e %}{{ e }}{% endmenu %}", e=EVIL),
        lambda: render("{% empty 'inbox' e e e e %}{% stat e e e e %}{% pager e e e %}", e=EVIL),
        lambda: render("{% tabs items %}", items=[{"label": EVIL, "url": EVIL}]),
        lambda: render("{% chart 'c' o e e %}", e=EVIL, o={"x": EVIL}),
    ],
)
def test_words_from_outside_are_escaped(html) -> None:
    assert "<img src=x" not in html().replace("&lt;", "")


def test_known_words_look_alike_everywhere_and_unknown_ones_stay_plain() -> None:
    assert 'class="badge badge-good"' in ui.status("resolved", "已解决")
    assert 'class="badge badge-neutral"' in ui.status("something_else", "别的")
    with pytest.raises(ValueError, match="unknown tone"):
        ui.register_looks({"x": ("pink", "x")})


def test_avatar_shows_the_family_name_or_initials() -> None:
    assert ">欧<" in ui.avatar("欧阳若曦")
    assert ">MW<" in ui.avatar("Marcus Weber")
    assert ">?<" in ui.avatar("")


def test_avatar_of_nobody_shows_the_channel() -> None:
    face = ui.avatar("", 32, "form")
    assert "avatar-nobody" in face
    assert "icon" in face
    assert ">F<" not in face


def test_sparkline_keeps_gaps() -> None:
    assert ui.sparkline([1, 2, None, 4, 5]).count("<polyline") == 2
    assert "–" in ui.sparkline([None, None])


class TwoFields(forms.Form):
    """A field that is wrong and choices."""

    phone = forms.CharField(label="Phone", help_text="11 digits")
    face = forms.ChoiceField(choices=[("1", "bad"), ("2", "good")], widget=forms.RadioSelect)
    note = forms.CharField(widget=forms.Textarea, required=False)


def test_field_wires_label_help_and_error() -> None:
    form = TwoFields({"phone": "", "face": "1"})
    html = field(form["phone"], inputmode="numeric", autocomplete="tel")
    for part in (
        'for="id_phone"',
        'inputmode="numeric"',
        'autocomplete="tel"',
        'aria-invalid="true"',
        'aria-describedby="id_phone_help id_phone_error"',
        'id="id_phone_error"',
    ):
        assert part in html
    assert "field-optional" not in html
    assert "field-optional" in field(form["note"])


def test_field_keeps_what_was_typed() -> None:
    form = TwoFields({"phone": "13x", "face": "2", "note": "写了很久"})
    assert 'value="13x"' in field(form["phone"])
    assert "写了很久" in field(form["note"])
    assert 'value="2" required id="id_face_1" checked' in field(form["face"], kind="faces") or "checked" in field(
        form["face"], kind="faces"
    )


def test_form_errors_speaks_for_the_form_and_is_silent_when_right() -> None:
    form = TwoFields({})
    form.add_error(None, "Order and phone do not match.")
    assert 'role="alert"' in form_errors(form)
    assert "Order and phone do not match." in form_errors(form)
    assert form_errors(TwoFields({"phone": "1", "face": "1"})) == ""


# ---- what we draw exists ------------------------------------------------------------------------------------------


def sprite_names() -> set[str]:
    return set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static" / SPRITE).read_text(encoding="utf-8")))


def test_every_look_has_its_icon_and_tone() -> None:
    wanted = {look.icon for look in LOOKS.values()} | set(CHANNEL_ICONS.values()) | set(FILE_ICONS.values())
    assert wanted - sprite_names() == set()
    assert {look.tone for look in LOOKS.values()} <= set(TONES)
    assert CHANNEL_NAMES.keys() <= CHANNEL_ICONS.keys()


def test_every_icon_named_in_templates_and_code_is_in_the_sprite() -> None:
    names: dict[str, str] = {}
    for path in [*ROOT.glob("templates/**/*.html"), *ROOT.glob("*/templates/**/*.html")]:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"""{% (?:icon|empty|story_item) ["']([\w-]+)["']""", text) + re.findall(
            r"""{% \w+[^%]*? icon=["']([\w-]+)["']""", text
        ):
            names[name] = str(path.relative_to(ROOT))
    for path in ROOT.glob("*/registrations.py"):
        for name in re.findall(r"""icon=["']([\w-]+)["']""", path.read_text(encoding="utf-8")):
            names[name] = str(path.relative_to(ROOT))
    assert {name: place for name, place in names.items() if name not in sprite_names()} == {}


def test_templates_keep_the_strict_policy() -> None:
    """No inline style, script or handler anywhere: the policy would drop them silently."""
    bad = re.compile(
        r"<[^>]*\s(?:style|on[a-z]+)\s*=|<script(?![^>]*\bsrc=)(?![^>]*application/json)|javascript:", re.IGNORECASE
    )
    found = {}
    for path in ROOT.glob("templates/**/*.html"):
        text = re.sub(r"{#.*?#}|{%.*?%}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        if "/mail" in str(path) or path.parent.name == "messages":
            continue  # mails need inline styles and know no policy
        if match := bad.search(text):
            found[str(path.relative_to(ROOT))] = match.group(0)[:80]
    assert found == {}


def test_vendored_files_are_as_pinned() -> None:
    import hashlib
    import json

    sums = json.loads((ROOT / "static/vendor/SHA256SUMS.json").read_text(encoding="utf-8"))
    assert {
        name for name, digest in sums.items() if hashlib.sha256((ROOT / name).read_bytes()).hexdigest() != digest
    } == set()
    assert all((ROOT / name).parent.joinpath("LICENSE").exists() for name in sums)


def test_fifty_ticket_rows_are_cheap() -> None:
    """The inbox's parts for 50 rows: a budget ten times what they take"
    " on the slowest machine seen, so only a blunder fails."""
    source = Template(
        "{% load ui %}{% for t in rows %}<li><a class='ticket'>{% avatar t.who 32 channel='mail' %}{{"
        " t.who }}{% when t.at now=now %}"
        "{% clock due_at=t.due started_at=t.at now=now compact=True %}{% status 'open' 'Open' %}{{"
        " t.subject }}</a></li>{% endfor %}"
    )
    rows = [
        {
            "who": f"客户 {n}",
            "at": NOW - timedelta(minutes=n),
            "due": NOW + timedelta(hours=1),
            "subject": "保温壶一直没到",
        }
        for n in range(50)
    ]
    source.render(Context({"rows": rows, "now": NOW}))
    best = min(_seconds(source, rows) for _ in range(5))
    assert best < 0.1


def _seconds(source: Template, rows: list[dict[str, object]]) -> float:
    start = time.perf_counter()
    source.render(Context({"rows": rows, "now": NOW}))
    return time.perf_counter() - start
