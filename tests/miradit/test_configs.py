"""Training configurations: presets, files, and what is refused."""

from __future__ import annotations

import pytest

from mirabench.errors import InputError, UnknownNameError
from miradit.configs import PRESETS, read_config
from miradit.registry import RELEASES


def test_every_release_has_a_preset_of_its_size():
    for name, release in RELEASES.items():
        preset = PRESETS[name]
        assert preset.sizes == ((release.height, release.width),)
        assert (preset.num_frames, preset.max_stride) == (release.num_frames, release.max_stride)
    assert "tiny" in PRESETS


def test_a_file_starts_from_a_preset_and_overrides_win(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('preset = "768-v1-5s"\nsteps = 7\nsizes = [[64, 64], [48, 80]]\n')
    config = read_config(str(path), output="elsewhere")
    assert (config.steps, config.accumulation, config.output) == (7, 4, "elsewhere")
    assert config.sizes == ((64, 64), (48, 80))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat = 1", "unknown options learning_rat: known are"),
        ("steps = [", "cannot read the training config"),
        ('mixed_precision = "fp8"', "choose no, fp16 or bf16"),
        ("steps = 0", "steps = 0: it must be at least 1"),
        ("sizes = [[100, 64]]", "multiples of 16"),
        ('preset = "768"', "unknown training preset '768'"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path, text, message):
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_config(str(tmp_path / "run.toml"))


def test_an_unknown_preset_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean tiny"):
        read_config("tinny")
