"""Run a benchmark: `python -m bench NAME [--json] [--quick]`.

In: a name of NAMES; the module of that name beside this one has `run(options) -> list[Row]`. Out: its rows as
a table, or as JSON. Exit status: 0 done, 1 a goal was missed, 2 there is no such benchmark.
What a benchmark starts ends with it, even if it is killed.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import signal
import sys
from collections.abc import Sequence

from bench.rows import Options, Row, as_json, print_table

NAMES = (
    "start",
    "engine",
    "api",
    "orders",
    "scheduler",
    "streams",
    "swarm",
    "network",
    "lb",
    "dns",
    "scale",
    "faults",
    "ui",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark that the arguments name and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure one part of Trailboss.")
    parser.add_argument("name", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    parser.add_argument("--quick", action="store_true", help="small and short: shows that it works, not how fast")
    chosen = parser.parse_args(arguments)
    if chosen.name not in NAMES:
        print(f"there is no benchmark {chosen.name!r}; choose one of {', '.join(NAMES)}", file=sys.stderr)
        return 2
    if importlib.util.find_spec(f"bench.{chosen.name}") is None:
        print(f"the benchmark {chosen.name!r} does not exist yet", file=sys.stderr)
        return 2
    # asked to end, it takes down what it has started, as at its end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    rows: list[Row] = importlib.import_module(f"bench.{chosen.name}").run(Options(quick=chosen.quick))
    if chosen.json:
        print(as_json(rows))
    else:
        print_table(chosen.name, rows)
    return 1 if any(one.met is False for one in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
