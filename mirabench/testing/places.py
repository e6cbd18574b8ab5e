"""Two places to film in: a furnished room, with a view, and a paved yard with a ball.

Both are in metres with the eye at the origin, looking along +z: the room's floor and the yard lie
at y = 1.4. A seed changes every texture, the colours and nothing of the geometry.
"""

import math

import numpy as np

from mirabench.testing import decor
from mirabench.testing.cameras import Array
from mirabench.testing.scenes import Body, Scene
from mirabench.testing.surfaces import Pose, Rectangle, Sphere, box
from mirabench.testing.textures import Colour, Texture

FLOOR, CEILING = 1.4, -1.4
LEFT, RIGHT = -2.6, 2.6
FRONT, BACK = -3.0, 6.5
BALL_RADIUS = 0.45

WALLS: tuple[Colour, ...] = ((206, 196, 172), (168, 188, 186), (214, 178, 150), (176, 186, 206))
WOODS: tuple[Colour, ...] = ((186, 132, 82), (158, 112, 78), (198, 154, 104))


def room(seed: int = 0) -> Scene:
    """A rigid room: six planes, a window, two pictures, a rug, two crates and a bookcase."""
    hill = Texture(decor.meadow(256, 512, seed))
    hills = tuple(
        Sphere(_vector(x, y, z), 30, hill, np.eye(3))
        for x, y, z in ((-24, 29.5, 60), (18, 28.5, 75), (45, 31, 55))
    )
    return Scene((Body((*_shell(seed), *_furniture(seed), *hills)),))


def yard(seed: int = 0) -> Scene:
    """The scene of `ball_path`: paving in a meadow, hills, two houses, crates and a rolling ball."""
    ball = Sphere(np.zeros(3), BALL_RADIUS, Texture(decor.beach_ball(256, seed)), np.eye(3))
    return Scene((Body(_yard_surfaces(seed)), Body((ball,), ball_path)))


def ball_path(time: float) -> Pose:
    """The yard's ball after some seconds: rolling right at 1.1 m/s while it bounces."""
    x = -2.4 + 1.1 * time
    hop = 0.9 * abs(math.sin(2.6 * time + 0.6)) * math.exp(-0.12 * time)
    turn = 1.1 * time / BALL_RADIUS
    cosine, sine = math.cos(turn), math.sin(turn)
    tilted = np.array([[0.8, 0, 0.6], [0.0, 1, 0], [-0.6, 0, 0.8]])
    rolled = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    return Pose(rolled @ tilted, _vector(x, FLOOR - BALL_RADIUS - hop, 5.2))


def _shell(seed: int) -> tuple[Rectangle, ...]:
    """Floor, ceiling and walls, the far one around a window."""
    wall = WALLS[seed % len(WALLS)]
    width, depth, height = RIGHT - LEFT, BACK - FRONT, FLOOR - CEILING
    across, inward, down = _vector(width, 0, 0), _vector(0, 0, depth), _vector(0, height, 0)
    side = Texture(decor.with_dim_edges(decor.plaster(448, 1408, wall, seed)))
    end = decor.with_dim_edges(decor.plaster(448, 832, wall, seed + 1))
    ceiling = decor.planks(704, 384, seed + 2, rows=14, colour=(222, 212, 192))
    return (
        Rectangle(_vector(LEFT, FLOOR, FRONT), across, inward, _floor(seed)),
        Rectangle(
            _vector(LEFT, CEILING, FRONT), across, inward, Texture(decor.with_dim_edges(ceiling))
        ),
        Rectangle(_vector(LEFT, CEILING, FRONT), inward, down, side),
        Rectangle(_vector(RIGHT, CEILING, FRONT), inward, down, side),
        Rectangle(_vector(LEFT, CEILING, FRONT), across, down, Texture(end)),
        *_around(
            Rectangle(_vector(LEFT, CEILING, BACK), across, down, Texture(end)),
            (0.36, 0.16, 0.74, 0.62),
        ),
    )


def _floor(seed: int) -> Texture:
    wood = decor.planks(768, 1408, seed + 3, rows=18, colour=WOODS[seed % len(WOODS)])
    picture = np.ascontiguousarray(decor.with_dim_edges(wood).transpose(1, 0, 2))
    for low_x, low_z, high_x, high_z in ((-1.9, 3.6, -0.9, 4.6), (1.2, 2.6, 1.9, 3.3)):
        where = (_share_x(low_x), _share_z(low_z), _share_x(high_x), _share_z(high_z))
        picture = decor.with_shadow(picture, where)
    return Texture(picture)


def _furniture(seed: int) -> tuple[Rectangle, ...]:
    crate, small = (
        Texture(decor.crate(256, seed)),
        Texture(decor.crate(256, seed + 7, (120, 150, 142))),
    )
    shelf = Texture(decor.books(512, 512, seed))
    prints = [Texture(decor.painting(256, 320, seed + index)) for index in range(2)]
    carpet = Texture(decor.rug(256, 384, seed))
    return (
        Rectangle(
            _vector(-1.1, FLOOR - 0.01, 4.9), _vector(0, 0, -3.0), _vector(2.0, 0, 0), carpet
        ),
        *box((-1.9, FLOOR - 1.0, 3.6), (-0.9, FLOOR, 4.6), crate),
        *box((1.2, FLOOR - 0.7, 2.6), (1.9, FLOOR, 3.3), small),
        *box((RIGHT - 0.35, FLOOR - 2.1, 3.9), (RIGHT - 0.02, FLOOR, 5.9), shelf),
        _hung(LEFT + 0.03, 2.2, prints[0]),
        _hung(LEFT + 0.03, 4.4, prints[1]),
        _hung(RIGHT - 0.03, 1.6, prints[1]),
    )


def _hung(x: float, z: float, picture: Texture) -> Rectangle:
    """A picture of 1.25 m x 1 m on a side wall."""
    return Rectangle(_vector(x, -0.85, z), _vector(0, 0, 1.25), _vector(0, 1.0, 0), picture)


def _yard_surfaces(seed: int) -> tuple[Rectangle | Sphere, ...]:
    grass = Texture(decor.meadow(1024, 1024, seed))
    slabs = Texture(decor.paving(768, 1536, seed, rows=8, colour=(204, 190, 168)))
    brick = Texture(decor.paving(512, 1024, seed + 1, rows=24, colour=(190, 104, 82)))
    crates = [Texture(decor.crate(256, seed + index)) for index in range(2)]
    hill = Texture(decor.meadow(256, 512, seed + 2))
    return (
        Rectangle(_vector(-60, FLOOR + 0.02, -2), _vector(120, 0, 0), _vector(0, 0, 90), grass),
        Rectangle(_vector(-8, FLOOR, 1.0), _vector(16, 0, 0), _vector(0, 0, 8.0), slabs),
        *box((-8.0, FLOOR - 2.6, 9.5), (-2.6, FLOOR, 13.0), brick),
        *box((3.4, FLOOR - 3.6, 11.0), (8.8, FLOOR, 15.0), brick),
        *box((1.2, FLOOR - 0.9, 6.6), (2.1, FLOOR, 7.5), crates[0]),
        *box((-4.2, FLOOR - 1.1, 7.0), (-3.1, FLOOR, 8.1), crates[1]),
        *(
            Sphere(_vector(x, y, z), 40, hill, np.eye(3))
            for x, y, z in ((-38, 38, 90), (12, 37, 105), (62, 38.5, 80))
        ),
    )


def _around(wall: Rectangle, hole: decor.Fractions) -> tuple[Rectangle, ...]:
    """A wall in four parts with a hole in the middle, its picture unbroken."""
    left, top, right, bottom = hole
    parts = ((0, 0, 1, top), (0, bottom, 1, 1), (0, top, left, bottom), (right, top, 1, bottom))
    return tuple(_part(wall, part) for part in parts)


def _part(wall: Rectangle, part: decor.Fractions) -> Rectangle:
    left, top, right, bottom = part
    origin = wall.origin + left * wall.u + top * wall.v
    picture = wall.texture.crop(left, top, right, bottom)
    return Rectangle(origin, (right - left) * wall.u, (bottom - top) * wall.v, picture)


def _share_x(x: float) -> float:
    return (x - LEFT) / (RIGHT - LEFT)


def _share_z(z: float) -> float:
    return (z - FRONT) / (BACK - FRONT)


def _vector(x: float, y: float, z: float) -> Array:
    return np.array([x, y, z], np.float64)
