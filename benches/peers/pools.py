"""Times Python's own pools of processes on items that cost nothing: pools.py (pool | executor) WORKERS ITEMS ROUNDS.

Prints the seconds that all rounds took together, without starting and stopping the pool. Both run as their documentation shows them first:
`Pool.map` batches by itself, `Executor.map` sends an item at a time.
"""

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Pool


def work(item):
    return item


def timed(pool, items, rounds):
    """`pool.map` of either kind; a first, untimed round starts the workers."""
    assert list(pool.map(work, range(100))) == list(range(100))
    start = time.perf_counter()
    for _ in range(rounds):
        assert sum(pool.map(work, range(items))) == items * (items - 1) // 2
    return time.perf_counter() - start


def main():
    kind, workers, items, rounds = sys.argv[1], *map(int, sys.argv[2:])
    with {"pool": Pool, "executor": ProcessPoolExecutor}[kind](workers) as pool:
        print(timed(pool, items, rounds))


if __name__ == "__main__":
    main()
