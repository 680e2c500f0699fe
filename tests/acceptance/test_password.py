"""The type `password`."""

from __future__ import annotations

import httpx2
import pytest

from tests.acceptance.world import World

pytestmark = pytest.mark.docker


def test_a_name_and_its_password_are_a_session(it: World, name: str) -> None:
    """with local login on, user name and password give a session; after changesecret only the new one does"""
    person = it.create("account", it.admin, name=name, kind="user")
    old, new = "the old pass:word", "the new pass:word"
    password = it.create("password", it.admin, accountId=person.id, publicValue="jo.login", secretValue=old)
    assert password.secretValue is None
    config = {"username": "first.admin", "password": "the password of the first", "enabled": True}
    it.admin.create("localAuthConfig", **config)

    def log_in(secret: str) -> httpx2.Response:
        return httpx2.post(f"{it.url}/v1/token", json={"code": f"jo.login:{secret}"}, timeout=10)

    answer = log_in(old)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["user"], answer.json()["accountId"]) == ("jo.login", person.id)
    session = it.connect("", "", Cookie=f"token={answer.json()['jwt']}")
    assert [a.id for a in session.list_account()] == [person.id]
    assert log_in("something else").status_code == 401

    mine = session.by_id("password", password.id)
    it.act(mine, "changesecret", session, oldSecret=old, newSecret=new)
    assert log_in(old).status_code == 401
    assert log_in(new).status_code == 201
