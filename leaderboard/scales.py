"""The halves of `miraboard/scales.toml`, from clips that anybody can render again.

    python leaderboard/scales.py            what the clips give, beside what the file says
    python leaderboard/scales.py --write    write it into the file

A half is the median over the 24 rendered clips of the embedded reference (`mirabench reference show
embedded`), rounded to one digit. Those clips are clean, so `noise` and `blockiness` are medians over the
demonstration's 12 clips with noise of 2 levels, and as JPEGs of quality 20. What has no line here is marked
`chosen` in the file.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mirabench import score
from mirabench.run.reference import EMBEDDED, load_statistics
from mirabench.testing import degrade
from mirabench.testing.render_prompt import render_prompt
from miraboard import demo
from miraboard.tracks import load_tracks
from miraboard.utility import bundled

FILE = Path(__file__).parent / "miraboard" / "scales.toml"
NOISE_LEVELS = 2.0
JPEG = 0.8
"""Of `degrade.blocks`: quality 20."""


def medians() -> dict[str, float]:
    """Metric -> median, of every half that is measured: where flawless clips read 0, it has to be chosen."""
    reference = load_statistics(EMBEDDED).values
    found = {n: float(np.median(v)) for n, v in reference.items() if "half" in bundled().get(n, {})}
    return {n: v for n, v in {**found, **_degraded()}.items() if v > 0}


def _degraded() -> dict[str, float]:
    values: dict[str, list[float]] = {"noise": [], "blockiness": []}
    for prompt in load_tracks()[demo.TRACK].prompts.values():
        frames = np.stack(
            list(render_prompt(prompt.text, seed=0, frames=demo.FRAMES // 4, size=demo.SIZE))
        )
        noisy, blocky = degrade.noise(frames, NOISE_LEVELS), degrade.blocks(frames, JPEG)
        for name, clip in (("noise", noisy), ("blockiness", blocky)):
            values[name].append(score(clip, name, cache=False, fps=demo.FPS).value)
    return {name: float(np.median(found)) for name, found in values.items()}


def rounded(value: float) -> float:
    """To one digit.

    Example:
        >>> rounded(0.0567), rounded(285.5)
        (0.06, 300.0)
    """
    return float(f"{value:.1g}")


def with_halves(text: str, halves: Mapping[str, float]) -> str:
    """The file's text with other halves, everything else as it is."""
    for name, half in halves.items():
        text = re.sub(rf"(\[{name}\]\nhalf = )[\d.e-]+", rf"\g<1>{half:g}", text)
    return text


def main() -> int:
    """Show, or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    found = medians()
    for name, value in sorted(found.items()):
        sys.stdout.write(f"{name}: median {value:.4g}, half {rounded(value):g}, "
                         f"in the file {bundled()[name]['half']:g}\n")  # fmt: skip
    if asked.write:
        halves = {name: rounded(value) for name, value in found.items()}
        FILE.write_text(with_halves(FILE.read_text(encoding="utf-8"), halves), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
