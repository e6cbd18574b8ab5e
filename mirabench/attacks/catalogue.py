"""The attacks: one declaration each, in the order of the tables.

What is declared follows from what a metric claims to measure, never from what it was seen to do. Where
an attack leaves open what is right (a dissolve's motion, the colour of a crop), nothing is declared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from mirabench.attacks.api import (
    DROP,
    MOTION,
    NO_GAIN,
    QUALITY,
    RISE,
    STAY,
    TEMPORAL,
    THREE_D,
    Attack,
    Footage,
    Reaction,
)
from mirabench.attacks.encoding import coded, times_rate
from mirabench.errors import UnknownNameError
from mirabench.testing import clips, degrade, films
from mirabench.testing.places import yard
from mirabench.video.frames import UInt8Array


def _frames(change: Callable[..., UInt8Array], **options: float) -> Callable[[Footage], Footage]:
    """A change of frames alone, as a change of footage."""
    return lambda clip: clip.with_frames(change(clip.frames, **options))


def _blurred(clip: Footage) -> Footage:
    height, width = clip.frames.shape[1:3]
    return clip.with_frames(degrade.blur(clip.frames, 0.01 * math.hypot(width, height)))


def _wobbled(clip: Footage) -> Footage:
    height, width = clip.frames.shape[1:3]
    amplitude = 0.02 * math.hypot(width, height)
    return clip.with_frames(degrade.wobble(clip.frames, amplitude, clip.fps))


def _looped(clip: Footage) -> Footage:
    """There and back in about a second, again and again; in shorter clips at least twice."""
    period = min(round(clip.fps / 2), len(clip.frames) // 4 + 1)
    return clip.with_frames(degrade.looped(clip.frames, max(2, period)))


def _spliced(clip: Footage) -> Footage:
    height, width = clip.frames.shape[1:3]
    other = clips.pan(len(clip.frames), (width, height), seed=5).frames
    return clip.with_frames(degrade.cut(clip.frames, other))


def _with_another(change: Callable[..., UInt8Array]) -> Callable[[Footage], Footage]:
    """A change that takes the frames of another rigid scene too."""

    def changed(clip: Footage) -> Footage:
        count, height, width = clip.frames.shape[:3]
        path = films.moving(
            (width, height), (-1.0, 0.0, -1.2), (0.9, 0.0, 0.0), lens=films.YARD_LENS
        )
        # a few frames of another place, there and back, are as foreign as many
        shot = films.film(yard(11), path, min(count, 12), fps=6)
        there_and_back = np.concatenate([shot, shot[::-1]])
        return clip.with_frames(
            change(clip.frames, there_and_back[np.arange(count) % len(there_and_back)])
        )

    return changed


def _camera(reaction: Reaction) -> dict[str, Reaction]:
    """For the two metrics that ask whether the camera moves as its caption says."""
    return {"camera_motion_agreement": reaction, "camera_alignment": reaction}


_INTERPOLATED: dict[str, Reaction | None] = {
    "masked_interpolation_error": None, "masked_interpolation_error_raft": None,
}  # fmt: skip
"""A dissolve is what interpolation makes."""
_SAME_PALETTE: dict[str, Reaction] = {"exposure": STAY, "colorfulness": STAY}
_FLOW_FREE: dict[str, Reaction] = {"camera_motion": STAY, "track_displacement": STAY}
"""Where light changes, the flow of single pixels may be refused; a fit or tracks must not mind."""

TIME = (
    Attack(
        "freeze", "time", "the first frame throughout", "perfect consistency",
        _frames(degrade.still_of),
        {TEMPORAL: DROP, MOTION: DROP, THREE_D: DROP, **_camera(DROP)},
    ),
    Attack(
        "freeze-tail", "time", "the second half holds one frame", "half the work, good consistency",
        _frames(degrade.freeze_tail, share=0.5),
        {TEMPORAL: DROP, MOTION: DROP, THREE_D: NO_GAIN, **_camera(NO_GAIN)},
    ),
    Attack(
        "hold-start", "time", "the first frame held for a third", "a longer clip",
        _frames(degrade.hold_start),
        {TEMPORAL: DROP, MOTION: DROP, THREE_D: NO_GAIN, **_camera(NO_GAIN)},
    ),
    Attack(
        "held-frames", "time", "every second frame replaced by the one before",
        "a high frame rate", _frames(degrade.held),
        {TEMPORAL: DROP, MOTION: STAY, QUALITY: STAY, **_camera(STAY)},
    ),
    Attack(
        "doubled-frames", "time", "every frame twice, at half the speed", "a longer clip",
        _frames(degrade.doubled),
        {TEMPORAL: DROP, MOTION: DROP, **_camera(NO_GAIN)},
    ),
    Attack(
        "slow-motion", "time", "half the speed, neighbours blended", "smoothness",
        _frames(degrade.slowed),
        {MOTION: DROP, **_camera(NO_GAIN)},
    ),
    Attack(
        "fast-forward", "time", "every second frame left out", "motion",
        lambda clip: clip.with_frames(clip.frames[::2]),
        {MOTION: RISE},
    ),
    Attack(
        "loop", "time", "half a second there and back, again and again", "a longer clip",
        _looped,
        {TEMPORAL: DROP, THREE_D: DROP, MOTION: NO_GAIN, "track_displacement": DROP, **_camera(DROP)},
    ),
    Attack(
        "restart", "time", "the first third three times", "a longer clip",
        _frames(degrade.restarted),
        {TEMPORAL: DROP, THREE_D: DROP, MOTION: NO_GAIN, **_camera(NO_GAIN)},
    ),
    Attack(
        "reverse", "time", "played backwards", "nothing: pictures and speeds stay",
        lambda clip: clip.with_frames(clip.frames[::-1].copy()),
        {TEMPORAL: STAY, MOTION: STAY, THREE_D: STAY, QUALITY: STAY, **_camera(DROP)},
    ),
    Attack(
        "shuffle", "time", "frames in random order", "motion",
        _frames(degrade.shuffled),
        {TEMPORAL: DROP, MOTION: NO_GAIN, **_camera(DROP)},
    ),
    Attack(
        "swapped-pairs", "time", "each two neighbouring frames exchanged", "motion",
        _frames(degrade.swapped),
        {TEMPORAL: DROP, MOTION: NO_GAIN, QUALITY: STAY},
    ),
    Attack(
        "splice", "time", "the second half is another clip", "variety",
        _spliced,
        {TEMPORAL: DROP, THREE_D: DROP, **_camera(NO_GAIN)},
    ),
    Attack(
        "ghosting", "time", "each frame the mean of five", "smoothness",
        _frames(degrade.ghosted),
        {"sharpness": DROP, "consistency_3d_num_pts": DROP, "consistency_3d_num_inliers": DROP,
         TEMPORAL: NO_GAIN, MOTION: NO_GAIN, "exposure": STAY},
    ),
    Attack(
        "flicker", "time", "the brightness of each frame at random", "nothing: a common fault",
        _frames(degrade.flicker, amplitude=0.05),
        {TEMPORAL: DROP, MOTION: NO_GAIN, **_FLOW_FREE, **_camera(STAY)},
    ),
    Attack(
        "strobe", "time", "brighter and darker frames in turn", "nothing: a common fault",
        _frames(degrade.alternate, amplitude=0.05),
        {TEMPORAL: DROP, MOTION: NO_GAIN, **_FLOW_FREE, **_camera(STAY)},
    ),
    Attack(
        "wobble", "time", "everything bends like rubber", "motion",
        _wobbled,
        {"warping_error": DROP, THREE_D: DROP, "consistency_3d_num_pts": NO_GAIN,
         QUALITY: NO_GAIN},
    ),
    Attack(
        "shake", "time", "every frame displaced at random", "motion",
        _frames(degrade.shaken),
        {"track_displacement": NO_GAIN, "object_motion": NO_GAIN, "flow_magnitude": NO_GAIN,
         "camera_motion": NO_GAIN, TEMPORAL: NO_GAIN, "exposure": STAY},
    ),
)  # fmt: skip

STILLS = (
    Attack(
        "zoomed-still", "still", "one picture, enlarged step by step", "a dolly",
        _frames(degrade.zoomed_still),
        {THREE_D: DROP, "object_motion": DROP, TEMPORAL: NO_GAIN},
    ),
    Attack(
        "panned-still", "still", "a window moving over one picture", "a camera move",
        _frames(degrade.panned_still),
        {THREE_D: DROP, "object_motion": DROP, TEMPORAL: NO_GAIN},
    ),
    Attack(
        "shaken-still", "still", "one picture, displaced at random", "a handheld camera",
        lambda clip: clip.with_frames(degrade.shaken(degrade.still_of(clip.frames))),
        {THREE_D: DROP, "object_motion": DROP, "track_displacement": DROP, TEMPORAL: NO_GAIN,
         MOTION: NO_GAIN, **_camera(DROP)},
    ),
    Attack(
        "dissolving-stills", "still", "three pictures dissolving into each other", "motion",
        _frames(degrade.dissolving),
        {TEMPORAL: DROP, MOTION: DROP, THREE_D: NO_GAIN, **_INTERPOLATED},
    ),
)  # fmt: skip

SCENES = (
    Attack(
        "outlier-view", "scene", "an eighth of the frames is of another place", "variety",
        _with_another(degrade.outlier_view),
        {THREE_D: DROP, TEMPORAL: NO_GAIN, **_camera(NO_GAIN)},
    ),
    Attack(
        "mixed-scenes", "scene", "two places in turn, in quarters of the clip", "variety",
        _with_another(degrade.mixed_scenes),
        {THREE_D: DROP, TEMPORAL: NO_GAIN, **_camera(NO_GAIN)},
    ),
    Attack(
        "patches", "scene", "two patches of another place on every frame", "detail",
        _with_another(degrade.patched),
        {THREE_D: DROP, "registered_share": NO_GAIN, TEMPORAL: NO_GAIN},
    ),
    Attack(
        "heavy-noise", "scene", "grain of 40 levels", "matches everywhere",
        _frames(degrade.noise, sigma=40.0),
        {THREE_D: DROP, "noise": DROP, "sharpness": NO_GAIN, "warping_error": DROP},
    ),
    Attack(
        "repeated-views", "scene", "four frames, each held until the next", "a longer clip",
        _frames(degrade.repeated_views),
        {THREE_D: DROP, TEMPORAL: NO_GAIN, **_camera(NO_GAIN)},
    ),
)  # fmt: skip
"""What SysCON3D (Paul et al., arXiv 2605.18754) found learned 3D metrics to be fooled by."""

PICTURE = (
    Attack(
        "blur", "picture", "blurred by a hundredth of the diagonal", "cleanness, consistency",
        _blurred,
        {"sharpness": DROP, "consistency_3d_num_pts": DROP, "consistency_3d_num_inliers": DROP,
         TEMPORAL: NO_GAIN, MOTION: STAY, **_camera(STAY), **_SAME_PALETTE},
    ),
    Attack(
        "rescale", "picture", "shrunk to 40 % and enlarged again", "a higher resolution",
        _frames(degrade.rescaled),
        {"sharpness": DROP, "consistency_3d_num_pts": DROP, "consistency_3d_num_inliers": DROP,
         TEMPORAL: NO_GAIN, MOTION: STAY, **_camera(STAY), **_SAME_PALETTE},
    ),
    Attack(
        "crop", "picture", "the middle 60 %, enlarged", "a higher resolution",
        _frames(degrade.cropped),
        {"sharpness": DROP, TEMPORAL: NO_GAIN},
    ),
    Attack(
        "sharpen", "picture", "unsharp mask, three times over", "detail",
        _frames(degrade.sharpened),
        {"sharpness": NO_GAIN, "noise": DROP, TEMPORAL: NO_GAIN, MOTION: STAY, **_camera(STAY),
         "exposure": NO_GAIN},
    ),
    Attack(
        "noise", "picture", "grain of 12 levels", "detail",
        _frames(degrade.noise, sigma=12.0),
        {"noise": DROP, "warping_error": DROP, "sharpness": NO_GAIN, THREE_D: NO_GAIN,
         MOTION: STAY, **_camera(STAY), **_SAME_PALETTE},
    ),
    Attack(
        "grey", "picture", "all colour removed", "nothing: a common fault",
        _frames(degrade.saturation, share=0.0),
        {"colorfulness": DROP, "sharpness": STAY, "exposure": STAY, TEMPORAL: STAY, MOTION: STAY,
         THREE_D: STAY, **_camera(STAY)},
    ),
    Attack(
        "saturate", "picture", "colour times 2.5", "vividness",
        _frames(degrade.saturation, share=2.5),
        {QUALITY: NO_GAIN, TEMPORAL: NO_GAIN, MOTION: STAY, **_camera(STAY)},
    ),
    Attack(
        "darken", "picture", "gamma 2.5", "hidden faults, less noise",
        _frames(degrade.gamma, exponent=2.5),
        {"exposure": DROP, TEMPORAL: NO_GAIN, MOTION: STAY, **_camera(STAY)},
    ),
    Attack(
        "overexpose", "picture", "gamma 0.35", "hidden faults",
        _frames(degrade.gamma, exponent=0.35),
        {"exposure": DROP, "colorfulness": DROP, TEMPORAL: NO_GAIN, MOTION: STAY, **_camera(STAY)},
    ),
    Attack(
        "wash-out", "picture", "contrast times 0.35", "exposure, consistency",
        _frames(degrade.contrast, share=0.35),
        {"colorfulness": DROP, "exposure": NO_GAIN, TEMPORAL: NO_GAIN, MOTION: STAY, **_camera(STAY)},
    ),
    Attack(
        "blocks", "picture", "each frame through JPEG at quality 10", "a small file",
        _frames(degrade.blocks, strength=0.9),
        {"blockiness": DROP, "warping_error": DROP, "sharpness": NO_GAIN, THREE_D: NO_GAIN,
         MOTION: STAY, **_camera(STAY), **_SAME_PALETTE},
    ),
    Attack(
        "mirror", "picture", "left and right exchanged", "nothing: as good a clip",
        lambda clip: clip.with_frames(clip.frames[:, :, ::-1].copy()),
        {TEMPORAL: STAY, MOTION: STAY, THREE_D: STAY, QUALITY: STAY},
    ),
    Attack(
        "mirrored-halves", "picture", "the right half mirrors the left one", "half the work",
        _frames(degrade.mirrored_halves),
        {THREE_D: DROP, "consistency_3d_num_pts": NO_GAIN, "registered_share": NO_GAIN,
         TEMPORAL: NO_GAIN, MOTION: NO_GAIN},
    ),
)  # fmt: skip

OVERLAYS = (
    Attack(
        "caption", "overlay", "a line of text drawn in", "sharp edges that never move",
        _frames(degrade.captioned),
        {QUALITY: NO_GAIN, TEMPORAL: NO_GAIN, MOTION: NO_GAIN, THREE_D: NO_GAIN,
         "consistency_3d_keep_ratio": DROP, **_camera(STAY)},
    ),
    Attack(
        "watermark", "overlay", "see-through text all over", "detail that never moves",
        _frames(degrade.watermarked),
        {QUALITY: NO_GAIN, TEMPORAL: NO_GAIN, MOTION: NO_GAIN, THREE_D: NO_GAIN,
         "consistency_3d_keep_ratio": DROP},
    ),
    Attack(
        "letterbox", "overlay", "black bars over 30 % of the picture", "a cinema picture",
        _frames(degrade.letterboxed),
        {QUALITY: NO_GAIN, TEMPORAL: NO_GAIN, MOTION: NO_GAIN, **_camera(NO_GAIN)},
        version=2,
    ),
    Attack(
        "inset", "overlay", "the clip at 60 % on a blurred still of itself", "a portrait clip in a landscape",
        _frames(degrade.inset),
        {MOTION: DROP, TEMPORAL: NO_GAIN, "consistency_3d_num_inliers": DROP, **_camera(NO_GAIN)},
    ),
)  # fmt: skip

ENCODINGS = (
    Attack(
        "re-encode", "encoding", "x264 at a good quality (crf 16)", "nothing: a usual delivery",
        coded({"crf": "16"}),
        {TEMPORAL: STAY, MOTION: STAY, THREE_D: STAY, QUALITY: STAY, **_camera(STAY)},
    ),
    Attack(
        "low-bitrate", "encoding", "x264 at a poor quality (crf 45)", "a small file",
        coded({"crf": "45"}),
        {"sharpness": DROP, "consistency_3d_num_pts": DROP, "consistency_3d_num_inliers": DROP,
         TEMPORAL: NO_GAIN, QUALITY: NO_GAIN, **_camera(STAY)},
    ),
    Attack(
        "half-rate", "encoding", "half the frame rate", "nothing: the same motion",
        times_rate(0.5),
        {MOTION: STAY, QUALITY: STAY, **_camera(STAY)},
    ),
    Attack(
        "double-rate", "encoding", "twice the frame rate, frames repeated", "a high frame rate",
        times_rate(2.0),
        {TEMPORAL: DROP, MOTION: STAY, QUALITY: STAY, **_camera(STAY)},
    ),
    Attack(
        "pull-up", "encoding", "5/4 of the frame rate, every fourth frame repeated",
        "nothing: the same motion", times_rate(1.25),
        {TEMPORAL: NO_GAIN, MOTION: STAY, QUALITY: STAY, **_camera(STAY)},
    ),
    Attack(
        "half-size", "encoding", "half the width and height", "nothing: the same motion",
        _frames(degrade.resized, share=0.5),
        {MOTION: STAY, **_camera(STAY), **_SAME_PALETTE},
    ),
)  # fmt: skip

LIKENESS = tuple(
    f"{embedding}_lag_{number}"
    for embedding in ("dino", "clip", "thumbnail")
    for number in ("similarity", "drift", "return")
)
"""Metrics that say how alike moments are."""
_RETURN = tuple(name for name in LIKENESS if name.endswith("_return"))
OF_LIKENESS: dict[str, dict[str, Reaction | None]] = {
    # a still under a moving window changes less than a film does, and is rightly called more alike
    "zoomed-still": dict.fromkeys(LIKENESS),
    "panned-still": dict.fromkeys(LIKENESS),
    # embeddings are made to see what is shown, not how bright it is: that it flickers is for others to say
    "flicker": dict.fromkeys(LIKENESS, NO_GAIN),
    "strobe": dict.fromkeys(LIKENESS, NO_GAIN),
    # another clip is no return of the first one
    "splice": dict.fromkeys(_RETURN, NO_GAIN),
}
"""Attack -> what of the temporal reactions metrics of likeness do not claim; they claim all others."""


def _of_likeness(attack: Attack) -> Attack:
    own = OF_LIKENESS.get(attack.name)
    return attack if own is None else replace(attack, expects={**attack.expects, **own})


ATTACKS: Sequence[Attack] = tuple(
    map(_of_likeness, (*TIME, *STILLS, *SCENES, *PICTURE, *OVERLAYS, *ENCODINGS))
)
"""All of them, in the order of the tables."""


def select(names: Iterable[str] | None) -> list[Attack]:
    """The attacks of these names in the order of the tables; all of them for None.

    Raises:
        UnknownNameError: no such attack.
    """
    known = {attack.name: attack for attack in ATTACKS}
    if names is None:
        return list(ATTACKS)
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise UnknownNameError("attack", name, known)
    return [attack for attack in ATTACKS if attack.name in wanted]
