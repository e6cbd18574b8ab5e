"""One rigid scene from the matches of many views: COLMAP's incremental mapper, seeded and on one thread."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirabench.extras import needs_extra
from mirabench.shapes import Float64, Int
from mirabench.video.frames import IntArray

FEWEST_VIEWS = 3
"""Two views are a pair: the third tests what they agreed on."""
FOCAL = 1.0
"""Focal length in long sides of the picture, and it stays: seconds of film hardly tell it from the camera's
path, and a length that is refined can run away and take the model along."""
LEAST_ANGLE = 0.5
"""Degrees under which a point must be seen from two views; COLMAP's 1.5 is for photographs taken apart."""
FIRST_PAIR_ANGLE = 4.0
"""Degrees of the pair that a model begins with; COLMAP's 16 asks for more than seconds of film hold."""
FIRST_PAIR_INLIERS, NEXT_VIEW_INLIERS = 30, 15
_UNCALIBRATED = 3
"""COLMAP's name for a pair of which only the fundamental matrix is known."""


@dataclass(frozen=True, slots=True)
class Model:
    """The longest model: where its views stood, and which keypoints they share."""

    views: Int[np.ndarray, " V"]
    """Positions of the registered views."""
    centres: Float64[np.ndarray, "V 3"]
    """Where they were taken from."""
    owners: Int[np.ndarray, " N"]
    """For each observation of a point, the row of its view."""
    tracks: Int[np.ndarray, " N"]
    """For each observation, the number of views that see its point."""
    points: Float64[np.ndarray, "N 3"]
    """For each observation, its point."""
    errors: Float64[np.ndarray, " N"]
    """For each observation, how far its point falls from it, px."""


def reconstruct(
    keypoints: Sequence[NDArray[np.float64]],
    matches: Mapping[tuple[int, int], IntArray],
    size: tuple[int, int],
    seed: int,
) -> Model | None:
    """The longest model of the views; None when no three of them can be of one scene.

    Args:
        keypoints: Of each view (K, 2), px, the first pixel's centre at (0, 0).
        matches: Pair of views -> (N, 2) rows of their keypoints, each row at most once.
        size: Width and height of the pictures in px.
        seed: Of COLMAP's random samples.

    Raises:
        MissingExtraError: pycolmap is not installed.
    """
    with needs_extra("geometry", "registering views needs pycolmap"):
        import pycolmap
    pycolmap.logging.minloglevel = pycolmap.logging.FATAL.value
    pycolmap.set_random_seed(seed)
    manager = pycolmap.ReconstructionManager()
    with (
        tempfile.TemporaryDirectory(prefix="mirabench-") as folder,
        pycolmap.Database.open(Path(folder) / "views.db") as database,
    ):
        _write(pycolmap, database, keypoints, matches, size)
        pycolmap.IncrementalPipeline(_options(pycolmap, seed), database, manager).run()
    models = [manager.get(i) for i in range(manager.size())]
    models = [model for model in models if model.num_reg_images() >= FEWEST_VIEWS]
    longest = max(models, key=_length, default=None)
    return None if longest is None else _read(longest)


def _length(model: Any) -> tuple[int, int]:
    return model.num_reg_images(), model.num_points3D()


def _options(pycolmap: Any, seed: int) -> Any:
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = options.mapper.num_threads = 1  # more would add up in another order
    options.random_seed = options.mapper.random_seed = options.triangulation.random_seed = seed
    options.extract_colors = False
    options.structure_less_registration_fallback = False
    options.min_model_size, options.max_num_models, options.init_num_trials = FEWEST_VIEWS, 3, 50
    options.ba_refine_focal_length = options.mapper.abs_pose_refine_focal_length = False
    options.ba_refine_extra_params = options.mapper.abs_pose_refine_extra_params = False
    options.min_num_matches = NEXT_VIEW_INLIERS
    options.mapper.init_min_num_inliers = FIRST_PAIR_INLIERS
    options.mapper.abs_pose_min_num_inliers = NEXT_VIEW_INLIERS
    options.mapper.init_min_tri_angle = FIRST_PAIR_ANGLE
    options.mapper.filter_min_tri_angle = options.triangulation.min_angle = LEAST_ANGLE
    return options


def _write(
    pycolmap: Any,
    database: Any,
    keypoints: Sequence[NDArray[np.float64]],
    matches: Mapping[tuple[int, int], IntArray],
    size: tuple[int, int],
) -> None:
    """All views share one pinhole camera; ids are positions plus one."""
    width, height = size
    focal = [FOCAL * max(size), width / 2, height / 2]
    camera = pycolmap.Camera(
        model="SIMPLE_PINHOLE", width=width, height=height, params=focal, camera_id=1
    )
    database.write_camera(camera, use_camera_id=True)
    rig = pycolmap.Rig()
    rig.add_ref_sensor(camera.sensor_id)
    rig_id = database.write_rig(rig)
    for view, points in enumerate(keypoints):
        image = pycolmap.Image(name=f"{view:06d}", camera_id=1, image_id=view + 1)
        database.write_image(image, use_image_id=True)
        frame = pycolmap.Frame()
        frame.rig_id = rig_id
        frame.add_data_id(image.data_id)
        database.write_frame(frame)
        database.write_keypoints(
            view + 1, points.astype(np.float32) + 0.5
        )  # COLMAP counts from corners
    for (one, two), rows in matches.items():
        geometry = pycolmap.TwoViewGeometry()
        geometry.config = _UNCALIBRATED
        geometry.inlier_matches = rows.astype(np.uint32)
        database.write_matches(one + 1, two + 1, rows.astype(np.uint32))
        database.write_two_view_geometry(one + 1, two + 1, geometry)


def _read(model: Any) -> Model:
    images = sorted(
        (model.image(i) for i in model.reg_image_ids()), key=lambda image: image.image_id
    )
    owners, tracks, points, errors = [], [], [], []
    for row, image in enumerate(images):
        for seen in image.points2D:
            if seen.has_point3D():
                point = model.point3D(seen.point3D_id)
                owners.append(row)
                tracks.append(point.track.length())
                points.append(point.xyz)
                errors.append(_error(image, point.xyz, seen.xy))
    return Model(
        np.array([image.image_id - 1 for image in images], np.int64),
        np.array([image.projection_center() for image in images], np.float64).reshape(-1, 3),
        np.array(owners, np.int64),
        np.array(tracks, np.int64),
        np.array(points, np.float64).reshape(-1, 3),
        np.array(errors, np.float64),
    )


def _error(image: Any, point: Float64[np.ndarray, 3], seen: Float64[np.ndarray, 2]) -> float:
    projected = image.project_point(point)
    return float("inf") if projected is None else float(np.hypot(*(projected - seen)))
