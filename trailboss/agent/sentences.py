"""From Docker's error texts to sentences for people: what is wrong, without the layers that passed it on. Pure."""

from __future__ import annotations

import re

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), sentence)
    for pattern, sentence in (
        (r"No such image: (\S+)", r"no such image: \1"),
        (r"manifest for (\S+) not found", r"no such image: \1"),
        (r"pull access denied for ([^\s,]+)", r"no such image: \1, or it needs credentials"),
        (r"Bind for \S+?:(\d+) failed: port is already allocated", r"port \1 is already allocated"),
        (r"listen (?:tcp|udp)\d? \S+?:(\d+): bind: address already in use", r"port \1 is already allocated"),
        (r"Address already in use", r"the container's address is already in use"),
        (r'exec: "([^"]*)": (.+?)(?:: unknown)?$', r'the command "\1" cannot be run: \2'),
        (r"caused(?: \"|: )(.+?)\"?(?:: unknown)?$", r"\1"),
    )
)  # fmt: skip
_UNREACHABLE = (
    "transport is closing",
    "containerd.sock",
    "ttrpc: closed",
    "client connection is closing",
    "error while dialing",
    "context canceled",
)


def readable(message: str) -> str:
    """Return what a person should read of an error of Docker; the text itself if it is of no known kind."""
    for pattern, sentence in _PATTERNS:
        if found := pattern.search(message):
            return found.expand(sentence)
    return message.strip()


def is_trouble_of_the_engine(message: str) -> bool:
    """Say whether an error speaks of the engine (it ends, or starts), not of what was asked of it."""
    return any(text in message for text in _UNREACHABLE)
