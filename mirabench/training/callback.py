"""Scores samples from inside a training loop: of accelerate, of diffusers' scripts, or any other.

The loop says how a sample is made; this room knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirabench.compare.runs import Run
from mirabench.errors import InputError
from mirabench.generators.diffusers import pixels
from mirabench.inputs.prompts import Prompt
from mirabench.report.model import load_report
from mirabench.run.evaluate import evaluate
from mirabench.training.checkpoints import Checkpoint
from mirabench.training.loggers import Logger
from mirabench.training.watching import FOLDER, Judged, Watch
from mirabench.video.encode import write_video
from mirabench.video.frames import UInt8Array

Sampler = Callable[[Prompt, int], UInt8Array]
"""(prompt, seed) -> uint8 RGB frames (T, H, W, 3)."""


def pipeline_sampler(pipeline: Any, **arguments: Any) -> Sampler:
    """A sampler of a text-to-video pipeline of diffusers; one seed gives one noise.

    Args:
        pipeline: A diffusers pipeline whose result has `frames`.
        arguments: For its call, such as `num_inference_steps`, `height`, `num_frames`.

    Raises:
        GeneratorError: by the sampler: the pipeline gave NaN, or no video.
    """

    def sample(prompt: Prompt, seed: int) -> UInt8Array:
        import torch  # whoever has a pipeline has it

        noise = torch.Generator("cpu").manual_seed(seed)
        return pixels(
            pipeline(prompt.text, generator=noise, output_type="np", **arguments).frames[0]
        )

    return sample


@dataclass(slots=True)
class CheckpointCallback:
    """Call it with the step of training: every so often it makes samples, scores and logs them.

    The samples of all steps have the same prompts and seeds, so that steps are compared clip by clip.

    Example:
        ```py
        judge = CheckpointCallback(prompts, "run/scores", every=500, accelerator=accelerator)
        for step in range(1, steps + 1):
            ...
            judge(step, pipeline_sampler(pipeline, num_frames=49))
        ```
    """

    prompts: Sequence[Prompt]
    output: str | Path
    every: int = 1000
    """Steps between two looks."""
    seeds: Sequence[int] = (0,)
    suite: str = "lite"
    metrics: Sequence[str] | None = None
    baseline: str | Path | None = None
    """A run of the same prompts and seeds."""
    fps: float = 24.0
    workers: int = 0
    accelerator: Any = None
    """accelerate's: its main process makes the samples and its trackers log them."""
    loggers: Sequence[Logger] = ()
    _watch: Watch | None = field(default=None, init=False, repr=False)

    def __call__(self, step: int, sample: Sampler) -> Judged | None:
        """What is said of this step's samples; None between looks and in other processes.

        Raises:
            InputError: there is no prompt.
            ReportError: the baseline has other clips.
        """
        if step % self.every or not self._is_main():
            return None
        if not self.prompts:
            raise InputError("there is no prompt to make samples of")
        output, watch = Path(self.output), self._watching()
        checkpoint = Checkpoint(step, f"step-{step:08d}", output / "samples" / f"step-{step:08d}")
        for prompt in self.prompts:
            for seed in self.seeds:
                frames = sample(prompt, seed)
                write_video(checkpoint.folder / f"{prompt.id}-seed{seed}.mp4", frames, fps=self.fps)
        report = evaluate(
            checkpoint.folder, suite=self.suite, metrics=self.metrics, workers=self.workers,
            prompts=self._by_clip(), output=output / FOLDER / checkpoint.name,
        )  # fmt: skip
        judged = watch.add(checkpoint, report)
        self._log(step, judged.values)
        return judged

    def _is_main(self) -> bool:
        return self.accelerator is None or bool(self.accelerator.is_main_process)

    def _by_clip(self) -> Mapping[str, Prompt]:
        return {prompt.id: prompt for prompt in self.prompts}

    def _watching(self) -> Watch:
        if self._watch is None:
            output = Path(self.output)
            run = Run("baseline", load_report(self.baseline)) if self.baseline else None
            self._watch = Watch(output / "samples", output, _never, run)
            self._watch.recall()  # a training run that goes on keeps its curve
        return self._watch

    def _log(self, step: int, values: dict[str, float]) -> None:
        if self.accelerator is not None:
            self.accelerator.log(values, step=step)
        for logger in self.loggers:
            logger.log(step, values)


def _never(checkpoint: Checkpoint, folder: Path) -> Any:
    raise InputError(f"{checkpoint.name} is scored by the loop that made it")
