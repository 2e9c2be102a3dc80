"""Auricle: instructions about recordings, answered on one's own machine.

The public API is re-exported lazily, so that `import auricle` stays cheap.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Answer": "agent.run",
    "AuricleError": "auricle.errors",
    "Citation": "agent.run",
    "Settings": "auricle.settings",
    "Step": "agent.run",
    "Toolbox": "tools.toolbox",
    "Watching": "tools.threads",
    "ask": "agent.run",
    "in_thread": "tools.threads",
}
"""Where each lies; ``__init__.pyi`` says the same to those who check types."""

__all__ = ["__version__", *_PUBLIC]


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'auricle' has no attribute {name!r}")
