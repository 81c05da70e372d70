# SPDX-License-Identifier: MIT
"""Fixtures: a router, a daemon joined to it, programs on raw sockets, a remote WAMP peer.

The same scenarios run for each router. One that is absent is skipped with its
reason, or fails if WAMPBRIDGE_REQUIRE_ROUTERS=1.
"""
import os
import pathlib

import pytest

from world import Attached, Daemon, ROUTERS, Remote

ONLY = os.environ.get("WAMPBRIDGE_ROUTERS", "").split()
# The socket of a daemon that is there already, and is not to be started or stopped.
ATTACH = os.environ.get("WAMPBRIDGE_ATTACH")
REQUIRED = os.environ.get("WAMPBRIDGE_REQUIRE_ROUTERS") == "1"


def pytest_generate_tests(metafunc):
    if "router" in metafunc.fixturenames:
        names = ONLY or list(ROUTERS)
        only = metafunc.definition.get_closest_marker("routers")
        if only:
            names = [n for n in names if n in only.args]
        metafunc.parametrize("router", names, indirect=True, scope="module")


def start_router(name, directory):
    reason = ROUTERS[name].absent()
    if reason:
        (pytest.fail if REQUIRED else pytest.skip)(f"{name}: {reason}")
    router = ROUTERS[name](pathlib.Path(directory))
    router.start()
    return router


@pytest.fixture(scope="module")
def router(request, tmp_path_factory):
    """One router for the module's tests; a test that kills it starts it again."""
    router = start_router(request.param, tmp_path_factory.mktemp(request.param))
    yield router
    router.stop()


@pytest.fixture
def own_router(request, router, tmp_path):
    """A router of the same kind for one test, not yet started when the test begins."""
    other = type(router)(tmp_path)
    yield other
    other.stop()


@pytest.fixture
def daemon(router, tmp_path):
    if ATTACH:
        daemon = Attached(tmp_path, ATTACH)
    else:
        daemon = Daemon(tmp_path, router)
        daemon.start()
    daemon.wait_joined()
    yield daemon
    daemon.finish()


@pytest.fixture
def make_daemon(tmp_path):
    """Daemons with settings of their own; all are stopped and looked at."""
    if ATTACH:
        pytest.skip("the daemon is there already, with settings of its own")
    daemons = []

    def make(router=None, **settings):
        daemon = Daemon(tmp_path, router, **settings)
        daemons.append(daemon)
        return daemon

    yield make
    for daemon in daemons:
        daemon.finish()


@pytest.fixture
def remote(router):
    if router.url is None:
        pytest.skip("the embedded router listens nowhere: there are no remote peers")
    peer = Remote(router)
    yield peer
    peer.stop()
