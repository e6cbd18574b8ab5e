"""What a ray can hit: textured rectangles and balls, each solved in closed form.

A rectangle's homography gives (s, t, 1) / z as an affine function of the pixel, with s and t in
[0, 1] along its sides and z the depth: one 3 x 3 matrix a surface and no iteration.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mirabench.testing.cameras import Array, Camera
from mirabench.testing.textures import Texture

Field = NDArray[np.floating]
"""Numbers at pixels, float64 where exact answers are asked for and float32 in pictures."""

NEAR = 1e-3
"""Metres before the camera at which surfaces are cut off."""

TINY = 1e-9
"""Keeps logarithms and reciprocals finite at pixels whose result is discarded."""


class Pose(NamedTuple):
    """Where a body is: body point X lies at `rotation @ X + position` in the world."""

    rotation: Array
    position: Array


class Light(NamedTuple):
    """A sun so far away that each plane has one brightness, with light from all sides added."""

    direction: tuple[float, float, float] = (-0.35, -0.8, -0.45)
    """Towards the light, in world axes (y down)."""
    ambient: float = 0.6

    def on(self, normal: Field) -> Field:
        """Brightness of surfaces with unit normals (..., 3)."""
        towards = np.asarray(self.direction) / np.linalg.norm(self.direction)
        # Half-Lambert keeps faces turned away from looking like holes.
        brightness: Field = self.ambient + (1.1 - self.ambient) * (0.5 + 0.5 * (normal @ towards))
        return brightness


DAYLIGHT = Light()


class Surface(Protocol):
    """A thing rays can hit: `Rectangle` or `Sphere`."""

    @property
    def texture(self) -> Texture:
        """What is painted on it."""

    def moved(self, pose: Pose) -> "Surface":
        """This surface, taken from body to world coordinates."""

    def seen(self, camera: Camera, light: "Light") -> "Seen | None":
        """This surface in one camera's pixels; None when no ray can meet it."""


class Seen(Protocol):
    """A surface with everything about one camera worked out."""

    @property
    def texture(self) -> Texture:
        """What is painted on it."""

    @property
    def corners(self) -> Array:
        """(N, 2): pixels whose bounding box holds the whole surface."""

    def inverse_depth(self, x: Field, y: Field) -> Field:
        """1 / z at pixels that broadcast to (H, W); 0 where the ray misses."""

    def coordinates(self, x: Field, y: Field, inverse_depth: Field) -> tuple[Field, Field]:
        """Texture coordinates s and t in [0, 1] at the pixels that were hit."""

    def detail(self, inverse_depth: Field) -> Field:
        """The mipmap level, real and unclipped, whose texels are as large as a pixel."""

    def shade(self, x: Field, y: Field, inverse_depth: Field) -> float | Field:
        """How bright the surface is lit, about 0.5 to 1.1."""


@dataclass(frozen=True, slots=True, eq=False)
class Rectangle:
    """The points origin + s u + t v with s, t in [0, 1]; its texture's rows run along u.

    Both faces show the same texture. The sides need not be perpendicular.
    """

    origin: Array
    """(3,), metres: the corner that shows the texture's first pixel."""
    u: Array
    """(3,), metres: the side along the texture's width."""
    v: Array
    """(3,), metres: the side along the texture's height."""
    texture: Texture

    def moved(self, pose: Pose) -> "Rectangle":
        """This rectangle, taken from body to world coordinates."""
        turn, shift = pose
        return Rectangle(turn @ self.origin + shift, turn @ self.u, turn @ self.v, self.texture)

    def seen(self, camera: Camera, light: Light) -> "Seen | None":
        """This rectangle in the camera's pixels; None behind the camera or seen edge-on."""
        sides = np.stack([self.u, self.v, self.origin - camera.position], axis=1)
        corners = sides @ np.array([[0, 1, 1, 0], [0, 0, 1, 1], [1, 1, 1, 1]])
        before = _cut_near((camera.rotation @ corners).T)
        to_pixels = camera.intrinsics @ camera.rotation @ sides
        normal = np.cross(self.u, self.v)
        normal = normal / np.linalg.norm(normal)
        distance = float(normal @ sides[:, 2])
        # the determinant alone is not enough: rounding, scaled by the focal length, keeps it from zero
        edge_on = abs(distance) < 1e-9 or abs(np.linalg.det(to_pixels)) < 1e-12
        if len(before) == 0 or edge_on:
            return None
        homogeneous = before @ camera.intrinsics.T
        return _SeenRectangle(
            texture=self.texture,
            corners=homogeneous[:, :2] / homogeneous[:, 2:],
            from_pixels=np.linalg.inv(to_pixels).astype(np.float64),
            brightness=float(light.on(-normal if distance > 0 else normal)),
            footprint=self._texels_per_metre() / (camera.focal * abs(distance) ** 0.5),
        )

    def _texels_per_metre(self) -> float:
        height, width = self.texture.image.shape[:2]
        return float(max(width / np.linalg.norm(self.u), height / np.linalg.norm(self.v)))


@dataclass(frozen=True, slots=True, eq=False)
class _SeenRectangle:
    texture: Texture
    corners: Array
    from_pixels: Array
    brightness: float
    footprint: float

    def inverse_depth(self, x: Field, y: Field) -> Field:
        s, t, w = (_affine(row, x, y) for row in self.from_pixels)
        inside = np.minimum(np.minimum(s, w - s), np.minimum(t, w - t)) >= 0
        hit: Field = w * inside
        return hit

    def coordinates(self, x: Field, y: Field, inverse_depth: Field) -> tuple[Field, Field]:
        # The plane is used beyond the rectangle's edge too, where the result is discarded.
        reciprocal = 1 / np.maximum(_affine(self.from_pixels[2], x, y), TINY)
        s, t = (_affine(row, x, y) for row in self.from_pixels[:2])
        return s * reciprocal, t * reciprocal

    def detail(self, inverse_depth: Field) -> Field:
        # A pixel covers z / f across the slope and z^2 / (f distance) along it: their geometric
        # mean, because the larger would blur a floor and the smaller make it shimmer.
        return _log2(self.footprint) - 1.5 * np.log2(np.maximum(inverse_depth, TINY))

    def shade(self, x: Field, y: Field, inverse_depth: Field) -> float | Field:
        return self.brightness


@dataclass(frozen=True, slots=True, eq=False)
class Sphere:
    """A ball whose texture goes once around the vertical axis, from the top to the bottom."""

    centre: Array
    """(3,), metres."""
    radius: float
    """Metres."""
    texture: Texture
    rotation: Array
    """(3, 3): body to world, turns the texture."""

    def moved(self, pose: Pose) -> "Sphere":
        """This ball, taken from body to world coordinates."""
        turn, shift = pose
        return Sphere(turn @ self.centre + shift, self.radius, self.texture, turn @ self.rotation)

    def seen(self, camera: Camera, light: Light) -> "Seen | None":
        """This ball in the camera's pixels; None unless all of it lies before the camera."""
        centre = camera.rotation @ (self.centre - camera.position)
        if centre[2] - self.radius <= NEAR:
            return None
        corners = _outline(centre, self.radius, camera)
        return _SeenSphere(self.texture, corners, centre, self, camera, light)


@dataclass(frozen=True, slots=True, eq=False)
class _SeenSphere:
    texture: Texture
    corners: Array
    centre: Array
    """(3,), in camera axes."""
    sphere: Sphere
    camera: Camera
    light: Light

    def inverse_depth(self, x: Field, y: Field) -> Field:
        # Broadcast rows against columns: hills fill the picture, and rays (H, W, 3) would cost most.
        across, down = slopes(self.camera, x, y)
        along = across * self.centre[0] + (down * self.centre[1] + self.centre[2])
        beyond = float(self.centre @ self.centre) - self.sphere.radius**2
        squared = along**2 - beyond * (across**2 + (down**2 + 1))
        nearest = (along + np.sqrt(np.maximum(squared, 0))) / beyond
        hit: Field = np.where(squared > 0, nearest, 0)
        return hit.astype(np.result_type(x, y))

    def coordinates(self, x: Field, y: Field, inverse_depth: Field) -> tuple[Field, Field]:
        body_normals = self._normals(x, y, inverse_depth) @ self.sphere.rotation
        east, down, north = np.moveaxis(body_normals, -1, 0)
        s = 0.5 + np.arctan2(east, north) / (2 * np.pi)
        return s, np.arccos(np.clip(-down, -1, 1)) / np.pi

    def detail(self, inverse_depth: Field) -> Field:
        texels_per_metre = self.texture.image.shape[1] / (2 * np.pi * self.sphere.radius)
        footprint = _log2(texels_per_metre / self.camera.focal)
        return footprint - np.log2(np.maximum(inverse_depth, TINY))

    def shade(self, x: Field, y: Field, inverse_depth: Field) -> float | Field:
        return self.light.on(self._normals(x, y, inverse_depth))

    def _normals(self, x: Field, y: Field, inverse_depth: Field) -> Field:
        depth = 1 / np.maximum(inverse_depth, 1 / self.centre[2])
        points = rays(self.camera, x, y) * depth[..., None] - self.centre
        normals: Field = points @ self.camera.rotation / self.sphere.radius
        return normals


def box(
    lowest: Sequence[float], highest: Sequence[float], texture: Texture
) -> tuple[Rectangle, ...]:
    """The six faces of an upright box between two opposite corners, in metres."""
    a, b = np.asarray(lowest, np.float64), np.asarray(highest, np.float64)
    x, y, z = np.diag(b - a)
    return (
        Rectangle(a, x, y, texture),
        Rectangle(a + z + x, -x, y, texture),
        Rectangle(a + z, -z, y, texture),
        Rectangle(a + x, z, y, texture),
        Rectangle(a + z, x, -z, texture),
        Rectangle(a + y, x, z, texture),
    )


def rays(camera: Camera, x: Field, y: Field) -> Field:
    """Directions (H, W, 3) in camera axes, with z = 1."""
    kind = np.result_type(x, y)
    across, down = slopes(camera, x, y)
    directions: Field = np.stack(np.broadcast_arrays(across, down, np.ones((), kind)), axis=-1)
    return directions.astype(kind)


def slopes(camera: Camera, x: Field, y: Field) -> tuple[Array, Array]:
    """The x and y of the directions with z = 1, in the shapes of the pixels' x and y."""
    across = (x.astype(np.float64) - (camera.width - 1) / 2) / camera.focal
    down = (y.astype(np.float64) - (camera.height - 1) / 2) / camera.focal
    return across, down


def _log2(value: float) -> float:
    return float(np.log2(value))


def _affine(row: Array, x: Field, y: Field) -> Field:
    """The product of a row with (x, y, 1), in the pixels' own precision."""
    a, b, c = row.astype(np.result_type(x, y))
    result: Field = a * x + (b * y + c)
    return result


def _cut_near(polygon: Array) -> Array:
    """The part of a convex polygon (N, 3) in camera axes that lies beyond the near plane."""
    kept: list[Array] = []
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if start[2] > NEAR:
            kept.append(start)
        if (start[2] > NEAR) != (end[2] > NEAR):
            kept.append(start + (end - start) * (NEAR - start[2]) / (end[2] - start[2]))
    return np.array(kept).reshape(-1, 3)


def _outline(centre: Array, radius: float, camera: Camera) -> Array:
    """Pixels (2, 2) of the corners of the box around a ball's picture; all of it lies before."""
    x, y, z = centre
    beyond = z**2 - radius**2
    # Tangents to the ball through the eye, in the planes of the picture's two axes.
    half = [radius * math.sqrt(side**2 + beyond) for side in (x, y)]
    sides = [[side * z - one for side, one in zip((x, y), half, strict=True)]]
    sides.append([side * z + one for side, one in zip((x, y), half, strict=True)])
    pixels: Array = np.array(sides) / beyond * camera.focal + camera.intrinsics[:2, 2]
    return pixels
