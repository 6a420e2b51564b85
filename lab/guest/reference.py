"""A fixed piece of work, and how long it takes: the yardstick between the host and the guest. Prints milliseconds.

It is what programs do that wait for each other on a bus: half of it computes, half of it passes small messages back and
forth between two processes. The best of several runs counts, so that what else the machine does has little influence.
"""

import os
import socket
import time

RUNS = 5
STEPS = 20_000
ROUND_TRIPS = 200


def compute():
    number = 1
    for _ in range(STEPS):
        number = number * 1103515245 + 12345 & 0x7FFFFFFF
    return number


def pass_messages():
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        for _ in range(ROUND_TRIPS):
            theirs.send(theirs.recv(64))
        os._exit(0)
    for _ in range(ROUND_TRIPS):
        ours.send(b"x" * 64)
        ours.recv(64)
    os.waitpid(child, 0)


def reference_ms():
    best = float("inf")
    for _ in range(RUNS):
        started = time.monotonic()
        compute()
        pass_messages()
        best = min(best, time.monotonic() - started)
    return best * 1000


if __name__ == "__main__":
    print(f"{reference_ms():.1f}")
