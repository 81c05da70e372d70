# SPDX-License-Identifier: MIT
"""Name servers that do not answer stop nobody but the session that needs them."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

from conftest import ATTACH


def test_dead_name_servers_hold_up_neither_other_sessions_nor_the_end(tmp_path):
    if ATTACH or os.geteuid() != 0:
        pytest.skip("needs root, for a network and an /etc/resolv.conf of its own")
    unshare = ["unshare", "--net", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("namespaces cannot be made here")
    done = subprocess.run([*unshare, sys.executable, str(pathlib.Path(__file__).with_name("dead_names.py")), tmp_path],
                          capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-4000:]
    took = json.loads(done.stdout)
    assert took["join"] < 2 and took["rejoin"] < 2 and took["stop"] < 3 and took["status"] == 0, took
