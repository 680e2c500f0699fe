"""Put the built front end into packages: called by hatchling when it builds a wheel or a source distribution.

An editable install serves `trailboss/web/` from the clone, and `scripts/up` builds it there.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontEnd(BuildHookInterface[Any]):
    """Builds `ui/` before the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and add what was built, which git ignores."""
        if version == "editable":
            return
        subprocess.run([sys.executable, str(Path(self.root) / "scripts" / "build_ui.py")], check=True)
        build_data["artifacts"].append("/trailboss/web/")
