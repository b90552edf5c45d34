"""JWTs of trusted issuers. Source: contracts/semantic.md, 3.2."""

import time
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey
from msgspec import json

from tessera.identity.forms import ForeignHints
from tessera.identity.issuers import BadIssuer, Issuers
from tessera.kernel.errors import Unauthenticated
from tests.forging import forge

RSA = RSAKey.generate_key(2048)
PUBLIC = RSA.as_pem(private=False).decode()
SHARED = "k" * 40
NOW = int(time.time())
BASE = {"ENABLE_TOKEN": "true", "JWT_DEFAULT_KEY": PUBLIC, "JWT_DEFAULT_ALGORITHM": "RS256"}


def sign(claims: dict[str, Any], key: Any = RSA, algorithm: str = "RS256") -> str:
    return jws.serialize_compact({"alg": algorithm}, json.encode(claims), key, [algorithm])


def reason(issuers: Issuers, token: str, hints: ForeignHints | None = None) -> str:
    with pytest.raises(Unauthenticated) as refused:
        issuers.verify(token, hints or ForeignHints())
    return refused.value.reason


def test_nobody_is_trusted_unless_enabled() -> None:
    assert not Issuers({"JWT_DEFAULT_KEY": PUBLIC}).is_enabled


def test_the_claim_that_names_the_user_is_a_setting() -> None:
    claims = {"email": "ann@x.test", "preferred_username": "ann", "upn": "ann@upn.test"}
    for settings, name in (
        ({}, "ann@x.test"),
        ({"JWT_USE_EMAIL_OR_USER": "username"}, "ann"),
        ({"JWT_TYPE": "azure"}, "ann@upn.test"),
    ):
        assert Issuers(BASE | settings).verify(sign(claims), ForeignHints())[0] == name


def test_the_public_key_does_not_pass_as_a_shared_secret() -> None:
    confused = forge({"email": "admin@x.test"}, PUBLIC)
    assert reason(Issuers(BASE), confused) == "signature"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"email": "a@x.test", "exp": NOW - 61}, "expired"),
        ({"email": "a@x.test", "nbf": NOW + 80_000}, "malformed"),
        ({"email": "a@x.test", "exp": "never"}, "malformed"),
        ({"email": ""}, "malformed"),
        ({"sub": "a"}, "malformed"),
    ],
)
def test_times_and_names_are_checked(claims: dict[str, Any], said: str) -> None:
    assert reason(Issuers(BASE), sign(claims)) == said


def test_a_minute_of_leeway_is_given() -> None:
    assert Issuers(BASE).verify(sign({"email": "a@x.test", "exp": time.time() - 30}), ForeignHints())[0] == "a@x.test"


@pytest.mark.parametrize(
    ("settings", "hints"),
    [
        ({"JWT_DEFAULT_AUDIENCE": "us"}, ForeignHints()),
        ({}, ForeignHints(audience="us")),
        ({"JWT_ISSUER": "https://idp"}, ForeignHints()),
        ({}, ForeignHints(issuer="https://idp")),
        ({}, ForeignHints(nonce="n")),
        ({}, ForeignHints(tenant="../etc")),
    ],
)
def test_audience_issuer_and_nonce_are_checked_when_set_or_sent(settings: dict[str, str], hints: ForeignHints) -> None:
    assert reason(Issuers(BASE | settings), sign({"email": "a@x.test", "aud": ["them"]}), hints) == "signature"


def test_a_tenant_has_its_own_key_and_its_own_algorithm() -> None:
    issuers = Issuers(BASE | {"JWT_ACME_KEY": SHARED, "JWT_ACME_ALGORITHM": "HS256", "JWT_USE_TENANT_USER": "true"})
    token = sign({"email": "a@x.test"}, OctKey.import_key(SHARED), "HS256")
    assert issuers.verify(token, ForeignHints(tenant="acme"))[0] == "acme/a@x.test"
    assert reason(issuers, token) == "signature"
    assert reason(issuers, sign({"email": "a@x.test"}), ForeignHints(tenant="acme")) == "signature"


@pytest.mark.parametrize(
    "settings",
    [
        {"ENABLE_TOKEN": "true"},
        BASE | {"JWT_DEFAULT_ALGORITHM": "HS256,RS256"},
        BASE | {"JWT_DEFAULT_ALGORITHM": "none"},
        BASE | {"JWT_DEFAULT_KEY": "not a key"},
    ],
    ids=["no-key", "mixed", "none", "bad-key"],
)
def test_settings_that_would_be_unsafe_are_refused_at_start(settings: dict[str, str]) -> None:
    with pytest.raises(BadIssuer):
        Issuers(settings)
