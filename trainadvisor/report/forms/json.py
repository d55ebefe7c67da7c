"""JSON: the whole diagnosis of each run."""

from trainadvisor.report.machine.json_document import render_all

__all__ = ["ENDING", "render_all"]
ENDING = ".json"
