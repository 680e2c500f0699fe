"""What the UI remembers for a person is that person's own (03-administration section 2)."""

from __future__ import annotations

from tests.serving import Api, Installation, OpenApi, Settle


def test_a_name_is_unique_for_one_person_and_people_do_not_see_those_of_others(
    admin: Api, open_api: OpenApi, installation: Installation, settle: Settle
) -> None:
    ann, ben = (open_api(installation.add_account("user", name)[1]) for name in ("ann", "ben"))
    hers = ann.create("userpreferences", name="theme", value="dark")
    assert ann.refused("POST", "userpreferences", json={"name": "theme"}) == (422, "NotUnique", "name")
    admin.create("userpreferences", name="theme", value="light")
    ben.create("userpreferences", name="theme", value="grey")
    settle()
    assert [p["value"] for p in ann.get("userpreferences")["data"]] == ["dark"]
    assert [p["value"] for p in admin.get("userpreferences")["data"]] == ["light"], "an administrator is a person, too"
    assert admin.refused("GET", f"userpreferences/{hers['id']}")[0] == 404
    assert ben.refused("GET", f"userpreferences/{hers['id']}")[0] == 404
    assert ann.ask("PUT", f"userpreferences/{hers['id']}", json={"value": "blue"}).json()["value"] == "blue"
    other = ann.create("userpreferences", name="other")
    assert ann.refused("PUT", f"userpreferences/{other['id']}", json={"name": "theme"})[1] == "NotUnique"
    settle()
    assert ann.ask("DELETE", f"userpreferences/{hers['id']}").json()["state"] == "removing"


def test_preferences_are_of_people_and_not_of_environments(api: Api) -> None:
    assert api.refused("GET", "userpreferences")[0] == 404
