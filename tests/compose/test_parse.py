"""Texts of every version are read, and what is wrong is named with file, line and key."""

from __future__ import annotations

import pytest

from tests.compose.texts import config, error, plan, service
from trailboss.compose.parse import MAX_CHARACTERS

V1 = "web:\n  image: busybox\n"
V2 = "version: '2'\nservices:\n  web:\n    image: busybox\n"
V3 = "version: '3.8'\nservices:\n  web:\n    image: busybox\n"
PRESENT = "services:\n  web:\n    image: busybox\n"


@pytest.mark.parametrize("text", [V1, V2, V3, PRESENT])
def test_every_form_gives_the_same_service(text: str) -> None:
    found = service(text)
    assert (found.name, found.kind) == ("web", "service")
    assert found.body == {
        "name": "web",
        "scale": 1,
        "launchConfig": {"imageUuid": "docker:busybox", "networkMode": "managed"},
    }


def test_a_version_1_service_may_be_called_services_or_volumes() -> None:
    text = "services:\n  image: busybox\nvolumes:\n  image: busybox\n"
    assert [s.name for s in plan(text).services] == ["services", "volumes"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "services:\n", "version: '2'\n"])
def test_an_empty_text_is_an_empty_stack(text: str) -> None:
    assert plan(text).services == ()


@pytest.mark.parametrize("version", ["'1'", "4", "'2.x'", "[2]"])
def test_a_version_that_does_not_exist_is_refused(version: str) -> None:
    found = error(f"version: {version}\nservices: {{}}\n")
    assert (found.file, found.line, found.key) == ("docker-compose.yml", 1, "version")


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("web: [", 1, None, "flow"),
        ("web:\n  image: a\n  image: b\n", 3, "web.image", "is a duplicate key"),
        ("web:\n  image: !!python/object:os.system x\n", 2, "web.image", "tag"),
        ("- a\n- b\n", 1, None, "must be a mapping at the top level"),
        ("web: busybox\n", 1, "web", "a service must be a mapping"),
        ("web:\n  image: a\n\tb: c\n", 3, None, "character"),
        ("web:\n  image: a\n---\nweb:\n", 3, None, ""),
        ("web:\n  ? [a]\n  : b\n", 2, "web", "a key must be a plain text"),
        ("web:\n  image: a\n  prots: ['80']\n", 3, "web.prots", "is not a supported key of a service"),
        ("web:\n  image: a\n  healthcheck: {}\n", 3, "web.healthcheck", "health_check in rancher-compose.yml"),
        ("web:\n  image: a\n  ports:\n    - 80\n    - 8o\n", 5, "web.ports[1]", "is not a port"),
        ("services:\n  web:\n    image: a\nnetwork: x\n", 4, "network", "at the top level"),
        ("services:\n  web:\n    image: a\nnetworks:\n  own: {}\n", 5, "networks.own", "one managed network"),
        ("my_web:\n  image: a\n", 1, "my_web", "is not a name of a service"),
        ("web:\n  environment: {A: b}\n", 1, "web", "needs image or build"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_key(text: str, line: int, key: str | None, words: str) -> None:
    found = error(text)
    assert (found.file, found.line, found.key) == ("docker-compose.yml", line, key)
    assert words in found.message
    assert found.message.startswith(f"docker-compose.yml, line {line}")


def test_scalars_keep_their_text_where_a_text_is_meant() -> None:
    found = config("environment: {A: 22:22, B: 1.10, C: 0777, D: yes, E: 1e3, F: true, G: 0x1F}\nlabels: {x: 010}")
    assert found["environment"] == {
        "A": "22:22", "B": "1.10", "C": "0777", "D": "yes", "E": "1e3", "F": "true", "G": "0x1F",
    }  # fmt: skip
    assert found["labels"] == {"x": "010"}


def test_anchors_and_merge_keys_are_resolved() -> None:
    text = """
x-common: &common
  labels: {a: b}
  tty: true
services:
  web:
    <<: *common
    image: busybox
    tty: false
  db:
    <<: [{image: first}, *common, {image: second}]
"""
    web, db = (s.body["launchConfig"] for s in plan(text).services)
    assert (web["labels"], "tty" in web) == ({"a": "b"}, False)
    assert (db["imageUuid"], db["tty"]) == ("docker:first", True)


def test_an_error_in_what_was_merged_names_where_it_was_written() -> None:
    found = error("services:\n  web:\n    <<: {image: busybox, ports: [nope]}\n")
    assert (found.line, found.key) == (3, "services.web.ports[0]")


@pytest.mark.slow
def test_texts_that_would_take_the_server_down_are_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True):
        bomb += f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    assert "too large" in error(bomb).message
    assert "nested too deeply" in error("a: " + "[" * 500 + "]" * 500).message
    assert "nested too deeply" in error("a: " + "[" * 100_000 + "]" * 100_000).message
    assert "longer than" in error("#" * (MAX_CHARACTERS + 1)).message
