"""What bin/up does as a whole, in a process and a folder of its own: the story, an empty company, and how it ends."""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cs_portal.demo.doors import Browser
from cs_portal.runtime.ports import free_port

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
UP = [sys.executable, "-c", "import sys; from cs_portal.runtime.up import main; sys.exit(main(sys.argv[1:]))"]
STEPS = {
    "sign_in", "import", "import_again", "complain", "seen_on_the_desk", "answer", "mail_back", "survey", "board",
}  # fmt: skip
PASSWORD = "晴天慢慢走-2026"


def environment(folder: Path) -> dict[str, str]:
    """Return what a person at a terminal has, nothing of the tests' own servers; temporary folders fall into ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def left_behind(folder: Path) -> list[str]:
    """Return the processes that know of the folder."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and str(folder).encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


def wait_for_none(folder: Path, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while left_behind(folder) and time.monotonic() < end:
        time.sleep(0.1)
    assert left_behind(folder) == []


@contextmanager
def up(folder: Path, *words: str, **user: Any) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Start it; what it says stands in the file. Ends it by Ctrl-C if the test did not."""
    said = folder / f"said-{time.monotonic_ns()}.txt"
    with said.open("w") as out:
        process = subprocess.Popen(
            [*UP, *words], cwd=ROOT, env=environment(folder), stdout=out, stderr=subprocess.STDOUT, text=True, **user
        )
    try:
        yield process, said
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def words_of(process: subprocess.Popen[str], said: Path, wanted: str, seconds: float = 180) -> str:
    """Wait until it said so; returns everything said."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = said.read_text()
        if re.search(wanted, text):
            return text
        assert process.poll() is None, text
        time.sleep(0.1)
    pytest.fail(f"{wanted!r} was not said: {said.read_text()[-2000:]}")


def test_smoke_plays_the_story_prints_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*UP, "--smoke"], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=280, check=False
    )
    facts = json.loads(done.stdout.strip().splitlines()[-1])
    assert (done.returncode, facts["ok"]) == (0, True), (facts, done.stderr[-2000:])
    assert set(facts["steps"]) == STEPS
    assert facts["start_s"] > 0
    assert list(tmp_path.glob("cs-portal-smoke-*")) == []
    wait_for_none(tmp_path)


def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with up(tmp_path, "--smoke") as (process, said):
        end = time.monotonic() + 120
        while not list(tmp_path.glob("cs-portal-smoke-*/postgres/PG_VERSION")):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < end, said.read_text()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 1
    assert list(tmp_path.glob("cs-portal-smoke-*")) == []
    wait_for_none(tmp_path)


def test_an_empty_company_is_set_up_goes_on_and_says_what_stands_in_its_way(tmp_path: Path) -> None:
    var, port = tmp_path / "var", free_port()
    where = ["--empty", "--var", str(var), "--port", str(port)]
    with up(tmp_path, *where) as (process, said):
        text = words_of(process, said, r"Ctrl-C stops")
        found = re.search(r"First steps: (\S+)", text)
        assert found, text
        admin = set_up(f"http://127.0.0.1:{port}", found[1])
        again = subprocess.run([*UP, *where], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True,
                               timeout=60, check=False)  # fmt: skip
        assert again.returncode == 0
        assert f"http://127.0.0.1:{port}" in again.stdout + again.stderr  # it runs already, and says where
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "stopped." in said.read_text()
    wait_for_none(tmp_path)
    with socket.socket() as other:  # somebody else took the port meanwhile
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        done = subprocess.run([*UP, *where], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True,
                              timeout=120, check=False)  # fmt: skip
        assert done.returncode == 1
        assert str(port) in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
    wait_for_none(tmp_path)
    with up(tmp_path, *where) as (process, said):
        words_of(process, said, r"Ctrl-C stops")
        assert admin.get("/desk/").status == 200  # the company, the administrator and even her session are there
        assert admin.get("/welcome/").url.endswith("/desk/") or "/welcome/" not in admin.get("/welcome/").url


def set_up(address: str, link: str) -> Browser:
    """Walk through the wizard, with one slip, as its first administrator."""
    admin = Browser(address)
    assert admin.get("/welcome/").status == 404  # whoever did not read the terminal has no business here
    page = admin.get(link)
    assert page.status == 200
    company = {
        "company": "青竹家居", "timezone": "Asia/Shanghai", "language": "zh-hans", "name": "周敏",
        "email": "zhoumin@qingzhu.example",
    }  # fmt: skip
    slip = admin.post("/welcome/", {**company, "password": "123"})
    assert slip.status == 422
    assert 'value="青竹家居"' in slip.text
    assert admin.post("/welcome/", {**company, "password": PASSWORD}).status == 200
    shop = {"name": "青竹旗舰店", "code": "qingzhu", "currency": "CNY", "color": "#0F766E"}
    assert admin.post("/welcome/", shop).status == 200
    box = {"address": "kefu@qingzhu.example", "name": "青竹客服", "test_to": "zhoumin@qingzhu.example"}
    assert admin.post("/welcome/", box).status == 200
    assert admin.post("/welcome/", {"emails": "ligang@qingzhu.example", "role": "agent"}).status == 200
    done = admin.post("/welcome/", {"preset": "shop", "holidays": "on"})
    assert (done.status, done.url.partition("?")[0]) == (200, f"{address}/desk/")
    return admin


def test_an_ordinary_user_starts_it_too(tmp_path: Path) -> None:
    """As root this gives its rights away first; for anybody else every other test here is the proof already."""
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for place in (tmp_path, *tmp_path.parents):
            if place.owner() == "root" and place.is_relative_to(tmp_path.parents[2]):
                place.chmod(place.stat().st_mode | 0o711)
        try:
            subprocess.run(
                [*UP, "--help"], cwd=ROOT, env=environment(tmp_path), check=True, capture_output=True, **user
            )
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("cannot exist here: the interpreter or the checkout lies where only root may read")
    home = tmp_path / "theirs"
    home.mkdir()
    if user:
        os.chown(home, user["user"], user["group"])
    port = free_port()
    where = ["--empty", "--var", str(home / "var"), "--port", str(port)]
    with up(home, *where, **user) as (process, said):
        words_of(process, said, r"Ctrl-C stops")
        assert Browser(f"http://127.0.0.1:{port}").get("/healthz").status == 200
        assert home.joinpath("var", "postgres").stat().st_uid == (user["user"] if user else os.geteuid())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    wait_for_none(home)
