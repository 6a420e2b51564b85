"""A BLE central that is not BlueZ: Bumble's host, with the few operations that a scenario needs.

ATT errors are results here, not exceptions, because scenarios ask for them.
"""

import asyncio

from bumble import att, hci
from bumble.core import UUID, AdvertisingData, ProtocolError
from bumble.device import Device, Peer
from bumble.gatt_client import ServiceProxy
from bumble.host import Host
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport.common import AsyncPipeSink

from events import Stream
from radio import CONNECTION_TIMEOUT, CentralController

ATT_MTU = 517

# Mostly used with a healthy peripheral, so its only job is to end a run that went wrong.
DEADLINE_S = 20.0
# How long the adapter waits for a central that is not heard any more. Phones agree on some seconds.
SUPERVISION_TIMEOUT_S = 0.5


class Central:
    """One central. `connect` first, then everything else."""

    def __init__(self, air, number, private=False):
        """`private`: it hides its address, as phones do, and tells it to those only with whom it is paired."""
        link = air.link
        self._air = air
        self.name = f"central {number}"
        # Two most significant bits set: a static random address.
        address = hci.Address(f"F{number}:00:00:00:00:0{number}")
        controller = CentralController(self.name, link=link, public_address=None)
        controller.random_address = address
        self.address = str(address).split("/", maxsplit=1)[0]
        self.shown_address = self.address
        self._controller = controller
        self._device = Device(
            name=self.name,
            address=address,
            host=Host(controller, AsyncPipeSink(controller)),
        )
        self._device.le_privacy_enabled = private
        # By this it is known again whatever it shows; Bumble gives all the same.
        self._device.irk = bytes([number] * 16)
        self._connection = None
        self._peer = None

    async def start(self):
        await self._device.power_on()
        # What others see of it. `address` is who it is.
        self.shown_address = str(self._device.random_address).split("/", maxsplit=1)[0]

    async def stop(self):
        await self.disconnect()
        if self._device.is_scanning:
            await self._device.stop_scanning()
        if self._controller in self._controller.link.controllers:
            self._controller.link.remove_controller(self._controller)

    async def find(self, name=None, service=None, timeout=DEADLINE_S):
        """Scans until a connectable advertiser shows every given property; returns its address.

        Raises TimeoutError when none does within `timeout` seconds.
        """
        heard = Stream()

        def on_advertisement(advertisement):
            if not advertisement.is_connectable:
                return
            if name is not None and _local_name(advertisement.data) != name:
                return
            if service is not None and UUID(service) not in _service_uuids(
                advertisement.data
            ):
                return
            heard.put(advertisement.address)

        self._device.on("advertisement", on_advertisement)
        await self._device.start_scanning()
        try:
            return (await heard.next(timeout)).value
        finally:
            await self._device.stop_scanning()
            self._device.remove_listener("advertisement", on_advertisement)

    async def connect(self, address, timeout=DEADLINE_S, paired=False):
        """Connects, agrees on a large MTU as phones do, and discovers everything.

        One that is `paired` uses its keys first, as phones do: BlueZ does not answer it before.
        """
        self._connection = await self._device.connect(address, timeout=timeout)
        self._connection.on("disconnection", self._on_disconnection)
        self._peer = Peer(self._connection)
        if paired:
            await self.encrypt()
        await self._request_mtu()
        await self.discover()

    async def vanish(self):
        """Goes out of reach: it says nothing and hears nothing any more, and the adapter notices in the end."""
        self._controller.link.remove_controller(self._controller)
        await asyncio.sleep(SUPERVISION_TIMEOUT_S)
        self._air.lose(self.address)
        for connection in list(self._controller.le_connections.values()):
            self._controller.on_le_disconnected(connection, CONNECTION_TIMEOUT)

    async def _request_mtu(self):
        """BlueZ supports nothing in the moment before its server has heard of the connection."""
        for _attempt in range(5):
            try:
                return await self._peer.request_mtu(ATT_MTU)
            except att.ATT_Error as error:
                if error.error_code != att.ErrorCode.REQUEST_NOT_SUPPORTED:
                    raise
                await asyncio.sleep(0.2)
        raise TimeoutError("BlueZ's server does not hear of the connection")

    def come_back(self):
        """Is in reach again."""
        self._controller.link.add_controller(self._controller)

    async def configuration(self, characteristic):
        """Reads what a characteristic says that this central has subscribed to."""
        await characteristic.discover_descriptors()
        return await self.read_descriptor(characteristic, 0x2902)

    async def pair(self, passkey=None, bonding=True):
        """Pairs: as a device without input and output, or as one with a keyboard if `passkey` gives the number."""
        capability = (
            PairingDelegate.KEYBOARD_INPUT_ONLY
            if passkey
            else PairingDelegate.NO_OUTPUT_NO_INPUT
        )
        delegate = PairingDelegate(io_capability=capability)
        if passkey:
            delegate.get_number = passkey
        config = PairingConfig(
            mitm=passkey is not None, bonding=bonding, delegate=delegate
        )
        self._device.pairing_config_factory = lambda _connection: config
        async with asyncio.timeout(DEADLINE_S):
            await self._connection.pair()

    async def encrypt(self):
        """Encrypts the link with the keys of an earlier pairing."""
        async with asyncio.timeout(DEADLINE_S):
            await self._connection.encrypt()

    async def refused_pairing(self, **how):
        """Wants to pair: returns whether that is refused."""
        try:
            await self.pair(**how)
        except (ProtocolError, TimeoutError, asyncio.CancelledError):
            return True
        return False

    async def disconnect(self):
        if self._connection:
            await self._connection.disconnect()

    def _on_disconnection(self, _reason):
        self._connection = None

    @property
    def connected(self):
        return self._connection is not None

    async def wait_disconnected(self, timeout=DEADLINE_S):
        async with asyncio.timeout(timeout):
            while self._connection:
                await asyncio.sleep(0.02)

    async def discover(self):
        """Discovers the whole tree anew; `services` and `characteristics` look into it."""
        self._peer.gatt_client.services = []
        await self._peer.discover_all()

    def services(self, uuid=None):
        """The discovered services, of one UUID if given."""
        found: list[ServiceProxy] = self._peer.services
        return [
            service for service in found if uuid is None or service.uuid == UUID(uuid)
        ]

    def characteristics(self, uuid):
        """Every discovered characteristic with that UUID, in any service."""
        return [
            c
            for s in self.services()
            for c in s.characteristics
            if c.uuid == UUID(uuid)
        ]

    def characteristic(self, uuid):
        """The one characteristic with that UUID."""
        found = self.characteristics(uuid)
        if len(found) != 1:
            raise LookupError(f"{len(found)} characteristics {uuid}")
        return found[0]

    async def read(self, attribute):
        """Reads a whole value, with Read Blob where it is long: bytes, or the ATT error as int."""
        return await _or_error(self._peer.gatt_client.read_value(attribute.handle))

    async def read_at(self, attribute, offset):
        """One Read Blob Request at an offset: bytes, or the ATT error as int."""
        response = await self._request(
            att.ATT_Read_Blob_Request(
                attribute_handle=attribute.handle, value_offset=offset
            )
        )
        return response if isinstance(response, int) else response.part_attribute_value

    async def read_descriptor(self, characteristic, uuid):
        """Reads a descriptor, given by its 16-bit UUID."""
        descriptor = characteristic.get_descriptor(UUID.from_16_bits(uuid))
        if descriptor is None:
            raise LookupError(f"no descriptor {uuid:#06x}")
        return await self.read(descriptor)

    async def write(self, attribute, value):
        """Writes with response: None, or the ATT error as int."""
        write = self._peer.gatt_client.write_value(
            attribute.handle, value, with_response=True
        )
        return await _or_error(write)

    async def subscribe(self, characteristic, indications=False):
        """Subscribes; returns the Stream of values from then on."""
        values = Stream()
        await self._peer.subscribe(
            characteristic, values.put, prefer_notify=not indications
        )
        return values

    async def refused_subscription(self, characteristic):
        """Writes the client configuration: None, or the ATT error as int."""
        await characteristic.discover_descriptors()
        configuration = characteristic.get_descriptor(UUID.from_16_bits(0x2902))
        return await self.write(configuration, b"\x01\x00")

    async def _request(self, request):
        response = await self._peer.gatt_client.send_request(request)
        if response.op_code == att.Opcode.ATT_ERROR_RESPONSE:
            return int(response.error_code)
        return response


async def _or_error(operation):
    try:
        return await operation
    except att.ATT_Error as error:
        return int(error.error_code)


def _local_name(data):
    name = data.get(AdvertisingData.COMPLETE_LOCAL_NAME, raw=True)
    return name.decode() if name else None


def _service_uuids(data):
    kinds = (
        AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
        AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
        AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
        AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    )
    found = []
    for kind in kinds:
        for uuids in data.get_all(kind):
            found.extend(uuids)
    return found
