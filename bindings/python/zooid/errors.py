"""The exceptions, one for each code of zooid.h, below Error."""
from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional, Tuple, Type

from . import _zooid

if TYPE_CHECKING:
    from .values import Result

__all__ = [
    "AuthFailedError",
    "BadArgumentsError",
    "BadVersionError",
    "CancelledError",
    "ClosedError",
    "ConnectionLostError",
    "DeadlineError",
    "EphemeralOnLocalSessionError",
    "Error",
    "FellBehindError",
    "InvalidAclError",
    "LimitReachedError",
    "MalformedError",
    "NewConfigNoQuorumError",
    "NoAuthError",
    "NoChildrenForEphemeralsError",
    "NoNodeError",
    "NoSuchProviderError",
    "NoWatchError",
    "NodeError",
    "NodeExistsError",
    "NotChangedError",
    "NotEmptyError",
    "NotHeldError",
    "NotPermittedError",
    "NotRunError",
    "NotServingError",
    "OutOfMemoryError",
    "ProviderExistsError",
    "ProviderFailedError",
    "ProviderReplacedError",
    "QuotaExceededError",
    "ReadOnlyError",
    "ReconfigDisabledError",
    "ReconfigError",
    "ReconfigInProgressError",
    "RefusedError",
    "RequestError",
    "SessionClosedRequireAuthError",
    "SessionError",
    "SessionExpiredError",
    "SessionMovedError",
    "StaleError",
    "StoppingError",
    "SystemFailureError",
    "ThrottledError",
    "UnavailableError",
    "UnimplementedError",
    "WrongVersionError",
]


class Error(Exception):
    """A request that failed.

    `code` is ZooKeeper's number or zooid's own, `name` its name; `retry` says that the same request may succeed later,
    `outcome_unknown` that it may have taken effect all the same. Of a multi, `results` tells how each part fared."""

    code: int = 0

    def __init__(
        self,
        message: str,
        code: Optional[int] = None,
        path: Optional[str] = None,
        retry: bool = False,
        outcome_unknown: bool = False,
        results: Tuple[Result, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.path = path
        self.retry = retry
        self.outcome_unknown = outcome_unknown
        self.results = results

    @property
    def name(self) -> str:
        return _zooid.code_name(self.code)

    def __str__(self) -> str:
        unknown = " (it may have taken effect)" if self.outcome_unknown else ""
        return f"{self.path}: {self.message}{unknown}" if self.path else f"{self.message}{unknown}"

    def __reduce__(self) -> Tuple[Type[Error], Tuple[object, ...]]:
        return type(self), (self.message, self.code, self.path, self.retry, self.outcome_unknown, self.results)


class UnavailableError(Error):
    """The agent, or the ensemble behind it, cannot serve now."""


class ConnectionLostError(UnavailableError, ConnectionError):
    code = -1013


class NotServingError(UnavailableError):
    code = -1003


class StoppingError(UnavailableError):
    code = -1011


class StaleError(UnavailableError):
    code = -1004


class ReadOnlyError(UnavailableError):
    code = -119


class ThrottledError(UnavailableError):
    code = -127


class DeadlineError(Error, TimeoutError):
    code = -1001


class CancelledError(Error):
    code = -1002


class NodeError(Error):
    """The tree is not as the request wants it."""


class NoNodeError(NodeError, LookupError):
    code = -101


class NodeExistsError(NodeError):
    code = -110


class NotEmptyError(NodeError):
    code = -111


class BadVersionError(NodeError):
    code = -103


class NoChildrenForEphemeralsError(NodeError):
    code = -108


class NotChangedError(NodeError):
    code = -1005


class QuotaExceededError(NodeError):
    code = -125


class NoWatchError(NodeError):
    code = -121


class RefusedError(Error, PermissionError):
    """Whoever asks may not do that."""


class NoAuthError(RefusedError):
    code = -102


class NotPermittedError(RefusedError):
    code = -1006


class AuthFailedError(RefusedError):
    code = -115


class SessionError(Error):
    """The session is not what the request needs."""


class SessionExpiredError(SessionError):
    code = -112


class SessionMovedError(SessionError):
    code = -118


class SessionClosedRequireAuthError(SessionError):
    code = -124


class EphemeralOnLocalSessionError(SessionError):
    code = -120


class NotHeldError(SessionError):
    code = -1015


class RequestError(Error, ValueError):
    """The request makes no sense to the agent."""


class BadArgumentsError(RequestError):
    code = -8


class InvalidAclError(RequestError):
    code = -114


class MalformedError(RequestError):
    code = -5


class UnimplementedError(RequestError):
    code = -6


class LimitReachedError(Error):
    code = -1007


class FellBehindError(Error):
    code = -1012


class WrongVersionError(Error):
    code = -1008


class ClosedError(Error):
    """The client or object was closed."""

    code = -1016


class OutOfMemoryError(Error, MemoryError):
    code = -1014


class ReconfigError(Error):
    """The members cannot be changed now."""


class NewConfigNoQuorumError(ReconfigError):
    code = -13


class ReconfigInProgressError(ReconfigError):
    code = -14


class ReconfigDisabledError(ReconfigError):
    code = -123


class NotRunError(Error):
    code = -2


class SystemFailureError(Error):
    code = -1


class NoSuchProviderError(Error):
    code = -1009


class ProviderFailedError(Error):
    code = -1010


class ProviderExistsError(Error):
    code = -1017


class ProviderReplacedError(Error):
    code = -1018


def _leaves(parent: Type[Error]) -> Dict[int, Type[Error]]:
    found = {parent.code: parent} if parent.code else {}
    for child in parent.__subclasses__():
        found.update(_leaves(child))
    return found


BY_CODE = _leaves(Error)


def error_of(
    code: int,
    message: Optional[str] = None,
    path: Optional[str] = None,
    retry: bool = False,
    outcome_unknown: bool = False,
    results: Tuple[Result, ...] = (),
) -> Error:
    """The exception for a code; Error itself for one that this package does not know."""
    kind = BY_CODE.get(code, Error)
    return kind(message or _zooid.code_text(code), code, path, retry, outcome_unknown, results)
