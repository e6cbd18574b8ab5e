from collections import OrderedDict

import pytest
import torch
from torch import nn

from mirabench.errors import WeightsError
from mirabench.nets.checkpoint import load_state, read_state


@pytest.fixture
def linear():
    return nn.Linear(3, 2)


def same(state, module):
    own = module.state_dict()
    return state.keys() == own.keys() and all(torch.equal(state[key], own[key]) for key in own)


@pytest.mark.parametrize(
    "layout",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state},
        lambda state: {"params": state},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"module": state},
        lambda state: {**state, "step": 7},
    ],
    ids=["plain", "state_dict", "model", "params", "data parallel", "module", "with a number"],
)
def test_released_layouts_are_read(tmp_path, linear, layout):
    torch.save(layout(OrderedDict(linear.state_dict())), tmp_path / "net.pth")
    assert same(read_state(tmp_path / "net.pth"), linear)


def test_files_from_before_torch_1_6_are_read(tmp_path, linear):
    path = tmp_path / "net.pth"
    torch.save(linear.state_dict(), path, _use_new_zipfile_serialization=False)
    assert same(read_state(path), linear)


def test_safetensors_are_read(tmp_path, linear):
    from safetensors.torch import save_file

    save_file(linear.state_dict(), tmp_path / "net.safetensors")
    assert same(read_state(tmp_path / "net.safetensors"), linear)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
def test_torchscript_archives_are_read(tmp_path, linear):
    torch.jit.save(torch.jit.script(linear), tmp_path / "ViT-B-32.pt")
    assert same(read_state(tmp_path / "ViT-B-32.pt"), linear)


class Malicious:
    def __reduce__(self):
        return print, ("code of the file ran",)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 broken zip"])
def test_a_damaged_file_is_one_clear_sentence(tmp_path, content):
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=r"net\.pth cannot be read as a checkpoint"):
        read_state(tmp_path / "net.pth")


def test_code_in_a_file_does_not_run(tmp_path, capsys):
    torch.save({"state_dict": Malicious()}, tmp_path / "net.pth")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_state(tmp_path / "net.pth")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2]], ids=str)
def test_a_file_without_parameters_says_so(tmp_path, content):
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(WeightsError, match="contains no named weights"):
        read_state(tmp_path / "net.pth")


def test_a_truncated_file_is_one_clear_sentence(tmp_path, linear):
    torch.save(linear.state_dict(), tmp_path / "net.pth")
    content = (tmp_path / "net.pth").read_bytes()
    (tmp_path / "net.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="cannot be read"):
        read_state(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("bias"), r"1 missing \(bias\)"),
        (lambda state: state.update(scale=torch.ones(1)), r"1 unknown \(scale\)"),
        (lambda state: state.update(bias=torch.ones(5)), r"1 of another shape \(bias\)"),
    ],
    ids=["missing", "unknown", "shape"],
)
def test_a_checkpoint_of_another_model_is_refused(linear, change, words):
    state = dict(linear.state_dict())
    change(state)
    with pytest.raises(WeightsError, match=f"checkpoint of another model than Linear: {words}"):
        load_state(nn.Linear(3, 2), state, "net.pth")


def test_parameters_are_copied(linear):
    other = nn.Linear(3, 2)
    load_state(other, linear.state_dict(), "net.pth")
    assert same(other.state_dict(), linear)
