"""What is remembered: recordings, takes, edits, speakers, jobs."""

from library.store import Library

__all__ = ["Library"]
