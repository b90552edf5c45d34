"""``Events``: everything that delivers what ``kernel.events`` records, as one thing to start and stop.

events = Events(db, packages=("vault", ...), consumers=(...), authenticate=identity_authenticate)
events.start()                   # threads: the relay of nudges, the stream, the consumers
mount("/events", events.sse)     # ASGI application: GET with server-sent events
mount("/socket.io", events.socket.app)    # ASGI application: HTTP and websocket, keeps the whole path
events.end_streams()             # from the signal handler, before the web server waits for its connections
events.stop()
"""

from collections.abc import Collection, Mapping, Sequence

from tessera.kernel.consumers import Consumers
from tessera.kernel.db import Database
from tessera.kernel.events import TOPIC, Consumer
from tessera.kernel.jobs_store import TOPIC as JOBS_TOPIC
from tessera.kernel.socket_events import SocketEvents
from tessera.kernel.sse import Audience, Authenticate, SseApp
from tessera.kernel.stream import Stream
from tessera.kernel.wake import Relay


class Events:
    """Delivers events to consumers, to ``/events`` and to ``/socket.io``.

    Args:
        packages: every package whose events there are; a principal hears of those in which it has a role.
        socket_packages: those whose events go out over Socket.IO as well.
        origins: other origins whose pages may open a socket with a cookie.
        audiences: a package's own rule for single events, where it has one.
    """

    def __init__(
        self,
        db: Database,
        authenticate: Authenticate,
        *,
        packages: Collection[str],
        socket_packages: Collection[str] = (),
        origins: Collection[str] = (),
        consumers: Sequence[Consumer] = (),
        audiences: Mapping[str, Audience] | None = None,
    ) -> None:
        self.stream = Stream(db)
        self.sse = SseApp(self.stream, authenticate, packages=packages, audiences=audiences)
        self.socket = SocketEvents(
            self.stream, authenticate, packages=socket_packages, audiences=audiences, origins=origins
        )
        self._relay = Relay(db, (TOPIC, JOBS_TOPIC))
        self._consumers = Consumers(db, consumers)

    def start(self) -> None:
        """Start the threads."""
        self._relay.start()
        self.stream.start()
        self._consumers.start()

    def end_streams(self) -> None:
        """End all clients' streams at once; from any thread or signal handler."""
        self.stream.end()

    def stop(self) -> None:
        """End everything; consumers finish the batch in hand."""
        self.stream.stop()
        self._consumers.stop()
        self._relay.stop()
