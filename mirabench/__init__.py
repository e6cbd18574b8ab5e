"""Scores for generated video that say how far to trust them."""
