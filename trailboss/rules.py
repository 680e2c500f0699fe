"""The rules that a specification must keep, whoever wrote it.

In: the resulting `Specification` of a container, with everything merged and filled in. Out: sentences that say what is
wrong and what to do, none if it may run. The server asks before it stores the wish, the agent again before it tells
Docker, so that neither a hole in the API nor a foreign server can make a host run what it should not.

What only Docker can know (does the image exist, is the port free) is not here. Who may ask for a privileged container
is a question of access, and not here either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv4Address, ip_address

from trailboss.wire.messages import LABEL_PREFIX, Record, Specification

MOST_BYTES = 1_000_000
"""Of environment and labels together: the kernel and Docker's API take not much more."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_IMAGE = re.compile(r"[a-zA-Z0-9][\w.:/@+-]{0,511}", re.ASCII)
_HOSTNAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_CAPABILITY = re.compile(r"[A-Z][A-Z_]+")
_CPU_SET = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
_DRIVER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.:/-]*")
_PERMISSIONS = re.compile(r"[rwm]{1,3}")
_RESTART_POLICIES = ("", "no", "always", "on-failure", "unless-stopped")

Rule = Callable[[Specification], Iterator[str]]


def broken(specification: Specification) -> list[str]:
    """Return what is wrong with a specification, a sentence each; an empty list if nothing is."""
    return [sentence for rule in RULES for sentence in rule(specification)]


def broken_record(record: Record) -> list[str]:
    """Return what is wrong with a record, its specification included."""
    found = []
    if not _NAME.fullmatch(record.container):
        found.append(f"{record.container!r} cannot be the name of a Docker container")
    if not record.slot:
        found.append("the record names no slot")
    if record.desired != "removed" and record.specification is None:
        found.append("the record has no specification")
    return found + (broken(record.specification) if record.specification else [])


def _image(s: Specification) -> Iterator[str]:
    if not _IMAGE.fullmatch(s.image):
        yield f"{s.image!r} is no name of an image"


def _labels(s: Specification) -> Iterator[str]:
    for key in s.labels:
        if key.startswith(LABEL_PREFIX):
            yield f"label {key!r}: names that begin with {LABEL_PREFIX} are Trailboss's own"
        elif not key:
            yield "a label has an empty name"


def _environment(s: Specification) -> Iterator[str]:
    for key, value in s.environment.items():
        if not key or "=" in key or "\0" in key:
            yield f"environment: {key!r} is no name of a variable"
        elif "\0" in value:
            yield f"environment: the value of {key} has a zero byte"
    pairs = [*s.environment.items(), *s.labels.items()]
    if sum(len(key) + len(value) for key, value in pairs) > MOST_BYTES:
        yield f"environment and labels have more than {MOST_BYTES} characters together"


def _names(s: Specification) -> Iterator[str]:
    if s.hostname and not (_HOSTNAME.fullmatch(s.hostname) and len(s.hostname) <= 64):
        yield f"hostname {s.hostname!r}: letters, digits, '.', '-' and '_', at most 64"
    if s.domain_name and not _HOSTNAME.fullmatch(s.domain_name):
        yield f"domain name {s.domain_name!r}: letters, digits, '.', '-' and '_'"
    if s.working_dir and not s.working_dir.startswith("/"):
        yield f"working directory {s.working_dir!r} must begin with /"


def _network(s: Specification) -> Iterator[str]:
    if s.network == "managed" and not _is_ipv4(s.address):
        yield f"a container on the managed network needs an IPv4 address, not {s.address!r}"
    if s.network == "container" and not _NAME.fullmatch(s.network_container):
        yield "network mode container needs the container whose network is shared"
    for server in s.dns:
        if not _is_ip(server):
            yield f"dns {server!r} is no IP address"
    for entry in s.extra_hosts:
        name, _, address = entry.partition(":")
        if not name or not _is_ip(address):
            yield f"extra host {entry!r} must be NAME:ADDRESS"


def _ports(s: Specification) -> Iterator[str]:
    taken: set[tuple[str, int, str]] = set()
    for port in s.ports:
        if not 1 <= port.private <= 65535 or not 0 <= port.public <= 65535:
            yield f"port {port.public}:{port.private}: numbers go from 1 to 65535"
        if port.bind and not _is_ip(port.bind):
            yield f"port {port.public}: {port.bind!r} is no IP address"
        key = (port.bind, port.public, port.protocol)
        if port.public and key in taken:
            yield f"port {port.public}/{port.protocol} is published twice"
        taken.add(key)


def _volumes(s: Specification) -> Iterator[str]:
    for text in s.volumes:
        source, target, mode = _parts(text)
        if mode not in ("", "ro", "rw"):
            yield f"volume {text!r}: the mode is ro or rw"
        if not target.startswith("/") or target.rstrip("/") == "" or ".." in target.split("/") or "\0" in text:
            yield f"volume {text!r}: the path in the container must be absolute, and not / itself"
        if source.startswith("/"):
            if ".." in source.split("/"):
                yield f"volume {text!r}: the path on the host must not contain '..'"
        elif source and not _VOLUME_NAME.fullmatch(source):
            yield f"volume {text!r}: {source!r} is neither an absolute path nor a volume's name"
    for uuid in s.volumes_from:
        if not _NAME.fullmatch(uuid):
            yield f"volumes from {uuid!r}: no container has such a name"


def _parts(volume: str) -> tuple[str, str, str]:
    """Split `/path`, `source:/path` or `source:/path:mode`."""
    parts = volume.split(":")
    if len(parts) == 1:
        return "", parts[0], ""
    return parts[0], parts[1], ":".join(parts[2:])


def _rights(s: Specification) -> Iterator[str]:
    for name in (*s.cap_add, *s.cap_drop):
        if not _CAPABILITY.fullmatch(name):
            yield f"capability {name!r}: as in NET_ADMIN, without CAP_"
    for text in s.devices:
        parts = text.split(":")
        paths, permissions = parts[:2], parts[2] if len(parts) > 2 else "rwm"
        if len(parts) > 3 or not all(path.startswith("/dev/") and ".." not in path.split("/") for path in paths):
            yield f"device {text!r} must be /dev/HOST[:/dev/CONTAINER[:rwm]]"
        elif not _PERMISSIONS.fullmatch(permissions):
            yield f"device {text!r}: permissions are made of r, w and m"
    if s.pid_mode not in ("", "host"):
        yield f"pid mode {s.pid_mode!r}: only host"


def _resources(s: Specification) -> Iterator[str]:
    if s.memory < 0 or s.memory_swap < -1 or s.cpu_shares < 0:
        yield "memory, swap and CPU shares cannot be negative"
    if s.cpu_set and not _CPU_SET.fullmatch(s.cpu_set):
        yield f"CPU set {s.cpu_set!r}: as in 0-2,4"


def _policies(s: Specification) -> Iterator[str]:
    if s.restart_policy and s.restart_policy.name not in _RESTART_POLICIES:
        yield f"restart policy {s.restart_policy.name!r}: one of {', '.join(_RESTART_POLICIES[1:])}"
    if s.log_config and not _DRIVER.fullmatch(s.log_config.driver):
        yield f"log driver {s.log_config.driver!r} is no name"
    if s.volume_driver and not _DRIVER.fullmatch(s.volume_driver):
        yield f"volume driver {s.volume_driver!r} is no name"


RULES: tuple[Rule, ...] = (
    _image, _labels, _environment, _names, _network, _ports, _volumes, _rights, _resources, _policies,
)  # fmt: skip


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True
