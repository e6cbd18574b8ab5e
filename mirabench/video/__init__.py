"""Files and pixels: opens a video, streams its frames; knows nothing of metrics."""

from mirabench.video.decode import open_video
from mirabench.video.frames import ArrayVideo, FrameBatch, Video, VideoInfo

__all__ = ["ArrayVideo", "FrameBatch", "Video", "VideoInfo", "open_video"]
