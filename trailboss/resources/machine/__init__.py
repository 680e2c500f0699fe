"""Machines: physical hosts that a driver makes, at a cloud or elsewhere. What each driver asks for: `drivers.py`."""

from __future__ import annotations

import uuid
from typing import Any

from trailboss.declare import ADMINS, MEMBERS, Behaviour, embedded, listing, mapping, text
from trailboss.errors import ApiError
from trailboss.resources.machine import drivers as drivers
from trailboss.resources.physical_host import PhysicalHost


class Machine(PhysicalHost):
    """A machine that is made and destroyed with its row. It has the configuration of exactly one driver."""

    type = "machine"
    roles = {"project": "crd", "user": "r", "readonly": "r", "admin": "r", "service": "crud"}

    name = text(create=True, update=True, required=True, nullable=False, column=True, min_length=1)
    data = mapping("json", create=("service",), update=("service",), read=ADMINS, max_length=16777215)
    auth_certificate_authority = text(create=MEMBERS)
    auth_key = text(create=MEMBERS, secret=True)
    docker_version = text(create=MEMBERS)
    driver = text()
    engine_opts = listing("string", create=MEMBERS)
    external_id = text(column=True, max_length=128)
    extracted_config = text(update=True, read=("service",), secret=True)
    labels = mapping("string", create=MEMBERS)

    amazonec2_config = embedded("amazonec2Config", create=MEMBERS)
    azure_config = embedded("azureConfig", create=MEMBERS)
    digitalocean_config = embedded("digitaloceanConfig", create=MEMBERS)
    exoscale_config = embedded("exoscaleConfig", create=MEMBERS)
    openstack_config = embedded("openstackConfig", create=MEMBERS)
    packet_config = embedded("packetConfig", create=MEMBERS)
    rackspace_config = embedded("rackspaceConfig", create=MEMBERS)
    softlayer_config = embedded("softlayerConfig", create=MEMBERS)
    ubiquity_config = embedded("ubiquityConfig", create=MEMBERS)
    virtualbox_config = embedded("virtualboxConfig", create=MEMBERS)
    vmwarevcloudair_config = embedded("vmwarevcloudairConfig", create=MEMBERS)
    vmwarevsphere_config = embedded("vmwarevsphereConfig", create=MEMBERS)


def prepare(tx: Any, values: dict[str, Any], caller: Any) -> dict[str, Any]:
    """Name the driver of a new machine. Raises DriverConfigExactlyOneRequired."""
    configs = [f for f in Machine.fields.values() if f.wire.endswith("Config") and values.get(f.name) is not None]
    configs = [f for f in configs if f.name != "extracted_config"]
    if len(configs) != 1:
        raise ApiError(422, "DriverConfigExactlyOneRequired", "a machine needs the configuration of exactly one driver")
    driver = configs[0].wire.removesuffix("Config")
    return {**values, "driver": driver, "external_id": values.get("external_id") or str(uuid.uuid4())}


Machine.behaviour = Behaviour(prepare=prepare)
