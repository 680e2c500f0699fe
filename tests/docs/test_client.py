"""The examples of docs/client.md, run in their order against a server."""

from __future__ import annotations

import re
from typing import Any

from tests.client.serving import served  # noqa: F401  (fixture)
from tests.databases import migrated_sqlite  # noqa: F401  (fixture)
from tests.docs.pages import page
from tests.serving import Installation, installation, plain_logs  # noqa: F401  (fixtures)


def test_the_examples_do_what_the_page_says(installation: Installation, served: str) -> None:  # noqa: F811
    access_key, secret_key = installation.project_key
    names: dict[str, Any] = {"url": served, "access_key": access_key, "secret_key": secret_key}
    examples = re.findall(r"```python\n(.*?)```", page("client.md"), flags=re.DOTALL)
    assert len(examples) > 6
    for number, example in enumerate(examples, 1):
        exec(compile(example, f"example {number} of docs/client.md", "exec"), names)
