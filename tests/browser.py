"""A headless Chromium, Debian's own, for the tests of pages; where it is missing they are skipped and say so."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parent / "clients" / "node_modules" / "axe-core" / "axe.min.js"


@contextmanager
def browser() -> Iterator[Any]:
    """Playwright's browser; it fetches none of its own."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium: apt install chromium")
    from playwright.sync_api import sync_playwright

    # Chromium refuses its sandbox to root. The sound is played to nobody.
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=found, args=[*root, "--mute-audio", "--autoplay-policy=no-user-gesture-required"]
        )
        try:
            yield opened
        finally:
            opened.close()


def serious(page: Any) -> list[str]:
    """What axe finds on a page that is serious or critical."""
    if not AXE.is_file():
        pytest.skip("no axe-core: make clients (with npm)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:120]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]
