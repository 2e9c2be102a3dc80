"""The page as a PDF, printed by a browser that is on this machine."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from auricle.errors import ModelUnavailable, WorkError
from tools.export.page import html
from tools.export.source import Export, Source

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
"""Looked for on the path, in this order."""

SECONDS = 120


class NoBrowser(ModelUnavailable):
    code = "no_browser"


def pdf(source: Source) -> Export:
    """The page without its player, as its print style has it.

    Raises:
        NoBrowser: There is none on this machine.
        WorkError: It does not print.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise NoBrowser(
            "A PDF is printed by a browser, and there is none here: install Chromium (Debian: apt install chromium), "
            "or export html or docx."
        )
    page = html(replace(source, sound=""))
    with tempfile.TemporaryDirectory() as folder:
        given, printed = Path(folder) / "page.html", Path(folder) / "page.pdf"
        given.write_bytes(page.content)
        try:
            subprocess.run(
                [browser, *_options(folder), f"--print-to-pdf={printed}", given.as_uri()],
                check=True,
                capture_output=True,
                timeout=SECONDS,
            )
            return Export(page.text, data=printed.read_bytes())
        except (OSError, subprocess.SubprocessError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise WorkError(
                f"{Path(browser).name} did not print the page ({why}): export html or docx instead."
            ) from None


def _options(folder: str) -> list[str]:
    alone = [
        "--headless",
        "--disable-gpu",
        "--disable-extensions",
        "--no-first-run",
        f"--user-data-dir={folder}/profile",
    ]
    # Chromium refuses its sandbox to root; the page has no script that it would run but its own.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [*alone, *root, "--no-pdf-header-footer"]
