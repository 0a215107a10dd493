"""The connections that a plugin keeps open for as long as it lives, and the loop in which they are served."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack

from lab.standins.command.ssh import Cancelled, Connection, Job, Output, Status, run


class Connections:
    """Runs commands, each over a connection of its own, which stays open until all are closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._open = AsyncExitStack()

    def run(self, connection: Connection, job: Job, status: Status, cancelled: Cancelled) -> Output:
        """Run a command and wait for its end, in any thread."""
        running = run(connection, job, status, cancelled, self._open)
        return asyncio.run_coroutine_threadsafe(running, self._loop).result()

    def close(self) -> None:
        """Close every connection."""
        asyncio.run_coroutine_threadsafe(self._open.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
