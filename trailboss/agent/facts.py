"""Facts of the host, as the v1 host resource shows them (10-hosts section 3).

In: `/proc`, the file systems, Docker's `GET /info`. Out: a `Host`. Sizes in MiB, percentages 0 to 100 per core.
"""

from __future__ import annotations

import os
import platform
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from trailboss.wire.messages import Host

MIB = 1024 * 1024
_VERSION = re.compile(r"\d+\.\d+")
_MEMORY = {
    "MemTotal": "memTotal",
    "MemFree": "memFree",
    "MemAvailable": "memAvailable",
    "Buffers": "buffers",
    "Cached": "cached",
    "SwapCached": "swapCached",
    "Active": "active",
    "Inactive": "inactive",
    "SwapTotal": "swapTotal",
    "SwapFree": "swapFree",
}


class Facts:
    """Collects facts. uuid: of this host. labels: given by its operator. address: by which others reach it.
    proc: where the kernel shows itself."""

    def __init__(self, uuid: str, labels: dict[str, str], address: str, proc: Path = Path("/proc")) -> None:
        self._uuid, self._labels, self._address, self._proc = uuid, labels, address, proc
        self._ticks: dict[str, tuple[int, int]] = {}

    def collect(self, docker: dict[str, Any]) -> Host:
        """Return the facts now. docker: the engine's `/info`, {} while it does not answer. Reads files: call it in
        a thread."""
        version = str(docker.get("ServerVersion", ""))
        labels = {"io.rancher.host.linux_kernel_version": _short(platform.release())}
        if version:
            labels["io.rancher.host.docker_version"] = _short(version)
        return Host(
            uuid=self._uuid,
            hostname=socket.gethostname(),
            address=self._address,
            labels=labels | self._labels,
            info={
                "memoryInfo": memory_info((self._proc / "meminfo").read_text()),
                "osInfo": {
                    "operatingSystem": docker.get("OperatingSystem") or platform.system(),
                    "kernelVersion": platform.release(),
                    "dockerVersion": f"Docker version {version}" if version else "",
                },
                "diskInfo": {
                    "dockerStorageDriver": docker.get("Driver") or "",
                    "dockerStorageDriverStatus": dict(docker.get("DriverStatus") or []),
                    **disks((self._proc / "self/mounts").read_text()),
                },
                "cpuInfo": self._cpu_info(),
            },
        )

    def _cpu_info(self) -> dict[str, Any]:
        lines = [line.partition(":") for line in (self._proc / "cpuinfo").read_text().splitlines()]
        values = {key.strip(): value.strip() for key, _, value in reversed(lines) if value}
        return {
            "modelName": values.get("model name", platform.machine()),
            "count": os.cpu_count() or 1,
            "mhz": float(values.get("cpu MHz", 0)),
            "loadAvg": [float(load) for load in (self._proc / "loadavg").read_text().split()[:3]],
            "cpuCoresPercentages": self._percentages((self._proc / "stat").read_text()),
        }

    def _percentages(self, text: str) -> list[float]:
        """How busy each core was since the last time; the first time since it was switched on."""
        found = []
        for line in text.splitlines():
            name, *numbers = line.split()
            if not re.fullmatch(r"cpu\d+", name):
                continue
            ticks = [int(number) for number in numbers[:8]]
            total, idle = sum(ticks), ticks[3] + ticks[4]
            before_total, before_idle = self._ticks.get(name, (0, 0))
            passed = total - before_total
            busy = passed - (idle - before_idle)
            found.append(round(100 * busy / passed, 3) if passed > 0 else 0.0)
            self._ticks[name] = (total, idle)
        return found


def _short(version: str) -> str:
    found = _VERSION.match(version)
    return found[0] if found else version


def memory_info(text: str) -> dict[str, float]:
    """Read `/proc/meminfo` (kB there, MiB here)."""
    sizes = {line.partition(":")[0]: line.split()[1] for line in text.splitlines() if len(line.split()) > 1}
    return {ours: round(int(sizes[name]) / 1024, 3) for name, ours in _MEMORY.items() if name in sizes}


def disks(mounts: str) -> dict[str, Any]:
    """Return sizes of the file systems on block devices, by device; `/proc/self/mounts` says where they are."""
    file_systems: dict[str, Any] = {}
    points: dict[str, Any] = {}
    for line in mounts.splitlines():
        device, point = line.split()[:2]
        if not device.startswith("/dev/") or device in points:
            continue
        try:
            found = os.statvfs(point.encode().decode("unicode_escape"))
        except OSError:
            continue  # mounted where we may not look
        total, free = found.f_blocks * found.f_frsize / MIB, found.f_bavail * found.f_frsize / MIB
        used = total - found.f_bfree * found.f_frsize / MIB
        file_systems[device] = {"capacity": round(total, 3)}
        points[device] = {
            "total": round(total, 3),
            "free": round(free, 3),
            "used": round(used, 3),
            "percentUsed": round(100 * used / total, 2) if total else 0.0,
        }
    return {"fileSystems": file_systems, "mountPoints": points}


def labels_of(text: str) -> dict[str, str]:
    """Read labels as in CATTLE_HOST_LABELS: `k1=v1&k2=v2`."""
    return dict(parse_qsl(text, keep_blank_values=True))


def own_address(server: str) -> str:
    """Return the address of this host from which it reaches the server, or, where that is loopback, the internet.
    Nothing is sent."""
    parts = urlsplit(server)
    for target in ((parts.hostname or "", parts.port or 80), ("192.0.2.1", 80)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(target)
                address = str(probe.getsockname()[0])
            except OSError:
                continue
        if not address.startswith("127."):
            return address
    return "127.0.0.1"
