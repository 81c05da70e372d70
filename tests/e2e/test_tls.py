# SPDX-License-Identifier: MIT
"""TLS: who the router is, checked; and each way in which it can fail, told with its cure."""
import pathlib
import re
import subprocess

import pytest

from crossbar_secure import TICKET, crossbar, joined, no_leak, pin_of, refused, watch
from world import WAIT, answers, free_port, until

__all__ = ["crossbar"]  # a fixture


def start(make_daemon, url, **session):
    daemon = make_daemon(session={"url": url, "connection_timeout": 20, **session}, daemon={"log_level": "debug"})
    daemon.start()
    return daemon


# ---- right ----


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_router_with_a_certificate_of_our_authority_is_joined(crossbar, make_daemon, host):
    daemon = start(make_daemon, crossbar.url_of("tls", host), tls_ca_file=crossbar.file("ca.pem"))
    line = joined(daemon)
    assert line["router"] == crossbar.url_of("tls", host)
    p = daemon.connect()
    p.register("com.example.p")
    p.send(op="call", id=1, procedure="com.example.p", args=["x" * 100000])
    p.answer(args=["y" * 100000])
    assert p.expect(id=1)["args"] == ["y" * 100000]


def test_a_ticket_over_tls(crossbar, make_daemon, tmp_path):
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(TICKET)
    daemon = start(make_daemon, crossbar.url_of("tls_auth"), tls_ca_file=crossbar.file("ca.pem"), realm="authrealm",
                   auth_method="ticket", auth_id="joe", auth_secret=f"@file:{secret}")
    assert joined(daemon)["authmethod"] == "ticket"
    no_leak(daemon, TICKET)


def test_the_authorities_of_the_system_count_too(crossbar, make_daemon, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", crossbar.file("ca.pem"))
    joined(start(make_daemon, crossbar.url_of("tls")))


def test_a_directory_of_authorities(crossbar, make_daemon, tmp_path):
    directory = tmp_path / "authorities"
    directory.mkdir()
    (directory / "ca.pem").write_text((crossbar.directory / "ca.pem").read_text())
    subprocess.run(["openssl", "rehash", directory], check=True, timeout=WAIT)
    joined(start(make_daemon, crossbar.url_of("tls"), tls_ca_dir=str(directory), tls_system_ca=False))


RIGHT = {
    "nothing-verified": ("other_ca", dict(tls_verify=False)),
    "name-not-verified": ("other_name", dict(tls_ca_file="ca.pem", tls_verify_host=False)),
    "another-name-expected": ("other_name", dict(tls_ca_file="ca.pem", tls_server_name="elsewhere.example")),
    "the-other-authority": ("other_ca", dict(tls_ca_file="other.pem")),
    "only-1.3": ("tls", dict(tls_ca_file="ca.pem", tls_min_version="1.3")),
    "a-cipher-suite": ("tls", dict(tls_ca_file="ca.pem", tls_ciphersuites="TLS_AES_256_GCM_SHA384")),
    "client-certificate": ("client_certificate", dict(tls_ca_file="ca.pem", tls_cert="client.pem",
                                                      tls_key="client.key")),
}


def with_files(crossbar, session):
    """Names of files become paths."""
    return {key: crossbar.file(value) if key in ("tls_ca_file", "tls_cert", "tls_key") else value
            for key, value in session.items()}


@pytest.mark.parametrize("port,session", RIGHT.values(), ids=RIGHT)
def test_what_is_asked_for_is_enough(crossbar, make_daemon, port, session):
    joined(start(make_daemon, crossbar.url_of(port), **with_files(crossbar, session)))


def test_a_pin_that_fits(crossbar, make_daemon):
    pin = pin_of(crossbar.file("server.pem"))
    joined(start(make_daemon, crossbar.url_of("tls"), tls_ca_file=crossbar.file("ca.pem"),
                 tls_pin_sha256=["00" * 32, pin]))


def test_a_pin_is_enough_without_an_authority(crossbar, make_daemon):
    pin = pin_of(crossbar.file("server.pem"))
    joined(start(make_daemon, crossbar.url_of("tls"), tls_verify=False, tls_pin_sha256=[pin]))


def test_renewed_files_count_from_the_next_attempt_on(crossbar, make_daemon, tmp_path):
    authority = tmp_path / "authority.pem"
    authority.write_bytes(pathlib.Path(crossbar.file("other.pem")).read_bytes())
    daemon = start(make_daemon, crossbar.url_of("tls"), tls_ca_file=str(authority), reconnect_delay=0.1,
                   reconnect_max_delay=0.3)
    refused(watch(daemon))
    authority.write_text("no certificate")
    until("it is told", lambda: "changed and cannot be used" in daemon.log.read_text())
    authority.write_bytes(pathlib.Path(crossbar.file("ca.pem")).read_bytes())
    joined(daemon)
    assert "were read again" in daemon.log.read_text()


def test_tls_beside_host_and_port(crossbar, make_daemon):
    daemon = make_daemon(sessions={"default": {"host": "localhost", "port": crossbar.ports["tls"], "tls": True,
                                               "tls_ca_file": crossbar.file("ca.pem")}})
    daemon.start()
    assert joined(daemon)["router"].startswith("wss://localhost:")


# ---- refused ----

# The port, the session, and what the message must say.
WRONG = {
    "no-authority": ("tls", dict(), r"tls_ca_file"),
    "wrong-authority": ("other_ca", dict(tls_ca_file="ca.pem"), r"tls_ca_file"),
    "only-the-system's": ("tls", dict(tls_system_ca=True), r"tls_ca_file"),
    "wrong-host": ("other_name", dict(tls_ca_file="ca.pem"), r"elsewhere\.example|127\.0\.0\.1.*(tls_server_name)"),
    "wrong-server-name": ("tls", dict(tls_ca_file="ca.pem", tls_server_name="wrong.example"), r"wrong\.example"),
    "expired": ("expired", dict(tls_ca_file="ca.pem"), r"expired"),
    "wrong-pin": ("tls", dict(tls_ca_file="ca.pem", tls_pin_sha256=["00" * 32]), r"tls_pin_sha256"),
    "wrong-pin-alone": ("tls", dict(tls_verify=False, tls_pin_sha256=["00" * 32]), r"tls_pin_sha256"),
    "no-client-certificate": ("client_certificate", dict(tls_ca_file="ca.pem"), r"tls_cert"),
    "client-certificate-of-a-stranger": ("client_certificate", dict(
        tls_ca_file="ca.pem", tls_cert="stranger.pem", tls_key="stranger.key"), r"tls_cert|certificate"),
}


def told(daemon, cure, *reasons):
    line = refused(watch(daemon))
    assert line["reason"] in (reasons or ("wampbridge.error.tls",)), line
    assert re.search(cure, line["message"]), line
    assert line["state"] == "connecting" and line["retry_in_ms"] <= 6000, line
    p = daemon.connect()
    row = p.request(op="list", id="l", what="sessions")["items"][0]
    assert row["reason"] == line["reason"] and row["message"] == line["message"], row
    log = daemon.log.read_text()
    assert line["message"] in log, log
    # It goes on trying, and serves its programs meanwhile.
    refused(watch(daemon))
    p.quiet()
    assert p.request(op="call", id="c", procedure="com.example.p")["code"] == "not_joined"
    assert daemon.process.poll() is None
    return line


@pytest.mark.parametrize("port,session,cure", WRONG.values(), ids=WRONG)
def test_each_failure_is_told_with_its_cure(crossbar, make_daemon, port, session, cure):
    told(start(make_daemon, crossbar.url_of(port), **with_files(crossbar, session)), cure)


def test_tls_against_a_router_without(crossbar, make_daemon):
    url = f"wss://127.0.0.1:{crossbar.ports['open']}/ws"
    told(start(make_daemon, url, tls_ca_file=crossbar.file("ca.pem")), r"ws://|no TLS|not TLS|does not speak TLS")


def test_plain_against_a_router_with_tls(crossbar, make_daemon):
    told(start(make_daemon, f"ws://127.0.0.1:{crossbar.ports['tls']}/ws"), r"wss://|TLS",
         "wampbridge.error.tls", "wampbridge.error.transport")


@pytest.fixture
def old_server(crossbar):
    """Speaks TLS 1.2 and no more."""
    port = free_port()
    process = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2", "-quiet",
                                "-cert", "server.pem", "-key", "server.key"], cwd=crossbar.directory,
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until("the old server listens", lambda: answers(port))
    yield port
    process.kill()
    process.wait()
    process.stdin.close()


def test_a_router_with_too_old_a_version_is_told(crossbar, make_daemon, old_server):
    told(start(make_daemon, f"wss://127.0.0.1:{old_server}/ws", tls_ca_file=crossbar.file("ca.pem"),
               tls_min_version="1.3"), r"tls_min_version|version")


def test_no_secret_goes_to_a_router_that_is_not_the_one(crossbar, make_daemon, tmp_path):
    """The certificate is refused before the first message."""
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(TICKET)
    before = (crossbar.directory / "router.log").read_text().count("session")
    daemon = start(make_daemon, crossbar.url_of("tls_auth"), realm="authrealm", auth_method="ticket", auth_id="joe",
                   auth_secret=f"@file:{secret}")
    told(daemon, r"tls_ca_file")
    assert (crossbar.directory / "router.log").read_text().count("session") == before
    no_leak(daemon, TICKET)


# ---- files that cannot be used ----

# The session, and what stands in the complaint beside the file and the line.
UNUSABLE = {
    "no-such-authority": (dict(tls_ca_file="/nonexistent/ca.pem"), r"/nonexistent/ca\.pem"),
    "authority-is-no-certificate": (dict(tls_ca_file="KEY"), r"server\.key"),
    "no-such-certificate": (dict(tls_cert="/nonexistent/c.pem", tls_key="KEY"), r"/nonexistent/c\.pem"),
    "no-such-key": (dict(tls_cert="CERT", tls_key="/nonexistent/k.pem"), r"/nonexistent/k\.pem"),
    "key-of-another": (dict(tls_cert="CERT", tls_key="OTHER"), r"tls_key|key"),
    "certificate-without-key": (dict(tls_cert="CERT"), r"tls_key"),
    "cipher-unknown": (dict(tls_ciphers="NONSENSE"), r"tls_ciphers"),
    "pins-alone-and-verify": (dict(tls_system_ca=False, tls_pin_sha256=["00" * 32]), r"tls_verify: no"),
    "pin-too-short": (dict(tls_pin_sha256=["abcd"]), r"tls_pin_sha256"),
}


@pytest.mark.parametrize("session,words", UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_used_is_a_mistake_of_the_configuration(crossbar, make_daemon, session, words):
    names = {"KEY": "server.key", "CERT": "server.pem", "OTHER": "client.key"}
    session = {k: crossbar.file(names[v]) if v in ("KEY", "CERT", "OTHER") else v for k, v in session.items()}
    daemon = make_daemon(session={"url": crossbar.url_of("tls"), **session})
    daemon.start(listening=False)
    assert daemon.process.wait(WAIT) == 78
    log = daemon.log.read_text()
    assert re.search(words, log) and re.search(r"wampbridge\.yaml:\d+", log), log
    done = subprocess.run([daemon.program, "-c", daemon.directory / "wampbridge.yaml", "--check-config"],
                          capture_output=True, text=True, timeout=WAIT, stdin=subprocess.DEVNULL)
    assert done.returncode == 78 and re.search(words, done.stdout + done.stderr), done


def test_a_key_with_a_passphrase(crossbar, make_daemon, tmp_path):
    key, passphrase = tmp_path / "locked.key", tmp_path / "passphrase"
    subprocess.run(["openssl", "pkey", "-in", crossbar.file("client.key"), "-aes256", "-passout", "pass:open-s3same",
                    "-out", key], check=True, capture_output=True, timeout=WAIT)
    passphrase.touch(0o600)
    passphrase.write_text("open-s3same\n")
    session = dict(tls_ca_file=crossbar.file("ca.pem"), tls_cert=crossbar.file("client.pem"), tls_key=str(key))
    daemon = start(make_daemon, crossbar.url_of("client_certificate"), tls_key_passphrase=f"@file:{passphrase}",
                   **session)
    joined(daemon)
    no_leak(daemon, "open-s3same")


@pytest.mark.parametrize("passphrase", ["wr0ng-passphrase", None], ids=["wrong", "none"])
def test_a_key_that_cannot_be_opened(crossbar, make_daemon, tmp_path, passphrase):
    key, file = tmp_path / "locked.key", tmp_path / "passphrase"
    subprocess.run(["openssl", "pkey", "-in", crossbar.file("client.key"), "-aes256", "-passout", "pass:open-s3same",
                    "-out", key], check=True, capture_output=True, timeout=WAIT)
    session = dict(url=crossbar.url_of("tls"), tls_cert=crossbar.file("client.pem"), tls_key=str(key))
    if passphrase:
        file.touch(0o600)
        file.write_text(passphrase)
        session["tls_key_passphrase"] = f"@file:{file}"
    daemon = make_daemon(session=session)
    daemon.start(listening=False)
    assert daemon.process.wait(WAIT) == 78
    log = daemon.log.read_text()
    assert re.search(r"tls_key_passphrase", log) and "wr0ng-passphrase" not in log, log
