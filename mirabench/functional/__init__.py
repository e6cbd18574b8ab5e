"""The metrics' arithmetic as functions of arrays, for notebooks and for other people's metrics.

Frames are uint8, RGB (T, H, W, 3) or luma (T, H, W); flow is float (T - 1, H, W, 2) in px, x before y;
embeddings and other vectors are rows (N, D). A function of a clip gives one value a frame or a pair of
frames, whose mean is the metric; a function of two sets gives one number. Nothing is downloaded, cached or
written, and no argument is changed.

An array of another shape or dtype raises `InputError`; a clip or set that allows no number raises
`MetricError`. The same functions stand behind `mirabench evaluate`, which adds what a number needs to be
trusted: the choice and preparation of frames, cuts and repeated frames left out, a status and an interval.
"""

from mirabench.functional.active_picture import ActivePicture, active_picture
from mirabench.functional.arrays import luma
from mirabench.functional.camera import camera_motion, object_motion
from mirabench.functional.camera_path import CameraPath, camera_agreement
from mirabench.functional.descriptors import appearance_descriptor, motion_descriptor
from mirabench.functional.distances import frechet_distance, kernel_distance
from mirabench.functional.embeddings import (
    cosine_similarity,
    embedding_consistency,
    sentence_margins,
)
from mirabench.functional.epipolar import (
    epipolar_agreement,
    epipolar_distance,
    keep_ratio,
    sampson_squared,
    transfer_squared,
)
from mirabench.functional.flow import flow_magnitude, optical_flow, visible_in_both, warp
from mirabench.functional.interpolation import (
    interpolation_error,
    motion_smoothness,
    percent_of_full_scale,
)
from mirabench.functional.picture_quality import (
    blockiness,
    fine_detail,
    tonal_exposure,
    visible_noise,
    vividness,
)
from mirabench.functional.pictures import (
    blur_effect,
    colorfulness,
    exposure,
    noise,
    sharpness,
)
from mirabench.functional.tracks import net_speed, track_displacement, tracking_strength
from mirabench.functional.two_views import TwoViews, two_views
from mirabench.functional.unexplained import temporal_flicker, warping_error

__all__ = [
    "ActivePicture",
    "CameraPath",
    "TwoViews",
    "active_picture",
    "appearance_descriptor",
    "blockiness",
    "blur_effect",
    "camera_agreement",
    "camera_motion",
    "colorfulness",
    "cosine_similarity",
    "embedding_consistency",
    "epipolar_agreement",
    "epipolar_distance",
    "exposure",
    "fine_detail",
    "flow_magnitude",
    "frechet_distance",
    "interpolation_error",
    "keep_ratio",
    "kernel_distance",
    "luma",
    "motion_descriptor",
    "motion_smoothness",
    "net_speed",
    "noise",
    "object_motion",
    "optical_flow",
    "percent_of_full_scale",
    "sampson_squared",
    "sentence_margins",
    "sharpness",
    "temporal_flicker",
    "tonal_exposure",
    "track_displacement",
    "tracking_strength",
    "transfer_squared",
    "two_views",
    "visible_in_both",
    "visible_noise",
    "vividness",
    "warp",
    "warping_error",
]
