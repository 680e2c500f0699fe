"""A process that writes until it is killed and says each row once its write is acknowledged. Argument: a URL."""

from __future__ import annotations

import itertools
import os
import sys
import threading

from trailboss.resources.host import Host
from trailboss.store.store import Store


def write_on(store: Store, thread: int) -> None:
    for number in itertools.count():
        name = f"{os.getpid()}-{thread}-{number}"
        store.write(lambda tx, name=name: tx.insert(Host, name=name, account_id=1, state="active"))
        os.write(1, f"{name}\n".encode())


def main() -> None:
    store = Store(sys.argv[1])
    store.start()
    for thread in range(4):
        threading.Thread(target=write_on, args=(store, thread)).start()


main()
