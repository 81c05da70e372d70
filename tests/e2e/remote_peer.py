# SPDX-License-Identifier: MIT
"""A WAMP peer that we did not write (python3-autobahn), driven by lines on stdin."""
import asyncio
import json
import os
import sys

# What autobahn logs on stdout must not stand between the answers.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import PublishOptions


def say(what, **members):
    print(json.dumps({"what": what, **members}), file=ANSWERS, flush=True)


def behave(behaviour):
    if behaviour == "echo":
        return lambda *args, **kwargs: args[0] if args else kwargs
    if behaviour == "error":
        def fail(*args, **kwargs):
            raise ApplicationError("com.example.error.remote", "no luck", code=7)
        return fail
    if behaviour == "slow":
        return lambda *args, **kwargs: asyncio.get_event_loop().create_future()
    raise ValueError(behaviour)


class Peer(ApplicationSession):
    def onJoin(self, details):
        self.registrations = {}
        self.tasks = set()
        # A task that nobody holds may be collected while it waits.
        self.reading = asyncio.ensure_future(self.read())
        say("joined", session=details.session)

    async def read(self):
        reader = asyncio.StreamReader(limit=1 << 24)
        loop = asyncio.get_event_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            task = asyncio.ensure_future(self.obey(json.loads(line)))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        self.leave()

    async def obey(self, command):
        try:
            await getattr(self, "do_" + command["do"])(**{k: v for k, v in command.items() if k != "do"})
        except ApplicationError as e:
            say("failed", uri=e.error, args=list(e.args), kwargs=e.kwargs)
        except Exception as e:  # autobahn has classes of its own for some URIs
            say("failed", uri=type(e).__name__, args=list(e.args), kwargs={})

    async def do_call(self, procedure, args, kwargs):
        result = await self.call(procedure, *args, **kwargs)
        say("result", value=result if not hasattr(result, "results") else
            {"args": list(result.results), "kwargs": result.kwresults})

    async def do_register(self, procedure, behaviour):
        self.registrations[procedure] = await self.register(behave(behaviour), procedure)
        say("registered")

    async def do_unregister(self, procedure):
        await self.registrations.pop(procedure).unregister()
        say("unregistered")

    async def do_subscribe(self, topic):
        await self.subscribe(lambda *args, **kwargs: say("event", args=list(args), kwargs=kwargs), topic)
        say("subscribed")

    async def do_publish(self, topic, args, kwargs):
        await self.publish(topic, *args, options=PublishOptions(acknowledge=True), **kwargs)
        say("published")


if __name__ == "__main__":
    ApplicationRunner(sys.argv[1], sys.argv[2]).run(Peer)
