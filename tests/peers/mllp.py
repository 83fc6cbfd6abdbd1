"""MLLP both ways: a client that sends bytes as they are, and a RIS that answers as it is told to."""
import re
import socket
import socketserver
import threading

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

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


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


class Ris:
    """Keeps what it receives, in order, and answers each with `code`, until it is told otherwise."""

    def __init__(self, port=0):
        self.received, self.code, self.text = [], "AA", ""
        ris = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                buffer = b""
                while piece := self.request.recv(65536):
                    buffer += piece
                    while END in buffer:
                        frame, buffer = buffer.split(END, 1)
                        self.request.sendall(START + ris.take(frame[1:]) + END)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads = True, True

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, message):
        code, text = self.code, self.text
        self.received.append((message, code))
        msh = segments(message)["MSH"]
        head = f"MSH|^~\\&|{msh[4]}|{msh[5]}|{msh[2]}|{msh[3]}|20260101000000||ACK|A{msh[9]}|P|{msh[11]}"
        return f"{head}\rMSA|{code}|{msh[9]}|{text}\r".encode()

    def of_type(self, kind, accession):
        """The messages of this type about this accession number that were accepted."""
        return [
            m for m, code in self.received if code == "AA" and accession.encode() in m and kind in segments(m)["MSH"][8]
        ]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
