"""Holds the installed packages against the published vulnerabilities, by pip-audit.

Exit code 0: asked, none is known. 1: some are. 3: the database could not be asked, so nothing is known either way.
"""

import json
import subprocess
import sys
from typing import Any

CLEAN, VULNERABLE, UNKNOWN = 0, 1, 3
COMMAND = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner", "off", "-f", "json"]


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Return the exit code and what to print: pip-audit itself exits 0 also where it could ask about no package."""
    packages = report.get("dependencies", [])
    asked = [package for package in packages if "vulns" in package]
    unasked = [package["name"] for package in packages if "vulns" not in package]
    lines = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, mended in "
        f"{' or '.join(vulnerability.get('fix_versions') or ['no version yet'])}"
        for package in asked
        for vulnerability in package["vulns"]
    ]
    if lines:
        return VULNERABLE, lines
    if not asked:
        return UNKNOWN, [
            f"the vulnerability database knows none of the {len(unasked)} packages here: nothing is audited"
        ]
    missing = f"; not audited: {', '.join(unasked)}" if unasked else ""
    return CLEAN, [f"no known vulnerability in {len(asked)} packages{missing}"]


def main() -> int:
    """Ask, print, and return the exit code."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    try:
        code, lines = verdict(json.loads(done.stdout))
    except ValueError:
        code, lines = UNKNOWN, ["pip-audit could not ask: " + (done.stderr.strip().splitlines() or ["no answer"])[-1]]
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
