"""What the search for hidden damage costs beside decoding a clip once: the figures of docs/health.md.

    python benchmarks/second_decoding.py ../shared/data/*.mp4

Prints for each clip the processor's seconds of both in the same process, so that other work on the machine
matters little, and their ratio.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from mirabench.video.hidden import hidden_damage
from mirabench.video.limits import MAX_PIXELS
from mirabench.video.reading import decoded


def seconds(work: Callable[[], object]) -> float:
    """Of the processor."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    print("| clip | frames | decoding | hidden damage | ratio |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for path in parser.parse_args().clips:
        frames = 0

        def once(path: Path = path) -> None:
            nonlocal frames
            frames = sum(1 for _ in decoded(path))

        plain = seconds(once)
        search = seconds(lambda path=path: hidden_damage(path, MAX_PIXELS))
        cells = (path.name, frames, f"{plain:.2f} s", f"{search:.2f} s", f"{search / plain:.1f}")
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
