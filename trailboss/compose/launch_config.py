"""One service of a docker-compose file (merged, interpolated) in, a v1 `launchConfig` out.

`FIELDS` says which key becomes which field and how it is read; keys that need more than their own value stand
in functions below it. What a service is (kind, sidekick, scale, links) is decided in `to_resources.py`, which
reads the keys in `SERVICE_KEYS`. Fields that are false or empty are left out: that is what they mean in the
v1 API. `docs/compose.md` lists the keys; a test compares the list with `SUPPORTED`.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trailboss.compose import ports_volumes, read
from trailboss.compose.parse import Map, Node, Scalar, at, fail, is_null
from trailboss.compose.ports_volumes import NamedVolume
from trailboss.errors import ComposeError

REMOTES = ("git://", "git@github.com:", "github.com", "http:", "https:")
NETWORK_MODES = ("managed", "host", "bridge", "none")
RESTART_POLICIES = ("no", "always", "on-failure", "unless-stopped")
LOG_DRIVER = "json-file"
"""What Docker uses when a file gives options of the log but no driver."""


@dataclass(frozen=True)
class Context:
    """What reading one service needs besides its keys.

    volumes: the declared ones, None in a version 1 file. is_balancer: ports and expose are listeners, kept as
    written. blank_is_unset: `KEY=` takes its value from the variables, as version 1 does.
    """

    stack_name: str
    service: str
    variables: Mapping[str, str]
    files: Mapping[str, str]
    volumes: Mapping[str, NamedVolume] | None
    warn: Callable[[str], None]
    is_balancer: bool = False
    blank_is_unset: bool = True


def launch_config(service: Map, context: Context) -> dict[str, Any]:
    """Build the launchConfig of a service, without its health check.

    Raises ComposeError for a key that is not supported and for every value that cannot be read.
    """
    _check_keys(service)
    keys = read.mapping(service)
    config: dict[str, Any] = dict(_image(keys, context))
    for key, node in keys.items():
        if key in FIELDS:
            field, reader = FIELDS[key]
            if field in config:
                raise fail(node, "is given twice, under another name of the key too")
            config[field] = reader(node)
        elif key in IGNORED:
            context.warn(f"{at(node)} is ignored")
    config["environment"] = _environment(keys, context)
    config.update(_ports(keys, context))
    config.update(_volumes(keys, context, config.get("volumeDriver", "")))
    config.update(_network(keys))
    config["logConfig"] = _log_config(keys)
    # `0 == False`: a number that is 0 was given on purpose and stays.
    return {field: value for field, value in config.items() if value is not False and value not in ("", [], {}, None)}


def _check_keys(service: Map) -> None:
    for key, node in service.entries.items():
        if key in NOT_SUPPORTED:
            raise fail(node, f"is not supported; {NOT_SUPPORTED[key]}")
        if key not in SUPPORTED and not key.startswith("x-"):
            raise fail(node, "is not a supported key of a service")


def _image(keys: dict[str, Node], context: Context) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "build" in keys:
        found["build"] = _build(keys)
    elif "dockerfile" in keys:
        raise fail(keys["dockerfile"], "needs the key build")
    if "image" in keys:
        image = read.text(keys["image"])
        found["imageUuid"] = image if image.startswith(("docker:", "sim:")) else f"docker:{image}"
    elif "build" in found:
        # The original tags with the time; a digest gives the same text the same image, so that nothing is
        # upgraded.
        digest = hashlib.sha256(repr(sorted(found["build"].items())).encode()).hexdigest()[:12]
        found["imageUuid"] = f"docker:{context.stack_name}_{context.service}_{digest}".lower()
    return found


def _build(keys: dict[str, Node]) -> dict[str, str]:
    node = keys["build"]
    parts: dict[str, Node] = {"context": node}
    if isinstance(node, Map):
        parts = read.mapping(node, ("context", "dockerfile"))
    if "context" not in parts:
        raise fail(node, "needs the key context")
    if "dockerfile" in keys:
        parts["dockerfile"] = keys["dockerfile"]
    remote = read.text(parts["context"])
    if not remote.startswith(REMOTES):
        raise fail(node, f"{remote!r} is a local directory, and there are none here; use an image or a git address")
    dockerfile = {"dockerfile": read.text(parts["dockerfile"])} if "dockerfile" in parts else {}
    return {"remote": remote, **dockerfile}


def _environment(keys: dict[str, Node], context: Context) -> dict[str, str]:
    found: dict[str, str] = {}
    if "env_file" in keys:
        node = keys["env_file"]
        for name in read.text_or_texts(node):
            found.update(_env_file(node, name, context))
    if "environment" not in keys:
        return found
    for name, value in read.pairs(keys["environment"]).items():
        blank = is_null(value) or (context.blank_is_unset and read.text(value) == "")
        if not blank:
            found[name] = read.text(value)
        elif name in context.variables:
            found[name] = context.variables[name]
    return found


def _env_file(node: Node, name: str, context: Context) -> dict[str, str]:
    """Read lines of KEY=VALUE; blank lines and those that begin with # are skipped, quotes are part of the
    value.
    """
    file = posixpath.normpath(posixpath.join(posixpath.dirname(node.place.file), name))
    content = context.files.get(file, context.files.get(name))
    if content is None:
        raise fail(node, f"the file {name!r} is not here; only the compose texts are, so write `environment`")
    found: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        entry = line.lstrip()
        if not entry or entry.startswith("#"):
            continue
        key, has_value, value = entry.partition("=")
        if not key or any(char.isspace() for char in key):
            raise ComposeError(f"{entry!r} is not KEY=VALUE", file=name, line=number, key=node.place.key)
        if has_value:
            found[key] = value
        elif key in context.variables:
            found[key] = context.variables[key]
    return found


def _ports(keys: dict[str, Node], context: Context) -> dict[str, list[str]]:
    if context.is_balancer:
        return {key: ports_volumes.listeners(keys[key]) for key in ("ports", "expose") if key in keys}
    if "expose" in keys:
        read.texts(keys["expose"])
    return {"ports": ports_volumes.service_ports(keys["ports"], context.warn)} if "ports" in keys else {}


def _volumes(keys: dict[str, Node], context: Context, driver: str) -> dict[str, Any]:
    if "volumes" not in keys:
        return {}
    volumes, drivers = ports_volumes.service_volumes(keys["volumes"], context.volumes)
    if driver and drivers:
        drivers = {driver if named == "" else named for named in drivers} | {driver}
    if len(drivers) > 1:
        raise fail(keys["volumes"], "a service can use volumes of one driver only")
    return {"dataVolumes": volumes, "volumeDriver": next(iter(drivers), driver)}


def _network(keys: dict[str, Node]) -> dict[str, str]:
    if "networks" in keys:
        node = keys["networks"]
        names = list(node.entries) if isinstance(node, Map) else read.texts(node)
        if names != ["default"] or (isinstance(node, Map) and not is_null(node.entries["default"])):
            raise fail(node, "only `default` without options is supported; every service is on one managed network")
    if "net" in keys and "network_mode" in keys:
        raise fail(keys["net"], "is given twice, as net and as network_mode")
    mode_node = keys.get("net") or keys.get("network_mode")
    mode = read.text(mode_node) if mode_node else "managed"
    kind, _, other = mode.partition(":")
    if kind in ("container", "service") and other:
        return {"networkMode": "container", "networkLaunchConfig": other}
    if mode_node and mode not in NETWORK_MODES:
        raise fail(mode_node, f"{mode!r} is not supported; use managed, host, bridge, none or container:<sidekick>")
    return {"networkMode": mode}


def _log_config(keys: dict[str, Node]) -> dict[str, Any] | None:
    parts = {"driver": keys.get("log_driver"), "options": keys.get("log_opt")}
    if "logging" in keys:
        if parts["driver"] or parts["options"]:
            raise fail(keys["logging"], "cannot be combined with log_driver and log_opt")
        logging = read.mapping(keys["logging"], ("driver", "options"))
        parts = {"driver": logging.get("driver"), "options": logging.get("options")}
    driver, options = parts["driver"], parts["options"]
    if driver is None and options is None:
        return None
    config = read.text_map(options) if options else {}
    return {"driver": read.text(driver) if driver else LOG_DRIVER, "config": config}


def _restart(node: Node) -> dict[str, Any]:
    written = "no" if isinstance(node, Scalar) and node.value is False else read.text(node)
    name, colon, count = written.partition(":")
    if name not in RESTART_POLICIES or (colon and (name != "on-failure" or not count.isdecimal())):
        raise fail(node, f"{written!r} is not supported; use no, always, unless-stopped or on-failure[:count]")
    return {"name": name, "maximumRetryCount": int(count)} if colon else {"name": name}


def _capabilities(node: Node) -> list[str]:
    return [name.upper().removeprefix("CAP_") for name in read.texts(node)]


def _extra_hosts(node: Node) -> list[str]:
    if isinstance(node, Map):
        return [f"{name}:{read.text(address)}" for name, address in node.entries.items()]
    for child in read.nodes(node):
        if ":" not in read.text(child):
            raise fail(child, "must be name:address")
    return read.texts(node)


def _pid(node: Node) -> str:
    if read.text(node) != "host":
        raise fail(node, "only `host` is supported")
    return "host"


def _launch_config_names(node: Node) -> list[str]:
    for child in read.nodes(node):
        if ":" in read.text(child):
            raise fail(child, "only the name of a sidekick is supported")
    return read.texts(node)


FIELDS: dict[str, tuple[str, Callable[[Node], Any]]] = {
    "command": ("command", read.words),
    "entrypoint": ("entryPoint", read.words),
    "volumes_from": ("dataVolumesFromLaunchConfigs", _launch_config_names),
    "volume_driver": ("volumeDriver", read.text),
    "dns": ("dns", read.text_or_texts),
    "dns_search": ("dnsSearch", read.text_or_texts),
    "cap_add": ("capAdd", _capabilities),
    "cap_drop": ("capDrop", _capabilities),
    "cpu_shares": ("cpuShares", read.integer),
    "cpuset": ("cpuSet", read.text),
    "mem_limit": ("memory", read.size),
    "memswap_limit": ("memorySwap", read.size),
    "devices": ("devices", ports_volumes.device_list),
    "domainname": ("domainName", read.text),
    "hostname": ("hostname", read.text),
    "extra_hosts": ("extraHosts", _extra_hosts),
    "labels": ("labels", read.text_map),
    "pid": ("pidMode", _pid),
    "privileged": ("privileged", read.boolean),
    "read_only": ("readOnly", read.boolean),
    "stdin_open": ("stdinOpen", read.boolean),
    "tty": ("tty", read.boolean),
    "restart": ("restartPolicy", _restart),
    "security_opt": ("securityOpt", read.texts),
    "user": ("user", read.text),
    "working_dir": ("workingDir", read.text),
}
COMBINED = {
    *("image", "build", "dockerfile", "environment", "env_file", "ports", "expose", "volumes"),
    *("net", "network_mode", "networks", "log_driver", "log_opt", "logging"),
}
SERVICE_KEYS = {"links", "external_links", "depends_on", "scale", "deploy", "extends"}
IGNORED = {"container_name", "name", "ipc", "uts"}
NOT_SUPPORTED = {
    "healthcheck": "use health_check in rancher-compose.yml",
    "secrets": "mount a volume or use environment",
    "configs": "mount a volume or use environment",
    "profiles": "put the services into a stack of their own",
    "tmpfs": "use a volume",
}
SUPPORTED = FIELDS.keys() | COMBINED | SERVICE_KEYS | IGNORED
