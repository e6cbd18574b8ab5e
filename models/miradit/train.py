"""The training loop: frozen networks cached, the denoiser under accelerate, resumable anywhere.

Everything random is drawn from the seed and the step, never from a global generator: a resumed run
continues with exactly the losses it would have had. One process, DDP and FSDP run by
accelerate's own configuration (`accelerate launch -m miradit.cli train ...`).
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, ProjectConfiguration
from diffusers.training_utils import EMAModel
from einops import rearrange
from torch import Tensor

from mirabench.errors import InputError, reason_for
from mirabench.files import remove_abandoned, replace_folder, write_text
from mirabench.video.encode import write_video
from miradit.cache import Cache, frame_shape, read_sample
from miradit.configs import TrainConfig
from miradit.data import Batch, Batches, Clip, Fault, read_clips, report_faults
from miradit.pipeline import MiraDiTPipeline
from miradit.schedule import ScaledDDIMScheduler
from miradit.tiny import tiny_pipeline
from miradit.transformer import MiraDiT

SAMPLE_FPS = 6
"""Frames per second of sample files, as the released models are shown."""
UNFINISHED = ".part"
"""Behind the name of a folder that is being written."""
log = logging.getLogger(__name__)


def train(config: TrainConfig, *, resume: bool = False) -> list[float]:
    """Train, and save the pipeline to `<output>/pipeline`; the loss of each step of this call.

    Args:
        config: What to do.
        resume: Continue from the newest state in `<output>/states`, if there is one.

    Raises:
        InputError: options that do not go together, or a new run where an earlier one left its states.
        ManifestError: not enough usable clips.
    """
    if not resume and _states(Path(config.output)):
        raise InputError(
            f"{config.output} holds the states of an earlier run: continue it with --resume, or choose "
            "another --output"
        )
    return Trainer(config).run(resume=resume)


class Trainer:
    """One run: the networks, the data and the state between steps."""

    def __init__(self, config: TrainConfig) -> None:
        self.config, self.output = config, Path(config.output)
        refuse_lone_process()
        self.accelerator = Accelerator(
            mixed_precision=config.mixed_precision,
            gradient_accumulation_steps=config.accumulation,
            log_with="tensorboard",
            project_config=ProjectConfiguration(project_dir=str(self.output)),
            step_scheduler_with_optimizer=False,
        )
        if config.mixed_precision == "fp16" and self.accelerator.device.type == "cpu":
            raise InputError("mixed_precision = 'fp16' does not work on a CPU: choose bf16 or no")
        clips, faults = read_clips(Path(config.data))
        self.pipeline = _pipeline(config, clips)
        self.cache = Cache(self.output / "cache", self.pipeline)
        self.batches = self._prepare_data(clips, faults)
        self._prepare_training()

    def _prepare_data(self, clips: list[Clip], faults: list[Fault]) -> Batches:
        config, device = self.config, self.accelerator.device
        with self.accelerator.main_process_first():
            self.pipeline.vae.to(device)
            self.pipeline.text_encoder.to(device)
            usable, more = self.cache.add_clips(clips, config.sizes, config.shortest)
            report_faults([*faults, *more], len(usable), config.min_usable)
            captions = {text for clip, _ in usable for text in clip.captions.values()}
            self.cache.add_texts(sorted(captions | {""} | set(config.sample_prompts)))
            self.pipeline.text_encoder.to("cpu")
        groups: dict[tuple[int, ...], list[int]] = {}
        for i, (_, path) in enumerate(usable):
            frames, *latent_shape = frame_shape(path)
            groups.setdefault((*latent_shape, min(frames, config.num_frames)), []).append(i)
        return Batches(
            read=lambda i: read_sample(*usable[i]),
            groups=groups,
            num_frames=config.num_frames,
            max_stride=config.max_stride,
            uncond_probability=config.uncond_probability,
            batch_size=config.batch_size,
            scaling_factor=self.pipeline.vae.config.scaling_factor,
            seed=config.seed,
        )

    def _prepare_training(self) -> None:
        config, denoiser = self.config, self.pipeline.denoiser
        denoiser.float().requires_grad_(True).train()
        if config.min_frames:
            denoiser.register_to_config(flexible_frames=True)
        if config.gradient_checkpointing:
            denoiser.enable_gradient_checkpointing()
        sharded = self.accelerator.distributed_type == DistributedType.FSDP
        if sharded and config.ema_decay:
            raise InputError("averaged weights do not work with FSDP: set ema_decay = 0")
        optimizer = torch.optim.AdamW(
            denoiser.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: rate_factor(config, i))
        self.model, self.optimizer, self.schedule = self.accelerator.prepare(
            denoiser, optimizer, schedule
        )
        self.ema: EMAModel | None = None
        if config.ema_decay:
            self.ema = EMAModel(denoiser.parameters(), decay=config.ema_decay)
            self.ema.to(self.accelerator.device)
            self.accelerator.register_for_checkpointing(self.ema)

    def run(self, *, resume: bool) -> list[float]:
        """Every step that is left."""
        self._on_main(self._remove_unfinished)
        first = self._resume() if resume else 0
        self._on_main(lambda: self._forget_losses_from(first))
        self.accelerator.init_trackers("logs")
        losses: list[float] = []
        loader = iter(self._loader(first))
        started = time.monotonic()
        for step in range(first, self.config.steps):
            losses.append(self._step(step, loader))
            self._record(step, losses[-1], time.monotonic() - started)
            done = step + 1
            if done % self.config.save_every == 0:
                self._save_state(done)
            if self.config.sample_every and done % self.config.sample_every == 0:
                self._sample(done)
        self._save_pipeline()
        self.accelerator.end_training()
        return losses

    def _loader(self, first_step: int) -> torch.utils.data.DataLoader[Batch]:
        """This process's batches: of number k, those with k mod processes = its index."""
        config, processes = self.config, self.accelerator.num_processes
        batches = dataclasses.replace(
            self.batches,
            first=first_step * config.accumulation * processes + self.accelerator.process_index,
            every=processes,
            count=(config.steps - first_step) * config.accumulation,
        )
        return torch.utils.data.DataLoader(batches, batch_size=None, num_workers=config.workers)

    def _step(self, step: int, loader: Iterator[Batch]) -> float:
        """One optimizer step over its micro batches; the mean loss over all processes."""
        config, total = self.config, torch.zeros((), device=self.accelerator.device)
        for micro in range(config.accumulation):
            batch = next(loader)
            number = (step * config.accumulation + micro) * self.accelerator.num_processes
            noise_seed = (config.seed + number + self.accelerator.process_index) % 2**63
            with self.accelerator.accumulate(self.model):
                text = self.cache.texts(batch.captions)
                loss = self._loss(batch, text, noise_seed)
                self.accelerator.backward(loss)
                if self.accelerator.sync_gradients:
                    self.accelerator.clip_grad_norm_(self.model.parameters(), config.clip_norm)
                self.optimizer.step()
                self.optimizer.zero_grad()
            total += loss.detach() / config.accumulation
        self.schedule.step()
        if self.ema is not None:
            self.ema.step(self.model.parameters())
        return float(self.accelerator.reduce(total, reduction="mean"))

    def _loss(self, batch: Batch, text: Tensor, noise_seed: int) -> Tensor:
        device = self.accelerator.device
        # drawn on the CPU, so that the device does not change what is learned from
        generator = torch.Generator().manual_seed(noise_seed)
        noise = torch.randn(batch.latents.shape, generator=generator)
        timesteps = torch.randint(0, 1000, (len(noise),), generator=generator)
        return denoising_loss(
            self.model,
            self.pipeline.scheduler,
            batch.to(device),
            text.to(device, torch.float32),
            noise.to(device),
            timesteps.to(device),
        )

    def _record(self, step: int, loss: float, seconds: float) -> None:
        rate = self.schedule.get_last_lr()[0]
        self.accelerator.log({"loss": loss, "learning_rate": rate}, step=step)
        if self.accelerator.is_main_process:
            with (self.output / "losses.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, "loss": loss}) + "\n")
        if step % 50 == 0:
            log.info("step %d, loss %.4f, %.0f s", step, loss, seconds)

    def _save_state(self, done: int) -> None:
        state = self.output / "states" / f"{done:08d}"
        part = state.with_name(f"{state.name}{UNFINISHED}")  # of one name, for every process
        self._on_main(lambda: shutil.rmtree(part, ignore_errors=True))
        self.accelerator.save_state(str(part))
        self._on_main(lambda: self._put_state_in_place(part, state))

    def _put_state_in_place(self, part: Path, state: Path) -> None:
        replace_folder(part, state)
        for old in _states(self.output)[:-2]:
            shutil.rmtree(old, ignore_errors=True)

    def _on_main(self, action: Callable[[], None]) -> None:
        """What one process does when all are there, and all wait for."""
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            action()
        self.accelerator.wait_for_everyone()

    def _resume(self) -> int:
        """Load the newest state that can be read; the step to go on with.

        Raises:
            InputError: there are states, and none can be read.
        """
        states = _states(self.output)
        if not states:
            return 0
        step = next((int(s.name) for s in reversed(states) if self._can_load(s)), None)
        if step is None:
            raise InputError(
                f"none of the states in {states[0].parent} can be read (see above): resume with the "
                "configuration that they were made with, or choose another --output"
            )
        log.info("resuming at step %d", step)
        return step

    def _can_load(self, state: Path) -> bool:
        try:
            self.accelerator.load_state(str(state))
        except Exception as error:  # whatever a file that is cut or missing makes a reader raise
            log.warning("%s cannot be read (%s); trying the one before", state, reason_for(error))
            return False
        return True

    def _remove_unfinished(self) -> None:
        """Remove what a kill left."""
        for part in self.output.glob(f"states/*{UNFINISHED}"):
            shutil.rmtree(part, ignore_errors=True)
        remove_abandoned(self.output)

    def _forget_losses_from(self, step: int) -> None:
        """Drop the losses of steps that are run again, and what a kill left of a line."""
        path = self.output / "losses.jsonl"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            write_text(path, "".join(line for line in lines if _is_before(line, step)))

    def _averaged(self) -> MiraDiT:
        """The denoiser with the averaged weights, if there are; undo with `_restore`."""
        if self.ema is not None:
            self.ema.store(self.model.parameters())
            self.ema.copy_to(self.model.parameters())
        return self.accelerator.unwrap_model(self.model)  # type: ignore[no-any-return]

    def _restore(self) -> None:
        if self.ema is not None:
            self.ema.restore(self.model.parameters())

    def _sample(self, done: int) -> None:
        """Sample clips of the prompts as files, and as strips of frames in TensorBoard."""
        if not self.config.sample_prompts or not self.accelerator.is_main_process:
            return
        self.pipeline.denoiser = self._averaged().eval()
        self.pipeline.set_progress_bar_config(disable=True)
        tokens = self.cache.texts([*self.config.sample_prompts, ""]).to(self.accelerator.device)
        frames = self.pipeline(
            prompt_embeds=(tokens[:-1], tokens[-1:]),
            num_frames=self.config.num_frames,
            num_inference_steps=self.config.sample_steps,
            guidance_scale=self.config.sample_guidance,
            generator=torch.Generator(self.accelerator.device).manual_seed(self.config.seed),
        ).frames
        self.pipeline.denoiser.train()
        self._restore()
        for i, clip in enumerate(frames):
            write_video(self.output / "samples" / f"{done:08d}-{i}.mp4", clip, fps=SAMPLE_FPS)
        strips = rearrange(frames, "b f h w c -> 1 (b h) (f w) c")
        tracker = self.accelerator.get_tracker("tensorboard")
        tracker.log_images({"samples": strips}, step=done, dataformats="NHWC")

    def _save_pipeline(self) -> None:
        self.accelerator.wait_for_everyone()
        denoiser = self._averaged()
        weights = self.accelerator.get_state_dict(self.model)
        if self.accelerator.is_main_process:
            folder = self.output / "pipeline"
            part = folder.with_name(f"{folder.name}{UNFINISHED}")
            shutil.rmtree(part, ignore_errors=True)
            self.pipeline.denoiser = denoiser.eval()
            self.pipeline.save_pretrained(part)
            denoiser.save_pretrained(part / "denoiser", state_dict=weights)
            replace_folder(part, folder)
        self._restore()


def refuse_lone_process() -> None:
    """Find out whether accelerate was asked for several processes and started one.

    Raises:
        InputError: it was: `accelerate launch --cpu` does so without a word.
    """
    is_launched = "ACCELERATE_USE_CPU" in os.environ and "MASTER_ADDR" in os.environ
    if is_launched and "WORLD_SIZE" not in os.environ and "PMI_SIZE" not in os.environ:
        raise InputError(
            "accelerate launch --cpu starts one process however many are asked for: start them with  "
            "torchrun --nproc-per-node 2 -m miradit.cli train ..."
        )


def denoising_loss(
    model: torch.nn.Module,
    scheduler: ScaledDDIMScheduler,
    batch: Batch,
    text: Tensor,
    noise: Tensor,
    timesteps: Tensor,
) -> Tensor:
    """Mean squared error of the predicted noise over all latents that are not padding."""
    noisy = scheduler.add_noise(batch.latents, noise, timesteps)
    whole = torch.tensor(batch.latents.shape[2:], device=batch.extent.device)
    is_padded = bool((batch.extent != whole).any())
    extent = batch.extent if is_padded else None
    predicted = model(noisy, timesteps, batch.fps, text, extent)
    error = (predicted.float() - noise) ** 2
    mask = extent_mask(batch.extent, batch.latents)
    loss: Tensor = (error * mask).sum() / (mask.sum() * error.shape[1])
    return loss


def extent_mask(extent: Tensor, like: Tensor) -> Tensor:
    """1 where a clip is and 0 where it is padded, (B, 1, F, H, W)."""
    axes = [
        torch.arange(size, device=like.device) < extent[:, i, None]
        for i, size in enumerate(like.shape[2:])
    ]
    f, h, w = axes
    mask = f[:, :, None, None] & h[:, None, :, None] & w[:, None, None]
    return mask[:, None].to(like.dtype)


def rate_factor(config: TrainConfig, step: int) -> float:
    """Learning rate of a step as a share of the configured one: up, then down to 1 %."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    return 1 - 0.99 * min(step / config.decay_steps, 1)


def _pipeline(config: TrainConfig, clips: list[Clip]) -> MiraDiTPipeline:
    if config.checkpoint == "tiny":
        captions = [text for clip in clips for text in clip.captions.values()]
        height, width = config.sizes[0]
        return tiny_pipeline(
            [*captions, *config.sample_prompts],
            num_frames=config.num_frames,
            height=height,
            width=width,
            seed=config.seed,
        )
    if not (Path(config.checkpoint) / "model_index.json").is_file():
        raise InputError(
            f"no pipeline at checkpoint = {config.checkpoint!r}: make one with  miradit convert"
        )
    return MiraDiTPipeline.from_pretrained(config.checkpoint)  # type: ignore[no-any-return]


def _states(output: Path) -> list[Path]:
    folder = output / "states"
    found = folder.iterdir() if folder.is_dir() else []
    return sorted(path for path in found if re.fullmatch(r"\d{8}", path.name))


def _is_before(line: str, step: int) -> bool:
    try:
        return line.endswith("\n") and json.loads(line)["step"] < step
    except (ValueError, KeyError, TypeError):
        return False
