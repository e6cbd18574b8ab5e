"""Loggers of the numbers of checkpoints: TensorBoard, Weights & Biases, MLflow, trackio, by their libraries.

The libraries are imported when a logger is made. Where they log to is their own affair: their environment
variables and settings hold (`WANDB_MODE=offline`, `MLFLOW_TRACKING_URI`, `TRACKIO_DIR`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mirabench.errors import UnknownNameError
from mirabench.extras import needs_extra


class Logger(Protocol):
    """Takes numbers of a step."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log the numbers of a training step."""
        ...

    def close(self) -> None:
        """Hand everything over."""
        ...


def make_logger(kind: str, *, project: str, run: str, folder: Path) -> Logger:
    """A logger by its name.

    Args:
        kind: tensorboard, wandb, mlflow or trackio.
        project: Project, or experiment.
        run: The name of the run in it.
        folder: For libraries that write files: TensorBoard's events, W&B's offline runs.

    Raises:
        UnknownNameError: no such logger.
        MissingExtraError: its library is not installed.
    """
    if kind not in LOGGERS:
        raise UnknownNameError("logger", kind, LOGGERS)
    with needs_extra("loggers", f"logging to {kind} needs its library"):
        made: Logger = LOGGERS[kind](project, run, folder)
        return made


class TensorBoard:
    """Scalars in event files."""

    def __init__(self, project: str, run: str, folder: Path) -> None:
        """Args: project: Not used. run: A folder below `folder`. folder: What TensorBoard is shown."""
        from tensorboard.summary import Writer

        self._writer = Writer(str(folder / "tensorboard" / run))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write scalars."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases."""

    def __init__(self, project: str, run: str, folder: Path) -> None:
        """Args: project: The project. run: Its name. folder: For files that wait to be sent."""
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(project=project, name=run, dir=str(folder))
        self._run.define_metric("mirabench/step")
        self._run.define_metric("mirabench/*", step_metric="mirabench/step")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log against the step of training: checkpoints may be scored late, W&B's own step only grows."""
        self._run.log({"mirabench/step": step, **values})

    def close(self) -> None:
        """Send what waits."""
        self._run.finish()


class MLflow:
    """A run of an MLflow experiment."""

    def __init__(self, project: str, run: str, folder: Path) -> None:
        """Args: project: The experiment. run: Its name. folder: Not used."""
        from mlflow import MlflowClient

        self._client: Any = MlflowClient()
        found = self._client.get_experiment_by_name(project)
        experiment = found.experiment_id if found else self._client.create_experiment(project)
        self._id: str = self._client.create_run(experiment, run_name=run).info.run_id

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log metrics."""
        for name, value in values.items():
            self._client.log_metric(self._id, name, value, step=step)

    def close(self) -> None:
        """Mark the run as finished."""
        self._client.set_terminated(self._id)


class Trackio:
    """A run of trackio."""

    def __init__(self, project: str, run: str, folder: Path) -> None:
        """Args: project: The project. run: Its name. folder: Not used."""
        import trackio

        self._run: Any = trackio.init(project=project, name=run, embed=False)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log metrics."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """Hand over what waits."""
        self._run.finish()


LOGGERS: Mapping[str, Any] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "mlflow": MLflow,
    "trackio": Trackio,
}
"""Name -> logger."""
