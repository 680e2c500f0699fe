"""Logs: JSON when nobody watches, ids bound once, secrets never."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from trailboss import observe


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_the_ids_that_are_bound() -> None:
    stream = io.StringIO()
    observe.configure(stream)
    with observe.bound(request="r-1"):
        structlog.get_logger().info("something", host=5)
        logging.getLogger("a.library").warning("it said %s", "so")
    structlog.get_logger().info("later")
    first, second, third = lines(stream)
    assert (first["event"], first["host"], first["request"], first["level"]) == ("something", 5, "r-1", "info")
    assert (second["event"], second["request"], second["level"]) == ("it said so", "r-1", "warning")
    assert "request" not in third


def test_a_terminal_sees_key_and_value() -> None:
    stream = Terminal()
    observe.configure(stream)
    structlog.get_logger().info("something", host=5)
    assert "something" in stream.getvalue() and "host" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_secrets_are_never_written(stream: io.StringIO) -> None:
    observe.configure(stream)
    log = structlog.get_logger()
    log.info("keys", secret_key="hidden-1", Authorization="hidden-2", token="hidden-3")
    log.info("urls", url="postgresql://user:hidden-4@host/db", place="http://127.0.0.1:8080/v1")
    logging.getLogger("a.library").info('"WebSocket %s" [accepted]', "/v1/logs/?token=hidden-5")
    log.info("request", path="/v1/projects/1a5/scripts/hidden-7:1:x")
    local = "hidden-6"
    try:
        raise ValueError(len(local))
    except ValueError:
        log.exception("broken")
    written = stream.getvalue()
    assert "hidden" not in written.replace('local = "hidden-6"', "")
    assert "8080" in written and "ValueError" in written


def test_a_line_that_cannot_be_written_is_lost_and_nobody_fails_for_it() -> None:
    stream = io.StringIO()
    observe.configure(stream)
    stream.close()
    structlog.get_logger().info("something")
    logging.getLogger("a.library").warning("something")


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    observe.configure(stream, logging.WARNING)
    structlog.get_logger().info("quiet")
    structlog.get_logger().log(logging.WARNING, "loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]
