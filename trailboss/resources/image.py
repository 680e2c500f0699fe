"""Images: what containers are made from. A row is made for each container; nothing is shared by name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trailboss.declare import Link, generic
from trailboss.errors import ApiError
from trailboss.resources.entity import Entity

DEFAULT_SERVER = "index.docker.io"
_PART = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]{32,}")


class Image(Entity):
    """What a container's file system is made from."""

    type = "image"
    machine = generic("image")
    links = (
        "instances",
        Link("storagePools", "storagePool", through=("imageStoragePoolMap", "image_id", "storage_pool_id")),
        "volumes", "imageStoragePoolMaps",
    )  # fmt: skip


@dataclass(frozen=True)
class ImageName:
    """An image name taken apart. kind: "docker" or "sim". server: registry, the default one if none is named."""

    kind: str
    server: str
    namespace: str | None
    repository: str
    tag: str | None
    digest: str | None

    @property
    def qualified(self) -> str:
        """The name without tag; the default server is left out."""
        parts = [self.namespace, self.repository] if self.namespace else [self.repository]
        return "/".join(p for p in ([] if self.server == DEFAULT_SERVER else [self.server]) + parts if p)

    @property
    def full_name(self) -> str:
        """What Docker is asked for."""
        return f"{self.qualified}@{self.digest}" if self.digest else f"{self.qualified}:{self.tag}"


def parse_image(uuid: str) -> ImageName:
    """Take an `imageUuid` apart (`docker:registry:5000/ns/repo:tag`). Raises ApiError InvalidReference."""
    kind, _, name = uuid.partition(":")
    if kind == "sim":
        return ImageName("sim", DEFAULT_SERVER, None, name or "sim", "latest", None)
    wrong = ApiError(422, "InvalidReference", f"{uuid!r} is not an image: use docker:<name>[:<tag>]", field="imageUuid")
    if kind != "docker" or not name:
        raise wrong
    name, _, digest = name.partition("@")
    *front, last = name.split("/")
    repository, _, tag = last.partition(":")
    server, namespaces = DEFAULT_SERVER, front
    if front and ("." in front[0] or ":" in front[0] or front[0] == "localhost"):
        server, namespaces = front[0], front[1:]
    good = (
        len(namespaces) <= 1
        and all(_PART.fullmatch(part) for part in (*namespaces, repository))
        and (not tag or _TAG.fullmatch(tag))
        and (not digest or _DIGEST.fullmatch(digest))
        and not (last.endswith(":"))
    )
    if not good:
        raise wrong
    return ImageName(kind, server, namespaces[0] if namespaces else None, repository, tag or "latest", digest or None)
