"""The server process: options in, a running server out. It composes the parts and holds no logic of theirs.

`options.py` says what can be set, `data_folder.py` keeps what must outlive the process, `installation.py` opens the
database and what a first start makes, `process.py` runs it all. This module imports only what is light, so that the
command line can show the options without loading the server.
"""

from __future__ import annotations

from trailboss.server.options import Options

__all__ = ["Options", "run"]


def run(options: Options) -> None:
    """Run a server in the foreground until SIGTERM or SIGINT. Raises Permanent or Unreachable if it cannot start."""
    from trailboss.server.process import run as run_process

    run_process(options)
