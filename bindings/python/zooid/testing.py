"""A throw-away agent for tests: alone, in a directory of its own, gone when the test is over."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from types import TracebackType
from typing import Dict, Mapping, Optional, Type

from .client import Client
from .errors import ConnectionLostError

START_TIMEOUT_S = 30.0


class Agent:
    """An agent that runs. `settings` go into its zoo.cfg; None takes a line out of it. Its program is $ZOOID_AGENT,
    else zooid-agent of the PATH.

    with Agent() as agent, agent.client() as client: ..."""

    def __init__(self, settings: Optional[Mapping[str, Optional[str]]] = None, program: Optional[str] = None) -> None:
        self.program = program or os.environ.get("ZOOID_AGENT") or "zooid-agent"
        # The names of sockets are short: the directory is not made where a test keeps its own.
        self.directory = tempfile.mkdtemp(prefix="zooid-")
        self.socket = os.path.join(self.directory, "sock")
        self.log_path = os.path.join(self.directory, "log")
        self._config = os.path.join(self.directory, "zoo.cfg")
        self._process: Optional[subprocess.Popen[bytes]] = None
        data = os.path.join(self.directory, "data")
        os.mkdir(data)
        lines: Dict[str, Optional[str]] = {
            "tickTime": "2000",
            "dataDir": data,
            "clientPort": "0",
            "clientPortAddress": "127.0.0.1",
            "admin.enableServer": "false",
            "zooid.localSocket": self.socket,
            **(settings or {}),
        }
        with open(self._config, "w", encoding="utf-8") as config:
            config.writelines(f"{key}={value}\n" for key, value in lines.items() if value is not None)

    def start(self) -> Agent:
        """Returns when it serves."""
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                [self.program, "-c", self._config], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait()
        return self

    def _wait(self) -> None:
        end = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                with self.client(connect_timeout=0.2) as client:
                    client.sync(timeout=max(0.0, end - time.monotonic()))
                    return
            except ConnectionLostError as error:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > end:
                    raise RuntimeError(f"the agent does not serve; its log:\n{self.log()}") from error

    def client(self, *, connect_timeout: float = 5.0, timeout: Optional[float] = 30.0) -> Client:
        return Client(self.socket, connect_timeout=connect_timeout, timeout=timeout)

    def kill(self) -> None:
        """As a crash does it: nothing is flushed. `start` goes on with the same data."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ends it and removes its directory."""
        try:
            if self._process is not None:
                self._process.terminate()
                self._process.wait(30)
        finally:
            self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def __enter__(self) -> Agent:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.stop()
