"""The folders a client may use: a model decides over paths, so paths end where the person said."""

from collections.abc import Sequence
from pathlib import Path

from auricle.errors import BadArgument


def inside(path: str, folders: Sequence[Path]) -> str:
    """A path as it really is, links followed; relative ones start at the first folder.

    Args:
        path: As the client gave it. It need not exist.
        folders: Resolved folders; at least one.

    Raises:
        BadArgument: It lies elsewhere, or cannot be followed.
    """
    try:
        real = (folders[0] / Path(path).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise BadArgument(f"The path {path!r} cannot be followed: {error}.") from None
    if not any(real == folder or folder in real.parents for folder in folders):
        allowed = ", ".join(str(folder) for folder in folders)
        raise BadArgument(
            f"The path {path} lies outside the folders this server may use ({allowed}): use a file inside them, "
            "or the person starts `auricle serve` with another --allow DIR."
        )
    return str(real)
