"""AMT-S: the frame in the middle of two others (Li et al., CVPR 2023, arXiv 2304.09790).

A port that keeps the parameter names of the released `amt-s.pth`. Two encoders look at both
frames: one gives matching features at 1/8, from which all-pairs correlations are looked up, the
other a pyramid at 1/2 to 1/16. From coarse to fine, a decoder predicts two flows (towards either
frame) and a context map, and an update block corrects both with the correlations where the flows
point. The finest decoder predicts several flow pairs; the warped frames are blended by one last
small convolution. Checked against the authors' code with equal random weights.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mirabench.nets.checkpoint import load_state, read_state
from mirabench.nets.correlation import CorrelationPyramid
from mirabench.nets.sampling import pixel_grid, warp

MULTIPLE = 16
"""Height and width of the input must be multiples of this."""

_SLOPE = 0.1  # of the leaky rectifiers in the update blocks


def load(path: Path) -> AmtS:
    """The network from a checkpoint file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = AmtS().eval()
    load_state(net, read_state(path), path)
    return net


class AmtS(nn.Module):
    """AMT-S with its released sizes."""

    def __init__(self, num_flows: int = 3, levels: int = 4, radius: int = 3) -> None:
        super().__init__()
        c1, c2, c3, c4 = 20, 32, 44, 56
        self.num_flows, self.levels, self.radius = num_flows, levels, radius
        self.feat_encoder = MatchingEncoder(84)
        self.encoder = PyramidEncoder((c1, c2, c3, c4))
        self.decoder4 = Decoder(2 * c4 + 1, 2 * c4, c3 + 4)
        self.decoder3 = Decoder(3 * c3 + 4, 3 * c3, c2 + 4)
        self.decoder2 = Decoder(3 * c2 + 4, 3 * c2, c1 + 4)
        self.decoder1 = Decoder(3 * c1 + 4, 3 * c1, 8 * num_flows)
        window = levels * (2 * radius + 1) ** 2
        self.update4 = UpdateBlock(c3, window, scale=1)
        self.update3 = UpdateBlock(c2, window, scale=2)
        self.update2 = UpdateBlock(c1, window, scale=4)
        self.comb_block = nn.Sequential(
            nn.Conv2d(3 * num_flows, 6 * num_flows, 3, padding=1),
            nn.PReLU(6 * num_flows),
            nn.Conv2d(6 * num_flows, 3, 3, padding=1),
        )

    def forward(self, first: Tensor, second: Tensor, time: float = 0.5) -> Tensor:
        """Interpolate between two frames.

        Args:
            first: (B, 3, H, W) RGB in [0, 1]; H and W multiples of 16, at least 64.
            second: the later frame, same shape.
            time: where between them, in (0, 1).

        Returns:
            (B, 3, H, W) in [0, 1].
        """
        # A pair is centred together; the two frames have equally many pixels.
        mean = (first.mean((1, 2, 3), keepdim=True) + second.mean((1, 2, 3), keepdim=True)) / 2
        first, second = first - mean, second - mean
        matching = self._match(first, second)
        pyramids = self.encoder(torch.cat((first, second)))
        fine, middle, coarse, coarsest = (level.chunk(2) for level in pyramids)

        when = coarsest[0].new_full((first.shape[0], 1, *coarsest[0].shape[-2:]), time)
        decoded = self.decoder4(*coarsest, when)
        # Flows stay in float32 whatever the precision: bfloat16 steps by 1/8 pixel from 16 on.
        flows, context = decoded[:, :4].float(), decoded[:, 4:]  # at 1/8
        stages = (
            (self.update4, self.decoder3, coarse),
            (self.update3, self.decoder2, middle),
            (self.update2, self.decoder1, fine),
        )
        for update, decoder, features in stages:
            seen = self._look_up(matching, flows, update.scale, time)
            context_change, flow_change = update(context, *seen)
            context, flows = context + context_change, flows + flow_change
            decoded = decoder(context, *_warp_both(features, flows), flows)
            finer = 2 * _scaled(flows, 2)
            if decoder is not self.decoder1:
                flows, context = finer + decoded[:, :4], decoded[:, 4:]  # at 1/4, then 1/2
        return self._blend(first, second, mean, finer, decoded)

    def _match(
        self, first: Tensor, second: Tensor
    ) -> tuple[CorrelationPyramid, CorrelationPyramid]:
        """Correlations of the first frame's features with the second's, and the reverse."""
        one, two = self.feat_encoder(torch.cat((first, second))).chunk(2)
        sizes = {"levels": self.levels, "radius": self.radius}
        return CorrelationPyramid(one, two, **sizes), CorrelationPyramid(two, one, **sizes)

    def _look_up(
        self,
        matching: tuple[CorrelationPyramid, CorrelationPyramid],
        flows: Tensor,
        scale: int,
        time: float,
    ) -> tuple[Tensor, Tensor]:
        """Flows brought to 1/8 and the correlations where they point."""
        flows = _scaled(flows, 1 / scale) / scale
        to_first, to_second = flows.chunk(2, 1)
        here = pixel_grid(flows.shape[2], flows.shape[3], flows.device)
        # Motion is taken as linear: from the moment in between to either frame, and so across.
        seen = (
            matching[0].lookup(here + to_second / time),
            matching[1].lookup(here + to_first / (1 - time)),
        )
        return flows, torch.cat(seen, dim=1)

    def _blend(
        self, first: Tensor, second: Tensor, mean: Tensor, flows: Tensor, decoded: Tensor
    ) -> Tensor:
        """Warp both frames by every flow pair, mix each pair by its mask, and merge the pairs."""
        n, (batch, _, height, width) = self.num_flows, first.shape
        change0, change1, mask, residual = (
            part.reshape(batch * n, -1, height, width)
            for part in torch.split(decoded, [2 * n, 2 * n, n, 3 * n], 1)
        )
        to_first, to_second = (flow.repeat_interleave(n, 0) for flow in flows.chunk(2, 1))
        warped0 = warp(first.repeat_interleave(n, 0), to_first + change0)
        warped1 = warp(second.repeat_interleave(n, 0), to_second + change1)
        mixed = torch.lerp(warped1, warped0, torch.sigmoid(mask).to(warped0.dtype))
        mixed = (mixed + mean.repeat_interleave(n, 0) + residual).reshape(
            batch, n, 3, height, width
        )
        merged: Tensor = mixed.mean(1) + self.comb_block(mixed.flatten(1, 2))
        return merged.clamp(0, 1)


class MatchingEncoder(nn.Module):
    """Features at 1/8 for correlation: bottleneck blocks with instance normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 7, stride=2, padding=3)
        self.norm1 = nn.InstanceNorm2d(32)
        self.layer1 = nn.Sequential(Bottleneck(32, 32), Bottleneck(32, 32))
        self.layer2 = nn.Sequential(Bottleneck(32, 64, stride=2), Bottleneck(64, 64))
        self.layer3 = nn.Sequential(Bottleneck(64, 96, stride=2), Bottleneck(96, 96))
        self.conv2 = nn.Conv2d(96, width, 1)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, width, H/8, W/8)."""
        features = F.relu(self.norm1(self.conv1(image)))
        matching: Tensor = self.conv2(self.layer3(self.layer2(self.layer1(features))))
        return matching


class Bottleneck(nn.Module):
    """Narrow, filter, widen, each normalised per picture and channel; plus a shortcut."""

    def __init__(self, width_in: int, width: int, stride: int = 1) -> None:
        super().__init__()
        narrow = width // 4
        self.conv1 = nn.Conv2d(width_in, narrow, 1)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, padding=1, stride=stride)
        self.conv3 = nn.Conv2d(narrow, width, 1)
        self.norm1, self.norm2 = nn.InstanceNorm2d(narrow), nn.InstanceNorm2d(narrow)
        self.norm3 = nn.InstanceNorm2d(width)
        self.downsample = nn.Sequential()
        if stride > 1:
            self.downsample.append(nn.Conv2d(width_in, width, 1, stride=stride))
            self.downsample.append(nn.InstanceNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, width_in, H, W) to (B, width, H/stride, W/stride)."""
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        y = F.relu(self.norm3(self.conv3(y)))
        return F.relu(self.downsample(x) + y)


class PyramidEncoder(nn.Module):
    """Features at 1/2, 1/4, 1/8 and 1/16."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        for number, (before, width) in enumerate(zip((3, *widths), widths, strict=False), start=1):
            stage = nn.Sequential(_conv_prelu(before, width, 2), _conv_prelu(width, width))
            self.add_module(f"pyramid{number}", stage)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) to one map per level, fine to coarse."""
        levels = [image]
        for stage in self.children():
            levels.append(stage(levels[-1]))
        return levels[1:]


class Decoder(nn.Module):
    """Joins its inputs along channels and doubles the resolution."""

    def __init__(self, width_in: int, width: int, width_out: int, side: int = 20) -> None:
        super().__init__()
        self.convblock = nn.Sequential(
            _conv_prelu(width_in, width),
            SideResidual(width, side),
            nn.ConvTranspose2d(width, width_out, 4, stride=2, padding=1),
        )

    def forward(self, *inputs: Tensor) -> Tensor:
        """Maps of (B, ., H, W) to (B, width_out, 2H, 2W)."""
        decoded: Tensor = self.convblock(torch.cat(inputs, dim=1))
        return decoded


class SideResidual(nn.Module):
    """Residual block whose last `side` channels pass two extra convolutions (IFRNet)."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.conv1, self.conv3 = _conv_prelu(width, width), _conv_prelu(width, width)
        self.conv2, self.conv4 = _conv_prelu(side, side), _conv_prelu(side, side)
        self.conv5 = nn.Conv2d(width, width, 3, padding=1)
        self.prelu = nn.PReLU(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to the same."""
        y = self._on_side(self.conv2, self.conv1(x))
        y = self._on_side(self.conv4, self.conv3(y))
        residual: Tensor = self.prelu(x + self.conv5(y))
        return residual

    def _on_side(self, convolution: nn.Module, y: Tensor) -> Tensor:
        return torch.cat((y[:, : -self.side], convolution(y[:, -self.side :])), dim=1)


class UpdateBlock(nn.Module):
    """Corrects flows and context at 1/8 from the correlations that the flows found."""

    def __init__(self, context: int, window: int, scale: int) -> None:
        super().__init__()
        hidden, flow, correlation, joint = 76, 20, 64, 68
        self.scale = scale
        self.convc1 = nn.Conv2d(2 * window, correlation, 1)
        self.convf1 = nn.Conv2d(4, 2 * flow, 7, padding=3)
        self.convf2 = nn.Conv2d(2 * flow, flow, 3, padding=1)
        self.conv = nn.Conv2d(correlation + flow, joint, 3, padding=1)
        self.gru = _two_convs(joint + 4 + context, hidden, hidden)
        self.feat_head = _two_convs(hidden, hidden, context)
        self.flow_head = _two_convs(hidden, hidden, 4)

    def forward(
        self, context: Tensor, flows: Tensor, correlations: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Changes of context (B, C, sh, sw) and of flows (B, 4, sh, sw).

        Args:
            context: (B, C, sh, sw) at `scale` = s times the resolution of the other two.
            flows: (B, 4, h, w) at 1/8 in pixels of 1/8.
            correlations: (B, 2 * window, h, w).
        """
        found = _leaky(self.convc1(correlations))
        moved = _leaky(self.convf2(_leaky(self.convf1(flows))))
        joint = _leaky(self.conv(torch.cat((found, moved), 1)))
        state = self.gru(torch.cat((joint, flows, _scaled(context, 1 / self.scale)), 1))
        flow_change = self.scale * _scaled(self.flow_head(state), self.scale)
        return _scaled(self.feat_head(state), self.scale), flow_change


def _warp_both(features: tuple[Tensor, Tensor], flows: Tensor) -> tuple[Tensor, Tensor]:
    to_first, to_second = flows.chunk(2, 1)
    return warp(features[0], to_first), warp(features[1], to_second)


def _scaled(image: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return image
    return F.interpolate(image, scale_factor=factor, mode="bilinear", align_corners=False)


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, _SLOPE)


def _conv_prelu(width_in: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width_in, width, 3, stride, padding=1), nn.PReLU(width))


def _two_convs(width_in: int, width: int, width_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width_in, width, 3, padding=1),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(width, width_out, 3, padding=1),
    )
