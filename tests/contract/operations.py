"""Requests of the operations of an OpenAPI document, and what is asked of each answer.

schemathesis makes the requests. It checks status, content type and headers as well, but not bodies: for each of the
hundreds of responses it would copy every component, since the types refer to one another. Here each schema of a
response is compiled once, for all operations that share it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx2
import jsonschema_rs
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    status_code_conformance,
)

from tests.contents import assert_unchanged, contents
from tests.serving import Api, Installation

QUIET = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance]


@dataclass
class Described:
    """An OpenAPI document, and whether answers are as it says."""

    document: dict[str, Any]
    _validators: dict[str, jsonschema_rs.Draft202012Validator] = field(default_factory=dict)

    @cached_property
    def operations(self) -> list[Any]:
        """Its operations, as schemathesis has them."""
        return [found.ok() for found in schemathesis.openapi.from_dict(self.document).get_all_operations()]

    @cached_property
    def _registry(self) -> jsonschema_rs.Registry:
        return jsonschema_rs.Registry([("urn:openapi", self.document)], draft=jsonschema_rs.Draft202012)

    def assert_conforms(self, path: str, method: str, answer: httpx2.Response) -> None:
        """Fail unless the body of an answer to an operation is as the document says."""
        responses = self.document["paths"][path][method.lower()]["responses"]
        status = str(answer.status_code) if str(answer.status_code) in responses else "default"
        place = ["paths", path, method.lower(), "responses", status]
        if "$ref" in responses[status]:
            place = responses[status]["$ref"].removeprefix("#/").split("/")
        described = self.document
        for key in place:
            described = described[key]
        kind = next(iter(described["content"]))
        if kind != "application/json":
            return
        keys = (key.replace("~", "~0").replace("/", "~1") for key in [*place, "content", kind, "schema"])
        pointer = quote("/".join(keys), safe="/~")
        schema = described["content"][kind]["schema"]
        errors = list(self._validator(schema, pointer).iter_errors(answer.json()))
        assert errors == [], [(list(e.instance_path)[:4], str(e).splitlines()[0][:300]) for e in errors[:3]]

    def _validator(self, schema: dict[str, Any], pointer: str) -> jsonschema_rs.Draft202012Validator:
        text = json.dumps(schema, sort_keys=True)
        if text not in self._validators:
            wanted = {"$ref": f"urn:openapi#/{pointer}"}
            self._validators[text] = jsonschema_rs.Draft202012Validator(wanted, registry=self._registry)
        return self._validators[text]


def is_link(path: str) -> bool:
    """Say whether a path is that of a link of a resource."""
    return path.count("/") > 2


@dataclass
class Population:
    """An installation with rows of every type, a caller, what it is told of the API, and ids by plurals in URLs."""

    installation: Installation
    api: Api
    described: Described
    ids: dict[str, list[str]]

    def check(self, operation: Any, examples: int, *, always_the_same: bool) -> int:
        """Ask for an operation several times and check each answer; return how often."""
        known = st.sampled_from(self.ids.get(operation.path.split("/")[1], ["1"]))
        asked = 0
        before = contents(self.installation.store)

        @settings(QUIET, max_examples=examples, derandomize=always_the_same)
        @given(operation.as_strategy(), st.none() | known)
        def check(case: schemathesis.Case, id_: str | None) -> None:
            nonlocal asked, before
            asked += 1
            if id_ is not None and "id" in case.path_parameters:
                case.path_parameters["id"] = id_
            sent = case.as_transport_kwargs(base_url=self.described.document["servers"][0]["url"])
            assert not sent.pop("cookies")
            response = self.api.ask(sent.pop("method"), sent.pop("url"), **sent)
            case.validate_response(response, checks=CHECKS)
            self.described.assert_conforms(operation.path, operation.method, response)
            after = before if case.method == "GET" else contents(self.installation.store)
            if response.status_code >= 400:
                assert_unchanged(before, after)
            before = after

        check()
        if operation.method.upper() == "GET":
            assert_unchanged(before, contents(self.installation.store))
        return asked
