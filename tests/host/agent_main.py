"""Runs an agent for the tests: `python -m tests.host.agent_main SERVER DATA DOCKER [RESOLV_CONF]`."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from pathlib import Path

from trailboss import observe
from trailboss.agent.run import options, run
from trailboss.errors import Permanent

if __name__ == "__main__":
    observe.configure()
    server, data, docker, *more = sys.argv[1:]
    chosen = options(server, Path(data), docker, "", os.environ)
    if more:
        chosen = dataclasses.replace(chosen, resolv_conf=Path(more[0]))
    try:
        asyncio.run(run(chosen))
    except Permanent as error:
        sys.exit(f"agent: {error}")
