#!/usr/bin/python3
"""`zooid lua`: scripts as programs, the prompt, and each of lua/examples doing what it says."""
import os
import pty
import signal
import subprocess
import tempfile

import plugin_rig
from plugin_rig import harness

ZOOID = os.path.join(plugin_rig.BUILD, "bin", "zooid")
EXAMPLES = os.path.join(harness.ROOT, "lua", "examples")


class Programs(harness.ServerTestCase):
    def setUp(self):
        super().setUp()
        self.directory = tempfile.mkdtemp()
        self.addCleanup(subprocess.run, ["rm", "-r", self.directory])
        self.env = dict(os.environ, ZOOID_SOCKET=plugin_rig.socket_of(self.server), HOME=self.directory, WAIT_MS="200")
        self.env.pop("XDG_STATE_HOME", None)

    def start(self, *words, **options):
        child = subprocess.Popen([ZOOID, *words], env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 preexec_fn=harness._die_with_parent, **options)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child):
        if child.poll() is None:
            child.kill()
        child.communicate()

    def zooid(self, *words, code=0, **options):
        done = subprocess.run([ZOOID, *words], env=self.env, text=True, capture_output=True, timeout=60, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def children(self, path):
        """None when it is not there."""
        done = subprocess.run([ZOOID, "ls", path], env=self.env, text=True, capture_output=True, timeout=60)
        return done.stdout.split() if done.returncode == 0 else None

    def example(self, name, *words, **options):
        return self.zooid("lua", os.path.join(EXAMPLES, name + ".lua"), *words, **options)

    def start_example(self, name, *words, **options):
        return self.start("lua", os.path.join(EXAMPLES, name + ".lua"), *words, **options)

    def plugin(self, name, settings):
        conf = os.path.join(self.directory, name + ".conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(settings)
        host = plugin_rig.Host(self.directory, "--plugin", os.path.join(EXAMPLES, name + ".lua"), "--settings", conf,
                               env=self.env)
        self.addCleanup(host.kill)
        return host

    def script(self, text, *arguments, **options):
        path = os.path.join(self.directory, "script")  # it needs no suffix
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return self.zooid("lua", path, *arguments, **options)

    # -- scripts

    def test_a_script_and_its_arguments(self):
        done = self.script("print(#arg, ...) print((zooid.create('/a', 'x')), io ~= nil, package.loadlib ~= nil)", "a", "-b", "--c")
        self.assertEqual(done.stdout, "3\ta\t-b\t--c\n/a\ttrue\ttrue\n")

    def test_exit_codes_and_tracebacks(self):
        self.script("os.exit(3)", code=3)
        self.script("os.exit(false)", code=1)
        self.script("os.exit()")
        done = self.script("local function f()\nerror('broken')\nend\nf()", code=1)
        self.assertIn("script:2: broken\nstack traceback:", done.stderr)
        self.assertIn("script:4: in main chunk", done.stderr)
        self.assertIn("script:1: unexpected symbol", self.script("=", code=1).stderr)
        self.assertIn("cannot open", self.zooid("lua", "/no/such/script", code=1).stderr)
        self.assertIn("script:1: later", self.script("zooid.spawn(error, 'script:1: later', 0) zooid.sleep(60000)", code=1).stderr)

    def test_what_a_script_held_is_gone_with_it(self):
        self.script("zooid.create('/e', '', { ephemeral = true })")
        self.zooid("stat", "/e", code=3)

    def test_without_an_agent(self):
        self.env["ZOOID_SOCKET"] = "/no/such/socket"
        done = self.zooid("-t", "100", "lua", "-", code=1, input="")
        self.assertIn("cannot open", done.stderr)
        done = self.zooid("-t", "100", "lua", input="zooid.get('/')")
        self.assertEqual(done.stdout, "nil\t/: no agent answers on /no/such/socket: No such file or directory\n")

    # -- the prompt

    def test_lines_from_standard_input(self):
        done = self.zooid("lua", input="1 + 1\nx = { 1,\n2 }\n#x\nfor i = 1, 2 do\nprint(i)\nend\nzooid.sleep(1), 7\n"
                                       "error('broken')\nlocal = 3\nzooid.create('/p', 'y')\n(")
        self.assertEqual(done.stdout, "2\n2\n1\n2\ntrue\t7\n/p\n")
        for message in ["line:1: broken", "<name> expected near '='", "the end is missing"]:
            self.assertIn(message, done.stderr)
        self.assertEqual(self.zooid("lua", input="os.exit(4)\nprint('no')\n", code=4).stdout, "")

    def test_a_terminal(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(ZOOID, [ZOOID, "lua"], dict(self.env, TERM="dumb"))
        self.addCleanup(os.close, terminal)
        told = b""

        def expect(text):
            nonlocal told
            while text not in told:
                try:
                    told += os.read(terminal, 4096)
                except OSError:
                    break
            self.assertIn(text, told)
            told = told.partition(text)[2]

        expect(b"lua> ")
        os.write(terminal, b"6 * \n")
        expect(b"...> ")
        os.write(terminal, b"7\n")
        expect(b"42\r\n")
        expect(b"lua> ")
        os.write(terminal, b"zooid.sleep(1e9)\n")
        expect(b"\n")
        self.wait_until_it_reads_no_line(terminal)
        os.write(terminal, b"\x03")
        expect(b"lua> ")
        os.write(terminal, b"zooid.get('/none')\n")
        expect(b"/none: no such node")
        expect(b"lua> ")
        os.write(terminal, b"\x04")
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        with open(os.path.join(self.directory, ".zooid_lua_history"), encoding="utf-8") as history:
            self.assertIn("zooid.get", history.read())

    @staticmethod
    def wait_until_it_reads_no_line(terminal):
        """While it runs something the terminal is in its usual mode again, in which it echoes."""
        import termios
        harness.wait_until(lambda: termios.tcgetattr(terminal)[3] & termios.ICANON, 10)

    # -- examples

    def test_leader_cron(self):
        ran = os.path.join(self.directory, "ran")
        settings = 'grants = [ "run" ]; settings = { path = "/jobs"; every_ms = 20; command = [ "sh", "-c", "echo x >>%s" ]; };' % ran
        first = self.plugin("leader_cron", settings)
        first.wait_for("this host leads", "ready")
        harness.wait_until(lambda: os.path.exists(ran) and os.path.getsize(ran) >= 6, 10)
        second = self.plugin("leader_cron", settings)
        second.wait_for("ready")
        self.assertNotIn("leads", second.log())
        first.stop()
        second.wait_for("this host leads")
        second.stop()

    def test_locked_backup(self):
        done = self.example("locked_backup", "/locks/backup", "sh", "-c", "echo saved; exit 4", code=4)
        self.assertEqual(done.stdout, "saved\n")
        self.assertIn(" 4", self.zooid("get", "/locks/backup").stdout)
        holder = self.start("lock", "/locks/backup", "cat", stdin=subprocess.PIPE)
        harness.wait_until(lambda: self.children("/locks/backup"), 10)
        self.assertIn("another one has it", self.example("locked_backup", "/locks/backup", "true", code=75).stderr)
        self.end(holder)

    def test_locked_backup_is_killed_when_the_lock_is_lost(self):
        begun = os.path.join(self.directory, "begun")
        backup = self.start_example("locked_backup", "/locks/lost", "sh", "-c", "touch %s; exec sleep 600" % begun)
        harness.wait_until(lambda: os.path.exists(begun), 10)    # who has only just got the lock may lose it unawares
        self.zooid("delete", "/locks/lost/" + self.children("/locks/lost")[0])
        self.assertEqual(backup.wait(30), 1)
        self.assertIn("the lock was lost: somebody has deleted its node", backup.communicate()[1])

    def test_config_watcher(self):
        told, file = os.path.join(self.directory, "told"), os.path.join(self.directory, "app.conf")
        app = subprocess.Popen(["sh", "-c", "trap 'echo x >>%s' USR1; echo $$ >%s/app.pid; while :; do read -r x; done"
                                % (told, self.directory)], stdin=subprocess.PIPE)
        self.addCleanup(app.communicate)
        self.addCleanup(app.kill)
        harness.wait_until(lambda: os.path.exists(self.directory + "/app.pid") and os.path.getsize(self.directory + "/app.pid"), 10)
        self.zooid("create", "-p", "/config/app", "one")
        host = self.plugin("config_watcher", 'grants = [ "files", "run" ]; settings = { path = "/config/app"; file = "%s"; '
                           'pid_file = "%s/app.pid"; signal = "USR1"; };' % (file, self.directory))
        host.wait_for("written", ": ready")

        def holds(text):
            with open(file, encoding="utf-8") as config:
                return config.read() == text
        self.assertTrue(holds("one"))
        self.zooid("set", "/config/app", "two")
        harness.wait_until(lambda: holds("two"), 10)
        harness.wait_until(lambda: os.path.exists(told), 10)
        self.zooid("set", "/config/app", "")
        host.wait_for("the file is left as it is")
        self.assertTrue(holds("two"))
        host.stop()

    def test_rolling_restart(self):
        first = self.start_example("rolling_restart", "/restarts", "1", "sh", "-c", "exit 5")
        self.assertIn("it is the turn", first.stdout.readline())
        self.assertIn("ended with 5", first.stdout.readline())
        second = self.start_example("rolling_restart", "/restarts", "1", "echo", "restarted")
        # Whoever waits for a lease holds the gate.
        harness.wait_until(lambda: self.children("/restarts-__lock__"), 10)
        self.assertIsNone(second.poll())
        self.zooid("create", "/restarts-go", "")
        self.assertEqual(first.wait(30), 5)
        self.assertEqual(second.wait(30), 0)
        self.assertIn("restarted", second.communicate()[0])

    def test_queue_worker(self):
        self.script("local q = zooid.queue('/queues/mail') q:put('second', { priority = 200 }) q:put('first') q:put('bad', { priority = 300 })")
        done = self.example("queue_worker", "/queues/mail", "sh", "-c", 'read -r x; echo "<$x>"; [ "$x" != bad ] || exit 65')
        self.assertEqual(done.stdout, "<first>\n<second>\n<bad>\n")
        done = self.script("print(zooid.queue('/queues/mail-refused'):take(), #zooid.list('/queues/mail/entries'))")
        self.assertEqual(done.stdout, "bad\t0\n")

    def test_feature_flags(self):
        for name, flag in [("on", '{"on": true}'), ("off", '{"on": false}'), ("some", '{"percent": 50}'),
                           ("ann", '{"users": ["ann"]}'), ("broken", "{")]:
            self.zooid("create", "-p", "/flags/" + name, flag)
        asked = ["on bob", "off bob", "ann ann", "ann bob", "broken bob", "none bob"] + ["some user%d" % i for i in range(100)]
        told = self.example("feature_flags", "/flags", input="\n".join(asked) + "\n").stdout.split()
        self.assertEqual(told[:6], ["on", "off", "on", "off", "off", "off"])
        self.assertIn(told[6:].count("on"), range(25, 76))

    def test_rate_limiter(self):
        words = ("rate_limiter", "/limits/api", "2", "1000000000", "echo", "asked")
        self.assertEqual(self.example(*words).stdout, "asked\n")
        self.zooid("create", "/limits/api/17", "9")  # of a time long ago
        self.example(*words)
        self.assertIn("the limit of 2 is reached", self.example(*words, code=75).stderr)
        self.zooid("stat", "/limits/api/17", code=3)

    def test_register_service(self):
        service = subprocess.Popen(["sleep", "600"])
        self.addCleanup(service.wait)
        self.addCleanup(service.kill)
        registered = self.start_example("register_service", "web", "10.0.0.7", "8080", str(service.pid))
        path = registered.stdout.readline().split()[-1]
        self.assertIn('"port":8080', self.zooid("get", path).stdout)
        service.kill()
        service.wait()
        self.assertEqual(registered.wait(30), 0)
        self.zooid("stat", path, code=3)
        self.assertIn("there is no process", self.example("register_service", "web", "a", "1", "999999999", code=1).stderr)

    def test_batch_start(self):
        first = self.start_example("batch_start", "/batch", "2", "echo", "one")
        harness.wait_until(lambda: self.zooid("ls", "-R", "/").stdout.count("/batch/") >= 1, 10)
        second = self.example("batch_start", "/batch", "2", "echo", "two")
        self.assertEqual(second.stdout, "all are there\ntwo\nall are done\n")
        self.assertEqual(first.wait(30), 0)

    def test_deploy_barrier(self):
        self.example("deploy_barrier", "set", "/deploy")
        hosts = [self.start_example("deploy_barrier", "wait", "/deploy", "echo", "switched") for _ in range(2)]
        lifted = self.example("deploy_barrier", "lift", "/deploy", "2").stdout
        self.assertIn("2 of 2 hosts wait", lifted)
        for host in hosts:
            self.assertEqual(host.wait(30), 0)
            self.assertEqual(host.communicate()[0], "switched\n")

    def test_every_example_is_tested(self):
        for name in os.listdir(EXAMPLES):
            self.assertTrue(hasattr(self, "test_" + name.partition(".")[0]), name)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    harness.main()
