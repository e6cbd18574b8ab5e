"""The core stays light: what a user without torch installs is all that `lite` needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import clipkit

from mirabench.video.encode import write_video

HEAVY = ("torch", "torchvision", "transformers", "diffusers", "scipy", "pandas", "gradio", "ray")


def loaded_after(code: str, folder: Path) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running the code."""
    report = (
        "import sys; print(*sorted({m.split('.')[0] for m in sys.modules}), file=sys.__stdout__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True, text=True, check=True, cwd=folder,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


def test_lite_never_imports_anything_heavy(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", clipkit.panning(frames=16))
    code = "import mirabench; mirabench.evaluate('a.mp4', suite='lite', output='out', cache=False)"
    assert not loaded_after(code, tmp_path) & set(HEAVY)


def test_help_loads_nothing_that_is_slow(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['mirabench', '--help']\n"
        "from mirabench.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass"
    )
    assert not loaded_after(code, tmp_path) & {
        "numpy", "cv2", "av", "pydantic", "rich", "filelock", *HEAVY,
    }  # fmt: skip


def test_importing_the_package_loads_nothing(tmp_path: Path) -> None:
    assert not loaded_after("import mirabench", tmp_path) & {
        "numpy",
        "cv2",
        "av",
        "pydantic",
        *HEAVY,
    }
