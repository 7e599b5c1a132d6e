"""One request for all the styles of a shell, however many parts they are written in."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import override_settings

from core.stylesheets import StylesheetFinder, parts, together

ROOT = Path(__file__).resolve().parent.parent.parent
STATIC = ROOT / "static"
SHEETS = ("site", "desk", "public", "track")
HOUSE_LIMIT = 400


def own_files() -> list[Path]:
    return [*(STATIC / "css").rglob("*.css"), *(STATIC / "js").rglob("*.js")]


def test_every_file_keeps_the_house_limit() -> None:
    lengths = {str(path.relative_to(STATIC)): len(path.read_text("utf-8").splitlines()) for path in own_files()}
    assert {name: length for name, length in lengths.items() if length > HOUSE_LIMIT} == {}


def test_every_part_is_in_a_sheet() -> None:
    named = {part for sheet in SHEETS for part in parts(STATIC / f"css/{sheet}.css")}
    assert set((STATIC / "css").rglob("*/*.css")) - named == set()


@pytest.mark.parametrize("sheet", SHEETS)
def test_sheet_holds_its_parts_in_order(sheet: str) -> None:
    source = STATIC / f"css/{sheet}.css"
    text = together(source)
    wanted = re.findall(r'@import "(.+?)"', source.read_text(encoding="utf-8"))
    assert [part.relative_to(STATIC / "css").as_posix() for part in parts(source)] == wanted
    places = [text.index(part.read_text(encoding="utf-8")) for part in parts(source)]
    assert places == sorted(places)
    assert len(text) == sum(len(part.read_text(encoding="utf-8")) + 1 for part in parts(source)) - 1
    assert "@import" not in text


def test_parts_name_no_file_by_its_place() -> None:
    """A part moves up one folder when it becomes part of a sheet: a relative address in it would break."""
    assert [path.name for path in (STATIC / "css").rglob("*/*.css") if "url(" in path.read_text(encoding="utf-8")] == []


def test_parts_close_what_they_open() -> None:
    """A rule left open would swallow the part after it, and nobody would be told."""
    open_ended = []
    for path in (STATIC / "css").rglob("*/*.css"):
        rules = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL).strip()
        depth = [
            rules[: place + 1].count("{") - rules[: place + 1].count("}") for place, c in enumerate(rules) if c == "}"
        ]
        if depth[-1] != 0 or rules[-1] != "}" or (0 in depth[:-1] and rules.count("@layer") == 1):
            open_ended.append(path.name)
    assert open_ended == []


def test_layers_are_ordered_before_any_rule() -> None:
    for sheet in SHEETS:
        rules = re.sub(r"/\*.*?\*/", "", together(STATIC / f"css/{sheet}.css"), flags=re.DOTALL).strip()
        assert rules.startswith("@layer tokens, base, components, layout, page;")


@pytest.mark.parametrize("sheet", SHEETS)
def test_development_is_served_the_whole_sheet(sheet: str) -> None:
    found = finders.find(f"css/{sheet}.css")
    assert Path(found).read_text(encoding="utf-8") == together(STATIC / f"css/{sheet}.css")


def test_a_changed_part_is_served_at_once(tmp_path: Path) -> None:
    css = tmp_path / "css"
    (css / "desk").mkdir(parents=True)
    (css / "desk.css").write_text('/* all */\n@import "desk/rail.css";\n@import "desk/list.css";\n')
    (css / "desk/rail.css").write_text("a{}")
    (css / "desk/list.css").write_text("b{}")
    (css / "alone.css").write_text("c{}")
    finder = StylesheetFinder(tmp_path, tmp_path / "built")
    assert Path(str(finder.find("css/desk.css"))).read_text() == "a{}\nb{}"
    (css / "desk/list.css").write_text("b{color:red}")
    assert finder.find("css/desk.css", find_all=True) == [str(tmp_path / "built/desk.css")]
    assert (tmp_path / "built/desk.css").read_text() == "a{}\nb{color:red}"
    assert [name for name, _ in finder.list(None)] == ["css/desk.css"]
    assert [name for name, _ in finder.list(["css/*"])] == []
    assert [finder.find(path) for path in ("css/alone.css", "css/none.css", "css/desk/rail.css", "../x")] == [[]] * 4


def test_collecting_hashes_the_whole_sheet(tmp_path: Path, settings: Any) -> None:
    storage = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    with override_settings(STATIC_ROOT=tmp_path, STORAGES={**settings.STORAGES, "staticfiles": storage}):
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["vendor", "rest_framework"])
    for sheet in SHEETS:
        (hashed,) = (tmp_path / "css").glob(f"{sheet}.????????????.css")
        assert hashed.read_text(encoding="utf-8") == together(STATIC / f"css/{sheet}.css")


def test_every_shell_asks_for_one_sheet() -> None:
    shells = ("base", "desk/base", "public/base", "auth/base", "errors/base")
    for shell in shells:
        text = (ROOT / f"templates/{shell}.html").read_text(encoding="utf-8")
        assert text.count('rel="stylesheet"') == 1, shell
