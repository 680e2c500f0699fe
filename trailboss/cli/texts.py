"""The texts that `up` deploys, and the name of their stack: files and environment in, plain values out.

    answers   where `${V}` comes from: the env file, what the stack was made with, the environment of the process
    files     what `env_file` and `extends` name, read when they are asked for

Both remember what was asked of them, so that only that is sent. What the texts mean is the compose package's.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trailboss.errors import TrailbossError

COMPOSE_FILES = ("docker-compose.yml", "docker-compose.yaml")
RANCHER_FILE = "rancher-compose.yml"
ENV_FILE = ".env"
STDIN = "-"


class Answers(Mapping[str, str]):
    """Values of variables from several sources, the first that has one; `used` is what was asked for and found."""

    def __init__(self, *sources: Mapping[str, str]) -> None:
        self.sources = sources
        self.used: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        for source in self.sources:
            if name in source:
                self.used[name] = source[name]
                return source[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({name for source in self.sources for name in source})

    def __len__(self) -> int:
        return len(set(self))


class Files(Mapping[str, str]):
    """Texts of files in a folder, by their path in it; `used` are those that were asked for and found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> str:
        path = self.folder / name
        if not path.is_file():
            raise KeyError(name)
        self.used.add(name)
        return read_file(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self.used)

    def __len__(self) -> int:
        return len(self.used)


@dataclass(frozen=True)
class Texts:
    """What is to be deployed. env: the lines of the env file."""

    name: str
    folder: Path
    docker_compose: str
    rancher_compose: str | None
    env: dict[str, str]


def read_texts(file: str | None, rancher_file: str | None, project_name: str | None, env_file: str | None) -> Texts:
    """Read the compose file, and what is beside it unless named. Raises TrailbossError for a file that is missing."""
    path = compose_file(file)
    folder = Path.cwd() if path is None else path.parent
    rancher = _beside(rancher_file, folder / RANCHER_FILE)
    env = _beside(env_file, folder / ENV_FILE)
    return Texts(
        name=stack_name(project_name, file),
        folder=folder,
        docker_compose=sys.stdin.read() if path is None else read_file(path),
        rancher_compose=read_file(rancher) if rancher else None,
        env=read_env(read_file(env)) if env else {},
    )


def compose_file(file: str | None) -> Path | None:
    """Return the path of the compose file, None for standard input."""
    if file == STDIN:
        return None
    if file is not None:
        return Path(file)
    return next((Path(name) for name in COMPOSE_FILES if Path(name).is_file()), Path(COMPOSE_FILES[0]))


def _beside(named: str | None, usual: Path) -> Path | None:
    if named is not None:
        return Path(named)
    return usual if usual.is_file() else None


def read_file(path: Path) -> str:
    """Return a file's text. Raises TrailbossError that names it."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise TrailbossError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TrailbossError(f"{path} is not a text in UTF-8") from error


def read_env(text: str) -> dict[str, str]:
    """Read lines `KEY=VALUE`; a line without `=` gives a blank. Blank lines and lines that begin with # are left out;
    quotes are part of the value, as in rancher-compose."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key.strip(): value for key, _, value in pairs}


def stack_name(project_name: str | None, file: str | None) -> str:
    """Return the name of the stack: the one given, else that of the compose file's folder, in the characters that a
    stack's name may have (as rancher-compose makes it: lower case, everything else a dash)."""
    path = compose_file(file)
    given = project_name or (Path.cwd() if path is None else path.resolve().parent).name
    name = re.sub(r"[^a-z0-9-]", "-", given.lower()).strip("-")
    if not name:
        raise TrailbossError(f"{given!r} makes no name for a stack; name it with --project-name")
    return name
