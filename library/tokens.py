"""Who may come in over the network: tokens, of which only the hash is kept."""

import contextlib
import hashlib
import hmac
import secrets
import time
import unicodedata

from sqlalchemy import RowMapping, delete, insert, select, update

from auricle.domain import Token
from auricle.errors import BadArgument, LibraryError, NotFound
from library import tables
from library.database import Database

_PREFIX = "auricle_"
"""So that a token that got into a repository or a log is recognised as one."""

_BYTES = 32
_LONGEST_NAME = 64
_DAY = 24 * 3600.0
_SECONDS_BETWEEN_USES = 60.0
"""When a token was used last is written at most this often."""

_COLUMNS = tuple(column for column in tables.tokens.c if column.name != "sha256")


class Tokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, days: float | None = None) -> tuple[str, Token]:
        """Makes a token: 256 random bits, so that its plain hash cannot be guessed back.

        Args:
            name: Whose it is, or what for; no two have the same.
            days: It holds so long; without end where left out.

        Returns:
            The secret, which nobody will see again, and what is known of it.

        Raises:
            BadArgument: The name is empty, too long, no text, or taken.
        """
        name, now = name.strip(), time.time()
        if not 0 < len(name) <= _LONGEST_NAME or any(unicodedata.category(char).startswith("C") for char in name):
            raise BadArgument(f"A token's name has 1 to {_LONGEST_NAME} printable characters: say whose it is.")
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        token = Token(name=name, created=now, expires=None if days is None else now + days * _DAY, last_used=None)
        with self._database.write() as connection:
            if connection.execute(select(tables.tokens.c.name).where(tables.tokens.c.name == name)).first():
                raise BadArgument(f"There is a token '{name}' already: revoke it first, or give another name.")
            connection.execute(insert(tables.tokens).values(**token.model_dump(), sha256=_hash(secret)))
        return secret, token

    def list(self) -> list[Token]:
        """Every token, expired ones too, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(*_COLUMNS).order_by(tables.tokens.c.name)).mappings()
            return [_token(row) for row in rows]

    def revoke(self, name: str) -> Token:
        """Forgets a token: from the next request on it opens nothing.

        Raises:
            NotFound: There is none of this name.
        """
        gone = delete(tables.tokens).where(tables.tokens.c.name == name).returning(*_COLUMNS)
        with self._database.write() as connection:
            row = connection.execute(gone).mappings().first()
        if row is None:
            known = ", ".join(token.name for token in self.list()) or "none"
            raise NotFound(f"There is no token '{name}'. There are: {known}.")
        return _token(row)

    def check(self, secret: str) -> Token | None:
        """Whose secret this is; None where it was never made, was revoked, or has expired."""
        now, given = time.time(), _hash(secret)
        with self._database.read() as connection:
            rows = connection.execute(select(tables.tokens)).mappings().all()
        # All are compared, each in constant time: how long it takes tells nothing.
        found = [row for row in rows if hmac.compare_digest(row["sha256"], given)]
        if not found or (found[0]["expires"] is not None and found[0]["expires"] <= now):
            return None
        token = _token(found[0])
        if token.last_used is None or now - token.last_used >= _SECONDS_BETWEEN_USES:
            seen = update(tables.tokens).where(tables.tokens.c.name == token.name).values(last_used=now)
            with contextlib.suppress(LibraryError), self._database.write() as connection:
                connection.execute(seen)  # where nothing can be written, reading is still allowed
        return token


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _token(row: RowMapping) -> Token:
    return Token(**{name: value for name, value in row.items() if name != "sha256"})
