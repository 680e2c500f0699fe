"""Short ways to plan a text in tests."""

from __future__ import annotations

from typing import Any

import pytest

from trailboss.compose import ServicePlan, StackPlan, plan_stack
from trailboss.errors import ComposeError


def plan(docker: str, rancher: str | None = None, files: dict[str, str] | None = None, **variables: str) -> StackPlan:
    """Plan the stack "shop"."""
    return plan_stack(docker, rancher, variables, stack_name="shop", files=files)


def service(docker: str, rancher: str | None = None, **options: Any) -> ServicePlan:
    """Plan a text with one service."""
    (found,) = plan(docker, rancher, **options).services
    return found


def config(lines: str, **options: Any) -> dict[str, Any]:
    """Return the launch config of a version 1 service `web` with these further lines, without what each one has."""
    body = "\n".join(f"  {line}" for line in lines.strip("\n").splitlines())
    found: dict[str, Any] = dict(service(f"web:\n  image: busybox\n{body}\n", **options).body["launchConfig"])
    assert found.pop("imageUuid") == "docker:busybox"
    if found.get("networkMode") == "managed":
        del found["networkMode"]
    return found


def error(docker: str, rancher: str | None = None, **options: Any) -> ComposeError:
    """Return the error that planning a text gives."""
    with pytest.raises(ComposeError) as caught:
        plan(docker, rancher, **options)
    return caught.value
