"""The stage `black_bars`: its arithmetic, and the contract of a stage."""

from pathlib import Path

import numpy as np
import pytest
from miradata_black_bars import bars_share, prepare

from mirabench.errors import InputError
from miradata.config import config_of
from miradata.contract import checked_stage
from miradata.setting import Setting


def setting(**options: object) -> Setting:
    return Setting(config_of({"options": {"black_bars": options}}), (), Path("in"), Path("out"))


def test_bars_above_and_below_are_counted() -> None:
    frame = np.full((100, 50, 3), 120, np.uint8)
    frame[:10] = frame[90:] = 0
    assert bars_share(frame, 18) == pytest.approx(0.2)
    assert bars_share(np.zeros((9, 9, 3), np.uint8), 18) == 1.0


def test_it_keeps_the_contract_of_a_stage() -> None:
    stage = checked_stage("black_bars", prepare(setting(frames=4)))
    assert stage.params() == {"frames": 4, "dark": 18}


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean frames"):
        prepare(setting(frame=4))
