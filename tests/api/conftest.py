from tests.databases import (  # noqa: F401  (fixtures)
    database_url,
    migrated_postgres,
    migrated_sqlite,
    open_store,
    postgres,
)
from tests.serving import admin, api, installation, later, open_api, plain_logs, settle  # noqa: F401  (fixtures)
