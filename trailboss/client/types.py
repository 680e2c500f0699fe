"""Every type of the API as a class. Written by `just client` from the declarations: change those instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from trailboss.client.resource import Resource

if TYPE_CHECKING:
    from trailboss.client.collection import Collection


class Account(Resource):
    """Whom everything belongs to: a person, an environment, an agent, the platform itself."""

    type: str = "account"
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    external_id: str | None = None
    external_id_type: str | None = None
    added_types: int | None = None
    after_deactivation: str | None = None
    has_logged_in: bool | None = None
    identities: list[str] | None = None
    identities_at: int | None = None
    certificates: list[Certificate] | None = None
    container_events: list[ContainerEvent] | None = None
    credentials: list[Credential] | None = None
    environments: list[Environment] | None = None
    external_events: list[ExternalEvent] | None = None
    global_load_balancers: list[GlobalLoadBalancer] | None = None
    hosts: list[Host] | None = None
    images: list[Image] | None = None
    instance_links: list[InstanceLink] | None = None
    instances: list[Instance] | None = None
    ip_addresses: list[IpAddress] | None = None
    labels: list[Label] | None = None
    load_balancer_config_listener_maps: list[LoadBalancerConfigListenerMap] | None = None
    load_balancer_configs: list[LoadBalancerConfig] | None = None
    load_balancer_host_maps: list[LoadBalancerHostMap] | None = None
    load_balancer_listeners: list[LoadBalancerListener] | None = None
    load_balancer_targets: list[LoadBalancerTarget] | None = None
    load_balancers: list[LoadBalancer] | None = None
    mounts: list[Mount] | None = None
    networks: list[Network] | None = None
    physical_hosts: list[PhysicalHost] | None = None
    ports: list[Port] | None = None
    project_members: list[Identity] | None = None
    service_consume_maps: list[ServiceConsumeMap] | None = None
    service_events: list[ServiceEvent] | None = None
    service_expose_maps: list[ServiceExposeMap] | None = None
    services: list[Service] | None = None
    snapshots: list[Snapshot] | None = None
    storage_pools: list[StoragePool] | None = None
    volumes: list[Volume] | None = None


class ActiveSetting(Resource):
    """A setting as it is in force, wherever its value comes from."""

    type: str = "activeSetting"
    active_value: Any = None
    in_db: bool | None = None
    name: str | None = None
    source: str | None = None
    value: str | None = None


class AddLoadBalancerInput(Resource):
    """A load balancer that joins a group, and its weight in it."""

    type: str = "addLoadBalancerInput"
    load_balancer_id: str | None = None
    weight: int | None = None


class AddOutputsInput(Resource):
    """Outputs to merge into those of a stack."""

    type: str = "addOutputsInput"
    outputs: Mapping[str, str | None] | None = None


class AddRemoveClusterHostInput(Resource):
    """The host that joins or leaves a cluster."""

    type: str = "addRemoveClusterHostInput"
    host_id: str | None = None


class AddRemoveLoadBalancerHostInput(Resource):
    """A host to add or remove."""

    type: str = "addRemoveLoadBalancerHostInput"
    host_id: str | None = None


class AddRemoveLoadBalancerListenerInput(Resource):
    """A listener to add or remove."""

    type: str = "addRemoveLoadBalancerListenerInput"
    load_balancer_listener_id: str | None = None


class AddRemoveLoadBalancerServiceLinkInput(Resource):
    """One service to link, or to link no longer."""

    type: str = "addRemoveLoadBalancerServiceLinkInput"
    service_link: LoadBalancerServiceLink | None = None


class AddRemoveLoadBalancerTargetInput(Resource):
    """A target to add or remove."""

    type: str = "addRemoveLoadBalancerTargetInput"
    load_balancer_target: LoadBalancerTarget | None = None


class AddRemoveServiceLinkInput(Resource):
    """One link to add or remove."""

    type: str = "addRemoveServiceLinkInput"
    service_link: ServiceLink | None = None


class Agent(Resource):
    """The program that drives one host."""

    type: str = "agent"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    managed_config: bool | None = None
    uri: str | None = None
    user: str | None = None
    resources_account_id: str | None = None
    account: Account | None = None
    config_item_statuses: list[ConfigItemStatus] | None = None
    hosts: list[Host] | None = None
    instances: list[Instance] | None = None
    physical_hosts: list[PhysicalHost] | None = None
    storage_pools: list[StoragePool] | None = None


class AuditLog(Resource):
    """One request that changed something, was refused, or was shown a secret."""

    type: str = "auditLog"
    account_id: str | None = None
    authenticated_as_account_id: str | None = None
    authenticated_as_identity_id: str | None = None
    auth_type: str | None = None
    client_ip: str | None = None
    created: datetime | None = None
    description: str | None = None
    event_type: str | None = None
    request_id: str | None = None
    request_object: Any = None
    resource_type: str | None = None
    resource_id: str | None = None
    response_code: int | None = None
    response_object: Any = None
    kind: str | None = None
    uuid: str | None = None
    removed: int | None = None
    account: Account | None = None
    authenticated_as_account: Account | None = None


class BaseMachineConfig(Resource):
    """The base of all drivers' configurations."""

    type: str = "baseMachineConfig"


class Certificate(Resource):
    """A certificate in PEM with its private key; the rest is read from it."""

    type: str = "certificate"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    cert: str | None = None
    cert_chain: str | None = None
    key: str | None = None
    algorithm: str | None = None
    cert_fingerprint: str | None = None
    cn: str | None = msgspec.field(default=None, name="CN")
    expires_at: str | None = None
    issued_at: str | None = None
    issuer: str | None = None
    key_size: int | None = None
    serial_number: str | None = None
    subject_alternative_names: list[str] | None = None
    version: str | None = None
    account: Account | None = None


class ChangeSecretInput(Resource):
    """The password as it was and as it shall be."""

    type: str = "changeSecretInput"
    new_secret: str | None = None
    old_secret: str | None = None


class ComposeConfig(Resource):
    """The two compose texts of a stack."""

    type: str = "composeConfig"
    docker_compose_config: str | None = None
    rancher_compose_config: str | None = None


class ComposeConfigInput(Resource):
    """Which services to export; none means all."""

    type: str = "composeConfigInput"
    service_ids: list[str] | None = None


class ConfigContent(Resource):
    """The files themselves, fetched by an agent, which confirms the version."""

    type: str = "configContent"
    agent_id: str | None = None
    version: str | None = None


class ConfigItem(Resource):
    """A set of files that agents used to fetch."""

    type: str = "configItem"
    name: str | None = None
    source_version: str | None = None


class ConfigItemStatus(Resource):
    """Which version of a set of files an agent wants and has."""

    type: str = "configItemStatus"
    account_id: str | None = None
    agent_id: str | None = None
    applied_updated: datetime | None = None
    applied_version: int | None = None
    name: str | None = None
    requested_updated: datetime | None = None
    requested_version: int | None = None
    source_version: str | None = None


class ContainerEvent(Resource):
    """Something happened to a container in Docker."""

    type: str = "containerEvent"
    account_id: str | None = None
    kind: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    docker_inspect: Any = None
    external_from: str | None = None
    external_id: str | None = None
    external_status: str | None = None
    external_timestamp: int | None = None
    host_id: str | None = None
    reported_host_uuid: str | None = None
    account: Account | None = None
    host: Host | None = None


class ContainerExec(Resource):
    """A command to run inside a container."""

    type: str = "containerExec"
    attach_stdin: bool | None = None
    attach_stdout: bool | None = None
    command: list[str] | None = None
    tty: bool | None = None


class ContainerLogs(Resource):
    """Which part of a container's output to send."""

    type: str = "containerLogs"
    follow: bool | None = None
    lines: int | None = None


class Credential(Resource):
    """A pair of a public and a secret value that proves who asks."""

    type: str = "credential"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    public_value: str | None = None
    secret_value: str | None = None
    account: Account | None = None
    images: list[Image] | None = None
    instances: list[Instance] | None = None


class Databasechangelog(Resource):
    """A change of the database's schema that was applied."""

    type: str = "databasechangelog"
    author: str | None = None
    comments: str | None = None
    dateexecuted: datetime | None = None
    description: str | None = None
    exectype: str | None = None
    filename: str | None = None
    liquibase: str | None = None
    md5sum: str | None = None
    orderexecuted: int | None = None
    tag: str | None = None


class Databasechangeloglock(Resource):
    """Who changes the database's schema at the moment."""

    type: str = "databasechangeloglock"
    locked: bool | None = None
    lockedby: str | None = None
    lockgranted: datetime | None = None


class DockerBuild(Resource):
    """How an image is built instead of pulled."""

    type: str = "dockerBuild"
    context: str | None = None
    dockerfile: str | None = None
    forcerm: bool | None = None
    nocache: bool | None = None
    remote: str | None = None
    rm: bool | None = None


class DynamicSchema(Resource):
    """A type of one account: a kind of `parent`, with further fields."""

    type: str = "dynamicSchema"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    parent: str | None = None
    definition: str | None = None
    service_id: str | None = None
    account: Account | None = None
    service: Service | None = None


class Environment(Resource):
    """A stack."""

    type: str = "environment"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    docker_compose: str | None = None
    environment: Mapping[str, str | None] | None = None
    external_id: str | None = None
    outputs: Mapping[str, str | None] | None = None
    previous_external_id: str | None = None
    rancher_compose: str | None = None
    start_on_create: bool | None = None
    purge_at_once: bool | None = None
    account: Account | None = None
    services: list[Service] | None = None


class EnvironmentUpgrade(Resource):
    """The compose texts that a stack is brought to. environment: values for the variables in them."""

    type: str = "environmentUpgrade"
    docker_compose: str | None = None
    environment: Mapping[str, str | None] | None = None
    external_id: str | None = None
    rancher_compose: str | None = None


class ExtensionImplementation(Resource):
    """A part that is plugged in."""

    type: str = "extensionImplementation"
    class_name: str | None = None
    name: str | None = None
    properties: Mapping[str, str | None] | None = None


class ExtensionPoint(Resource):
    """A place where parts can be plugged in, and those that are."""

    type: str = "extensionPoint"
    exclude_setting: str | None = None
    implementations: list[ExtensionImplementation] | None = None
    include_setting: str | None = None
    list_setting: str | None = None
    name: str | None = None


class ExternalEvent(Resource):
    """Something happened in another system. reported_account_id: the account of the agent that says so."""

    type: str = "externalEvent"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    event_type: str | None = None
    external_id: str | None = None
    reported_account_id: str | None = None
    account: Account | None = None
    reported_account: Account | None = None


class ExternalHandler(Resource):
    """A program that handles processes. timeout_millis: how long it may take before it is told again."""

    type: str = "externalHandler"
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    priority: int | None = None
    process_configs: list[ExternalHandlerProcessConfig] | None = None
    retries: int | None = None
    timeout_millis: int | None = None
    external_handler_external_handler_process_maps: list[ExternalHandlerExternalHandlerProcessMap] | None = None
    external_handler_processes: list[ExternalHandlerProcess] | None = None


class ExternalHandlerExternalHandlerProcessMap(Resource):
    """A handler takes part in a process. on_error: the process that follows if it fails."""

    type: str = "externalHandlerExternalHandlerProcessMap"
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    external_handler_id: str | None = None
    external_handler_process_id: str | None = None
    on_error: str | None = None
    external_handler: ExternalHandler | None = None
    external_handler_process: ExternalHandlerProcess | None = None


class ExternalHandlerProcess(Resource):
    """A process that handlers take part in, by its name."""

    type: str = "externalHandlerProcess"
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    external_handler_external_handler_process_maps: list[ExternalHandlerExternalHandlerProcessMap] | None = None
    external_handlers: list[ExternalHandler] | None = None


class ExternalHandlerProcessConfig(Resource):
    """What a handler wants to take part in: names of processes, separated by commas."""

    type: str = "externalHandlerProcessConfig"
    name: str | None = None
    on_error: str | None = None


class FieldDocumentation(Resource):
    """What a field is for."""

    type: str = "fieldDocumentation"
    description: str | None = None


class GenericObject(Resource):
    """The base of small things that are only asked for and done."""

    type: str = "genericObject"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    key: str | None = None
    account: Account | None = None


class Githubconfig(Resource):
    """GitHub, or a GitHub Enterprise server."""

    type: str = "githubconfig"
    access_mode: str | None = None
    allowed_identities: list[Identity] | None = None
    client_id: str | None = None
    client_secret: str | None = None
    enabled: bool | None = None
    hostname: str | None = None
    name: str | None = None
    scheme: str | None = None


class GlobalLoadBalancer(Resource):
    """A weighted group of load balancers."""

    type: str = "globalLoadBalancer"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    global_load_balancer_health_check: list[GlobalLoadBalancerHealthCheck] | None = None
    global_load_balancer_policy: list[GlobalLoadBalancerPolicy] | None = None
    account: Account | None = None
    load_balancers: list[LoadBalancer] | None = None


class GlobalLoadBalancerHealthCheck(Resource):
    """A health check of a group, by name. Kept without effect."""

    type: str = "globalLoadBalancerHealthCheck"
    name: str | None = None


class GlobalLoadBalancerPolicy(Resource):
    """A policy of a group, by name."""

    type: str = "globalLoadBalancerPolicy"
    name: str | None = None


class HealthcheckInstance(Resource):
    """A container that is checked."""

    type: str = "healthcheckInstance"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    instance_id: str | None = None
    account: Account | None = None
    instance: Instance | None = None
    healthcheck_instance_host_maps: list[HealthcheckInstanceHostMap] | None = None


class HealthcheckInstanceHostMap(Resource):
    """A host that checks a container, and what it has found. external_timestamp: when it said so, in its seconds."""

    type: str = "healthcheckInstanceHostMap"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    healthcheck_instance_id: str | None = None
    host_id: str | None = None
    health_state: str | None = None
    external_timestamp: datetime | None = None
    account: Account | None = None
    healthcheck_instance: HealthcheckInstance | None = None
    host: Host | None = None


class Host(Resource):
    """A machine with a Docker Engine and an agent."""

    type: str = "host"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    agent_id: str | None = None
    agent_state: str | None = None
    api_proxy: str | None = None
    compute_total: int | None = None
    info: Any = None
    labels: Mapping[str, str | None] | None = None
    physical_host_id: str | None = None
    public_endpoints: list[PublicEndpoint] | None = None
    reported_uuid: str | None = None
    compute_free: int | None = None
    gateway: str | None = None
    host_address: str | None = None
    engine_message: str | None = None
    account: Account | None = None
    agent: Agent | None = None
    physical_host: PhysicalHost | None = None
    clusters: list[Cluster] | None = None
    container_events: list[ContainerEvent] | None = None
    host_labels: list[Label] | None = None
    hosts: list[Host] | None = None
    instances: list[Instance] | None = None
    ip_addresses: list[IpAddress] | None = None
    load_balancer_host_maps: list[LoadBalancerHostMap] | None = None
    load_balancers: list[LoadBalancer] | None = None
    service_events: list[ServiceEvent] | None = None
    storage_pools: list[StoragePool] | None = None
    instance_host_maps: list[InstanceHostMap] | None = None
    healthcheck_instance_host_maps: list[HealthcheckInstanceHostMap] | None = None


class HostAccess(Resource):
    """Where a live stream is to be had: a websocket URL and the token that opens it once."""

    type: str = "hostAccess"
    token: str | None = None
    url: str | None = None


class HostApiProxyToken(Resource):
    """With it an agent offers the live streams of its host to the server."""

    type: str = "hostApiProxyToken"
    reported_uuid: str | None = None
    token: str | None = None
    url: str | None = None


class Identity(Resource):
    """A person, group or organisation at a login provider. Found by `name` (exactly) or by `all` (anywhere)."""

    type: str = "identity"
    all: str | None = None
    external_id: str | None = None
    external_id_type: str | None = None
    login: str | None = None
    name: str | None = None
    profile_picture: str | None = None
    profile_url: str | None = None
    project_id: str | None = None
    role: str | None = None


class Image(Resource):
    """What a container's file system is made from."""

    type: str = "image"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    account: Account | None = None
    instances: list[Instance] | None = None
    storage_pools: list[StoragePool] | None = None
    volumes: list[Volume] | None = None
    image_storage_pool_maps: list[ImageStoragePoolMap] | None = None


class ImageStoragePoolMap(Resource):
    """An image that a pool has."""

    type: str = "imageStoragePoolMap"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    image_id: str | None = None
    storage_pool_id: str | None = None
    account: Account | None = None
    image: Image | None = None
    storage_pool: StoragePool | None = None


class Instance(Resource):
    """Something that runs on a host."""

    type: str = "instance"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    external_id: str | None = None
    host_id: str | None = None
    service_id: str | None = None
    launch_config_name: str | None = None
    slot: str | None = None
    epoch: int | None = None
    granted_epoch: int | None = None
    desired: str | None = None
    address: str | None = None
    image_id: str | None = None
    after_stop: str | None = None
    stop_timeout: int | None = None
    purge_at_once: bool | None = None
    waiting_until: int | None = None
    is_new: bool | None = None
    seen_state: str | None = None
    seen_epoch: int | None = None
    seen_message: str | None = None
    seen_progress: int | None = None
    exit_code: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    restarts: int | None = None
    quick_exits: int | None = None
    start_failures: int | None = None
    start_failure: str | None = None
    account: Account | None = None
    host: Host | None = None
    service: Service | None = None
    image: Image | None = None
    credentials: list[Credential] | None = None
    hosts: list[Host] | None = None
    instance_labels: list[Label] | None = None
    instance_links: list[InstanceLink] | None = None
    instances: list[Instance] | None = None
    load_balancer_targets: list[LoadBalancerTarget] | None = None
    mounts: list[Mount] | None = None
    ports: list[Port] | None = None
    service_events: list[ServiceEvent] | None = None
    service_expose_maps: list[ServiceExposeMap] | None = None
    services: list[Service] | None = None
    target_instance_links: list[InstanceLink] | None = None
    volumes: list[Volume] | None = None
    instance_host_maps: list[InstanceHostMap] | None = None
    healthcheck_instances: list[HealthcheckInstance] | None = None
    nics: list[Nic] | None = None


class InstanceConsole(Resource):
    """Where the screen of a virtual machine is to be had."""

    type: str = "instanceConsole"
    kind: str | None = None
    password: str | None = None
    url: str | None = None


class InstanceConsoleInput(Resource):
    """What a console is asked for with: nothing."""

    type: str = "instanceConsoleInput"


class InstanceHealthCheck(Resource):
    """How the platform asks a container whether it is well. Intervals in ms."""

    type: str = "instanceHealthCheck"
    healthy_threshold: int | None = None
    interval: int | None = None
    name: str | None = None
    port: int | None = None
    request_line: str | None = None
    response_timeout: int | None = None
    unhealthy_threshold: int | None = None


class InstanceHostMap(Resource):
    """Where an instance stands. Its number is the instance's; it is active while that is not at rest."""

    type: str = "instanceHostMap"
    account_id: str | None = None
    kind: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    instance_id: str | None = None
    host_id: str | None = None
    account: Account | None = None
    instance: Instance | None = None
    host: Host | None = None


class InstanceLink(Resource):
    """One name in one container, and what it leads to."""

    type: str = "instanceLink"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    instance_id: str | None = None
    link_name: str | None = None
    ports: list[Any] | None = None
    target_instance_id: str | None = None
    service_consume_map_id: str | None = None
    account: Account | None = None
    instance: Instance | None = None
    target_instance: Instance | None = None
    service_consume_map: ServiceConsumeMap | None = None


class InstanceStop(Resource):
    """How a container is stopped. timeout in seconds, then it is killed."""

    type: str = "instanceStop"
    deallocate_from_host: bool | None = None
    remove: bool | None = None
    timeout: int | None = None


class IpAddress(Resource):
    """An address of a host or of a container."""

    type: str = "ipAddress"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    address: str | None = None
    network_id: str | None = None
    account: Account | None = None
    network: Network | None = None
    hosts: list[Host] | None = None
    private_ports: list[Port] | None = None
    public_ports: list[Port] | None = None


class IpAddressAssociateInput(Resource):
    """The address that a pooled one is to stand for."""

    type: str = "ipAddressAssociateInput"
    ip_address_id: str | None = None


class Label(Resource):
    """A key and a value."""

    type: str = "label"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    key: str | None = None
    value: str | None = None
    account: Account | None = None
    hosts: list[Host] | None = None
    instances: list[Instance] | None = None


class Ldapconfig(Resource):
    """A directory in the manner of Active Directory."""

    type: str = "ldapconfig"
    access_mode: str | None = None
    enabled: bool | None = None
    name: str | None = None
    server: str | None = None
    port: int | None = None
    tls: bool | None = None
    start_tls: bool | None = None
    ca_certificate: str | None = None
    service_account_username: str | None = None
    service_account_password: str | None = None
    domain: str | None = None
    login_domain: str | None = None
    group_name_field: str | None = None
    group_object_class: str | None = None
    group_search_field: str | None = None
    user_disabled_bit_mask: int | None = None
    user_enabled_attribute: str | None = None
    user_login_field: str | None = None
    user_name_field: str | None = None
    user_object_class: str | None = None
    user_search_field: str | None = None


class LoadBalancer(Resource):
    """One that takes requests on its hosts and spreads them over its targets."""

    type: str = "loadBalancer"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    certificate_ids: list[str] | None = None
    default_certificate_id: str | None = None
    global_load_balancer_id: str | None = None
    load_balancer_config_id: str | None = None
    service_id: str | None = None
    weight: int | None = None
    account: Account | None = None
    global_load_balancer: GlobalLoadBalancer | None = None
    load_balancer_config: LoadBalancerConfig | None = None
    service: Service | None = None
    hosts: list[Host] | None = None
    load_balancer_host_maps: list[LoadBalancerHostMap] | None = None
    load_balancer_targets: list[LoadBalancerTarget] | None = None


class LoadBalancerAppCookieStickinessPolicy(Resource):
    """A client stays at one target by a cookie that the application sets. timeout in ms."""

    type: str = "loadBalancerAppCookieStickinessPolicy"
    cookie: str | None = None
    max_length: int | None = None
    mode: str | None = None
    name: str | None = None
    prefix: bool | None = None
    request_learn: bool | None = None
    timeout: int | None = None


class LoadBalancerConfig(Resource):
    """Listeners that belong together, and how requests are kept at a target."""

    type: str = "loadBalancerConfig"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    app_cookie_stickiness_policy: LoadBalancerAppCookieStickinessPolicy | None = None
    health_check: LoadBalancerHealthCheck | None = None
    lb_cookie_stickiness_policy: LoadBalancerCookieStickinessPolicy | None = None
    service_id: str | None = None
    account: Account | None = None
    service: Service | None = None
    load_balancer_config_listener_maps: list[LoadBalancerConfigListenerMap] | None = None
    load_balancer_listeners: list[LoadBalancerListener] | None = None
    load_balancers: list[LoadBalancer] | None = None


class LoadBalancerConfigListenerMap(Resource):
    """A listener of a configuration."""

    type: str = "loadBalancerConfigListenerMap"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    load_balancer_config_id: str | None = None
    load_balancer_listener_id: str | None = None
    account: Account | None = None
    load_balancer_config: LoadBalancerConfig | None = None
    load_balancer_listener: LoadBalancerListener | None = None


class LoadBalancerCookieStickinessPolicy(Resource):
    """A client stays at one target by a cookie that the load balancer sets."""

    type: str = "loadBalancerCookieStickinessPolicy"
    cookie: str | None = None
    domain: str | None = None
    indirect: bool | None = None
    mode: str | None = None
    name: str | None = None
    nocache: bool | None = None
    postonly: bool | None = None


class LoadBalancerHealthCheck(Resource):
    """How a load balancer asks its targets whether they are well. Intervals in ms."""

    type: str = "loadBalancerHealthCheck"
    healthy_threshold: int | None = None
    interval: int | None = None
    name: str | None = None
    port: int | None = None
    request_line: str | None = None
    response_timeout: int | None = None
    unhealthy_threshold: int | None = None


class LoadBalancerHostMap(Resource):
    """A host that a load balancer runs on. Its state is a text, and clients start nothing on it."""

    type: str = "loadBalancerHostMap"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    host_id: str | None = None
    load_balancer_id: str | None = None
    account: Account | None = None
    host: Host | None = None
    load_balancer: LoadBalancer | None = None


class LoadBalancerListener(Resource):
    """One port to listen on. source_port: on the host; without it only the private port inside the network is."""

    type: str = "loadBalancerListener"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    algorithm: str | None = None
    private_port: int | None = None
    service_id: str | None = None
    source_port: int | None = None
    source_protocol: str | None = None
    target_port: int | None = None
    target_protocol: str | None = None
    account: Account | None = None
    service: Service | None = None
    load_balancer_config_listener_maps: list[LoadBalancerConfigListenerMap] | None = None
    load_balancer_configs: list[LoadBalancerConfig] | None = None


class LoadBalancerTarget(Resource):
    """A container, or an address, behind a load balancer. ports: rules such as `example.com:80/path=8080`."""

    type: str = "loadBalancerTarget"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    instance_id: str | None = None
    ip_address: str | None = None
    load_balancer_id: str | None = None
    ports: list[str] | None = None
    account: Account | None = None
    instance: Instance | None = None
    load_balancer: LoadBalancer | None = None


class LocalAuthConfig(Resource):
    """Names and passwords that are kept here."""

    type: str = "localAuthConfig"
    access_mode: str | None = None
    enabled: bool | None = None
    name: str | None = None
    password: str | None = None
    username: str | None = None


class LogConfig(Resource):
    """Where Docker sends a container's output."""

    type: str = "logConfig"
    config: Mapping[str, str | None] | None = None
    driver: str | None = None


class Mount(Resource):
    """A volume at a path of a container. permissions: `rw` or `ro`."""

    type: str = "mount"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    instance_id: str | None = None
    path: str | None = None
    permissions: str | None = None
    volume_id: str | None = None
    account: Account | None = None
    instance: Instance | None = None
    volume: Volume | None = None


class Network(Resource):
    """A way in which containers reach one another; each environment has one of each kind."""

    type: str = "network"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    account: Account | None = None
    ip_addresses: list[IpAddress] | None = None


class Nic(Resource):
    """The place of an instance in the managed network. Its number is the instance's, and so is its state."""

    type: str = "nic"
    account_id: str | None = None
    kind: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    instance_id: str | None = None
    device_number: int | None = None
    account: Account | None = None
    instance: Instance | None = None


class Openidconfig(Resource):
    """Any provider of OpenID Connect. An addition to the v1 API."""

    type: str = "openidconfig"
    access_mode: str | None = None
    allowed_identities: list[Identity] | None = None
    enabled: bool | None = None
    name: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    redirect_url: str | None = None
    scopes: str | None = None
    groups_claim: str | None = None


class PhysicalHost(Resource):
    """The machine behind one or more hosts."""

    type: str = "physicalHost"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    account: Account | None = None
    hosts: list[Host] | None = None


class Port(Resource):
    """A port of a container; `publicPort` is where it is reached on the host."""

    type: str = "port"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    instance_id: str | None = None
    private_ip_address_id: str | None = None
    private_port: int | None = None
    protocol: str | None = None
    public_ip_address_id: str | None = None
    public_port: int | None = None
    bind_address: str | None = None
    wanted_public_port: int | None = None
    account: Account | None = None
    instance: Instance | None = None
    private_ip_address: IpAddress | None = None
    public_ip_address: IpAddress | None = None


class ProcessDefinition(Resource):
    """A process of a type, such as `instance.start`, and who takes part in it."""

    type: str = "processDefinition"
    extension_based: bool | None = None
    name: str | None = None
    post_process_listeners: ExtensionPoint | None = None
    pre_process_listeners: ExtensionPoint | None = None
    process_handlers: ExtensionPoint | None = None
    resource_type: str | None = None
    state_transitions: list[StateTransition] | None = None


class ProcessExecution(Resource):
    """One attempt of a run, with what it wrote down."""

    type: str = "processExecution"
    log: Mapping[str, Any] | None = None
    process_instance_id: str | None = None
    uuid: str | None = None


class ProcessInstance(Resource):
    """One run of a process on one resource."""

    type: str = "processInstance"
    data: Mapping[str, Any] | None = None
    end_time: datetime | None = None
    exit_reason: str | None = None
    phase: str | None = None
    priority: int | None = None
    process_name: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    result: str | None = None
    running_process_server_id: str | None = None
    start_process_server_id: str | None = None
    start_time: datetime | None = None


class ProjectMember(Resource):
    """One identity and its role."""

    type: str = "projectMember"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    external_id: str | None = None
    external_id_type: str | None = None
    project_id: str | None = None
    role: str | None = None
    account: Account | None = None
    project: Project | None = None


class PublicEndpoint(Resource):
    """An address at which a service is reached from outside."""

    type: str = "publicEndpoint"
    ip_address: str | None = None
    port: int | None = None


class Publish(Resource):
    """An answer to an event. previous_ids: the events it answers."""

    type: str = "publish"
    data: Mapping[str, Any] | None = None
    name: str | None = None
    previous_ids: list[str] | None = None
    publisher: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    time: int | None = None
    transitioning: str | None = None
    transitioning_internal_message: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None


class RemoveLoadBalancerInput(Resource):
    """A load balancer that leaves a group."""

    type: str = "removeLoadBalancerInput"
    load_balancer_id: str | None = None


class ResourceDefinition(Resource):
    """A type with states. Its id is its name."""

    type: str = "resourceDefinition"
    name: str | None = None


class RestartPolicy(Resource):
    """Whether Docker starts a container again that has ended."""

    type: str = "restartPolicy"
    maximum_retry_count: int | None = None
    name: str | None = None


class Service(Resource):
    """Containers of one kind, kept at a scale, known by one name."""

    type: str = "service"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    create_index: int | None = None
    environment_id: str | None = None
    external_id: str | None = None
    fqdn: str | None = None
    launch_config: LaunchConfig | None = None
    metadata: Mapping[str, Any] | None = None
    scale: int | None = None
    secondary_launch_configs: list[SecondaryLaunchConfig] | None = None
    selector_container: str | None = None
    selector_link: str | None = None
    service_schemas: Mapping[str, Any] | None = None
    upgrade: ServiceUpgrade | None = None
    vip: str | None = None
    public_endpoints: list[PublicEndpoint] | None = None
    purge_at_once: bool | None = None
    run_floor: int | None = None
    account: Account | None = None
    environment: Environment | None = None
    consumedbyservices: list[Service] | None = None
    consumedservices: list[Service] | None = None
    instances: list[Instance] | None = None
    load_balancer_configs: list[LoadBalancerConfig] | None = None
    load_balancer_listeners: list[LoadBalancerListener] | None = None
    load_balancers: list[LoadBalancer] | None = None
    service_expose_maps: list[ServiceExposeMap] | None = None


class ServiceConsumeMap(Resource):
    """A link: `serviceId` uses `consumedServiceId` and knows it by `name`."""

    type: str = "serviceConsumeMap"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    consumed_service_id: str | None = None
    ports: list[str] | None = None
    service_id: str | None = None
    account: Account | None = None
    consumed_service: Service | None = None
    service: Service | None = None
    instance_links: list[InstanceLink] | None = None


class ServiceEvent(Resource):
    """What one health checker thinks of one container."""

    type: str = "serviceEvent"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    external_timestamp: int | None = None
    healthcheck_uuid: str | None = None
    host_id: str | None = None
    instance_id: str | None = None
    reported_health: str | None = None
    account: Account | None = None
    host: Host | None = None
    instance: Instance | None = None


class ServiceExposeMap(Resource):
    """One instance (or address) that a service consists of. managed: made by the service itself."""

    type: str = "serviceExposeMap"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    instance_id: str | None = None
    ip_address: str | None = None
    managed: bool | None = None
    service_id: str | None = None
    upgrade: bool | None = None
    dns_prefix: str | None = None
    account: Account | None = None
    instance: Instance | None = None
    service: Service | None = None


class ServiceLink(Resource):
    """A service that another one uses, and the name it knows it by."""

    type: str = "serviceLink"
    name: str | None = None
    service_id: str | None = None


class ServiceUpgrade(Resource):
    """How a service is brought to a new version."""

    type: str = "serviceUpgrade"
    in_service_strategy: InServiceUpgradeStrategy | None = None
    to_service_strategy: ToServiceUpgradeStrategy | None = None


class ServiceUpgradeStrategy(Resource):
    """How fast an upgrade goes. interval_millis: pause between two batches."""

    type: str = "serviceUpgradeStrategy"
    batch_size: int | None = None
    interval_millis: int | None = None


class SetLabelsInput(Resource):
    """All labels of a container."""

    type: str = "setLabelsInput"
    labels: Any = None


class SetLoadBalancerHostsInput(Resource):
    """All hosts."""

    type: str = "setLoadBalancerHostsInput"
    host_ids: list[str] | None = None


class SetLoadBalancerListenersInput(Resource):
    """All listeners."""

    type: str = "setLoadBalancerListenersInput"
    load_balancer_listener_ids: list[str] | None = None


class SetLoadBalancerServiceLinksInput(Resource):
    """All services to link."""

    type: str = "setLoadBalancerServiceLinksInput"
    service_links: list[LoadBalancerServiceLink] | None = None


class SetLoadBalancerTargetsInput(Resource):
    """All targets."""

    type: str = "setLoadBalancerTargetsInput"
    load_balancer_targets: list[LoadBalancerTarget] | None = None


class SetProjectMembersInput(Resource):
    """All members of an environment."""

    type: str = "setProjectMembersInput"
    members: list[ProjectMember] | None = None


class SetServiceLinksInput(Resource):
    """All links of a service."""

    type: str = "setServiceLinksInput"
    service_links: list[ServiceLink] | None = None


class Setting(Resource):
    """A value in the database."""

    type: str = "setting"
    kind: str | None = None
    account_id: int | None = None
    uuid: str | None = None
    created: int | None = None
    removed: int | None = None
    name: str | None = None
    value: str | None = None


class Snapshot(Resource):
    """A read-only copy of a volume; backed up, it lies outside of the hosts."""

    type: str = "snapshot"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    managed_volume_uuid: str | None = msgspec.field(default=None, name="managedVolumeUUID")
    volume_id: str | None = None
    account: Account | None = None
    volume: Volume | None = None
    storage_pools: list[StoragePool] | None = None


class StateTransition(Resource):
    """A step from one state to another."""

    type: str = "stateTransition"


class StatsAccess(Resource):
    """Where statistics are to be had: a websocket URL and the token that opens it once."""

    type: str = "statsAccess"
    token: str | None = None
    url: str | None = None


class StoragePool(Resource):
    """The storage of one host, or one that several hosts share by a driver."""

    type: str = "storagePool"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    driver_name: str | None = None
    external_id: str | None = None
    account: Account | None = None
    credentials: list[Credential] | None = None
    hosts: list[Host] | None = None
    images: list[Image] | None = None
    snapshots: list[Snapshot] | None = None
    volumes: list[Volume] | None = None
    image_storage_pool_maps: list[ImageStoragePoolMap] | None = None
    volume_storage_pool_maps: list[VolumeStoragePoolMap] | None = None


class Subscribe(Resource):
    """The change stream, over a websocket."""

    type: str = "subscribe"
    agent_id: str | None = None
    event_names: list[str] | None = None


class Task(Resource):
    """Something the server does again and again."""

    type: str = "task"
    name: str | None = None
    kind: str | None = None
    account_id: int | None = None
    removed: int | None = None
    task_instances: list[TaskInstance] | None = None


class TaskInstance(Resource):
    """One run of a task. server_id: which server noted its end."""

    type: str = "taskInstance"
    end_time: datetime | None = None
    exception: str | None = None
    name: str | None = None
    server_id: str | None = None
    start_time: datetime | None = None
    task_id: str | None = None
    kind: str | None = None
    account_id: int | None = None
    removed: int | None = None
    task: Task | None = None


class Token(Resource):
    """A login. code: `name:password`, or what the provider gave. jwt: what later requests are sent with."""

    type: str = "token"
    account_id: str | None = None
    auth_provider: str | None = None
    authorization_url: str | None = None
    client_id: str | None = None
    code: str | None = None
    enabled: bool | None = None
    hostname: str | None = None
    jwt: str | None = None
    security: bool | None = None
    user: str | None = None
    user_identity: Identity | None = None
    user_type: str | None = None


class TypeDocumentation(Resource):
    """What a type is for. Its id is the type's name."""

    type: str = "typeDocumentation"
    description: str | None = None
    resource_fields: Mapping[str, FieldDocumentation | None] | None = None


class UserPreference(Resource):
    """A name and a value of one account."""

    type: str = "userPreference"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    value: str | None = None
    account: Account | None = None


class Volume(Resource):
    """A place for data, by name or on a path of a host."""

    type: str = "volume"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    driver: str | None = None
    driver_opts: Mapping[str, str | None] | None = None
    external_id: str | None = None
    format: str | None = None
    image_id: str | None = None
    instance_id: str | None = None
    is_host_path: bool | None = None
    uri: str | None = None
    allocation_state: str | None = None
    attached_state: str | None = None
    device_number: int | None = None
    account: Account | None = None
    image: Image | None = None
    instance: Instance | None = None
    mounts: list[Mount] | None = None
    snapshots: list[Snapshot] | None = None
    storage_pools: list[StoragePool] | None = None
    volume_storage_pool_maps: list[VolumeStoragePoolMap] | None = None


class VolumeStoragePoolMap(Resource):
    """A volume in a pool: active while the volume is, inactive while what it belongs to is stopped."""

    type: str = "volumeStoragePoolMap"
    account_id: str | None = None
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None
    volume_id: str | None = None
    storage_pool_id: str | None = None
    account: Account | None = None
    volume: Volume | None = None
    storage_pool: StoragePool | None = None


class Zone(Resource):
    """Where everything is: there is one."""

    type: str = "zone"
    kind: str | None = None
    uuid: str | None = None
    name: str | None = None
    state: str | None = None
    created: datetime | None = None
    removed: datetime | None = None
    remove_time: datetime | None = None
    data: Mapping[str, Any] | None = None
    transitioning: str | None = None
    transitioning_message: str | None = None
    transitioning_progress: int | None = None


class AgentApiKey(Credential):
    """The key of one host's agent, made when the host registers."""

    type: str = "agentApiKey"


class Amazonec2Config(BaseMachineConfig):
    """A machine at Amazon EC2."""

    type: str = "amazonec2Config"
    access_key: str | None = None
    ami: str | None = None
    iam_instance_profile: str | None = None
    instance_type: str | None = None
    monitoring: bool | None = None
    private_address_only: bool | None = None
    region: str | None = None
    request_spot_instance: bool | None = None
    root_size: str | None = None
    secret_key: str | None = None
    security_group: str | None = None
    session_token: str | None = None
    spot_price: str | None = None
    ssh_user: str | None = None
    subnet_id: str | None = None
    use_private_address: bool | None = None
    vpc_id: str | None = None
    zone: str | None = None


class ApiKey(Credential):
    """A key for programs and people: the secret is shown once, in the answer to its creation."""

    type: str = "apiKey"
    expires: datetime | None = None
    last_used: datetime | None = None


class AzureConfig(BaseMachineConfig):
    """A machine at Microsoft Azure."""

    type: str = "azureConfig"
    docker_port: str | None = None
    docker_swarm_master_port: str | None = None
    image: str | None = None
    location: str | None = None
    password: str | None = None
    publish_settings_file: str | None = None
    size: str | None = None
    ssh_port: str | None = None
    subscription_cert: str | None = None
    subscription_id: str | None = None
    username: str | None = None


class Cluster(Host):
    """Several hosts that look like one Docker Engine. port: where it listens."""

    type: str = "cluster"
    discovery_spec: str | None = None
    port: int | None = None


class Container(Instance):
    """A Docker container."""

    type: str = "container"
    agent_id: str | None = None
    allocation_state: str | None = None
    build: DockerBuild | None = None
    cap_add: list[str] | None = None
    cap_drop: list[str] | None = None
    command: list[str] | None = None
    count: int | None = None
    cpu_set: str | None = None
    cpu_shares: int | None = None
    create_index: int | None = None
    data_volume_mounts: Mapping[str, str | None] | None = None
    data_volumes: list[str] | None = None
    data_volumes_from: list[str] | None = None
    deployment_unit_uuid: str | None = None
    devices: list[str] | None = None
    dns: list[str] | None = None
    dns_search: list[str] | None = None
    domain_name: str | None = None
    entry_point: list[str] | None = None
    environment: Mapping[str, str | None] | None = None
    expose: list[str] | None = None
    extra_hosts: list[str] | None = None
    first_running: datetime | None = None
    health_check: InstanceHealthCheck | None = None
    health_state: str | None = None
    hostname: str | None = None
    image_uuid: str | None = None
    instance_links: Any = None
    labels: Mapping[str, str | None] | None = None
    log_config: LogConfig | None = None
    lxc_conf: Mapping[str, str | None] | None = None
    memory: int | None = None
    memory_swap: int | None = None
    native_container: bool | None = None
    network_container_id: str | None = None
    network_ids: list[str] | None = None
    network_mode: str | None = None
    pid_mode: str | None = None
    ports: list[str | Port] | None = None  # type: ignore[assignment]
    primary_ip_address: str | None = None
    privileged: bool | None = None
    publish_all_ports: bool | None = None
    read_only: bool | None = None
    registry_credential_id: str | None = None
    requested_host_id: str | None = None
    restart_policy: RestartPolicy | None = None
    security_opt: list[str] | None = None
    start_count: int | None = None
    start_on_create: bool | None = None
    stdin_open: bool | None = None
    system_container: str | None = None
    token: str | None = None
    tty: bool | None = None
    user: str | None = None
    valid_host_ids: list[str] | None = None
    version: str | None = None
    volume_driver: str | None = None
    working_dir: str | None = None
    network_container: Container | None = None
    registry_credential: RegistryCredential | None = None


class DigitaloceanConfig(BaseMachineConfig):
    """A machine at DigitalOcean."""

    type: str = "digitaloceanConfig"
    access_token: str | None = None
    backups: bool | None = None
    image: str | None = None
    ipv6: bool | None = None
    private_networking: bool | None = None
    region: str | None = None
    size: str | None = None
    ssh_user: str | None = None


class DnsService(Service):
    """A further name for the services that it is linked to."""

    type: str = "dnsService"


class ExoscaleConfig(BaseMachineConfig):
    """A machine at Exoscale."""

    type: str = "exoscaleConfig"
    api_key: str | None = None
    api_secret_key: str | None = None
    availability_zone: str | None = None
    disk_size: str | None = None
    image: str | None = None
    instance_profile: str | None = None
    security_group: list[str] | None = None
    url: str | None = None


class ExternalDnsEvent(ExternalEvent):
    """A service has been given a name in a public DNS."""

    type: str = "externalDnsEvent"
    fqdn: str | None = None
    service_name: str | None = None
    stack_name: str | None = None


class ExternalHostEvent(ExternalEvent):
    """Hosts are to be emptied: the one named, and those with a label."""

    type: str = "externalHostEvent"
    delete_host: bool | None = None
    host_id: str | None = None
    host_label: str | None = None


class ExternalService(Service):
    """Something outside, known inside by a name: addresses, or a host name."""

    type: str = "externalService"
    external_ip_addresses: list[str] | None = None
    health_check: InstanceHealthCheck | None = None
    hostname: str | None = None


class ExternalServiceEvent(ExternalEvent):
    """A service elsewhere came, changed or went."""

    type: str = "externalServiceEvent"
    environment: Any = None
    service: Any = None


class ExternalStoragePoolEvent(ExternalEvent):
    """A storage driver is there on certain hosts."""

    type: str = "externalStoragePoolEvent"
    host_uuids: list[str] | None = None
    storage_pool: StoragePool | None = None


class ExternalVolumeEvent(ExternalEvent):
    """A storage driver has made a volume."""

    type: str = "externalVolumeEvent"
    volume: Volume | None = None


class InServiceUpgradeStrategy(ServiceUpgradeStrategy):
    """Replacing the containers of a service by those of a new launch config, some at a time."""

    type: str = "inServiceUpgradeStrategy"
    launch_config: LaunchConfig | None = None
    previous_launch_config: LaunchConfig | None = None
    previous_secondary_launch_configs: list[SecondaryLaunchConfig] | None = None
    secondary_launch_configs: list[SecondaryLaunchConfig] | None = None
    start_first: bool | None = None


class LoadBalancerService(Service):
    """Containers that spread requests over the services they are linked to."""

    type: str = "loadBalancerService"
    certificate_ids: list[str] | None = None
    default_certificate_id: str | None = None
    load_balancer_config: LoadBalancerConfig | None = None


class LoadBalancerServiceLink(ServiceLink):
    """A service that requests go to. ports: which requests, as in a target's rules."""

    type: str = "loadBalancerServiceLink"
    ports: list[str] | None = None


class LoginToken(Credential):
    """One login of a person. provider: that let it in. user_kind: kind of the account at that time."""

    type: str = "loginToken"
    expires: datetime | None = None
    provider: str | None = None
    user_kind: str | None = None


class Machine(PhysicalHost):
    """A machine that is made and destroyed with its row. It has the configuration of exactly one driver."""

    type: str = "machine"
    auth_certificate_authority: str | None = None
    auth_key: str | None = None
    docker_version: str | None = None
    driver: str | None = None
    engine_opts: list[str] | None = None
    external_id: str | None = None
    extracted_config: str | None = None
    labels: Mapping[str, str | None] | None = None
    amazonec2_config: Amazonec2Config | None = None
    azure_config: AzureConfig | None = None
    digitalocean_config: DigitaloceanConfig | None = None
    exoscale_config: ExoscaleConfig | None = None
    openstack_config: OpenstackConfig | None = None
    packet_config: PacketConfig | None = None
    rackspace_config: RackspaceConfig | None = None
    softlayer_config: SoftlayerConfig | None = None
    ubiquity_config: UbiquityConfig | None = None
    virtualbox_config: VirtualboxConfig | None = None
    vmwarevcloudair_config: VmwarevcloudairConfig | None = None
    vmwarevsphere_config: VmwarevsphereConfig | None = None


class OpenstackConfig(BaseMachineConfig):
    """A machine in an OpenStack cloud."""

    type: str = "openstackConfig"
    auth_url: str | None = None
    availability_zone: str | None = None
    domain_id: str | None = None
    domain_name: str | None = None
    endpoint_type: str | None = None
    flavor_id: str | None = None
    flavor_name: str | None = None
    floatingip_pool: str | None = None
    image_id: str | None = None
    image_name: str | None = None
    insecure: bool | None = None
    net_id: str | None = None
    net_name: str | None = None
    password: str | None = None
    region: str | None = None
    sec_groups: str | None = None
    ssh_port: str | None = None
    ssh_user: str | None = None
    tenant_id: str | None = None
    tenant_name: str | None = None
    username: str | None = None


class PacketConfig(BaseMachineConfig):
    """A machine at Packet."""

    type: str = "packetConfig"
    api_key: str | None = None
    billing_cycle: str | None = None
    facility_code: str | None = None
    os: str | None = None
    plan: str | None = None
    project_id: str | None = None


class Password(Credential):
    """A login name and its password."""

    type: str = "password"


class Project(Account):
    """An environment: hosts, stacks and people of one team."""

    type: str = "project"
    members: list[ProjectMember] | None = None
    swarm: bool | None = None
    kubernetes: bool | None = None


class PullTask(GenericObject):
    """An image to be pulled on all hosts with certain labels. status: how far each host is, by its name."""

    type: str = "pullTask"
    image: str | None = None
    labels: Mapping[str, str | None] | None = None
    mode: str | None = None
    status: Mapping[str, str | None] | None = None


class RackspaceConfig(BaseMachineConfig):
    """A machine at Rackspace."""

    type: str = "rackspaceConfig"
    api_key: str | None = None
    docker_install: str | None = None
    endpoint_type: str | None = None
    flavor_id: str | None = None
    image_id: str | None = None
    region: str | None = None
    ssh_port: str | None = None
    ssh_user: str | None = None
    username: str | None = None


class Register(GenericObject):
    """A host's wish to join. secret_key: only a hash of it is kept."""

    type: str = "register"
    access_key: str | None = None
    agent_uri_format: str | None = None
    secret_key: str | None = None


class RegistrationToken(Credential):
    """With its token a host may join the environment."""

    type: str = "registrationToken"
    command: str | None = None
    image: str | None = None
    registration_url: str | None = None
    token: str | None = None


class Registry(StoragePool):
    """A server that images are pulled from."""

    type: str = "registry"
    server_address: str | None = None


class RegistryCredential(Credential):
    """A login at a registry."""

    type: str = "registryCredential"
    email: str | None = None
    registry_id: str | None = None
    registry: Registry | None = None


class SoftlayerConfig(BaseMachineConfig):
    """A machine at SoftLayer."""

    type: str = "softlayerConfig"
    api_endpoint: str | None = None
    api_key: str | None = None
    cpu: str | None = None
    disk_size: str | None = None
    domain: str | None = None
    hostname: str | None = None
    hourly_billing: bool | None = None
    image: str | None = None
    local_disk: bool | None = None
    memory: str | None = None
    private_net_only: bool | None = None
    private_vlan_id: str | None = None
    public_vlan_id: str | None = None
    region: str | None = None
    user: str | None = None


class ToServiceUpgradeStrategy(ServiceUpgradeStrategy):
    """Moving from one service to another, some containers at a time."""

    type: str = "toServiceUpgradeStrategy"
    final_scale: int | None = None
    to_service_id: str | None = None
    update_links: bool | None = None


class UbiquityConfig(BaseMachineConfig):
    """A machine at Ubiquity Hosting."""

    type: str = "ubiquityConfig"
    api_token: str | None = None
    api_username: str | None = None
    client_id: str | None = None
    flavor_id: str | None = None
    image_id: str | None = None
    zone_id: str | None = None


class VirtualboxConfig(BaseMachineConfig):
    """A machine in VirtualBox, on the computer that runs the driver."""

    type: str = "virtualboxConfig"
    boot2docker_url: str | None = None
    cpu_count: str | None = None
    disk_size: str | None = None
    hostonly_cidr: str | None = None
    import_boot2docker_vm: str | None = msgspec.field(default=None, name="importBoot2dockerVm")
    memory: str | None = None
    no_share: bool | None = None


class VmwarevcloudairConfig(BaseMachineConfig):
    """A machine at VMware vCloud Air."""

    type: str = "vmwarevcloudairConfig"
    catalog: str | None = None
    catalogitem: str | None = None
    computeid: str | None = None
    cpu_count: str | None = None
    docker_port: str | None = None
    edgegateway: str | None = None
    memory_size: str | None = None
    orgvdcnetwork: str | None = None
    password: str | None = None
    provision: bool | None = None
    publicip: str | None = None
    ssh_port: str | None = None
    username: str | None = None
    vdcid: str | None = None


class VmwarevsphereConfig(BaseMachineConfig):
    """A machine in VMware vSphere."""

    type: str = "vmwarevsphereConfig"
    boot2docker_url: str | None = None
    compute_ip: str | None = None
    cpu_count: str | None = None
    datacenter: str | None = None
    datastore: str | None = None
    disk_size: str | None = None
    memory_size: str | None = None
    network: str | None = None
    password: str | None = None
    pool: str | None = None
    username: str | None = None
    vcenter: str | None = None


class LaunchConfig(Container):
    """What each container of a service is made from."""

    type: str = "launchConfig"
    instance_links: Mapping[str, str | None] | None = None
    ports: list[str] | None = None  # type: ignore[assignment]
    data_volumes_from_launch_configs: list[str] | None = None
    network_launch_config: str | None = None


class SecondaryLaunchConfig(LaunchConfig):
    """A sidekick: a further container in each unit of a service."""

    type: str = "secondaryLaunchConfig"
    name: str | None = None


TYPES: dict[str, type[Resource]] = {
    "account": Account,
    "activeSetting": ActiveSetting,
    "addLoadBalancerInput": AddLoadBalancerInput,
    "addOutputsInput": AddOutputsInput,
    "addRemoveClusterHostInput": AddRemoveClusterHostInput,
    "addRemoveLoadBalancerHostInput": AddRemoveLoadBalancerHostInput,
    "addRemoveLoadBalancerListenerInput": AddRemoveLoadBalancerListenerInput,
    "addRemoveLoadBalancerServiceLinkInput": AddRemoveLoadBalancerServiceLinkInput,
    "addRemoveLoadBalancerTargetInput": AddRemoveLoadBalancerTargetInput,
    "addRemoveServiceLinkInput": AddRemoveServiceLinkInput,
    "agent": Agent,
    "agentApiKey": AgentApiKey,
    "amazonec2Config": Amazonec2Config,
    "apiKey": ApiKey,
    "auditLog": AuditLog,
    "azureConfig": AzureConfig,
    "baseMachineConfig": BaseMachineConfig,
    "certificate": Certificate,
    "changeSecretInput": ChangeSecretInput,
    "cluster": Cluster,
    "composeConfig": ComposeConfig,
    "composeConfigInput": ComposeConfigInput,
    "configContent": ConfigContent,
    "configItem": ConfigItem,
    "configItemStatus": ConfigItemStatus,
    "container": Container,
    "containerEvent": ContainerEvent,
    "containerExec": ContainerExec,
    "containerLogs": ContainerLogs,
    "credential": Credential,
    "databasechangelog": Databasechangelog,
    "databasechangeloglock": Databasechangeloglock,
    "digitaloceanConfig": DigitaloceanConfig,
    "dnsService": DnsService,
    "dockerBuild": DockerBuild,
    "dynamicSchema": DynamicSchema,
    "environment": Environment,
    "environmentUpgrade": EnvironmentUpgrade,
    "exoscaleConfig": ExoscaleConfig,
    "extensionImplementation": ExtensionImplementation,
    "extensionPoint": ExtensionPoint,
    "externalDnsEvent": ExternalDnsEvent,
    "externalEvent": ExternalEvent,
    "externalHandler": ExternalHandler,
    "externalHandlerExternalHandlerProcessMap": ExternalHandlerExternalHandlerProcessMap,
    "externalHandlerProcess": ExternalHandlerProcess,
    "externalHandlerProcessConfig": ExternalHandlerProcessConfig,
    "externalHostEvent": ExternalHostEvent,
    "externalService": ExternalService,
    "externalServiceEvent": ExternalServiceEvent,
    "externalStoragePoolEvent": ExternalStoragePoolEvent,
    "externalVolumeEvent": ExternalVolumeEvent,
    "fieldDocumentation": FieldDocumentation,
    "genericObject": GenericObject,
    "githubconfig": Githubconfig,
    "globalLoadBalancer": GlobalLoadBalancer,
    "globalLoadBalancerHealthCheck": GlobalLoadBalancerHealthCheck,
    "globalLoadBalancerPolicy": GlobalLoadBalancerPolicy,
    "healthcheckInstance": HealthcheckInstance,
    "healthcheckInstanceHostMap": HealthcheckInstanceHostMap,
    "host": Host,
    "hostAccess": HostAccess,
    "hostApiProxyToken": HostApiProxyToken,
    "identity": Identity,
    "image": Image,
    "imageStoragePoolMap": ImageStoragePoolMap,
    "inServiceUpgradeStrategy": InServiceUpgradeStrategy,
    "instance": Instance,
    "instanceConsole": InstanceConsole,
    "instanceConsoleInput": InstanceConsoleInput,
    "instanceHealthCheck": InstanceHealthCheck,
    "instanceHostMap": InstanceHostMap,
    "instanceLink": InstanceLink,
    "instanceStop": InstanceStop,
    "ipAddress": IpAddress,
    "ipAddressAssociateInput": IpAddressAssociateInput,
    "label": Label,
    "launchConfig": LaunchConfig,
    "ldapconfig": Ldapconfig,
    "loadBalancer": LoadBalancer,
    "loadBalancerAppCookieStickinessPolicy": LoadBalancerAppCookieStickinessPolicy,
    "loadBalancerConfig": LoadBalancerConfig,
    "loadBalancerConfigListenerMap": LoadBalancerConfigListenerMap,
    "loadBalancerCookieStickinessPolicy": LoadBalancerCookieStickinessPolicy,
    "loadBalancerHealthCheck": LoadBalancerHealthCheck,
    "loadBalancerHostMap": LoadBalancerHostMap,
    "loadBalancerListener": LoadBalancerListener,
    "loadBalancerService": LoadBalancerService,
    "loadBalancerServiceLink": LoadBalancerServiceLink,
    "loadBalancerTarget": LoadBalancerTarget,
    "localAuthConfig": LocalAuthConfig,
    "logConfig": LogConfig,
    "loginToken": LoginToken,
    "machine": Machine,
    "mount": Mount,
    "network": Network,
    "nic": Nic,
    "openidconfig": Openidconfig,
    "openstackConfig": OpenstackConfig,
    "packetConfig": PacketConfig,
    "password": Password,
    "physicalHost": PhysicalHost,
    "port": Port,
    "processDefinition": ProcessDefinition,
    "processExecution": ProcessExecution,
    "processInstance": ProcessInstance,
    "project": Project,
    "projectMember": ProjectMember,
    "publicEndpoint": PublicEndpoint,
    "publish": Publish,
    "pullTask": PullTask,
    "rackspaceConfig": RackspaceConfig,
    "register": Register,
    "registrationToken": RegistrationToken,
    "registry": Registry,
    "registryCredential": RegistryCredential,
    "removeLoadBalancerInput": RemoveLoadBalancerInput,
    "resourceDefinition": ResourceDefinition,
    "restartPolicy": RestartPolicy,
    "secondaryLaunchConfig": SecondaryLaunchConfig,
    "service": Service,
    "serviceConsumeMap": ServiceConsumeMap,
    "serviceEvent": ServiceEvent,
    "serviceExposeMap": ServiceExposeMap,
    "serviceLink": ServiceLink,
    "serviceUpgrade": ServiceUpgrade,
    "serviceUpgradeStrategy": ServiceUpgradeStrategy,
    "setLabelsInput": SetLabelsInput,
    "setLoadBalancerHostsInput": SetLoadBalancerHostsInput,
    "setLoadBalancerListenersInput": SetLoadBalancerListenersInput,
    "setLoadBalancerServiceLinksInput": SetLoadBalancerServiceLinksInput,
    "setLoadBalancerTargetsInput": SetLoadBalancerTargetsInput,
    "setProjectMembersInput": SetProjectMembersInput,
    "setServiceLinksInput": SetServiceLinksInput,
    "setting": Setting,
    "snapshot": Snapshot,
    "softlayerConfig": SoftlayerConfig,
    "stateTransition": StateTransition,
    "statsAccess": StatsAccess,
    "storagePool": StoragePool,
    "subscribe": Subscribe,
    "task": Task,
    "taskInstance": TaskInstance,
    "toServiceUpgradeStrategy": ToServiceUpgradeStrategy,
    "token": Token,
    "typeDocumentation": TypeDocumentation,
    "ubiquityConfig": UbiquityConfig,
    "userPreference": UserPreference,
    "virtualboxConfig": VirtualboxConfig,
    "vmwarevcloudairConfig": VmwarevcloudairConfig,
    "vmwarevsphereConfig": VmwarevsphereConfig,
    "volume": Volume,
    "volumeStoragePoolMap": VolumeStoragePoolMap,
    "zone": Zone,
}
"""The class of each type."""


class Collections:
    """The collections of the API, each by the plural of its type."""

    accounts: Collection[Account]
    agents: Collection[Agent]
    agent_api_keys: Collection[AgentApiKey]
    api_keys: Collection[ApiKey]
    audit_logs: Collection[AuditLog]
    certificates: Collection[Certificate]
    clusters: Collection[Cluster]
    containers: Collection[Container]
    container_events: Collection[ContainerEvent]
    credentials: Collection[Credential]
    dns_services: Collection[DnsService]
    dynamic_schemas: Collection[DynamicSchema]
    environments: Collection[Environment]
    external_dns_events: Collection[ExternalDnsEvent]
    external_events: Collection[ExternalEvent]
    external_handlers: Collection[ExternalHandler]
    external_handler_external_handler_process_maps: Collection[ExternalHandlerExternalHandlerProcessMap]
    external_handler_processes: Collection[ExternalHandlerProcess]
    external_host_events: Collection[ExternalHostEvent]
    external_services: Collection[ExternalService]
    external_service_events: Collection[ExternalServiceEvent]
    external_storage_pool_events: Collection[ExternalStoragePoolEvent]
    external_volume_events: Collection[ExternalVolumeEvent]
    generic_objects: Collection[GenericObject]
    githubconfigs: Collection[Githubconfig]
    global_load_balancers: Collection[GlobalLoadBalancer]
    healthcheck_instances: Collection[HealthcheckInstance]
    healthcheck_instance_host_maps: Collection[HealthcheckInstanceHostMap]
    hosts: Collection[Host]
    identities: Collection[Identity]
    images: Collection[Image]
    image_storage_pool_maps: Collection[ImageStoragePoolMap]
    instances: Collection[Instance]
    instance_host_maps: Collection[InstanceHostMap]
    instance_links: Collection[InstanceLink]
    ip_addresses: Collection[IpAddress]
    labels: Collection[Label]
    ldapconfigs: Collection[Ldapconfig]
    load_balancers: Collection[LoadBalancer]
    load_balancer_configs: Collection[LoadBalancerConfig]
    load_balancer_config_listener_maps: Collection[LoadBalancerConfigListenerMap]
    load_balancer_host_maps: Collection[LoadBalancerHostMap]
    load_balancer_listeners: Collection[LoadBalancerListener]
    load_balancer_services: Collection[LoadBalancerService]
    load_balancer_targets: Collection[LoadBalancerTarget]
    local_auth_configs: Collection[LocalAuthConfig]
    login_tokens: Collection[LoginToken]
    machines: Collection[Machine]
    mounts: Collection[Mount]
    networks: Collection[Network]
    nics: Collection[Nic]
    openidconfigs: Collection[Openidconfig]
    passwords: Collection[Password]
    physical_hosts: Collection[PhysicalHost]
    ports: Collection[Port]
    projects: Collection[Project]
    project_members: Collection[Identity]
    pull_tasks: Collection[PullTask]
    register: Collection[Register]
    registration_tokens: Collection[RegistrationToken]
    registries: Collection[Registry]
    registry_credentials: Collection[RegistryCredential]
    services: Collection[Service]
    service_consume_maps: Collection[ServiceConsumeMap]
    service_events: Collection[ServiceEvent]
    service_expose_maps: Collection[ServiceExposeMap]
    settings: Collection[ActiveSetting]
    snapshots: Collection[Snapshot]
    storage_pools: Collection[StoragePool]
    tasks: Collection[Task]
    task_instances: Collection[TaskInstance]
    tokens: Collection[Token]
    type_documentations: Collection[TypeDocumentation]
    user_preferences: Collection[UserPreference]
    volumes: Collection[Volume]
    volume_storage_pool_maps: Collection[VolumeStoragePoolMap]
    zones: Collection[Zone]


COLLECTIONS = {
    "accounts": "accounts",
    "agents": "agents",
    "agent_api_keys": "agentApiKeys",
    "api_keys": "apiKeys",
    "audit_logs": "auditLogs",
    "certificates": "certificates",
    "clusters": "clusters",
    "containers": "containers",
    "container_events": "containerEvents",
    "credentials": "credentials",
    "dns_services": "dnsServices",
    "dynamic_schemas": "dynamicSchemas",
    "environments": "environments",
    "external_dns_events": "externalDnsEvents",
    "external_events": "externalEvents",
    "external_handlers": "externalHandlers",
    "external_handler_external_handler_process_maps": "externalHandlerExternalHandlerProcessMaps",
    "external_handler_processes": "externalHandlerProcesses",
    "external_host_events": "externalHostEvents",
    "external_services": "externalServices",
    "external_service_events": "externalServiceEvents",
    "external_storage_pool_events": "externalStoragePoolEvents",
    "external_volume_events": "externalVolumeEvents",
    "generic_objects": "genericObjects",
    "githubconfigs": "githubconfigs",
    "global_load_balancers": "globalLoadBalancers",
    "healthcheck_instances": "healthcheckInstances",
    "healthcheck_instance_host_maps": "healthcheckInstanceHostMaps",
    "hosts": "hosts",
    "identities": "identities",
    "images": "images",
    "image_storage_pool_maps": "imageStoragePoolMaps",
    "instances": "instances",
    "instance_host_maps": "instanceHostMaps",
    "instance_links": "instanceLinks",
    "ip_addresses": "ipAddresses",
    "labels": "labels",
    "ldapconfigs": "ldapconfigs",
    "load_balancers": "loadBalancers",
    "load_balancer_configs": "loadBalancerConfigs",
    "load_balancer_config_listener_maps": "loadBalancerConfigListenerMaps",
    "load_balancer_host_maps": "loadBalancerHostMaps",
    "load_balancer_listeners": "loadBalancerListeners",
    "load_balancer_services": "loadBalancerServices",
    "load_balancer_targets": "loadBalancerTargets",
    "local_auth_configs": "localAuthConfigs",
    "login_tokens": "loginTokens",
    "machines": "machines",
    "mounts": "mounts",
    "networks": "networks",
    "nics": "nics",
    "openidconfigs": "openidconfigs",
    "passwords": "passwords",
    "physical_hosts": "physicalHosts",
    "ports": "ports",
    "projects": "projects",
    "project_members": "projectMembers",
    "pull_tasks": "pullTasks",
    "register": "register",
    "registration_tokens": "registrationTokens",
    "registries": "registries",
    "registry_credentials": "registryCredentials",
    "services": "services",
    "service_consume_maps": "serviceConsumeMaps",
    "service_events": "serviceEvents",
    "service_expose_maps": "serviceExposeMaps",
    "settings": "settings",
    "snapshots": "snapshots",
    "storage_pools": "storagePools",
    "tasks": "tasks",
    "task_instances": "taskInstances",
    "tokens": "tokens",
    "type_documentations": "typeDocumentations",
    "user_preferences": "userPreferences",
    "volumes": "volumes",
    "volume_storage_pool_maps": "volumeStoragePoolMaps",
    "zones": "zones",
}
"""Plural in the API of each attribute of `Collections`."""
