"""How people prove who they are: by names and passwords kept here, by GitHub, or by an LDAP directory.

One of them is in force at a time. There are no rows: each shows and changes settings.
"""

from __future__ import annotations

from trailboss.declare import ADMINS, Field, Resource, flag, listing, number, text

ACCESS_MODES = ("unrestricted", "restricted")


class LocalAuthConfig(Resource):
    """Names and passwords that are kept here."""

    type = "localAuthConfig"
    roles = dict.fromkeys(ADMINS, "cr")
    served = False

    access_mode = text(create=True, default="unrestricted")
    enabled = flag(create=True)
    name = text(create=True, default="admin")
    password: Field[str] = Field(
        "password", create=True, required=True, nullable=False, secret=True, read_on_create_only=True
    )
    username = text(create=True, required=True, nullable=False)


class GithubConfig(Resource):
    """GitHub, or a GitHub Enterprise server."""

    type = "githubconfig"
    roles = dict.fromkeys(ADMINS, "cru")
    served = False

    access_mode = text(create=True, required=True, nullable=False, default="unrestricted", options=ACCESS_MODES)
    allowed_identities = listing("identity", create=True)
    client_id = text(create=True)
    client_secret = text(create=True, secret=True, read_on_create_only=True)
    enabled = flag(create=True)
    hostname = text(create=True)
    name = text(create=True, update=True, nullable=False)
    scheme = text(create=True)


class LdapConfig(Resource):
    """A directory in the manner of Active Directory."""

    type = "ldapconfig"
    roles = dict.fromkeys(ADMINS, "cru")
    served = False

    access_mode = text(create=True, required=True, nullable=False, default="unrestricted", options=ACCESS_MODES)
    enabled = flag(create=True)
    name = text(nullable=False)

    server = text(create=True, required=True, nullable=False, min_length=1)
    port = number(create=True, required=True, nullable=False, default=389)
    tls = flag(create=True, required=True, nullable=False)
    service_account_username = text(create=True, required=True, nullable=False, min_length=1)
    service_account_password = text(create=True, required=True, min_length=1, secret=True, read_on_create_only=True)

    domain = text(create=True, required=True, nullable=False, min_length=1)
    login_domain = text(create=True)
    group_name_field = text(create=True, required=True, nullable=False, default="name")
    group_object_class = text(create=True, required=True, nullable=False, default="group")
    group_search_field = text(create=True, required=True, nullable=False, default="sAMAccountName")
    user_disabled_bit_mask = number(create=True, nullable=False, default=2)
    user_enabled_attribute = text(create=True, nullable=False, default="userAccountControl")
    user_login_field = text(create=True, required=True, nullable=False, default="sAMAccountName")
    user_name_field = text(create=True, required=True, nullable=False, default="name")
    user_object_class = text(create=True, required=True, nullable=False, default="person")
    user_search_field = text(create=True, required=True, nullable=False, default="sAMAccountName")
