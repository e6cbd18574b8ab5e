"""What the parts of every file that mirabench writes have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A part of a file: it holds no other keys, and every number is finite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
