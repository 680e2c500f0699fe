"""Databases for benchmarks: fresh, in a temporary folder, as durable as an operator would run them, gone afterwards.

PostgreSQL is started by the benchmark itself from the machine's packages, reached through a socket in its folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

USER = "postgres"
_START_S = 60


@contextmanager
def sqlite() -> Iterator[str]:
    """Yield the URL of an empty SQLite database."""
    with tempfile.TemporaryDirectory(prefix="trailboss-bench-") as folder:
        yield f"sqlite:///{folder}/bench.db"


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of an empty database on a PostgreSQL of its own. RuntimeError if it is not installed."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if programs is None:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="trailboss-bench-"))
    # initdb refuses to run as root
    user = USER if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    try:
        initdb = [str(programs / "initdb"), "--auth=trust", f"--username={USER}", "--pgdata", str(folder / "data")]
        subprocess.run(initdb, cwd=folder, user=user, check=True, stdout=subprocess.DEVNULL)
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
        # it ends with this process, even if that is killed
        command = ["setpriv", "--pdeathsig", "QUIT", "--"]
        command += [str(programs / "postgres"), "-D", str(folder / "data"), *options]
        with (folder / "log").open("ab") as log:
            server = subprocess.Popen(command, cwd=folder, user=user, stdout=log, stderr=log)
        try:
            url = f"postgresql:///postgres?host={folder}&user={USER}"
            _wait_for(url)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
