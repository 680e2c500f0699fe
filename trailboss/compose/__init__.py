"""Compose texts in, bodies for the v1 API out, and back. Pure functions: no files, no network, no clock.

    plan_stack      docker-compose.yml and rancher-compose.yml -> StackPlan
    read_catalog    the `.catalog` entry of a rancher-compose.yml (questions, version, uuid)
    export_stack    services -> the two texts
    service_hash    change detection; with_hashes puts it into a body

Read `to_resources.py` first; `docs/compose.md` lists the keys.
"""

from trailboss.compose.export import ComposeConfig, ExportService, export_stack
from trailboss.compose.hashes import service_hash, with_hashes
from trailboss.compose.plan import Link, ServicePlan, StackPlan
from trailboss.compose.rancher import read_catalog
from trailboss.compose.to_resources import plan_stack

__all__ = [
    "ComposeConfig",
    "ExportService",
    "Link",
    "ServicePlan",
    "StackPlan",
    "export_stack",
    "plan_stack",
    "read_catalog",
    "service_hash",
    "with_hashes",
]
