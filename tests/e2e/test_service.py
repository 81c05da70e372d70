# SPDX-License-Identifier: MIT
"""What a service manager sees: notifications, passed sockets, the watchdog, reload, exit codes."""
import http.server
import os
import pathlib
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import pytest

from world import BUILD, WAIT, WITH_US, Program, connects, free_port, until

DAEMON = str(BUILD / "wampbridged")


class Manager:
    """Listens where sd_notify(3) speaks."""

    def __init__(self, directory):
        self.path = str(directory / "notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(WAIT)
        self.seen = []

    def expect(self, word):
        """The next message that says this; all are kept in `seen`."""
        while True:
            message = self.socket.recv(65536).decode()
            self.seen.append(message)
            if word in message:
                return message

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path)
    yield manager
    manager.close()


@pytest.fixture
def start(tmp_path, manager):
    """Starts a daemon on the configuration's text, as a service manager does."""
    processes = []

    def start(config, arguments=(), environment=None, launcher=(), pass_fds=()):
        (tmp_path / "wampbridge.yaml").write_text(config)
        log = open(tmp_path / "daemon.log", "ab")
        process = subprocess.Popen(
            [*WITH_US, *launcher, DAEMON, "-c", tmp_path / "wampbridge.yaml", *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=pass_fds,
            env={**os.environ, "NOTIFY_SOCKET": manager.path, **(environment or {})})
        log.close()
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            assert process.wait(WAIT) == 0
    text = (tmp_path / "daemon.log").read_text() if (tmp_path / "daemon.log").exists() else ""
    assert "Sanitizer" not in text and "runtime error" not in text, text[-4000:]


def log_of(tmp_path):
    return (tmp_path / "daemon.log").read_text()


def listen(tmp_path):
    return f"daemon: {{listen: {tmp_path}/s.sock, shutdown_timeout: 5}}\n"


def program(tmp_path):
    p = Program(str(tmp_path / "s.sock"))
    p.expect(op="greet")
    return p


def listed(p, what):
    return p.request(op="list", id=f"list {what}", what=what)["items"]


def limit(p, name):
    return next(i["value"] for i in listed(p, "limits") if i["name"] == name)


# ---- notifications ----


def test_ready_comes_when_the_socket_listens_and_status_when_something_changes(tmp_path, manager, start):
    start(listen(tmp_path))
    assert "STATUS=" in manager.expect("READY=1")
    p = program(tmp_path)
    p.register("com.example.p")
    status = manager.expect("1 registrations")
    assert "1/1 sessions joined, 1 clients" in status
    p.close()


def test_a_router_that_is_away_does_not_keep_it_from_being_ready(tmp_path, manager, start):
    start(listen(tmp_path) + f"sessions: {{default: {{url: 'ws://127.0.0.1:{free_port()}/ws'}}}}\n")
    assert "0/1 sessions joined" in manager.expect("READY=1")


def test_a_stop_is_told_and_extended_while_a_handler_runs(tmp_path, manager, start):
    process = start(listen(tmp_path))
    manager.expect("READY=1")
    callee, caller = program(tmp_path), program(tmp_path)
    callee.register("com.example.slow")
    caller.send(op="call", id=1, procedure="com.example.slow")
    invocation = callee.expect(op="invocation")
    process.terminate()
    manager.expect("STOPPING=1")
    manager.expect("EXTEND_TIMEOUT_USEC=")
    manager.expect("EXTEND_TIMEOUT_USEC=")
    callee.send(op="result", inv=invocation["inv"])
    assert caller.expect(id=1)["op"] == "result"
    assert process.wait(WAIT) == 0


def test_the_watchdog_hears_of_a_loop_that_turns_and_not_of_one_that_does_not(tmp_path, manager, start):
    process = start(listen(tmp_path), environment={"WATCHDOG_USEC": "200000"})
    manager.expect("READY=1")
    for _ in range(3):
        manager.expect("WATCHDOG=1")
    process.send_signal(signal.SIGSTOP)
    while select.select([manager.socket], [], [], 0.5)[0]:
        manager.socket.recv(65536)
    process.send_signal(signal.SIGCONT)
    manager.expect("WATCHDOG=1")


def test_a_manager_that_does_not_read_keeps_nobody_waiting_and_is_told_later(tmp_path, manager, start):
    """Its queue is full before the start; when it reads again, it is told what counts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        try:
            while True:
                other.sendto(b"STATUS=of somebody else", manager.path)
        except BlockingIOError:
            pass
        start(listen(tmp_path), environment={"WATCHDOG_USEC": "2000"})
        until("it listens", lambda: connects(tmp_path / "s.sock"))
        p = program(tmp_path)
        for _ in range(20):
            p.quiet()
        manager.expect("READY=1")
        manager.expect("WATCHDOG=1")
        p.close()


# ---- passed sockets ----

PASS = "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[1], sys.argv[1:])"


def passed_socket(tmp_path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(tmp_path / "s.sock"))
    s.listen(100)
    return s


def start_with_socket(tmp_path, start, fd, name="client"):
    """The descriptor becomes number 3 in the daemon."""
    move = f"exec 3<&{fd}; exec \"$@\"" if fd != 3 else 'exec "$@"'
    launcher = ["bash", "-c", move, "sh", sys.executable, "-c", PASS]
    return start("daemon: {shutdown_timeout: 5}\n", launcher=launcher, pass_fds=[fd],
                 environment={"LISTEN_FDS": "1", "LISTEN_FDNAMES": name})


def test_a_program_that_connects_before_the_daemon_runs_is_served(tmp_path, manager, start):
    with passed_socket(tmp_path) as s:
        early = Program(str(tmp_path / "s.sock"))
        process = start_with_socket(tmp_path, start, s.fileno())
        manager.expect("READY=1")
        early.expect(op="greet")
        early.quiet()
        process.terminate()
        assert process.wait(WAIT) == 0
        assert early.at_end()[-1]["code"] == "shutting_down"
        assert os.path.exists(tmp_path / "s.sock"), "a socket that was passed is never unlinked"
        # Who connects between two lives of the daemon waits, and is served by the second.
        waiting = Program(str(tmp_path / "s.sock"))
        start_with_socket(tmp_path, start, s.fileno())
        waiting.expect(op="greet")
        waiting.close()


def test_what_is_passed_and_is_no_listening_socket_is_told(tmp_path, manager, start):
    with open(tmp_path / "file", "w") as f:
        process = start_with_socket(tmp_path, start, f.fileno())
        assert process.wait(WAIT) == 71
    assert "cannot be used" in log_of(tmp_path)


# ---- reload ----


def reload(process, manager):
    process.send_signal(signal.SIGHUP)
    message = manager.expect("RELOADING=1")
    assert "MONOTONIC_USEC=" in message
    return manager.expect("READY=1")


def test_a_reload_takes_over_log_level_and_limits_and_names_the_rest(tmp_path, manager, start):
    process = start(listen(tmp_path))
    manager.expect("READY=1")
    p = program(tmp_path)
    assert limit(p, "max_inflight") == 1024
    (tmp_path / "wampbridge.yaml").write_text(
        f"daemon: {{listen: {tmp_path}/other.sock, shutdown_timeout: 5, log_level: debug}}\n"
        "limits: {max_inflight: 2, max_connections: 7}\n"
        "sessions: {default: {realm: other}, second: {}}\n")
    assert "sessions joined" in reload(process, manager)
    assert limit(p, "max_inflight") == 2 and limit(p, "max_connections") == 7
    text = log_of(tmp_path)
    for name in ("daemon.listen", "sessions.default.realm", "sessions.second"):
        assert f"reload: {name} has changed: that needs a restart" in text
    assert "log_level has changed" not in text
    rows = {(r["section"], r["key"]): r for r in listed(p, "config")}
    assert rows["limits", "max_inflight"]["value"] == "2"
    assert rows["limits", "max_inflight"]["source"].endswith("wampbridge.yaml:2")
    assert rows["limits", "max_inflight"]["reloadable"] is True
    # What is in force is what it was started with.
    assert rows["sessions.default", "realm"]["value"] == "realm1"
    assert rows["sessions.default", "realm"]["reloadable"] is False
    p.close()


def test_a_reload_of_a_broken_file_changes_nothing(tmp_path, manager, start):
    process = start(listen(tmp_path) + "limits: {max_inflight: 5}\n")
    manager.expect("READY=1")
    p = program(tmp_path)
    (tmp_path / "wampbridge.yaml").write_text(
        listen(tmp_path) + "limits: {max_inflight: 9, max_conections: 3}\nsessions: {default: {port: x}}\n")
    assert "STATUS=reload failed: " in reload(process, manager)
    assert limit(p, "max_inflight") == 5
    text = log_of(tmp_path)
    assert "wampbridge.yaml:2: " in text and "max_connections" in text
    assert "wampbridge.yaml:3: " in text and "everything stays as it is" in text
    # The secret of a session that is not even running yet is looked at, too.
    (tmp_path / "wampbridge.yaml").write_text(
        listen(tmp_path) + "sessions: {default: {url: 'ws://127.0.0.1:1/', auth_method: ticket, auth_id: joe,"
        f" auth_secret: '@file:{tmp_path}/none'}}}}\n")
    assert "STATUS=reload failed: " in reload(process, manager)
    (tmp_path / "wampbridge.yaml").write_text(listen(tmp_path) + "limits: {max_inflight: 9}\n")
    assert "sessions joined" in reload(process, manager)
    assert limit(p, "max_inflight") == 9
    p.close()


def test_a_session_that_has_given_up_is_tried_again_by_a_reload(tmp_path, manager, start):
    port = free_port()
    process = start(listen(tmp_path) + f"sessions: {{default: {{url: 'ws://127.0.0.1:{port}/ws',"
                    " max_reconnection_attempts: 1, reconnect_delay: 0.02, reconnect_max_delay: 0.02}}\n")
    manager.expect("READY=1")
    p = program(tmp_path)
    p.request(op="watch", id="w")
    line = p.expect(op="session", state="failed")
    assert line["attempt"] == 2 and "retry_in_ms" not in line
    answer = p.request(op="call", id=1, procedure="com.example.p")
    assert answer["code"] == "session_failed" and answer["retry"] is False
    reload(process, manager)
    assert p.expect(op="session", state="failed")["attempt"] == 2
    p.close()


# ---- ends that were not asked for ----


def test_on_give_up_exit_ends_the_daemon_with_69(tmp_path, manager, start):
    process = start(listen(tmp_path) + f"sessions: {{default: {{url: 'ws://127.0.0.1:{free_port()}/ws',"
                    " max_reconnection_attempts: 1, reconnect_delay: 0.02, reconnect_max_delay: 0.02,"
                    " on_give_up: exit}}\n")
    assert process.wait(WAIT) == 69
    assert "has given up" in log_of(tmp_path)
    assert not os.path.exists(tmp_path / "s.sock")


@pytest.mark.parametrize("text, words", [
    ("daemon: {socket_group: no-such-group-here}\n", "no-such-group-here"),
    ("sessions: {default: {url: 'wss://127.0.0.1:1/', tls_ca_file: /nonexistent/ca.pem}}\n", "/nonexistent/ca.pem"),
    ("sessions: {default: {url: 'ws://127.0.0.1:1/', auth_method: ticket, auth_id: joe,"
     " auth_secret: '@file:/nonexistent/secret'}}\n", "/nonexistent/secret"),
    ("sessions: {default: {url: 'ws://127.0.0.1:1/', auth_method: ticket, auth_id: joe,"
     " auth_secret: '@credential:key'}}\n", "LoadCredential"),
])
def test_what_the_configuration_names_and_is_not_there_ends_the_start_with_78(tmp_path, start, text, words):
    process = start(text, ["--listen", str(tmp_path / "s.sock")])
    assert process.wait(WAIT) == 78
    assert words in log_of(tmp_path)
    assert not os.path.exists(tmp_path / "s.sock")


def test_a_group_that_there_is_not_is_told_with_its_line(tmp_path):
    config = tmp_path / "a.yaml"
    config.write_text(f"daemon:\n  listen: {tmp_path}/s.sock\n  socket_group: no-such-group-here\n")
    words = f"{config}:3: 'socket_group': there is no group"
    check = run(tmp_path, "-t", "-c", config)
    # A socket that is passed has a group already.
    assert check.returncode == 0 and words in check.stderr and "warning" in check.stderr, check
    start = run(tmp_path, "-c", config)
    assert start.returncode == 78 and words in start.stderr, start


def test_an_empty_name_of_a_directory_of_credentials_is_none(tmp_path, start):
    """It would be that of the root directory."""
    process = start("sessions: {default: {url: 'ws://127.0.0.1:1/', auth_method: ticket, auth_id: joe,"
                    " auth_secret: '@credential:etc'}}\n", environment={"CREDENTIALS_DIRECTORY": ""})
    assert process.wait(WAIT) == 78
    assert "there are no credentials" in log_of(tmp_path)


def a_limited_file(tmp_path):
    return open(tmp_path / "log", "ab"), lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60, 60))


def a_full_disk(tmp_path):
    return open("/dev/full", "ab"), None


def a_pipe_without_a_reader(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    return open(writer, "wb"), None


def a_pipe_that_is_not_read(tmp_path):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while select.select([], [writer], [], 0)[1]:
        os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    # It is closed when the test's process ends.
    return open(writer, "wb"), None


@pytest.mark.parametrize("log", [a_limited_file, a_full_disk, a_pipe_without_a_reader, a_pipe_that_is_not_read],
                         ids=lambda f: f.__name__)
def test_a_log_that_cannot_be_written_neither_ends_nor_stalls_the_daemon(tmp_path, log):
    """The log is said to be at level debug, and each attempt of a session is an entry."""
    config = tmp_path / "wampbridge.yaml"
    config.write_text(f"daemon: {{listen: {tmp_path}/s.sock, log_level: debug, log_target: stderr}}\n"
                      f"defaults: {{url: 'ws://127.0.0.1:{free_port()}/', reconnect_delay: 0.01,"
                      " reconnect_max_delay: 0.01, reconnect_jitter: 0}\n")
    file, limits = log(tmp_path)
    process = subprocess.Popen([*WITH_US, DAEMON, "-c", config], stdin=subprocess.DEVNULL, stderr=file,
                               preexec_fn=limits)
    file.close()
    try:
        until("it listens", lambda: connects(tmp_path / "s.sock"))
        p = program(tmp_path)
        until("there were many attempts", lambda: listed(p, "sessions")[0].get("attempt", 0) > 20)
        p.close()
    finally:
        process.terminate()
        assert process.wait(WAIT) == 0


# ---- secrets ----


@pytest.mark.skipif(os.geteuid() != 0 or "address" in BUILD.name, reason="needs root, and a build without a leak checker")
def test_neither_a_core_file_nor_another_process_of_the_user_sees_its_memory(tmp_path):
    shared = pathlib.Path(tempfile.mkdtemp())
    shared.chmod(0o777)
    process = subprocess.Popen([*WITH_US, "--reuid=20000", "--regid=20000", "--clear-groups", DAEMON, "--listen",
                                shared / "s.sock"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        until("it listens", lambda: connects(shared / "s.sock"))
        about = pathlib.Path(f"/proc/{process.pid}")
        assert "Max core file size        0                    0" in (about / "limits").read_text()
        # Of a process whose memory its user may not look at, these are root's.
        assert (about / "mem").stat().st_uid == 0 and (about / "environ").stat().st_uid == 0
        assert about.joinpath("status").read_text().split("Uid:")[1].split()[0] == "20000"
        with Program(str(shared / "s.sock")) as p:
            p.expect(op="greet")
    finally:
        process.terminate()
        assert process.wait(WAIT) == 0
        assert b"listening on" in process.stderr.read()
        process.stderr.close()
        shutil.rmtree(shared)


HIDDEN = "Hgfdsa6677"


class NotFound(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def web_server():
    """One that knows no WebSocket: what it answers is told, with the path."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotFound)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_secret_is_shown_by_no_dump_and_no_list_and_no_log(tmp_path, manager, start, web_server):
    text = (f"daemon: {{listen: {tmp_path}/s.sock, shutdown_timeout: 5, log_level: debug}}\n"
            "defaults:\n"
            f"  headers: {{Authorization: Bearer {HIDDEN}, X-Api-Key: {HIDDEN}, Accept-Language: {HIDDEN}}}\n"
            f"  auth_extra: {{token: {HIDDEN}}}\n"
            "sessions:\n"
            f"  default: {{url: 'ws://127.0.0.1:{free_port()}/ws?token={HIDDEN}', auth_method: wampcra, auth_id: joe,\n"
            f"    auth_secret: {HIDDEN}, reconnect_delay: 0.05, reconnect_max_delay: 0.05}}\n"
            f"  b: {{host: 127.0.0.1, port: {web_server}, path: '/ws?token={HIDDEN}',\n"
            "    reconnect_delay: 0.05, reconnect_max_delay: 0.05}\n")
    process = start(text)
    manager.expect("READY=1")
    p = program(tmp_path)
    until("it was tried", lambda: all(row.get("attempt", 0) > 1 for row in listed(p, "sessions")))
    (tmp_path / "wampbridge.yaml").write_text(text.replace(HIDDEN, HIDDEN + "changed"))
    reload(process, manager)
    (tmp_path / "wampbridge.yaml").write_text(text.replace(f"auth_secret: {HIDDEN}", f"auth_secret: [{HIDDEN}]"))
    reload(process, manager)
    process.send_signal(signal.SIGUSR1)
    told = [str(listed(p, what)) for what in ("config", "sessions", "clients")]
    told += [str(p.request(op="status", id="s"))]
    until("the state is written", lambda: "sessions joined" in log_of(tmp_path))
    (tmp_path / "wampbridge.yaml").write_text(text)
    for option in ("--dump-config", "--check-config"):
        done = run(tmp_path, "-c", tmp_path / "wampbridge.yaml", option)
        assert done.returncode == 0, done
        told += [done.stdout, done.stderr]
    told += [log_of(tmp_path), *manager.seen]
    assert "HTTP 404" in log_of(tmp_path)
    assert "auth_secret has changed" in log_of(tmp_path) and "headers has changed" in log_of(tmp_path)
    for one in told:
        assert HIDDEN not in one, one[max(0, one.find(HIDDEN) - 200):][:400]
    assert "(hidden)" in told[0] and "Authorization" in told[0]
    p.close()


# ---- looking at the configuration ----


def run(tmp_path, *arguments, **environment):
    return subprocess.run([DAEMON, *arguments], capture_output=True, text=True, timeout=WAIT,
                          env={**os.environ, **environment})


def test_a_dumped_configuration_is_read_back_to_the_same(tmp_path):
    config = tmp_path / "a.yaml"
    secret = tmp_path / "secret"
    secret.write_text("squeamish")
    secret.chmod(0o600)
    config.write_text("defaults: {headers: {X-A: '1'}, reconnect_delay: 500ms}\n"
                      f"sessions: {{a: {{url: 'ws://r.example/ws', auth_method: [wampcra, ticket], auth_id: joe,\n"
                      f"  auth_secret: '@file:{secret}', headers: {{X-B: 'two words'}}}}}}\n"
                      "limits: {user_memory: 1M}\n")
    first = run(tmp_path, "-c", config, "--dump-config")
    assert first.returncode == 0 and f"{config}:2" in first.stdout
    assert "squeamish" not in first.stdout + first.stderr
    dumps = [first.stdout]
    for _ in range(2):
        (tmp_path / "b.yaml").write_text(dumps[-1])
        again = run(tmp_path, "-c", tmp_path / "b.yaml", "--dump-config")
        assert again.returncode == 0, again.stderr
        dumps.append(again.stdout)

    def values(text):
        return [line.split("  #")[0].rstrip() for line in text.splitlines() if not line.lstrip().startswith("#")]

    # A default stands as the manual has it, and read back as a value has its unit.
    assert values(dumps[1]) == values(dumps[2])
    assert len(values(dumps[0])) == len(values(dumps[1]))


def test_a_check_looks_at_secrets_and_authorities_and_is_quiet_if_asked(tmp_path):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "key").write_text("squeamish\n")
    (credentials / "key").chmod(0o600)
    config = tmp_path / "a.yaml"
    config.write_text("sessions: {a: {url: 'ws://127.0.0.1/ws', auth_method: ticket, auth_id: joe,"
                      " auth_secret: '@credential:key'}}\n")
    right = run(tmp_path, "-t", "--quiet", "-c", config, CREDENTIALS_DIRECTORY=str(credentials))
    assert (right.returncode, right.stdout, right.stderr) == (0, "", "")
    (credentials / "key").chmod(0o604)
    wrong = run(tmp_path, "-t", "--quiet", "-c", config, CREDENTIALS_DIRECTORY=str(credentials))
    assert wrong.returncode == 78 and f"{config}:1: " in wrong.stderr and "chmod" in wrong.stderr
    assert "squeamish" not in wrong.stderr
    (tmp_path / "ca.pem").write_text("no certificate\n")
    config.write_text(f"sessions:\n a:\n  url: wss://127.0.0.1/ws\n  tls_ca_file: {tmp_path}/ca.pem\n")
    wrong = run(tmp_path, "-t", "-c", config)
    assert wrong.returncode == 78 and f"{config}:4: " in wrong.stderr and "ca.pem" in wrong.stderr


@pytest.mark.parametrize("line, key, content, words", [
    (5, "tls_ca_file", "no certificate", "tls_ca_file: no certificate in it, PEM is expected"),
    (5, "tls_ca_file", "\ufeff-----BEGIN CERTIFICATE-----", "tls_ca_file: it begins with a byte order mark"),
    (6, "tls_cert", "no certificate", "tls_cert: no certificate in it"),
    (6, "tls_cert", None, "tls_cert: No such file or directory"),
    (7, "tls_key", "no key", "tls_key: no private key in it, PEM is expected"),
    (7, "tls_key", None, "tls_key: No such file or directory"),
    (8, "tls_ciphers", "ROT13", "tls_ciphers: no known cipher"),
])
def test_a_mistake_in_a_file_of_tls_is_told_with_the_line_that_names_it(tmp_path, line, key, content, words):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", tmp_path / "tls_key", "-out", tmp_path / "tls_cert", "-subj", "/CN=x", "-days", "1"],
                   check=True, capture_output=True)
    (tmp_path / "tls_ca_file").write_bytes((tmp_path / "tls_cert").read_bytes())
    text = ("sessions:\n  a:\n    url: wss://127.0.0.1:1/\n    tls_system_ca: no\n"
            f"    tls_ca_file: {tmp_path}/tls_ca_file\n    tls_cert: {tmp_path}/tls_cert\n    tls_key: {tmp_path}/tls_key\n"
            "    tls_ciphers: HIGH\n")
    config = tmp_path / "a.yaml"
    config.write_text(text)
    assert run(tmp_path, "-t", "-c", config).returncode == 0
    if key == "tls_ciphers":
        config.write_text(text.replace("HIGH", content))
    elif content is None:
        (tmp_path / key).unlink()
    else:
        (tmp_path / key).write_text(content)
    for more in (["-t"], []):
        wrong = run(tmp_path, *more, "-c", config)
        assert wrong.returncode == 78 and f"{config}:{line}: session 'a': {words}" in wrong.stderr, wrong


def test_a_signal_writes_the_state_to_the_log(tmp_path, manager, start):
    process = start(listen(tmp_path))
    manager.expect("READY=1")
    process.send_signal(signal.SIGUSR1)
    until("it is written", lambda: "1/1 sessions joined, 0 clients" in log_of(tmp_path))


def test_a_check_passes_over_credentials_that_it_may_not_see(tmp_path):
    config = tmp_path / "a.yaml"
    config.write_text("sessions: {a: {url: 'ws://127.0.0.1/ws', auth_method: ticket, auth_id: joe,"
                      " auth_secret: '@credential:key'}}\n")
    for directory in ({}, {"CREDENTIALS_DIRECTORY": str(tmp_path / "none")}):
        right = run(tmp_path, "-t", "--quiet", "-c", config, **directory)
        assert (right.returncode, right.stdout, right.stderr) == (0, "", "")
