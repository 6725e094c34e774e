"""Services for asyncio: zooid.aio.Client.services."""
from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Iterable, List, Mapping, Optional, Type

from . import _asks, _zooid
from ._asks import Reply, check
from .errors import Error, error_of
from .services import BASE, FAREWELL, PLUGIN, Answer, Definition, Instance, Summary
from .services import answer_of, query_arguments, summaries_of

if TYPE_CHECKING:
    from .aio import Client


class Registration:
    """As zooid.Registration: `async with client.services.register("web", port=80)`."""

    def __init__(self, client: Client, definition: Definition, base: str) -> None:
        self.id = definition.id
        self.path = definition.path(base)
        self._client, self._definition = client, definition
        self._ephemeral: Optional[_zooid.Ephemeral] = _zooid.ephemeral_new(
            client._handle, self.path, definition.data()
        )

    def _open(self) -> _zooid.Ephemeral:
        if self._ephemeral is None:
            raise ValueError("the registration was closed")
        return self._ephemeral

    async def wait(self, timeout: Optional[float] = None) -> str:
        """Until it is in the tree; returns its path."""
        ticket = _zooid.ephemeral_submit_wait(self._open(), _asks.milliseconds(timeout))
        check(Reply._make(await self._client._reply(ticket)))
        return self.path

    def _say(self) -> None:
        code = _zooid.ephemeral_set(self._open(), self._definition.data())
        if code != _zooid.OK:
            raise error_of(code)

    def maintain(self, reason: Optional[str]) -> None:
        """Out of service, and why; None: in service again."""
        self._definition.maintenance = reason
        self._say()

    def set_health(self, health: str) -> None:
        """"passing", "warning" or "critical"."""
        self._definition.be(health)
        self._say()

    async def close(self) -> None:
        """It says good-bye, and goes."""
        if self._ephemeral is None:
            return
        try:
            await self._client.set(self.path, self._definition.data(FAREWELL))
        except Error:
            pass  # it goes all the same
        finally:
            self._ephemeral = None

    async def __aenter__(self) -> Registration:
        await self.wait()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()


class Services:
    """As zooid.services.Services, each question to be awaited."""

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
        definition = Definition(service, id, address, port, ssl_port, tags, meta, weight)
        return Registration(self._client, definition, self._base)

    async def query(
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
        arguments = query_arguments(service, tags, meta, health, host, by_weight, limit)
        return answer_of(await self._client.call(self._plugin, "query", timeout=timeout, **arguments))

    async def pick(
        self,
        service: str,
        *,
        tags: Iterable[str] = (),
        meta: Optional[Mapping[str, str]] = None,
        health: str = "passing",
        host: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> Instance:
        arguments = query_arguments(service, tags, meta, health, host, False, None)
        return answer_of(await self._client.call(self._plugin, "pick", timeout=timeout, **arguments)).instances[0]

    async def list(self, *, timeout: Optional[float] = None) -> List[Summary]:
        return summaries_of(await self._client.call(self._plugin, "list", timeout=timeout))
