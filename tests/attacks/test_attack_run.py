"""A whole run on one tiny clip: twins are scored, judged, told and drawn."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import clipkit
import deadlyvideo
import numpy as np
import pytest

from mirabench.attacks.api import DROP, STAY, Attack, Footage
from mirabench.attacks.catalogue import ATTACKS, select
from mirabench.attacks.cells import MARKS
from mirabench.attacks.clean import MOST_SHORT_SIDE, from_files
from mirabench.attacks.model import AttackReport, load_attacks
from mirabench.attacks.page import attacks_page, fingerprint
from mirabench.attacks.picture import matrix_svg
from mirabench.attacks.run import Setting, run_attacks
from mirabench.errors import InputError, ReportError
from mirabench.inputs.prompts import Prompt
from mirabench.suites.api import MetricChoice, Suite
from mirabench.video.encode import write_video
from mirabench.work.run import Progress

NAMES = ("freeze", "shuffle", "reverse", "blur", "dissolving-stills")
METRICS = ("warping_error", "flow_magnitude", "sharpness", "camera_motion_agreement")
SUITE = Suite("tiny", 1, (*map(MetricChoice, METRICS), MetricChoice("handmade_kernel_distance")))
PAN = Footage(
    "pan",
    clipkit.panning(frames=24, dx=2.0, size=(96, 64)),
    24.0,
    Prompt("pan", "A painting.", {"camera": "The camera pans right."}, text_is_told=False),
)
OTHERS = [
    Footage(f"other-{seed}", clipkit.panning(24, 1.0 + seed, size=(96, 64), seed=seed), 24.0)
    for seed in (1, 2)
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> AttackReport:
    setting = Setting(cache=tmp_path_factory.mktemp("cache"))
    return run_attacks([PAN], select(NAMES), suite=SUITE, yardstick=OTHERS, setting=setting)


def verdict(report: AttackReport, attack: str, metric: str) -> str:
    (case,) = [c for c in report.cases if (c.attack, c.metric) == (attack, metric)]
    return case.verdict


class TestVerdicts:
    def test_a_frozen_clip_is_caught_by_its_status_and_by_its_value(
        self, report: AttackReport
    ) -> None:
        (case,) = [c for c in report.cases if (c.attack, c.metric) == ("freeze", "warping_error")]
        assert (case.declared, case.verdict, case.by_value) == (DROP, "caught", "caught")
        assert case.attacked.status == "degenerate"
        assert "static" in case.attacked.why

    def test_shuffling_gains_no_motion(self, report: AttackReport) -> None:
        assert verdict(report, "shuffle", "flow_magnitude") == "caught"
        assert verdict(report, "shuffle", "warping_error") == "caught"

    def test_fading_between_stills_is_no_motion_and_not_consistent(
        self, report: AttackReport
    ) -> None:
        assert verdict(report, "dissolving-stills", "flow_magnitude") == "caught"
        assert verdict(report, "dissolving-stills", "warping_error") == "caught"

    def test_playing_backwards_turns_the_camera_round_and_leaves_the_rest(
        self, report: AttackReport
    ) -> None:
        assert verdict(report, "reverse", "camera_motion_agreement") == "caught"
        assert verdict(report, "reverse", "flow_magnitude") == "stays"
        (sharp,) = [c for c in report.cases if (c.attack, c.metric) == ("reverse", "sharpness")]
        assert sharp.honest.value is not None
        # coded in another order it moves by less than the metric declares; rendered clips have no spread
        assert sharp.attacked.value == pytest.approx(sharp.honest.value, rel=0.05)

    def test_blur_is_seen_by_sharpness(self, report: AttackReport) -> None:
        assert verdict(report, "blur", "sharpness") == "caught"

    def test_what_is_not_declared_is_not_judged(self, report: AttackReport) -> None:
        assert verdict(report, "shuffle", "sharpness") == "undeclared"

    def test_the_count_is_of_judged_declared_drops(self, report: AttackReport) -> None:
        drops = [c for c in report.cases if c.declared == DROP]
        caught = [c for c in drops if c.verdict == "caught"]
        assert report.drops() == (len(caught), len(drops))
        assert len(drops) >= 8

    def test_metrics_of_sets_are_named_and_not_run(self, report: AttackReport) -> None:
        (record,) = [m for m in report.metrics if m.name == "handmade_kernel_distance"]
        assert "sets of clips" in record.skipped
        assert not [c for c in report.cases if c.metric == record.name]

    def test_the_spread_is_over_all_honest_clips_and_no_attacked_one(
        self, report: AttackReport
    ) -> None:
        (record,) = [m for m in report.metrics if m.name == "sharpness"]
        assert record.spread_clips == 3
        assert record.spread is not None


class TestBadInput:
    def test_a_clip_that_asks_for_no_motion_loses_nothing_by_freezing(self) -> None:
        still = Footage(
            "still", clipkit.still(12, (64, 48)), 24.0,
            Prompt("still", "The camera is static."),
        )  # fmt: skip
        suite = Suite("one", 1, (MetricChoice("camera_motion_agreement"),))
        found = run_attacks([still], select(["freeze"]), suite=suite, setting=Setting(cache=False))
        assert found.cases[0].declared is None

    def test_a_metric_that_cannot_be_computed_is_kept_with_its_reason(self) -> None:
        short = Footage("short", clipkit.panning(10, size=(64, 48)), 24.0)
        suite = Suite("one", 1, (MetricChoice("consistency_3d_rmse"),))
        found = run_attacks([short], select(["freeze"]), suite=suite, setting=Setting(cache=False))
        assert found.cases[0].verdict == "not applicable"
        assert "too short" in found.cases[0].why
        assert found.drops() == (0, 0)

    def test_no_clip_and_two_of_one_name_are_refused(self) -> None:
        with pytest.raises(InputError, match="no clip to attack"):
            run_attacks([], select(NAMES), suite=SUITE)
        with pytest.raises(InputError, match="two clips are called 'pan'"):
            run_attacks([PAN, PAN], select(NAMES), suite=SUITE)

    def test_an_attack_of_an_unknown_kind_is_refused(self) -> None:
        with pytest.raises(InputError, match="unknown kind"):
            Attack("x", "magic", "", "", lambda clip: clip, {"sharpness": STAY})


class TestFiles:
    def test_the_first_two_seconds_of_a_file_are_taken_small_and_even(self, tmp_path: Path) -> None:
        frames = np.repeat(clipkit.still(1, (402, 302)), 75, axis=0)
        write_video(tmp_path / "long.mp4", frames, fps=25)
        (clip,) = from_files([str(tmp_path)]).clips
        assert clip.frames.shape == (50, MOST_SHORT_SIDE, 318, 3)
        assert clip.fps == 25

    def test_a_bad_file_does_not_lose_the_good_one(self, tmp_path: Path) -> None:
        write_video(tmp_path / "good.mp4", PAN.frames)
        (tmp_path / "bad.mp4").write_bytes(b"no video")
        found = from_files([str(tmp_path)])
        assert [clip.name for clip in found.clips] == ["good"]
        assert list(found.unread) == ["bad"]

    def test_nothing_but_bad_files_is_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "bad.mp4").write_bytes(b"no video")
        with pytest.raises(InputError, match="none of 1 clips can be read; bad: "):
            from_files([str(tmp_path)])


class TestOutput:
    def test_json_comes_back_as_it_was(self, report: AttackReport, tmp_path: Path) -> None:
        path = tmp_path / "attacks.json"
        path.write_text(report.to_json())
        assert load_attacks(path) == report

    @pytest.mark.parametrize(("text", "said"), [("{", "not an attacks.json"), ("{}", "suite")])
    def test_json_of_something_else_is_refused(self, text: str, said: str, tmp_path: Path) -> None:
        path = tmp_path / "attacks.json"
        path.write_text(text)
        with pytest.raises(ReportError, match=said):
            load_attacks(path)
        with pytest.raises(ReportError, match="cannot read"):
            load_attacks(tmp_path / "absent.json")

    def test_the_page_has_the_number_the_matrix_and_every_attack(
        self, report: AttackReport
    ) -> None:
        page = attacks_page(report, "mirabench attack")
        judged = [c for c in report.cases if c.verdict in ("caught", "stays", "fooled", "moved")]
        holds = sum(c.verdict in ("caught", "stays") for c in judged)
        result = page.split("## Result")[1]
        first = result.strip().splitlines()[0]
        assert first.startswith(f"**{holds} of {len(judged)} declared reactions hold")
        assert f"({100 * holds / len(judged):.1f} %)" in first
        kinds = [
            k for k in ("drop", "no gain", "stay", "rise") if k in {c.declared for c in judged}
        ]
        assert len(kinds) >= 3
        for kind in kinds:
            own = [c for c in judged if c.declared == kind]
            right = sum(c.verdict in ("caught", "stays") for c in own)
            share = f"{100 * right / len(own):.1f} %"
            assert f"| `{kind}` | {right} of {len(own)} | {share} |" in result
        for name in NAMES:
            assert page.count(f"| `{name}` |") >= 2
        assert fingerprint(report) in page
        assert "nan" not in page.lower().split()

    def test_the_page_says_on_which_clips_it_was_measured(self, report: AttackReport) -> None:
        rendered = report.model_copy(update={"clips": {"a": "rendered, 8x8", "b": "rendered, 8x8"}})
        assert "2 clips: `a`, `b` (rendered, 8x8, each)" in attacks_page(rendered, "x")
        mixed = report.model_copy(update={"clips": {"a": "rendered, 8x8", "b": "4x4"}})
        assert "2 clips: `a` (rendered, 8x8); `b` (4x4)" in attacks_page(mixed, "x")

    def test_the_picture_is_valid_and_told_apart_by_shape(self, report: AttackReport) -> None:
        text = matrix_svg(report)
        root = ElementTree.fromstring(text)
        shown = root.attrib["aria-label"]
        assert re.search(r"\d+ of \d+ declared reactions hold \(\S+ %\): drop \d", shown)
        titles = [e.text for e in root.iter("{http://www.w3.org/2000/svg}title")]
        assert "freeze, warping_error: caught" in titles
        assert "prefers-color-scheme:dark" in text
        assert 'd="M-6 0l4 5 8-10"' in text  # a check
        assert 'd="M-5-2.5h10M-5 2.5h10"' in text  # an equals sign

    def test_every_verdict_has_a_mark_of_its_own(self) -> None:
        assert len(set(MARKS.values())) == len(MARKS)


def test_the_documented_page_was_made_by_the_present_attacks_and_metrics() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
    text = page.read_text()
    keys = " ".join(attack.key for attack in ATTACKS)
    assert f"attacks: {keys};" in text, "run `mirabench attack --page docs/attacks.md`"
    metrics = " ".join(f"{m.spec.name}@{m.spec.version}" for m in _lite())
    assert f"metrics: {metrics}." in text, "run `mirabench attack --page docs/attacks.md`"
    assert (page.parent / "images" / "attacks.svg").exists()
    holds = {kind: (int(n), int(of)) for kind, n, of in _results(text)}
    right, total = holds.pop("all")
    assert (right, total) == tuple(map(sum, zip(*holds.values(), strict=True)))
    assert holds["drop"][0] >= 0.95 * holds["drop"][1]
    first = text.split("## Result")[1].strip().splitlines()[0]
    assert first.startswith(
        f"**{right} of {total} declared reactions hold ({100 * right / total:.1f} %)**"
    )


def _lite() -> list[object]:
    from mirabench.suites.api import load_suite

    return load_suite("lite").built()


def _results(text: str) -> list[tuple[str, str, str]]:
    """(reaction, how many hold, how many were judged), `all` included."""
    part = text.split("## Result")[1].split("\n## ")[0]
    found = re.findall(
        r"^\| (?:`|\*\*)([a-z ]+)(?:`|\*\*) \| \**(\d+) of (\d+)", part, re.MULTILINE
    )
    assert [kind for kind, _, _ in found] == ["drop", "no gain", "stay", "rise", "all"]
    return found


DEADLY = Attack("deadly", "time", "kills its process", "", deadlyvideo.die, {"sharpness": DROP})
ONE = Suite("one", 1, (MetricChoice("sharpness"),))


class TestDurable:
    def test_a_second_run_takes_what_the_first_has_scored(self, tmp_path: Path) -> None:
        told: list[Progress] = []
        first = run_attacks(
            [PAN], select(["freeze"]), suite=ONE, setting=Setting(cache=False, folder=tmp_path)
        )
        setting = Setting(cache=False, folder=tmp_path, listener=told.append)
        both = run_attacks([PAN], select(["freeze", "blur"]), suite=ONE, setting=setting)
        assert [p.item for p in told] == ["pan/blur", ""]
        assert [c for c in both.cases if c.attack == "freeze"] == first.cases
        whole = run_attacks(
            [PAN], select(["freeze", "blur"]), suite=ONE, setting=Setting(cache=False)
        )
        assert both == whole

    def test_other_frames_another_suite_and_another_prompt_are_other_work(
        self, tmp_path: Path
    ) -> None:
        told: list[Progress] = []
        setting = Setting(cache=False, folder=tmp_path, listener=told.append)
        other = replace(PAN, frames=PAN.frames[::-1].copy())
        asked = replace(PAN, prompt=Prompt("pan", "Another painting."))
        for clip, suite in ((PAN, ONE), (other, ONE), (asked, ONE), (PAN, replace(ONE, version=2))):
            run_attacks([clip], [], suite=suite, setting=setting)
        assert [p.item for p in told] == ["pan", ""] * 4

    @pytest.mark.parametrize("workers", [1, 2])
    def test_workers_change_no_number_and_a_deadly_attack_costs_itself(self, workers: int) -> None:
        attacks = [*select(["freeze", "re-encode"]), DEADLY]
        found = run_attacks(
            [PAN], attacks, suite=ONE, setting=Setting(cache=False, workers=workers)
        )
        (case,) = [c for c in found.cases if c.attack == "deadly"]
        assert (case.attacked.status, "SIGKILL" in case.attacked.why) == ("failed", True)
        here = run_attacks([PAN], attacks[:2], suite=ONE, setting=Setting(cache=False))
        assert [c for c in found.cases if c.attack != "deadly"] == here.cases

    def test_a_run_that_is_killed_resumes(self, tmp_path: Path) -> None:
        clip = write_video(tmp_path / "pan.mp4", clipkit.panning(frames=12, size=(64, 48)))
        suite = tmp_path / "one.toml"
        suite.write_text('name = "one"\nversion = 1\nmetrics = [{ name = "sharpness" }]\n')
        out = tmp_path / "out"
        command = [
            sys.executable, "-m", "mirabench", "attack", str(clip), "--suite", str(suite),
            "--only", "freeze,blur,crop,noise", "-o", str(out), "--no-cache",
        ]  # fmt: skip
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("[3/"):
                process.kill()
        process.wait()
        process.stderr.close()
        again = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert again.returncode == 0, again.stderr
        scored = [
            line.split()[1].strip(",") for line in again.stderr.splitlines() if line[0] == "["
        ]
        assert "pan/freeze" not in scored
        assert "min left" in again.stderr
        assert (out / "attacks.json").is_file()
