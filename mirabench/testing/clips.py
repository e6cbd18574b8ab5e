"""Ready-made clips with captions and the facts about them, for tests of metrics.

Each function gives a `SyntheticClip`. Those of a picture move it by an exact transform; those of a
place film it with a pinhole camera, so that `mirabench.testing.scenes.exact_flow` answers for every
pixel. Degraded versions come from `SyntheticClip.degraded` and `mirabench.testing.degrade`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from mirabench.errors import InputError
from mirabench.testing import films
from mirabench.testing.cameras import Camera, rotation
from mirabench.testing.films import FPS, Size
from mirabench.testing.places import room, yard
from mirabench.testing.scenes import Scene
from mirabench.testing.textures import structured
from mirabench.video.frames import UInt8Array

SIZE: Size = (320, 180)


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticClip:
    """Frames and what is known of them."""

    name: str
    frames: UInt8Array
    """uint8 RGB (T, H, W, 3)."""
    captions: Mapping[str, str]
    """Aspect -> text: `short` and `camera`, true of the clip."""
    facts: Mapping[str, object]
    """What holds by construction; each function says which."""
    fps: float = FPS

    def degraded(self, name: str, change: Callable[[UInt8Array], UInt8Array]) -> SyntheticClip:
        """The clip under a change of `mirabench.testing.degrade`, with `facts["of"]` its origin.

        Example:
            >>> from mirabench.testing import clips, degrade
            >>> clips.dolly(8, (64, 36)).degraded("bent", degrade.wobble).facts["of"]
            'dolly-in'
        """
        return replace(self, name=name, frames=change(self.frames), facts={"of": self.name})


def still(frames: int = 24, size: Size = SIZE, seed: int = 0) -> SyntheticClip:
    """One textured picture in every frame."""
    return _of_picture("still", "The camera is static.", [np.eye(3)] * frames, size, seed)


def pan(
    frames: int = 24, size: Size = SIZE, seed: int = 0, *, pixels: tuple[float, float] = (2.0, 0.0)
) -> SyntheticClip:
    """A window moves over a large picture, by `pixels` (right, down) a frame.

    Facts: `flow`, the displacement (x, y) of every pixel from a frame to the next, -`pixels`; exact
    for whole pixels, to 1/64 px otherwise.
    """
    dx, dy = pixels
    steps = [np.array([[1, 0, dx * t], [0, 1, dy * t], [0, 0, 1]]) for t in range(frames)]
    words = [w for w in (_way(dx, "pans", "right", "left"), _way(dy, "tilts", "down", "up")) if w]
    caption = f"The camera {' and '.join(words)}." if words else "The camera is static."
    return _of_picture("pan", caption, steps, size, seed, {"flow": (-dx, -dy)})


def zoom(
    frames: int = 24, size: Size = SIZE, seed: int = 0, *, factor: float = 1.01
) -> SyntheticClip:
    """A picture grows by `factor` a frame about its centre, or shrinks below 1.

    Facts: `scale`, the factor.

    Raises:
        InputError: The factor is not positive.
    """
    if factor <= 0:
        raise InputError(f"a zoom needs a positive factor, not {factor}")
    # The picture is never shown below its own resolution, where it would alias.
    offset = 0 if factor >= 1 else frames - 1
    steps = [_about(size, np.eye(2) * factor ** (offset - t)) for t in range(frames)]
    caption = f"The camera zooms {'in' if factor >= 1 else 'out'}."
    return _of_picture("zoom", caption, steps, size, seed, {"scale": factor})


def roll(
    frames: int = 24, size: Size = SIZE, seed: int = 0, *, degrees: float = 1.0
) -> SyntheticClip:
    """A picture turns about its centre by `degrees` a frame, clockwise above 0.

    Facts: `degrees`.
    """
    steps = [_about(size, _turn(-degrees * t)) for t in range(frames)]
    return _of_picture("roll", "The camera rolls.", steps, size, seed, {"degrees": degrees})


def turn(
    frames: int = 36, size: Size = SIZE, seed: int = 0, *, yaw: float = 8.0, pitch: float = 0.0
) -> SyntheticClip:
    """The room from a camera that only turns, degrees a second to the right and upwards.

    Facts: `cameras`, one a frame; `scene`.
    """
    seconds = (frames - 1) / FPS / 2
    start = (0.0, 0.1, -0.8)
    path = films.moving(size, start, yaw=(-yaw * seconds, yaw), pitch=(-pitch * seconds, pitch))
    words = [
        w for w in (_way(yaw, "pans", "right", "left"), _way(pitch, "tilts", "up", "down")) if w
    ]
    return _of_place("turn", f"The camera {' and '.join(words)}.", room(seed), path, frames)


def dolly(
    frames: int = 36, size: Size = SIZE, seed: int = 0, *, metres_per_second: float = 0.6
) -> SyntheticClip:
    """The room from a camera that moves forward, or back below 0, with a slight pan to the right.

    Facts: `cameras`, one a frame; `scene`.
    """
    way = "in" if metres_per_second > 0 else "out"
    path = films.dolly_path(size, metres_per_second)
    return _of_place(f"dolly-{way}", f"The camera dollies {way}.", room(seed), path, frames)


def truck(
    frames: int = 36, size: Size = SIZE, seed: int = 0, *, metres_per_second: float = 0.5
) -> SyntheticClip:
    """The room from a camera that slides to the right, or left below 0, without turning.

    Facts: `cameras`, one a frame; `scene`.
    """
    way = "right" if metres_per_second > 0 else "left"
    path = films.truck_path(size, metres_per_second)
    return _of_place("truck", f"The camera trucks {way}.", room(seed), path, frames)


def orbit(
    frames: int = 36, size: Size = SIZE, seed: int = 0, *, degrees_per_second: float = 12.0
) -> SyntheticClip:
    """The room from a camera that circles its middle and keeps looking at it; left below 0.

    Facts: `cameras`, one a frame; `scene`; the middle is `films.ORBIT_CENTRE`.
    """
    way = "right" if degrees_per_second > 0 else "left"
    path = films.orbit_path(size, degrees_per_second)
    return _of_place("orbit", f"The camera orbits to the {way}.", room(seed), path, frames)


def handheld(
    frames: int = 36, size: Size = SIZE, seed: int = 0, *, degrees: float = 0.5
) -> SyntheticClip:
    """The room from a camera that stays in place and shakes by about `degrees`, 2 to 7 times per second.

    Facts: `cameras`, one a frame; `scene`.
    """
    generator = np.random.default_rng([seed, 7])
    rate, phase = generator.uniform(2, 7, (2, 4)), generator.uniform(0, 2 * math.pi, (2, 4))

    def path(time: float) -> Camera:
        yaw, pitch = degrees / 2**0.5 * np.sin(2 * math.pi * rate * time + phase).sum(axis=1)
        shaken = rotation(yaw=float(yaw), pitch=float(pitch))
        return Camera(films.ROOM_LENS * size[0], *size, shaken, np.array([0.0, 0.1, -0.8]))

    return _of_place("handheld", "The camera is handheld and shaky.", room(seed), path, frames)


def ball(frames: int = 36, size: Size = SIZE, seed: int = 0, *, yaw: float = 0.0) -> SyntheticClip:
    """A ball rolls and hops through the yard; the camera turns by `yaw` degrees a second.

    Facts: `cameras`, one a frame; `scene`, whose second body is the ball.
    """
    start = (0.0, 0.0, -1.2)
    path = films.moving(size, start, yaw=(-14.0, yaw), lens=films.YARD_LENS)
    caption = f"The camera {_way(yaw, 'pans', 'right', 'left') or 'is static'}."
    return _of_place("ball", caption, yard(seed), path, frames)


def flat(frames: int = 24, size: Size = SIZE, *, level: int = 128) -> SyntheticClip:
    """One level of grey everywhere; 0 is black."""
    picture = np.full((frames, size[1], size[0], 3), level, np.uint8)
    captions = {"short": "Nothing but grey.", "camera": ""}
    return SyntheticClip("black" if level == 0 else "flat", picture, captions, {"level": level})


def _of_place(name: str, camera: str, scene: Scene, path: films.Path, frames: int) -> SyntheticClip:
    facts = {"scene": scene, "cameras": tuple(path(t / FPS) for t in range(frames))}
    short = "A furnished room." if len(scene.bodies) == 1 else "A ball bounces across a yard."
    captions = {"short": short, "camera": camera}
    return SyntheticClip(name, films.film(scene, path, frames), captions, facts)


def _of_picture(
    name: str,
    camera: str,
    steps: list[np.ndarray],
    size: Size,
    seed: int,
    facts: Mapping[str, object] | None = None,
) -> SyntheticClip:
    """A clip whose pixel p shows the place `steps[t] @ p` of one large picture."""
    corners = np.array([[x, y, 1] for x in (0, size[0] - 1) for y in (0, size[1] - 1)], np.float64)
    places = np.concatenate([(corners @ step.T)[:, :2] for step in steps])
    first = np.floor(places.min(axis=0)) - 2
    width, height = (np.ceil(places.max(axis=0)) + 3 - first).astype(int).tolist()
    picture = structured(height, width, seed)
    shift = np.array([[1, 0, -first[0]], [0, 1, -first[1]], [0, 0, 1]])
    # Linear weights would blur the frames that fall between pixels: a flicker of sharpness.
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    shown = [cv2.warpAffine(picture, (shift @ step)[:2], size, flags=flags) for step in steps]
    captions = {"short": "A colourful abstract painting.", "camera": camera}
    return SyntheticClip(name, np.asarray(shown, np.uint8), captions, facts or {})


def _about(size: Size, linear: np.ndarray) -> np.ndarray:
    """The transform (3, 3) that is linear about a picture's centre."""
    centre = (np.array(size) - 1) / 2
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = centre - linear @ centre
    return matrix


def _turn(degrees: float) -> np.ndarray:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


def _way(speed: float, verb: str, above: str, below: str) -> str:
    return f"{verb} {above if speed > 0 else below}" if speed else ""
