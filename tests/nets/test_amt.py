import torch

from mirabench.nets.amt import AmtS
from mirabench.nets.runtime import choose_runtime


def interpolate(net, first, second):
    with torch.inference_mode():
        return net(first, second)


def seeded(seeded_state):
    net = AmtS().eval()
    net.load_state_dict(seeded_state(net))
    return net


def test_the_output_is_a_picture(seeded_state, picture):
    middle = interpolate(
        seeded(seeded_state), picture((1, 3, 64, 80)), picture((1, 3, 64, 80), 2.0)
    )
    assert middle.shape == (1, 3, 64, 80)
    assert middle.min() >= 0 and middle.max() <= 1


def test_a_batch_gives_what_single_pairs_give(seeded_state, picture):
    net = seeded(seeded_state)
    first, second = picture((2, 3, 64, 64)), picture((2, 3, 64, 64), 2.0)
    single = torch.cat([interpolate(net, first[i : i + 1], second[i : i + 1]) for i in (0, 1)])
    assert torch.allclose(interpolate(net, first, second), single, atol=1e-5)


def test_without_learned_motion_the_middle_is_the_mean_of_the_frames(picture):
    net = AmtS().eval()
    with torch.no_grad():
        for value in net.parameters():
            value.zero_()  # flows 0, masks sigmoid(0) = 1/2, no residual
    first, second = picture((1, 3, 64, 64)), picture((1, 3, 64, 64), 2.0)
    assert torch.allclose(interpolate(net, first, second), (first + second) / 2, atol=1e-6)


def test_bfloat16_stays_close_and_answers_in_float32(picture):
    torch.manual_seed(0)
    net = AmtS().eval()
    first, second = picture((1, 3, 64, 80)), picture((1, 3, 64, 80), 2.0)
    exact = interpolate(net, first, second)
    with choose_runtime("cpu", "bf16").inference():
        rough = net(first, second)
    assert rough.dtype is torch.float32
    assert (rough - exact).abs().max() < 0.02
