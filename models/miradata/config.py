"""One configuration: every parameter of every stage, with where its value comes from.

Origins: *published* (in MiraData's repository), *inferred* (from its sample table), *recalled* (from
memory of the paper, unchecked), *ours* (chosen here), *library* (the default of the library used).
Unknown keys are refused, with the nearest known one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mirabench.errors import InputError
from mirabench.extras import needs_extra

Embedder = Literal["histogram", "dct", "dinov2", "clip"]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A part of the configuration; frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=Section)


class Endpoint(Section):
    """An OpenAI-compatible chat endpoint."""

    base_url: str
    model: str
    api_key_env: str = "OPENAI_API_KEY"
    """The environment variable that holds the key; the key itself is never written anywhere."""


class Split(Section):
    """Cuts (PySceneDetect's content detector)."""

    threshold: Positive = 27.0  # library; 26 is recalled for the paper
    min_scene_seconds: Positive = 0.6  # library: 15 frames, so that a flash is not a shot
    """No two cuts are closer; what is too short for a clip leaves at the length gate."""
    height: Annotated[int, Field(ge=16)] = 144  # ours: of the frames that the detector gets, px
    fade_threshold: Annotated[float, Field(ge=0, le=255)] | None = 12.0
    """Library: mean level (0-255) below which the picture counts as faded to black; none is off."""


class Stitch(Section):
    """Which neighbours belong together: (vlm_a and vlm_b) or (emb_a and emb_b)."""

    emb_a: Embedder | None = (
        "histogram"  # published: DINOv2; lite stands in with what needs no weights
    )
    emb_b: Embedder | None = "dct"  # published: ImageBind; learned stands in with CLIP
    threshold_a: Annotated[float, Field(ge=-1, le=1)] = 0.80  # ours; cosine
    threshold_b: Annotated[float, Field(ge=-1, le=1)] = 0.80  # ours; cosine
    vlm_a: Endpoint | None = None  # published: Qwen-VL-Chat
    vlm_b: Endpoint | None = None  # published: LLaVA
    inset_seconds: Annotated[float, Field(ge=0)] = 0.2  # ours: how far from the cut the frames are


class Length(Section):
    """How long a clip must and may be."""

    min_seconds: Annotated[float, Field(ge=0)] = 20.0  # inferred: stock sites
    min_seconds_by_source: dict[str, float] = {"youtube": 40.0, "hd-vila": 40.0}  # inferred
    """Beginning of `source` -> least length; the longest beginning that matches counts."""
    max_seconds: Positive = 600.0  # ours: joining stops here, and a longer shot is divided


class Score(Section):
    """What is measured of each clip in one pass over its frames."""

    rate: Positive = 2.0  # recalled: flow at 2 frames per second
    short_side: Annotated[int, Field(ge=32)] = 240  # ours: as the feature `motion`, px
    colour_frames: Annotated[int, Field(ge=1)] = 16  # ours
    raft: bool = False  # published: flow, recalled: RAFT; needs its weights


class Learned(Section):
    """A network's opinion of a few frames of each clip."""

    enabled: bool = False
    frames: Annotated[int, Field(ge=1)] = 8  # recalled for NSFW; ours for aesthetic


class Nsfw(Learned):
    """An image classifier with a class `nsfw`."""

    model: str = (
        "Falconsai/nsfw_image_detection"  # ours; recalled: Stable Diffusion's safety checker
    )


class Dedup(Section):
    """Which clips show the same; the paper has no such step."""

    hash_frames: Annotated[int, Field(ge=1)] = 5  # ours: frames whose hashes must all agree
    hash_distance: Annotated[int, Field(ge=0, le=64)] = 4  # ours: bits of 64 that may differ
    cosine: Annotated[float, Field(ge=-1, le=1)] = 0.99  # ours, as cosmos-curate's eps 0.01
    embedder: Embedder = "dct"  # lite; learned takes CLIP


class Cut(Section):
    """How clips become files."""

    mode: Literal["exact", "keyframe"] = "exact"  # ours; published: stream copy, which snaps
    crf: Annotated[int, Field(ge=0, le=51)] = 18  # ours: visually close to the source


class Captions(Section):
    """The six captions of each window of each clip."""

    endpoint: Endpoint | None = None
    """None: no captions, and the report says so."""
    hint: Endpoint | None = None
    """A small model that first says one sentence (published: Panda-70M's captioner); None is without."""
    temperature: float | None = 0.2  # ours; none leaves it out, for models that take none
    max_tokens: Annotated[int, Field(ge=50)] = 1200  # ours: six captions take about 600
    tokens_parameter: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    window_seconds: Positive = 120.0  # published
    shortest_rest_seconds: Annotated[float, Field(ge=0)] = 20.0
    """Ours: published tables never caption what is left after the last full window."""
    concurrency: Annotated[int, Field(ge=1)] = 16  # ours: requests at one time
    timeout_seconds: Positive = 120.0  # ours
    tries: Annotated[int, Field(ge=1)] = 5  # ours: of one request to a busy or silent endpoint
    longest_wait_seconds: Positive = 300.0  # ours: a longer Retry-After ends the tries
    price_prompt: Annotated[float, Field(ge=0)] = 0.0
    """What a million prompt tokens cost at your endpoint; no price is built in."""
    price_completion: Annotated[float, Field(ge=0)] = 0.0
    """What a million completion tokens cost."""
    most_tokens: Annotated[int, Field(ge=0)] | None = None
    """Cap on tokens of the output folder, all runs together."""
    most_money: Annotated[float, Field(ge=0)] | None = None
    """Cap in the money of the prices; needs them."""


class Collect(Section):
    """Fetching sources; off unless it is in the configuration. The legal note is in the documentation."""

    rights: str
    """On what ground you may fetch and use these videos; written beside every file."""
    folder: Path
    """Where the files go."""
    list: Path | None = None
    """A text file of http(s) addresses, one a line, optionally `,sha256`."""
    sites: tuple[str, ...] = ()
    """Addresses for yt-dlp (extra `sites`)."""
    seconds_between: Annotated[float, Field(ge=0)] = 1.0  # ours
    bytes_per_second: Annotated[float, Field(ge=0)] = 0.0  # ours; 0 means no limit


class Publish(Section):
    """Which clips are published."""

    level: str = ""
    """A level's name in the thresholds file; empty is every clip that is in the loosest level."""
    levels: Path | None = None
    """The thresholds (YAML from `calibrate`); None takes those that come with the package."""


class Running(Section):
    """How the work is run; changes no row."""

    executor: Literal["local", "ray"] = "local"
    workers: Annotated[int, Field(ge=1)] = 2
    tries: Annotated[int, Field(ge=1)] = 3  # ours: then an item is quarantined
    gpus: Annotated[float, Field(ge=0)] = 0.0
    """Share of a GPU that Ray keeps for each item of a stage with a network."""
    ray_address: str | None = None
    """Of a running cluster; none starts one on this machine."""


STAGES = (
    "probe", "split", "stitch", "length", "score", "nsfw", "aesthetic", "raft", "dedup", "caption", "cut",
)  # fmt: skip
"""The pipeline, unless the configuration names another."""

_LEARNED: Mapping[str, Mapping[str, Any]] = {
    "stitch": {"emb_a": "dinov2", "emb_b": "clip"},
    "score": {"raft": True},
    "nsfw": {"enabled": True},
    "aesthetic": {"enabled": True},
    "dedup": {"embedder": "clip"},
}
"""What the profile `learned` puts in the place of the defaults, which are `lite`."""


class Config(Section):
    """The whole pipeline."""

    profile: Literal["lite", "learned"] = "lite"
    """`lite` needs no weights; `learned` changes the defaults that are not given."""
    input: Path | None = None
    """The folder of source videos, unless the command names it."""
    source: str = ""
    """Site, then category, of files that no `collected.jsonl` describes."""
    stages: Annotated[tuple[str, ...], Field(min_length=1)] = STAGES
    """Names of stages in the order in which they run; those of installed packages among them."""
    options: dict[str, dict[str, Any]] = {}
    """Stage of another package -> its parameters, which the stage itself checks."""
    split: Split = Split()
    stitch: Stitch = Stitch()
    length: Length = Length()
    score: Score = Score()
    nsfw: Nsfw = Nsfw()
    aesthetic: Learned = Learned()
    dedup: Dedup = Dedup()
    cut: Cut = Cut()
    captions: Captions = Captions()
    collect: Collect | None = None
    publish: Publish = Publish()
    running: Running = Running()

    @property
    def captions_required(self) -> bool:
        """Whether a clip without captions is not published."""
        return self.captions.endpoint is not None and "caption" in self.stages

    @model_validator(mode="before")
    @classmethod
    def _profile_defaults(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("profile") != "learned":
            return given
        filled = dict(given)
        for section, values in _LEARNED.items():
            mine = given.get(section, {})
            filled[section] = {**values, **mine} if isinstance(mine, dict) else mine
        return filled


def load_config(path: Path) -> Config:
    """A configuration file (YAML).

    Raises:
        InputError: it cannot be read, is not valid YAML, or a key or value is refused; all are named.
        MissingExtraError: pyyaml is not installed.
    """
    with needs_extra("data", "reading a pipeline's configuration needs pyyaml"):
        import yaml  # extra `data`
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    return config_of(given or {}, str(path))


def config_of(given: Any, where: str = "configuration") -> Config:
    """A configuration from plain values.

    Raises:
        InputError: a key is unknown or a value is refused; all are named.
    """
    return checked(Config, given, where)


def checked(kind: type[S], given: Any, where: str) -> S:
    """A section of a configuration from plain values.

    Args:
        kind: The section.
        given: Its values.
        where: For the message: a file, or the section's place in it.

    Raises:
        InputError: a key is unknown or a value is refused; all are named.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(_sentence(kind, detail) for detail in error.errors())
        raise InputError(f"{where}: {problems}") from error


def _sentence(kind: type[BaseModel], detail: Any) -> str:
    place = [str(part) for part in detail["loc"]]
    name = ".".join(place) or "the whole file"
    if detail["type"] != "extra_forbidden":
        return f"{name}: {detail['msg']}"
    near = difflib.get_close_matches(place[-1], _fields(kind, place[:-1]), n=1, cutoff=0.5)
    return f"unknown key {name}" + (f": did you mean {near[0]}?" if near else "")


def _fields(kind: type[BaseModel], place: list[str]) -> list[str]:
    """The keys that may stand at a place of a section."""
    model: Any = kind
    for part in place:
        model = _section(model.model_fields[part].annotation)
    return list(model.model_fields)


def _section(annotation: Any) -> type[BaseModel]:
    """The model in an annotation such as `Endpoint | None`."""
    kinds = [annotation] if isinstance(annotation, type) else list(annotation.__args__)
    found: type[BaseModel] = next(kind for kind in kinds if issubclass(kind, BaseModel))
    return found
