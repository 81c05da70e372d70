# SPDX-License-Identifier: MIT
"""The line protocol and the daemon itself, where no other router matters."""
import json
import os
import signal
import socket
import stat
import subprocess
import time

import pytest

from world import BUILD, ROOT, WAIT, WITH_US, connects, to_yaml, until

pytestmark = pytest.mark.routers("embedded")


# ---- greeting ----


def test_greet_comes_first_and_says_who_one_is(daemon):
    greet = daemon.connect(greet=False).next(op="greet")
    assert list(greet)[:2] == ["op", "proto"] and greet["proto"] == [1, 0]
    assert greet["sessions"] == {"default": "joined"} and greet["default_session"] == "default"
    assert greet["peer"]["uid"] == os.getuid() and greet["peer"]["pid"] == os.getpid()
    assert greet["limits"]["max_line"] == 1048576


def test_hello_is_first_or_late(daemon):
    p = daemon.connect()
    p.send(op="hello", id="h", proto=[1, 0], name="heating-ctl 2.3", session="default")
    assert p.next(op="ok") == {"op": "ok", "id": "h", "proto": [1, 0], "enabled": []}
    assert p.request(op="hello", id=2)["code"] == "hello_late"
    rows = p.request(op="list", id=3, what="clients")["items"]
    assert rows[0]["name"] == "heating-ctl 2.3"
    assert daemon.connect().request(op="hello", id=1, session="nowhere")["code"] == "no_such_session"


def test_another_major_version_ends_the_connection(daemon):
    p = daemon.connect()
    p.send(op="hello", id="h", proto=[2, 0])
    assert p.next(op="error")["code"] == "proto_version"
    assert p.next(op="bye")["code"] == "protocol_error"
    assert p.take() is None


# ---- mistakes ----

MISTAKES = [
    (b'{oops', "bad_json", "expected string at byte 2"),
    (b'[1]', "bad_json", None),
    (b'{"op":"ping"} x', "bad_json", None),
    (b'{"op":"ping","id":01}', "bad_json", None),
    (b'{"op":"ping","id":"\xff"}', "bad_utf8", None),
    (b'{"op":"ping","id":"\\ud800"}', "bad_utf8", None),
    (b'{"op":"ping","id":"a\x00"}', "bad_utf8", None),
    (b'{"op":"publish","topic":"a.b","args":[1e400]}', "bad_message", None),
    (b'{"op":"call","id":1,"procedure":"a","args":[' + b'[' * 130 + b']' * 130 + b']}', "bad_json", None),
    (b'{"op":"call","procedure":"com.example.add2"}', "id_required", 'op "call" needs an "id"'),
    (b'{"op":"publish","topic":"a.b","ack":true}', "id_required", None),
    (b'{"id":2}', "bad_message", None),
    (b'{"op":"frob","id":2}', "unknown_op", 'unknown op "frob"'),
    (b'{"op":"cancel","id":2}', "unknown_op", None),
    (b'{"op":"call","id":1,"procedure":"a.b","timout":5}', "unknown_member", 'op "call" has no member "timout"'),
    (b'{"op":"call","id":1,"procedure":"a.b","progress":true}', "unknown_member", None),
    (b'{"op":"call","id":1,"procedure":7}', "bad_message", None),
    (b'{"op":"call","id":1,"procedure":"a.b","args":{"a":1}}', "bad_message", None),
    (b'{"op":"call","id":1,"procedure":"a.b","kwargs":[1]}', "bad_message", None),
    (b'{"op":"call","id":1,"procedure":"a.b","timeout":-1}', "bad_message", None),
    (b'{"op":"call","id":1,"procedure":"a.b","timeout":1.5}', "bad_message", None),
    (b'{"op":"ping","id":1,"id":2}', "bad_message", None),
    (b'{"op":"ping","id":1,"\\u0069d":2}', "bad_message", None),
    (b'{"op":"ping","id":-1}', "bad_message", None),
    (b'{"op":"ping","id":1.5}', "bad_message", None),
    (b'{"op":"ping","id":""}', "bad_message", None),
    (b'{"op":"ping","id":9007199254740993}', "bad_message", None),
    (b'{"op":"ping","id":null}', "bad_message", None),
    (b'{"op":"result","inv":7}', "no_such_invocation", None),
    (b'{"op":"unregister","registration":"x"}', "no_such_registration", None),
    (b'{"op":"unsubscribe","id":1,"subscription":"x"}', "no_such_subscription", None),
    (b'{"op":"list","id":1,"what":"secrets"}', "bad_message", None),
    (b'call com.example.add2 [1]', "feature_off", None),
]


@pytest.mark.parametrize("line,code,message", MISTAKES, ids=[str(i) for i in range(len(MISTAKES))])
def test_each_mistake_is_answered_and_changes_nothing(daemon, line, code, message):
    p = daemon.connect()
    p.send_raw(b"\n# a comment\n" + line + b"\n")
    error = p.next(op="error")
    assert error["code"] == code and error["origin"] == "daemon"
    assert message is None or error["message"] == message
    if "line" in error:
        assert error["line"] == 3 and "id" not in error
    else:
        assert error["id"] in (1, 2)
    p.quiet()


def test_members_that_begin_with_x_are_ignored(daemon):
    assert daemon.connect().request(op="ping", id=1, **{"x-mine": [1]})["op"] == "pong"


def test_an_id_in_use_is_answered_by_line(daemon):
    p = daemon.connect()
    p.register("com.example.p", id="r")
    p.send(op="ping", id="r")
    error = p.next(op="error")
    assert error["code"] == "id_in_use" and error["line"] == 2 and "id" not in error


def test_sixteen_unreadable_lines_in_a_row_end_the_connection(daemon):
    p, other = daemon.connect(), daemon.connect()
    p.send_raw(b"{\n" * 15)
    p.send(op="ping", id=1)
    p.expect(op="pong")
    p.send_raw(b"{\n" * 20)
    lines = p.at_end()
    assert [line["op"] for line in lines] == ["error"] * 16 + ["bye"]
    assert lines[-1]["code"] == "protocol_error"
    other.quiet()


def test_a_line_over_a_mebibyte_is_skipped(daemon):
    p = daemon.connect()
    p.send_raw(b'{"op":"ping","id":"' + b"x" * (1 << 20) + b'"}\n')
    error = p.next(op="error")
    assert error["code"] == "line_too_long" and error["line"] == 1
    p.quiet()
    p.register("com.example.p")
    p.send_raw(b'{"op":"call","id":1,"procedure":"com.example.p","args":["' + b"x" * ((1 << 20) - 200) + b'"]}\n')
    invocation = p.answer()
    assert len(invocation["args"][0]) == (1 << 20) - 200
    p.expect(op="result", id=1)


def test_one_byte_at_a_time(daemon):
    p = daemon.connect()
    for byte in b'{"op":"ping","id":"slowly"}\r\n':
        p.send_raw(bytes([byte]))
    assert p.next(op="pong")["id"] == "slowly"


def test_what_is_not_terminated_is_not_executed(daemon):
    p = daemon.connect()
    p.send_raw(b'{"op":"ping","id":1}\n{"op":"ping","id":2}')
    p.half_close()
    lines = p.at_end()
    assert [line["op"] for line in lines] == ["pong", "error"]
    assert lines[1]["code"] == "bad_json" and lines[1]["line"] == 2


def test_noise_hurts_nobody(daemon):
    import random

    good = daemon.connect()
    good.register("com.example.p")
    noise = random.Random(1)
    pieces = [b'{"op":"call","id":1,"procedure":"com.example.p"}\n', b"\n", b"{", b'"', b"\xff\xfe", b"\x00", b"[" * 200]
    for _ in range(20):
        p = daemon.connect(greet=False)
        try:
            for _ in range(50):
                p.send_raw(b"".join(noise.choice(pieces + [noise.randbytes(20)]) for _ in range(20)))
        except (BrokenPipeError, ConnectionResetError):
            pass
        p.close()
    good.send(op="call", id="c", procedure="com.example.p")
    while (line := good.expect(op="invocation")) and line["args"] != []:
        pass
    assert daemon.process.poll() is None
    daemon.connect().quiet()


# ---- closing ----


def test_bye_is_answered_and_ends(daemon):
    p, q = daemon.connect(), daemon.connect()
    p.register("com.example.p")
    q.send(op="call", id=1, procedure="com.example.p")
    p.expect(op="invocation")
    p.send(op="bye", id=1)
    assert p.next(op="bye") == {"op": "bye", "code": "client", "message": "goodbye"}
    assert p.take() is None
    assert q.expect(id=1)["code"] == "canceled"


def test_bye_answers_what_is_open(daemon):
    p, callee = daemon.connect(), daemon.connect()
    callee.register("com.example.slow")
    p.send(op="call", id=1, procedure="com.example.slow")
    callee.expect(op="invocation")
    p.send(op="bye")
    lines = p.at_end()
    assert [(line["op"], line.get("id"), line["code"]) for line in lines] == [
        ("error", 1, "canceled"), ("bye", None, "client")]


def test_echo_into_socat_gets_its_answer(daemon):
    callee = daemon.connect()
    callee.register("com.example.add2")
    line = '{"op":"call","id":1,"procedure":"com.example.add2","args":[20,22]}'
    shell = subprocess.Popen(["sh", "-c", f"echo '{line}' | socat -t30 - UNIX-CONNECT:{daemon.socket}"],
                             stdout=subprocess.PIPE, text=True)
    callee.answer(args=[42])
    out, _ = shell.communicate(timeout=WAIT)
    assert json.loads(out.splitlines()[-1]) == {"op": "result", "id": 1, "args": [42], "kwargs": {}}


def test_a_half_closed_program_keeps_its_subscriptions(daemon):
    p, q = daemon.connect(), daemon.connect()
    p.subscribe("com.example.t")
    p.register("com.example.p")
    p.half_close()
    until("its registration is gone", lambda: q.request(op="call", id=1, procedure="com.example.p")["code"]
          == "no_such_procedure")
    q.send(op="publish", topic="com.example.t", args=[1])
    assert p.expect(op="event")["args"] == [1]


def test_a_half_closed_program_that_dies_is_noticed(daemon):
    p, q = daemon.connect(), daemon.connect()
    p.subscribe("com.example.t")
    p.half_close()
    p.close()
    until("it is gone", lambda: q.request(op="status", id=1)["clients"] == 1)


# ---- limits ----


def test_limits_are_answered_by_name(router, make_daemon):
    daemon = make_daemon(router, limits={"max_registrations": 2, "max_subscriptions": 2, "max_inflight": 2})
    daemon.start()
    p = daemon.connect()
    for i in range(2):
        p.register(f"com.example.p{i}", id=f"r{i}")
        p.subscribe(f"com.example.t{i}", id=f"s{i}")
        p.send(op="call", id=f"c{i}", procedure="com.example.p0")
    assert p.request(op="register", id=1, procedure="com.example.p2")["code"] == "too_many_registrations"
    assert p.request(op="subscribe", id=1, topic="com.example.t2")["code"] == "too_many_subscriptions"
    for i in range(2):
        p.request(op="watch", id=f"w{i}")
    assert p.request(op="watch", id=1)["code"] == "too_many_subscriptions"
    error = p.request(op="call", id=1, procedure="com.example.p0")
    assert error["code"] == "too_many_requests" and error["retry"] is True
    assert error["limit"] == {"name": "max_inflight", "value": 2}


def test_the_newcomer_over_the_limit_gets_a_bye(router, make_daemon):
    daemon = make_daemon(router, limits={"max_connections": 3})
    daemon.start()
    # The tests run as the daemon's own user, who has eight reserved places.
    first = [daemon.connect() for _ in range(3 + 8)]
    late = daemon.connect(greet=False)
    assert late.next(op="bye")["code"] == "too_many_connections"
    assert late.take() is None
    for p in first:
        p.quiet()
    first[0].close()
    until("there is room", lambda: first[1].request(op="status", id=1)["clients"] == 2 + 8)
    daemon.connect().quiet()


def test_below_the_limit_of_descriptors_the_newcomer_is_refused(router, make_daemon):
    daemon = make_daemon(router, limits={"max_connections": 4096})
    daemon.start()
    daemon.stop()
    subprocess.run(["true"], check=True)
    config = daemon.directory / "wampbridge.yaml"
    log = open(daemon.log, "ab")
    daemon.process = subprocess.Popen([*WITH_US, "sh", "-c", f"ulimit -n 200; exec {BUILD / 'wampbridged'} -c {config}"],
                                      stderr=log)
    until("daemon listens", lambda: daemon.log.read_text().count("listening on") == 2)
    programs = [daemon.connect(greet=False) for _ in range(160)]
    replies = [p.take()["op"] for p in programs]
    assert replies.count("greet") > 100 and replies.count("bye") > 0
    assert "file descriptors" in daemon.log.read_text()


def test_a_reader_that_stops_loses_events_with_a_gap(router, make_daemon):
    daemon = make_daemon(router, limits={"subscription_queue": 100})
    daemon.start()
    slow, p = daemon.connect(), daemon.connect()
    slow.subscribe("com.example.t")
    for i in range(5000):
        p.send(op="publish", topic="com.example.t", args=[i, "x" * 1000])
    p.quiet()
    before = daemon.memory_kb()
    assert before < 40000 or "address" in str(BUILD)
    expected, dropped = 0, 0
    while expected < 5000:
        line = slow.take()
        if line["op"] == "gap":
            assert line["reason"] == "overflow" and line["dropped"] > 0
            dropped += line["dropped"]
            expected += line["dropped"]
        elif line["op"] == "event":
            # The gap stood exactly where events are missing.
            assert line["args"][0] == expected
            expected += 1
    assert expected == 5000 and dropped > 0


def test_a_reader_that_takes_no_replies_is_cut_off(router, make_daemon):
    daemon = make_daemon(router, limits={"output_hard_limit": "2M", "output_soft_limit": "64K"})
    daemon.start()
    slow, callee = daemon.connect(), daemon.connect()
    callee.register("com.example.big")
    for i in range(10):
        slow.send(op="call", id=i, procedure="com.example.big")
    for _ in range(10):
        callee.answer(args=["x" * 500000])
    until("it is cut off", lambda: "cut off" in daemon.log.read_text())
    lines = []
    while (line := slow.take_raw(5)) is not None:
        lines.append(line)
    assert all(line.endswith(b"}") for line in lines)
    bye = json.loads(lines[-1])
    assert bye["op"] == "bye" and bye["code"] == "slow_consumer" and "read faster" in bye["message"]
    callee.quiet()


def test_who_is_stalled_is_cut_off(router, make_daemon):
    daemon = make_daemon(router, limits={"stall_timeout": 1})
    daemon.start()
    slow, p = daemon.connect(), daemon.connect()
    slow.subscribe("com.example.t")
    for i in range(1000):
        p.send(op="publish", topic="com.example.t", args=["x" * 1000])
    until("it is cut off", lambda: "none taken for" in daemon.log.read_text())
    p.quiet()


def test_five_hundred_programs_at_once(daemon):
    programs = [daemon.connect(greet=False) for _ in range(500)]
    for i, p in enumerate(programs):
        p.send(op="register", id="r", procedure=f"com.example.p{i}")
        p.send(op="subscribe", id="s", topic="com.example.all")
    for p in programs:
        p.expect(id="r", op="ok", state="active")
        p.expect(id="s", op="ok", state="active")
    for i, p in enumerate(programs):
        p.send(op="call", id="c", procedure=f"com.example.p{(i + 1) % 500}", args=[i])
    for p in programs:
        p.answer(args=["done"])
    for p in programs:
        assert p.expect(id="c")["args"] == ["done"]
    programs[0].send(op="publish", topic="com.example.all", args=["hello", "x" * 600])
    for p in programs[1:]:
        assert p.expect(op="event")["args"][0] == "hello"
    programs[0].quiet()
    for p in programs[:250]:
        p.close()
    until("they are gone", lambda: programs[-1].request(op="status", id=1)["clients"] == 250)


def test_an_idle_program_costs_little(router, make_daemon):
    daemon = make_daemon(router)
    # a sanitizer's memory is no measure
    daemon.program = ROOT / "build" / "wampbridged"
    if not daemon.program.exists():
        pytest.skip("build/wampbridged is not built")
    daemon.start()
    daemon.wait_joined()
    idle = daemon.memory_kb()
    assert idle < 12000
    programs = [daemon.connect() for _ in range(200)]
    programs[-1].quiet()
    assert (daemon.memory_kb() - idle) / 200 < 8


# ---- status ----


def test_status_and_lists(daemon):
    p, q = daemon.connect(), daemon.connect()
    p.register("com.example.p", id="r")
    p.subscribe("com.example.t", id="t")
    q.send(op="call", id="c", procedure="com.example.p")
    p.expect(op="invocation")
    status = p.request(op="status", id=1)
    assert status["clients"] == 2 and status["sessions"]["default"]["state"] == "joined"
    rows = {what: q.request(op="list", id=what, what=what)["items"]
            for what in ("sessions", "clients", "registrations", "subscriptions", "calls", "limits", "errors")}
    assert rows["sessions"][0]["session"] == "default" and rows["sessions"][0]["router"] == "embedded:"
    assert len(rows["clients"]) == 2
    assert rows["registrations"][0]["uri"] == "com.example.p" and rows["registrations"][0]["invocations"] == 1
    assert rows["subscriptions"][0]["uri"] == "com.example.t" and rows["subscriptions"][0]["id"] == "t"
    assert rows["calls"][0]["procedure"] == "com.example.p" and rows["calls"][0]["id"] == "c"
    assert {"max_line", "max_inflight"} <= {row["name"] for row in rows["limits"]}
    assert {"code", "uri", "meaning"} == set(rows["errors"][0])


def test_watch_tells_the_present_state_and_ends(daemon):
    p = daemon.connect()
    p.send(op="watch", id="w", session="*")
    p.next(op="ok", id="w")
    line = p.next(op="session", watch="w")
    assert line["state"] == "joined" and line["realm"] == "realm1" and line["since"].endswith("Z")
    assert p.request(op="unwatch", id=1, watch="w")["op"] == "ok"
    assert p.request(op="watch", id="v", session="nowhere")["code"] == "no_such_session"


# ---- two sessions of one realm on the embedded router ----


def test_sessions_of_one_realm_see_each_other(make_daemon):
    daemon = make_daemon(sessions={"a": {"url": "embedded:", "realm": "shared"},
                                   "b": {"url": "embedded:", "realm": "shared"},
                                   "c": {"url": "embedded:", "realm": "other"}},
                         daemon={"default_session": "a"})
    daemon.start()
    p = daemon.connect()
    p.register("com.example.p")
    p.send(op="call", id=1, session="b", procedure="com.example.p")
    p.answer(args=["through"])
    assert p.expect(id=1)["args"] == ["through"]
    assert p.request(op="call", id=2, session="c", procedure="com.example.p")["code"] == "no_such_procedure"


def test_several_sessions_and_none_named_default_have_no_default(make_daemon):
    daemon = make_daemon(sessions={name: {"url": "embedded:", "realm": name} for name in ("north", "south")})
    daemon.start()
    p = daemon.connect(greet=False)
    greet = p.expect(op="greet")
    assert "default_session" not in greet and list(greet["sessions"]) == ["north", "south"]
    for request in ({"op": "call", "procedure": "com.example.p"}, {"op": "register", "procedure": "com.example.p"},
                    {"op": "subscribe", "topic": "com.example.t"}, {"op": "publish", "topic": "com.example.t"},
                    {"op": "watch"}):
        error = p.request(id=1, **request)
        assert error["code"] == "no_such_session" and error["message"].endswith("there are: north, south"), error
        named = p.request(id=f"{request['op']} there", session="south", **request)
        assert named.get("code") in (None, "no_such_procedure"), named
    q = daemon.connect()
    assert q.request(op="hello", id=1, session="north")["op"] == "ok"
    q.register("com.example.p")
    assert daemon.ctl("wait", "--session", "north").returncode == 0
    missing = daemon.ctl("wait")
    assert missing.returncode == 1 and "no_such_session" in missing.stderr
    rows = daemon.ctl("list", "config").stdout
    assert any(line.split()[:3] == ["daemon", "default_session", "-"] for line in rows.splitlines()), rows


def test_a_list_of_sessions_that_is_too_long_is_cut(make_daemon):
    daemon = make_daemon(sessions={f"{n:064d}": {"url": "embedded:"} for n in range(100)})
    daemon.start()
    error = daemon.connect().request(op="call", id=1, procedure="com.example.p")
    assert error["code"] == "no_such_session" and error["message"].endswith(", ...")


# ---- the daemon's life ----


def test_a_stop_lets_a_running_handler_finish(router, make_daemon):
    daemon = make_daemon(router)
    daemon.start()
    callee, caller, idle = daemon.connect(), daemon.connect(), daemon.connect()
    callee.register("com.example.p")
    caller.send(op="call", id=1, procedure="com.example.p")
    inv = callee.expect(op="invocation")["inv"]
    daemon.process.send_signal(signal.SIGTERM)
    until("it is stopping", lambda: "stopping" in daemon.log.read_text())
    assert idle.request(op="call", id=1, procedure="com.example.p")["code"] == "shutting_down"
    assert not os.path.exists(daemon.socket)
    callee.send(op="result", inv=inv, args=["done"])
    assert caller.expect(id=1)["args"] == ["done"]
    for p in (callee, caller, idle):
        bye = p.at_end()[-1]
        assert bye["op"] == "bye" and bye["code"] == "shutting_down" and bye["retry"] is True
    assert daemon.process.wait(WAIT) == 0


def test_a_stop_ends_at_its_timeout(router, make_daemon):
    daemon = make_daemon(router, daemon={"shutdown_timeout": 0.5})
    daemon.start()
    p = daemon.connect()
    p.register("com.example.p")
    p.send(op="call", id=1, procedure="com.example.p")
    p.expect(op="invocation")
    start = time.monotonic()
    assert daemon.stop() == 0
    assert 0.4 < time.monotonic() - start < 10
    assert p.expect(id=1)["op"] == "error"


def test_a_second_signal_ends_at_once(router, make_daemon):
    daemon = make_daemon(router, daemon={"shutdown_timeout": 60})
    daemon.start()
    p = daemon.connect()
    p.register("com.example.p")
    p.send(op="call", id=1, procedure="com.example.p")
    p.expect(op="invocation")
    daemon.process.send_signal(signal.SIGTERM)
    until("it is stopping", lambda: "stopping" in daemon.log.read_text())
    assert daemon.stop() == 0
    assert not os.path.exists(daemon.socket)


def test_a_hangup_does_not_end_the_daemon(daemon):
    daemon.process.send_signal(signal.SIGHUP)
    until("it is told", lambda: "configuration read again" in daemon.log.read_text())
    daemon.connect().quiet()


def test_closed_standard_descriptors_are_no_sockets(router, make_daemon):
    """Started by something that closed them, it must serve and stop in order."""
    daemon = make_daemon(router)
    daemon.start()
    daemon.stop()
    config = daemon.directory / "wampbridge.yaml"
    daemon.process = subprocess.Popen([*WITH_US, "sh", "-c", f"exec {BUILD / 'wampbridged'} -c {config} <&- >&- 2>&-"])
    until("it listens", lambda: os.path.exists(daemon.socket))
    p = daemon.connect()
    p.quiet()
    assert daemon.stop() == 0
    assert p.at_end()[-1]["code"] == "shutting_down"


def test_a_stale_socket_is_replaced_and_a_live_one_refused(router, make_daemon):
    daemon = make_daemon(router)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(daemon.socket)
    daemon.start()
    assert stat.S_IMODE(os.stat(daemon.socket).st_mode) == 0o660
    daemon.connect().quiet()
    config = daemon.directory / "wampbridge.yaml"
    other = subprocess.run([BUILD / "wampbridged", "-c", config], capture_output=True, text=True, timeout=WAIT)
    assert other.returncode == 69 and "another daemon" in other.stderr
    daemon.connect().quiet()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_sockets_modes_are_those_promised_whatever_the_umask(tmp_path, mask):
    path = tmp_path / "run" / "s.sock"
    before = os.umask(mask)
    process = subprocess.Popen([*WITH_US, BUILD / "wampbridged", "--listen", path], stderr=subprocess.DEVNULL)
    os.umask(before)
    try:
        until("it listens", lambda: connects(path))
        assert stat.S_IMODE(os.stat(path.parent).st_mode) == 0o755
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    finally:
        process.terminate()
        assert process.wait(WAIT) == 0
    assert not os.listdir(path.parent)


def test_of_daemons_that_start_at_once_exactly_one_wins(tmp_path):
    """Where a dead daemon's socket is in the way; the end of the losers takes nothing away."""
    config = tmp_path / "w.yaml"
    for n in range(20):
        path = tmp_path / f"{n}.sock"
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(path))
        config.write_text(to_yaml({"daemon": {"listen": str(path)}}))
        several = [subprocess.Popen([*WITH_US, BUILD / "wampbridged", "-c", config], stderr=subprocess.PIPE,
                                    text=True)
                   for _ in range(6)]
        try:
            until("all but one have given up", lambda: sum(p.poll() is not None for p in several) >= 5)
            until("the winner listens", lambda: connects(path))
            assert [p.poll() for p in several if p.poll() is not None] == [69] * 5
            assert set(os.listdir(tmp_path)) == {"w.yaml", path.name}
        finally:
            for p in several:
                p.terminate()
                p.communicate(timeout=WAIT)
        assert not path.exists()


def test_what_is_no_socket_is_not_touched(router, make_daemon):
    daemon = make_daemon(router)
    with open(daemon.socket, "w") as f:
        f.write("precious")
    daemon.start(listening=False)
    assert daemon.process.wait(WAIT) == 73
    assert open(daemon.socket).read() == "precious"


def run_daemon(*arguments):
    return subprocess.run([BUILD / "wampbridged", *arguments], capture_output=True, text=True, timeout=WAIT)


def test_a_path_that_cannot_be_a_sockets_is_told_and_not_cut(tmp_path):
    longer = str(tmp_path / ("x" * 120))
    for path, words in ((longer, "107 bytes"), ("", "empty"), (f"{tmp_path}/a/b/s", "make those above it"),
                        (str(tmp_path), "no socket")):
        done = run_daemon("--listen", path)
        assert done.returncode == 73 and words in done.stderr, done
    assert not os.listdir(tmp_path)
    ctl = [BUILD / "wampctl", "status"]
    for arguments, environment in ((["--socket", longer], {}), ([], {"WAMPBRIDGE_SOCKET": longer})):
        done = subprocess.run([ctl[0], *arguments, ctl[1]], capture_output=True, text=True, timeout=WAIT,
                              env={**os.environ, **environment})
        assert done.returncode == 69 and "too long" in done.stderr, done
    # An empty one is not a wish for whatever daemon there is.
    done = subprocess.run([ctl[0], "--socket", "", ctl[1]], capture_output=True, text=True, timeout=WAIT)
    assert done.returncode == 69 and "no daemon" in done.stderr, done


def test_mistakes_in_the_configuration_are_told_all_at_once(tmp_path):
    config = tmp_path / "w.yaml"
    config.write_text("sessions:\n  default:\n    realn: x\n    port: 99999999\nlimitz: {}\n")
    for arguments in (["-c", config], ["-c", config, "--check-config"]):
        done = run_daemon(*arguments)
        assert done.returncode == 78
        assert f"{config}:3:" in done.stderr and "'realm'" in done.stderr
        assert f"{config}:4:" in done.stderr and f"{config}:5:" in done.stderr
    config.write_text("sessions:\n  default:\n    realm: x\n")
    assert run_daemon("-c", config, "-t").returncode == 0


def test_version_help_and_usage():
    done = run_daemon("--version")
    assert done.returncode == 0 and "libwebsockets" in done.stdout and "protocol 1.0" in done.stdout
    done = run_daemon("--help")
    assert done.returncode == 0 and "--check-config" in done.stdout
    assert run_daemon("--frob").returncode == 64
    assert run_daemon("extra").returncode == 64


# ---- wampctl ----


def test_wampctl_without_a_daemon_says_so(tmp_path):
    done = subprocess.run([BUILD / "wampctl", "--socket", tmp_path / "none", "status"], capture_output=True,
                          text=True, timeout=WAIT)
    assert done.returncode == 69 and "wampbridged" in done.stderr


def test_wampctl_usage_and_data_errors(daemon):
    assert daemon.ctl().returncode == 64
    assert daemon.ctl("frob").returncode == 64
    assert daemon.ctl("call").returncode == 64
    assert daemon.ctl("call", "com.example.p", "--kwargs", "[1]").returncode == 65
    assert daemon.ctl("register", "com.example.p").returncode == 64
    for command in ("call", "publish", "subscribe", "register", "status", "list", "wait"):
        done = daemon.ctl(command, "--help")
        assert done.returncode == 0 and done.stdout.startswith("Usage: wampctl"), command


def test_wampctl_timeout_and_wait(daemon):
    p = daemon.connect()
    p.register("com.example.slow")
    assert daemon.ctl("call", "--timeout", "0.2", "com.example.slow").returncode == 124
    assert daemon.ctl("wait", "--timeout", "5").returncode == 0
    assert daemon.ctl("--session", "nowhere", "wait").returncode == 1


def test_wampctl_status_for_people_and_programs(daemon):
    done = daemon.ctl("status")
    assert done.returncode == 0 and "joined" in done.stdout and "\x1b" not in done.stdout
    status = json.loads(daemon.ctl("status", "--json").stdout)
    assert status["sessions"]["default"]["state"] == "joined" and "op" not in status


def test_wampctl_publishes_lines_of_stdin(daemon):
    p = daemon.connect()
    p.subscribe("com.example.t")
    done = daemon.ctl("publish", "--stdin", "com.example.t", input='1\n{"a":[2]}\ntext\n')
    assert done.returncode == 0
    assert [p.expect(op="event")["args"] for _ in range(3)] == [[1], [{"a": [2]}], ["text"]]


def test_wampctl_register_passes_kwargs_and_limits_its_children(daemon):
    serve = daemon.start_ctl("register", "com.example.kw", "--", "sh", "-c", 'cat >/dev/null; echo "$WAMP_KWARGS"')
    try:
        serve.stderr.readline()
        done = daemon.ctl("call", "com.example.kw", "-k", "a=1", "-k", "b=text")
        assert json.loads(done.stdout) == {"a": 1, "b": "text"}
    finally:
        serve.terminate()
        serve.wait(WAIT)
    serve = daemon.start_ctl("register", "--concurrency", "1", "com.example.one", "--", "sh", "-c", "read x; sleep 60; true")
    try:
        serve.stderr.readline()
        p = daemon.connect()
        p.send(op="call", id=1, procedure="com.example.one")
        assert p.request(op="call", id=2, procedure="com.example.one")["code"] == "unavailable"
    finally:
        serve.terminate()
        assert serve.wait(WAIT) == 0
    assert p.expect(id=1)["code"] == "canceled"


def test_replies_that_are_not_read_stop_reading_and_reading_goes_on(router, make_daemon):
    daemon = make_daemon(router, limits={"output_soft_limit": "64K"})
    daemon.start()
    p = daemon.connect()
    p.socket.settimeout(0.5)
    sent = 0
    try:
        while sent < 400000:
            p.send_raw(b"".join(b'{"op":"ping","id":%d}\n' % i for i in range(sent, sent + 1000)))
            sent += 1000
    except TimeoutError:
        pass
    assert sent < 400000, "the daemon read on although nobody took its replies"
    p.socket.settimeout(None)
    before = daemon.connect().request(op="list", id=1, what="clients")["items"][0]
    assert before["paused"] is True
    numbers = []
    while True:
        line = p.take(2)
        if line is None:
            break
        numbers.append(line["id"] if line["op"] == "pong" else None)
    assert [n for n in numbers if n is not None][: sent - 1000] == list(range(sent - 1000))
