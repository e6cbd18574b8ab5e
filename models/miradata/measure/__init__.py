"""Scores of clips: one pass over a few frames of each, every number kept, nothing decided."""
