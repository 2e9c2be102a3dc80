"""Tokens: shown once, kept as a hash, refused once they are expired or revoked."""

import hashlib
from pathlib import Path

import pytest

from auricle.errors import BadArgument, NotFound
from library import Library


def test_a_token_is_known_by_its_secret_and_kept_as_its_hash_alone(home: Path, library: Library) -> None:
    secret, token = library.tokens.create("Alice's laptop")
    assert len(secret) > 40
    found = library.tokens.check(secret)
    assert found is not None
    assert (found.name, found.created) == (token.name, token.created)
    library.close()
    stored = b"".join(file.read_bytes() for file in home.glob("library.db*"))
    assert secret.encode() not in stored
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in stored


def test_no_two_tokens_are_alike(library: Library) -> None:
    secrets = {library.tokens.create(str(number))[0] for number in range(20)}
    assert len(secrets) == 20
    with pytest.raises(BadArgument, match="already"):
        library.tokens.create(" 7 ")


@pytest.mark.parametrize("secret", ["", "auricle_", "Alice", "\ud800", "x" * 100_000])
def test_nothing_else_opens(library: Library, secret: str) -> None:
    library.tokens.create("Alice")
    assert library.tokens.check(secret) is None


def test_a_token_expires(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("library.tokens.time.time", lambda: now[0])
    secret, token = library.tokens.create("Alice", days=2)
    now[0] += 2 * 24 * 3600 - 1
    assert library.tokens.check(secret) is not None
    now[0] += 1
    assert library.tokens.check(secret) is None
    assert [known.expires for known in library.tokens.list()] == [token.expires]


def test_a_revoked_token_opens_nothing_and_its_name_is_free(library: Library) -> None:
    secret, _ = library.tokens.create("Alice")
    other, _ = library.tokens.create("Bob")
    library.tokens.revoke("Alice")
    assert library.tokens.check(secret) is None
    assert library.tokens.check(other) is not None
    with pytest.raises(NotFound, match="Bob"):
        library.tokens.revoke("Alice")
    library.tokens.create("Alice")
    assert library.tokens.check(secret) is None


def test_it_is_told_when_a_token_was_used_last(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("library.tokens.time.time", lambda: now[0])
    secret, _ = library.tokens.create("Alice")
    assert [token.last_used for token in library.tokens.list()] == [None]
    for seconds, told in ((5, 5), (30, 5), (61, 66)):
        now[0] = 1_000_000.0 + seconds + (5 if seconds == 61 else 0)
        library.tokens.check(secret)
        assert [token.last_used for token in library.tokens.list()] == [1_000_000.0 + told]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "\x1b[31m"])
def test_a_name_is_one_short_line(library: Library, name: str) -> None:
    with pytest.raises(BadArgument, match="printable"):
        library.tokens.create(name)
