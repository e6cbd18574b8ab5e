import pytest
import torch

from mirabench.errors import InputError
from mirabench.nets.runtime import choose_device, choose_runtime


def test_the_cpu_is_always_there():
    runtime = choose_runtime("cpu")
    assert runtime.device == torch.device("cpu") and runtime.dtype is torch.float32


def test_auto_takes_the_cpu_where_there_is_nothing_else(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"


def test_auto_prefers_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device("auto").type == "cuda"


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "", "cpu:0:1"])
def test_an_unknown_name_is_an_input_error(name):
    with pytest.raises(InputError, match="unknown device"):
        choose_device(name)


def test_a_gpu_that_is_not_there_is_an_input_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match="not on this machine"):
        choose_device("cuda:1")


def test_unknown_precision():
    with pytest.raises(InputError, match="unknown precision 'int8'"):
        choose_runtime("cpu", "int8")


def test_fp16_needs_a_gpu():
    with pytest.raises(InputError, match="fp16 needs a GPU"):
        choose_runtime("cpu", "fp16")


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_products_have_the_precision(precision, dtype):
    with choose_runtime("cpu", precision).inference():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is dtype
    assert product.is_inference()


def test_global_settings_are_put_back():
    cudnn = torch.backends.cudnn
    before = (cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32)
    with pytest.raises(RuntimeError), choose_runtime("cpu").inference():
        assert (cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32) == (True, False, False)
        raise RuntimeError
    assert (cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32) == before
