"""Frames of source videos: decoded by time, without cutting a file, and embedded."""
