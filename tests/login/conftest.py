from tests.databases import migrated_sqlite  # noqa: F401
from tests.login.directory import slapd, tls_slapd  # noqa: F401
from tests.serving import admin, api, installation, later, open_api, plain_logs, settle  # noqa: F401
