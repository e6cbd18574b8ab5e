"""The learned metrics end to end, with random parameters in the official layouts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import clipkit
import pytest

import mirabench
from mirabench.errors import SuiteError
from mirabench.inputs.prompts import Prompt
from mirabench.run.plan import make_plan
from mirabench.suites.api import MetricChoice, Suite, load_suite
from mirabench.weights import WeightStore, card, import_weights

torch = pytest.importorskip("torch")

SMALL = ("temporal_motion_smoothness", "dynamic_degree", "fvd", "kvd")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder with the small networks, seeded, as a user's import leaves it."""
    from mirabench.nets import amt, i3d, raft

    made = tmp_path_factory.mktemp("made")
    makers = {"amt-s": amt.AmtS, "i3d-kinetics-400": i3d.InceptionI3d, "raft-things": raft.Raft}
    for name, maker in makers.items():
        torch.manual_seed(0)
        net = maker()
        state = net.network.state_dict() if name == "raft-things" else net.state_dict()
        torch.save(state, made / card(name).filename)
    store = WeightStore(tmp_path_factory.mktemp("weights"))
    import_weights(store, made, accept_unverified=True)
    shutil.rmtree(made)
    return store.folder


@pytest.fixture
def own_weights(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRABENCH_WEIGHTS", str(weights))
    monkeypatch.setenv("MIRABENCH_ALLOW_NONCOMMERCIAL", "1")


def clips(count: int = 2) -> list:
    return [clipkit.panning(frames=10, dx=1 + i, size=(96, 72), seed=i) for i in range(count)]


@pytest.mark.usefixtures("own_weights")
class TestWithWeights:
    def test_scores_name_the_parameters_and_say_that_nothing_vouches_for_them(
        self, tmp_path: Path
    ) -> None:
        report = mirabench.evaluate(
            clips(), metrics=SMALL, suite="mirabench-official", reference=clips(3), output=tmp_path
        )
        assert not report.partial
        used = report.provenance["weights"]
        assert used.keys() == {"amt-s", "i3d-kinetics-400", "raft-things"}
        assert not any(use["verified"] for use in used.values())
        assert used["amt-s"]["non_commercial"]
        protocol = report.protocols[report.summary["dynamic_degree"].protocols[0]]
        assert protocol["weights"] == {"raft-things": used["raft-things"]["sha256"]}
        assert "unverified weights" in (tmp_path / "report.html").read_text()

    def test_a_second_run_computes_nothing(self, tmp_path: Path) -> None:
        for _ in range(2):
            mirabench.evaluate(clips(1), metrics=SMALL[:2], output=tmp_path)
        assert json.loads((tmp_path / "run.json").read_text())["features_computed"] == 0

    def test_batch_and_chunk_size_change_no_number(self) -> None:
        frame = 96 * 72 * 3
        one, all_ = (
            mirabench.evaluate(clips(1), metrics=SMALL[:2], cache=False, chunk_bytes=n * frame)
            for n in (1, 100)
        )
        assert one == all_

    def test_a_set_equals_itself(self) -> None:
        report = mirabench.evaluate(clips(3), metrics=["fvd"], reference=clips(3))
        assert report.summary["fvd"].mean == pytest.approx(0.0, abs=1e-6)
        assert report.summary["fvd"].status == "degenerate"

    def test_too_short_for_a_window_fails_alone(self) -> None:
        short = clipkit.panning(frames=2, size=(96, 72))
        report = mirabench.evaluate(short, metrics=[*SMALL[:2], "tracking_strength"])
        reasons = report.videos[0].not_applicable
        assert "interpolation needs three" in reasons["temporal_motion_smoothness"]
        assert "dynamic_degree" in report.videos[0].scores

    def test_one_clip_is_too_few_for_a_distance(self) -> None:
        report = mirabench.evaluate(clips(1), metrics=["fvd", SMALL[0]], reference=clips(3))
        assert "at least two clips on each side: there is one generated" in report.skipped["fvd"]
        assert not report.partial


class TestLicences:
    def test_non_commercial_parts_fail_unless_allowed_and_name_what_to_use_instead(
        self, own_weights: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("MIRABENCH_ALLOW_NONCOMMERCIAL")
        refused, allowed = (
            mirabench.evaluate(clips(1), metrics=SMALL[:2], allow_noncommercial=yes)
            for yes in (False, True)
        )
        failures = refused.videos[0].failures
        assert failures.keys() == {"temporal_motion_smoothness"}
        assert "CC-BY-NC-4.0" in failures["temporal_motion_smoothness"]
        assert "--allow-noncommercial" in failures["temporal_motion_smoothness"]
        assert "flow_interpolation_error" in failures["temporal_motion_smoothness"]
        assert refused.videos[0].scores.keys() == {"dynamic_degree"}
        assert not allowed.partial

    def test_every_non_commercial_card_of_a_suite_has_a_permissive_metric(self) -> None:
        plan = make_plan(
            load_suite("mirabench-official"), with_prompts=True, with_reference=True, pictures=False
        )
        needed = [c for c in plan.weight_cards() if c.non_commercial]
        assert {c.name for c in needed} == {"amt-s", "cotracker2", "cotracker-code", "musiq-spaq"}
        for each in needed:
            instead = make_plan(
                Suite("one", 1, (MetricChoice(each.instead),)),
                with_prompts=False, with_reference=False, pictures=False,
            )  # fmt: skip
            assert not any(c.non_commercial for c in instead.weight_cards())


@pytest.mark.usefixtures("own_weights")
class TestPrecision:
    def test_bf16_is_another_protocol_and_nearly_the_same_number(self) -> None:
        full, short = (
            mirabench.evaluate(clips(1), metrics=["temporal_motion_smoothness"], precision=p)
            for p in ("fp32", "bf16")
        )
        scores = [r.videos[0].scores["temporal_motion_smoothness"] for r in (full, short)]
        assert scores[0].protocol != scores[1].protocol
        assert full.suite.digest != short.suite.digest
        assert scores[0].value == pytest.approx(scores[1].value, abs=1e-2)
        protocol = short.protocols[scores[1].protocol]
        assert protocol["features"]["interpolation"]["precision"] == "bf16"

    def test_a_feature_without_a_network_does_not_notice(self) -> None:
        full, short = (
            mirabench.evaluate(clips(1), metrics=["sharpness"], precision=p)
            for p in ("fp32", "bf16")
        )
        assert full.videos == short.videos

    def test_an_unknown_precision_is_named(self) -> None:
        with pytest.raises(SuiteError, match="unknown precision 'int8'"):
            mirabench.evaluate(clips(1), metrics=["sharpness"], precision="int8")


class TestWithoutWeights:
    def test_only_what_needs_them_fails_and_the_command_is_named(self) -> None:
        report = mirabench.evaluate(
            clips(2), metrics=["dynamic_degree", "sharpness", "fvd"], reference=clips(2)
        )
        video = report.videos[0]
        assert "mirabench weights download raft-things" in video.failures["dynamic_degree"]
        assert video.scores.keys() == {"sharpness"}
        assert "mirabench weights download i3d-kinetics-400" in report.summary["fvd"].why

    def test_a_checkpoint_of_another_model_is_named(
        self, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong = tmp_path / card("raft-things").filename
        shutil.copy(weights / card("amt-s").filename, wrong)
        store = WeightStore(tmp_path / "store")
        import_weights(store, wrong, accept_unverified=True)
        monkeypatch.setenv("MIRABENCH_WEIGHTS", str(store.folder))
        report = mirabench.evaluate(clips(1), metrics=["dynamic_degree", "sharpness"])
        assert "checkpoint of another model" in report.videos[0].failures["dynamic_degree"]
        assert "sharpness" in report.videos[0].scores

    def test_a_missing_caption_is_not_asked_and_an_empty_one_neither(self) -> None:
        prompts = {
            "array-0": Prompt("a", "x", {"camera": "It pans."}),
            "array-1": Prompt("b", "x", {"camera": ""}),
            "array-2": Prompt("c", "x", {}),
        }
        report = mirabench.evaluate(clips(3), metrics=["camera_alignment"], prompts=prompts)
        by_id = {v.id: v for v in report.videos}
        assert "viclip-l-14" in by_id["array-0"].failures["camera_alignment"]
        assert "caption is empty" in by_id["array-1"].not_applicable["camera_alignment"]
        assert "caption is missing" in by_id["array-2"].not_applicable["camera_alignment"]
