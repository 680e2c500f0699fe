"""Types of the original's own machinery that clients may ask for, and that have nothing behind them here.

Agents are told what to run over their session, not by versioned files; the schema's history is kept by the
migrations. The collections are empty.
"""

from __future__ import annotations

from trailboss.declare import ADMIN_ONLY, ADMINS, Resource, date, flag, number, ref, text


class ConfigItem(Resource):
    """A set of files that agents used to fetch."""

    type = "configItem"
    roles = ADMIN_ONLY
    served = False

    id = number(column=True)
    name = text(create=True, update=True, column=True)
    source_version = text(column=True, max_length=1024)


class ConfigItemStatus(Resource):
    """Which version of a set of files an agent wants and has."""

    type = "configItemStatus"
    roles = dict.fromkeys(ADMINS, "ru")
    served = False

    account_id = ref("account", column=True)
    agent_id = ref("agent", column=True)
    applied_updated = date(column=True)
    applied_version = number(update=True, nullable=False, column=True)
    id = number(column=True)
    name = text(create=True, update=True, column=True)
    requested_updated = date(nullable=False, column=True)
    requested_version = number(nullable=False, column=True)
    source_version = text(column=True)


class ConfigContent(Resource):
    """The files themselves, fetched by an agent, which confirms the version."""

    type = "configContent"
    plural = "configContent"
    roles = {"agent": "ru"}
    served = False

    agent_id = ref("agent", update=True)
    version = text(update=True)


class DatabaseChangeLog(Resource):
    """A change of the database's schema that was applied."""

    type = "databasechangelog"
    roles = dict.fromkeys(ADMINS, "rd")
    served = False

    author = text(column=True)
    comments = text(column=True)
    dateexecuted = date(nullable=False, column=True)
    description = text(column=True)
    exectype = text(column=True, max_length=10)
    filename = text(column=True)
    id = text(nullable=False, column=True)
    liquibase = text(column=True, max_length=20)
    md5sum = text(column=True, max_length=35)
    orderexecuted = number(nullable=False, column=True)
    tag = text(column=True)


class DatabaseChangeLogLock(Resource):
    """Who changes the database's schema at the moment."""

    type = "databasechangeloglock"
    roles = dict.fromkeys(ADMINS, "rd")
    served = False

    id = number(column=True)
    locked = flag(nullable=False, column=True)
    lockedby = text(column=True)
    lockgranted = date(column=True)
