"""How a conversation with an LLM begins: what it is told each time, with examples in their turns."""

from engines.protocols import Message
from prompts import turns


def opening(prompt: str) -> list[Message]:
    """The fixed messages of a prompt; a small model follows examples it seems to have given itself."""
    return [Message(role, text, fixed=True) for role, text in turns(prompt)]
