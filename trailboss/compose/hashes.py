"""Change detection: a hash over what a text says of a service, kept in the label and metadata key
`LABEL_HASH`.

SHA-1 over the object with snake_case keys: keys sorted, key then value as text, each followed by a NUL byte,
lists flattened. Left out: the hash itself, links, scale, selectors and the stack. The texts of numbers may
differ from those of other tools, so a stack that changes tools may see one upgrade too many, never one too
few.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from trailboss.compose.plan import LABEL_HASH

IGNORED = {"links", "scale", "selector_container", "selector_link", "environment_id"}
USER_MAPS = {"environment", "labels", "metadata", "config"}
"""Maps whose keys are the user's own: they are taken as they are, and a label called `scale` counts."""


def service_hash(body: Mapping[str, Any]) -> str:
    """Return the hash (40 hex digits) of a launch config or of the fields of a service, in wire names."""
    digest = hashlib.sha1(usedforsecurity=False)
    for part in _parts(body, own_keys=False):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def with_hashes(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a service's body with the hashes of its launch configs and of its own fields."""
    found = dict(body)
    if "launchConfig" in body:
        found["launchConfig"] = _labelled(body["launchConfig"])
    if "secondaryLaunchConfigs" in body:
        found["secondaryLaunchConfigs"] = [_labelled(config) for config in body["secondaryLaunchConfigs"]]
    own = {key: value for key, value in body.items() if key not in ("launchConfig", "secondaryLaunchConfigs")}
    found["metadata"] = {**body.get("metadata", {}), LABEL_HASH: service_hash(own)}
    return found


def _labelled(config: Mapping[str, Any]) -> dict[str, Any]:
    return {**config, "labels": {**config.get("labels", {}), LABEL_HASH: service_hash(config)}}


def _parts(value: Any, *, own_keys: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        named = ((key if own_keys else snake_case(key), child) for key, child in value.items())
        for key, child in sorted(named, key=lambda item: item[0]):
            if key == LABEL_HASH or child is None or (not own_keys and key in IGNORED):
                continue
            if isinstance(child, Mapping) and set(child) <= {LABEL_HASH}:
                continue  # labels that hold nothing but the hash are labels that were not there
            yield key
            yield from _parts(child, own_keys=own_keys or key in USER_MAPS)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from _parts(child, own_keys=own_keys)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    else:
        yield str(value)


def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match[1].lower(), name)
