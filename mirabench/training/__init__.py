"""In the training loop: samples of checkpoints become a curve, and a word on whether the last one is better.

- `checkpoints`: which folders of samples there are, and which are complete.
- `watching`: scores them, compares each with the baseline and the one before.
- `curve_page`: the curve as a page.
- `loggers`: TensorBoard, Weights & Biases, MLflow, trackio.
- `callback`: the same from inside a training loop of accelerate or diffusers.
"""
