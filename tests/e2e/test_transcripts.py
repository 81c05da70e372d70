# SPDX-License-Identifier: MIT
"""Replays tests/protocol: what the manual shows is what the daemon says."""
import json
import re

import pytest

from world import ROOT

TRANSCRIPTS = sorted((ROOT / "tests" / "protocol").glob("*.txt"))


def matches(expected, got):
    """The same, member order included; "…" is any value."""
    if expected == "…":
        return True
    if isinstance(expected, dict):
        return (isinstance(got, dict) and list(expected) == list(got)
                and all(matches(expected[k], got[k]) for k in expected))
    return expected == got


@pytest.mark.routers("embedded")
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[p.stem for p in TRANSCRIPTS])
def test_a_transcript_is_what_happens(daemon, path):
    programs = {}
    for line in path.read_text().splitlines():
        found = re.match(r"([CD]\d?)> (.*)", line)
        if not found:
            assert line.startswith("--"), line
            continue
        who, text = found.group(1), found.group(2)
        name = who[1:]
        if name not in programs:
            programs[name] = daemon.connect(greet=False)
        if who[0] == "C":
            programs[name].send_raw(text.encode() + b"\n")
        else:
            got = programs[name].take()
            assert matches(json.loads(text), got), f"expected {text}\ngot {json.dumps(got)}"
