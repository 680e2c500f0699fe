"""Asks a server over HTTP, as fast as it answers or at a pace, from a process of its own that is faster than it (wrk).

In: paths below a URL, asked one after the other, over and over. Out: answers a second and how long they took. Latencies
are corrected for requests that could not be sent because the one before took long.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from tests.server.serving import WITH_US

_SCRIPT = """
local number = 0
function request()
  number = number % #paths + 1
  return wrk.format(nil, paths[number])
end
function done(summary, latency)
  local e = summary.errors
  print("FIGURES", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout)
end
"""


@dataclass(frozen=True)
class Load:
    """What one round found. rate: answers a second; p50_ms, p99_ms: of their latencies."""

    rate: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Asked:
    """What is asked. key: access and secret key. body: of POSTs, which they then are. connections: each has at most one
    request on its way. pause_ms: before each request of a connection; 0: as fast as the server answers."""

    url: str
    paths: Sequence[str]
    key: tuple[str, str] | None = None
    body: str | None = None
    connections: int = 16
    pause_ms: int = 0


def check() -> None:
    """Raise RuntimeError if wrk is not installed, saying what to do."""
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is not installed: apt-get install wrk")


def ask(asked: Asked, seconds: float) -> Load:
    """Ask for some seconds. RuntimeError if an answer was no success."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_settings(asked) + _SCRIPT)
        script.flush()
        settings = ["-t1", f"-c{asked.connections}", f"-d{max(1, round(seconds))}s", "--timeout=60s", "-s", script.name]
        command = [*WITH_US, "wrk", *settings, asked.url]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("FIGURES"))
    requests, duration_us, p50_us, p99_us, refused, lost = map(float, line.split()[1:])
    if refused or lost or not requests:
        counts = f"{refused:.0f} were refused, {lost:.0f} not answered"
        raise RuntimeError(f"of {requests:.0f} requests {counts}: {asked.url}{asked.paths[0]}")
    return Load(requests / duration_us * 1e6, p50_us / 1000, p99_us / 1000)


def _settings(asked: Asked) -> str:
    lines = ["paths = {" + ", ".join(map(json.dumps, asked.paths)) + "}"]
    if asked.key is not None:
        word = base64.b64encode(":".join(asked.key).encode()).decode()
        lines.append(f'wrk.headers["Authorization"] = "Basic {word}"')
    if asked.body is not None:
        lines.append('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"')
        lines.append(f"wrk.body = [==[{asked.body}]==]")
    if asked.pause_ms:
        lines.append(f"function delay() return {asked.pause_ms} end")
    return "\n".join(lines)
