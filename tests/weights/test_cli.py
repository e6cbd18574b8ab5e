import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mirabench.cli.weights import app
from mirabench.errors import WeightsError

RELEASED = Path(__file__).parents[3] / "shared" / "data" / "sa_0_4_vit_l_14_linear.pth"
runner = CliRunner()


def test_the_commands_do_not_import_torch():
    code = "import sys, mirabench.cli.weights; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_list_shows_name_size_licence_and_purpose():
    result = runner.invoke(app, ["list"])
    line = next(line for line in result.output.splitlines() if line.startswith("amt-s"))
    for words in ("amt-s.pth", "12 MB", "CC-BY-NC-4.0 (non-commercial)", "no", "motion_smoothness"):
        assert words in line


def test_path_without_a_name_is_the_folder(tmp_path):
    assert runner.invoke(app, ["path"]).output.strip() == str(tmp_path / "weights")


def test_path_of_missing_weights_names_the_command():
    result = runner.invoke(app, ["path", "amt-s"])
    assert isinstance(result.exception, WeightsError)
    assert "mirabench weights download amt-s" in str(result.exception)


@pytest.mark.parametrize("arguments", [["download"], ["download", "amt-s", "--all"]])
def test_download_wants_names_or_all(arguments):
    assert runner.invoke(app, arguments).exit_code == 2


def test_download_asks_before_it_starts():
    result = runner.invoke(app, ["download", "amt-s"], input="n\n")
    assert result.exit_code == 1
    assert "CC-BY-NC-4.0" in result.output and "download to" in result.output


def test_download_for_a_suite_leaves_out_what_is_not_allowed_and_says_so():
    result = runner.invoke(app, ["download", "--suite", "mirabench-official"], input="n\n")
    offered = [line.split(":")[0] for line in result.output.splitlines() if " MB, " in line]
    assert "raft-things" in offered and "amt-s" not in offered
    assert "left out: amt-s is CC-BY-NC-4.0" in result.output
    assert "flow_interpolation_error" in result.output


def test_download_for_a_suite_without_networks_brings_nothing():
    result = runner.invoke(app, ["download", "--suite", "lite"])
    assert result.exit_code == 0 and "already present" in result.output


def test_import_verify_and_path_agree(tmp_path):
    (tmp_path / "amt-s.pth").write_bytes(b"random parameters")
    imported = runner.invoke(app, ["import", str(tmp_path / "amt-s.pth")])
    assert imported.exit_code == 0 and "UNVERIFIED" in imported.output
    verified = runner.invoke(app, ["verify", "amt-s"])
    assert verified.exit_code == 0 and verified.output == imported.output
    stored = Path(runner.invoke(app, ["path", "amt-s"]).output.strip())
    assert stored.read_bytes() == b"random parameters"


def test_import_of_a_wrong_file_exits_2_and_says_why(tmp_path):
    (tmp_path / "ViT-B-32.pt").write_bytes(b"something else")
    result = runner.invoke(app, ["import", str(tmp_path / "ViT-B-32.pt")])
    assert result.exit_code == 2 and "its sha256 is" in result.output
    accepted = runner.invoke(app, ["import", "--unverified", str(tmp_path / "ViT-B-32.pt")])
    assert accepted.exit_code == 0 and "UNVERIFIED" in accepted.output


def test_verify_exits_1_on_damage(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "ViT-B-32.pt").write_bytes(b"damaged")
    result = runner.invoke(app, ["verify"])
    assert result.exit_code == 1 and "ViT-B-32.pt" in result.output


def test_verify_of_an_empty_folder_says_so():
    result = runner.invoke(app, ["verify"])
    assert result.exit_code == 0 and "no weights in" in result.output


@pytest.mark.skipif(not RELEASED.exists(), reason="needs the released aesthetic head")
def test_the_released_aesthetic_head_has_the_published_digest():
    result = runner.invoke(app, ["import", str(RELEASED)])
    assert result.exit_code == 0 and "its digest is the published one" in result.output
