"""A client of the vault for its contract tests."""

import pytest

from tests.contract.vault.calls import Vault
from tests.serving import Served


@pytest.fixture
def vault(server: Served) -> Vault:
    return Vault(server, server.admin.token)
