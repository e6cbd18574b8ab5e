"""Runs work somewhere; knows nothing of video."""
