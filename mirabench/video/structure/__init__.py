"""Whether a file's own structure is whole: its boxes, elements, chunks, blocks or packets."""

from mirabench.video.structure.check import structural_damage

__all__ = ["structural_damage"]
