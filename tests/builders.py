"""Bodies of requests with good defaults: what a test does not care about is filled in."""

from __future__ import annotations

from typing import Any


def a_service(environment_id: str, **fields: Any) -> dict[str, Any]:
    """Return the body of a service of one container."""
    config = {"imageUuid": "docker:busybox:latest", **fields.pop("launchConfig", {})}
    return {"name": "web", "environmentId": environment_id, "scale": 1, **fields, "launchConfig": config}


def a_container(**fields: Any) -> dict[str, Any]:
    """Return the body of a container."""
    return {"name": "one", "imageUuid": "docker:busybox:latest", **fields}
