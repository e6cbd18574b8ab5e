"""The package as others meet it: names, lightness, refusals, shapes held in tests, docs."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

import mirabench.functional
from mirabench import functional as F

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = [name for name in F.__all__ if inspect.isfunction(getattr(F, name))]
HEAVY = {"torch", "scipy", "pandas", "av", "pydantic", "jaxtyping", "beartype"}


def test_names_are_sorted_and_there() -> None:
    assert F.__all__ == sorted(F.__all__)
    assert all(hasattr(F, name) for name in F.__all__)
    defined = {
        name
        for name, value in vars(mirabench.functional).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert defined == set(F.__all__)


def test_importing_it_loads_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys, mirabench.functional; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("name", FUNCTIONS)
class TestEachFunction:
    def test_says_what_it_takes_gives_and_where_it_comes_from(self, name: str) -> None:
        text = inspect.getdoc(getattr(F, name)) or ""
        assert text.splitlines()[0].endswith((".", ":")), name
        parameters = inspect.signature(getattr(F, name)).parameters
        documented = [p for p in parameters if f"\n    {p}: " in text]
        assert documented == list(parameters) or "Args:" not in text, name
        assert ">>>" in text or name in WITHOUT_EXAMPLE, name

    def test_has_shapes_for_its_arrays(self, name: str) -> None:
        annotations = {k: str(v) for k, v in getattr(F, name).__annotations__.items()}
        assert "return" in annotations
        for text in annotations.values():
            assert len(re.findall("ndarray", text)) == len(re.findall(r"\[(np\.)?ndarray, ", text))

    def test_has_its_row_in_the_docs(self, name: str) -> None:
        assert f"`{name}`" in (ROOT / "docs" / "functional.md").read_text()


WITHOUT_EXAMPLE = {
    "blur_effect", "camera_motion", "object_motion", "optical_flow",
}  # fmt: skip
"""Their answers on an array small enough to read are trivial; docs/functional.md shows them on a clip."""


CLIP = np.zeros((3, 32, 40, 3), np.uint8)
FLOW = np.zeros((2, 32, 40, 2), np.float32)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sharpness", (CLIP[..., :2],)),
        ("exposure", (CLIP[0, 0],)),
        ("noise", (CLIP.astype(np.float32),)),
        ("colorfulness", (CLIP[..., 0],)),
        ("optical_flow", (CLIP[..., 0, 0],)),
        ("flow_magnitude", (FLOW[0], 1.0)),
        ("flow_magnitude", (FLOW, np.ones(3))),
        ("warping_error", (CLIP, FLOW, FLOW[:1])),
        ("temporal_flicker", (CLIP, FLOW, FLOW[:, :30])),
        ("visible_in_both", (FLOW[0], FLOW[0, :30])),
        ("embedding_consistency", (np.ones(4),)),
        ("cosine_similarity", (np.ones(4), np.ones(5))),
        ("kernel_distance", (np.ones((4, 2)), np.ones((4, 3)))),
        ("interpolation_error", (CLIP, CLIP[:2])),
        ("track_displacement", (np.ones((4, 2, 2)), np.ones((4, 3), bool), np.arange(4.0), 1.0)),
        ("net_speed", (np.ones((3, 2)), np.ones((4, 2)), np.ones(3))),
        ("epipolar_distance", (np.eye(2), np.ones((3, 2)), np.ones((3, 2)))),
        ("keep_ratio", (np.ones(3), np.ones(4))),
    ],
)
def test_a_wrong_shape_fails_a_test(name: str, arguments: tuple[object, ...]) -> None:
    """The suite runs under jaxtyping's import hook: annotations are checked at every call."""
    with pytest.raises(jaxtyping.TypeCheckError, match="Type-check error"):
        getattr(F, name)(*arguments)


FRAMES = "must be uint8 0 to 255, (T, H, W, 3) RGB or (T, H, W) luma; got "
FLOW_IS = "flow must be float, px from a frame to the next, x before y, (N, H, W, 2); got "
FIELDS = "InputError: 3 frames of 40x32 need flow (2, 32, 40, 2), one field for each pair of neighbours; got "
FIT = "InputError: tracks (4, 2, 2) need visible (4, 2), seconds (4,) and a diagonal above 0; got "
EQUALLY = "InputError: a camera path needs equally many steps along each axis, each of more than 0 s; got "
REFUSED = {
    "sharpness(clip[..., :2])": f"InputError: frames {FRAMES}uint8 (3, 32, 40, 2)",
    "noise(clip / 255)": f"InputError: frames {FRAMES}float64 (3, 32, 40, 3)",
    "exposure(clip[:, :0])": f"InputError: frames {FRAMES}uint8 (3, 0, 40, 3)",
    "blockiness(clip[0, 0])": f"InputError: frames {FRAMES}uint8 (40, 3)",
    "colorfulness(clip[..., 0])": "InputError: colour frames must be uint8 0 to 255, (T, H, W, 3) RGB;",
    "colorfulness(clip / 255)": "InputError: colour frames must be uint8 0 to 255, (T, H, W, 3) RGB;",
    "flow_magnitude(flow[0], 1.0)": f"InputError: {FLOW_IS}float32 (32, 40, 2)",
    "flow_magnitude(flow[..., :1], 1.0)": f"InputError: {FLOW_IS}float32 (2, 32, 40, 1)",
    "flow_magnitude(flow.astype(int), 1.0)": f"InputError: {FLOW_IS}int64 (2, 32, 40, 2)",
    "flow_magnitude(flow[:, :0], 1.0)": f"InputError: {FLOW_IS}float32 (2, 0, 40, 2)",
    "flow_magnitude(flow, np.ones(3))": "InputError: 2 pairs of frames need 2 durations, got (3,)",
    "flow_magnitude(flow, 0.0)": "InputError: a duration is not positive: give the seconds between",
    "warping_error(clip, flow[:1], flow)": f"{FIELDS}(1, 32, 40, 2)",
    "temporal_flicker(clip, flow, flow[:1])": f"{FIELDS}(1, 32, 40, 2)",
    "camera_motion(clip, flow, flow[:, :9], 1.0)": f"{FIELDS}(2, 9, 40, 2)",
    "embedding_consistency(np.ones(4))": "InputError: vectors must be numbers, (N, D); got float64 (4,)",
    "embedding_consistency(np.ones((4, 0)))": "InputError: vectors must be numbers, (N, D); got float64",
    "embedding_consistency(np.ones((4, 2), complex))": "InputError: vectors must be numbers, (N, D); got",
    "embedding_consistency(np.full((4, 2), np.nan))": "MetricError: a vector holds a value that is not",
    "frechet_distance(np.ones((4, 2)), np.ones((4, 3)))": "InputError: vectors of 2 and of 3 dimensions",
    "kernel_distance(np.ones((1, 2)), np.ones((4, 2)))": "InputError: each set needs at least two",
    "frechet_distance(np.ones((4, 2)), np.ones((1, 2)))": "InputError: each set needs at least two",
    "interpolation_error(clip, clip[:2])": "InputError: (3, 32, 40, 3) predicted frames do not go with",
    "track_displacement(np.ones((4, 2)), np.ones((4, 2), bool), np.arange(4.0), 1.0)": "InputError: tracks",
    "track_displacement(np.ones((4, 2, 3)), np.ones((4, 2), bool), np.arange(4.0), 1.0)": "InputError: tracks",
    "track_displacement(np.ones((4, 2, 2)), np.ones((4, 3), bool), np.arange(4.0), 1.0)": f"{FIT}(4, 3), (4,)",
    "track_displacement(np.ones((4, 2, 2)), np.ones((4, 2), bool), np.arange(3.0), 1.0)": f"{FIT}(4, 2), (3,)",
    "track_displacement(np.ones((4, 2, 2)), np.ones((4, 2), bool), np.arange(4.0), 0.0)": f"{FIT}(4, 2), (4,)",
    "camera_agreement(path, 'lefft', [])": "UnknownNameError: unknown move 'lefft': did you mean left",
    "CameraPath(none, none, none, none, none)": f"{EQUALLY}{{0}}",
    "CameraPath(one, one, one, none, one)": f"{EQUALLY}{{0, 1}}",
    "CameraPath(one, one, one, one, 0 * one)": f"{EQUALLY}{{1}}",
    "CameraPath(two, two, two, two, np.array([1.0, 0.0]))": f"{EQUALLY}{{2}}",
}
"""Call -> how what a user is told begins, to whom nothing checks shapes but the function itself."""


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """The answers of an interpreter without jaxtyping."""
    code = f"""
import json
import numpy as np
from mirabench.functional import *
clip, flow = np.zeros((3, 32, 40, 3), np.uint8), np.zeros((2, 32, 40, 2), np.float32)
none, one, two = np.zeros(0), np.ones(1), np.ones(2)
path = CameraPath(one, one, one, one, one)
told = {{}}
for call in {list(REFUSED)!r}:
    try:
        told[call] = repr(eval(call))
    except Exception as error:
        told[call] = f"{{type(error).__name__}}: {{error}}"
print(json.dumps(told))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("call", REFUSED)
def test_what_does_not_fit_is_refused_in_words(call: str, told: dict[str, str]) -> None:
    assert told[call].startswith(REFUSED[call])
