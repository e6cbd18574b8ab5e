"""Scenes of rigid bodies: their pictures, and the exact answers about them.

Every pixel's ray meets every surface in closed form, so depth, visibility and optical flow are
known to rounding error. Pictures are sampled at twice the resolution from mipmapped textures, so
they do not alias.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mirabench.testing.cameras import Array, Camera
from mirabench.testing.surfaces import DAYLIGHT, Field, Light, Pose, Seen, Surface, rays, slopes
from mirabench.testing.textures import LEVELS, Colour, Picture, Texture

OVERSAMPLING = 2
"""Rays per pixel along each axis."""

Window = tuple[slice, slice]


class Sky(NamedTuple):
    """What a ray that meets nothing sees: a gradient from the horizon to straight up."""

    zenith: Colour = (72, 126, 196)
    horizon: Colour = (226, 234, 240)


class Frame(NamedTuple):
    """One picture and what is behind each pixel's centre."""

    rgb: Picture
    """uint8 (H, W, 3)."""
    depth: Array
    """float64 (H, W): metres along the optical axis; infinite for sky."""
    surface: NDArray[np.int16]
    """int16 (H, W): the index of the surface in `scene.surfaces(time)`; -1 for sky."""


class Flow(NamedTuple):
    """Where each pixel's scene point goes."""

    flow: Array
    """float64 (H, W, 2): displacement (x, y) in pixels; NaN where it ends behind the camera."""
    visible: NDArray[np.bool_]
    """bool (H, W): the point lies inside the other picture and nothing hides it there."""


DAYLIGHT_SKY = Sky()


def standing_still(time: float) -> Pose:
    """The pose of a body that never moves."""
    return Pose(np.eye(3), np.zeros(3))


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Surfaces that move together."""

    surfaces: tuple[Surface, ...]
    pose: Callable[[float], Pose] = standing_still
    """Seconds to where the body is."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Bodies under a sky."""

    bodies: tuple[Body, ...]
    sky: Sky = DAYLIGHT_SKY
    light: Light = DAYLIGHT

    def surfaces(self, time: float = 0.0) -> list[Surface]:
        """Every body's surfaces in world coordinates, in order, at a time in seconds."""
        return [surface.moved(body.pose(time)) for body in self.bodies for surface in body.surfaces]


def render(scene: Scene, camera: Camera, time: float = 0.0) -> Frame:
    """The camera's picture of the scene at a time in seconds, with exact depth and indices."""
    seen = _seen(scene, camera, time)
    x, y = _pixel_grid(camera)
    inverse_depth, surface = _nearest(seen, x, y)
    with np.errstate(divide="ignore"):
        depth = 1 / inverse_depth
    return Frame(_picture(scene, camera, seen.values()), depth, surface)


def exact_flow(scene: Scene, t0: float, camera0: Camera, t1: float, camera1: Camera) -> Flow:
    """Optical flow from one picture to another, by moving each pixel's scene point.

    Visibility asks for the nearest surface on the ray to the point's new place, at sub-pixel
    position, so it is as exact as the flow. The sky is infinitely far away.
    """
    x, y = _pixel_grid(camera0)
    inverse_depth, surface = _nearest(_seen(scene, camera0, t0), x, y)
    points = rays(camera0, x, y) @ camera0.rotation + inverse_depth[..., None] * camera0.position
    points = _carried(scene, t0, t1, points, inverse_depth, surface)
    in_camera1 = (points - inverse_depth[..., None] * camera1.position) @ camera1.rotation.T
    before = in_camera1[..., 2] > 0
    scale = np.where(before, in_camera1[..., 2], np.nan)
    landed = (in_camera1 / scale[..., None]) @ camera1.intrinsics.T
    x1, y1 = landed[..., 0], landed[..., 1]
    nearest, _ = _nearest(_seen(scene, camera1, t1), np.nan_to_num(x1), np.nan_to_num(y1))
    inside = (x1 >= 0) & (x1 <= camera1.width - 1) & (y1 >= 0) & (y1 <= camera1.height - 1)
    unhidden = np.nan_to_num(inverse_depth / scale) >= nearest * (1 - 1e-6)
    return Flow(np.stack([x1 - x, y1 - y], axis=-1), before & inside & unhidden)


def _carried(
    scene: Scene, t0: float, t1: float, points: Array, weight: Array, surface: NDArray[np.int16]
) -> Array:
    """Homogeneous points (points, weight), each moved with the body it belongs to."""
    moved = points.copy()
    first = 0
    for body in scene.bodies:
        mine = (surface >= first) & (surface < first + len(body.surfaces))
        first += len(body.surfaces)
        old, new = body.pose(t0), body.pose(t1)
        turn = new.rotation @ old.rotation.T
        shift = new.position - turn @ old.position
        moved[mine] = points[mine] @ turn.T + weight[mine, None] * shift
    return np.asarray(moved)


def _seen(scene: Scene, camera: Camera, time: float) -> dict[int, Seen]:
    """The surfaces some ray may meet, by index."""
    found = ((i, s.seen(camera, scene.light)) for i, s in enumerate(scene.surfaces(time)))
    return {index: seen for index, seen in found if seen is not None}


def _nearest(seen: dict[int, Seen], x: Field, y: Field) -> tuple[Array, NDArray[np.int16]]:
    """Inverse depth and surface index of the first hit at pixels that broadcast to (H, W)."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    nearest = np.zeros(shape)
    surface = np.full(shape, -1, np.int16)
    for index, one in seen.items():
        window = _window(one, x, y)
        candidate = one.inverse_depth(*_within(window, x, y))
        nearer = candidate > nearest[window]
        np.copyto(nearest[window], candidate, where=nearer)
        np.copyto(surface[window], index, where=nearer)
    return nearest, surface


def _picture(scene: Scene, camera: Camera, seen: Iterable[Seen]) -> Picture:
    x, y = (axis.astype(np.float32) for axis in _pixel_grid(camera, OVERSAMPLING))
    nearest = np.zeros((y.size, x.size), np.float32)
    hits: list[tuple[Seen, Window, Field]] = []
    for one in seen:
        window = _window(one, x, y)
        candidate = one.inverse_depth(*_within(window, x, y))
        if candidate.size:
            np.maximum(nearest[window], candidate, out=nearest[window])
            hits.append((one, window, candidate))
    canvas = _sky(scene.sky, camera, x, y, nearest)
    for one, window, candidate in hits:
        mask = ((candidate == nearest[window]) & (candidate > 0)).astype(np.uint8)
        left, top, width, height = cv2.boundingRect(mask)
        if width:
            part = (slice(top, top + height), slice(left, left + width))
            target = canvas[window][part]
            where = _within(window, x, y)
            painted = _painted(one, *_within(part, *where), candidate[part])
            cv2.copyTo(painted, mask[part], target)
    size = (camera.width, camera.height)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def _painted(seen: Seen, x: Field, y: Field, inverse_depth: Field) -> Picture:
    """The lit texture over a window, between its two nearest mipmaps."""
    s, t = seen.coordinates(x, y, inverse_depth)
    level = np.clip(seen.detail(inverse_depth) - np.log2(OVERSAMPLING), 0, LEVELS).astype(
        np.float32
    )
    fine = np.floor(level)
    colour = _at_level(seen.texture, s, t, fine)
    if level.max() > 0:
        coarse = _at_level(seen.texture, s, t, np.minimum(fine + 1, LEVELS))
        blend = level - fine
        colour = np.asarray(cv2.blendLinear(colour, coarse, 1 - blend, blend), np.uint8)
    shade = seen.shade(x, y, inverse_depth)
    if isinstance(shade, float):
        return np.asarray(cv2.convertScaleAbs(colour, alpha=shade), np.uint8)
    return np.clip(colour * shade[..., None] + 0.5, 0, 255).astype(np.uint8)


def _at_level(texture: Texture, s: Field, t: Field, level: Field) -> Picture:
    height, width = texture.image.shape[:2]
    scale = np.exp2(-level)
    # Half a texel inside each mipmap, so that its neighbour in the pyramid never bleeds in.
    columns = np.clip(s * (width * scale) - 0.5, 0, width * scale - 1) + 2 * width * (1 - scale)
    rows = np.clip(t * (height * scale) - 0.5, 0, height * scale - 1)
    maps = (columns.astype(np.float32), rows.astype(np.float32))
    return np.asarray(cv2.remap(texture.pyramid, *maps, cv2.INTER_LINEAR), np.uint8)


def _sky(sky: Sky, camera: Camera, x: Field, y: Field, nearest: Field) -> Picture:
    canvas = np.zeros((*nearest.shape, 3), np.uint8)
    left, top, width, height = cv2.boundingRect((nearest == 0).astype(np.uint8))
    if width:
        part = (slice(top, top + height), slice(left, left + width))
        across, down = slopes(camera, *_within(part, x, y))
        turn = camera.rotation[:, 1]
        up = -(across * turn[0] + (down * turn[1] + turn[2])) / np.sqrt(across**2 + (down**2 + 1))
        # The square root puts most of the change near the horizon, as in the real sky.
        share = np.sqrt(np.clip(up, 0, 1)).astype(np.float32)[..., None]
        horizon, zenith = (np.array(c, np.float32) for c in (sky.horizon, sky.zenith))
        canvas[part] = horizon + share * (zenith - horizon) + np.float32(0.5)
    return canvas


def _pixel_grid(camera: Camera, oversampling: int = 1) -> tuple[Array, Array]:
    """Sample positions x (1, W n) and y (H n, 1) in pixels."""
    columns, rows = np.arange(camera.width * oversampling), np.arange(camera.height * oversampling)
    x, y = ((side + 0.5) / oversampling - 0.5 for side in (columns, rows))
    return x[None, :], y[:, None]


def _window(seen: Seen, x: Field, y: Field) -> Window:
    """The part of a grid that may hit the surface; everything when the pixels are not on a grid."""
    if x.shape[0] != 1 or y.shape[1] != 1:
        return slice(None), slice(None)
    (left, top), (right, bottom) = seen.corners.min(axis=0), seen.corners.max(axis=0)
    columns = np.searchsorted(x[0], [left - 1, right + 1])
    rows = np.searchsorted(y[:, 0], [top - 1, bottom + 1])
    return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))


def _within(window: Window, x: Field, y: Field) -> tuple[Field, Field]:
    rows, columns = window
    return (x[:, columns], y[rows]) if x.shape[0] == 1 else (x, y)
