"""A DICOM sender that neither reads nor mends what it sends: PDUs and commands byte by byte (PS3.8 section 9.3, PS3.7)."""
import socket
import struct

APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
CT = "1.2.840.10008.5.1.4.1.1.2"
OURS = b"1.2.826.0.1.3680043.9.9999.1"


class Rejected(Exception):
    """A-ASSOCIATE-RJ: result, source, reason (PS3.8 table 9-21)."""


class Aborted(Exception):
    """A-ABORT, or the connection ended."""


def item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def element(group, number, value):
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", group, number, len(value)) + value


def command(field, sop_class, message=1, instance=None, data_set=True):
    body = element(0, 0x0002, sop_class.encode()) + element(0, 0x0100, struct.pack("<H", field))
    body += element(0, 0x0110, struct.pack("<H", message))
    if instance is not None:
        body += element(0, 0x0700, struct.pack("<H", 0))
    body += element(0, 0x0800, struct.pack("<H", 1 if data_set else 0x0101))
    if instance is not None:
        body += element(0, 0x1000, instance.encode())
    return element(0, 0, struct.pack("<I", len(body))) + body


class Answer:
    """Status and error comment of a response."""

    def __init__(self, body):
        self.status, self.comment, at = None, "", 0
        while at + 8 <= len(body):
            group, number, length = struct.unpack("<HHI", body[at : at + 8])
            value = body[at + 8 : at + 8 + length]
            if (group, number) == (0, 0x0900):
                self.status = struct.unpack("<H", value)[0]
            if (group, number) == (0, 0x0902):
                self.comment = value.decode("ascii", "replace").strip(" \0")
            at += 8 + length

    def __repr__(self):
        return f"{self.status:#06x} {self.comment}"


class Association:
    """Contexts are pairs of SOP class and list of transfer syntaxes; their ids are 1, 3, 5, …"""

    def __init__(self, port, contexts, called="TOCSIN", calling="RAWSCU", timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send_pdu(1, self.request(contexts, called, calling))
        kind, body = self.read_pdu()
        if kind == 3:
            self.socket.close()
            raise Rejected(*body[1:4])
        if kind != 2:
            self.socket.close()
            raise Aborted(kind, body)
        self.accepted, self.peer_max = self.read_answer(body)

    @staticmethod
    def request(contexts, called, calling):
        body = struct.pack(">HH", 1, 0) + called.encode().ljust(16) + calling.encode().ljust(16) + b"\0" * 32
        body += item(0x10, APPLICATION_CONTEXT)
        for number, (abstract, syntaxes) in enumerate(contexts):
            inner = item(0x30, abstract.encode()) + b"".join(item(0x40, s.encode()) for s in syntaxes)
            body += item(0x20, bytes([2 * number + 1, 0, 0, 0]) + inner)
        return body + item(0x50, item(0x51, struct.pack(">I", 131072)) + item(0x52, OURS))

    @staticmethod
    def read_answer(body):
        accepted, peer_max, at = {}, 16384, 68
        while at < len(body):
            kind, _, length = struct.unpack(">BBH", body[at : at + 4])
            value = body[at + 4 : at + 4 + length]
            if kind == 0x21 and value[2] == 0:
                accepted[value[0]] = value[8:].decode().rstrip("\0")
            if kind == 0x50 and value[:2] == b"\x51\0":
                peer_max = struct.unpack(">I", value[4:8])[0] or 131072
            at += 4 + length
        return accepted, peer_max

    def send_pdu(self, kind, body, length=None):
        self.socket.sendall(struct.pack(">BBI", kind, 0, len(body) if length is None else length) + body)

    def read(self, count):
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionError as error:
                raise Aborted(str(error)) from error
            if not piece:
                raise Aborted("closed")
            data += piece
        return data

    def read_pdu(self):
        head = self.read(6)
        return head[0], self.read(struct.unpack(">I", head[2:])[0])

    def send_fragment(self, context, flags, data):
        self.send_pdu(4, struct.pack(">IBB", len(data) + 2, context, flags) + data)

    def send_command(self, context, bytes_):
        self.send_fragment(context, 3, bytes_)

    def send_data(self, context, data):
        room = min(self.peer_max, 131072) - 6
        for at in range(0, max(len(data), 1), room):
            self.send_fragment(context, 2 if at + room >= len(data) else 0, data[at : at + room])

    def answer(self):
        kind, body = self.read_pdu()
        if kind != 4:
            raise Aborted(kind, body)
        return Answer(body[6:])

    def echo(self, context=1):
        self.send_command(context, command(0x30, VERIFICATION, data_set=False))
        return self.answer().status

    def store(self, sop_class, instance, data, context=1):
        try:
            self.send_command(context, command(1, sop_class, instance=instance))
            self.send_data(context, data)
        except OSError as error:
            # What the other side said before it closed may still be there to read.
            self.pending = error
        return self.answer()

    def release(self):
        self.send_pdu(5, b"\0\0\0\0")
        kind, _ = self.read_pdu()
        assert kind == 6, kind
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def echoes(port, **options):
    with Association(port, [(VERIFICATION, [IMPLICIT])], **options) as association:
        status = association.echo()
        association.release()
        return status == 0


def store(port, sop_class, instance, syntax, data, **options):
    """One instance by an association of its own; None when the presentation context is refused."""
    with Association(port, [(sop_class, [syntax])], **options) as association:
        if 1 not in association.accepted:
            association.release()
            return None
        answer = association.store(sop_class, instance, data)
        association.release()
        return answer
