"""Make the private environment .venv from a lock file, with nothing but Python 3.11's own library.

Finds an interpreter the product can use, fetches uv into .tools/ when there is none, installs exactly what the lock
says. Shared by bin/up, bin/test and bin/bench.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
STAMP = VENV / "installed-from"
LOCK, DEV_LOCK = "requirements.lock", "requirements-dev.lock"
OLDEST, NEWEST = (3, 12), (3, 14)
ADVICE = "install Python 3.13, for example: apt install python3.13 python3.13-venv"
PROBE = "import sys, ssl, ctypes, zlib; print(*sys.version_info[:2], sys.executable, sep='\\t')"


def say(words: str) -> None:
    """Print a progress line at once."""
    print(words, file=sys.stderr, flush=True)


def fail(words: str) -> None:
    """End with a message for the person at the terminal."""
    sys.exit(f"\n{words}\n")


def candidates() -> list[str]:
    """List programs that may be a fitting Python: this one, PATH, pyenv's versions, the usual places."""
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)] + ["python3", "python"]
    found = [sys.executable]
    for name in names:
        found += [str(Path(place) / name) for place in os.environ.get("PATH", "").split(os.pathsep) if place]
    roots = [os.environ.get("PYENV_ROOT", ""), str(Path.home() / ".pyenv")]
    patterns = [f"{root}/versions/3.*/bin/python3" for root in roots if root]
    patterns += [str(Path.home() / ".local/share/uv/python/*/bin/python3")]
    patterns += ["/usr/local/bin/python3.*", "/opt/python*/bin/python3", "/opt/homebrew/bin/python3.*"]
    for pattern in patterns:
        found += sorted(glob.glob(pattern), reverse=True)
    return [path for path in dict.fromkeys(found) if os.access(path, os.X_OK)]


def find_interpreter() -> str | None:
    """Return the path of a Python within the supported versions (3.13 preferred), None when there is none."""
    good: dict[tuple[int, int], str] = {}
    for path in candidates():
        try:
            done = subprocess.run([path, "-I", "-c", PROBE], capture_output=True, text=True, timeout=20, check=False)
            major, minor, real = done.stdout.strip().split("\t")
        except (OSError, ValueError, subprocess.TimeoutExpired):
            continue
        version = (int(major), int(minor))
        if OLDEST <= version <= NEWEST and not Path(real).is_relative_to(ROOT):
            good.setdefault(version, real)
            if version == (3, 13):
                break
    return good.get((3, 13)) or next(iter(good.values()), None)


def find_uv() -> str | None:
    """Return uv: ours, the one on PATH, or one fetched by pip into .tools/; None when no pip can fetch it."""
    own = TOOLS / "bin" / "uv"
    for path in (str(own) if own.exists() else None, shutil.which("uv")):
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    say("Fetching the installer (uv) …")
    for python in candidates():
        done = subprocess.run(
            [python, "-I", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--upgrade",
             "--target", str(TOOLS), "uv>=0.9,<1"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode == 0 and own.exists():
            return str(own)
        if "No module named pip" not in done.stderr:
            say(done.stderr.strip()[-600:])
            break
    return None


def run(command: list[str], what: str, env: dict[str, str] | None = None) -> None:
    """Run an installer step; its words are shown only when it fails."""
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-3000:]
        full = "No space left on device" in words
        fail(f"{what} failed.{' The disk is full: free some room and run it again.' if full else ''}\n{words}")


def make_venv(uv: str | None) -> None:
    """Make .venv with a fitting interpreter; uv downloads one only when the machine has none."""
    python = find_interpreter()
    if python is None and uv is None:
        fail(
            "No Python from 3.12 to 3.14 was found, and uv could not be fetched to download one.\n"
            f"Please {ADVICE}, then run this again."
        )
    if uv:
        if python is None:
            say("No Python 3.12 or newer was found; downloading one …")
        what = "Making .venv" if python else f"No Python from 3.12 to 3.14 is here and downloading one ({ADVICE})"
        run([uv, "venv", "-q", "--clear", "--python", python or "3.13", str(VENV)], what)
    else:
        run([str(python), "-m", "venv", "--clear", str(VENV)], "Making .venv (install python3-venv if it is missing)")


def is_usable(python: Path) -> bool:
    """Whether the environment's interpreter still starts (it dies when the Python below it is removed)."""
    return (
        python.exists() and subprocess.run([python, "-I", "-c", "0"], capture_output=True, check=False).returncode == 0
    )


def digest(lock: str) -> str:
    """Name the content of a lock file."""
    return hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()


def is_installed(lock: str) -> bool:
    """Whether .venv holds what the lock says; the developers' lock holds everything the other one does."""
    try:
        stamp = STAMP.read_text()
    except OSError:
        return False
    return stamp in {digest(lock), digest(DEV_LOCK)}


def ensure(lock: str) -> str:
    """Return the interpreter of an environment that holds exactly what the lock says, making it when needed."""
    python = VENV / "bin" / "python"
    if is_installed(lock) and is_usable(python):
        return str(python)
    TOOLS.mkdir(exist_ok=True)
    with open(TOOLS / "lock", "a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if is_installed(lock) and is_usable(python):
            return str(python)
        if shutil.disk_usage(ROOT).free < 1_200_000_000:
            fail(f"The disk holding {ROOT} is nearly full; about 1.2 GB is needed for the packages.")
        begun = time.monotonic()
        uv = find_uv()
        if not is_usable(python):
            make_venv(uv)
        STAMP.unlink(missing_ok=True)
        say(f"Installing the packages of {lock} …")
        if uv:
            run([uv, "pip", "sync", "-q", "--python", str(python), "--require-hashes", lock], "Installing packages")
        else:
            run([str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", lock], "Installing packages")
        STAMP.write_text(digest(lock))
        say(f"Packages installed in {time.monotonic() - begun:.0f} s.")
    return str(python)


def enter(lock: str, script: str) -> None:
    """Go on in the environment: run the same script again under its interpreter, unless that is this one."""
    python = ensure(lock)
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(python, [python, os.path.abspath(script), *sys.argv[1:]])
    sys.path.insert(0, str(ROOT))
