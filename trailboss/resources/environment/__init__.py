"""Stacks, which the v1 API calls `environment`: services that belong together, often from a compose text."""

from __future__ import annotations

from trailboss.declare import MANY, Action, Behaviour, flag, machine, mapping, text
from trailboss.resources.entity import Entity


class Environment(Entity):
    """A stack."""

    type = "environment"
    roles = MANY
    machine = machine(
        "environment",
        """
        create:         requested                   -> activating         -> active
        update:         active                      -> updating-active    -> active
        error:          activating                  -> erroring           -> error
        upgrade:        active                      -> upgrading          -> upgraded
        cancelupgrade:  upgrading                   -> canceling-upgrade  -> canceled-upgrade
        rollback:       upgraded canceled-upgrade   -> rolling-back       -> active
        cancelrollback: rolling-back                -> canceling-rollback -> canceled-upgrade
        finishupgrade:  upgraded canceled-upgrade   -> finishing-upgrade  -> active
        remove: requested active activating updating-active error erroring upgrading upgraded canceling-upgrade canceled-upgrade rolling-back canceling-rollback finishing-upgrade -> removing -> removed
        """,  # noqa: E501  (one process, one line)
    )
    links = ("services",)
    actions = (
        Action("upgrade", "environmentUpgrade"),
        Action("activateservices", None, "environment"),
        Action("deactivateservices", None, "environment"),
        Action("addoutputs", "addOutputsInput", "environment"),
        Action("exportconfig", "composeConfigInput", "composeConfig"),
    )
    unserved = ("upgrade", "cancelupgrade", "rollback", "cancelrollback", "finishupgrade")
    on_failure = "error"

    name = text(
        create=True, update=True, required=True, column=True, min_length=1, max_length=255, valid_chars="a-zA-Z0-9-"
    )
    docker_compose = text(create=True, nullable=False)
    environment = mapping("string", create=True, nullable=False)
    external_id = text(create=True, update=True, column=True, max_length=128)
    outputs = mapping("string", create=True, update=True)
    previous_external_id = text(create=True, update=True)
    rancher_compose = text(create=True, nullable=False)
    start_on_create = flag(create=True)

    purge_at_once = flag(read=())


from trailboss.resources.environment import actions, export, reconcile  # noqa: E402

Environment.behaviour = Behaviour(
    prepare=actions.prepare,
    created=actions.created,
    update=actions.update,
    delete=actions.delete,
    actions={
        "activateservices": actions.activate_services,
        "deactivateservices": actions.deactivate_services,
        "addoutputs": actions.add_outputs,
        "exportconfig": export.export_config,
    },
    downloads={"composeConfig": export.as_zip},
    ahead=reconcile.ahead,
    load=reconcile.load,
    reconcile=reconcile.reconcile,
    settled=actions.settled,
)
