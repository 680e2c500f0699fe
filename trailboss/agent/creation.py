"""From a record to the body of Docker's create call (Engine API, `POST /containers/create`). Pure.

Which field becomes what: 11-containers sections 2.2 to 2.4 of the v1 API. Speaking to Docker is in `docker.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trailboss.agent.converge import Wish
from trailboss.wire.messages import (
    LABEL_CONTAINER,
    LABEL_HASH,
    LABEL_INSTALLATION,
    LABEL_PREFIX,
    LABEL_SLOT,
    Network,
    Port,
    Specification,
)

LABEL_EPOCH = LABEL_PREFIX + "epoch"
"""INCARNATION/EPOCH of the run for which a container was made."""
LABEL_ADDRESS = "io.rancher.container.ip"
"""ADDRESS/PREFIX on the managed bridge, as the v1 API's clients know it."""
OWN_NETWORK = ("managed", "bridge")
"""Network modes in which a container has a network of its own: with a host name and ports."""


def create_body(wish: Wish, installation: str, network: Network) -> dict[str, Any]:
    """Return what Docker is told to make the container of a wish (its name travels in the query)."""
    specification = wish.record.specification
    assert specification is not None, "a removal creates nothing"
    body: dict[str, Any] = {
        "Image": specification.image,
        "Labels": labels(wish, installation, network),
        "Env": [f"{name}={value}" for name, value in specification.environment.items()],
        "Tty": specification.tty,
        "OpenStdin": specification.stdin_open,
        "HostConfig": _host_config(wish, specification, network),
    }
    texts = {
        "Domainname": specification.domain_name,
        "User": specification.user,
        "WorkingDir": specification.working_dir,
        "Entrypoint": specification.entry_point,
        "Cmd": specification.command,
    }
    body.update({key: value for key, value in texts.items() if value})
    if specification.network in OWN_NETWORK:
        if specification.hostname:
            body["Hostname"] = specification.hostname
        if specification.ports:
            body["ExposedPorts"] = {_key(port): {} for port in specification.ports}
    if anonymous := [text for text in specification.volumes if ":" not in text]:
        body["Volumes"] = {path: {} for path in anonymous}
    if specification.network == "managed":
        endpoint = {"IPAMConfig": {"IPv4Address": specification.address}}
        body["NetworkingConfig"] = {"EndpointsConfig": {network.name: endpoint}}
    if specification.network == "none":
        body["NetworkDisabled"] = True
    return body


def labels(wish: Wish, installation: str, network: Network) -> dict[str, str]:
    """Return a container's labels: the user's, those of the v1 API, and ours, which say whose it is."""
    record = wish.record
    assert record.specification is not None, "a removal has no labels"
    found = {**record.specification.labels, "io.rancher.container.uuid": record.container}
    if record.specification.network == "managed":
        found[LABEL_ADDRESS] = f"{record.specification.address}/{network.cidr.partition('/')[2]}"
    return found | {
        LABEL_INSTALLATION: installation,
        LABEL_CONTAINER: record.container,
        LABEL_SLOT: record.slot,
        LABEL_HASH: record.hash,
        LABEL_EPOCH: f"{wish.incarnation}/{record.epoch}",
    }


def _host_config(wish: Wish, s: Specification, network: Network) -> dict[str, Any]:
    values: dict[str, Any] = {
        "NetworkMode": _network_mode(s, network),
        "Binds": [text for text in s.volumes if ":" in text],
        "VolumesFrom": s.volumes_from,
        "VolumeDriver": s.volume_driver,
        "Privileged": s.privileged,
        "ReadonlyRootfs": s.read_only,
        "CapAdd": s.cap_add,
        "CapDrop": s.cap_drop,
        "Devices": [_device(text) for text in s.devices],
        "SecurityOpt": s.security_opt,
        "PidMode": s.pid_mode,
        "LxcConf": s.lxc_conf,
        "ExtraHosts": s.extra_hosts if s.network != "container" else [],
        "Memory": s.memory,
        "MemorySwap": s.memory_swap,
        "CpuShares": s.cpu_shares,
        "CpusetCpus": s.cpu_set,
        "DnsSearch": s.dns_search if s.network != "container" else [],
    }
    if s.network == "managed":
        # The agent answers names; where a container has name servers of its own, the agent asks those for the rest.
        values["Dns"] = [network.gateway]
    elif s.network != "container":
        values["Dns"] = s.dns
    if s.network in OWN_NETWORK:
        values["PublishAllPorts"] = s.publish_all_ports
        values["PortBindings"] = _bindings(s.ports)
    if s.log_config is not None:
        values["LogConfig"] = {"Type": s.log_config.driver, "Config": s.log_config.config}
    if s.restart_policy is not None and not wish.record.restart:
        policy = s.restart_policy
        values["RestartPolicy"] = {"Name": policy.name, "MaximumRetryCount": policy.maximum_retry_count}
    return {key: value for key, value in values.items() if value}


def _network_mode(s: Specification, network: Network) -> str:
    match s.network:
        case "managed":
            return network.name
        case "container":
            return f"container:{s.network_container}"
        case mode:
            return mode


def _bindings(ports: Iterable[Port]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        public = str(port.public) if port.public else ""
        found.setdefault(_key(port), []).append({"HostIp": port.bind, "HostPort": public})
    return found


def _key(port: Port) -> str:
    return f"{port.private}/{port.protocol}"


def _device(text: str) -> dict[str, str]:
    """Read `HOST[:CONTAINER[:rwm]]`."""
    host, container, permissions = (*text.split(":"), "", "")[:3]
    return {
        "PathOnHost": host,
        "PathInContainer": container or host,
        "CgroupPermissions": permissions or "rwm",
    }
