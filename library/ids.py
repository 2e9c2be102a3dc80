"""Opaque, prefixed, permanent ids."""

import re
import secrets
import string
from typing import Literal

Prefix = Literal["r", "s", "j", "t", "p", "v"]

_ALPHABET = string.ascii_lowercase + string.digits
_SHAPE = re.compile(r"[rsjtpv]_[a-z0-9]{10}\Z")


def new_id(prefix: Prefix) -> str:
    """A fresh id: the prefix, ``_`` and ten characters of a to z and 0 to 9 (51 random bits)."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(10))}"


def is_id(text: str, prefix: Prefix) -> bool:
    return text.startswith(f"{prefix}_") and _SHAPE.match(text) is not None
