"""A pool of processes that loses only the item that kills its process."""

from __future__ import annotations

import os

from deadly import lost, who

from mirabench.execute.local import run_all


def outcomes(items: list[str], workers: int) -> dict[int, tuple[str, int]]:
    return dict(run_all(who, items, workers=workers, died=lost))


def test_one_worker_works_in_this_process() -> None:
    assert set(outcomes(["a", "b"], 1).values()) == {("a", os.getpid()), ("b", os.getpid())}


def test_a_deadly_item_is_lost_and_no_other() -> None:
    items = ["a", "die", *(f"i{n}" for n in range(30))]
    found = outcomes(items, 2)
    assert [found[n][0] for n in range(len(items))] == ["a", "lost die", *items[2:]]


def test_the_rest_get_a_pool_again_and_not_a_process_each() -> None:
    items = ["die", *(f"i{n}" for n in range(30))]
    processes = {process for _, process in outcomes(items, 2).values()}
    # two of the first pool, four in its hands when it died, two of the second pool, and none for the dead
    assert len(processes) <= 2 + 4 + 2 + 1


def test_nothing_but_deadly_items_ends() -> None:
    assert [name for name, _ in outcomes(["die", "die", "die"], 2).values()] == ["lost die"] * 3
