"""Debian's chromium, headless, driven by selenium; what it logged and what it fetched."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--force-prefers-reduced-motion", "--window-size=1240,1000", "--lang=en",
)  # fmt: skip
NO_SCRIPTS = {"profile.managed_default_content_settings.javascript": 2}


def programs() -> tuple[str, str]:
    """Return chromium and its driver; skips the test where they are not installed."""
    pytest.importorskip("selenium", reason="selenium is not installed: pip install -e .[dev]")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium with chromedriver here: apt-get install chromium chromium-driver")
    return chromium, driver


@contextmanager
def browser(profile: Path, *, scripts: bool = True) -> Iterator[Any]:
    """Start a browser with an empty profile, and end it."""
    chromium, driver = programs()
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    if not scripts:
        options.add_experimental_option("prefs", NO_SCRIPTS)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    window = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield window
    finally:
        window.quit()


def fetched(window: Any) -> list[str]:
    """Return the addresses that were asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in window.get_log("performance")]
    requests = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    return [request["request"]["url"] for request in requests if not request["request"]["url"].startswith("data:")]


def complaints(window: Any) -> list[str]:
    """Return what the browser wrote into its console."""
    return [entry["message"] for entry in window.get_log("browser")]
