"""Options: what was given, else the environment, else the default; and what cannot be is named."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from trailboss.errors import Permanent
from trailboss.server.options import Options

ROOT = Path(__file__).parents[2]


def test_defaults_are_safe() -> None:
    options = Options.read({})
    assert options.address == ("127.0.0.1", 8080)
    assert (options.access_control, options.simulator, options.superadmin) == ("on", False, None)


def test_what_is_given_wins_over_the_environment_and_that_over_the_default() -> None:
    environment = {"TRAILBOSS_LISTEN": "0.0.0.0:9", "TRAILBOSS_DATA": "/tmp/x", "TRAILBOSS_SIMULATOR": "yes"}
    options = Options.read(environment, listen="127.0.0.1:1", data=None)
    assert (options.listen, options.data, options.simulator) == ("127.0.0.1:1", Path("/tmp/x"), True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"listen": "8080"}, "--listen '8080' is not HOST:PORT"),
        ({"listen": "host:99999"}, "is not HOST:PORT"),
        ({"access_control": "maybe"}, "--access-control is on or off"),
        ({"database": "mysql://x"}, "--database begins with"),
        ({"network": "10.1.0.0/33"}, "--network"),
        ({"network": "10.1.2.3/16"}, "--network"),
        ({"network": "10.1.2.0/24"}, "between /8 and /20"),
        ({"bridge": "sixteen-letters-"}, "--bridge"),
        ({"bridge": "a/b"}, "--bridge"),
        ({"tls": "on"}, "--tls is off or self-signed"),
        ({"tls_key": Path("x")}, "--tls-cert and --tls-key go together"),
        ({"trusted_proxies": "10.0.0.0/8,proxy"}, "--trusted-proxies"),
        ({"simulated_hosts": -1}, "--simulated-hosts"),
    ],
)
def test_what_cannot_be_is_refused_with_the_name_of_the_option(given: dict[str, Any], message: str) -> None:
    with pytest.raises(Permanent, match=re.escape(message)):
        Options.read({}, **given)


def test_a_switch_in_the_environment_is_true_or_false() -> None:
    assert Options.read({"TRAILBOSS_SIMULATOR": "0"}).simulator is False
    with pytest.raises(Permanent, match="TRAILBOSS_SIMULATOR is true or false"):
        Options.read({"TRAILBOSS_SIMULATOR": "perhaps"})


def test_a_number_in_the_environment_is_one() -> None:
    assert Options.read({"TRAILBOSS_SIMULATED_HOSTS": "3"}).simulated_hosts == 3
    for text in ("three", "-1", ""):
        with pytest.raises(Permanent, match="TRAILBOSS_SIMULATED_HOSTS is a number of hosts"):
            Options.read({"TRAILBOSS_SIMULATED_HOSTS": text})


def test_the_superadmins_key_comes_from_a_variable_or_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ACCESS:se:cret\n")
    by_file = Options.read({"TRAILBOSS_SUPERADMIN_KEY_FILE": str(tmp_path / "key")})
    by_value = Options.read({"TRAILBOSS_SUPERADMIN_KEY": "ACCESS:se:cret"})
    assert by_file.superadmin == by_value.superadmin == ("ACCESS", "se:cret")
    assert "se:cret" not in repr(by_value)
    for text in ("ACCESS", ":x", "ACCESS:"):
        with pytest.raises(Permanent, match="ACCESS:SECRET"):
            _ = Options.read({"TRAILBOSS_SUPERADMIN_KEY": text}).superadmin
    with pytest.raises(Permanent, match="TRAILBOSS_SUPERADMIN_KEY_FILE"):
        _ = Options.read({"TRAILBOSS_SUPERADMIN_KEY_FILE": str(tmp_path / "none")}).superadmin


@pytest.mark.parametrize(("text", "address"), [("[::1]:80", ("::1", 80)), (":80", ("", 80)), ("h:0", ("h", 0))])
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert Options.read({}, listen=text).address == address


def test_every_option_is_documented_with_its_variable() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    for spec in fields(Options):
        assert f"`{spec.metadata['variable']}`" in text
        if not spec.metadata["secret"]:
            assert f"`--{spec.name.replace('_', '-')}" in text
