"""Programs for Curator, as Debian packages it."""
import os
import subprocess
import tempfile

import harness

JAVA = harness.need_program("java", "default-jre-headless")
COMPILER = harness.need_program("javac", "default-jdk-headless")
CLASSPATH = ":".join(harness.need_file(os.path.join(harness.JARS, name + ".jar"), package) for name, package in (
    ("curator-x-discovery", "libcurator-discovery-java"), ("curator-framework", "libcurator-framework-java"),
    ("curator-client", "libcurator-client-java"), ("curator-recipes", "libcurator-recipes-java"),
    ("zookeeper", "libzookeeper-java"), ("guava", "libguava-java"),
    ("jackson-core", "libjackson2-core-java"), ("jackson-databind", "libjackson2-databind-java"),
    ("jackson-annotations", "libjackson2-annotations-java"), ("slf4j-nop", "libslf4j-java")))


def compiled(case, *source):
    """The command that runs the program whose source that is, below the root."""
    classes = tempfile.TemporaryDirectory()
    case.addCleanup(classes.cleanup)
    path = os.path.join(harness.ROOT, *source)
    subprocess.run([COMPILER, "-Xlint:all,-path,-classfile,-try", "-cp", CLASSPATH, "-d", classes.name, path], check=True)
    return [JAVA, "-XX:TieredStopAtLevel=1", "-Xmx128m", "-cp", classes.name + ":" + CLASSPATH,
            os.path.splitext(source[-1])[0]]
