"""What every benchmark prints: measurements, targets, what was missed, as one JSON line. Standard library only."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TARGETS = Path(__file__).resolve().parent / "targets.toml"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of at least one value; share is 0 to 1."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def machine() -> dict[str, Any]:
    """Describe the machine in a few words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    model = platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "cpus": os.cpu_count(),
        "cpu": model,
        "memory_mb": memory,
        "python": platform.python_version(),
        "python_build": sys.version.partition("(")[2].replace("\n", " "),
        "python_loop_ms": round(min(_loop_ms() for _ in range(5)), 1),
    }


def _loop_ms() -> float:
    """Time a fixed piece of plain Python: how fast this interpreter, as it was built, is on this machine today.

    One built without profile-guided optimisation takes twice as long as the one in the image that is deployed.
    """
    begun = time.perf_counter()
    words: dict[str, list[str]] = {}
    for number in range(100_000):
        line = f"{number}\t{number * 3}\tabc"
        words[line[:5]] = line.split("\t")
    return (time.perf_counter() - begun) * 1000


@dataclass
class Report:
    """Collects cases and judges them by bench/targets.toml, section [NAME.CASE], then those of `also` in its place."""

    bench: str
    params: Mapping[str, Any]
    topology: str = ""
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    targets_file: Path = TARGETS
    also: Sequence[str] = ()

    def targets(self) -> dict[str, dict[str, float]]:
        """Read the limits: a measure's name for "at most", min_NAME for "at least"."""
        told = tomllib.loads(self.targets_file.read_text(encoding="utf-8"))
        limits: dict[str, dict[str, float]] = {}
        for name in (self.bench, *self.also):
            for case, of_case in told.get(name, {}).items():
                limits[case] = {**limits.get(case, {}), **of_case}
        return limits

    def missed(self) -> list[str]:
        """List every target that was not met; a case or measure that is not there counts as missed."""
        wrong = []
        for case, limits in self.targets().items():
            for name, limit in limits.items():
                measure = name.removeprefix("min_")
                value = self.cases.get(case, {}).get(measure)
                if value is None:
                    wrong.append(f"{case}.{measure}: not measured")
                elif (value < limit) if name.startswith("min_") else (value > limit):
                    wrong.append(f"{case}.{measure}: {value} {'<' if name.startswith('min_') else '>'} {limit}")
        return wrong

    def finish(self) -> int:
        """Print the JSON line; returns the exit code."""
        missed = self.missed()
        facts = {
            "bench": self.bench,
            "params": dict(self.params),
            "machine": {**machine(), "topology": self.topology},
            "cases": self.cases,
            "targets": self.targets(),
            "missed": missed,
        }
        print(json.dumps(facts, ensure_ascii=False), flush=True)
        return 1 if missed else 0
