"""zookeeper - the module of the tutorials, on the zooid-agent of this host.

    from zookeeper import ZooKeeper
    zk = ZooKeeper('localhost:2181')
    zk.create('/test', b'data', ZooKeeper.EPHEMERAL)

Failures are those of the package zooid, which has far more to offer: use that for new programs."""
from __future__ import annotations

import socket
from types import TracebackType
from typing import List, Optional, Tuple, Type, Union

import zooid

__all__ = ["ZooKeeper"]

DEFAULT_PORT = 2181


def _servers(hosts: str) -> List[Tuple[str, int]]:
    """Host and port of each server of `host:port,host:port`."""
    found = []
    for server in hosts.split(","):
        host, colon, port = server.strip().rpartition(":")
        if not colon or port.endswith("]"):
            host, port = server.strip(), str(DEFAULT_PORT)
        if not host or not port.isdigit():
            raise zooid.BadArgumentsError(f"{server.strip()!r} is no host:port")
        found.append((host.strip("[]"), int(port)))
    return found


def _is_here(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1", socket.gethostname(), socket.getfqdn())


class ZooKeeper:
    """A session with the agent of this host, whose clientPort `hosts` has to name. A context manager."""

    PERSISTENT = 0
    EPHEMERAL = 1
    SEQUENCE = 2
    #: Any version.
    VERSION = zooid.ANY_VERSION

    def __init__(self, hosts: str = f"localhost:{DEFAULT_PORT}", timeout: float = 10.0) -> None:
        servers = _servers(hosts)
        self._client = zooid.Client(connect_timeout=timeout, session_timeout=max(timeout, 10.0))
        try:
            self._check(hosts, servers)
        except BaseException:
            self._client.close()
            raise

    def _check(self, hosts: str, servers: List[Tuple[str, int]]) -> None:
        port = self._client.client_port
        if any(_is_here(host) and server_port == port for host, server_port in servers):
            return
        here = f"write ZooKeeper('localhost:{port}')" if port else "set clientPort in its zoo.cfg"
        raise zooid.BadArgumentsError(
            f"{hosts!r} is not the zooid-agent of this host, which is all that this module talks to. To use the agent, "
            f"{here}; for another server, take a client of ZooKeeper's protocol such as kazoo"
        )

    def create(self, path: str, data: Union[bytes, str, None] = b"", flags: int = 0) -> str:
        """The path that was made."""
        return self._client.create(
            path, _bytes(data), ephemeral=bool(flags & self.EPHEMERAL), sequential=bool(flags & self.SEQUENCE)
        )

    def get(self, path: str) -> bytes:
        return self._client.get(path).data

    def set(self, path: str, data: Union[bytes, str, None], version: int = VERSION) -> zooid.Stat:
        return self._client.set(path, _bytes(data), version)

    def delete(self, path: str, version: int = VERSION) -> None:
        self._client.delete(path, version)

    def exists(self, path: str) -> Optional[zooid.Stat]:
        return self._client.exists(path)

    def get_children(self, path: str) -> List[str]:
        return self._client.list(path)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> ZooKeeper:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


def _bytes(data: Union[bytes, str, None]) -> Optional[bytes]:
    return data.encode() if isinstance(data, str) else data
