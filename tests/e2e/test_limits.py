# SPDX-License-Identifier: MIT
"""No program takes from another: each limit (protocol §10) is reached, and answered by its name."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import pytest

from users import FIRST_UID, crowd, make_public_daemon, many_descriptors
from world import BUILD, Answers, WAIT, until

__all__ = ["crowd", "make_public_daemon", "many_descriptors"]  # fixtures

A, B, C = FIRST_UID, FIRST_UID + 1, FIRST_UID + 2


def start(make, **limits):
    daemon = make(**limits)
    daemon.start()
    daemon.wait_joined()
    return daemon


def is_turned_away(program, limit):
    """A bye that names the limit, no greet before it, and the end."""
    bye = program.next(op="bye", code="too_many_connections")
    assert limit in bye["message"], bye
    assert program.take() is None
    return True


# ---- connections ----


def test_the_last_eight_places_are_for_administrators(make_public_daemon):
    daemon = start(make_public_daemon, max_connections=4)
    users = [daemon.connect_as(uid) for uid in (A, A, B, B)]
    for uid in (A, C):
        assert is_turned_away(daemon.connect_as(uid, greet=False), "max_connections")
    admins = [daemon.connect() for _ in range(8)]
    assert is_turned_away(daemon.connect(greet=False), "max_connections")
    for p in users + admins:
        p.quiet()
    for p in admins[1:] + users[:1]:
        p.close()
    until("there is room", lambda: admins[0].request(op="status", id=1)["clients"] == 4)
    assert is_turned_away(daemon.connect_as(C, greet=False), "max_connections")
    users[1].close()
    until("there is room", lambda: admins[0].request(op="status", id=1)["clients"] == 3)
    daemon.connect_as(C).quiet()


def test_a_user_has_so_many_places(make_public_daemon):
    daemon = start(make_public_daemon, max_connections_per_user=3)
    programs = [daemon.connect_as(A) for _ in range(3)]
    for _ in range(3):
        assert is_turned_away(daemon.connect_as(A, greet=False), "max_connections_per_user")
    daemon.connect_as(B).quiet()
    programs[0].close()
    until("a place of the user is free", lambda: programs[1].request(op="status", id=1)["clients"] == 3)
    daemon.connect_as(A).quiet()
    log = daemon.log.read_text()
    assert f"uid {A}" in log and "max_connections_per_user" in log


def test_a_user_comes_in_so_often_a_second(make_public_daemon):
    daemon = start(make_public_daemon, connect_rate_per_user=10)
    newcomers = [daemon.connect_as(A, greet=False) for _ in range(60)]
    first = [p.take() for p in newcomers]
    greeted = [line for line in first if line["op"] == "greet"]
    refused = [line for line in first if line["op"] == "bye"]
    assert 10 <= len(greeted) <= 20 and len(greeted) + len(refused) == 60  # a second may end in between
    assert all(line["code"] == "too_many_connections" and "connect_rate_per_user" in line["message"]
               for line in refused)
    daemon.connect_as(B).quiet()
    until("the next second", lambda: daemon.connect_as(A, greet=False).take()["op"] == "greet", pause=0.3)
    assert daemon.log.read_text().count("connect_rate_per_user") <= 5  # told now and then, not each time


def test_who_is_turned_away_in_a_loop_hurts_nobody(make_public_daemon):
    daemon = start(make_public_daemon, max_connections_per_user=2)
    held = [daemon.connect_as(A) for _ in range(2)]
    for _ in range(300):
        p = daemon.connect_as(A, greet=False)
        assert p.take()["op"] == "bye"
        p.close()
    for p in held:
        p.quiet()
    assert len(daemon.log.read_text()) < 20000


# ---- of each connection ----


def test_max_inflight_bounds_open_requests(make_public_daemon):
    daemon = start(make_public_daemon, max_inflight=3)
    callee, p = daemon.connect_as(B), daemon.connect_as(A)
    for name in ("a", "b"):
        callee.register(f"com.example.{name}")
    for i in range(3):
        p.send(op="call", id=i, procedure="com.example.a")
    error = p.request(op="call", id="more", procedure="com.example.b")
    assert error["code"] == "too_many_requests" and error["retry"] is True
    assert error["limit"] == {"name": "max_inflight", "value": 3}
    callee.answer()
    assert p.expect(op="result")["op"] == "result"
    p.send(op="call", id="again", procedure="com.example.b")
    for _ in range(3):
        callee.answer()
    p.expect(op="result", id="again")


def test_max_inflight_bounds_open_invocations(make_public_daemon):
    daemon = start(make_public_daemon, max_inflight=3)
    callee = daemon.connect_as(B)
    callee.register("com.example.p")
    callers = [daemon.connect_as(A) for _ in range(4)]
    for p in callers[:3]:
        p.send(op="call", id=1, procedure="com.example.p")
        callee.expect(op="invocation")
    error = callers[3].request(op="call", id=1, procedure="com.example.p")
    assert error["uri"] in ("wamp.error.unavailable", "wamp.error.no_available_callee"), error
    callee.send(op="result", inv=1)
    assert callers[0].expect(id=1)["op"] == "result"
    callers[3].send(op="call", id=2, procedure="com.example.p")
    callee.answer()
    assert callers[3].expect(id=2)["op"] == "result"


HANDLES = [
    ("register", "procedure", "unregister", "registration", "too_many_registrations", "max_registrations"),
    ("subscribe", "topic", "unsubscribe", "subscription", "too_many_subscriptions", "max_subscriptions"),
]


@pytest.mark.parametrize("op,member,undo,handle,code,limit", HANDLES, ids=["registrations", "subscriptions"])
def test_handles_are_bounded_and_given_back(make_public_daemon, op, member, undo, handle, code, limit):
    daemon = start(make_public_daemon, **{limit: 3})
    p, other = daemon.connect_as(A), daemon.connect_as(A)
    for i in range(3):
        assert p.request(op=op, id=i, **{member: f"com.example.x{i}"})["op"] == "ok"
    error = p.request(op=op, id="more", **{member: "com.example.x3"})
    assert error["code"] == code and error["limit"] == {"name": limit, "value": 3}, error
    assert other.request(op=op, id=1, **{member: "com.example.y"})["op"] == "ok"  # of each connection
    assert p.request(op=undo, id="undo", **{handle: 1})["op"] == "ok"
    assert p.request(op=op, id="again", **{member: "com.example.x3"})["op"] == "ok"


def test_max_line_bounds_what_comes_in_and_what_goes_out(make_public_daemon):
    daemon = start(make_public_daemon, max_line=4096)
    p = daemon.connect_as(A, greet=False)
    assert p.next(op="greet")["limits"]["max_line"] == 4096
    start_of, end_of = b'{"op":"call","id":1,"procedure":"com.example.nope","args":["', b'"]}\n'
    filler = b"x" * (4096 - len(start_of) - len(end_of))
    p.send_raw(start_of + filler + end_of)
    assert p.expect(id=1)["code"] == "no_such_procedure"
    p.send_raw(start_of + filler + b"x" + end_of)
    error = p.next(op="error", line=2)
    assert error["code"] == "line_too_long" and "4096" in error["message"], error
    callee = daemon.connect_as(B)
    callee.register("com.example.p")
    # What fits a line of the caller's may not fit the callee's, whose line is longer.
    p.send_raw(start_of.replace(b"nope", b"p") + filler + end_of)
    error = p.expect(id=1)
    assert error["op"] == "error" and "payload_size_exceeded" in error["uri"], error
    p.quiet()
    callee.quiet()


def test_bad_lines_in_a_row_end_the_connection(make_public_daemon):
    daemon = start(make_public_daemon, bad_lines=3, max_line=4096)
    p, other = daemon.connect_as(A), daemon.connect_as(A)
    for bad in (b"{\n", b'{"op":"\xff"}\n'):
        p.send_raw(bad)
        p.expect(op="error")
    p.quiet()  # a good one begins the count anew
    p.send_raw(b"{\n" + b'{"a":"\xff"}\n' + b"x" * 5000 + b"\n" + b'{"op":"ping","id":1}\n')
    lines = p.at_end()
    assert [line["code"] for line in lines] == ["bad_json", "bad_utf8", "line_too_long", "protocol_error"]
    assert lines[-1]["op"] == "bye"
    other.quiet()


# ---- slow readers ----


def last_line(program):
    """Lets the slow one read at last: every line is whole, and this is the last one."""
    line = raw = None
    while (raw := program.take_raw(5)) is not None:
        line = json.loads(raw)
    assert program.received == b"", "half a line"
    return line


def test_over_the_hard_limit_a_reader_is_cut_off_and_named(make_public_daemon):
    daemon = start(make_public_daemon, output_hard_limit="2M", output_soft_limit="64K")
    slow, callee = daemon.connect_as(A), daemon.connect_as(B)
    slow.request(op="hello", id="h", proto=[1, 0], name="sleepy 1.0")
    callee.register("com.example.big")
    for i in range(10):
        slow.send(op="call", id=i, procedure="com.example.big")
    for _ in range(10):
        callee.answer(args=["x" * 500000])
    until("it is cut off", lambda: "slow_consumer" in daemon.log.read_text() or "cut off" in daemon.log.read_text())
    line = [l for l in daemon.log.read_text().splitlines() if "cut off" in l][-1]
    for what in (f"uid {A}", f"pid {os.getpid()}", "sleepy 1.0"):
        assert what in line, line
    assert any(int(n) > 1 << 20 for n in line.replace(",", " ").split() if n.isdigit()), line  # the bytes
    bye = last_line(slow)
    assert bye["op"] == "bye" and bye["code"] == "slow_consumer", bye
    assert "read faster" in bye["message"] and "output_hard_limit" in bye["message"], bye
    callee.quiet()


def test_who_takes_nothing_for_the_stall_timeout_is_cut_off(make_public_daemon):
    daemon = start(make_public_daemon, stall_timeout="1s")
    slow, reader, p = daemon.connect_as(A), daemon.connect_as(A), daemon.connect_as(B)
    for q in (slow, reader):
        q.subscribe("com.example.t")
    for i in range(1000):
        p.send(op="publish", topic="com.example.t", args=[i, "x" * 1000])
    numbers = [reader.expect(op="event")["args"][0] for _ in range(1000)]
    assert numbers == list(range(1000))
    until("it is cut off", lambda: "cut off" in daemon.log.read_text())
    line = [l for l in daemon.log.read_text().splitlines() if "cut off" in l][-1]
    assert f"uid {A}" in line, line
    bye = last_line(slow)
    assert bye["op"] in ("bye", "event"), bye  # the bye, if there was still room for it
    p.send(op="publish", topic="com.example.t", args=["after"])
    assert reader.expect(op="event")["args"] == ["after"]


def test_a_slow_but_steady_reader_is_never_cut_off(make_public_daemon):
    daemon = start(make_public_daemon, stall_timeout="1500ms")
    slow, p = daemon.connect_as(A), daemon.connect_as(B)
    slow.subscribe("com.example.t")
    for i in range(1000):
        p.send(op="publish", topic="com.example.t", args=[i, "x" * 1000])
    p.quiet()
    # The kernel takes more only when three quarters of 200 kB were read: at 400 kB a second, every 0.4 s.
    deadline = time.monotonic() + 2.2
    while time.monotonic() < deadline:
        slow.received += slow.socket.recv(20000)
        time.sleep(0.05)
    *slow.lines, slow.received = slow.received.split(b"\n")
    numbers = []
    while not numbers or numbers[-1] != 999:
        line = slow.expect(op="event")
        numbers.append(line["args"][0])
    assert numbers == list(range(1000))
    assert "cut off" not in daemon.log.read_text()


# ---- memory of a user ----


def test_over_user_memory_new_work_is_refused_by_name(make_public_daemon):
    daemon = start(make_public_daemon, user_memory="128K", max_inflight=1024)
    callee, other = daemon.connect(), daemon.connect_as(B)
    callee.register("com.example.slow")
    greedy = daemon.connect_as(A)
    refused = None
    for i in range(1024):
        greedy.send(op="call", id=i, procedure="com.example.slow")
    greedy.send(op="ping", id="end")
    while (line := greedy.take())["op"] != "pong":
        refused = refused or line
    assert refused and refused["code"] == "quota_exceeded", refused
    assert refused["limit"] == {"name": "user_memory", "value": 131072}, refused
    for op, member in (("register", "procedure"), ("subscribe", "topic"), ("publish", "topic")):
        assert greedy.request(op=op, id=op, **{member: "com.example.x"})["code"] == "quota_exceeded", op
    # The limit is of the user: another connection of his, and another user.
    assert daemon.connect_as(A).request(op="call", id=1, procedure="com.example.slow")["code"] == "quota_exceeded"
    other.send(op="call", id="fine", procedure="com.example.slow")
    other.quiet()  # and no refusal came before the pong
    # What is answered is given back.
    greedy.close()
    p = daemon.connect_as(A)
    until("the memory is given back",
          lambda: p.request(op="subscribe", id=time.monotonic_ns() >> 10, topic="com.example.x")["op"] == "ok")


def publish(p, topic, n):
    for i in range(n):
        p.send(op="publish", topic=topic, args=[i, "x" * 1000])
    p.quiet()


def test_over_user_memory_the_biggest_queue_is_cut_off_first(make_public_daemon):
    daemon = start(make_public_daemon, user_memory="1M", subscription_queue=1000)
    p = daemon.connect()
    small, big, other = daemon.connect_as(A), daemon.connect_as(A), daemon.connect_as(B)
    for q, topic in ((small, "com.example.small"), (big, "com.example.big"), (other, "com.example.other")):
        q.subscribe(topic)
    # 300 kB of the kernel, then what waits here: a little, as much for another user, and a lot
    publish(p, "com.example.small", 500)
    publish(p, "com.example.other", 500)
    for _ in range(6):
        publish(p, "com.example.big", 200)
    until("the biggest is cut off", lambda: "user_memory" in daemon.log.read_text())
    line = [l for l in daemon.log.read_text().splitlines() if "user_memory" in l][-1]
    assert f"uid {A}" in line, line
    bye = last_line(big)
    assert bye["op"] == "bye" and bye["code"] == "slow_consumer" and "user_memory" in bye["message"], bye
    for q in (small, other):
        assert [q.next(op="event")["args"][0] for _ in range(500)] == list(range(500))
        q.quiet()
    assert daemon.log.read_text().count("cut off") == 1


def test_an_unended_line_is_charged_too(make_public_daemon):
    """Sixteen programs that each send most of a long line, and no end."""
    daemon = start(make_public_daemon, user_memory="2M", max_line="1M")
    other = daemon.connect_as(B)
    other.register("com.example.p")
    programs = [daemon.connect_as(A) for _ in range(16)]
    for p in programs:
        try:
            p.send_raw(b'{"op":"call","id":1,"procedure":"a","args":["' + b"x" * 900000)
        except (BrokenPipeError, ConnectionResetError):
            pass
    until("somebody is cut off", lambda: "user_memory" in daemon.log.read_text())
    other.quiet()
    assert daemon.memory_kb() < 40000 or "build-address" in str(daemon.program)


# ---- many ----

USERS = [FIRST_UID + i for i in range(20)]


def test_five_thousand_connections_of_twenty_users(make_public_daemon, many_descriptors, crowd):
    daemon = make_public_daemon(max_connections=6000)
    daemon.as_built_for_use()
    daemon.start()
    daemon.wait_joined()
    admin = daemon.connect()  # before the many: select() knows small descriptors only
    begin = time.monotonic()
    for uid in USERS:
        crowd.connect(daemon.socket, uid, 250)
    lines = crowd.take_first_lines(WAIT)
    took = time.monotonic() - begin
    assert len(lines) == 5000 and all(line.startswith(b'{"op":"greet"') for line in lines)
    print(f"\n5,000 connections of 20 users: accepted and greeted in {took:.3f} s (limit 1 s)")
    assert took < 4, took  # a loaded machine
    assert admin.request(op="status", id=1)["clients"] == 5001
    admin.quiet()


def test_ten_thousand_idle_clients_fit_into_a_hundred_megabytes(make_public_daemon, many_descriptors, crowd):
    daemon = make_public_daemon(max_connections=10100)
    daemon.as_built_for_use()
    daemon.start()
    daemon.wait_joined()
    admin = daemon.connect()
    for uid in USERS:
        crowd.connect(daemon.socket, uid, 500)
    lines = crowd.take_first_lines(WAIT)
    assert len(lines) == 10000 and all(line.startswith(b'{"op":"greet"') for line in lines)
    resident = daemon.memory_kb()
    print(f"\n10,000 idle clients: {resident / 1024:.1f} MiB resident (limit 100 MB)")
    assert resident * 1024 < 100e6, resident
    admin.quiet()


# ---- one that asks for all it can ----


def latencies(caller, callee, n):
    times = []
    for i in range(n):
        begin = time.monotonic()
        caller.send(op="call", id=i, procedure="com.example.echo", args=[i])
        callee.answer(args=[i])
        assert caller.expect(id=i)["args"] == [i]
        times.append((time.monotonic() - begin) * 1000)
    return sorted(times)


@pytest.mark.parametrize("kind,unit", [("requests", "MiB"), ("crowd", "MiB"), ("connections", "hundred connections")],
                         ids=["requests", "crowd", "connections"])
def test_others_are_served_while_one_queues_all_it_can(make_public_daemon, kind, unit):
    daemon = make_public_daemon()
    daemon.as_built_for_use()
    daemon.start()
    daemon.wait_joined()
    callee, caller = daemon.connect_as(B), daemon.connect_as(B)
    callee.register("com.example.echo")
    alone = latencies(caller, callee, 200)
    users = str(pathlib.Path(__file__).with_name("users.py"))
    greedy = subprocess.Popen([sys.executable, users, daemon.socket, str(A), kind], stdout=subprocess.PIPE)
    try:
        progress = Answers(greedy.stdout)
        until("the flood flows", lambda: progress.take()["done"] >= 8)
        times = latencies(caller, callee, 500)
        assert greedy.poll() is None
    finally:
        greedy.kill()
        greedy.wait()
        lines = (progress.rest + greedy.stdout.read()).splitlines()
        greedy.stdout.close()
    sent = json.loads(lines[-1])["done"]
    median, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    print(f"\na call beside a flood ({sent} {unit}): median {median:.2f} ms, p99 {p99:.2f} ms, worst {times[-1]:.2f} ms;"
          f" alone: median {statistics.median(alone):.2f} ms, p99 {alone[int(len(alone) * 0.99)]:.2f} ms")
    # Wanted are 10 ms, which is printed; without fair shares it is 50 and more. In between there is
    # room for a slow machine.
    assert median < 30 and p99 < 300, (median, p99)
    assert daemon.memory_kb() < 120000


def test_memory_goes_back_when_those_who_did_not_read_are_gone(make_public_daemon):
    daemon = start(make_public_daemon, subscription_queue=100000)
    publisher = daemon.connect()
    before = daemon.memory_kb()
    slow = [daemon.connect_as(A) for _ in range(8)]
    for p in slow:
        for i in range(20):
            p.send(op="subscribe", id=i, topic="com.example.t")
            p.next(op="ok", id=i)
    for i in range(3000):
        publisher.send(op="publish", topic="com.example.t", args=[i, "x" * 20])
    publisher.quiet()
    assert daemon.memory_kb() > before + 20000
    for p in slow:
        p.close()
    if "address" not in str(BUILD):  # a sanitizer keeps what was freed
        until("memory is given back", lambda: daemon.memory_kb() < before + 5000)
