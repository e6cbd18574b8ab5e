"""Each logger with its own library, offline: what was logged can be read back."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mirabench.errors import MissingExtraError, UnknownNameError
from mirabench.training.loggers import make_logger

VALUES = ({"mirabench/sharpness": 0.25}, {"mirabench/sharpness": 0.5})


def logged(kind: str, folder: Path) -> None:
    logger = make_logger(kind, project="trial", run="first", folder=folder)
    for step, values in zip((100, 200), VALUES, strict=True):
        logger.log(step, values)
    logger.close()


def test_tensorboard_reads_the_curve_back(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logged("tensorboard", tmp_path)
    read = EventAccumulator(str(tmp_path / "tensorboard" / "first"))
    read.Reload()
    events = read.Tensors("mirabench/sharpness")
    assert [(e.step, e.tensor_proto.float_val[0]) for e in events] == [(100, 0.25), (200, 0.5)]


def test_mlflow_reads_the_curve_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    logged("mlflow", tmp_path)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("trial")
    [run] = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    history = client.get_metric_history(run.info.run_id, "mirabench/sharpness")
    assert [(m.step, m.value) for m in history] == [(100, 0.25), (200, 0.5)]


def logged_elsewhere(kind: str, folder: Path, **environment: str) -> None:
    """In a process of its own: the library reads its environment once, and hands over when the process ends."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n" + (
        "from pathlib import Path; from test_loggers import logged; logged(sys.argv[1], Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, kind, str(folder)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})


@pytest.mark.slow
def test_wandb_keeps_an_offline_run(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    logged_elsewhere("wandb", tmp_path, WANDB_MODE="offline")
    [file] = tmp_path.glob("wandb/offline-run-*/*.wandb")
    data = file.read_bytes()
    assert b"mirabench/sharpness" in data and b"0.25" in data


@pytest.mark.slow
def test_trackio_keeps_a_run(tmp_path: Path) -> None:
    pytest.importorskip("trackio")
    logged_elsewhere("trackio", tmp_path, TRACKIO_DIR=str(tmp_path))
    [file] = tmp_path.rglob("*.db")
    with contextlib.closing(sqlite3.connect(file)) as database:
        rows = database.execute("select step, metrics from metrics order by step").fetchall()
    assert [step for step, _ in rows] == [100, 200]
    assert "0.25" in str(rows[0][1])


def test_an_unknown_logger_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="tensorboard"):
        make_logger("tensorbord", project="p", run="r", folder=tmp_path)


@pytest.mark.parametrize("kind", ["wandb", "mlflow", "trackio"])
def test_a_missing_library_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(sys.modules, kind, None)
    with pytest.raises(MissingExtraError, match=r"\[loggers\]"):
        make_logger(kind, project="p", run="r", folder=tmp_path)
