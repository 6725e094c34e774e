#!/usr/bin/python3
"""Curator's recipes, unmodified: compiles java/CuratorRecipes.java against Debian's jars and runs it."""
import harness
import jvm

CURATOR = jvm.curator()


class Recipes(harness.ServerTestCase):
    properties = {"extendedTypesEnabled": "true"}

    def test_recipes(self):
        program = jvm.compiled_for_curator(self, CURATOR, "tests", "clients", "java", "CuratorRecipes.java")
        lines = harness.run_foreign_client(self.server, [*program, self.server.address])
        self.assertEqual(lines[-1], "cache, leader and group after a restart of the server\n")


if __name__ == "__main__":
    harness.main()
