"""zooid.Client: every operation, and what is raised."""
from __future__ import annotations

import pathlib
import pickle
import subprocess
import sys
from typing import Tuple

import pytest

import zooid
from zooid import Change, Client, Perm, Role, SessionState
from zooid.testing import Agent


def test_nodes_are_made_read_and_deleted(zooid_client: Client) -> None:
    assert zooid_client.create("/a", b"one") == "/a"
    node = zooid_client.get("/a")
    assert node.path == "/a" and node.data == b"one" and node.stat.data_length == 3 and node.zxid > 0
    assert zooid_client.set("/a", bytearray(b"two"), node.stat.version).version == 1
    assert zooid_client.set("/a", memoryview(b"three"), 1).version == 2
    assert zooid_client.set("/a", None).version == 3 and zooid_client.get("/a").data == b""
    stat = zooid_client.exists("/a")
    assert stat is not None and stat.mzxid == zooid_client.last_zxid
    zooid_client.delete("/a", 3)
    assert zooid_client.exists("/a") is None


def test_kinds_of_nodes(zooid_client: Client) -> None:
    assert zooid_client.create("/s-", sequential=True).startswith("/s-0")
    assert zooid_client.create("/e", ephemeral=True) == "/e"
    assert zooid_client.get("/e").stat.ephemeral_owner == zooid_client.session_id != 0
    assert zooid_client.session_state == SessionState.GOOD and zooid_client.good_until > 0
    assert zooid_client.ephemerals() == ["/e"]
    assert zooid_client.create("/c", container=True) == "/c"
    kinds = [zooid_client.get(path).stat.kind for path in ("/", "/e", "/c")]
    assert kinds == [zooid.Kind.PERSISTENT, zooid.Kind.EPHEMERAL, zooid.Kind.CONTAINER]
    with pytest.raises(zooid.NoChildrenForEphemeralsError):
        zooid_client.create("/e/child")
    with pytest.raises(ValueError):
        zooid_client.create("/both", ephemeral=True, container=True)
    zooid_client.close_session()
    assert zooid_client.exists("/e") is None


def test_trees(zooid_client: Client) -> None:
    zooid_client.ensure_path("/t/a/b")
    zooid_client.ensure_path("/t/a/b")
    for number in range(5):
        zooid_client.create(f"/t/{number}", b"%d" % number)
    assert zooid_client.list("/t") == ["0", "1", "2", "3", "4", "a"]
    pages = list(zooid_client.pages("/t", 4))
    assert [page.names for page in pages] == [["0", "1", "2", "3"], ["4", "a"]]
    assert [page.complete for page in pages] == [False, True] and pages[0].stat.num_children == 6
    assert [node.data for node in zooid_client.list_nodes("/t")][:5] == [b"0", b"1", b"2", b"3", b"4"]
    assert [node.path for node in zooid_client.subtree("/t/a")] == ["/t/a", "/t/a/b"]
    assert len(zooid_client.subtree("/t", depth=1, data=False)) == 7
    assert zooid_client.count_descendants("/t") == 7
    found = zooid_client.read_many(["/t/1", "/none", "/t"], children=True)
    assert found[0] is not None and found[0].data == b"1" and found[1] is None
    assert found[2] is not None and found[2].path == "/t" and found[2].zxid == found[0].zxid
    assert sorted(found[2].children) == ["0", "1", "2", "3", "4", "a"]
    zooid_client.delete_recursive("/t")
    zooid_client.delete_recursive("/t")
    assert zooid_client.list("/") == ["zookeeper"]


def test_a_multi_is_all_or_nothing(zooid_client: Client) -> None:
    create = [zooid.Create("/m-", b"x", sequential=True), zooid.Create("/m")]
    writes = [*create, zooid.Set("/m", b"y"), zooid.Check("/m", 1)]
    results = zooid_client.multi(writes)
    assert results[0].path is not None and results[0].path.startswith("/m-0") and results[0].error is None
    assert results[2].stat is not None and results[2].stat.version == 1
    with pytest.raises(zooid.BadVersionError) as failed:
        zooid_client.multi([zooid.Delete("/m"), zooid.Check("/", 4711)])
    assert [type(result.error) for result in failed.value.results] == [type(None), zooid.BadVersionError]
    assert zooid_client.exists("/m") is not None


def test_acls(zooid_client: Client) -> None:
    only_read = [zooid.Acl(Perm.READ | Perm.ADMIN, "world", "anyone")]
    zooid_client.create("/acl", acl=only_read)
    assert zooid_client.get_acl("/acl") == only_read
    with pytest.raises(zooid.NoAuthError) as refused:
        zooid_client.set("/acl", b"x")
    assert isinstance(refused.value, PermissionError) and refused.value.path == "/acl"
    zooid_client.set_acl("/acl", zooid.OPEN_ACL, 0)
    assert zooid_client.get_acl("/acl") == list(zooid.OPEN_ACL)
    with pytest.raises(zooid.InvalidAclError):
        zooid_client.set_acl("/acl", [zooid.Acl(Perm.ALL, "nobody-knows", "x")])
    zooid_client.add_auth("digest", b"ann:secret")
    assert any(name.startswith("digest:ann") for name in zooid_client.who_am_i())


def test_freshness(zooid_client: Client) -> None:
    zooid_client.create("/f", b"x")
    assert zooid_client.get("/f", fresh=zooid.LATEST).data == b"x"
    assert zooid_client.get("/f", fresh=zooid.Freshness(zxid=zooid_client.last_zxid, age=5)).data == b"x"
    with pytest.raises(zooid.StaleError) as stale:
        zooid_client.get("/f", fresh=zooid.Freshness(zxid=1 << 40), timeout=0.05)
    assert stale.value.retry and not stale.value.outcome_unknown
    with pytest.raises(zooid.NotChangedError):
        zooid_client.get("/f", if_changed_since=zooid_client.last_zxid)
    state = zooid_client.sync()
    assert state.role == Role.ALONE and state.age == 0 and zooid_client.wait_for(state.zxid).zxid >= state.zxid


def test_errors_say_what_and_where(zooid_client: Client) -> None:
    with pytest.raises(zooid.NoNodeError) as failed:
        zooid_client.get("/none")
    error = failed.value
    assert (error.code, error.name, error.path, error.retry) == (-101, "NO_NODE", "/none", False)
    assert isinstance(error, LookupError) and isinstance(error, zooid.NodeError) and str(error) == "/none: no such node"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is zooid.NoNodeError and str(again) == str(error) and again.code == -101
    with pytest.raises(zooid.BadArgumentsError):
        zooid_client.create("relative")
    with pytest.raises(ValueError):
        zooid_client.get("/zero\0byte")
    with pytest.raises(TypeError):
        zooid_client.get(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        zooid_client.create("/text", "text")  # type: ignore[arg-type]


def test_every_code_has_a_class() -> None:
    from zooid import _zooid
    from zooid.errors import BY_CODE

    codes = [value for name, value in vars(_zooid).items() if name.isupper() and isinstance(value, int) and value < -1]
    assert len(codes) > 30
    assert set(codes) <= set(BY_CODE)
    assert all(_zooid.code_name(code) != "UNKNOWN" for code in BY_CODE)


def test_without_an_agent() -> None:
    with pytest.raises(zooid.ConnectionLostError) as lost:
        Client("/nowhere/zooid.sock", connect_timeout=0.05)
    assert lost.value.retry and isinstance(lost.value, ConnectionError)
    with Client("/nowhere/zooid.sock", connect_timeout=0, timeout=0.05) as client:
        with pytest.raises(zooid.UnavailableError):
            client.get("/")


def test_a_closed_client_says_so(zooid_agent: Agent) -> None:
    client = zooid_agent.client()
    client.close()
    client.close()
    with pytest.raises(zooid.ClosedError):
        client.get("/")
    with pytest.warns(ResourceWarning):
        zooid_agent.client()


def test_the_watchdog_ends_the_session(zooid_agent: Agent, zooid_client: Client) -> None:
    with zooid_client.watch("/silent") as changes, Client(zooid_agent.socket, watchdog=0.5) as silent:
        silent.create("/silent", ephemeral=True)
        assert [next(changes).change for _ in range(2)] == [Change.CREATED, Change.DELETED]


HOLDER = """
import sys, zooid
client = zooid.Client(sys.argv[1], linger=600, session_timeout=30)
client.create("/restarted", ephemeral=True)
lock = client.lock("/restarted-lock")
lock.acquire()
print(client.session_key.id, client.session_key.token.hex(), lock.token, flush=True)
sys.stdin.read()
"""


def hold(agent: Agent) -> Tuple[zooid.SessionKey, int]:
    """The session and the token of a process that was killed while it held a lock and an ephemeral node."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, agent.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        number, token, fence = process.stdout.readline().split()
        process.kill()
    return zooid.SessionKey(int(number), bytes.fromhex(token)), int(fence)


def test_a_restarted_process_takes_its_session_over(zooid_agent: Agent, zooid_client: Client) -> None:
    key, fence = hold(zooid_agent)
    other = zooid_client.lock("/restarted-lock")
    assert not other.acquire(timeout=0)
    with Client(zooid_agent.socket, resume=key) as client:
        lock = client.lock("/restarted-lock")
        assert lock.acquire() and lock.token == fence
        stat = client.exists("/restarted")
        assert stat is not None and stat.ephemeral_owner == client.session_id == key.id
        assert client.session_key is not None and client.session_key.id == key.id
        lock.release()
        assert other.acquire() and other.token > fence
        other.release()
    # It had no linger: the session ends with it.
    assert zooid_client.sync() and zooid_client.exists("/restarted") is None
    with Client(zooid_agent.socket, resume=key) as late, late.events() as events:
        late.create("/too-late")
        seen = [event.session for event in iter(lambda: events.next(0), None)]
        assert seen[-1] == SessionState.GOOD and late.session_id != key.id


def test_a_client_that_lingers_is_gone_on_with(zooid_agent: Agent, zooid_client: Client) -> None:
    with Client(zooid_agent.socket, linger=600) as client:
        assert client.session_key is None
        client.create("/lingers", ephemeral=True)
        key = client.session_key
    assert key is not None and zooid_client.exists("/lingers") is not None
    with Client(zooid_agent.socket, resume=key) as client:
        client.delete("/lingers")
        assert client.session_id == key.id


def test_a_backup_goes_into_a_file(tmp_path: pathlib.Path, zooid_client: Client) -> None:
    zooid_client.create("/backed-up", b"x" * 100000)
    with open(tmp_path / "backup", "w+b") as file:
        made = zooid_client.backup(file)
        assert made.zxid == zooid_client.last_zxid and made.nodes >= 5
    assert (tmp_path / "backup").read_bytes()[:4] == b"ZKSN"
    with open("/dev/null", "rb") as unwritable, pytest.raises(zooid.Error, match="cannot be written"):
        zooid_client.backup(unwritable.fileno())


def test_an_agent_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="tickTime"):
        Agent({"tickTime": "soon"}).__enter__()


def test_session_outlives_the_agent() -> None:
    with Agent() as agent, agent.client() as client:
        client.create("/mine", ephemeral=True)
        session = client.session_id
        with client.events() as events:
            agent.kill()
            with pytest.raises(zooid.ConnectionLostError):
                client.get("/", timeout=0.1)
            agent.start()
            assert client.get("/mine", timeout=30).stat.ephemeral_owner == session == client.session_id
            states = [SessionState.SUSPENDED, SessionState.GOOD]
            seen = [event.session for event in (events.next(30) for _ in range(3)) if event is not None]
            assert seen[-2:] == states and client.session_state == SessionState.GOOD


def test_so_many_logins_outlive_the_agent() -> None:
    with Agent() as agent, Client(agent.socket, logins_max=1) as client:
        for name in (b"ann", b"bob"):
            client.add_auth("digest", name + b":secret")
        assert len([name for name in client.who_am_i() if name.startswith("digest:")]) == 2
        agent.kill()
        agent.start()
        assert len([name for name in client.who_am_i() if name.startswith("digest:")]) == 1


def test_what_the_admin_server_knows(zooid_client: Client) -> None:
    assert zooid_client.command("server_stats")["command"] == "server_stats"
    with pytest.raises(zooid.Error):
        zooid_client.command("nothing")


def test_events_that_nobody_fetches_are_bounded(zooid_client: Client) -> None:
    zooid_client.set_event_limit(3)
    with zooid_client.watch("/many") as changes:
        zooid_client.create("/many")
        for _ in range(9):
            zooid_client.set("/many", b"")
        zooid_client.sync()
        seen = [changes.next(30) for _ in range(4)]
    assert Change.MISSED in [event.change for event in seen if event is not None]


def test_one_shot_watches_come_among_all_events(zooid_client: Client) -> None:
    with zooid_client.events() as events:
        assert zooid_client.exists("/w", watch=True) is None
        zooid_client.create("/w")
        seen = [event for event in (events.next(30) for _ in range(2)) if event is not None]
        assert [event.change for event in seen if event.session is None] == [Change.CREATED]
