"""What was found out about LLMs by using them: kept in the home, so that it is found out once."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError


class Known(BaseModel):
    """What is known of a model.

    Attributes:
        name: As ``--model`` names it.
        tools: Whether it calls tools natively well enough; None where that was not tried.
        tried: What it did when it was tried.
        tokens_per_byte: The most that a prompt of its was counted at by its own tokenizer, with a margin.
    """

    name: str = ""
    tools: bool | None = None
    tried: str = ""
    tokens_per_byte: float | None = None


class KnownModels:
    """The file of a home. Whoever cannot write it finds things out again."""

    def __init__(self, home: Path) -> None:
        self._file = home / "llm" / "known.json"

    def get(self, identity: str) -> Known:
        return self.all().get(identity, Known())

    def all(self) -> dict[str, Known]:
        """By identity; nothing where the file is none of ours."""
        try:
            found: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
            return {identity: Known.model_validate(known) for identity, known in found.items()}
        except (OSError, ValueError, ValidationError, AttributeError):
            return {}

    def note(self, identity: str, **news: Any) -> None:
        """Keeps something that was found out of a model, unless nobody knows which it is."""
        if not identity:
            return
        known = self.all()
        known[identity] = known.get(identity, Known()).model_copy(update=news)
        text = json.dumps({key: value.model_dump() for key, value in known.items()}, indent=1)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self._file.with_suffix(".part")
            part.write_text(text, encoding="utf-8")
            part.replace(self._file)
        except OSError:
            return
