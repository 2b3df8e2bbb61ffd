"""`substrate policy`: judges manifests in files by the pack's rules. Imports the rules, the files and the reports.

Exit codes: 0 no mandatory finding, 1 at least one, 2 some input (or the settings) could not be read, whatever was found
in the rest.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from policies.admission import render
from policies.files.judging import judge
from policies.files.reading import read
from policies.files.settings import SettingsError, load
from policies.reports import json, junit, sarif, text
from policies.rule import Level
from policies.rules import RULES
from policies.settings import schema, settings_from

NOTHING, FOUND, UNREADABLE = 0, 1, 2
FORMS = {"text": text.render, "sarif": sarif.render, "junit": junit.render, "json": json.render}


def run(options: argparse.Namespace) -> int:
    """Judge and report; returns the exit code."""
    try:
        alone, together = _settings(options.settings)
        if options.admission:
            _put(render(RULES, settings_from(alone)), options.output)
            return NOTHING
        verdict = judge(read(options.files), RULES, alone, together)
        _put(FORMS[options.format](verdict), options.output)
    except (SettingsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return UNREADABLE
    if options.output and options.format != "text":
        # The machine has its file; whoever reads the log is told too.
        sys.stdout.write(text.render(verdict))
    if verdict.given.unreadable:
        return UNREADABLE
    return FOUND if verdict.count(Level.MANDATORY) else NOTHING


def _settings(path: Path | None) -> tuple[dict[str, Any], dict[str, Any]]:
    return load(path, schema(RULES)) if path else ({}, {})


def _put(report: str, path: Path | None) -> None:
    if path:
        path.write_text(report, encoding="utf-8")
    else:
        sys.stdout.write(report)
