"""The version is that of zooid.h, as of everything in this tree."""
import os
import re

from setuptools import setup

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "c", "include", "zooid.h")

with open(HEADER, encoding="utf-8") as header:
    NUMBERS = re.findall(r"^#define ZOOID_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header.read(), re.M)

setup(version=".".join(NUMBERS))
