"""What is asked of Auricle itself and of its library: no recording tells it, and no model has to guess it."""

import re

ABOUT = (
    "I am Auricle, a program that listens to recordings. I can transcribe them, tell voices apart and name them, "
    "answer questions with quotes and times, summarize, write Q&A, minutes, subtitles or JSON, find where something "
    "is said, count who talks how long, and cut sound out."
)

_ITSELF = re.compile(
    r"\b(?:who|what)\s+(?:are|made|built|created|developed|wrote|programmed|trained)\s+you\b(?!\s+\w+ing\b)"
    r"|\bare you (?:an? |human|real\b|chatgpt|alive)|\byour name\b|\bwhat (?:\w+ )?(?:can|do) you do\b"
    r"|\b(?:how|what) can you help\b|\bwer (?:bist du|sind sie)\b|\bwas (?:kannst du|können sie)\b(?! \w+ \w+)"
    r"|\bqui es-tu\b|\bqui êtes-vous\b|\bque (?:peux-tu|pouvez-vous) faire\b|\bqui[ée]n eres\b|\bqué puedes hacer\b"
    r"|\bchi sei\b|\b(?:che )?cosa (?:puoi|sai) fare\b",
    re.IGNORECASE,
)
_LIBRARY = re.compile(
    r"\b(?:which|what|list|show)\b(?:\s+(?:me|all|of|the|my|our))*\s+(?:recordings?|audio files)\b"
    r"(?:\s+(?:do (?:i|we) have|are there|have i|are (?:in|known|open)\b.*|(?:is|are) (?:in )?(?:my|the) library))?\W*$"
    r"|\bwelche aufnahmen\b(?:\s+\w+){0,3}\W*$|\bquels enregistrements\b(?:\s+\w+){0,3}\W*$",
    re.IGNORECASE,
)


def asks_of_itself(instruction: str) -> bool:
    """Whether it is asked who Auricle is, or what it can do."""
    return bool(_ITSELF.search(instruction))


def asks_for_recordings(instruction: str) -> bool:
    """Whether the recordings themselves are asked for, and nothing about them."""
    return bool(_LIBRARY.search(instruction))
