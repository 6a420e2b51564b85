"""Publishes many messages with QoS 1 in one go, as no ordinary client does: all packets first, acknowledgements later.

It speaks just enough MQTT 3.1.1 for that.
"""

import asyncio

CONNECT = 0x10
PUBLISH_QOS_1 = 0x32
DISCONNECT = b"\xe0\x00"
CONNACK_LENGTH = PUBACK_LENGTH = 4


def _packet(kind, body):
    assert len(body) < 128, "the remaining length is one byte"
    return bytes([kind, len(body)]) + body


def _text(text):
    return len(text).to_bytes(2, "big") + text.encode()


async def publish_burst(topic, payloads, timeout):
    """Returns the loop's time when the last packet was handed to the kernel, after all were acknowledged."""
    connect = _packet(CONNECT, _text("MQTT") + b"\x04\x02\x00\x3c" + _text("burst"))
    publishes = b"".join(
        _packet(
            PUBLISH_QOS_1,
            _text(topic) + packet_id.to_bytes(2, "big") + payload.encode(),
        )
        for packet_id, payload in enumerate(payloads, start=1)
    )
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection("127.0.0.1", 1883)
        writer.write(connect)
        await reader.readexactly(CONNACK_LENGTH)
        writer.write(publishes)
        # Read meanwhile, so that the broker can go on acknowledging.
        acknowledged = asyncio.create_task(
            reader.readexactly(PUBACK_LENGTH * len(payloads))
        )
        await writer.drain()
        sent_at = asyncio.get_running_loop().time()
        await acknowledged
        writer.write(DISCONNECT)
        writer.close()
        await writer.wait_closed()
    return sent_at
