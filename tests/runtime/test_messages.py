"""Catalogues of a sample project."""

from __future__ import annotations

import gettext
import json
from pathlib import Path

import pytest

from cs_portal.runtime.messages import (
    CatalogueError,
    compile_all,
    faults,
    gather,
    main,
    missing_under,
    template_messages,
    update,
)

TEMPLATE = """{% load i18n %}
{% translate "Send" %} {% translate 'Post' context "letter" %} {% translate title %}
{% translate "50% off" %}
{{ name|default:_("nobody") }} {% include "x.html" with label=_("Order \\"A\\"") %}
{% blocktranslate trimmed with who=name %}
  Hello
  {{ who }}, 5% more
{% endblocktranslate %}
{% blocktranslate count n=total %}{{ n }} ticket{% plural %}{{ n }} tickets{% endblocktranslate %}
"""
CODE = """from django.utils.translation import gettext_lazy as _, ngettext, pgettext
a = _("Save"); b = ngettext("%d day", "%d days", 3); c = pgettext("verb", "Order")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "shop").mkdir()
    (tmp_path / "templates" / "a.html").write_text(TEMPLATE)
    (tmp_path / "shop" / "views.py").write_text(CODE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text('from gettext import gettext as _\n_("not ours")')
    return tmp_path


EVERYTHING = {
    ("Send", None): None,
    ("Post", "letter"): None,
    ("50%% off", None): None,
    ("nobody", None): None,
    ('Order "A"', None): None,
    ("Hello %(who)s, 5%% more", None): None,
    ("%(n)s ticket", None): "%(n)s tickets",
    ("Save", None): None,
    ("%d day", None): "%d days",
    ("Order", "verb"): None,
}
CHINESE = {
    "Send": "发送",
    "letter\x04Post": "寄出",
    "50%% off": "五折",
    "nobody": "无人",
    'Order "A"': "订单 A",
    "Hello %(who)s, 5%% more": "%(who)s，您好，多 5%%",
    "%(n)s ticket": ["%(n)s 张工单"],
    "Save": "保存",
    "%d day": "%d 天",
    "verb\x04Order": "下单",
}


def test_everything_marked_is_found_and_nothing_else(project: Path) -> None:
    assert gather(project) == EVERYTHING


def test_an_open_block_is_an_error_with_the_file() -> None:
    with pytest.raises(CatalogueError, match=r"a\.html"):
        list(template_messages("{% blocktranslate %}x", "a.html"))


def test_missing_can_be_asked_for_one_folder(project: Path) -> None:
    update(project)
    assert missing_under(project, project / "shop") == ["%d day", "Save", "verb\x04Order"]


def test_fill_completes_both_catalogues_and_they_work(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "zh.json").write_text(json.dumps(CHINESE))
    assert main(["check"], project) == 1
    assert main(["fill", str(project / "zh.json")], project) == 0
    assert main(["check"], project) == 0
    assert missing_under(project, None) == []
    chinese = gettext.translation("django", project / "locale", ["zh_Hans"])
    assert chinese.gettext("Save") == "保存"
    assert chinese.pgettext("letter", "Post") == "寄出"
    assert chinese.ngettext("%d day", "%d days", 3) == "%d 天"
    english = gettext.translation("django", project / "locale", ["en"])
    assert english.ngettext("%(n)s ticket", "%(n)s tickets", 2) == "%(n)s tickets"
    assert compile_all(project) == []


def test_update_twice_writes_the_same_bytes(project: Path) -> None:
    update(project, words={"Save": ["保存"]})
    path = project / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    before = path.read_bytes()
    update(project)
    assert path.read_bytes() == before
    assert b"views.py" not in before


def test_a_vanished_text_keeps_its_translation_until_pruned(project: Path) -> None:
    update(project, words={"Save": ["保存"]})
    (project / "shop" / "views.py").write_text("")
    update(project)
    (project / "shop" / "views.py").write_text(CODE)
    update(project)
    assert "Save" not in missing_under(project, None)
    (project / "shop" / "views.py").write_text("")
    update(project, prune=True)
    (project / "shop" / "views.py").write_text(CODE)
    update(project)
    assert "Save" in missing_under(project, None)


def test_check_names_stale_untranslated_and_damaged_messages(project: Path) -> None:
    words = {key: list(value) if isinstance(value, list) else [str(value)] for key, value in CHINESE.items()}
    update(project, words={**words, "%d day": ["天"]})
    assert [line for line in faults(project) if line.startswith("zh_Hans")] == [
        "zh_Hans: placeholders differ: '%d day' → ('天',)"
    ]
    (project / "shop" / "views.py").write_text(CODE + 'd = _("New")\n')
    assert any("1 messages differ" in line for line in faults(project))
    update(project)
    assert "zh_Hans: not translated: 'New'" in faults(project)
    (project / "shop" / "views.py").write_text(CODE + 'd = _("新的")\n')
    assert any("not English" in line for line in faults(project))


def test_a_damaged_map_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "zh.json").write_text("[]")
    assert main(["fill", str(project / "zh.json")], project) == 2
    assert "expected an object" in capsys.readouterr().err
