"""Makes tapir.npz by running the authors' code: `python tests/golden/tapir_make.py TAPNET`.

TAPNET is a checkout of google-deepmind/tapnet at commit c2cbab8 (Apache-2.0): its code is run, never copied. It
needs einshape and dm-tree besides the extra `torch`. Parameters and pictures follow the rules of tests/nets.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
RULE = runpy.run_path(str(HERE.parent / "nets" / "conftest.py"))
SIDE, FRAMES = 64, 6


def main(checkout: str) -> None:
    """Write the outputs, and the names and shapes of the parameters."""
    sys.path.insert(0, checkout)
    from tapnet.torch.tapir_model import TAPIR

    model = TAPIR(pyramid_level=1, extra_convs=True, initial_resolution=(SIDE, SIDE)).eval()
    model.load_state_dict(RULE["seeded_state"](model))
    frames = [2 * RULE["picture"]((3, SIDE, SIDE), 1.5 * t) - 1 for t in range(FRAMES)]
    video = torch.stack(frames).permute(0, 2, 3, 1)[None]
    queries = torch.tensor([[[0, 20.0, 31.0], [0, 7.5, 50.25], [3, 40.0, 12.0]]])
    with torch.inference_mode():
        out = model(video, queries)
    names = {name: list(value.shape) for name, value in model.state_dict().items()}
    np.savez_compressed(
        HERE / "tapir.npz",
        queries=queries[0].numpy(),
        keys=np.frombuffer(json.dumps(names).encode(), np.uint8),
        **{name: out[name][0].numpy() for name in ("tracks", "occlusion", "expected_dist")},
    )


if __name__ == "__main__":
    main(sys.argv[1])
