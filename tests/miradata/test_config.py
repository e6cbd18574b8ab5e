"""The configuration: every key known, every value checked, the profiles as described."""

from pathlib import Path

import pytest

from mirabench.errors import InputError
from miradata.config import Config, config_of, load_config


def test_nothing_given_is_the_profile_lite():
    config = config_of({})
    assert config == Config()
    assert (config.stitch.emb_a, config.stitch.emb_b) == ("histogram", "dct")
    assert not (config.nsfw.enabled or config.aesthetic.enabled or config.score.raft)


def test_learned_changes_only_what_is_not_given():
    config = config_of({"profile": "learned", "stitch": {"emb_a": "dct"}, "nsfw": {"frames": 4}})
    assert (config.stitch.emb_a, config.stitch.emb_b) == ("dct", "clip")
    assert config.nsfw.enabled
    assert config.nsfw.frames == 4
    assert config.score.raft


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"splitt": {}}, "unknown key splitt: did you mean split?"),
        ({"split": {"treshold": 3}}, "unknown key split.treshold: did you mean threshold?"),
        (
            {"stitch": {"vlm_a": {"base_url": "u", "model": "m", "modle": "n"}}},
            "did you mean model?",
        ),
        ({"split": {"threshold": -1}}, "split.threshold"),
        ({"profile": "heavy"}, "'lite' or 'learned'"),
        ([1], "valid dictionary"),
    ],
    ids=["section", "key", "nested", "value", "choice", "shape"],
)
def test_what_is_wrong_is_named(given, told):
    with pytest.raises(InputError) as refused:
        config_of(given)
    assert told in str(refused.value)


def test_all_problems_are_named_at_once():
    with pytest.raises(InputError, match=r"split\.threshold.*length\.max_seconds"):
        config_of({"split": {"threshold": 0}, "length": {"max_seconds": 0}})


def test_a_file_is_read_and_named(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_text("length: {min_seconds: 5}\n")
    assert load_config(path).length.min_seconds == 5
    path.write_text("length: [unclosed")
    with pytest.raises(InputError, match=r"c\.yaml is not valid YAML"):
        load_config(path)
    path.write_text("")
    assert load_config(path) == Config()
    with pytest.raises(InputError, match="cannot read"):
        load_config(tmp_path / "none.yaml")


def test_a_yaml_that_makes_objects_makes_none(tmp_path: Path):
    path = tmp_path / "c.yaml"
    path.write_text("input: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(InputError, match="not valid YAML"):
        load_config(path)
