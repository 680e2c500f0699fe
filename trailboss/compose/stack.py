"""Two compose texts in, a `Stack` out: every service merged and interpolated, with its kind and its
sidekicks.

The way of a text: `parse.py` (nodes with places) -> `interpolate.py` -> `merge.py` (extends), and
`rancher.py` for the second text -> here. Next: `to_resources.py` makes bodies of it, `links.py` links and
their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trailboss.compose import read
from trailboss.compose.interpolate import interpolate
from trailboss.compose.merge import merged_service
from trailboss.compose.parse import Document, Map, Node, Scalar, at, fail, is_null, parse_compose
from trailboss.compose.plan import (
    BALANCER,
    BALANCER_IMAGE,
    DNS,
    DNS_IMAGE,
    EXTERNAL,
    LABEL_SIDEKICKS,
    SERVICE,
)
from trailboss.compose.ports_volumes import NamedVolume, named_volumes
from trailboss.compose.rancher import RancherEntry, RancherFile, read_rancher

FILE = "docker-compose.yml"
NAME = re.compile(r"[a-zA-Z0-9-]{1,255}")


@dataclass(frozen=True)
class Source:
    """What the caller gives beside the texts. warn: takes a sentence on what is accepted without effect."""

    stack_name: str
    variables: Mapping[str, str]
    files: Mapping[str, str]
    warn: Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """Everything that was read of both texts, before it becomes bodies.

    services: in the order of the file. sidekicks: of each primary that has some. owners: the first primary
    that lists a sidekick. volumes: the declared ones; None in a version 1 file.
    """

    source: Source
    services: dict[str, Map]
    rancher: RancherFile
    kinds: dict[str, str]
    sidekicks: dict[str, list[str]]
    owners: dict[str, str]
    volumes: dict[str, NamedVolume] | None

    def entry(self, name: str) -> RancherEntry:
        return self.rancher.entries.get(name, RancherEntry())


def read_stack(docker_compose: str, rancher_compose: str | None, source: Source) -> Stack:
    """Read both texts; raises ComposeError with file, line and key."""
    document = _document(FILE, docker_compose, source)
    services = _merged(document, source)
    rancher = read_rancher(rancher_compose, source.variables, source.warn)
    for name, node in rancher.nodes.items():
        if name not in services:
            source.warn(f"{at(node)} is ignored; there is no such service in {FILE}")
    kinds = {name: _kind(service, rancher.entries.get(name)) for name, service in services.items()}
    found = {name: _sidekicks(name, services, kinds[name]) for name in services}
    sidekicks = {name: members for name, members in found.items() if members}
    owners = {member: name for name in reversed(sidekicks) for member in sidekicks[name]}
    for name in sidekicks:
        if name in owners:
            node = label(services[name], LABEL_SIDEKICKS) or services[name]
            raise fail(node, f"{name} is a sidekick of {owners[name]}, so it cannot have sidekicks")
    volumes = None if document.classic else named_volumes(document.volumes, source.stack_name)
    return Stack(source, services, rancher, kinds, sidekicks, owners, volumes)


def label(service: Map, name: str) -> Node | None:
    """Return the node of one label, or None."""
    return labels(service).get(name)


def labels(service: Map) -> dict[str, Node]:
    node = service.entries.get("labels")
    return {} if node is None or is_null(node) else read.pairs(node)


def _document(file: str, text: str, source: Source) -> Document:
    document = parse_compose(text, file)
    services = interpolate(document.services, source.variables, source.warn)
    volumes = interpolate(document.volumes, source.variables, source.warn)
    assert isinstance(services, Map)
    assert isinstance(volumes, Map)
    return Document(file, document.classic, services, volumes)


def _merged(document: Document, source: Source) -> dict[str, Map]:
    documents = {document.file: document}

    def load(file: str, node: Node) -> Document:
        if file not in documents:
            if file not in source.files:
                raise fail(node, f"the file {file!r} is not here; put both services into one text")
            documents[file] = _document(file, source.files[file], source)
        return documents[file]

    for name, node in document.services.entries.items():
        if not NAME.fullmatch(name):
            raise fail(node, f"{name!r} is not a name of a service; use up to 255 of a-z A-Z 0-9 -")
    return {name: merged_service(document, name, load) for name in document.services.entries}


def _kind(service: Map, entry: RancherEntry | None) -> str:
    if entry is not None and entry.is_external:
        return EXTERNAL
    image = service.entries.get("image")
    written = image.text if isinstance(image, Scalar) else ""
    return {BALANCER_IMAGE: BALANCER, DNS_IMAGE: DNS}.get(written, SERVICE)


def _sidekicks(name: str, services: dict[str, Map], kind: str) -> list[str]:
    node = label(services[name], LABEL_SIDEKICKS)
    if node is None or is_null(node):
        return []
    found: list[str] = []
    for part in read.text(node).split(","):
        sidekick = part.strip()
        if sidekick and sidekick not in services:
            raise fail(node, f"the sidekick {sidekick!r} is not in {FILE}")
        if sidekick == name:
            raise fail(node, "a service cannot be its own sidekick")
        if sidekick and sidekick not in found:
            found.append(sidekick)
    if found and kind != SERVICE:
        raise fail(node, "only services that run containers can have sidekicks")
    return found
