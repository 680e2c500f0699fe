"""What the server does and has done, for administrators to look at: views, without rows of their own."""

from __future__ import annotations

from trailboss.declare import ADMIN_ONLY, Resource, date, embedded, flag, listing, mapping, number, ref, text


class ForAdmins(Resource):
    """What all of them share: administrators look, nobody writes."""

    roles = ADMIN_ONLY
    served = False


class ResourceDefinition(ForAdmins):
    """A type with states. Its id is its name."""

    type = "resourceDefinition"

    id = text(nullable=False)
    name = text(nullable=False)


class ProcessDefinition(ForAdmins):
    """A process of a type, such as `instance.start`, and who takes part in it."""

    type = "processDefinition"

    extension_based = flag(nullable=False)
    id = text(nullable=False)
    name = text(create=True, update=True, nullable=False)
    post_process_listeners = embedded("extensionPoint", nullable=False)
    pre_process_listeners = embedded("extensionPoint", nullable=False)
    process_handlers = embedded("extensionPoint", nullable=False)
    resource_type = text(nullable=False)
    state_transitions = listing("stateTransition", nullable=False)


class StateTransition(ForAdmins):
    """A step from one state to another."""

    type = "stateTransition"
    listable = False


class ProcessInstance(ForAdmins):
    """One run of a process on one resource."""

    type = "processInstance"
    links = ("processExecutions",)

    data = mapping("json", max_length=16777215)
    end_time = date(column=True)
    exit_reason = text(column=True, max_length=128)
    id = number(column=True)
    phase = text(column=True, max_length=128)
    priority = number(column=True)
    process_name = text(column=True, max_length=128)
    resource_id = text(column=True, max_length=128)
    resource_type = text(column=True, max_length=128)
    result = text(column=True, max_length=128)
    running_process_server_id = text(column=True, max_length=128)
    start_process_server_id = text(column=True, max_length=128)
    start_time = date(column=True)


class ProcessExecution(ForAdmins):
    """One attempt of a run, with what it wrote down."""

    type = "processExecution"

    id = number(column=True)
    log = mapping("json", max_length=16777215)
    process_instance_id = ref("processInstance", nullable=False, column=True)
    uuid = text(column=True, max_length=128)


class ExtensionPoint(ForAdmins):
    """A place where parts can be plugged in, and those that are."""

    type = "extensionPoint"

    exclude_setting = text(nullable=False)
    implementations = listing("extensionImplementation", nullable=False)
    include_setting = text(nullable=False)
    list_setting = text(nullable=False)
    name = text(create=True, update=True, nullable=False)


class ExtensionImplementation(ForAdmins):
    """A part that is plugged in."""

    type = "extensionImplementation"
    listable = False

    class_name = text(nullable=False)
    name = text(nullable=False)
    properties = mapping("string", nullable=False)
