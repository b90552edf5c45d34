"""The shapes of signed tokens: each is accepted as itself and as nothing else."""

import base64
import time
from typing import Any

import pytest

from tessera.identity import signed
from tessera.identity.keys import load_keys
from tessera.kernel.errors import Unauthenticated
from tests.forging import forge as forged

SECRET = "s" * 64
KEYS = load_keys({"JWT_SECRET": SECRET}, ())
NOW = int(time.time())
ACCESS = {
    "fresh": False,
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 90_000,
    "jti": "j",
    "type": "access",
    "sub": "p",
    "identity_type": "person",
    "refresh_jti": "r",
}


def forge(claims: Any, *, secret: str = SECRET, **options: Any) -> str:
    return forged(claims, secret, **options)


def reason_of(token: str, purpose: Any = "access") -> str:
    with pytest.raises(Unauthenticated) as refused:
        signed.verify(KEYS, token, purpose)
    return refused.value.reason


def test_a_log_in_gives_two_tokens_that_know_each_other() -> None:
    pair = signed.production_pair(KEYS, "p", version=0, access_seconds=100, refresh_seconds=200)
    _, access = signed.verify(KEYS, pair.access_token, "access")
    _, refresh = signed.verify(KEYS, pair.refresh_token, "refresh")
    assert access["refresh_jti"] == refresh["jti"] != access["jti"]
    assert access["exp"] - access["iat"] == 100
    assert refresh["exp"] - refresh["iat"] == 200
    assert set(access) == set(ACCESS)
    assert set(refresh) == set(ACCESS) - {"refresh_jti"}


def test_the_vaults_token_has_exactly_its_claims_in_their_order() -> None:
    token = signed.vault_token(KEYS, username="anna", role="dvb_admin", version=0, expires_at=4_000_000_000)
    header, payload, _ = token.split(".")
    assert base64.urlsafe_b64decode(header + "==") == b'{"alg":"HS512","typ":"JWT"}'
    assert base64.urlsafe_b64decode(payload + "==") == b'{"role":"dvb_admin","username":"anna","exp":4000000000}'


def test_a_token_without_end_is_the_same_string_each_time() -> None:
    made = [
        signed.vault_token(KEYS, username="svc", role="dvb_operations", version=0, expires_at=None) for _ in range(2)
    ]
    assert made[0] == made[1]
    assert signed.verify(KEYS, made[0], "access")[1] == {"role": "dvb_operations", "username": "svc"}


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_the_vaults_token_is_taken_under_both_algorithms(algorithm: str) -> None:
    claims, _ = signed.verify(KEYS, forge({"role": "dvb_user", "username": "u"}, algorithm=algorithm), "access")
    assert isinstance(claims, signed.VaultClaims)


def test_the_previous_secret_still_verifies() -> None:
    rotated = load_keys({"JWT_SECRET": "n" * 64 + "\n" + SECRET}, ())
    claims, _ = signed.verify(rotated, forge(ACCESS), "access")
    assert isinstance(claims, signed.ProductionClaims)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (forge(ACCESS, header={"alg": "none", "typ": "JWT"}), "signature"),
        (forge(ACCESS, header={"alg": "none"}).rpartition(".")[0] + ".", "signature"),
        (forge(ACCESS, header={"alg": "RS256"}), "signature"),
        (forge(ACCESS, header={"alg": "HS384"}), "signature"),
        (forge(ACCESS, header={"alg": ["HS256"]}), "signature"),
        (forge(ACCESS, header={"typ": "JWT"}), "malformed"),
        (forge(ACCESS, header=["HS256"]), "malformed"),
        (forge(ACCESS, algorithm="HS512"), "signature"),
        (forge(ACCESS, secret="x" * 64), "signature"),
        (forge(ACCESS)[:-4] + "AAAA", "signature"),
        (forge(ACCESS | {"exp": NOW - 1}), "expired"),
        (forge(ACCESS | {"exp": NOW}), "expired"),
        (forge({"role": "dvb_user", "username": "u", "exp": NOW - 1}), "expired"),
        (forge(ACCESS | {"exp": NOW - 1}, secret="x" * 64), "signature"),
        (forge(ACCESS | {"nbf": NOW + 80_000}), "malformed"),
        (forge({key: value for key, value in ACCESS.items() if key != "exp"}), "malformed"),
        (forge({key: value for key, value in ACCESS.items() if key != "jti"}), "malformed"),
        (forge(ACCESS | {"sub": 7}), "malformed"),
        (forge(ACCESS | {"exp": "soon"}), "malformed"),
        (forge({"role": "dvb_admin", "username": "u", "sub": "p"}), "malformed"),
        (forge({"role": "dvb_admin"}), "malformed"),
        (forge({"username": "u", "role": None}), "malformed"),
        (forge({"sub": "p", "exp": NOW + 90_000}), "malformed"),
        (forge([1]), "malformed"),
        ("a.b.c", "malformed"),
        ("..", "malformed"),
        ("é.é.é", "malformed"),
        (forge(ACCESS | {"type": "refresh"}), "kind"),
    ],
)
def test_what_is_no_access_token_is_refused_with_its_reason(token: str, reason: str) -> None:
    assert reason_of(token) == reason


@pytest.mark.parametrize(
    "token",
    [
        forge(ACCESS),
        forge({"role": "dvb_user", "username": "u", "exp": NOW + 90_000}),
        signed.exchange_token(KEYS, principal_id="p", token_id="t"),
    ],
    ids=["access", "vault", "exchange"],
)
def test_only_a_refresh_token_refreshes(token: str) -> None:
    assert reason_of(token, "refresh") == "kind"


def test_claims_may_not_be_moved_to_another_tokens_signature() -> None:
    mine, admin = forge(ACCESS).split("."), forge(ACCESS | {"sub": "admin"}).split(".")
    assert reason_of(f"{mine[0]}.{admin[1]}.{mine[2]}") == "signature"
