"""Tracks of all frames so far, estimated anew in every window, as CoTracker's online predictor answers."""

import torch


class CoTrackerOnlinePredictor(torch.nn.Module):
    """A point's place is where the grid laid it, moved by what the encoder says of the frame there."""

    def __init__(self, checkpoint=None, window_len=8, v2=True):
        super().__init__()
        assert checkpoint is None and v2
        self.step = window_len // 2
        self.model = torch.nn.Module()
        self.model.fnet = torch.nn.Conv2d(3, 2, 5, padding=2)

    @torch.no_grad()
    def forward(self, video_chunk, is_first_step=False, grid_size=5):
        height, width = video_chunk.shape[-2:]
        if is_first_step:
            across = (torch.arange(grid_size) + 0.5) / grid_size
            y, x = torch.meshgrid(across * height, across * width, indexing="ij")
            self.grid = torch.stack((x.flatten(), y.flatten()), dim=-1).to(video_chunk.device)
            self.rows = self.grid.new_zeros(0, *self.grid.shape)
            self.first = 0
            return None, None
        maps = self.model.fnet(video_chunk[0] / 255)
        column, row = self.grid.long().unbind(-1)
        moved = maps[:, :, row, column].permute(0, 2, 1)  # (T, K, 2)
        estimate = self.grid + 8 * moved + 0.1 * self.first  # a later window says something else
        self.rows = torch.cat((self.rows[: self.first], estimate))
        self.first += self.step
        return self.rows[None], None
