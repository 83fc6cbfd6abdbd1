"""MLLP from the sender's side: a client that sends bytes as they are, and what a reader makes of a message."""
import re
import socket

START, END = b"\x0b", b"\x1c\r"


class Client:
    def __init__(self, port, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def write(self, data):
        self.socket.sendall(data)

    def answer(self):
        """The next frame's body; None when the other side closed."""
        while END not in self.buffer:
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not piece:
                return None
            self.buffer += piece
        frame, self.buffer = self.buffer.split(END, 1)
        assert frame[:1] == START, frame[:20]
        return frame[1:]

    def send(self, message):
        self.write(START + message + END)
        return self.answer()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Link:
    """A client for a receiver that comes and goes: what breaks is opened again."""

    def __init__(self, port, timeout=10):
        self.port, self.timeout, self.client = port, timeout, None

    def send(self, message):
        """The answer; None when the connection broke before it came."""
        try:
            if self.client is None:
                self.client = Client(self.port, self.timeout)
            answer = self.client.send(message)
        except OSError:
            answer = None
        if answer is None:
            self.close()
        return answer

    def close(self):
        if self.client:
            self.client.close()
        self.client = None


def segments(message):
    """By name, the first of each, split at the message's own field separator."""
    separator = chr(message[3])
    text = message.decode("utf-8", "replace")
    found = {}
    for line in re.split("[\r\n]+", text):
        fields = line.split(separator)
        found.setdefault(fields[0], fields)
    return found


def acknowledgement(message):
    """Code, control id, text."""
    msa = segments(message)["MSA"]
    return msa[1], msa[2], msa[3] if len(msa) > 3 else ""


def code_of(answer, control_id):
    """The code of the answer to this message."""
    code, told, _ = acknowledgement(answer)
    assert told == control_id, f"the answer of {told} came for {control_id}"
    return code
