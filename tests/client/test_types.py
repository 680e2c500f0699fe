"""The generated classes: as the declarations are now, and with the names of the API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from trailboss.api.schemas import role_view
from trailboss.client import Client, types

ROOT = Path(__file__).parents[2]


def test_the_classes_are_as_the_declarations_are() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "client_types.py")]
    made = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert (ROOT / "trailboss" / "client" / "types.py").read_text() == made.stdout, "run `just client`"


def test_every_field_has_the_name_of_the_api() -> None:
    for name, view in role_view("superadmin").types.items():
        if name not in ("schema", "error"):
            assert set(view.fields) <= set(types.TYPES[name].__struct_encode_fields__), name


def test_no_collection_hides_what_a_client_can_do() -> None:
    assert {name for name in types.COLLECTIONS if hasattr(Client, name)} == set()
