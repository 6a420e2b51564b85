"""Programs of the guest, each with a log file that is kept."""

import asyncio
import os
import signal

from events import Stream

LOG_TAIL_LINES = 40


class Process:
    """A running program. Its standard error goes to a log file and, line by line, into `lines`.

    Its standard output goes the same way, into `output`.
    """

    def __init__(self, name, log_path, takes_commands=False):
        self.name = name
        self.log_path = log_path
        self.lines = Stream()
        self.output = Stream()
        self._takes_commands = takes_commands
        self._process = None
        self._readers = []

    async def start(self, *command):
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE
            if self._takes_commands
            else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        pairs = (
            (self._process.stdout, self.output),
            (self._process.stderr, self.lines),
        )
        self._readers = [
            asyncio.create_task(self._read(pipe, stream)) for pipe, stream in pairs
        ]
        return self

    async def _read(self, pipe, stream):
        with open(self.log_path, "ab") as log:
            async for line in pipe:
                log.write(line)
                stream.put(line.decode(errors="replace").rstrip("\n"))
                log.flush()

    @property
    def running(self):
        return self._process.returncode is None

    @property
    def pid(self):
        return self._process.pid

    @property
    def exit_code(self):
        """Negative when a signal ended it; None while it runs."""
        return self._process.returncode

    @property
    def files(self):
        """How many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    async def files_at_most(self, count, timeout=3):
        """Waits until it has no more open than that; returns how many it has in the end."""
        try:
            async with asyncio.timeout(timeout):
                while self.files > count:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pass
        return self.files

    @property
    def memory_kb(self):
        """How much memory of its own it occupies: which pages of its file are mapped is the kernel's affair."""
        with open(f"/proc/{self._process.pid}/status", encoding="utf-8") as status:
            line = next(line for line in status if line.startswith("RssAnon:"))
        return int(line.split()[1])

    async def wait(self, timeout):
        """Waits for its end, and for the last line of its log."""
        async with asyncio.timeout(timeout):
            await self._process.wait()
            await asyncio.gather(*self._readers)
        return self._process.returncode

    async def ask(self, command, answer, timeout=20):
        """Gives it a command, and waits for a line of its output with this in it; returns the event."""
        self.output.skip()
        self._process.stdin.write(f"{command}\n".encode())
        return await self.output.until(lambda line: answer in line, timeout)

    async def signal(self, number, timeout=10.0):
        """Sends a signal that ends the program; returns how many seconds it took to end."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._process.send_signal(number)
        await self.wait(timeout)
        return loop.time() - started

    async def stop(self):
        """Ends it in any case."""
        if self.running:
            try:
                await self.signal(signal.SIGTERM, timeout=3.0)
            except TimeoutError:
                await self.signal(signal.SIGKILL)

    def tail(self):
        if not os.path.exists(self.log_path):
            return []
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read().splitlines()[-LOG_TAIL_LINES:]
