"""How often the intervals of strengths hold the truth, and how much the metrics shorten them.

Simulated voters of known utilities: generators differ, a generator's clips differ from prompt to prompt, raters
differ in taste and in how readily they call a tie. The truth is what the same model says of all pairs on a
hundred thousand prompts, not a number that was put in.

    python benchmarks/votes.py                 # 1,000 repeats of each row of the docs' table
    python benchmarks/votes.py --repeats 100
    python benchmarks/votes.py --adversaries   # a fifth of the raters lie
    python benchmarks/votes.py --best          # how short any unbiased use of a metric could make them
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miraboard.votes.davidson import fit, probabilities
from miraboard.votes.estimate import Strengths, bradley_terry, prediction_powered
from miraboard.votes.prediction import Predicted, predict
from miraboard.votes.raters import Attention, distrusted
from miraboard.votes.table import VoteTable, capped, cells_of, vote_table

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """Generators, clips and raters, as they are and nobody sees them."""

    generators: int = 6
    prompts: int = 150
    raters: int = 40
    spread: float = 0.8
    """Of the generators' mean utilities, in log-odds."""
    clips: float = 3.0
    """Of a generator's clips over prompts."""
    taste: float = 0.3
    """Of what a rater sees in a generator."""
    tie: float = -0.5
    correlations: tuple[float, ...] = (0.95,)
    """Of each metric with the utility of clips; 0 is a metric of chance."""
    offsets: float = 0.5
    """Of each metric's error over whole generators, which more prompts do not average away."""
    liars: str = ""
    """`reversed`, `boost`, `sly`, `left` or `random`: what a fifth of the raters do."""
    seed: int = 1
    means: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        draw = np.random.default_rng(self.seed)
        means = draw.normal(0, self.spread, self.generators)
        object.__setattr__(self, "means", means - means.mean())

    def utilities(self, draw: np.random.Generator, prompts: int) -> FloatArray:
        """(K, prompts) utility of each clip."""
        noise = draw.normal(0, self.clips, (self.generators, prompts))
        return np.asarray(self.means[:, None] + noise)


LIARS = 0.2
SHARE = 0.1
"""Of all weight that one rater may have, as on the board."""
CHECKS = 0.08
"""Attention checks for each vote, as on the board; half show the same clip twice, half a damaged copy."""
FAILS = {"": 0.03, "reversed": 0.5, "random": 2 / 3, "boost": 0.03, "sly": 0.03, "left": 0.75}
"""Share of the checks that are failed: who turns every answer round calls the same clip twice a tie."""


def truth(world: World) -> FloatArray:
    """(K,) strengths that all raters' votes on all pairs of very many prompts would give."""
    draw = np.random.default_rng([world.seed, 99])
    pairs = np.array([(i, j) for i in range(world.generators) for j in range(i)])
    counts = np.zeros((len(pairs), 3))
    for _ in range(20):
        clips = world.utilities(draw, 5_000)
        taste = draw.normal(0, world.taste, clips.shape)
        ties = world.tie + draw.normal(0, world.taste, 5_000)
        seen = clips + taste
        counts += probabilities(seen[pairs[:, 0]] - seen[pairs[:, 1]], ties).sum(axis=1)
    return fit(counts[None], pairs, world.generators).strengths[0]


def simulate(world: World, votes: int, draw: np.random.Generator) -> tuple[VoteTable, FloatArray]:
    """A table of votes, and the metrics' worths (K, metrics, M)."""
    clips = world.utilities(draw, world.prompts)
    worths = np.stack([_worth(world, clips, r, draw) for r in world.correlations], axis=1)
    rater = draw.integers(0, world.raters, votes)
    prompt = draw.integers(0, world.prompts, votes)
    left = draw.integers(0, world.generators, votes)
    right = (left + draw.integers(1, world.generators, votes)) % world.generators
    taste = draw.normal(0, world.taste, (world.raters, world.generators))
    ties = world.tie + draw.normal(0, world.taste, world.raters)
    difference = (
        clips[left, prompt] - clips[right, prompt] + taste[rater, left] - taste[rater, right]
    )
    chances = probabilities(difference, ties[rater])
    outcome = (draw.random(votes)[:, None] > chances.cumsum(axis=1)[:, :2]).sum(axis=1)
    outcome = _lied(world, rater, left, right, outcome, draw)
    table = vote_table(
        rater, prompt, left, right, outcome,
        raters=world.raters, prompts=world.prompts, generators=world.generators,
    )  # fmt: skip
    return table, worths


def _worth(
    world: World, clips: FloatArray, correlation: float, draw: np.random.Generator
) -> FloatArray:
    """A metric of that correlation with the clips' utility, between 0 and 1."""
    within = clips - world.means[:, None]
    noise = draw.normal(0, world.clips, clips.shape)
    seen = correlation * within + np.sqrt(1 - correlation**2) * noise
    seen = (
        seen
        + world.means[:, None] * (correlation > 0)
        + draw.normal(0, world.offsets, (len(clips), 1))
    )
    return np.asarray(1 / (1 + np.exp(-seen / world.clips)))


def _lied(
    world: World, rater: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64],
    outcome: NDArray[np.int64], draw: np.random.Generator,
) -> NDArray[np.int64]:  # fmt: skip
    lies = rater < round(LIARS * world.raters)
    if world.liars == "reversed":
        return np.where(lies, 2 - outcome, outcome)
    if world.liars == "random":
        return np.where(lies, draw.integers(0, 3, len(outcome)), outcome)
    if world.liars == "left":
        return np.where(lies, 0, outcome)
    if world.liars in (
        "boost",
        "sly",
    ):  # the worst generator wins; honest elsewhere, sly every other time
        worst = int(np.argmin(world.means))
        boosted = np.where(left == worst, 0, np.where(right == worst, 2, outcome))
        if world.liars == "sly":
            lies = lies & (draw.random(len(outcome)) < 0.5)
        return np.where(lies, boosted, outcome)
    return outcome


def repeat(
    world: World, votes: int, repeats: int, draws: int = 300, first: int = 0
) -> dict[str, float]:
    """Coverage and mean half-width of both estimates over repeats."""
    wanted = truth(world)
    held: dict[str, list[float]] = {"alone": [], "powered": []}
    widths: dict[str, list[float]] = {"alone": [], "powered": []}
    powers = []
    for number in range(first, first + repeats):
        table, worths = simulate(world, votes, np.random.default_rng([world.seed, 7, number]))
        found = {
            "alone": bradley_terry(table, draws),
            "powered": prediction_powered(table, predict(table, worths), draws),
        }
        powers.append(found["powered"].power)
        for name, strengths in found.items():
            held[name].append(float(_covers(strengths, wanted).mean()))
            widths[name].append(float((strengths.high - strengths.low).mean() / 2))
    alone, powered = np.array(widths["alone"]), np.array(widths["powered"])
    return {
        "coverage": float(np.mean(held["alone"])), "coverage_powered": float(np.mean(held["powered"])),
        "half_width": float(alone.mean()), "half_width_powered": float(powered.mean()),
        "shorter": float(1 - powered.mean() / alone.mean()), "lambda": float(np.mean(powers)),
    }  # fmt: skip


def best_possible(world: World, votes: int, repeats: int, draws: int = 300) -> float:
    """How much shorter the interval becomes when every prediction is the true chance of the vote."""
    widths = []
    for number in range(repeats):
        key = [world.seed, 7, number]
        clips = world.utilities(
            np.random.default_rng(key), world.prompts
        )  # those that `simulate` draws
        table, _ = simulate(world, votes, np.random.default_rng(key))
        cells = cells_of(table)
        known = probabilities(clips[cells.pairs[:, 0]] - clips[cells.pairs[:, 1]], world.tie)
        share = np.full(known.shape[:2], 1 / world.prompts)
        predicted = Predicted(known[cells.pair, table.prompt], known, share)
        both = bradley_terry(table, draws), prediction_powered(table, predicted, draws)
        widths.append([float((found.high - found.low).mean()) for found in both])
    alone, powered = np.mean(widths, axis=0)
    return float(1 - powered / alone)


def _covers(strengths: Strengths, wanted: FloatArray) -> NDArray[np.bool_]:
    return np.asarray((strengths.low <= wanted) & (wanted <= strengths.high))


def robustness(world: World, votes: int, repeats: int) -> dict[str, float]:
    """How far a fifth of liars move the strengths: root mean square error, with and without the rules."""
    wanted = truth(replace(world, liars=""))
    errors: dict[str, list[float]] = {"honest": [], "untouched": [], "screened": []}
    caught, lost, order, lift = [], [], [], []
    liars = round(LIARS * world.raters)
    for number in range(repeats):
        key = [world.seed, 8, number]
        honest, _ = simulate(replace(world, liars=""), votes, np.random.default_rng(key))
        table, worths = simulate(world, votes, np.random.default_rng(key))
        attention = _attention(world, table, np.random.default_rng([*key, 1]))
        out = np.array(sorted(distrusted(table, attention, worths)), dtype=np.int64)
        caught.append(float((out < liars).sum() / liars))
        lost.append(float((out >= liars).sum() / (world.raters - liars)))
        screened = capped(table.only(~np.isin(table.rater, out)), SHARE)
        for name, votes_of in (("honest", honest), ("untouched", table), ("screened", screened)):
            errors[name].append(float(((_strengths(votes_of) - wanted) ** 2).mean()))
        worst = int(np.argmin(wanted))
        lift.append(float((_strengths(screened) - _strengths(honest))[worst]))
        order.append(float(np.argmax(_strengths(screened)) == np.argmax(wanted)))
    found = {name: float(np.sqrt(np.mean(e))) for name, e in errors.items()}
    return {**found, "liars_caught": float(np.mean(caught)), "honest_lost": float(np.mean(lost)),
            "lift_of_the_worst": float(np.mean(lift)), "best_is_best": float(np.mean(order))}  # fmt: skip


def _attention(world: World, table: VoteTable, draw: np.random.Generator) -> Attention:
    asked = draw.binomial(np.bincount(table.rater, minlength=world.raters), CHECKS)
    lies = np.arange(world.raters) < round(LIARS * world.raters)
    return Attention(asked, draw.binomial(asked, np.where(lies, FAILS[world.liars], FAILS[""])))


def _strengths(table: VoteTable) -> FloatArray:
    cells = cells_of(table)
    counts = np.zeros((len(cells.pairs), 3))
    np.add.at(counts, cells.pair, cells.came * table.weight[:, None])
    return fit(counts[None], cells.pairs, table.generators).strengths[0]


ROWS: dict[str, World] = {
    "good metric": World(),
    "good metric, clips 1 log-odds apart": World(clips=1.0),
    "good metric, clips 2 log-odds apart": World(clips=2.0),
    "good metric, clips 2.5 log-odds apart": World(clips=2.5),
    "good metric, clips 4 log-odds apart": World(clips=4.0),
    "fair metric": World(correlations=(0.8,)),
    "weak metric": World(correlations=(0.5,)),
    "random metric": World(correlations=(0.0,)),
    "19 random metrics": World(correlations=(0.0,) * 19),
    "one good of 19": World(correlations=(0.95, *(0.0,) * 18)),
    "15 raters": World(raters=15),
    "tastes differ": World(taste=0.8),
    "3 generators": World(generators=3),
}
"""Row of the docs' table -> world."""


def main() -> None:
    """Print a JSON line for each row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--votes", type=int, default=200)
    parser.add_argument("--rows", default=";".join(ROWS), help="separated by semicolons")
    parser.add_argument("--adversaries", action="store_true")
    parser.add_argument("--best", action="store_true")
    options = parser.parse_args()
    if options.best:
        for clips in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0):
            found = best_possible(World(clips=clips), options.votes, options.repeats)
            _print({"clips": clips, "shorter": found})
        return
    if options.adversaries:
        for correlation in (0.95, 0.0):
            for liars in ("", "reversed", "boost", "sly", "left", "random"):
                world = World(spread=1.2, liars=liars, correlations=(correlation,))
                for votes in (200, 400, 1200):
                    found = robustness(world, votes, options.repeats)
                    _print(
                        {"metric": correlation, "liars": liars or "none", "votes": votes, **found}
                    )
        return
    for name in options.rows.split(";"):
        _print({"row": name, **repeat(ROWS[name], options.votes, options.repeats)})


def _print(row: dict[str, Any]) -> None:
    told = {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
