"""Programs outside of the server that take part in processes: they are told, and answer with `publish`."""

from __future__ import annotations

from trailboss.declare import ADMIN_ONLY, ADMINS, Link, Resource, generic, listing, mapping, number, ref, text
from trailboss.resources.entity import Entity

_THROUGH = "externalHandlerExternalHandlerProcessMap"


class ExternalHandler(Entity):
    """A program that handles processes. timeout_millis: how long it may take before it is told again."""

    type = "externalHandler"
    roles = dict.fromkeys(ADMINS, "cru")
    hidden = ("account_id",)
    served = False
    machine = generic("externalhandler")
    links = (
        "externalHandlerExternalHandlerProcessMaps",
        Link(
            "externalHandlerProcesses",
            "externalHandlerProcess",
            through=(_THROUGH, "external_handler_id", "external_handler_process_id"),
        ),
    )

    priority = number(create=True, update=True, column=True)
    process_configs = listing("externalHandlerProcessConfig", create=True, required=True, nullable=False)
    retries = number(create=True, update=True, min=1)
    timeout_millis = number(create=True, update=True, min=1000)


class ExternalHandlerProcess(Entity):
    """A process that handlers take part in, by its name."""

    type = "externalHandlerProcess"
    roles = ADMIN_ONLY
    hidden = ("account_id",)
    served = False
    machine = generic("externalhandlerprocess")
    links = (
        "externalHandlerExternalHandlerProcessMaps",
        Link(
            "externalHandlers",
            "externalHandler",
            through=(_THROUGH, "external_handler_process_id", "external_handler_id"),
        ),
    )


class ExternalHandlerExternalHandlerProcessMap(Entity):
    """A handler takes part in a process. on_error: the process that follows if it fails."""

    type = "externalHandlerExternalHandlerProcessMap"
    roles = ADMIN_ONLY
    hidden = ("account_id",)
    served = False
    machine = generic("externalhandlerexternalhandlerprocessmap")

    external_handler_id = ref("externalHandler", column=True)
    external_handler_process_id = ref("externalHandlerProcess", column=True)
    on_error = text(column=True)


class ExternalHandlerProcessConfig(Resource):
    """What a handler wants to take part in: names of processes, separated by commas."""

    type = "externalHandlerProcessConfig"
    roles = dict.fromkeys(ADMINS, "cr")
    listable = False

    name = text(create=True, nullable=False)
    on_error = text(create=True, nullable=False)


class Publish(Resource):
    """An answer to an event. previous_ids: the events it answers."""

    type = "publish"
    plural = "publish"
    roles = dict.fromkeys((*ADMINS, "agent"), "cr")
    listable = False
    served = False

    data = mapping("json", create=True)
    id = text(create=True, nullable=False)
    name = text(create=True, required=True, nullable=False)
    previous_ids = listing("string", create=True, nullable=False)
    publisher = text(create=True, nullable=False)
    resource_id = text(create=True)
    resource_type = text(create=True)
    time = number(create=True)
    transitioning = text(create=True, nullable=False)
    transitioning_internal_message = text(create=True, nullable=False)
    transitioning_message = text(create=True, nullable=False)
    transitioning_progress = number(create=True)
