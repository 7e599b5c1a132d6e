"""The lock files say what pyproject.toml asks for, with hashes and without addresses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OWN = PROJECT["project"]["dependencies"]
DEV = PROJECT["dependency-groups"]["dev"]


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", text, re.M)
    return {canonicalize_name(package): version for package, version in found}


@pytest.mark.parametrize(("lock", "wanted"), [("requirements.lock", OWN), ("requirements-dev.lock", [*OWN, *DEV])])
def test_lock_satisfies_the_project(lock: str, wanted: list[str]) -> None:
    locked = pins(lock)
    wrong = [
        line
        for line in wanted
        for requirement in [Requirement(line)]
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]
    assert wrong == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_names_what_it_serves(lock: str) -> None:
    asked_for = set(re.findall(r"#\s+(?:via )?(cs-portal \(pyproject\.toml(?::dev)?\))", (ROOT / lock).read_text()))
    assert asked_for


def test_developers_have_the_same_versions_and_more() -> None:
    own, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: version for name, version in own.items() if dev.get(name) != version} == {}
    assert len(dev) > len(own)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9_.-]+==)", text, flags=re.M)[1:]
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text
    assert "--index" not in text
