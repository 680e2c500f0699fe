"""What a page costs by the order and the filter that it is asked in: of a large account against one of a small one.

Every sort link that the API offers for containers is followed, in both directions and from the middle too, and each
filter is set to a value that many or few rows have. One client asks, one request after the other; figures are medians.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import median
from urllib.parse import urlencode

import httpx2
import psycopg
import structlog

from bench import databases
from bench.fleet import Fleet, server, store_fleets
from bench.rows import Options, Row, row

FILTERS = {
    "name": "web-7",
    "state": "stopped",
    "uuid": "none",
    "externalId": "none",
    "hostname": "web-7",
    "healthState": "healthy",
    "deploymentUnitUuid": "none",
    "created_null": "",
    "kind": "container",
}
PAGE = 100


def run(options: Options) -> list[Row]:
    """Measure both databases."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    small, large, times = (100, 300, 3) if options.quick else (300, 30_000, 9)
    rows = []
    for name in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            url = stack.enter_context(databases.sqlite() if name == "SQLite" else databases.postgres())
            fleets = store_fleets(url, (small, large))
            if name == "PostgreSQL":
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute("ANALYZE")  # as its autovacuum does by itself, a minute later
            base = stack.enter_context(server(url))
            of_small, of_large = (_pages(base, fleet, times) for fleet in fleets)
            rows += [
                row(f"{query} on {name}", ms, "ms", peer=(f"of {small} containers", of_small[query]), goal="<= 3")
                for query, ms in of_large.items()
            ]
    return rows


def _pages(base: str, fleet: Fleet, times: int) -> dict[str, float]:
    """Return the ms of each page by what is asked for."""
    found = {}
    with httpx2.Client(base_url=base, auth=fleet.key, timeout=60) as client:
        orders = client.get(fleet.path, params={"limit": 0}).json()["sortLinks"]
        asked = {f"sort={name}&order={order}": name for name in orders for order in ("asc", "desc")}
        for query in ("", *asked, *(urlencode({k: v}) for k, v in FILTERS.items()), "state=stopped&sort=name"):
            path = f"{fleet.path}?limit={PAGE}&{query}"
            found[query or "no order"] = _ms(client, path, times)
            following = client.get(path).json()["pagination"]["next"]
            if following:
                found[f"{query or 'no order'}, next"] = _ms(client, following, times)
    return found


def _ms(client: httpx2.Client, path: str, times: int) -> float:
    figures = []
    for _ in range(times):
        began = time.perf_counter()
        client.get(path).raise_for_status()
        figures.append((time.perf_counter() - began) * 1000)
    return median(figures)
