"""Types without rows: objects embedded in others, and the inputs and answers of actions."""

from __future__ import annotations

from trailboss.declare import (
    ADMINS,
    ANYONE,
    ONCE,
    PEOPLE,
    Field,
    Resource,
    document,
    embedded,
    flag,
    listing,
    mapping,
    number,
    ref,
    text,
)  # fmt: skip


class InstanceHealthCheck(Resource):
    """How the platform asks a container whether it is well. Intervals in ms."""

    type = "instanceHealthCheck"
    roles = ANYONE
    listable = False

    healthy_threshold = number(create=True)
    interval = number(create=True)
    name = text(create=True, update=True, nullable=False)
    port = number(create=True, required=True, min=1, max=65535)
    request_line = text(create=True, nullable=False)
    response_timeout = number(create=True)
    unhealthy_threshold = number(create=True)


class LogConfig(Resource):
    """Where Docker sends a container's output."""

    type = "logConfig"
    roles = ONCE
    listable = False

    config = mapping("string", create=True)
    driver = text(create=True)


class RestartPolicy(Resource):
    """Whether Docker starts a container again that has ended."""

    type = "restartPolicy"
    plural = "restartPolicys"
    roles = ONCE
    listable = False

    maximum_retry_count = number(create=True, nullable=False)
    name = text(create=True, update=True, nullable=False)


class DockerBuild(Resource):
    """How an image is built instead of pulled."""

    type = "dockerBuild"
    roles = ONCE

    context = text(create=True)
    dockerfile = text(create=True)
    forcerm = flag(create=True, nullable=False)
    nocache = flag(create=True, nullable=False)
    remote = text(create=True)
    rm = flag(create=True, nullable=False)


class ServiceLink(Resource):
    """A service that another one uses, and the name it knows it by."""

    type = "serviceLink"
    roles = ANYONE
    listable = False

    name = text(create=True)
    service_id = ref("service", create=True, required=True, nullable=False)


class AddRemoveServiceLinkInput(Resource):
    """One link to add or remove."""

    type = "addRemoveServiceLinkInput"
    roles = ONCE
    listable = False

    service_link = embedded("serviceLink", create=True, required=True, nullable=False)


class SetServiceLinksInput(Resource):
    """All links of a service."""

    type = "setServiceLinksInput"
    roles = ONCE
    listable = False

    service_links = listing("serviceLink", create=True)


class ServiceUpgrade(Resource):
    """How a service is brought to a new version."""

    type = "serviceUpgrade"
    roles = ONCE
    listable = False

    in_service_strategy = embedded("inServiceUpgradeStrategy", create=True)
    to_service_strategy = embedded("toServiceUpgradeStrategy", create=True)


class ServiceUpgradeStrategy(Resource):
    """How fast an upgrade goes. interval_millis: pause between two batches."""

    type = "serviceUpgradeStrategy"
    plural = "serviceUpgradeStrategys"
    listable = False

    batch_size = number(create=True, default=1, min=1)
    interval_millis = number(create=True, default=2000, min=100)


class InServiceUpgradeStrategy(ServiceUpgradeStrategy):
    """Replacing the containers of a service by those of a new launch config, some at a time."""

    type = "inServiceUpgradeStrategy"
    plural = "inServiceUpgradeStrategys"
    roles = ONCE

    launch_config = embedded("launchConfig", create=True)
    previous_launch_config = embedded("launchConfig")
    previous_secondary_launch_configs = listing("secondaryLaunchConfig", nullable=False)
    secondary_launch_configs = listing("secondaryLaunchConfig", create=True, nullable=False)
    start_first = flag(create=True, nullable=False, default=False)


class ToServiceUpgradeStrategy(ServiceUpgradeStrategy):
    """Moving from one service to another, some containers at a time."""

    type = "toServiceUpgradeStrategy"
    plural = "toServiceUpgradeStrategys"
    roles = ONCE

    final_scale = number(create=True, default=1, min=1)
    to_service_id = ref("service", create=True, nullable=False)
    update_links = flag(create=True, nullable=False)


class SetProjectMembersInput(Resource):
    """All members of an environment."""

    type = "setProjectMembersInput"
    roles = ONCE
    listable = False

    members = listing("projectMember", create=True, required=True, nullable=False, min_length=1)


class InstanceStop(Resource):
    """How a container is stopped. timeout in seconds, then it is killed."""

    type = "instanceStop"
    roles = ONCE
    listable = False

    deallocate_from_host = flag(create=True, read=ADMINS, nullable=False)
    remove = flag(create=True, nullable=False)
    timeout = number(create=True, nullable=False)


class ContainerExec(Resource):
    """A command to run inside a container."""

    type = "containerExec"
    roles = ONCE

    attach_stdin = flag(create=True, nullable=False, default=True)
    attach_stdout = flag(create=True, nullable=False, default=True)
    command = listing("string", create=True, required=True, nullable=False)
    tty = flag(create=True, nullable=False, default=True)


class ContainerLogs(Resource):
    """Which part of a container's output to send."""

    type = "containerLogs"
    roles = ONCE
    listable = False

    follow = flag(create=True, nullable=False, default=True)
    lines = number(create=True, default=100, min=0)


class HostAccess(Resource):
    """Where a live stream is to be had: a websocket URL and the token that opens it once."""

    type = "hostAccess"

    token = text(nullable=False)
    url = text(nullable=False)


class SetLabelsInput(Resource):
    """All labels of a container."""

    type = "setLabelsInput"
    roles = ANYONE
    listable = False

    labels = document(create=True, nullable=False)


class ComposeConfigInput(Resource):
    """Which services to export; none means all."""

    type = "composeConfigInput"
    roles = ANYONE
    listable = False

    service_ids = listing("reference[service]", create=True)


class ComposeConfig(Resource):
    """The two compose texts of a stack."""

    type = "composeConfig"
    listable = False

    docker_compose_config = text(nullable=False)
    rancher_compose_config = text(nullable=False)


class EnvironmentUpgrade(Resource):
    """The compose texts that a stack is brought to. environment: values for the variables in them."""

    type = "environmentUpgrade"
    roles = ONCE

    docker_compose = text(create=True, nullable=False)
    environment = mapping("string", create=True, nullable=False)
    external_id = text(create=True, nullable=False)
    rancher_compose = text(create=True, nullable=False)


class AddOutputsInput(Resource):
    """Outputs to merge into those of a stack."""

    type = "addOutputsInput"

    outputs = mapping("string", create=True, required=True, nullable=False)


class PublicEndpoint(Resource):
    """An address at which a service is reached from outside."""

    type = "publicEndpoint"

    ip_address = text(nullable=False)
    port = number(nullable=False)


class Subscribe(Resource):
    """The change stream, over a websocket."""

    type = "subscribe"
    plural = "subscribe"
    roles = {"project": "cr", "readonly": "r", "service": "cr", "agent": "cr"}

    agent_id = ref("agent", create=True, read=("service", "agent"))
    event_names: Field[list[str]] = listing(
        "string", create=True, nullable=False, min_length=1, valid_chars="*._0-9a-zA-Z;=", filter_as="array"
    )


_BUILDERS = ("project", "user", "admin", "service", "agent", "agentRegister")


class Schema(Resource):
    """What a type offers to the one who asks."""

    type = "schema"
    roles = dict.fromkeys((*PEOPLE, "agent", "agentRegister", "token", "register"), "r")
    narrow = {"register": ()}
    plain_id = True

    collection_actions = mapping("json", create=_BUILDERS, nullable=False)
    collection_fields = mapping("json", create=_BUILDERS, nullable=False)
    collection_filters = mapping("json", create=_BUILDERS, nullable=False)
    collection_methods = listing("string", create=_BUILDERS, nullable=False)
    includeable_links = listing("string", create=_BUILDERS, nullable=False)
    plural_name = text(create=_BUILDERS, nullable=False)
    resource_actions = mapping("json", create=_BUILDERS, nullable=False)
    resource_fields = mapping("json", create=_BUILDERS, nullable=False)
    resource_methods = listing("string", create=_BUILDERS, nullable=False)
