"""BootsTAPIR: where points of a film go, and when they are hidden (Doersch et al., ICCV 2023 and ACCV 2024).

A point's feature is compared with every place of every frame, which gives a first guess of its track; four
passes of a mixer over time refine it by what lies around it. Parameters have the names of the authors' PyTorch
checkpoint (google-deepmind/tapnet at commit c2cbab8, `tapnet/torch`, Apache-2.0); the pictures are square, as
in training, and one resolution serves guess and refinement.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mirabench.nets.checkpoint import load_state, read_state

FINE, COARSE = 128, 256
"""Channels at a quarter and an eighth of the resolution."""
REACH = 3
"""Cells around a guess that a refinement looks at, on each side."""
LEVELS, PASSES = 3, 4
TEMPERATURE = 20.0
RADIUS = 5.0
"""Cells around the best match over which the first guess is averaged."""
CHUNK = 64
"""Points at a time: their neighbourhoods are the largest tables."""
LEAST_SURE = 0.5
"""Of not hidden times not far off, above which a point counts as seen; the authors' own."""


class PointTracks(NamedTuple):
    """Where N points are in T frames."""

    points: Tensor
    """(N, T, 2) px, x before y."""
    hidden: Tensor
    """(N, T) logits: above 0 is hidden."""
    unsure: Tensor
    """(N, T) logits: above 0 is further off than a few px."""

    @property
    def visible(self) -> Tensor:
        """(N, T) whether a point is seen, and where it is known."""
        sure = (1 - torch.sigmoid(self.hidden)) * (1 - torch.sigmoid(self.unsure))
        return sure > LEAST_SURE


class FrameGrids(NamedTuple):
    """Features of T frames, each of length 1."""

    fine: Tensor
    """(T, S/4, S/4, FINE)."""
    coarse: Tensor
    """(T, S/8, S/8, COARSE)."""


def load(path: Path) -> Tapir:
    """The network from the authors' checkpoint file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = Tapir().eval()
    load_state(net, read_state(path), path)
    return net


class Tapir(nn.Module):
    """The whole tracker."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet_torch = ResNet()
        self.torch_cost_volume_track_mods = nn.ModuleDict(
            {
                "hid1": nn.Conv2d(1, 16, 3, 1, 1),
                "hid2": nn.Conv2d(16, 1, 3, 1, 1),
                "hid3": nn.Conv2d(16, 32, 3, 2, 0),
                "hid4": nn.Linear(32, 16),
                "occ_out": nn.Linear(16, 2),
            }
        )
        state = 4 + FINE + COARSE
        self.torch_pips_mixer = Mixer(state + LEVELS * (2 * REACH + 1) ** 2, state)
        self.extra_convs = ExtraConvs()

    def forward(self, video: Tensor, queries: Tensor) -> PointTracks:
        """Track points through a film.

        Args:
            video: (T, 3, S, S) in [-1, 1], S a multiple of 8.
            queries: (N, 3) frame, y and x of each point; px.
        """
        grids = self.encode(video)
        found = [
            self._track(grids, chunk, video.shape[-1]) for chunk in torch.split(queries, CHUNK)
        ]
        return PointTracks(*(torch.cat(part) for part in zip(*found, strict=True)))

    def encode(self, video: Tensor) -> FrameGrids:
        """The features of each frame; `video` as in `forward`."""
        fine, coarse = self.resnet_torch(video)
        coarse = self.extra_convs(coarse.permute(0, 2, 3, 1))
        return FrameGrids(_of_length_1(fine.permute(0, 2, 3, 1)), _of_length_1(coarse))

    def _track(self, grids: FrameGrids, queries: Tensor, side: int) -> PointTracks:
        fine, coarse = (_sampled(grid, queries, side) for grid in grids)  # (N, C)
        points, hidden, unsure = self._first_guess(coarse, grids.coarse, queries, side)
        pooled = F.avg_pool2d(grids.coarse.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        levels = (grids.fine, grids.coarse, pooled)
        frames = len(grids.fine)
        state = torch.cat([fine, coarse], dim=-1)[:, None].expand(-1, frames, -1)  # (N, T, F + C)
        for _ in range(PASSES):
            own = (state[..., :FINE], state[..., FINE:], state[..., FINE:])
            around = [
                _correlations(level, points * (level.shape[1] / side), mine)
                for level, mine in zip(levels, own, strict=True)
            ]
            told = [torch.zeros_like(points), hidden[..., None], unsure[..., None], state, *around]
            change = self.torch_pips_mixer(torch.cat(told, dim=-1))
            points, state = points + change[..., :2], state + change[..., 4:]
            hidden, unsure = hidden + change[..., 2], unsure + change[..., 3]
        return PointTracks(points, hidden, unsure)

    def _first_guess(
        self, features: Tensor, grid: Tensor, queries: Tensor, side: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Where each point matches best in each frame: (N, T, 2) px, and two (N, T) of logits."""
        mods = self.torch_cost_volume_track_mods
        count, frames, cells = len(features), len(grid), grid.shape[1]
        match = torch.einsum("nc,thwc->nthw", features, grid).reshape(-1, 1, cells, cells)
        match = torch.relu(mods["hid1"](match))  # (N T, 16, h, w)
        heat = torch.softmax(mods["hid2"](match).flatten(1) * TEMPERATURE, dim=-1)
        points = _around_the_best(heat, cells).reshape(count, frames, 2) * (side / cells)
        own = torch.round(queries[:, :1]) == torch.arange(frames, device=queries.device)
        points = torch.where(own[..., None], queries[:, None, [2, 1]], points)
        pooled = torch.relu(mods["hid3"](F.pad(match, (0, 2, 0, 2)))).mean(dim=(-1, -2))
        logits = mods["occ_out"](torch.relu(mods["hid4"](pooled))).reshape(count, frames, 2)
        return points, logits[..., 0], logits[..., 1]


def _of_length_1(features: Tensor) -> Tensor:
    return features / features.square().sum(dim=-1, keepdim=True).clamp_min(1e-12).sqrt()


def _sampled(grid: Tensor, queries: Tensor, side: int) -> Tensor:
    """(N, C) the features at the queries' places, bilinear."""
    scale = queries.new_tensor([1.0, grid.shape[1] / side, grid.shape[2] / side])
    places = queries * scale + queries.new_tensor([0.5, 0.0, 0.0])
    places = 2 * places / places.new_tensor(grid.shape[:3]) - 1
    volume = grid.permute(3, 0, 1, 2)[None]  # (1, C, T, h, w)
    found = F.grid_sample(
        volume, places.flip(-1)[None, :, None, None], align_corners=False, padding_mode="border"
    )
    return found[0, :, :, 0, 0].T


def _around_the_best(heat: Tensor, cells: int) -> Tensor:
    """(M, 2) mean place, x before y, weighted by `heat` (M, h w) within RADIUS of its largest."""
    steps = torch.arange(cells, device=heat.device) + 0.5
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    places = torch.stack([x, y], dim=-1).reshape(-1, 2)  # (h w, 2)
    best = places[heat.argmax(dim=-1)]  # (M, 2)
    near = (places - best[:, None]).square().sum(dim=-1) < RADIUS**2
    weights = heat * near
    return (weights @ places) / weights.sum(dim=-1, keepdim=True).clamp_min(1e-12)


def _correlations(level: Tensor, points: Tensor, features: Tensor) -> Tensor:
    """(N, T, 49) how each point's features agree with what lies around its place.

    Args:
        level: (T, h, w, C).
        points: (N, T, 2) in cells of the level, x before y.
        features: (N, T, C).
    """
    steps = torch.arange(-REACH, REACH + 1, device=points.device)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    offsets = torch.stack([x, y], dim=-1).reshape(-1, 2)
    places = (points[:, :, None] + offsets).transpose(0, 1)  # (T, N, 49, 2)
    places = 2 * places / level.shape[1] - 1
    around = F.grid_sample(level.permute(0, 3, 1, 2), places, align_corners=False)  # (T, C, N, 49)
    return torch.einsum("tcns,ntc->nts", around, features)


class Block(nn.Module):
    """Two convolutions before each of which the picture is normalised."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, projection: bool) -> None:
        super().__init__()
        # as JAX pads "SAME": all of it behind where the stride is 2
        self.padding = (1, 1, 1, 1) if stride == 1 else (0, 2, 0, 2)
        self.proj_conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if projection else None
        self.bn_0 = nn.InstanceNorm2d(inputs, affine=True)
        self.conv_0 = nn.Conv2d(inputs, outputs, 3, stride, bias=False)
        self.conv_1 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn_1 = nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        """(T, C, h, w) to (T, C', h / stride, w / stride)."""
        first = torch.relu(self.bn_0(x))
        beside = x if self.proj_conv is None else self.proj_conv(first)
        first = self.conv_0(F.pad(first, self.padding))
        return cast(Tensor, self.conv_1(torch.relu(self.bn_1(first))) + beside)


class Group(nn.Module):
    """Two blocks, the first of which changes size and channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        first = Block(inputs, outputs, stride=stride, projection=True)
        self.blocks = nn.ModuleList([first, Block(outputs, outputs, stride=1, projection=False)])

    def forward(self, x: Tensor) -> Tensor:
        """As `Block`."""
        for block in self.blocks:
            x = block(x)
        return x


class ResNet(nn.Module):
    """What a frame shows, at a quarter and at an eighth of its size."""

    def __init__(self) -> None:
        super().__init__()
        self.initial_conv = nn.Conv2d(3, 64, 7, 2, bias=False)
        sizes = ((64, 64, 1), (64, FINE, 2), (FINE, 256, 2), (256, COARSE, 1))
        self.block_groups = nn.ModuleList([Group(*size) for size in sizes])

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """(T, 3, S, S) to (T, FINE, S/4, S/4) and (T, COARSE, S/8, S/8)."""
        x = self.initial_conv(F.pad(frames, (2, 4, 2, 4)))  # (T, 64, S/2, S/2)
        fine = self.block_groups[1](self.block_groups[0](x))
        return fine, self.block_groups[3](self.block_groups[2](fine))


class ExtraConvBlock(nn.Module):
    """Two convolutions beside the normalised features."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(COARSE)
        self.conv = nn.Conv2d(COARSE, 4 * COARSE, 3, 1, 1)
        self.conv_1 = nn.Conv2d(4 * COARSE, COARSE, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(T, h, w, C) to the same."""
        x = self.layer_norm(x).permute(0, 3, 1, 2)
        beside: Tensor = self.conv_1(F.gelu(self.conv(x), approximate="tanh"))
        return (x + beside).permute(0, 2, 3, 1)


class ExtraConvs(nn.Module):
    """Five of them."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([ExtraConvBlock() for _ in range(5)])

    def forward(self, x: Tensor) -> Tensor:
        """(T, h, w, C) to the same."""
        for block in self.blocks:
            x = block(x)
        return x


class ChannelsMixer(nn.Module):
    """A hidden layer over the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp2_up = nn.Linear(channels, 4 * channels)
        self.mlp2_down = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, C) to the same."""
        return cast(Tensor, self.mlp2_down(F.gelu(self.mlp2_up(x), approximate="tanh")))


class MixerBlock(nn.Module):
    """Mixes each channel over time, then the channels of each frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(channels, bias=False)
        self.mlp1_up = nn.Conv1d(channels, 4 * channels, 3, 1, 1, groups=channels)
        self.mlp1_up_1 = nn.Conv1d(4 * channels, 4 * channels, 3, 1, 1, groups=4 * channels)
        self.layer_norm_1 = nn.LayerNorm(channels, bias=False)
        self.conv_channels_mixer = ChannelsMixer(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, C) to the same."""
        over_time = F.gelu(self.mlp1_up(self.layer_norm(x).permute(0, 2, 1)), approximate="tanh")
        over_time = self.mlp1_up_1(over_time).permute(0, 2, 1)  # (N, T, 4 C)
        x = x + over_time.unflatten(-1, (-1, 4)).sum(dim=-1)
        return cast(Tensor, x + self.conv_channels_mixer(self.layer_norm_1(x)))


class Mixer(nn.Module):
    """Twelve blocks."""

    def __init__(self, inputs: int, outputs: int, channels: int = 512) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, channels)
        self.layer_norm = nn.LayerNorm(channels, bias=False)
        self.linear_1 = nn.Linear(channels, outputs)
        self.blocks = nn.ModuleList([MixerBlock(channels) for _ in range(12)])

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, inputs) to (N, T, outputs)."""
        x = self.linear(x)
        for block in self.blocks:
            x = block(x)
        return cast(Tensor, self.linear_1(self.layer_norm(x)))
