"""What heavy work is done with."""

from dataclasses import dataclass

from auricle.settings import Settings
from engines.protocols import Engines, OnText
from library import Library


@dataclass(frozen=True)
class Context:
    """``engines`` makes each engine on first use; its identity is known before any weights are loaded.

    ``on_text`` takes an LLM's words as they come.
    """

    library: Library
    engines: Engines
    settings: Settings
    on_text: OnText = lambda piece: None
