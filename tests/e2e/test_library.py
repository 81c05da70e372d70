# SPDX-License-Identifier: MIT
"""libwampbridge as others meet it: installed somewhere, found by pkg-config, with its header and nothing else."""
import os
import re
import shutil
import subprocess

import pytest

from world import ROOT, WAIT

pytestmark = pytest.mark.routers("embedded")

STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic-errors"]


def run(*command, seconds=120, **options):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=seconds, **options)
    assert done.returncode == 0, (command, done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout


class Installed:
    """The library in a directory of its own, built apart: with a program's flags, not those of a sanitized build."""

    def __init__(self, directory):
        self.root = directory / "root"
        self.directory = directory
        plain = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SAN", "WERROR")}
        run("make", f"B={directory}/b", f"DESTDIR={self.root}", "PREFIX=/opt/wb", "MANDIR=/opt/wb/man",
            "install-library", cwd=ROOT, env=plain)
        self.library = self.root / "opt/wb/lib"
        self.header = self.root / "opt/wb/include/wampbridge.h"
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(self.library / "pkgconfig"),
                            "PKG_CONFIG_SYSROOT_DIR": str(self.root), "LD_LIBRARY_PATH": str(self.library)}

    def pkg_config(self, *options):
        return run("pkg-config", *options, "libwampbridge", env=self.environment).split()

    def compile(self, name, source, *options):
        program = self.directory / name
        run(*options[:1], *STRICT, *options[1:], *self.pkg_config("--cflags"), "-o", program, source,
            *self.pkg_config("--libs"))
        return program


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module", params=["shared", "static"])
def program(request, installed):
    source = ROOT / "tests/lib/library_user.c"
    if request.param == "shared":
        return installed.compile("user", source, "cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L")
    static = installed.directory / "user-static"
    run("cc", *STRICT, "-std=c99", "-D_POSIX_C_SOURCE=200809L", *installed.pkg_config("--cflags"), "-o", static,
        source, installed.library / "libwampbridge.a")
    return static


def functions_of(header):
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    return set(re.findall(r"\b(wampbridge_\w+)\(", text))


def test_exactly_the_functions_of_the_header_are_exported(installed):
    lines = run("nm", "-D", "--defined-only", installed.library / "libwampbridge.so").splitlines()
    symbols = {line.split()[2] for line in lines}
    assert symbols == {f"{name}@@WAMPBRIDGE_1" for name in functions_of(installed.header)} | {"WAMPBRIDGE_1"}
    lines = run("nm", "-g", "--defined-only", installed.library / "libwampbridge.a").splitlines()
    names = {line.split()[2] for line in lines if len(line.split()) == 3}
    assert names == functions_of(installed.header)


def test_the_library_needs_libc_alone(installed):
    dynamic = run("readelf", "-d", installed.library / "libwampbridge.so")
    assert re.findall(r"\(SONAME\).*\[(.*)\]", dynamic) == ["libwampbridge.so.1"]
    assert re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic) == ["libc.so.6"]
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic and "TEXTREL" not in dynamic
    assert os.readlink(installed.library / "libwampbridge.so") == "libwampbridge.so.1"


@pytest.mark.parametrize("language", ["-std=c99 -xc", "-std=c2x -xc", "-std=c++98 -xc++", "-std=c++20 -xc++"])
def test_the_header_stands_alone(installed, language):
    for compiler in ("gcc", "clang"):
        if shutil.which(compiler) is None or (compiler == "gcc" and shutil.which("g++") is None):
            continue
        run(compiler, *STRICT, *language.split(), "-fsyntax-only", "-include", installed.header, "/dev/null")


def test_a_program_in_cxx_links(installed):
    if shutil.which("g++") is None:
        pytest.skip("no g++")
    source = installed.directory / "user.cc"
    source.write_text('#include <wampbridge.h>\n#include <cstdio>\n'
                      'int main() { return std::puts(wampbridge_version()) < 0; }\n')
    program = installed.compile("user-cxx", source, "g++", "-std=c++98")
    assert run(program, env=installed.environment).split() == installed.pkg_config("--modversion")


def test_each_function_has_its_manual_page(installed):
    pages = installed.root / "opt/wb/man/man3"
    for name in functions_of(installed.header):
        assert (pages / f"{name}.3").resolve() == pages / "libwampbridge.3", name
    text = (pages / "libwampbridge.3").read_text()
    assert {name for name in functions_of(installed.header) if f".Fn {name}" not in text and f".Fo {name}" not in text} \
        == set()


@pytest.mark.parametrize("scenario", ["call_and_event", "timeouts", "loop"])
def test_a_program(installed, program, scenario, daemon):
    run(program, scenario, daemon.socket, seconds=60, env=installed.environment)


def test_a_program_hears_that_the_daemon_goes(installed, program, daemon):
    process = subprocess.Popen([program, "goodbye", daemon.socket], stdout=subprocess.PIPE, text=True,
                               env=installed.environment)
    assert process.stdout.readline() == "ready\n"
    assert daemon.stop() == 0
    told = process.communicate(timeout=WAIT)[0]
    assert process.returncode == 0, told


def test_a_program_without_a_daemon(installed, program, tmp_path):
    run(program, "nobody", str(tmp_path / "none"), env=installed.environment)
