"""An authority of our own, and the certificates that it signs: made by openssl, for a test."""
import ssl
import subprocess
from pathlib import Path

DAYS = 90


def openssl(*arguments, **options):
    made = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, **options)
    assert made.returncode == 0, made.stderr
    return made.stdout


class Authority:
    """`ca.pem` in a folder, and what it has signed beside it."""

    def __init__(self, folder, name="hospital"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS, "-subj", f"/CN={name}",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self.key, "-out", self.file)

    def sign(self, name, days=DAYS):
        """The certificate of a machine that is called 127.0.0.1, and its key."""
        certificate, key, request = (self.folder / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        extensions = self.folder / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial",
                "-days", days, "-extfile", extensions, "-out", certificate)
        key.chmod(0o600)
        return certificate, key

    def section(self, name="tocsin", **more):
        """`[tls]` of a service with a certificate of this name."""
        certificate, key = self.sign(name)
        return {"certificate_file": certificate, "key_file": key, "ca_file": self.file, **more}

    def client(self, name=None):
        """A context that believes this authority, and shows a certificate of this name if there is one."""
        context = ssl.create_default_context(cafile=self.file)
        if name:
            context.load_cert_chain(*self.sign(name))
        return context

    def server(self, name):
        """A context of a server that asks its callers for a certificate of this authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.file)
        context.load_cert_chain(*self.sign(name))
        context.verify_mode = ssl.CERT_REQUIRED
        return context
