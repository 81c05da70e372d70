# SPDX-License-Identifier: MIT
"""wampctl's looking commands: status, list, watch, raw; and completion in bash."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

from world import BUILD, ROOT, WAIT, free_port, until

pytestmark = pytest.mark.routers("embedded")

LISTS = ("sessions", "clients", "registrations", "subscriptions", "calls", "limits", "config", "errors")


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def half_joined(make_daemon):
    """One session joined, one whose router is not there."""
    daemon = make_daemon(sessions={"default": {"url": "embedded:"},
                                   "far": {"url": f"ws://127.0.0.1:{free_port()}/ws"}})
    daemon.start()
    daemon.wait_joined()
    return daemon


def test_each_list_is_a_table_and_json_rows(daemon):
    p = daemon.connect()
    p.register("com.example.p")
    p.subscribe("com.example.t")
    p.send(op="call", id="c", procedure="com.example.p")
    p.expect(op="invocation")
    for what in LISTS:
        rows = lines(daemon.ctl("list", "--json", what).stdout)
        assert rows, what
        done = daemon.ctl("list", what)
        table = done.stdout.splitlines()
        # A client's row is that of the moment, but there are as many.
        assert done.returncode == 0 and len(table) == 1 + len(rows), (what, done)
        assert table[0] == table[0].upper() and "{" not in table[0], table[0]
    assert "com.example.p" in daemon.ctl("list", "calls").stdout
    registration = daemon.ctl("list", "registrations").stdout.splitlines()[1].split()
    assert registration[:2] == ["com.example.p", "active"] and registration[-1] == "1"


def test_columns_stand_below_their_titles(daemon):
    p = daemon.connect()
    for topic in ("com.example.t", "com.example.a_much_longer_name_of_a_topic"):
        p.subscribe(topic)
    title, *rows = daemon.ctl("list", "subscriptions").stdout.splitlines()
    at = title.index("STATE")
    assert len(rows) == 2 and all(row[at:].startswith("active") for row in rows)
    assert len({len(row) for row in rows}) == 1 and len(title) == len(rows[0])


def test_a_list_that_does_not_exist_is_the_daemons_error(daemon):
    done = daemon.ctl("list", "secrets")
    assert done.returncode == 76 and json.loads(done.stderr)["code"] == "bad_message"


def test_what_others_named_cannot_steer_the_terminal(daemon):
    p = daemon.connect()
    p.request(op="hello", id=1, proto=[1, 0], name="\x1b[2J\u009bfoo")
    for arguments in (("list", "clients"), ("status",)):
        done = daemon.ctl(*arguments)
        assert "foo" in done.stdout and "\x1b" not in done.stdout and "\u009b" not in done.stdout


def test_status_says_why_a_session_is_not_joined(half_joined):
    text = until("it was tried", lambda: (t := half_joined.ctl("status").stdout) and "reason:" in t and t)
    assert "wampbridge.error.transport" in text and "onnection refused" in text and "attempt:" in text
    far = next(i for i, line in enumerate(text.splitlines()) if line.startswith("far"))
    assert all(line.startswith("  ") for line in text.splitlines()[far + 1:far + 3]), text


@pytest.mark.routers("nexus")
def test_the_routers_refusal_is_shown(router, make_daemon):
    daemon = make_daemon(router, session={"realm": "no.such.realm"})
    daemon.start()
    reason = "wamp.error.no_such_realm"
    text = until("it is refused", lambda: (t := daemon.ctl("status").stdout) and reason in t and t)
    assert f"  reason:  {reason}\n" in text and " failed " in text and "  attempt: " in text
    assert reason in daemon.ctl("watch", "--count", "1").stdout
    done = daemon.ctl("wait", "--timeout", "0.2")
    assert done.returncode == 124 and f"the session is failed: {reason}" in done.stderr


def test_watch_shows_the_present_state_and_each_change(half_joined):
    rows = lines(half_joined.ctl("watch", "--json", "--count", "2").stdout)
    assert {row["session"] for row in rows} == {"default", "far"}
    assert not {"op", "id", "watch"} & set(rows[0])
    done = half_joined.ctl("watch", "--session", "default", "--timeout", "0.2")
    assert done.returncode == 124 and len(done.stdout.splitlines()) == 1 and " default joined " in done.stdout
    # Each failed attempt is a line: more of them come than there are states at first.
    done = half_joined.ctl("--session", "far", "watch", "--count", "3")
    assert done.returncode == 0 and all(" far connecting attempt " in line for line in done.stdout.splitlines())
    assert "(wampbridge.error.transport): " in done.stdout
    assert half_joined.ctl("watch", "--session", "nowhere").returncode == 1


def test_watch_ends_with_the_daemon(half_joined):
    watch = half_joined.start_ctl("watch", "--session", "default")
    assert " joined " in watch.stdout.readline()
    half_joined.stop()
    told = watch.communicate(timeout=WAIT)[1]
    assert watch.returncode == 75 and "goodbye" in told


def test_raw_is_a_conversation(daemon):
    raw = subprocess.Popen([BUILD / "wampctl", "--socket", daemon.socket, "raw"], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
    assert json.loads(raw.stdout.readline())["op"] == "greet"
    for i in range(3):
        raw.stdin.write(f'{{"op":"ping","id":{i}}}\n')
        assert json.loads(raw.stdout.readline()) == {"op": "pong", "id": i}
    out, told = raw.communicate('{"op":"ping","id":"without a line feed"}', timeout=WAIT)
    assert json.loads(out) == {"op": "pong", "id": "without a line feed"}
    assert raw.returncode == 0 and told == ""


def test_raw_says_nothing_of_its_own(daemon):
    p = daemon.connect()
    raw = subprocess.Popen([BUILD / "wampctl", "--socket", daemon.socket, "raw"], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)
    raw.stdout.readline()
    rows = p.request(op="list", id=1, what="clients")["items"]
    assert len(rows) == 2 and not any("name" in row for row in rows)
    raw.communicate(timeout=WAIT)
    assert raw.returncode == 0


def test_raw_takes_any_amount(daemon):
    n = 50000
    asked = "".join(f'{{"op":"ping","id":{i}}}\n' for i in range(n))
    done = daemon.ctl("raw", input=asked)
    assert done.returncode == 0
    assert [row["id"] for row in lines(done.stdout)[1:]] == list(range(n))


def test_raw_prints_what_comes_while_the_daemon_does_not_read(make_daemon):
    # Answers that are longer than the questions: whoever sent all before reading any would be stuck.
    daemon = make_daemon(limits={"output_soft_limit": "64K"})
    daemon.start()
    n = 3000
    done = daemon.ctl("raw", input="".join(f'{{"op":"list","id":{i},"what":"errors"}}\n' for i in range(n)))
    assert done.returncode == 0 and len(done.stdout.splitlines()) == n + 1


def test_raw_tells_the_end_of_the_daemon(daemon):
    raw = subprocess.Popen([BUILD / "wampctl", "--socket", daemon.socket, "raw"], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    raw.stdout.readline()
    daemon.stop()
    # By itself: the end of its input, seen first, would be another end.
    raw.wait(WAIT)
    out, told = raw.communicate(timeout=WAIT)
    assert raw.returncode == 69 and '"op":"bye"' in out and "closed" in told


def test_raw_ends_as_any_program_on_a_closed_pipe(daemon):
    raw = subprocess.Popen([BUILD / "wampctl", "--socket", daemon.socket, "raw"], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, text=True)
    raw.stdout.readline()
    raw.stdout.close()
    raw.stdin.write('{"op":"ping","id":1}\n')
    raw.stdin.flush()
    assert raw.wait(WAIT) == -signal.SIGPIPE
    raw.stdin.close()


def complete(daemon, *words):
    script = ('. scripts/completion/wampctl.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wampctl; '
              'echo "${COMPREPLY[*]}"')
    environment = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "WAMPBRIDGE_SOCKET": daemon.socket}
    done = subprocess.run(["bash", "-c", script, "-", "wampctl", *words], capture_output=True, text=True, cwd=ROOT,
                          env=environment, timeout=WAIT)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout.split()


def test_bash_completes_commands_lists_sessions_and_procedures(daemon):
    p = daemon.connect()
    p.register("com.example.completed")
    assert complete(daemon, "li") == ["list"]
    assert set(LISTS) <= set(complete(daemon, "list", ""))
    assert complete(daemon, "watch", "--session", "d") == ["default"]
    assert complete(daemon, "--socket", daemon.socket, "call", "com.") == ["com.example.completed"]
    for command in complete(daemon, "")[:-4]:
        assert daemon.ctl("help", command).returncode == 0 or command == "help", command
        for option in complete(daemon, command, "--"):
            assert option in daemon.ctl("help", command).stdout or option == "--help", (command, option)


def test_an_input_that_cannot_be_read_is_no_end(daemon, tmp_path):
    directory = os.open(tmp_path, os.O_RDONLY)
    done = daemon.ctl("publish", "--stdin", "com.example.t", stdin=directory)
    os.close(directory)
    assert done.returncode == 66 and "standard input" in done.stderr, done


# ---- commands that serve a procedure ----


def serving(daemon, *command, **options):
    ctl = daemon.start_ctl("register", "com.example.p", "--", *command, **options)
    until("it serves", lambda: daemon.connect().request(op="list", id=1, what="registrations")["items"])
    return ctl


def is_running(word):
    """Whether a shell has the word among its arguments."""
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as f:
                program, *arguments = f.read().split(b"\0")
                if program == b"sh" and word.encode() in arguments:
                    return True
        except (OSError, ValueError):
            continue
    return False


def test_a_command_has_no_descriptor_but_its_own(daemon):
    reader, writer = os.pipe()
    ctl = serving(daemon, "sh", "-c", 'n=0; while [ $n -lt 99 ]; do [ -e /proc/$$/fd/$n ] && echo $n; n=$((n + 1)); done',
                  pass_fds=[reader, writer])
    text = daemon.connect().request(op="call", id=1, procedure="com.example.p")["args"][0]
    assert text.split() == ["0", "1", "2"]
    ctl.terminate()
    ctl.communicate(timeout=WAIT)
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_commands_end_with_wampctl_in_the_midst_of_many_calls(daemon, tmp_path, number):
    word = f"guarded-{tmp_path.name}-{number}"
    ctl = serving(daemon, "sh", "-c", 'sh -c "sleep 60; :" "$0" & sleep 60; :', word)
    p = daemon.connect()
    for n in range(30):
        p.send(op="call", id=n, procedure="com.example.p")
    until("some run", lambda: is_running(word))
    ctl.send_signal(number)
    ctl.communicate(timeout=WAIT)
    until("none is left", lambda: not is_running(word))
    answers = [p.take() for _ in range(30)]
    assert {a["id"] for a in answers} == set(range(30)) and {a["op"] for a in answers} == {"error"}


def test_who_ends_every_wampctl_by_its_name_does_not_end_its_guard(daemon, tmp_path):
    word = f"guarded-{tmp_path.name}"
    ctl = serving(daemon, "sh", "-c", "sleep 60; :", word)
    daemon.connect().send(op="call", id=1, procedure="com.example.p")
    until("it runs", lambda: is_running(word))
    family = pathlib.Path(f"/proc/{ctl.pid}/task/{ctl.pid}/children").read_text().split()
    names = {pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in family}
    assert names == {"wamp-guard", "sh"}
    ctl.kill()
    ctl.communicate(timeout=WAIT)
    until("none is left", lambda: not is_running(word))


def test_commands_end_with_the_daemon(make_daemon, tmp_path):
    daemon = make_daemon()
    daemon.start()
    word = f"guarded-{tmp_path.name}"
    ctl = serving(daemon, "sh", "-c", "sleep 60; :", word)
    daemon.connect().send(op="call", id=1, procedure="com.example.p")
    until("it runs", lambda: is_running(word))
    daemon.process.kill()
    daemon.process.wait(WAIT)
    ctl.communicate(timeout=WAIT)
    assert ctl.returncode == 69
    until("none is left", lambda: not is_running(word))
    daemon.process = None
