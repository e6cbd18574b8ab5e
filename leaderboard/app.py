"""What a hosting space runs: the board, with settings from the environment."""

from miraboard.app import launch
from miraboard.board import Board
from miraboard.settings import settings_from

launch(Board(settings_from()), "0.0.0.0", 7860)  # a space is reached from outside
