"""Auricle: instructions about recordings, answered on one's own machine.

The public API is re-exported lazily, so that `import auricle` stays cheap.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Settings": "auricle.settings",
    "AuricleError": "auricle.errors",
    "Toolbox": "tools.toolbox",
    "ask": "agent.run",
}

__all__ = ["AuricleError", "Settings", "Toolbox", "__version__", "ask"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'auricle' has no attribute {name!r}")
