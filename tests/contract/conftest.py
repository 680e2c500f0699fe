from tests.contract.world import world  # noqa: F401  (fixture)
from tests.databases import migrated_sqlite  # noqa: F401  (fixture)
from tests.serving import admin, api, installation, later, open_api, plain_logs, settle  # noqa: F401  (fixtures)
