"""The Python client of the v1 API: typed resources, pages, actions, waiting, the change stream, safe retries.

    with Client("http://127.0.0.1:8080", access_key, secret_key) as client:
        for service in client.services.list(name_prefix="web"):
            print(service.name, service.state)

`client.py` is the door; `types.py`, generated from the declarations (`just client`), has a class for every type. It
needs no other part of Trailboss but `errors.py`. Examples: `docs/client.md`.
"""

from trailboss.client.changes import Change, Changes
from trailboss.client.client import Client
from trailboss.client.collection import Collection
from trailboss.client.resource import Resource

__all__ = ["Change", "Changes", "Client", "Collection", "Resource"]
