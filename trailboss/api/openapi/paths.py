"""What can be asked of the types of a role: one path per collection, per resource and per link.

All actions of a resource are one operation, `POST /<plural>/{id}?action=<name>`, because a path of OpenAPI has no
query; `x-actions` says what each takes and gives. Types that have no rows, and only are sent inside others, have no
path.
"""

from __future__ import annotations

from typing import Any

from trailboss.api.openapi import parameters
from trailboss.api.openapi.components import JsonSchema, answered, content, ref
from trailboss.api.openapi.parameters import Parameter
from trailboss.api.schemas import RoleView, TypeView
from trailboss.declare import Link

Operation = dict[str, Any]

_TEXT: JsonSchema = {"type": "string"}
_REPEATED = ("Idempotency-Replayed", "X-API-Withheld")


def of(role: RoleView) -> dict[str, Any]:
    """Return the `paths` of a role."""
    found: dict[str, Any] = {}
    for view in role.types.values():
        if view.type.type == "schema" or _has_rows(view):
            found |= _paths_of(view, role)
    return found


def _has_rows(view: TypeView) -> bool:
    return view.type.stored or (view.type.served and view.type.behaviour.listed is not None)


def _paths_of(view: TypeView, role: RoleView) -> dict[str, Any]:
    collection, resource = _on_collection(view, role), _on_resource(view, role)
    path = f"/{view.type.plural.lower()}"
    found: dict[str, Any] = {path: collection} if collection else {}
    if resource:
        found[f"{path}/{{id}}"] = {"parameters": [_id(view)], **resource}
    if "GET" in view.resource_methods:
        followed = {link.name: _follow(view, link, role) for link in view.relations.values()}
        followed |= {name: _download(view, name) for name in view.type.behaviour.downloads}
        for name, operation in followed.items():
            found[f"{path}/{{id}}/{name.lower()}"] = {"parameters": [_id(view)], "get": operation}
    return found


def _id(view: TypeView) -> Parameter:
    return {"name": "id", "in": "path", "required": True, "description": f"of a {view.type.type}", "schema": _TEXT}


def _on_collection(view: TypeView, role: RoleView) -> dict[str, Operation]:
    found = {}
    name = _capital(view.type.type)
    if view.is_listable:
        page = _answer("A page of the collection.", ref(f"{view.type.type}Collection"))
        found["get"] = _operation(
            view, f"list{_capital(view.type.plural)}", {"200": page}, parameters.of_collection(view)
        )
    if "POST" in view.collection_methods:
        shown = {view.type.type: ref(view.type.type)}
        if view.type.answered_as:
            # of what was there already it gives what a read gives
            shown[view.type.answered_as] = ref(view.type.answered_as)
        made = _answer("It is made, or being made.", _any(shown), "ETag", *_REPEATED)
        found["post"] = _operation(view, f"create{name}", {"201": made}, parameters.of_write(), _body(view, "Create"))
    return found


def _on_resource(view: TypeView, role: RoleView) -> dict[str, Operation]:
    found = {}
    name = _capital(view.type.type)
    as_it_is = answered(view, role)
    if "GET" in view.resource_methods:
        read = _answer("The resource.", as_it_is, "ETag")
        found["get"] = _operation(view, f"get{name}", {"200": read}, parameters.of_read(view))
    change = parameters.of_write("If-Match")
    if "PUT" in view.resource_methods:
        updated = _answer("The resource after the change.", as_it_is, "ETag", *_REPEATED)
        found["put"] = _operation(view, f"update{name}", {"200": updated}, change, _body(view, "Update"))
    if "DELETE" in view.resource_methods:
        removed = _answer("The resource, removed or being removed.", as_it_is, "ETag", *_REPEATED)
        found["delete"] = _operation(view, f"delete{name}", {"200": removed}, parameters.of_write("If-Match", "purge"))
    if view.actions:
        found["post"] = _act(view, role)
    return found


def _act(view: TypeView, role: RoleView) -> Operation:
    """Return the operation that stands for all actions of a resource."""
    name = {"name": "action", "in": "query", "required": True, "schema": {"type": "string", "enum": [*view.actions]}}
    taken: dict[str, JsonSchema] = {"": {"type": "object"}}
    given: dict[str, dict[str, JsonSchema]] = {}
    told = {}
    for action in view.actions.values():
        input_, output = role.types.get(action.input or ""), role.types.get(action.output or "")
        status = _status(view, action.name)
        if input_ is not None and input_.create:
            taken[input_.type.type] = ref(f"{input_.type.type}Create")
        given.setdefault(status, {})[action.output or ""] = answered(output, role) if output else {"type": "object"}
        told[action.name] = {"input": action.input, "output": action.output, "status": int(status)}
    answers = {
        status: _answer("What the action gives.", _any(outputs), "ETag", *_REPEATED)
        for status, outputs in given.items()
    }
    asked = [name, *parameters.of_write("If-Match", "purge")]
    body = {"content": content(_any(taken))}
    return _operation(view, f"actOn{_capital(view.type.type)}", answers, asked, body) | {"x-actions": told}


def _status(view: TypeView, action: str) -> str:
    """Return the status with which an action is answered: what begins a process is not done yet."""
    return "202" if view.type.machine is not None and action in view.type.machine.processes else "200"


def _follow(view: TypeView, link: Link, role: RoleView) -> Operation:
    target = role.types[link.target]
    name = f"follow{_capital(view.type.type)}{_capital(link.name)}"
    if not link.many:
        return _operation(view, name, {"200": _answer("What the link leads to.", answered(target, role))}, [])
    page = _answer("What the link leads to.", _listed(target, role))
    return _operation(view, name, {"200": page}, parameters.of_collection(target) if link.foreign else [])


def _download(view: TypeView, name: str) -> Operation:
    file = {"description": "A file.", "content": {"*/*": {"schema": {}}}}
    return _operation(view, f"follow{_capital(view.type.type)}{_capital(name)}", {"200": file}, [])


def _listed(view: TypeView, role: RoleView) -> JsonSchema:
    if view.is_listable:
        return ref(f"{view.type.type}Collection")
    return {"type": "object", "properties": {"data": {"type": "array", "items": answered(view, role)}}}


def _operation(
    view: TypeView,
    name: str,
    answers: dict[str, Any],
    asked: list[Parameter],
    body: dict[str, Any] | None = None,
) -> Operation:
    found: Operation = {"operationId": name, "tags": [view.type.type]}
    if asked:
        found["parameters"] = asked
    if body is not None:
        found["requestBody"] = body
    return found | {"responses": {**answers, "default": {"$ref": "#/components/responses/refused"}}}


def _answer(text: str, schema: JsonSchema, *headers: str) -> dict[str, Any]:
    shown = {name: {"$ref": f"#/components/headers/{name}"} for name in (*headers, "X-API-Schemas")}
    return {"description": text, "headers": shown, "content": content(schema)}


def _body(view: TypeView, suffix: str) -> dict[str, Any]:
    fields = view.create if suffix == "Create" else view.update
    required = suffix == "Create" and any(f.required and f.default is None for f in fields.values())
    schema = ref(view.type.type + suffix) if fields else {"type": "object"}
    return {"required": required, "content": content(schema)}


def _any(schemas: dict[str, JsonSchema]) -> JsonSchema:
    """Return the schema of what is one of several."""
    return next(iter(schemas.values())) if len(schemas) == 1 else {"anyOf": list(schemas.values())}


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
