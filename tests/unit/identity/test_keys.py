"""`jwt_secret`: where it is found, what is refused. Source: contracts/vault.md, 1.3."""

from pathlib import Path

import pytest

from tessera.identity.keys import SecretRefused, load_keys

GOOD = "a" * 64
OTHER = "b" * 64


def raw(keys: object) -> list[bytes]:
    return [key.raw_value for key in keys.verifying]  # type: ignore[attr-defined]


def test_the_named_file_comes_before_the_secret_file_and_the_variable(tmp_path: Path) -> None:
    named, mounted = tmp_path / "named", tmp_path / "mounted"
    named.write_text(GOOD)
    mounted.write_text(OTHER)
    keys = load_keys({"TESSERA_JWT_SECRET_FILE": str(named), "JWT_SECRET": "c" * 64}, (str(mounted),))
    assert raw(keys) == [GOOD.encode()]


def test_the_secret_file_comes_before_the_variable(tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.write_text(OTHER)
    keys = load_keys({"JWT_SECRET": GOOD}, (str(tmp_path / "absent"), str(mounted)))
    assert raw(keys) == [OTHER.encode()]


def test_the_variable_comes_before_chance() -> None:
    assert raw(load_keys({"JWT_SECRET": GOOD}, ())) == [GOOD.encode()]


def test_without_any_secret_each_start_makes_its_own_of_64_letters_and_digits() -> None:
    first, second = load_keys({}, ()), load_keys({}, ())
    assert raw(first) != raw(second)
    assert len(raw(first)[0]) == 64
    assert raw(first)[0].isalnum()
    assert not first.is_lasting


def test_one_trailing_newline_is_no_part_of_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(GOOD + "\n")
    assert raw(load_keys({"TESSERA_JWT_SECRET_FILE": str(file)}, ())) == [GOOD.encode()]


def test_a_second_line_verifies_and_the_first_signs(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{GOOD}\n{OTHER}\n")
    keys = load_keys({"TESSERA_JWT_SECRET_FILE": str(file)}, ())
    assert raw(keys) == [GOOD.encode(), OTHER.encode()]
    assert keys.signing.raw_value == GOOD.encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a" * 63, "has 63"),
        ("a" * 63 + "\n", "has 63"),
        (f"{GOOD}\nshort", "line 2 has 5"),
        (f"{GOOD}\n\n", "line 2 has 0"),
        (f"{GOOD}\n{OTHER}\n{GOOD}", "3 lines"),
    ],
    ids=["63", "63-and-newline", "short-previous", "two-newlines", "three-lines"],
)
def test_a_secret_of_another_shape_is_refused_by_name_and_length(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    with pytest.raises(SecretRefused) as refused:
        load_keys({"TESSERA_JWT_SECRET_FILE": str(file)}, ())
    assert "jwt_secret" in str(refused.value)
    assert said in str(refused.value)
    assert "aaaa" not in str(refused.value)


def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretRefused, match="jwt_secret cannot be read"):
        load_keys({"TESSERA_JWT_SECRET_FILE": str(tmp_path / "none")}, ())


def test_keys_do_not_show_themselves() -> None:
    assert GOOD not in repr(load_keys({"JWT_SECRET": GOOD}, ()))
