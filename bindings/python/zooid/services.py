"""Services: registering one for as long as a client lives, and asking which there are. See zooid-discovery(7).

    with client.services.register("web", port=8080, tags=["v1"]):
        serve()

    for instance in client.services.query("web", tags=["v1"]).instances:
        connect(instance.address, instance.port)"""
from __future__ import annotations

import json
import socket
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple, Type

from .errors import Error

if TYPE_CHECKING:
    from .client import Client
    from .recipes import Presence

PLUGIN = "discovery"
BASE = "/services"
FAREWELL = "deregistered"  # what a node says before it goes on purpose, so that no guard keeps it
ANY_ADDRESS = "192.0.2.1"  # the route there leads out of this host; nothing is sent


class Instance(NamedTuple):
    """An instance of a service. `health` is "passing", "warning" or "critical"; `maintenance` says why it is out of
    service; `suspect`: it is not in the tree any more, or not well, and a guard has kept it; `payload` is what a client
    of Curator put there. `since` and `registered` are seconds since 1970."""

    service: str
    id: str
    address: str
    port: Optional[int]
    ssl_port: Optional[int]
    tags: Tuple[str, ...]
    meta: Mapping[str, str]
    weight: int
    health: str
    since: float
    host: str
    maintenance: Optional[str]
    registered: float
    enabled: bool
    suspect: bool
    payload: Any


class Answer(NamedTuple):
    """`guard` is None when the tree says so, else "empty", "mass_expiry" or "restored"; `connected`: the plugin hears of
    changes at this moment."""

    instances: List[Instance]
    guard: Optional[str]
    connected: bool


class Summary(NamedTuple):
    """How many instances of a service are in which state."""

    service: str
    instances: int
    passing: int
    warning: int
    critical: int
    maintenance: int
    guard: Optional[str]


def _instance_of(found: Dict[str, Any]) -> Instance:
    return Instance(
        found["service"],
        found["id"],
        found["address"],
        found["port"],
        found["sslPort"],
        tuple(found["tags"]),
        found["meta"],
        found["weight"],
        found["health"],
        found["since"] / 1000,
        found["host"],
        found["maintenance"],
        found["registered"] / 1000,
        found["enabled"],
        found.get("suspect", False),
        found.get("payload"),
    )


def answer_of(raw: Dict[str, Any]) -> Answer:
    return Answer([_instance_of(found) for found in raw["instances"]], raw["guard"], raw["connected"])


def summaries_of(raw: List[Dict[str, Any]]) -> List[Summary]:
    return [Summary(**found) for found in raw]


def query_arguments(
    service: str,
    tags: Iterable[str],
    meta: Optional[Mapping[str, str]],
    health: str,
    host: Optional[str],
    by_weight: bool,
    limit: Optional[int],
) -> Dict[str, str]:
    """A query as the plugin takes it; also for its HTTP."""
    arguments = {"service": service, "health": health, "sort": "weight" if by_weight else "id"}
    arguments.update({"meta." + key: value for key, value in (meta or {}).items()})
    if tags:
        arguments["tag"] = ",".join(tags)
    if host is not None:
        arguments["host"] = host
    if limit is not None:
        arguments["limit"] = str(limit)
    return arguments


def own_address() -> str:
    """By which others reach this host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((ANY_ADDRESS, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


class Definition:
    """What is registered, and what changes about it."""

    def __init__(
        self,
        service: str,
        id: Optional[str],
        address: Optional[str],
        port: Optional[int],
        ssl_port: Optional[int],
        tags: Iterable[str],
        meta: Optional[Mapping[str, str]],
        weight: int,
    ) -> None:
        self.service = service
        self.host = socket.gethostname()
        self.id = id or "-".join([service, self.host] + ([] if port is None else [str(port)]))
        self.address = address or own_address()
        self.port, self.ssl_port, self.weight = port, ssl_port, weight
        self.tags, self.meta = list(tags), dict(meta or {})
        self.registered_ms = self.since_ms = int(time.time() * 1000)
        self.health, self.maintenance = "passing", None  # type: str, Optional[str]
        for name in (self.service, self.id):
            if not name or name in (".", "..") or "/" in name:
                raise ValueError("%r cannot be the name of a node" % name)

    def be(self, health: str) -> None:
        if health not in ("passing", "warning", "critical"):
            raise ValueError("no such health: %r" % health)
        self.health, self.since_ms = health, int(time.time() * 1000)

    def path(self, base: str) -> str:
        return "%s/%s/%s" % (base, self.service, self.id)

    def data(self, maintenance: Optional[str] = None) -> bytes:
        """Its node, as Curator's x-discovery has it."""
        why = maintenance or self.maintenance
        payload: Dict[str, object] = {"zooid": 1, "tags": self.tags, "meta": self.meta, "weight": self.weight}
        payload.update(health=self.health, since=self.since_ms, host=self.host, maintenance=why)
        node: Dict[str, object] = {"name": self.service, "id": self.id, "address": self.address, "port": self.port}
        node.update(sslPort=self.ssl_port, payload=payload, registrationTimeUTC=self.registered_ms)
        node.update(serviceType="DYNAMIC", uriSpec=None, enabled=self.health != "critical" and why is None)
        return json.dumps(node, separators=(",", ":")).encode()


class Registration:
    """An instance in the tree, for as long as this is open and its client lives; made again whenever it is gone."""

    def __init__(self, client: Client, definition: Definition, base: str) -> None:
        self.id = definition.id
        self.path = definition.path(base)
        self._client, self._definition = client, definition
        self._presence: Optional[Presence] = client.keep(self.path, definition.data())

    def wait(self, timeout: Optional[float] = None) -> str:
        """Until it is in the tree; returns its path."""
        return self._open().wait(timeout)

    def _open(self) -> Presence:
        if self._presence is None:
            raise ValueError("the registration was closed")
        return self._presence

    def maintain(self, reason: Optional[str]) -> None:
        """Out of service, and why; None: in service again."""
        self._definition.maintenance = reason
        self._open().set(self._definition.data())

    def set_health(self, health: str) -> None:
        """"passing", "warning" or "critical"."""
        self._definition.be(health)
        self._open().set(self._definition.data())

    def close(self) -> None:
        """It says good-bye, and goes."""
        presence, self._presence = self._presence, None
        if presence is not None:
            try:
                self._client.set(self.path, self._definition.data(FAREWELL))
            except Error:
                pass  # it goes all the same
            finally:
                presence.close()

    def __enter__(self) -> Registration:
        self.wait()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


class Services:
    """client.services: registering needs nothing but the agent; the questions are the plugin's."""

    def __init__(self, client: Client, base: str = BASE, plugin: str = PLUGIN) -> None:
        self._client, self._base, self._plugin = client, base, plugin

    def register(
        self,
        service: str,
        *,
        id: Optional[str] = None,
        address: Optional[str] = None,
        port: Optional[int] = None,
        ssl_port: Optional[int] = None,
        tags: Iterable[str] = (),
        meta: Optional[Mapping[str, str]] = None,
        weight: int = 1,
    ) -> Registration:
        """An instance that lives as long as what is returned, and this client. To be used in a `with`, or closed."""
        definition = Definition(service, id, address, port, ssl_port, tags, meta, weight)
        return Registration(self._client, definition, self._base)

    def query(
        self,
        service: str,
        *,
        tags: Iterable[str] = (),
        meta: Optional[Mapping[str, str]] = None,
        health: str = "passing",
        host: Optional[str] = None,
        by_weight: bool = False,
        limit: Optional[int] = None,
        timeout: Optional[float] = None,
    ) -> Answer:
        """Its instances: with all of the tags and metadata, and up to that health ("any": all that the tree has)."""
        arguments = query_arguments(service, tags, meta, health, host, by_weight, limit)
        return answer_of(self._client.call(self._plugin, "query", timeout=timeout, **arguments))

    def pick(
        self,
        service: str,
        *,
        tags: Iterable[str] = (),
        meta: Optional[Mapping[str, str]] = None,
        health: str = "passing",
        host: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> Instance:
        """One of them, drawn by weight. NoNodeError: there is none."""
        arguments = query_arguments(service, tags, meta, health, host, False, None)
        return answer_of(self._client.call(self._plugin, "pick", timeout=timeout, **arguments)).instances[0]

    def list(self, *, timeout: Optional[float] = None) -> List[Summary]:
        return summaries_of(self._client.call(self._plugin, "list", timeout=timeout))
