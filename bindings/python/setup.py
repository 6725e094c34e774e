"""Builds the private layer zooid._zooid: SWIG makes its source of ../swig/zooid.i, and it is linked with libzooid.

libzooid is the installed one (pkg-config), else that of the source tree, which `make` builds: $ZOOID_BUILD, by default
../../build. The latter is found again at run time where it was when this was built."""
import os
import re
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
SWIG = os.path.join(TREE, "bindings", "swig")
HEADERS = os.path.join(TREE, "bindings", "c", "include")
BUILD = os.environ.get("ZOOID_BUILD") or os.path.join(TREE, "build")


def version():
    with open(os.path.join(HEADERS, "zooid.h"), encoding="utf-8") as header:
        numbers = re.findall(r"^#define ZOOID_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header.read(), re.M)
    return ".".join(numbers)


def where_the_library_is():
    """Options of Extension."""
    if "ZOOID_BUILD" not in os.environ and subprocess.call(["pkg-config", "--exists", "zooid"]) == 0:
        words = subprocess.check_output(["pkg-config", "--libs-only-L", "zooid"], text=True).split()
        return {"library_dirs": [word[2:] for word in words]}
    library = os.path.join(os.path.abspath(BUILD), "lib")
    if not os.path.exists(os.path.join(library, "libzooid.so")):
        raise SystemExit(f"libzooid is neither installed nor in {library}: run make in {TREE} first")
    return {"library_dirs": [library], "runtime_library_dirs": [library]}


class BuildWithSwig(build_ext):
    """The wrapper is written where objects go, not beside its sources."""

    def build_extension(self, extension):
        os.makedirs(self.build_temp, exist_ok=True)
        wrapper = os.path.join(self.build_temp, "zooid_python.c")
        subprocess.check_call(
            ["swig", "-python", "-noproxy", "-threads", "-Werror", "-w321,322", "-module", "_zooid"]
            + ["-I" + HEADERS, "-I" + SWIG, "-o", wrapper, os.path.join(SWIG, "zooid.i")]
        )
        extension.sources = [wrapper]
        super().build_extension(extension)


setup(
    version=version(),
    ext_modules=[
        Extension(
            "zooid._zooid",
            sources=[],
            depends=[os.path.join(SWIG, name) for name in sorted(os.listdir(SWIG))],
            include_dirs=[HEADERS],
            libraries=["zooid"],
            **where_the_library_is(),
        )
    ],
    cmdclass={"build_ext": BuildWithSwig},
)
