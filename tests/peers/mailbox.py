"""A mail server outside of the killed process: takes every mail and remembers when it said yes."""
import email
import time
from email import policy

from aiosmtpd.controller import Controller

from service import free_ports


class Mailbox:
    def __init__(self):
        self.mails = []
        (self.port,) = free_ports(1)
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    async def handle_DATA(self, _server, _session, envelope):
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(
            {
                "at": time.time(),
                "id": message["Message-ID"].strip("<> "),
                "subject": message["Subject"],
                "to": envelope.rcpt_tos,
                "repeat": "may be a repeat" in message["Subject"],
                "text": message.get_body(("plain",)).get_content(),
            }
        )
        return "250 taken"

    def close(self):
        self._controller.stop()
