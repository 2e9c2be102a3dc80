"""The folders a client may use: a model decides over paths, so paths end where the person said."""

from collections.abc import Sequence
from pathlib import Path

from auricle.errors import BadArgument


class Folders:
    """Allowed folders, and what was written in them.

    Args:
        allowed: Resolved; at least one. Relative paths start at the first.
    """

    def __init__(self, allowed: Sequence[Path]) -> None:
        self._allowed = allowed
        self._written: set[str] = set()

    def to_read(self, path: str) -> str:
        """A path as it really is, links followed.

        Raises:
            BadArgument: It lies elsewhere, or cannot be followed.
        """
        try:
            real = (self._allowed[0] / Path(path).expanduser()).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise BadArgument(f"The path {path!r} cannot be followed: {error}.") from None
        if not any(real == folder or folder in real.parents for folder in self._allowed):
            allowed = ", ".join(map(str, self._allowed))
            raise BadArgument(
                f"The path {path} lies outside the folders this server may use ({allowed}): use a file inside them, "
                "or the person starts `auricle serve` with another --allow DIR."
            )
        return str(real)

    def to_write(self, path: str) -> str:
        """The same for a file to write: a new one, or one that this server wrote before.

        Raises:
            BadArgument: As ``to_read``, or there is a file of the person's.
        """
        real = self.to_read(path)
        if real not in self._written and Path(real).exists():
            raise BadArgument(f"{path} exists and is not this server's to replace: give another path, or none.")
        return real

    def wrote(self, path: str) -> None:
        self._written.add(path)
