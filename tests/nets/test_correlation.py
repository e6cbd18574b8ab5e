import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.nets.correlation import CorrelationPyramid
from mirabench.nets.sampling import pixel_grid


def maps(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 1, 5, height, width, generator=generator)


def test_the_centre_of_the_window_is_the_scaled_dot_product():
    query, target = maps(6, 7)
    here = pixel_grid(6, 7, query.device)[None]
    values = CorrelationPyramid(query, target, levels=1, radius=0).lookup(here)
    assert torch.allclose(values, (query * target).sum(1, keepdim=True) / 5**0.5, atol=1e-5)


def test_the_slow_index_of_a_window_moves_along_x():
    query, target = torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    target[..., 1, 2] = 1.0  # one pixel right of (y 1, x 1)
    here = pixel_grid(4, 4, query.device)[None]
    window = CorrelationPyramid(query, target, levels=1, radius=1).lookup(here)[0, :, 1, 1]
    assert window.reshape(3, 3).nonzero().tolist() == [[2, 1]]


def test_beyond_the_border_there_is_nothing():
    query, target = maps(4, 5)
    far = pixel_grid(4, 5, query.device)[None] + 100
    assert not CorrelationPyramid(query, target, levels=2).lookup(far).any()


@given(
    height=st.integers(2, 6),
    width=st.integers(2, 6),
    pieces=st.integers(1, 40),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_building_the_table_in_pieces_changes_nothing(height, width, pieces, seed):
    query, target = maps(height, width, seed)
    positions = pixel_grid(height, width, query.device)[None] + 0.3
    whole = CorrelationPyramid(query, target, levels=2, radius=1).lookup(positions)
    elements = max(1, height * width * height * width // pieces)
    parts = CorrelationPyramid(query, target, levels=2, radius=1, max_elements=elements)
    assert torch.allclose(parts.lookup(positions), whole, atol=1e-5)


@pytest.mark.parametrize("side", [1, 2])
def test_a_level_of_one_pixel_is_finite(side):
    query, target = maps(side * 2, side * 2)
    here = pixel_grid(side * 2, side * 2, query.device)[None]
    assert CorrelationPyramid(query, target, levels=2).lookup(here).isfinite().all()
