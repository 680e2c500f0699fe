import pytest

from tests.databases import (  # noqa: F401  (fixtures)
    database_url,
    migrated_postgres,
    migrated_sqlite,
    open_store,
    postgres,
)
from tests.serving import (  # noqa: F401  (fixtures)
    Api,
    Installation,
    OpenApi,
    admin,
    api,
    installation,
    later,
    open_api,
    plain_logs,
    settle,
)


@pytest.fixture
def operator(installation: Installation, open_api: OpenApi) -> Api:  # noqa: F811  (fixtures)
    """Who may do everything (`superadmin`)."""
    return open_api(installation.add_account("superadmin")[1])
