# SPDX-License-Identifier: MIT
"""Routers that are away, die, come back, fall silent, or hold what is ours."""
import signal
import socket
import threading
import time

import pytest

from world import Remote, until

pytestmark = pytest.mark.routers("nexus", "crossbar")
QUICK = {"reconnect_delay": 0.1, "reconnect_max_delay": 0.5}


def test_the_router_starts_after_the_daemon(own_router, make_daemon):
    daemon = make_daemon(own_router, session=QUICK)
    daemon.start()
    p = daemon.connect()
    watch = p.request(op="watch", id="w", session="*")
    assert watch["op"] == "ok"
    assert p.next(op="session")["state"] == "connecting"
    assert p.request(op="status", id="s")["sessions"]["default"]["state"] == "connecting"
    assert p.request(op="register", id="r", procedure="com.example.p")["state"] == "pending"
    assert p.request(op="subscribe", id="t", topic="com.example.t")["state"] == "pending"
    error = p.request(op="call", id=1, procedure="com.example.p")
    assert error["code"] == "not_joined" and error["retry"] is True and error["session"] == "default"
    failed = p.expect(op="session", state="connecting")
    assert failed["reason"] == "wampbridge.error.transport" and "refused" in failed["message"]
    own_router.start()
    p.expect(op="session", state="joined")
    states = [p.expect(op="state", state="active") for _ in range(2)]
    assert [("registration" in s) for s in states] == [True, False]
    p.send(op="call", id=2, procedure="com.example.p", args=[1])
    p.answer(args=[2])
    # a subscription that becomes active for the first time has no gap
    assert p.expect(id=2) == {"op": "result", "id": 2, "args": [2], "kwargs": {}}


def test_the_router_is_killed_under_load_and_comes_back(own_router, make_daemon):
    own_router.start()
    daemon = make_daemon(own_router, session=QUICK)
    daemon.start()
    daemon.wait_joined()
    callee, caller, watcher = daemon.connect(), daemon.connect(), daemon.connect()
    callee.register("com.example.echo")
    callee.register("com.example.slow")
    callee.subscribe("com.example.t", id="t")
    watcher.request(op="watch", id="w")
    watcher.next(op="session", state="joined")
    for i in range(40):
        caller.send(op="call", id=i, procedure="com.example.slow")
    for _ in range(40):
        callee.expect(op="invocation")
    own_router.stop()
    # §11.6 for the watcher, one session_lost for each call, interrupts and pending for the callee
    lost = watcher.next(op="session")
    assert lost["state"] == "lost" and lost["reason"] == "wampbridge.error.transport"
    errors = [caller.next(op="error") for _ in range(40)]
    assert sorted(e["id"] for e in errors) == list(range(40))
    assert {e["code"] for e in errors} == {"session_lost"} and {e["outcome"] for e in errors} == {"unknown"}
    lines = [callee.take() for _ in range(43)]
    assert sum(line["op"] == "interrupt" for line in lines) == 40
    assert [line["state"] for line in lines if line["op"] == "state"] == ["pending"] * 3
    assert watcher.next(op="session")["state"] == "reconnecting"
    callee.send(op="result", inv=1)  # late: ignored
    own_router.start()
    watcher.expect(op="session", state="joined")
    for _ in range(3):
        callee.expect(op="state", state="active")
    assert callee.expect(op="gap") == {"op": "gap", "subscription": "t", "dropped": -1, "reason": "session_lost"}
    caller.send(op="call", id="again", procedure="com.example.echo", args=["hi"])
    callee.answer(args=["hi"])
    assert caller.expect(id="again")["args"] == ["hi"]
    caller.send(op="publish", topic="com.example.t", args=[1])
    assert callee.expect(op="event")["args"] == [1]
    caller.quiet()


def test_calls_never_get_lost_while_the_router_dies(own_router, make_daemon):
    """Every call that is made while the router is killed gets exactly one reply."""
    own_router.start()
    daemon = make_daemon(own_router, session=QUICK)
    daemon.start()
    daemon.wait_joined()
    callee, caller = daemon.connect(), daemon.connect()
    callee.register("com.example.echo")
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            line = callee.take(0.2)
            if line and line["op"] == "invocation":
                callee.send(op="result", inv=line["inv"], args=line["args"])

    thread = threading.Thread(target=serve)
    thread.start()
    killer = threading.Thread(target=own_router.stop)
    replies = {}
    try:
        for i in range(200000):
            if i == 200:
                killer.start()
            caller.send(op="call", id=i, procedure="com.example.echo", args=[i], timeout=10000)
            if i % 20 == 19:
                while len(replies) <= i:
                    line = caller.expect()
                    if "id" in line:
                        assert line["id"] not in replies
                        replies[line["id"]] = line.get("code", "result")
            if i % 20 == 19 and replies[i] == "not_joined":
                break
    finally:
        killer.join()
        stop.set()
        thread.join()
    assert sorted(replies) == list(range(len(replies)))
    assert set(replies.values()) <= {"result", "session_lost", "not_joined"}
    assert "not_joined" in replies.values()


def test_a_silent_router_is_found_by_pings(own_router, make_daemon):
    own_router.start()
    daemon = make_daemon(own_router, session={"ping_interval": 1, "ping_timeout": 1, **QUICK})
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.request(op="watch", id="w")
    p.next(op="session", state="joined")
    start = time.monotonic()
    own_router.send_signal(signal.SIGSTOP)
    lost = p.next(op="session")
    assert lost["state"] == "lost" and lost["reason"] == "wampbridge.error.ping_timeout"
    assert 0.5 < time.monotonic() - start < 6
    own_router.send_signal(signal.SIGCONT)
    p.expect(op="session", state="joined")


@pytest.mark.routers("nexus")
def test_the_router_says_goodbye(own_router, make_daemon):
    own_router.start()
    daemon = make_daemon(own_router, session=QUICK)
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.request(op="watch", id="w")
    p.next(op="session", state="joined")
    own_router.stop(signal.SIGINT)
    left = p.next(op="session")
    # GOODBYE and CLOSE come in one segment, or the router forgets to say it
    assert left["state"] in ("left", "lost")
    own_router.start()
    p.expect(op="session", state="joined")


def test_a_registration_that_a_zombie_holds_is_retried_alone(own_router, make_daemon):
    own_router.start()
    daemon = make_daemon(own_router, session=QUICK)
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    for name in ("com.example.a", "com.example.b", "com.example.c"):
        p.register(name)
    own_router.stop()
    for _ in range(3):
        p.expect(op="state", state="pending")
    # The zombie must be there before the daemon is: it waits for nothing else.
    daemon.process.send_signal(signal.SIGSTOP)
    own_router.start()
    zombie = Remote(own_router)
    zombie.register("com.example.b")
    daemon.process.send_signal(signal.SIGCONT)
    states = {}
    while len(states) < 3:
        line = p.expect(op="state")
        states[line["registration"]] = line
    assert states["com.example.a"]["state"] == states["com.example.c"]["state"] == "active"
    failed = states["com.example.b"]
    assert failed["state"] == "failed" and failed["error"]["code"] == "procedure_already_exists"
    assert failed["error"]["retry_in_ms"] > 0
    session = p.request(op="status", id=1)["sessions"]["default"]["session_id"]
    zombie.stop()
    p.expect(op="state", registration="com.example.b", state="active")
    assert p.request(op="status", id=1)["sessions"]["default"]["session_id"] == session


@pytest.mark.routers("nexus")
def test_a_thousand_registrations_come_back_through_a_queue_of_64(own_router, make_daemon):
    own_router.start()
    daemon = make_daemon(own_router, session=QUICK)
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    for i in range(1000):
        p.send(op="register", id=i, procedure=f"com.example.p{i}")
    for i in range(1000):
        assert p.expect(op="ok")["state"] == "active"
    own_router.stop()
    own_router.start()
    active = [p.expect(op="state", state="active")["registration"] for _ in range(1000)]
    assert active == list(range(1000))
    p.send(op="call", id="c", procedure="com.example.p999")
    assert p.answer()["registration"] == 999
    p.expect(op="result", id="c")


def test_one_of_two_sessions_may_be_away(own_router, make_daemon):
    own_router.start()
    other = type(own_router)(own_router.directory)
    daemon = make_daemon(sessions={"here": {**own_router.session(), **QUICK},
                                   "away": {**other.session(), **QUICK}},
                         daemon={"default_session": "here"})
    daemon.start()
    daemon.wait_joined("here")
    p = daemon.connect()
    p.register("com.example.p")
    assert p.request(op="call", id=1, session="away", procedure="com.example.p")["code"] == "not_joined"
    assert p.request(op="call", id=2, session="nowhere", procedure="com.example.p")["code"] == "no_such_session"
    p.send(op="call", id=3, session="here", procedure="com.example.p")
    p.answer()
    p.expect(op="result", id=3)


def test_an_unknown_realm_is_told_and_tried_again(own_router, make_daemon):
    own_router.start()
    daemon = make_daemon(own_router, session={"realm": "com.example.nowhere"})
    daemon.start()
    p = daemon.connect()
    p.request(op="watch", id="w")
    line = p.expect(op="session", state="failed")
    assert line["reason"] == "wamp.error.no_such_realm" and line["retry_in_ms"] > 1000
    error = p.request(op="call", id=1, procedure="com.example.p")
    assert error["code"] == "session_failed" and error["retry"] is True
    assert p.request(op="register", id=2, procedure="com.example.p")["state"] == "pending"


def test_what_is_no_router_is_told(own_router, make_daemon):
    """A port that speaks HTTP but no WAMP."""
    import http.server

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        daemon = make_daemon(session={"url": f"ws://127.0.0.1:{server.server_address[1]}/nothing"})
        daemon.start()
        p = daemon.connect()
        p.request(op="watch", id="w")
        line = until("a failed attempt", lambda: (s := p.expect(op="session")).get("message") and s)
        assert line["reason"] == "wampbridge.error.transport" and "404" in line["message"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ---- while the router is away ----


def test_what_is_asked_while_the_router_is_away(own_router, make_daemon):
    own_router.start()
    daemon = make_daemon(own_router, session=QUICK)
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.register("com.example.kept")
    p.register("com.example.dropped")
    p.subscribe("com.example.dropped", id="t")
    own_router.stop()
    for _ in range(3):
        p.expect(op="state", state="pending")
    error = p.request(op="publish", id=1, topic="com.example.t")
    assert error["code"] == "not_joined" and error["retry"] is True
    assert p.request(op="publish", id=2, topic="com.example.t", ack=True)["code"] == "not_joined"
    # without an id it is counted, and told once a second at most
    for _ in range(50):
        p.send(op="publish", topic="com.example.t")
    p.send(op="ping", id=3)
    told = []
    while (line := p.take())["op"] != "pong":
        told += [line] if "line" in line else []
    assert len(told) <= 2 and {line["code"] for line in told} <= {"not_joined"}
    # undoing works at once, and holds after the rejoin
    assert p.request(op="unregister", id=4, registration="com.example.dropped")["op"] == "ok"
    assert p.request(op="unsubscribe", id=5, subscription="t")["op"] == "ok"
    assert daemon.ctl("call", "com.example.kept").returncode == 75
    assert daemon.ctl("wait", "--timeout", "0.3").returncode == 124
    waiting = daemon.start_ctl("wait", "--timeout", "60")
    own_router.start()
    assert waiting.wait(60) == 0
    waiting.communicate()
    assert p.expect(op="state", state="active")["registration"] == "com.example.kept"
    assert p.request(op="call", id=6, procedure="com.example.dropped")["code"] == "no_such_procedure"
    rows = p.request(op="list", id=7, what="registrations")["items"]
    assert [row["uri"] for row in rows] == ["com.example.kept"]
    assert p.request(op="list", id=8, what="subscriptions")["items"] == []


@pytest.mark.routers("nexus")
def test_a_router_that_dies_again_and_again(own_router, make_daemon):
    """Killed in the middle of each rejoin; the last one finds everything in order."""
    own_router.start()
    daemon = make_daemon(own_router, session=QUICK)
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    for i in range(300):
        p.send(op="register", id=i, procedure=f"com.example.p{i}")
        p.send(op="subscribe", id=f"t{i}", topic=f"com.example.t{i}")
    for _ in range(600):
        assert p.expect(op="ok")["state"] == "active"
    for _ in range(5):
        own_router.stop()
        own_router.start()
        p.expect(op="state", state="active")
    own_router.stop()
    own_router.start()

    def all_active():
        status = p.request(op="status", id="s")["sessions"]["default"]["state"]
        rows = [row for what in ("registrations", "subscriptions")
                for row in p.request(op="list", id=what, what=what)["items"]]
        return status == "joined" and len(rows) == 600 and all(row["state"] == "active" for row in rows)

    until("everything is active", all_active)
    other = daemon.connect()
    for i in range(0, 300, 60):
        other.send(op="call", id=i, procedure=f"com.example.p{i}", args=[i])
        inv = p.expect(op="invocation")
        assert inv["registration"] == i
        p.send(op="result", inv=inv["inv"], args=[i])
        assert other.expect(id=i)["args"] == [i]
        other.send(op="publish", topic=f"com.example.t{i}", args=[i])
        assert p.expect(op="event")["subscription"] == f"t{i}"


@pytest.mark.routers("nexus")
def test_a_router_that_reads_nothing_stops_only_who_floods_it(own_router, make_daemon):
    own_router.start()
    daemon = make_daemon(own_router, session=QUICK)
    daemon.start()
    daemon.wait_joined()
    flooder, other = daemon.connect(), daemon.connect()
    before = daemon.memory_kb()
    own_router.send_signal(signal.SIGSTOP)
    line = b'{"op":"publish","topic":"com.example.t","args":["' + b"x" * 1000 + b'"]}\n'
    total = 40000
    sent = []

    def flood():
        for _ in range(total // 100):
            flooder.send_raw(line * 100)
            sent.append(100)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        def is_held():
            n = len(sent)
            other.quiet()
            time.sleep(0.1)
            return n and len(sent) == n

        until("the flooder is held", is_held)
        assert sum(sent) < total
        other.quiet()
        assert daemon.memory_kb() - before < 30000
    finally:
        own_router.send_signal(signal.SIGCONT)
        thread.join()
    flooder.quiet()
    assert flooder.request(op="publish", id=1, topic="com.example.t", ack=True)["op"] == "ok"


# ---- names ----


def test_a_host_is_found_by_its_name(own_router, make_daemon):
    """localhost has two addresses, and only one of them is listened at."""
    try:
        socket.getaddrinfo("localhost", None)
    except OSError:
        pytest.skip("this machine does not know localhost (no /etc/hosts)")
    own_router.start()
    daemon = make_daemon(sessions={"default": {"host": "localhost", "port": own_router.port, "path": "/ws"}})
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    p.register("com.example.p")


@pytest.mark.routers("nexus")
def test_a_name_without_an_address_is_told(router, make_daemon):
    daemon = make_daemon(sessions={"default": {"url": "ws://router.invalid:8080/ws"}})
    daemon.start()
    p = daemon.connect()
    p.request(op="watch", id="w")
    line = until("a failed attempt", lambda: (s := p.expect(op="session")).get("reason") and s)
    assert line["reason"] == "wampbridge.error.dns" and "router.invalid" in line["message"]
    p.quiet("q")


# ---- the end ----


@pytest.mark.routers("nexus", "embedded")
def test_a_stop_with_many_handles_does_not_wait_for_its_timeout(router, make_daemon):
    daemon = make_daemon(router, daemon={"shutdown_timeout": 30})
    daemon.start()
    daemon.wait_joined()
    p = daemon.connect()
    for i in range(200):
        p.send(op="register", id=i, procedure=f"com.example.p{i}")
        p.send(op="subscribe", id=f"t{i}", topic=f"com.example.t{i}")
    for _ in range(400):
        assert p.expect(op="ok")["state"] == "active"
    start = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - start < 10
