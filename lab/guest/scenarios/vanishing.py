"""Centrals vanish without a word: nothing of them is left behind, others go on, and the next one begins anew."""

import asyncio

from central import DEADLINE_S

NAME = "Vanishing"
STATE, EVENT = "FF01", "FF02"

YAML = """
version: 1
device: { name: Vanishing }
ble: {}
services:
  - name: Vanishing
    uuid: FF00
    advertise: true
    characteristics:
      - { name: State, uuid: FF01, access: [read, write, notify], value: { type: u8 } }
      - { name: Event, uuid: FF02, access: [write, indicate], delivery: every, value: { type: u8 } }
"""

ROUNDS = 4
# One that does not confirm keeps the others waiting for 2 s at the most.
EVENT_WITHIN_S = 10
GROWTH_KB_MAX = 1_000


async def run(lab):
    await lab.start_bluetoothd()
    config = lab.write_file("vanishing.yaml", YAML)
    bemo_sync = await lab.bemo_sync(config)
    stays = await lab.central()
    await stays.connect(await stays.find(name=NAME))
    heard = await stays.subscribe(stays.characteristic(EVENT), indications=True)
    guest = await lab.central()
    rounds = lab.rounds(ROUNDS)
    left = []
    for number in range(rounds):
        await visit(lab, guest, number)
        bemo_sync.lines.skip()
        vanishes = asyncio.create_task(guest.vanish())
        # While it is gone and nobody knows it yet, an event comes.
        refused = await stays.write(stays.characteristic(EVENT), bytes([number]))
        if refused is not None:
            lab.check(False, "an event is taken while somebody has just vanished", refused)
        await heard.until(bytes([number]), EVENT_WITHIN_S)
        await vanishes
        await bemo_sync.lines.until(lambda line: f"{guest.address} has disconnected" in line, DEADLINE_S)
        guest.come_back()
        left.append((bemo_sync.files, bemo_sync.memory_kb))
    lab.check(True, f"a subscriber of everything has vanished {rounds} times, and the other heard every event in time")
    # The first two are the ones that allocate.
    (files, memory), (_, memory_last) = max(left[:2]), left[-1]
    files_last = await bemo_sync.files_at_most(files)
    lab.check(files_last <= files, f"bemo-sync has {files_last} files open, as after the first time", left)
    lab.check(memory_last - memory < GROWTH_KB_MAX, f"and {memory_last - memory} kB more memory", left)


async def visit(lab, guest, number):
    """It has everything anew: no subscription of before, and nothing that waited for it."""
    await guest.connect(await guest.find(name=NAME))
    state = guest.characteristic(STATE)
    seen = Seen(await guest.configuration(state), await guest.configuration(guest.characteristic(EVENT)))
    if not seen.are_none():
        lab.check(False, "who comes again has no subscription", seen)
    states = await guest.subscribe(state)
    events = await guest.subscribe(guest.characteristic(EVENT), indications=True)
    await guest.write(state, bytes([number]))
    if events.all or [value[0] for value in states.values()] not in ([], [number]):
        lab.check(False, "and nothing waits for it", (events.values(), states.values()))


class Seen(tuple):
    """Client configurations as they were read."""

    def __new__(cls, *values):
        return super().__new__(cls, values)

    def are_none(self):
        return all(value == b"\x00\x00" for value in self)
