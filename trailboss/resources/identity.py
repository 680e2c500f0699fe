"""Who somebody is, as the login provider says, and the session that begins with a login. No rows."""

from __future__ import annotations

from trailboss.declare import Resource, embedded, flag, ref, text


class Identity(Resource):
    """A person, group or organisation at a login provider. Found by `name` (exactly) or by `all` (anywhere)."""

    type = "identity"
    served = False

    all = text(create=True, filter_as="array")
    external_id = text(create=True, required=True, nullable=False)
    external_id_type = text(create=True, required=True, nullable=False)
    id = text()
    login = text(create=True)
    name = text(create=True, filter_as="array")
    profile_picture = text(create=True)
    profile_url = text(create=True)
    project_id = ref("project", create=True)
    role = text(create=True)


class Token(Resource):
    """A login. code: `name:password`, or what the provider gave. jwt: what later requests are sent with."""

    type = "token"
    roles = {"token": "cr"}
    served = False

    account_id = text()
    auth_provider = text()
    client_id = text()
    code = text(create=True, required=True, secret=True)
    enabled = flag()
    hostname = text()
    jwt = text()
    security = flag()
    user = text()
    user_identity = embedded("identity", read=("token",))
    user_type = text()
