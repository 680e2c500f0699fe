"""When the front end is built, and what happens when that cannot be: scripts/build_ui.py with an npm that pretends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NPM = """#!/bin/sh
echo "$@" >> "$CLONE/npm.log"
case "$*" in
ci*) mkdir -p node_modules; [ ! -e "$CLONE/registry-hangs" ] || sleep 60 ;;
*build*)
    [ ! -e "$CLONE/build-fails" ] || exit 7
    mkdir -p "$CLONE/trailboss/web" && cat src/page > "$CLONE/trailboss/web/page" ;;
esac
"""


class Clone:
    """A clone with one source of the front end, on a machine whose Node is new enough."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scripts").mkdir()
        shutil.copy(ROOT / "scripts" / "build_ui.py", folder / "scripts")
        for name in ("package.json", "package-lock.json", "src/page"):
            path = folder / "ui" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        for name, text in (("npm", NPM), ("node", "#!/bin/sh\necho v22.0.0\n")):
            path = folder / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)

    def build(self, *options: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path, "CLONE": str(self.folder)}
        command = [sys.executable, str(self.folder / "scripts" / "build_ui.py"), *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    def asked(self) -> list[str]:
        """What npm was asked for since the last call: the first word of each."""
        log = self.folder / "npm.log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.split(" --")[0] if line.startswith("ci") else line.split()[2] for line in lines]

    @property
    def page(self) -> str:
        return (self.folder / "trailboss/web/page").read_text()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_it_is_built_once_and_again_when_a_source_has_changed(clone: Clone) -> None:
    assert clone.build().returncode == 0
    assert (clone.asked(), clone.page) == (["ci", "build"], "src/page")
    assert clone.build().returncode == 0
    assert clone.asked() == []
    (clone.folder / "ui/src/page").write_text("another")
    assert clone.build().returncode == 0
    assert (clone.asked(), clone.page) == (["build"], "another")


def test_packages_are_installed_again_when_the_lock_has_changed(clone: Clone) -> None:
    clone.build()
    (clone.folder / "ui/package-lock.json").write_text("another")
    clone.asked()
    assert clone.build().returncode == 0
    assert clone.asked() == ["ci", "build"]


def test_checks_run_whether_it_is_built_or_not_with_packages_of_their_own(clone: Clone) -> None:
    clone.build()
    clone.asked()
    assert clone.build("--check").returncode == 0
    assert clone.asked() == ["ci", "check", "test"]
    assert clone.build("--check").returncode == 0
    assert clone.asked() == ["check", "test"]


def test_a_build_that_fails_leaves_the_last_one_and_is_tried_again(clone: Clone) -> None:
    clone.build()
    (clone.folder / "ui/src/page").write_text("another")
    (clone.folder / "build-fails").touch()
    done = clone.build()
    assert done.returncode == 1
    assert done.stderr == "build_ui: npm run --silent build ended with 7\n"
    assert clone.page == "src/page"
    (clone.folder / "build-fails").unlink()
    assert clone.build().returncode == 0
    assert clone.page == "another"


@pytest.mark.slow
def test_a_registry_that_does_not_answer_is_not_waited_for(clone: Clone) -> None:
    (clone.folder / "registry-hangs").touch()
    started = time.monotonic()
    done = clone.build("--within", "1")
    assert (done.returncode, "took too long" in done.stderr) == (1, True)
    assert time.monotonic() - started < 30
    (clone.folder / "registry-hangs").unlink()
    assert clone.build().returncode == 0
    assert clone.page == "src/page"


@pytest.mark.slow
def test_a_machine_without_node_and_packages_says_what_is_missing(clone: Clone) -> None:
    (clone.folder / "bin/node").write_text("#!/bin/sh\necho v18.20.0\n")
    done = clone.build()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "build_ui: pip install Node ended with 1"
