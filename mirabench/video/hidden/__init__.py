"""Damage that raises no error: a decoder makes a picture of the wrong bytes and says nothing."""

from mirabench.video.hidden.check import hidden_damage

__all__ = ["hidden_damage"]
