"""What the API says about itself besides its schemas (`values.py`): documentation, and errors."""

from __future__ import annotations

from trailboss.declare import Resource, mapping, number, text


class TypeDocumentation(Resource):
    """What a type is for. Its id is the type's name."""

    type = "typeDocumentation"
    plain_id = True
    served = False

    description = text(create=True, update=True, nullable=False)
    id = text(nullable=False)
    resource_fields = mapping("fieldDocumentation", nullable=False)


class FieldDocumentation(Resource):
    """What a field is for."""

    type = "fieldDocumentation"
    plain_id = True
    listable = False

    description = text(create=True, update=True, nullable=False)


class Error(Resource):
    """Why a request was refused."""

    type = "error"
    roles = {"agent": "r", "agentRegister": "r"}
    listable = False

    code = text(nullable=False)
    detail = text(nullable=False)
    message = text(nullable=False)
    status = number(nullable=False)
