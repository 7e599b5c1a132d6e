"""Two starts at the same moment are never told the same port."""

from __future__ import annotations

import subprocess
import sys

from cs_portal.runtime.ports import free_port
from tests.servers import ROOT

ASK = "import sys; from cs_portal.runtime.ports import free_port; print(free_port({}), flush=True); sys.stdin.read()"


def _ask(preferred: int) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", ASK.format(preferred)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate("")


def test_a_promised_port_is_given_to_nobody_else_and_comes_back():
    wanted = free_port()
    first, _ = _ask(0)
    second, port = _ask(wanted)
    _end(first)
    _end(second)
    assert port != wanted  # this process holds it
    third, again = _ask(port)
    fourth, other = _ask(port)
    _end(third)
    _end(fourth)
    assert again == port  # its holder has ended
    assert other != port


def test_the_same_process_may_have_its_port_again():
    port = free_port()
    assert free_port(port) == port
