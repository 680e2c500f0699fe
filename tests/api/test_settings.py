"""Settings as they are in force (03-administration section 1)."""

from __future__ import annotations

import pytest

from tests.serving import Api, Installation, OpenApi, Settle
from trailboss.resources.setting import BOUNDS, DEFAULTS, environment_name, number_of


def test_a_setting_is_shown_as_it_is_in_force(admin: Api) -> None:
    collection = admin.get("settings")
    assert collection["resourceType"] == "setting"
    assert {item["type"] for item in collection["data"]} == {"activeSetting"}
    shown = admin.get("settings/api.host")
    assert shown == {
        "id": "1as!api.host", "type": "activeSetting",
        "links": {"self": "http://127.0.0.1:8080/v1/activesettings/1as!api.host"}, "actions": {},
        "name": "api.host", "activeValue": "", "inDb": False, "source": "Code Packaged Defaults", "value": "",
    }  # fmt: skip


def test_a_value_is_stored_found_by_every_form_of_the_id_and_dropped(admin: Api) -> None:
    stored = admin.ask("PUT", "settings/api.host", json={"value": "boss.example"}).json()
    assert (stored["value"], stored["inDb"], stored["source"]) == ("boss.example", True, "Database")
    number = stored["id"]
    assert number.startswith("1as") and number != "1as!api.host"
    for id_ in ("api.host", "1as!api.host", number):
        for plural in ("settings", "activesettings"):
            assert admin.get(f"{plural}/{id_}") == stored
    changed = admin.ask("PUT", f"activesettings/{number}", json={"value": "other.example"}).json()
    assert (changed["id"], changed["value"]) == (number, "other.example")
    assert admin.ask("PUT", "settings/api.host", json={}).json() == changed
    dropped = admin.ask("DELETE", f"settings/{number}").json()
    assert (dropped["id"], dropped["value"], dropped["inDb"]) == ("1as!api.host", "", False)
    assert admin.get(f"settings/{number}")["value"] is None
    assert admin.refused("PUT", f"settings/{number}", json={"value": "x"})[0] == 404


def test_a_post_stores_and_a_second_one_changes(admin: Api) -> None:
    first = admin.create("settings", name="my.setting", value="a")
    assert (first["type"], first["id"], first["value"]) == ("setting", "1s1", "a")
    second = admin.create("settings", name="my.setting", value="b")
    assert (second["type"], second["id"], second["value"]) == ("activeSetting", "1as1", "b")
    assert admin.get("settings/1s1") == admin.get("settings/1as1") == second
    assert second in admin.get("settings")["data"]


def test_an_unknown_name_is_null_for_administrators_and_not_found_for_others(admin: Api, api: Api) -> None:
    assert admin.get("settings/no.such.thing")["value"] is None
    assert api.refused("GET", "settings/no.such.thing")[0] == 404
    assert api.refused("GET", "settings/api.host")[0] == 404


def test_others_see_the_public_settings_and_write_none(api: Api, admin: Api) -> None:
    public = api.get("settings")["data"]
    assert {"cattle.version", "api.ui.index"} <= {item["name"] for item in public}
    assert not {"source", "inDb"} & public[0].keys()
    assert api.get("settings/cattle.version")["name"] == "cattle.version"
    assert api.refused("PUT", "settings/cattle.version", json={"value": "x"})[0] == 405
    assert api.refused("POST", "settings", json={"name": "x", "value": "x"})[0] == 405
    assert len(admin.get("settings", all="false")["data"]) == len(public)


def test_the_environment_pins_a_value(admin: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATTLE_API_HOST", "pinned.example")
    shown = admin.ask("PUT", "settings/api.host", json={"value": "stored.example"}).json()
    assert (shown["value"], shown["activeValue"]) == ("stored.example", "pinned.example")
    assert shown["source"] == "Environment Variables"


def test_access_control_is_switched_at_once(admin: Api, open_api: OpenApi) -> None:
    admin.ask("PUT", "settings/api.security.enabled", json={"value": "false"})
    assert open_api(None).get("/v1")
    admin.ask("PUT", "settings/api.security.enabled", json={"value": "true"})
    assert open_api(None).refused("GET", "/v1")[0] == 401


@pytest.mark.parametrize("value", ["soon", "-1", "9" * 18])
def test_a_number_that_cannot_be_does_not_break_lists(
    installation: Installation, api: Api, settle: Settle, value: str
) -> None:
    for name in ("api.show.removed.for.seconds", "object.remove.time.delay.seconds"):
        installation.set(name, value)
    assert api.get("environments")["data"] == []
    made = api.create("apikeys")
    settle()
    assert api.ask("POST", f"apikeys/{made['id']}?action=deactivate").status_code == 202
    settle()
    assert api.ask("DELETE", f"apikeys/{made['id']}").status_code == 200
    settle()


@pytest.mark.parametrize("realm", ["Größe 漢", 'a"b', "line\r\nX-Forged: 1", "\0"])
def test_a_realm_that_a_header_cannot_hold_keeps_nobody_from_an_answer(
    installation: Installation, open_api: OpenApi, realm: str
) -> None:
    installation.set("api.auth.realm", realm)
    refused = open_api(None).ask("GET", "/v1")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].isascii() and "X-Forged" not in refused.headers


@pytest.mark.parametrize("name", ["ldapconfig", "githubconfig", "openidconfig"])
@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"api.auth.ldap.port": "abc", "api.auth.github.allowed.identities": "{", "api.auth.openid.issuer": ""},
        {"api.auth.ldap.port": "[]", "api.auth.github.allowed.identities": "[1]", "api.auth.ldap.tls": "perhaps"},
    ],
)
def test_a_provider_without_settings_that_can_be_is_said_to_be_so(
    admin: Api, open_api: OpenApi, installation: Installation, name: str, stored: dict[str, str]
) -> None:
    for setting, value in {"api.auth.provider.configured": name, **stored}.items():
        installation.set(setting, value)
    visitor = open_api(None)
    assert visitor.get("token")["data"][0]["authProvider"] == name
    assert visitor.ask("POST", "token", json={"code": "a:b"}).status_code in (401, 403, 503)
    assert admin.get(f"{name}s")["data"][0]["enabled"] is True
    assert admin.ask("GET", "identities").status_code in (200, 503)
    for kind in ("ldap", "github", "openid"):
        installation.set(f"api.auth.{kind}.access.mode", "restricted")
    assert admin.get("accounts")["data"]


def test_names_and_values_are_checked(admin: Api) -> None:
    assert admin.refused("POST", "settings", json={"value": "x"}) == (422, "MissingRequired", "name")
    assert admin.refused("PUT", "settings/a", json={"value": "x" * 1025}) == (422, "MaxLengthExceeded", "value")
    assert admin.refused("PUT", "activesettings/a", json={"value": None}) == (422, "NotNullable", "value")


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_with_bounds_stays_within_them(
    admin: Api, installation: Installation, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    least, most = BOUNDS[name]
    for value, code in ((least - 1, "MinLimitExceeded"), (most + 1, "MaxLimitExceeded"), ("soon", "InvalidFormat")):
        for method, path, body in (("PUT", f"settings/{name}", {}), ("POST", "settings", {"name": name})):
            refused = admin.refused(method, path, json={"value": str(value), **body})
            assert refused == (422, code, "value"), f"{method} {value}"
    assert admin.get(f"settings/{name}")["inDb"] is False
    assert admin.create("settings", name=name, value=str(most))["value"] == str(most)
    assert installation.store.read(lambda read: number_of(read, name)) == most
    for given, counts in ((str(most * 10), most), ("0", least), ("soon", int(DEFAULTS[name]))):
        monkeypatch.setenv(environment_name(name), given)
        assert installation.store.read(lambda read: number_of(read, name)) == counts


def test_the_value_of_a_secret_setting_is_shown_to_nobody(admin: Api) -> None:
    name = "api.auth.github.client.secret"
    admin.create("settings", name=name, value="clear-4711")
    row = admin.get(f"settings/{name}")
    assert (row["value"], row["activeValue"], row["inDb"], row["source"]) == (None, None, True, "Database")
    assert "clear-4711" not in admin.ask("GET", "settings").text
    assert "clear-4711" not in admin.ask("GET", "settings?_role=superadmin").text


def test_a_variable_may_change_only_the_default(admin: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_CATTLE_API_HOST", "default.example")
    shown = admin.get("settings/api.host")
    assert (shown["activeValue"], shown["source"]) == ("default.example", "Default Environment Variables")
    stored = admin.ask("PUT", "settings/api.host", json={"value": "stored.example"}).json()
    assert (stored["activeValue"], stored["source"]) == ("stored.example", "Database")
