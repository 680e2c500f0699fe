"""Members of an environment: who may do what in it."""

from __future__ import annotations

from trailboss.declare import generic, ref, text
from trailboss.resources.entity import Entity

IDENTITY_TYPES = ("github_user", "github_org", "github_team", "rancher_id", "ldap_user", "ldap_group")


class ProjectMember(Entity):
    """One identity and its role."""

    type = "projectMember"
    roles = {"project": "r", "user": "cr", "readonly": "r", "admin": "cr", "service": "r"}
    machine = generic("projectmember")

    name = text(column=True)
    external_id = text(create=True, column=True)
    external_id_type = text(create=True, column=True, default="rancher_id", options=IDENTITY_TYPES, filter_as="string")
    project_id = ref("project", column=True, nullable=False)
    role = text(
        create=True,
        column=True,
        default="member",
        options=("member", "owner", "readonly", "restricted"),
        filter_as="string",
    )
