"""What leads to a live stream besides `hostAccess`: statistics, consoles, and an agent's token for serving them."""

from __future__ import annotations

from trailboss.declare import ADMIN_ONLY, AGENTS, Resource, text


class StatsAccess(Resource):
    """Where statistics are to be had: a websocket URL and the token that opens it once."""

    type = "statsAccess"

    token = text(nullable=False)
    url = text(nullable=False)


class InstanceConsole(Resource):
    """Where the screen of a virtual machine is to be had."""

    type = "instanceConsole"
    listable = False

    kind = text(nullable=False)
    password = text(nullable=False)
    url = text(nullable=False)


class InstanceConsoleInput(Resource):
    """What a console is asked for with: nothing."""

    type = "instanceConsoleInput"
    listable = False


class HostApiProxyToken(Resource):
    """With it an agent offers the live streams of its host to the server."""

    type = "hostApiProxyToken"
    roles = ADMIN_ONLY | {"agent": "cr"}
    served = False

    reported_uuid = text(create=AGENTS, nullable=False)
    token = text(nullable=False)
    url = text(nullable=False)
