"""A configuration with one characteristic of each kind that the demo lacks, and an advertisement that is too large."""

NAME = "Kinds"
SERVICE = "FF00"
REJECTS, CLAMPS, INDICATES, LONG, WRITE_ONLY, BIG_ENDIAN = (
    f"FF{number:02X}" for number in range(1, 7)
)

YAML = """
version: 1
device: { name: Kinds }
ble: { adapter: auto }
services:
  - name: Kinds
    uuid: FF00
    advertise: true
    characteristics:
      - { name: Rejects, uuid: FF01, access: [read, write, notify], value: { type: u16, min: 10, max: 20, initial: 15 } }
      - { name: Clamps, uuid: FF02, access: [read, write, notify], value: { type: i8, min: -5, max: 5, overflow: clamp } }
      - { name: Indicates, uuid: FF03, access: [read, write, indicate], value: { type: u8 } }
      - { name: Long, uuid: FF04, access: [read, write, notify], value: { type: bytes } }
      - { name: Write only, uuid: FF05, access: [write], value: { type: bool } }
      - { name: Big-endian, uuid: FF06, access: [read, write], value: { type: i16, endian: big, initial: -2 } }
  - name: Long name one
    uuid: 7a4bbfe6-999f-4717-b63a-066e06971f01
    advertise: true
    characteristics:
      - { name: x, uuid: FF07, access: [read], value: { type: u8 } }
  - name: Long name two
    uuid: 7a4bbfe6-999f-4717-b63a-066e06971f02
    advertise: true
    characteristics:
      - { name: y, uuid: FF08, access: [read], value: { type: u8 } }
"""


async def on_the_air(bemo_sync, timeout=15):
    """Waits for the log line that says so."""
    await bemo_sync.lines.until(lambda line: "is on the air by" in line, timeout)


def handles(central):
    """The handle of every characteristic, BlueZ's own too, by UUID and in the order of discovery."""
    return [(str(c.uuid), c.handle) for s in central.services() for c in s.characteristics]
