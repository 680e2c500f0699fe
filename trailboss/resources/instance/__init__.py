"""Instances, of which containers are the kind that matters.

What is wanted of an instance is `desired` and `epoch` (the number of the run, which only grows; `granted_epoch` is the
newest one that has its place and ports, and that the host may know of); what its host last saw is in the `seen_*`
fields. `state` follows from both: `reconcile.py`. What Docker is told: `specification.py`.
`is_new`: its first start is part of its creation, so that it is removed if that fails. `waiting_until` (ms): pause
before a run that follows on failures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from trailboss.declare import (
    ADMINS,
    MANY,
    OPERATOR,
    Action,
    Behaviour,
    Field,
    Link,
    date,
    embedded,
    flag,
    listing,
    machine,
    mapping,
    number,
    ref,
    text,
)  # fmt: skip
from trailboss.resources.entity import Entity

CAPABILITIES = (
    "ALL", "AUDIT_CONTROL", "AUDIT_WRITE", "BLOCK_SUSPEND", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER",
    "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD",
    "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG",
    "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
)  # fmt: skip
READABLE = ("running", "stopped", "stopping", "starting")
"""States in which there are logs; in `starting` those of the run before, which say why it ended."""
HEALTH_STATES = ("healthy", "unhealthy", "updating-healthy", "updating-unhealthy", "initializing")


class Instance(Entity):
    """Something that runs on a host."""

    type = "instance"
    machine = machine(
        "instance",
        """
        create:  requested                                              -> creating         -> stopped then start
        start:   stopped creating                                       -> starting         -> running
        stop:    running starting updating-running updating-stopped     -> stopping         -> stopped
        restart: running                                                -> restarting       -> running
        update:  stopped                                                -> updating-stopped -> stopped
        update:  running                                                -> updating-running -> running
        migrate: running                                                -> migrating        -> running
        remove:  requested stopped creating updating-running updating-stopped -> removing   -> removed
        restore: removed                                                -> restoring        -> stopped
        purge:   removed                                                -> purging          -> purged
        """,
    )
    actions: ClassVar[Sequence[Action]] = (
        Action("stop", "instanceStop"),
        Action("allocate", None, "instance"),
        Action("deallocate", None, "instance"),
        Action("updatehealthy", None, "instance"),
        Action("updateunhealthy", None, "instance"),
        Action("console", "instanceConsoleInput", "instanceConsole", states=("running",), capability="console"),
    )
    watched = ("running",)
    links: ClassVar[Sequence[str | Link]] = (
        "credentials", "hosts", Link("instanceLabels", "label"), "instanceLinks", "instances", "loadBalancerTargets",
        "mounts",
        "ports", "serviceEvents", "serviceExposeMaps", "services",
        Link("targetInstanceLinks", "instanceLink", foreign="target_instance_id"), "volumes", "instanceHostMaps",
        "healthcheckInstances", "nics",
    )  # fmt: skip

    external_id = text(column=True, max_length=128, part="observed")

    # what is wanted
    host_id = ref("host", column=True, read=())
    service_id = ref("service", column=True, read=())
    launch_config_name = text(column=True, read=())
    slot = text(column=True, indexed=True, read=())
    epoch = number(column=True, read=(), default=0)
    granted_epoch = number(column=True, read=(), default=0)
    desired = text(column=True, read=(), default="stopped")
    address = text(column=True, read=())
    image_id = ref("image", column=True, read=())
    after_stop = text(read=())
    stop_timeout = number(read=())
    purge_at_once = flag(read=())
    waiting_until = number(read=())
    is_new = flag(read=())

    # what the host saw last
    seen_state = text(column=True, read=(), part="observed")
    seen_epoch = number(column=True, read=(), default=0, part="observed")
    seen_message = text(read=(), part="observed")
    seen_progress = number(read=(), part="observed")
    exit_code = number(read=(), part="observed")
    started_at = number(read=(), part="observed")
    finished_at = number(read=(), part="observed")
    restarts = number(read=(), part="observed")
    quick_exits = number(read=(), default=0, part="observed")
    start_failures = number(read=(), default=0, part="observed")
    start_failure = text(read=(), part="observed")


class Container(Instance):
    """A Docker container."""

    type = "container"
    roles = MANY
    unserved = ("execute", "console", "allocate", "deallocate", "updatehealthy", "updateunhealthy")
    links: ClassVar[Sequence[str | Link]] = (*Instance.links, "networkContainer", "registryCredential")
    actions: ClassVar[Sequence[Action]] = (
        *Instance.actions,
        Action("execute", "containerExec", "hostAccess", states=("running",)),
        Action("logs", "containerLogs", "hostAccess", states=READABLE, for_readers=True),
        Action("setlabels", "setLabelsInput", "container"),
    )

    agent_id = ref("agent", read=ADMINS, max_length=255)
    allocation_state = text(column=True, read=ADMINS, default="inactive", part="observed")
    build = embedded("dockerBuild", create=True)
    cap_add = listing("enum", create=True, options=CAPABILITIES)
    """Capabilities of the kernel that it has besides the usual ones."""
    cap_drop = listing("enum", create=True, options=CAPABILITIES)
    """Capabilities of the kernel that are taken from it."""
    command = listing("string", create=True)
    """What is run, word by word, in place of what the image says."""
    count = number(create=True)
    cpu_set = text(create=True)
    """Processors that it may use, as `0-2,4`."""
    cpu_shares = number(create=True)
    """Its share of the processors when they are busy; 1024 is usual."""
    create_index = number(column=True)
    data_volume_mounts = mapping("reference[volume]", create=True)
    data_volumes = listing("string", create=True)
    """`/path`, `name:/path` or `/path on the host:/path`, each maybe with `:ro`."""
    data_volumes_from = listing("reference[container]", create=True)
    """Containers whose volumes it has too."""
    deployment_unit_uuid = text(column=True, indexed=True, max_length=128)
    devices = listing("string", create=True)
    """Devices of the host that it may use: `/dev/x:/dev/y:rwm`."""
    dns = listing("string", create=True)
    """Addresses of name servers, in place of the usual one."""
    dns_search = listing("string", create=True)
    """Domains in which bare names are looked up."""
    domain_name = text(create=True)
    entry_point = listing("string", create=True)
    """What is run in place of the entry point of the image."""
    exit_code = number(part="observed")
    """With what its last run ended."""
    environment = mapping("string", create=True, nullable=False)
    """Variables that it sees."""
    expose = listing("string", create=True)
    extra_hosts = listing("string", create=True)
    """Names that it resolves by itself: `name:address`."""
    first_running = date(column=True, part="observed")
    health_check = embedded("instanceHealthCheck", create=True)
    health_state = text(column=True, max_length=128, options=HEALTH_STATES, filter_as="string", part="observed")
    """What its health check says."""
    hostname = text(column=True, create=True, min_length=1)
    """How it calls itself."""
    image_uuid = text(create=True)
    """The image: `docker:name:tag`, with the registry in front if it is not the usual one."""
    instance_links = mapping("reference[instance]", create=True)
    labels = mapping("string", create=True, nullable=False)
    """Names and values that others can ask for; some say where and how it is run."""
    log_config = embedded("logConfig", create=True)
    lxc_conf = mapping("string", create=True)
    memory = number(create=True)
    """Bytes of memory that it may use."""
    memory_swap = number(create=True)
    """Bytes of memory and swap together; -1 is no limit."""
    native_container = flag(column=True, nullable=False)
    network_container_id = ref("container", column=True, create=True)
    """The container whose network it shares."""
    network_ids = listing("reference[network]", create=True)
    network_mode = text(create=True, default="managed", options=("none", "bridge", "host", "managed", "container"))
    """`managed` gives it an address of its own that all hosts reach."""
    pid_mode = text(create=True, options=("host",))
    """`host`: it sees the processes of the host."""
    ports = listing("string", create=True)
    """What is reachable from outside: `public:private/tcp`."""
    primary_ip_address = text(nullable=False, part="observed")
    """Its address in the managed network."""
    privileged = flag(create=True, nullable=False, default=False)
    """It may do to its host whatever it likes."""
    publish_all_ports = flag(create=True, nullable=False, default=False)
    """Every port that the image names gets a public one."""
    quick_exits = number(default=0, part="observed")
    """How many of its runs in a row ended within 10 seconds."""
    read_only = flag(create=True, nullable=False, default=False)
    """Its file system cannot be written to."""
    registry_credential_id = ref("registryCredential", column=True, create=True)
    """The login for the registry of its image, if not the first one."""
    requested_host_id = ref("host", create=True)
    """The host it must be on."""
    restart_policy = embedded("restartPolicy", create=True)
    security_opt = listing("string", create=True)
    start_count = number(column=True, part="observed")
    start_on_create = flag(create=True, nullable=False, default=True)
    """Start it as soon as it is made."""
    stdin_open = flag(create=True, nullable=False, default=False)
    """Keep its standard input open."""
    system_container = text(
        column=True, max_length=128, options=("NetworkAgent", "LoadBalancerAgent"), filter_as="string"
    )
    token = text(column=True, read=ADMINS, secret=True)
    tty = flag(create=True, nullable=False, default=False)
    """It has a terminal."""
    user = text(create=True, min_length=1)
    """The user that it runs as."""
    valid_host_ids = listing("reference[host]", create=OPERATOR, read=OPERATOR)
    version: Field[str] = text(column=True, nullable=False, default="0")
    volume_driver = text(create=True)
    working_dir = text(create=True, min_length=1)
    """The folder it begins in."""


from trailboss.resources.instance import actions, reconcile  # noqa: E402

Instance.behaviour = Container.behaviour = Behaviour(
    prepare=actions.prepare,
    created=actions.created,
    delete=actions.delete,
    actions={
        "start": actions.start,
        "stop": actions.stop,
        "restart": actions.restart,
        "purge": actions.purge,
        "setlabels": actions.setlabels,
        "logs": actions.logs,
    },
    load=reconcile.load,
    reconcile=reconcile.reconcile,
    settled=actions.settled,
)
