"""The type `account`."""

from __future__ import annotations

import pytest

from tests.acceptance.world import World

pytestmark = pytest.mark.docker


def test_an_account_logs_in_with_its_key_until_it_is_deactivated(it: World, name: str) -> None:
    """an account made by admin logs in with its key, sees only itself, and after deactivate gets 401"""
    account = it.create("account", it.admin, name=name, kind="user")
    key = it.create("apiKey", it.admin, accountId=account.id, publicValue="ACCOUNT", secretValue="of the account")
    assert key.accountId == account.id

    person = it.connect("ACCOUNT", "of the account")
    assert len(it.admin.list_account().data) > 1
    assert [a.id for a in person.list_account()] == [account.id]
    assert person.by_id_account("1a1") is None
    assert person.list_project().data == []

    it.settled(it.act(account, "deactivate", it.admin), it.admin)
    assert it.status("ACCOUNT", "of the account") == 401
