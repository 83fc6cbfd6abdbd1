"""A mail server outside of the service: takes every mail and remembers when it said yes."""
import email
import time
from email import policy

from aiosmtpd.controller import Controller

from neighbours import free_ports


class Mailbox:
    def __init__(self, port=None):
        self.mails = []
        self.port = port or free_ports(1)[0]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    async def handle_DATA(self, _server, _session, envelope):
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(
            {
                "at": time.time(),
                "to": envelope.rcpt_tos,
                "id": message["Message-ID"].strip("<> "),
                "repeat": "may be a repeat" in message["Subject"],
                "message": message,
            }
        )
        return "250 taken"

    def channel(self):
        """What `[alerts]` says to reach it."""
        return {"capture_dir": None, "smtp": {"host": "127.0.0.1", "port": self.port, "tls": "none"}}

    def close(self):
        self._controller.stop()
