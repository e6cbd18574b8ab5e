"""What a hosting space runs: the board, with settings from the environment."""

from miraboard.app import launch
from miraboard.board import Board
from miraboard.checking import Apart
from miraboard.scorer import begin
from miraboard.settings import settings_from

if __name__ == "__main__":  # the process that checks reports imports this file too
    board = Board(settings_from())
    board.checker = Apart(board.tracks)
    begin(board)  # scores clips, on tracks that require them
    launch(board, "0.0.0.0", 7860)  # a space is reached from outside
