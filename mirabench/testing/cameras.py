"""The pinhole camera and the geometry of two views, in OpenCV's conventions.

World and camera axes are x right, y **down**, z forward, in metres. Pixel coordinates have (0, 0)
at the centre of the first pixel. A camera's rotation takes world directions to camera directions,
so a world point X lands at `intrinsics @ rotation @ (X - position)`, up to scale.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A distortion-free pinhole camera with square pixels and a centred principal point.

    Raises:
        InputError: The focal length or a side is not positive, or an array has the wrong shape.
    """

    focal: float
    """Focal length in pixels."""
    width: int
    """Image width in pixels."""
    height: int
    """Image height in pixels."""
    rotation: Array = field(default_factory=lambda: np.eye(3))
    """(3, 3), orthonormal: world to camera."""
    position: Array = field(default_factory=lambda: np.zeros(3))
    """(3,), metres: the centre of projection in the world."""

    def __post_init__(self) -> None:
        if not (self.focal > 0 and self.width > 0 and self.height > 0):
            raise InputError(
                f"a camera needs a positive focal length and size, not focal={self.focal}, "
                f"width={self.width}, height={self.height}"
            )
        object.__setattr__(self, "rotation", _checked(self.rotation, (3, 3), "rotation"))
        object.__setattr__(self, "position", _checked(self.position, (3,), "position"))

    @property
    def intrinsics(self) -> Array:
        """(3, 3): camera coordinates to homogeneous pixels."""
        centre_x, centre_y = (self.width - 1) / 2, (self.height - 1) / 2
        return np.array([[self.focal, 0, centre_x], [0, self.focal, centre_y], [0, 0, 1]])

    def project(self, points: Array) -> Array:
        """Pixel coordinates (..., 2) of world points (..., 3) that lie before the camera."""
        homogeneous = (points - self.position) @ (self.intrinsics @ self.rotation).T
        pixels: Array = homogeneous[..., :2] / homogeneous[..., 2:]
        return pixels


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Array:
    """World-to-camera rotation (3, 3) of a camera turned from looking along +z, angles in degrees.

    Args:
        yaw: To the right; the picture moves left.
        pitch: Upwards; the picture moves down.
        roll: Clockwise as seen from behind the camera; the picture turns counter-clockwise.
    """
    cy, sy = _cos_sin(yaw)
    cp, sp = _cos_sin(pitch)
    cr, sr = _cos_sin(roll)
    yawed = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    pitched = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    rolled = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
    matrix: Array = rolled @ pitched @ yawed
    return matrix


def looking_at(position: Sequence[float] | Array, target: Sequence[float] | Array) -> Array:
    """Upright world-to-camera rotation (3, 3) that puts `target` at the centre of the picture."""
    x, y, z = np.asarray(target, float) - np.asarray(position, float)
    return rotation(
        yaw=math.degrees(math.atan2(x, z)), pitch=math.degrees(math.atan2(-y, math.hypot(x, z)))
    )


def fundamental_matrix(camera0: Camera, camera1: Camera) -> Array:
    """The matrix F (3, 3), of unit Frobenius norm, with x1' F x0 = 0 for every rigid scene point.

    F = K1^-T [t]x R K0^-1 (Hartley and Zisserman, Multiple View Geometry, 9.2).

    Raises:
        InputError: Both cameras have the same position: pure rotation has no epipolar geometry.
    """
    x, y, z = camera1.rotation @ (camera0.position - camera1.position)
    if math.hypot(x, y, z) == 0:
        raise InputError(
            "two cameras at one position have no fundamental matrix: use rotation_homography"
        )
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    essential = cross @ camera1.rotation @ camera0.rotation.T
    matrix = np.linalg.inv(camera1.intrinsics).T @ essential @ np.linalg.inv(camera0.intrinsics)
    unit: Array = matrix / np.linalg.norm(matrix)
    return unit


def rotation_homography(camera0: Camera, camera1: Camera) -> Array:
    """The matrix H (3, 3) with x1 ~ H x0 where only rotation and focal length change.

    It holds for every point of every scene when the positions agree, and for points at infinity
    when they do not.
    """
    relative = camera1.rotation @ camera0.rotation.T
    matrix: Array = camera1.intrinsics @ relative @ np.linalg.inv(camera0.intrinsics)
    return matrix


def _cos_sin(degrees: float) -> tuple[float, float]:
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def _checked(value: Array, shape: tuple[int, ...], name: str) -> Array:
    array = np.asarray(value, dtype=np.float64)
    if array.shape != shape:
        raise InputError(f"a camera's {name} has the shape {shape}, not {array.shape}")
    return array
