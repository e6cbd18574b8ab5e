"""What the pytest plugin costs a run that does not use it: with and without, both sides printed.

Run it on a quiet machine:  python benchmarks/pytest_startup.py [--runs 20]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_SECONDS = 0.2

Cost = tuple[float, float]
"""Wall and processor seconds."""


def cost(folder: Path, *options: str) -> Cost:
    """Of one pytest run of one empty test."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    before, start = _processor_seconds(), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start, _processor_seconds() - before


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="runs of each side, in turn")
    runs = parser.parse_args().runs
    with_it, without = "with the plugin", "-p no:mirabench"
    sides: dict[str, list[Cost]] = {with_it: [], without: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        cost(folder)  # fills the file cache and writes the bytecode
        for _ in range(runs):
            sides[with_it].append(cost(folder))
            sides[without].append(cost(folder, "-p", "no:mirabench"))
    print(f"{runs} runs of each side in turn, load average {os.getloadavg()[0]:.1f}")
    added = 0.0
    for column, clock in enumerate(("wall", "processor")):
        times = {side: [c[column] for c in taken] for side, taken in sides.items()}
        for side, taken in times.items():
            print(
                f"{clock:<10} {side:<16} min {min(taken):.3f} s, median {statistics.median(taken):.3f} s"
            )
        steps = [a - b for a, b in zip(times[with_it], times[without], strict=True)]
        print(f"{clock:<10} added: median of differences {statistics.median(steps) * 1000:+.1f} ms")
        if clock == "wall":
            added = statistics.median(steps)
    print(f"limit: {LIMIT_SECONDS * 1000:.0f} ms of wall time")
    return int(added >= LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
