import torch

from mirabench.nets.raft import Raft, to_torchvision, upsample


def test_encoding_each_frame_once_gives_the_pairwise_flow(picture):
    torch.manual_seed(0)
    net = Raft().eval()
    frames = [255 * picture((1, 3, 128, 136), shift) for shift in (0.0, 1.0, 2.0)]
    with torch.inference_mode():
        encoded = [net.encode(frame) for frame in frames]
        for index in (0, 1):
            shared = net.flow(encoded[index], encoded[index + 1], updates=2)
            assert torch.equal(shared, net(frames[index], frames[index + 1], updates=2))


def test_torchvision_computes_the_same_flow(picture):
    torch.manual_seed(0)
    net = Raft().eval()
    first, second = 255 * picture((1, 3, 128, 136)), 255 * picture((1, 3, 128, 136), 1.0)
    with torch.inference_mode():
        theirs = net.network(2 * first / 255 - 1, 2 * second / 255 - 1, num_flow_updates=3)[-1]
        assert torch.allclose(net(first, second, updates=3), theirs, atol=1e-4)


def test_frames_smaller_than_torchvision_allows(picture):
    net = Raft().eval()
    with torch.inference_mode():
        flow = net(255 * picture((1, 3, 64, 72)), 255 * picture((1, 3, 64, 72)), updates=1)
    assert flow.shape == (1, 2, 64, 72)
    assert flow.isfinite().all()


def test_torchvisions_key_names_are_taken_as_they_are():
    net = Raft()
    assert to_torchvision(net.network.state_dict()).keys() == net.state_dict().keys()


def test_a_constant_flow_is_upsampled_to_eight_times_itself():
    flow = torch.tensor([1.5, -0.5]).reshape(1, 2, 1, 1).expand(1, 2, 6, 7)
    fine = upsample(flow, torch.zeros(1, 576, 6, 7))
    assert fine.shape == (1, 2, 48, 56)
    inner = fine[..., 8:-8, 8:-8]  # at the border the average takes in zeros from outside
    assert torch.allclose(inner, torch.tensor([12.0, -4.0]).reshape(1, 2, 1, 1).expand_as(inner))
