#!/usr/bin/env python3
"""Build the front end (`ui/`) into `trailboss/web/`, when its sources have changed since the last time.

    build_ui.py            build it
    build_ui.py --check    check types and run the tests of `ui/`, too
    build_ui.py --within S give up after S seconds

Node of this machine is taken if it is new enough; else the one that is locked in `requirements-node.txt` is installed
from packages into `ui/.node`. It runs on the standard library alone, before anything is installed: `scripts/up`,
`scripts/test` and the wheel's build (`scripts/hatch_build.py`) call it. Out: exit code 1 and a sentence when it cannot.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UI = ROOT / "ui"
WEB = ROOT / "trailboss" / "web"
STAMP = WEB / "stamp"
PACKAGES_STAMP = UI / "node_modules" / ".stamp"
OWN_NODE = UI / ".node"
NEEDED_NODE = (20, 19)
"""What Vite 8 asks for."""
FOREVER_S = 3600.0


class Failed(Exception):
    """The front end cannot be built; the sentence says why."""


class Builder:
    """One run, with the time by which it must have ended."""

    def __init__(self, within_s: float) -> None:
        self.ends_at = time.monotonic() + within_s

    def build(self, *, with_checks: bool = False) -> bool:
        """Build what is missing; return whether something was. with_checks: check and test the sources, too."""
        wanted = source_hash()
        is_built = STAMP.is_file() and STAMP.read_text() == wanted
        if is_built and not with_checks:
            return False
        with (UI / "package.json").open() as lock:
            # two scripts at the same time would install into the same folder
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.install(with_checks)
            if with_checks:
                self.npm("run", "--silent", "check")
                self.npm("run", "--silent", "test")
            if not is_built:
                self.npm("run", "--silent", "build", "--", "--outDir", str(WEB), "--logLevel", "warn")
                STAMP.write_text(wanted)
        return not is_built

    def install(self, with_checks: bool) -> None:
        """Install the packages as they are locked, those for checks only where they are needed."""
        have = PACKAGES_STAMP.read_text() if PACKAGES_STAMP.is_file() else ""
        locked = hashlib.sha256((UI / "package-lock.json").read_bytes()).hexdigest()
        if have == f"{locked} all" or (have == f"{locked} build" and not with_checks):
            return
        # little patience with a registry that does not answer: who waits for this can do without
        self.npm("ci", *([] if with_checks else ["--omit=dev"]), "--loglevel=error", "--fetch-retries=1")
        PACKAGES_STAMP.write_text(f"{locked} {'all' if with_checks else 'build'}")

    def npm(self, *arguments: str) -> None:
        """Run npm in `ui/`."""
        self.run([*self.npm_command, *arguments], f"npm {' '.join(arguments[:3])}")

    @cached_property
    def npm_command(self) -> list[str]:
        """What runs npm: the machine's, or that of our own Node, whose folder goes to the front of PATH."""
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm and node and version_of(node) >= NEEDED_NODE:
            return [npm]
        found = find_own_node()
        if found is None:
            self.install_node()
            found = find_own_node()
        if found is None:
            raise Failed("the packages of requirements-node.txt hold no Node")
        own_node, own_npm = found
        # what npm starts looks for Node there
        os.environ["PATH"] = f"{own_node.parent}{os.pathsep}{os.environ['PATH']}"
        return [str(own_node), str(own_npm)]

    def install_node(self) -> None:
        """Install Node from packages into a folder of its own."""
        say("Installing Node into ui/.node")
        # an environment of its own: who builds a wheel has no pip in the present one
        self.run([sys.executable, "-m", "venv", "--clear", str(OWN_NODE)], "python -m venv")
        pip = [str(OWN_NODE / "bin" / "pip"), "-qq", "--disable-pip-version-check", "install"]
        self.run([*pip, "--require-hashes", "-r", str(ROOT / "requirements-node.txt")], "pip install Node")

    def run(self, command: list[str], name: str) -> None:
        """Run a command in `ui/`; what it prints is shown. Raises Failed."""
        left = self.ends_at - time.monotonic()
        process = subprocess.Popen(command, cwd=UI, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            code = process.wait(max(left, 0))
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{name} took too long") from error
        finally:
            if process.poll() is None:
                # npm passes no signal on to what it starts
                os.killpg(process.pid, 9)
                process.wait()
        if code != 0:
            raise Failed(f"{name} ended with {code}")


def source_hash() -> str:
    """Return a hash of all that the build reads."""
    found = hashlib.sha256()
    for path in sorted(p for p in UI.rglob("*") if p.is_file() and not is_made(p)):
        found.update(f"{path.relative_to(UI)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def is_made(path: Path) -> bool:
    """Say whether a file of `ui/` is no source: packages, or a file for tools, which a package does not hold."""
    first = path.relative_to(UI).parts[0]
    return first == "node_modules" or first.startswith(".")


def version_of(node: str) -> tuple[int, ...]:
    """Return major and minor version of a Node; none if it does not start."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip().removeprefix("v")
    parts = said.split(".")[:2]
    return tuple(map(int, parts)) if all(p.isdigit() for p in parts) else ()


def find_own_node() -> tuple[Path, Path] | None:
    """Return Node and npm's program in `ui/.node`."""
    node = next(OWN_NODE.glob("**/bin/node"), None)
    npm = next(OWN_NODE.glob("**/npm/bin/npm-cli.js"), None)
    return (node, npm) if node and npm else None


def say(text: str) -> None:
    """Tell who waits."""
    print(text, file=sys.stderr)


def main() -> int:
    """Run one command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Build the front end.")
    parser.add_argument("--check", action="store_true", help="check types and run the front end's tests, too")
    parser.add_argument("--within", type=float, default=FOREVER_S, metavar="S", help="give up after S seconds")
    arguments = parser.parse_args()
    try:
        Builder(arguments.within).build(with_checks=arguments.check)
    except (Failed, OSError) as error:
        say(f"build_ui: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
