"""The command line. ``main`` is the console script ``auricle``."""

from agent.cli.app import main

__all__ = ["main"]
