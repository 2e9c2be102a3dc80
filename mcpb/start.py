"""What Claude Desktop starts out of the bundle: the folders that the person chose become `--allow`."""

import sys

from agent.cli import main

if __name__ == "__main__":
    main(["serve", *(f"--allow={folder}" for folder in sys.argv[1:])])
