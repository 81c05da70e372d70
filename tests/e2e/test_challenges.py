# SPDX-License-Identifier: MIT
"""Challenges of a router of ours: those of the vectors are answered, the others refused, and nobody waits."""
import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import sys
import time

import pytest

from crossbar_secure import joined, no_leak, refused, watch
from world import WAIT, WITH_US, Answers, answers, free_port, until

SECRET = "secret123"
TOKEN = "Bearer Hgfdsa6677/x=="
CHALLENGE = ('{"nonce": "LHRTC9zeOIrt_9U3", "authprovider": "userdb", "authid": "peter", '
             '"timestamp": "2014-06-22T16:36:25.448Z", "authrole": "user", "authmethod": "wampcra", '
             '"session": 3251278072152162}')


class Challenger:
    def __init__(self, extra, *more):
        self.port = free_port()
        self.process = subprocess.Popen(
            [*WITH_US, sys.executable, str(pathlib.Path(__file__).with_name("challenger.py")), str(self.port), extra,
             *more],
            stdout=subprocess.PIPE)
        self.take = Answers(self.process.stdout).take
        until("the challenger listens", lambda: answers(self.port))

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def challenge(make_daemon, tmp_path):
    """A challenger with that Extra, and the daemon that meets it."""
    routers = []

    def start(extra, *more, content=SECRET.encode()):
        secret = tmp_path / "secret"
        secret.touch(0o600)
        secret.write_bytes(content)
        router = Challenger(extra if isinstance(extra, str) else json.dumps(extra), *more)
        routers.append(router)
        daemon = make_daemon(daemon={"log_level": "debug"}, session={
            "url": f"ws://127.0.0.1:{router.port}/ws", "auth_id": "peter", "headers": {"Authorization": TOKEN},
            "auth_method": "ticket" if "ticket" in more else "wampcra",
            "auth_secret": f"@file:{secret}"})
        daemon.start()
        assert router.take()[0] == 1
        return router, daemon

    yield start
    for router in routers:
        router.stop()


VECTORS = {
    "unsalted": ({}, "oV95jyPM/GWJyAuKBOSsdFkUkSboj5T4NmC3bdefPuY="),
    "salted": ({"salt": "salt123", "iterations": 1000, "keylen": 32}, "GyMkfiASBnhHaSle2CWSCDji2nyPuyJDxEQDEDraOGY="),
    "by-default": ({"salt": "salt123"}, "GyMkfiASBnhHaSle2CWSCDji2nyPuyJDxEQDEDraOGY="),
    "other-numbers": ({"salt": "salt123", "iterations": 100, "keylen": 16},
                      "9id/LYZSU+FYEX1EAj0aXOw7D6H9WU3GSVC0IRbqu5k="),
}


@pytest.mark.parametrize("extra,signature", VECTORS.values(), ids=VECTORS)
def test_the_vectors_are_signed_as_they_must_be(challenge, extra, signature):
    router, daemon = challenge({"challenge": CHALLENGE, **extra})
    assert router.take()[:2] == [5, signature]
    joined(daemon)
    no_leak(daemon, SECRET)


def test_what_was_escaped_is_signed_unescaped(challenge):
    """The challenge as text, not as the router spelled it."""
    spelled = CHALLENGE.replace('"', '\\u0022').replace("/", "\\/")
    router, _ = challenge('{"challenge":"%s"}' % spelled)
    assert router.take()[1] == VECTORS["unsalted"][1]


@pytest.mark.parametrize("content", [b"secret123\r\n", b"secret123\n", "gr\u00fc\u00dfe\n".encode(), b" two words "],
                         ids=["carriage-return", "newline", "umlauts", "blanks"])
def test_what_is_in_the_file_is_what_is_used(challenge, content):
    """Nothing but a line end at the end is dropped, and nothing is converted."""
    router, daemon = challenge({"challenge": CHALLENGE}, content=content)
    key = content.removesuffix(b"\n").removesuffix(b"\r")
    signature = base64.b64encode(hmac.new(key, CHALLENGE.encode(), "sha256").digest()).decode()
    assert router.take()[:2] == [5, signature]
    no_leak(daemon, key.decode())


ALTERED = {
    "Latin-1": (b"gr\xfc\xdfe\n", "is not UTF-8"),
    "byte-order-mark": (b"\xef\xbb\xbfsqueamish\n", "byte order mark"),
    "UTF-16": ("\ufeffsqueamish".encode("utf-16-le"), "byte order mark"),
    "two-lines": (b"squeamish\nsqueamish\n", "more than one line"),
    "empty-line": (b"squeamish\n\n", "more than one line"),
    "tab": (b"squeamish\tx\n", "control character"),
    "NUL": (b"squeamish\0x\n", "NUL"),
}


@pytest.mark.parametrize("method", ["ticket", "wampcra"])
@pytest.mark.parametrize("content,words", ALTERED.values(), ids=ALTERED)
def test_what_could_not_be_sent_as_it_is_is_told_and_not_sent(make_daemon, tmp_path, method, content, words):
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_bytes(b"right")
    daemon = make_daemon(session={"url": f"ws://127.0.0.1:{free_port()}/ws", "auth_method": method, "auth_id": "joe",
                                  "auth_secret": f"@file:{secret}", "reconnect_delay": 0.05,
                                  "reconnect_max_delay": 0.05})
    daemon.start()
    # At an attempt ...
    secret.write_bytes(content)
    until("it is told", lambda: words in daemon.log.read_text())
    assert "squeamish" not in daemon.log.read_text()
    assert daemon.stop() == 0
    # ... at a check, and at a start.
    config = tmp_path / "wampbridge.yaml"
    for more in (["--check-config"], []):
        done = subprocess.run([daemon.program, "-c", config, *more], capture_output=True, text=True, timeout=WAIT)
        assert done.returncode == 78 and words in done.stderr and f"{config}:" in done.stderr, done
        assert "squeamish" not in done.stderr


WRONG = {
    "nothing": {},
    "no-text": {"challenge": 7},
    "endless-rounds": {"challenge": CHALLENGE, "salt": "s", "iterations": 1000000000, "keylen": 32},
    "rounds-beyond-all-numbers": {"challenge": CHALLENGE, "salt": "s", "iterations": 10 ** 30},
    "no-rounds": {"challenge": CHALLENGE, "salt": "s", "iterations": 0, "keylen": 32},
    "fewer-than-no-rounds": {"challenge": CHALLENGE, "salt": "s", "iterations": -1, "keylen": 32},
    "half-a-round": {"challenge": CHALLENGE, "salt": "s", "iterations": 0.5, "keylen": 32},
    "no-key": {"challenge": CHALLENGE, "salt": "s", "iterations": 1000, "keylen": 0},
    "a-key-too-long": {"challenge": CHALLENGE, "salt": "s", "iterations": 1000, "keylen": 1000000000},
}


@pytest.mark.parametrize("extra", WRONG.values(), ids=WRONG)
def test_a_challenge_that_cannot_be_answered_is_refused_at_once(challenge, extra):
    begin = time.monotonic()
    router, daemon = challenge(extra)
    abort = router.take()
    assert abort[0] == 3 and abort[2] == "wamp.error.cannot_authenticate", abort
    line = refused(watch(daemon))
    assert line["state"] == "failed" and line["reason"] == "wamp.error.cannot_authenticate", line
    daemon.connect().quiet()
    assert time.monotonic() - begin < 10
    no_leak(daemon, SECRET)


MANY_ROUNDS = {"challenge": CHALLENGE, "salt": "s", "iterations": 400000, "keylen": 32}


def test_no_program_waits_while_many_rounds_are_computed(challenge):
    router, daemon = challenge(MANY_ROUNDS, "again")
    p = daemon.connect()
    slowest, begin, n = 0, time.monotonic(), 0
    while (now := time.monotonic()) - begin < 1.5:
        n += 1
        p.quiet(f"ping-{n}")
        slowest = max(slowest, time.monotonic() - now)
    assert [router.take()[0] for _ in range(3)] == [5, 5, 3]
    begin = time.monotonic()
    hashlib.pbkdf2_hmac("sha256", SECRET.encode(), b"s", MANY_ROUNDS["iterations"], 32)
    assert slowest < (time.monotonic() - begin) / 2


def test_a_stop_while_a_key_is_derived_is_a_clean_one(challenge):
    _, daemon = challenge(MANY_ROUNDS)
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin < 3
    assert "stopped" in daemon.log.read_text()


def test_a_key_of_an_attempt_that_is_over_is_not_used(challenge):
    """The router is gone before the key is there; the next attempt has a challenge of its own."""
    router, daemon = challenge(MANY_ROUNDS)
    router.stop()
    line = until("the attempt is over", lambda: (s := watch(daemon).expect(op="session")).get("reason") and s)
    assert line["reason"] == "wampbridge.error.transport", line
    daemon.connect().quiet()
    assert daemon.stop() == 0


@pytest.mark.parametrize("method", [[], ["ticket"]], ids=["wampcra", "ticket"])
def test_what_the_router_repeats_of_a_secret_is_told_to_nobody(challenge, method):
    router, daemon = challenge({"challenge": CHALLENGE}, "repeat", *method)
    answer = router.take()[1]
    line = refused(watch(daemon))
    assert (line["message"], line["reason"]) == ("invalid '***' by '***' of joe", "com.example.***")
    no_leak(daemon, SECRET, answer, TOKEN.split()[1])


def test_challenges_without_end_are_refused(challenge):
    router, daemon = challenge({"challenge": CHALLENGE}, "again")
    kinds = []
    while not kinds or kinds[-1] == 5:
        kinds.append(router.take()[0])
        assert len(kinds) < 20
    assert kinds[-1] == 3 and kinds.count(5) >= 2, kinds
    assert refused(watch(daemon))["state"] == "failed"
