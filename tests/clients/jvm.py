"""Programs in Java for clients as Debian packages them."""
import os
import subprocess
import tempfile

import harness

JAVA = harness.need_program("java", "default-jre-headless")
COMPILER = harness.need_program("javac", "default-jdk-headless")


def classpath(*jars):
    """Of pairs: a jar's name, and the package that has it."""
    return ":".join(harness.need_file(os.path.join(harness.JARS, name + ".jar"), package) for name, package in jars)


ZOOKEEPER = classpath(("zookeeper", "libzookeeper-java"), ("slf4j-nop", "libslf4j-java"))


def curator():
    """To be asked for as a program begins, which ends where one of them is missing."""
    return ZOOKEEPER + ":" + classpath(
        ("curator-x-discovery", "libcurator-discovery-java"), ("curator-framework", "libcurator-framework-java"),
        ("curator-client", "libcurator-client-java"), ("curator-recipes", "libcurator-recipes-java"), ("guava", "libguava-java"),
        ("jackson-core", "libjackson2-core-java"), ("jackson-databind", "libjackson2-databind-java"),
        ("jackson-annotations", "libjackson2-annotations-java"))


def compiled(case, path, *source, lint=("-Xlint:all,-path", "-Werror")):
    """The command that runs the program of that source, which is named from the root on, with that class path."""
    classes = tempfile.TemporaryDirectory()
    case.addCleanup(classes.cleanup)
    subprocess.run([COMPILER, *lint, "-cp", path, "-d", classes.name, os.path.join(harness.ROOT, *source)], check=True)
    return [JAVA, "-XX:TieredStopAtLevel=1", "-Xmx128m", "-cp", classes.name + ":" + path, os.path.splitext(source[-1])[0]]


def compiled_for_curator(case, path, *source):
    """Its jars name annotations that they do not bring along."""
    return compiled(case, path, *source, lint=("-Xlint:all,-path,-classfile,-try",))
