"""Who guesses keys is slowed down, and nobody else is."""

from __future__ import annotations

import ipaddress

import httpx2
import pytest

from tests.serving import Api, Installation, OpenApi
from trailboss.api.attempts import MOST, Attempts, Limits
from trailboss.errors import ApiError

WINDOW_S, PER_ADDRESS, PER_NAME = 60, 20, 10
LIMITS = Limits(WINDOW_S, PER_ADDRESS, PER_NAME)
"""As the settings are where nobody has changed them."""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def retry_after(attempts: Attempts, address: str, name: str, limits: Limits = LIMITS) -> int | None:
    try:
        attempts.check(address, name, lambda: limits)
    except ApiError as problem:
        assert (problem.status, problem.code) == (429, "TooManyAttempts")
        return int(problem.headers["Retry-After"])
    return None


def test_an_address_is_refused_after_too_many_failures_and_only_for_a_while(attempts: Attempts, clock: Clock) -> None:
    for number in range(PER_ADDRESS):
        assert retry_after(attempts, "10.0.0.1", f"name-{number}") is None
        attempts.failed("10.0.0.1", f"name-{number}", LIMITS)
        clock.now += 1
    assert retry_after(attempts, "10.0.0.1", "another") == WINDOW_S - PER_ADDRESS
    assert retry_after(attempts, "10.0.0.2", "another") is None
    clock.now += WINDOW_S - PER_ADDRESS
    assert retry_after(attempts, "10.0.0.1", "another") is None


def test_a_name_is_protected_from_many_addresses(attempts: Attempts) -> None:
    attempts.succeeded("10.9.9.9", "ann")
    for number in range(PER_NAME):
        attempts.failed(f"10.0.0.{number}", "ann", LIMITS)
    assert retry_after(attempts, "10.0.1.1", "ann") == WINDOW_S
    assert retry_after(attempts, "10.0.1.1", "bob") is None
    assert retry_after(attempts, "10.9.9.9", "ann") is None, "who has proved itself is not locked out by others"


def test_all_addresses_of_one_ipv6_network_count_as_one(attempts: Attempts) -> None:
    for number in range(PER_ADDRESS):
        attempts.failed(f"2001:db8::{number:x}", f"name-{number}", LIMITS)
    assert retry_after(attempts, "2001:db8::ffff:1", "x") is not None
    assert retry_after(attempts, "2001:db8:0:1::1", "x") is None


def test_what_is_remembered_is_bounded(attempts: Attempts) -> None:
    for number in range(MOST + 100):
        attempts.failed(str(ipaddress.ip_address(0x0A000000 + number)), f"name-{number}", LIMITS)
        attempts.succeeded(str(ipaddress.ip_address(0x0B000000 + number)), f"name-{number}")
    assert len(attempts._failures) == len(attempts._known) == MOST


def test_limits_that_were_changed_count_at_once(attempts: Attempts, clock: Clock) -> None:
    for _ in range(5):
        attempts.failed("10.0.0.1", "ann", LIMITS)
        clock.now += 1
    narrow, wide = Limits(WINDOW_S, 3, 3), Limits(WINDOW_S, 100, 100)
    assert retry_after(attempts, "10.0.0.1", "ann") is None
    assert retry_after(attempts, "10.0.0.1", "ann", narrow) == WINDOW_S - 3, "since the third but last failure"
    assert retry_after(attempts, "10.0.0.1", "ann", Limits(2, 3, 3)) is None, "that is longer ago than this window"
    for _ in range(PER_NAME):
        attempts.failed("10.0.0.1", "ann", LIMITS)
    assert retry_after(attempts, "10.0.0.1", "ann") is not None
    assert retry_after(attempts, "10.0.0.1", "ann", wide) is None


def test_limits_are_settings_that_count_from_the_next_attempt_on(open_api: OpenApi, admin: Api) -> None:
    admin.get("/v1")  # proved, so that what others fail at does not lock it out
    guesser, visitor = open_api(("GUESSED", "x")), open_api(None)
    admin.create("localauthconfigs", username="ann", password="a-password", enabled=True)

    def guesses() -> tuple[int, int]:
        return guesser.ask("GET", "/v1").status_code, visitor.ask("POST", "token", json={"code": "ann:x"}).status_code

    assert guesses() == (401, 401)
    for name in ("per.name", "per.address"):
        assert admin.ask("PUT", f"settings/api.auth.attempts.{name}", json={"value": "1"}).status_code == 200
    assert guesses() == (429, 429)
    for name in ("per.name", "per.address"):
        assert admin.ask("DELETE", f"settings/api.auth.attempts.{name}").status_code == 200
    assert guesses() == (401, 401)


def wrong(caller: Api, **headers: str) -> httpx2.Response:
    return caller.ask("GET", "/v1", headers=headers)


def test_guessing_a_key_ends_in_429(open_api: OpenApi, admin: Api, installation: Installation) -> None:
    installation.context.proxies = (ipaddress.ip_network("127.0.0.0/8"),)
    known = {"X-Forwarded-For": "203.0.113.1"}
    assert admin.ask("GET", "/v1", headers=known).status_code == 200
    installation.context.proxies = ()
    guesser = open_api((installation.admin_key[0], "not the secret"))
    for _ in range(PER_NAME):
        assert wrong(guesser).status_code == 401
    refused = wrong(guesser)
    assert (refused.status_code, refused.json()["code"]) == (429, "TooManyAttempts")
    assert 0 < int(refused.headers["Retry-After"]) <= WINDOW_S
    assert open_api((installation.admin_key[0].lower(), "x")).ask("GET", "/v1").status_code == 429, "case is no way out"
    admin_elsewhere = {"X-Forwarded-For": "203.0.113.9"}
    installation.context.proxies = (ipaddress.ip_network("127.0.0.0/8"),)
    assert admin.ask("GET", "/v1", headers=admin_elsewhere).status_code == 429, "the name is protected from all others"
    assert admin.ask("GET", "/v1", headers=known).status_code == 200, "its owner goes on where it was"


def test_no_header_changes_the_address_that_is_counted(open_api: OpenApi, installation: Installation) -> None:
    for number in range(PER_ADDRESS):
        guesser = open_api((f"NAME-{number}", "x"))
        assert wrong(guesser, **{"X-Forwarded-For": f"10.0.0.{number}"}).status_code == 401
    last = open_api(("OTHER", "x"))
    assert wrong(last, **{"X-Forwarded-For": "10.9.9.9"}).status_code == 429
    assert open_api(None).ask("GET", "/v1").status_code == 401, "who sends nothing has not guessed"


def test_behind_a_trusted_proxy_each_client_is_counted_for_itself(
    open_api: OpenApi, installation: Installation
) -> None:
    installation.context.proxies = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.1.0.0/16"))
    for number in range(PER_ADDRESS):
        # what a client puts in front does not count, what our own proxies append does
        forged = {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7, 10.1.0.1"}
        assert wrong(open_api((f"NAME-{number}", "x")), **forged).status_code == 401
    other = open_api(("OTHER", "x"))
    assert wrong(other, **{"X-Forwarded-For": "1.1.1.1, 198.51.100.7, 10.1.0.1"}).status_code == 429
    assert wrong(other, **{"X-Forwarded-For": "198.51.100.8, 10.1.0.1"}).status_code == 401


def logged_in(visitor: Api, admin: Api) -> str:
    admin.create("localauthconfigs", username="ann", password="a-password", enabled=True)
    return str(visitor.create("token", code="ann:a-password")["jwt"])


def by_header(token: str) -> dict[str, object]:
    return {"headers": {"Authorization": f"Bearer {token}"}}


def test_guessing_tokens_of_logins_ends_in_429_and_good_ones_still_count(open_api: OpenApi, admin: Api) -> None:
    visitor = open_api(None)
    good = logged_in(visitor, admin)
    ways = [
        lambda token: by_header(token),
        lambda token: {"headers": {"Cookie": f"token={token}"}},
        lambda token: {"params": {"token": token}},
        lambda token: {"auth": ("x-api-bearer", token)},
    ]
    for number in range(PER_ADDRESS):
        guess = ways[number % len(ways)](f"guess-{number}")
        assert visitor.ask("GET", "accounts", **guess).status_code == 401
    for way in ways:
        refused = visitor.ask("GET", "accounts", **way("another"))
        assert (refused.status_code, refused.json()["code"]) == (429, "TooManyAttempts")
        assert visitor.ask("GET", "accounts", **way(good)).status_code == 200, "who is logged in is not locked out"


def test_a_page_that_goes_on_with_a_login_that_is_over_has_not_guessed(
    open_api: OpenApi, admin: Api, installation: Installation
) -> None:
    visitor = open_api(None)
    token = logged_in(visitor, admin)
    visitor.ask("DELETE", "token/current", **by_header(token))
    asked = [visitor.ask("GET", "accounts", **by_header(word)) for word in (token, "of-long-ago") for _ in range(30)]
    assert {answer.status_code for answer in asked} == {401}
    assert open_api(("NEW", "x")).ask("GET", "/v1").status_code == 401


def test_registration_tokens_are_counted_each_for_itself(open_api: OpenApi, installation: Installation) -> None:
    for _ in range(PER_NAME):
        assert wrong(open_api(("registrationToken", "PUBLIC:0:forged"))).status_code == 401
    assert wrong(open_api(("registrationToken", "PUBLIC:1:forged"))).status_code == 429
    assert wrong(open_api(("registrationToken", "OTHER:1:forged"))).status_code == 401


def test_a_key_that_is_out_of_use_is_refused_and_no_guess(
    open_api: OpenApi, admin: Api, installation: Installation
) -> None:
    account, key = installation.add_account("user")
    caller = open_api(key)
    caller.get("/v1")
    admin.ask("POST", f"accounts/1a{account.id}/?action=deactivate")
    assert {caller.ask("GET", "/v1").status_code for _ in range(PER_ADDRESS + PER_NAME)} == {401}
    assert open_api(("NEW", "x")).ask("GET", "/v1").status_code == 401


def test_with_access_control_off_nothing_is_counted(open_api: OpenApi, installation: Installation) -> None:
    installation.set("api.security.enabled", "false")
    caller = open_api(("NOBODY", "x"))
    assert {caller.ask("GET", "/v1").status_code for _ in range(PER_ADDRESS + PER_NAME)} == {200}
