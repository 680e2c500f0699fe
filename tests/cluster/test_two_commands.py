"""The README's run command and its opposite, from a fresh clone with a virtual environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
OURS = ("TRAILBOSS_", "RANCHER_", "CATTLE_", "DOCKER_", "VIRTUAL_ENV", "PYTHONPATH")


def run(clone: Path, script: str, *options: str, within: float = 600) -> str:
    """Run one of the clone's scripts as a user would, without this test's own variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    done = subprocess.run(
        [str(clone / "scripts" / script), *options],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within,
    )
    assert done.returncode == 0, f"{script}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(folder)], check=True, timeout=60)
    yield folder
    subprocess.run([str(folder / "scripts/down"), "--data"], cwd=folder, capture_output=True, timeout=300)


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        if str(folder) in line and int(entry.name) != os.getpid():
            found.append(line)
    return found


def bridges() -> set[str]:
    """Bridges of Trailboss on this machine: of managed networks and of engines that `up` started."""
    return {path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith(("tb-", "tbd-"))}


def test_up_ends_with_an_app_that_names_its_backend_and_down_leaves_nothing(clone: Path) -> None:
    before = bridges()
    output = run(clone, "up")
    app = re.search(r"^App: +(http://\S+)$", output, re.MULTILINE)
    api = re.search(r"^API: +(http://\S+)$", output, re.MULTILINE)
    assert app and api, output
    page = httpx2.get(app[1], timeout=10)
    assert page.status_code == 200
    assert "The backend says: hello from backend" in page.text
    assert httpx2.get(api[1], timeout=10).status_code == 401
    credentials = clone / "data/first-credentials.env"
    assert credentials.stat().st_mode & 0o777 == 0o600
    keys = dict(line.split("=", 1) for line in credentials.read_text().splitlines())
    auth = (keys["RANCHER_ACCESS_KEY"], keys["RANCHER_SECRET_KEY"])
    services = {s["name"]: s for s in httpx2.get(f"{api[1]}/services", auth=auth, timeout=10).json()["data"]}
    assert {name: (s["state"], s["scale"]) for name, s in services.items()} == {
        "web": ("active", 3),
        "backend": ("active", 2),
    }

    run(clone, "down", "--data")
    assert not (clone / "data").exists()
    assert processes_of(clone) == []
    assert bridges() == before
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(app[1], timeout=5)
