"""Children, guardian and supervisor with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cs_portal.runtime.console import Console
from cs_portal.runtime.faults import PortTaken, StartError
from cs_portal.runtime.ports import accepts, free_port, listen
from cs_portal.runtime.processes import Child, Guardian
from cs_portal.runtime.supervisor import BACK_OFF, LOGS_KEPT, Service, Supervisor, rotate

ROOT = Path(__file__).resolve().parents[2]


def is_alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def sleeper(folder: Path, name: str = "sleeper", words: str = "import time; time.sleep(60)") -> Child:
    """Describe a harmless child."""
    return Child(name, [sys.executable, "-S", "-c", words], dict(os.environ), folder, folder / f"{name}.log")


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    keeper = Supervisor(Console(quiet=True))
    yield keeper
    keeper.stop()


def keep(supervisor: Supervisor, child: Child, **more: bool) -> Service:
    service = Service(child, child.start, child.start, **more)
    supervisor.add(service)
    return service


def test_free_port_prefers_the_one_of_last_time() -> None:
    port = free_port()
    assert free_port(port) == port


def test_listen_on_a_taken_port_names_the_port_and_the_way_out() -> None:
    with listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        assert accepts("127.0.0.1", port)
        with pytest.raises(PortTaken, match=rf"Port {port} .*--port {port + 1}"):
            listen("127.0.0.1", port)


def test_listen_on_a_foreign_address_is_explained() -> None:
    with pytest.raises(StartError, match=r"Cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_a_crashed_process_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    service = keep(supervisor, sleeper(tmp_path))
    first = service.child.pid
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: service.child.pid != first and service.child.is_running)
    assert service.crashes == 1


def test_a_process_that_keeps_crashing_is_given_time(supervisor: Supervisor, tmp_path: Path) -> None:
    service = keep(supervisor, sleeper(tmp_path, "crasher", "raise SystemExit(3)"))
    starts: list[float] = []

    def has_started_four_times() -> bool:
        if service.child.started_at not in starts:
            starts.append(service.child.started_at)
        return len(starts) == 4

    assert eventually(has_started_four_times, 30)
    # However slow the machine, each start is its pause behind the one before; a slow one can only make it more.
    assert all(later - earlier > pause for earlier, later, pause in zip(starts, starts[1:], BACK_OFF, strict=False))


def test_a_process_that_may_end_is_left_alone_after_success(supervisor: Supervisor, tmp_path: Path) -> None:
    service = keep(supervisor, sleeper(tmp_path, "once", "pass"), once=True)
    assert eventually(lambda: not service.wanted)
    assert service.crashes == 0


def test_what_a_dead_leader_leaves_behind_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    words = (
        "import subprocess, sys, time; p = subprocess.Popen(['sleep', '61']); print(p.pid, flush=True); time.sleep(60)"
    )
    service = keep(supervisor, sleeper(tmp_path, "parent", words))
    assert eventually(lambda: service.child.log_tail().strip().isdigit())
    grandchild = int(service.child.log_tail())
    os.kill(service.child.pid, signal.SIGKILL)
    assert eventually(lambda: not is_alive(grandchild))


def test_stop_ends_even_who_ignores_it(tmp_path: Path) -> None:
    words = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = sleeper(tmp_path, "deaf", words)
    child.stop_seconds = 0.3
    child.start()
    assert eventually(lambda: "deaf" in child.log_tail())
    child.stop()
    assert child.poll() == -signal.SIGKILL


def test_guardian_outlives_a_killed_parent_and_ends_all_it_started(tmp_path: Path) -> None:
    words = (
        "import os, sys, time; from pathlib import Path\n"
        "from cs_portal.runtime.processes import Child, Guardian\n"
        "place = Path(sys.argv[1]); guardian = Guardian('run-of-a-test')\n"
        "child = Child('c', [sys.executable, '-S', '-c', sys.argv[2]], dict(os.environ), place, place / 'c.log',\n"
        "              guardian=guardian)\n"
        "child.start(); print(child.pid, flush=True); time.sleep(60)\n"
    )
    # The child starts one of its own in another session, as PostgreSQL does.
    inner = (
        "import subprocess, time\n"
        "p = subprocess.Popen(['sleep', '62'], start_new_session=True); print(p.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", words, str(tmp_path), inner], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert eventually(lambda: (tmp_path / "c.log").read_text().strip().isdigit())
        grandchild = int((tmp_path / "c.log").read_text())
        parent.kill()
    assert eventually(lambda: not is_alive(child) and not is_alive(grandchild))


def test_guardian_leaves_everything_alone_after_an_orderly_end(tmp_path: Path) -> None:
    guardian = Guardian("another-run-of-a-test")
    child = sleeper(tmp_path)
    child.guardian = guardian
    child.start()
    guardian.dismiss()
    time.sleep(0.2)
    assert child.is_running
    child.kill()


def test_a_large_log_is_rotated_and_the_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(LOGS_KEPT + 2):
            writer.write(f"{number}\n".encode() * 10)
            assert rotate(log, largest=10)
        writer.write(b"last\n")
    assert log.read_text() == "last\n"
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["a.log", *(f"a.log.{number}" for number in range(1, LOGS_KEPT + 1))]
    assert (tmp_path / "a.log.1").read_text().startswith(f"{LOGS_KEPT + 1}\n")


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x")
    assert not rotate(tmp_path / "a.log")
