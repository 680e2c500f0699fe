from tests.client.serving import client, served, wire  # noqa: F401  (fixtures)
from tests.databases import migrated_sqlite  # noqa: F401  (fixture)
from tests.serving import installation, plain_logs  # noqa: F401  (fixtures)
