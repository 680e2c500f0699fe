"""Two installations on one machine and one Docker Engine do not see each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.installation import Installation
from tests.lab import a_lab
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


def test_two_installations_on_one_engine_leave_each_other_alone(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    with a_lab() as lab:
        installations = [Installation(folder, lab) for folder in folders]
        try:
            for installation in installations:
                installation.open()
            first, second = installations
            # The same names on both sides: nothing may hang on names.
            services = [installation.a_service("twin", scale=2) for installation in installations]
            assert first.id != second.id
            for installation, service in zip(installations, services, strict=True):
                installation.wait_until_exact(service, 2)
            addresses = [
                c.primaryIpAddress for i, s in zip(installations, services, strict=True) for c in s.instances().data
            ]
            assert len(set(addresses)) == 4

            first.client._delete(services[0].environment().links.self + "?purge=true")
            eventually(lambda: not first.owned(), 60, "the first installation's containers are gone")
            second.wait_until_exact(services[1], 2)
        finally:
            for installation in installations:
                installation.close()
