"""A stack as compose texts: what its services are made from, read back (24-compose)."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

from trailboss.compose import ComposeConfig as Texts
from trailboss.compose import ExportService, Link, export_stack
from trailboss.resources.instance import Container
from trailboss.resources.service import Service
from trailboss.resources.service_maps import ServiceConsumeMap
from trailboss.resources.values import ComposeConfig

if TYPE_CHECKING:
    from trailboss.resources.environment import Environment
    from trailboss.store.transaction import Read, Tx

_FIELDS = ("launch_config", "secondary_launch_configs", "scale", "metadata", "selector_container", "selector_link")
_FILE_TIME = (2015, 1, 1, 0, 0, 0)
"""Of both files, so that the same stack gives the same archive."""


def export_config(tx: Tx, row: Environment, input: dict[str, Any], caller: Any) -> ComposeConfig:
    """Return the compose texts of the services that are named, or of all."""
    texts = _texts(tx, row, input.get("service_ids") or [])
    return ComposeConfig(
        {
            "docker_compose_config": texts.docker_compose,
            "rancher_compose_config": texts.rancher_compose,
        }
    )


def as_zip(read: Read, row: Environment) -> tuple[str, str, bytes]:
    """Return both texts as an archive."""
    texts = _texts(read, row, [])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("docker-compose.yml", _FILE_TIME), texts.docker_compose)
        archive.writestr(zipfile.ZipInfo("rancher-compose.yml", _FILE_TIME), texts.rancher_compose)
    return "compose.zip", "application/zip", content.getvalue()


def _texts(read: Read, row: Environment, service_ids: list[int]) -> Texts:
    services = [s for s in read.find(Service, environment_id=row.id) if not service_ids or s.id in service_ids]
    return export_stack([_exported(read, row, service) for service in services])


def _exported(read: Read, stack: Environment, service: Service) -> ExportService:
    body = {Service.fields[name].wire: service.values.get(name) for name in _FIELDS}
    links = [_link(read, stack, each) for each in read.find(ServiceConsumeMap, service_id=service.id)]
    return ExportService(
        name=service.name,
        kind=service.kind,
        body=body,
        links=tuple(link for link in links if link is not None),
        container_uuids=_container_uuids(read, service),
    )


def _link(read: Read, stack: Environment, link: ServiceConsumeMap) -> Link | None:
    used = read.get(Service, link.consumed_service_id)
    if used is None:
        return None
    other = read.get(type(stack), used.environment_id) if used.environment_id != stack.id else None
    return Link(
        f"{other.name}/{used.name}" if other is not None else used.name, link.name or "", tuple(link.ports or ())
    )


def _container_uuids(read: Read, service: Service) -> dict[str, str]:
    """Return the uuids of the containers that launch configs refer to, by their numbers."""
    found: dict[str, str] = {}
    for config in (service.launch_config or {}, *(service.secondary_launch_configs or [])):
        for number in (*(config.get("dataVolumesFrom") or []), config.get("networkContainerId")):
            container = read.get(Container, number)
            if container is not None:
                found[str(number)] = container.uuid
    return found
