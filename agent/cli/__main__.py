"""``python -m agent.cli``, where the console script is not installed."""

from agent.cli import main

main()
