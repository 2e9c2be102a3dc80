"""What heavy work is done with."""

from dataclasses import dataclass

from auricle.settings import Settings
from engines.protocols import Engines
from library import Library


@dataclass(frozen=True)
class Context:
    """``engines`` makes each engine on first use; its identity is known before any weights are loaded."""

    library: Library
    engines: Engines
    settings: Settings
