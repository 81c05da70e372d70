# SPDX-License-Identifier: MIT
"""Who the daemon says it is, to a Crossbar that wants to know; and secrets, which nobody sees."""
import json
import os
import re
import subprocess
import time

import pytest

from crossbar_secure import (CRA, ROTATED, SALTED, SECRETS, TICKET, TOKEN, crossbar, joined, make_relay, no_leak,
                             refused, watch)
from test_hostile import HostileRouter
from world import WAIT, until

__all__ = ["crossbar", "make_relay"]  # fixtures

WRONG = "wr0ng-s3cret-altogether"


@pytest.fixture
def secret(tmp_path):
    """A secret file; write() replaces it as an administrator's mv would."""
    class File:
        path = tmp_path / "secret"
        reference = f"@file:{path}"

        def write(self, text, mode=0o600):
            new = self.path.with_suffix(".new")
            new.write_text(text)
            new.chmod(mode)
            new.rename(self.path)
            return self

    return File()


def settings(url, method, reference, auth_id="joe", **more):
    return {"url": url, "realm": "authrealm", "auth_method": method, "auth_id": auth_id, "auth_secret": reference,
            "connection_timeout": 20, **more}


def start(make_daemon, **session):
    daemon = make_daemon(session=session, daemon={"log_level": "debug"})
    daemon.start()
    return daemon


# ---- right ----

RIGHT = [("ticket", "joe", TICKET), ("ticket", "token", TOKEN), ("wampcra", "joe", CRA), ("wampcra", "salted", SALTED)]
RIGHT_NAMES = ["ticket", "token", "wampcra", "salted"]


@pytest.mark.parametrize("method,auth_id,text", RIGHT, ids=RIGHT_NAMES)
def test_the_right_secret_joins(crossbar, make_daemon, secret, method, auth_id, text):
    secret.write(text + "\n")
    daemon = start(make_daemon, **settings(crossbar.url_of("auth"), method, secret.reference, auth_id))
    line = joined(daemon)
    assert (line["authid"], line["authrole"], line["authmethod"]) == (auth_id, "user", method), line
    assert line["realm"] == "authrealm"
    p = daemon.connect()
    p.register("com.example.p")
    p.send(op="call", id=1, procedure="com.example.p")
    p.answer(args=["works"])
    assert p.expect(id=1)["args"] == ["works"]
    no_leak(daemon, text)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"], ids=["bare", "newline", "carriage-return"])
def test_one_newline_at_the_end_of_a_file_is_not_of_the_secret(crossbar, make_daemon, secret, ending):
    secret.write(TICKET + ending)
    daemon = start(make_daemon, **settings(crossbar.url_of("ticket"), "ticket", secret.reference))
    joined(daemon)


def test_a_credential_is_found_in_its_directory(crossbar, make_daemon, tmp_path, monkeypatch):
    credentials = tmp_path / "credentials"
    credentials.mkdir(0o700)
    (credentials / "router-ticket").write_text(TICKET)
    (credentials / "router-ticket").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    daemon = start(make_daemon, **settings(crossbar.url_of("ticket"), "ticket", "@credential:router-ticket"))
    joined(daemon)
    no_leak(daemon, TICKET)


def test_an_inline_secret_joins_with_a_warning_and_is_hidden(crossbar, make_daemon):
    daemon = start(make_daemon, **settings(crossbar.url_of("ticket"), "ticket", TICKET))
    joined(daemon)
    assert re.search(r"auth_secret.*(@file|@credential)", daemon.log.read_text()), daemon.log.read_text()
    no_leak(daemon, TICKET)
    config = daemon.directory / "wampbridge.yaml"
    done = subprocess.run([daemon.program, "-c", config, "--dump-config"], capture_output=True, text=True,
                          timeout=WAIT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and "(hidden)" in done.stdout


@pytest.mark.parametrize("methods,text,chosen", [
    (["ticket", "wampcra"], TICKET, "ticket"),
    (["wampcra", "ticket"], CRA, "wampcra"),
    (["anonymous", "ticket"], TICKET, "ticket"),
], ids=["ticket-first", "wampcra-first", "one-unknown-to-the-router"])
def test_methods_are_offered_in_order(crossbar, make_daemon, secret, methods, text, chosen):
    secret.write(text)
    daemon = start(make_daemon, **settings(crossbar.url_of("auth"), methods, secret.reference))
    assert joined(daemon)["authmethod"] == chosen


def test_the_method_that_the_router_has_is_taken(crossbar, make_daemon, secret):
    secret.write(TICKET)
    daemon = start(make_daemon, **settings(crossbar.url_of("ticket"), ["wampcra", "ticket"], secret.reference))
    assert joined(daemon)["authmethod"] == "ticket"


# ---- refused ----


def refusal(daemon, secrets=()):
    """It stands in watch, in the status and in the log, and tells no secret."""
    watcher = watch(daemon)
    line = refused(watcher)
    assert line["state"] == "failed", line
    assert 3900 < line["retry_in_ms"] <= 6000, line  # 5 s, give or take a fifth
    p = daemon.connect()
    row = p.request(op="list", id="l", what="sessions")["items"][0]
    assert (row["state"], row["reason"], row["message"]) == ("failed", line["reason"], line["message"])
    assert 0 <= row["retry_in_ms"] <= 6000
    status = p.request(op="status", id="s")["sessions"]["default"]
    assert (status["state"], status["reason"], status["message"]) == ("failed", line["reason"], line["message"])
    log = daemon.log.read_text()
    assert line["message"] in log, log
    shown = daemon.ctl("status").stdout
    assert line["reason"] in shown and line["message"] in shown, shown
    error = p.request(op="call", id="c", procedure="com.example.p")
    assert error["code"] == "session_failed" and error["retry"] is True, error
    no_leak(daemon, *secrets, *SECRETS)
    return line


@pytest.mark.parametrize("method,auth_id", [("ticket", "joe"), ("wampcra", "joe"), ("wampcra", "salted")],
                         ids=["ticket", "wampcra", "salted"])
def test_the_wrong_secret_is_refused_and_told(crossbar, make_daemon, secret, method, auth_id):
    secret.write(WRONG)
    daemon = start(make_daemon, **settings(crossbar.url_of("auth"), method, secret.reference, auth_id))
    line = refusal(daemon, [WRONG])
    assert line["reason"] in ("wamp.error.not_authorized", "wamp.error.authentication_failed"), line


def test_the_log_has_the_router_s_reason_beside_its_message(crossbar, make_daemon, secret):
    secret.write(WRONG)
    daemon = start(make_daemon, **settings(crossbar.url_of("ticket"), "ticket", secret.reference))
    line = refused(watch(daemon))
    assert line["reason"] in daemon.log.read_text(), daemon.log.read_text()


@pytest.mark.parametrize("method", ["ticket", "wampcra"])
def test_an_unknown_authid_is_refused_and_told(crossbar, make_daemon, secret, method):
    secret.write(TICKET)
    daemon = start(make_daemon, **settings(crossbar.url_of("auth"), method, secret.reference, "nobody"))
    line = refusal(daemon)
    assert "nobody" in line["message"] or line["reason"] in (
        "wamp.error.not_authorized", "wamp.error.no_such_principal", "wamp.error.authentication_failed"), line


def test_an_unknown_realm_is_refused_and_told(crossbar, make_daemon, secret):
    secret.write(TICKET)
    daemon = start(make_daemon, **settings(crossbar.url_of("ticket"), "ticket", secret.reference, realm="norealm"))
    assert refusal(daemon)["reason"] == "wamp.error.no_such_realm"


def test_an_unknown_realm_without_authentication(crossbar, make_daemon):
    daemon = start(make_daemon, url=crossbar.url_of("open"), realm="norealm")
    line = refusal(daemon)
    assert line["reason"] == "wamp.error.no_such_realm" and "norealm" in line["message"]


def test_a_role_that_the_realm_lacks_is_refused_and_told(crossbar, make_daemon, secret):
    secret.write(TICKET)
    daemon = start(make_daemon, **settings(crossbar.url_of("ticket"), "ticket", secret.reference, "ghost"))
    assert refusal(daemon)["reason"] in ("wamp.error.no_such_role", "wamp.error.not_authorized")


def test_a_method_that_the_router_lacks_is_refused_and_told(crossbar, make_daemon, secret):
    secret.write(CRA)
    daemon = start(make_daemon, **settings(crossbar.url_of("ticket"), "wampcra", secret.reference))
    assert refusal(daemon)["reason"] in ("wamp.error.no_auth_method", "wamp.error.no_matching_auth_method")


def test_without_authentication_one_is_refused_where_it_is_wanted(crossbar, make_daemon):
    daemon = start(make_daemon, url=crossbar.url_of("auth"), realm="authrealm")
    refusal(daemon)


@pytest.mark.parametrize("methods", [["wampcra"], ["anonymous"]], ids=["wampcra", "anonymous"])
def test_a_challenge_by_a_method_not_offered_gets_no_secret(make_daemon, secret, methods):
    secret.write(TICKET)
    router = HostileRouter("challenge")
    try:
        session = settings(router.session()["url"], methods, secret.reference)
        if methods == ["anonymous"]:
            del session["auth_secret"], session["auth_id"]
        daemon = start(make_daemon, **session)
        assert router.take()[:2] == [1, "authrealm"]
        abort = router.take()
        assert abort[0] == 3 and abort[2] == "wamp.error.cannot_authenticate", abort
        line = refusal(daemon)
        assert line["reason"] == "wamp.error.cannot_authenticate"
        assert "ticket" in line["message"] and methods[0] in line["message"], line
    finally:
        router.stop()


def test_hello_tells_what_the_configuration_says(make_daemon, secret):
    secret.write(TICKET)
    router = HostileRouter("obedient")
    try:
        daemon = start(make_daemon, **settings(router.session()["url"], ["ticket", "wampcra"], secret.reference,
                                               auth_role="device", auth_extra={"site": "north", "n": [1, None]}))
        details = router.take()[2]
        assert details["authmethods"] == ["ticket", "wampcra"] and details["authid"] == "joe"
        assert details["authrole"] == "device"
        assert details["authextra"]["site"] == "north" and len(details["authextra"]["n"]) == 2
        assert TICKET not in json.dumps(details)
        daemon.wait_joined()
    finally:
        router.stop()


def test_the_pace_fits_the_reason(crossbar, make_daemon, make_relay, secret):
    """A refusal is tried again after 5 s, a network error of a loopback address within half a second."""
    secret.write(WRONG)
    relay = make_relay(crossbar.ports["ticket"])
    daemon = start(make_daemon, **settings(relay.url(), "ticket", secret.reference))
    watcher = watch(daemon)
    refused(watcher)
    begin = time.monotonic()
    attempts = relay.n_accepted
    again = refused(watcher)
    took = time.monotonic() - begin
    assert 3.5 < took < 9, took
    assert again["retry_in_ms"] >= 5000 and relay.n_accepted == attempts + 1
    relay.target = 1  # nobody listens there: the relay hangs up at once
    unreachable = refused(watcher, "wampbridge.error.transport")
    for _ in range(3):
        assert unreachable["retry_in_ms"] <= 600, unreachable
        assert unreachable["state"] in ("connecting", "reconnecting"), unreachable
        unreachable = refused(watcher, "wampbridge.error.transport")
    # And when the router is there again with the right secret, all is well.
    secret.write(TICKET)
    relay.target = crossbar.ports["ticket"]
    watcher.expect(op="session", state="joined")


# ---- rotation ----


@pytest.mark.parametrize("inline", [False, True], ids=["file", "credential"])
def test_a_rotated_secret_is_used_at_the_next_join(crossbar, make_daemon, make_relay, secret, inline, monkeypatch):
    secret.write(TICKET)
    relay = make_relay(crossbar.ports["ticket"])
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.path.parent))
    reference = "@credential:secret" if inline else secret.reference
    daemon = start(make_daemon, **settings(relay.url(), "ticket", reference))
    first = joined(daemon)
    watcher = watch(daemon)
    watcher.expect(op="session", state="joined")
    secret.write(ROTATED)
    relay.target = crossbar.ports["rotated"]  # where only the new one is right
    relay.cut()
    watcher.expect(op="session", state="lost")
    again = watcher.expect(op="session", state="joined")
    assert again["session_id"] != first["session_id"]
    no_leak(daemon, TICKET, ROTATED)


def test_registrations_live_through_a_rotation(crossbar, make_daemon, make_relay, secret):
    secret.write(TICKET)
    relay = make_relay(crossbar.ports["ticket"])
    daemon = start(make_daemon, **settings(relay.url(), "ticket", secret.reference))
    daemon.wait_joined()
    p = daemon.connect()
    p.register("com.example.p")
    secret.write(ROTATED)
    relay.target = crossbar.ports["rotated"]
    relay.cut()
    p.expect(op="state", state="pending")
    p.expect(op="state", state="active")
    p.send(op="call", id=1, procedure="com.example.p")
    p.answer(args=["again"])
    assert p.expect(id=1)["args"] == ["again"]


# ---- secrets that cannot be used ----


def is_missing(secret):
    secret.path.unlink(missing_ok=True)


def is_empty(secret):
    secret.write("")


def is_only_a_newline(secret):
    secret.write("\n")


def is_readable_by_others(secret):
    secret.write(TICKET, 0o644)


def is_writable_by_its_group(secret):
    secret.write(TICKET, 0o620)


def is_a_directory(secret):
    secret.path.unlink(missing_ok=True)
    secret.path.mkdir()


def is_huge(secret):
    secret.write("x" * 70000)


def has_a_nul(secret):
    secret.write("t1cket\0of-joe")


UNUSABLE = [
    (is_missing, r"No such file|does not exist|missing|cannot be (read|opened)"),
    (is_readable_by_others, r"others.*chmod 0600"),
    (is_empty, r"empty"),
    (is_only_a_newline, r"empty"),
    (is_writable_by_its_group, r"group.*chmod"),
    (is_a_directory, r"regular file|directory"),
    (is_huge, r"65536|long|large|big"),
    (has_a_nul, r"NUL|zero"),
]
NAMES = [unusable.__name__ for unusable, _ in UNUSABLE]


@pytest.mark.parametrize("unusable,cure", UNUSABLE, ids=NAMES)
def test_at_start_a_secret_that_cannot_be_used_is_a_mistake_of_the_configuration(make_daemon, secret, unusable, cure):
    unusable(secret)
    daemon = make_daemon(session=settings("ws://127.0.0.1:1/ws", "ticket", secret.reference))
    daemon.start(listening=False)
    assert daemon.process.wait(WAIT) == 78
    log = daemon.log.read_text()
    assert str(secret.path) in log and re.search(cure, log), log
    assert re.search(r"wampbridge\.yaml:\d+", log), log
    assert TICKET not in log and not os.path.exists(daemon.socket)


@pytest.mark.parametrize("unusable,cure", UNUSABLE, ids=NAMES)
def test_check_config_says_so_too(make_daemon, secret, unusable, cure):
    unusable(secret)
    daemon = make_daemon(session=settings("ws://127.0.0.1:1/ws", "ticket", secret.reference))
    daemon.start(listening=False)
    daemon.process.wait(WAIT)
    done = subprocess.run([daemon.program, "-c", daemon.directory / "wampbridge.yaml", "--check-config"],
                          capture_output=True, text=True, timeout=WAIT, stdin=subprocess.DEVNULL)
    assert done.returncode == 78
    assert str(secret.path) in done.stdout + done.stderr and re.search(cure, done.stdout + done.stderr), done


@pytest.mark.parametrize("unusable,cure", UNUSABLE[:3], ids=NAMES[:3])
def test_while_running_a_secret_that_cannot_be_used_fails_the_session_and_heals(
        crossbar, make_daemon, make_relay, secret, unusable, cure):
    secret.write(TICKET)
    relay = make_relay(crossbar.ports["ticket"])
    daemon = start(make_daemon, **settings(relay.url(), "ticket", secret.reference))
    daemon.wait_joined()
    watcher = watch(daemon)
    watcher.expect(op="session", state="joined")
    unusable(secret)
    relay.cut()
    watcher.expect(op="session", state="lost")
    sent = len(relay.sent)
    line = refused(watcher)
    assert line["state"] == "failed", line
    assert str(secret.path) in line["message"] and re.search(cure, line["message"]), line
    assert 3900 < line["retry_in_ms"] <= 9100, line
    assert line["message"] in daemon.log.read_text()
    assert len(relay.sent) == sent, "something was sent without a secret"
    no_leak(daemon, TICKET)
    if unusable is is_a_directory:
        secret.path.rmdir()
    secret.write(TICKET)
    watcher.expect(op="session", state="joined")


def test_a_credential_without_a_directory_is_told(make_daemon, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    daemon = make_daemon(session=settings("ws://127.0.0.1:1/ws", "ticket", "@credential:router-ticket"))
    daemon.start(listening=False)
    assert daemon.process.wait(WAIT) == 78
    assert "LoadCredential" in daemon.log.read_text()


@pytest.mark.parametrize("missing", ["auth_secret", "auth_id"])
def test_a_method_that_lacks_what_it_needs_is_a_mistake(make_daemon, secret, missing):
    secret.write(TICKET)
    session = settings("ws://127.0.0.1:1/ws", "wampcra", secret.reference)
    del session[missing]
    daemon = make_daemon(session=session)
    daemon.start(listening=False)
    assert daemon.process.wait(WAIT) == 78
    assert missing in daemon.log.read_text()


@pytest.mark.parametrize("method,auth_id,text", RIGHT, ids=RIGHT_NAMES)
def test_nothing_of_the_secret_stays_in_memory_after_the_join(crossbar, make_daemon, secret, method, auth_id, text):
    """Read, used and wiped: a core dump tells nothing."""
    secret.write(text)
    daemon = start(make_daemon, **settings(crossbar.url_of("auth"), method, secret.reference, auth_id))
    joined(daemon)
    daemon.connect().quiet()
    part = text[len(text) // 2:][:40].encode()  # freed memory loses its beginning first
    until("the secret is wiped", lambda: not is_in_memory(daemon.process.pid, part), 3)


def is_in_memory(pid, needle):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            begin, end = (int(x, 16) for x in span.split("-"))
            if not rights.startswith("rw") or end - begin > 1 << 28 or "[v" in line:
                continue
            try:
                memory.seek(begin)
                if needle in memory.read(end - begin):
                    return True
            except (OSError, ValueError):
                continue
    return False
