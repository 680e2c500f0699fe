"""An API server as a process of its own that dies at a given point of its first commit. Arguments: the URL of a seeded
database, and the point at which to die (`before-commit`, `after-commit`, or `never`). Prints its own URL."""

from __future__ import annotations

import os
import signal
import socket
import sys

import uvicorn

from trailboss.api.app import build_app
from trailboss.api.context import Context
from trailboss.store.store import Store
from trailboss.store.vault import KEY_BYTES, Vault

SECRETS_KEY = b"k" * KEY_BYTES
"""The same in each process: as a server finds it in its data folder."""


def main() -> None:
    store = Store(sys.argv[1], vault=Vault([SECRETS_KEY]))

    def crash(point: str) -> None:
        if point == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGKILL)

    store.crash = crash
    store.start()
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(build_app(Context(store)), log_level="warning")).run([listening])


main()
