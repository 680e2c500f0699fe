"""The agent's own process: `trailboss agent` turns into it when it has read its options.

Arguments: the four texts that `run.options` takes. Ends with 4, as every command does, when it cannot go on.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from trailboss import observe
from trailboss.agent.run import options, run
from trailboss.errors import Permanent

FAILED = 4


def main() -> None:
    """Run the agent until SIGTERM or SIGINT."""
    server, folder, docker, address = sys.argv[1:]
    observe.configure()
    try:
        asyncio.run(run(options(server, Path(folder), docker, address, os.environ)))
    except Permanent as error:
        sys.stderr.write(f"error: {error.message}\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
