"""DICOM senders of other makers: dcmtk's tools as they are delivered, and pynetdicom."""
import os
import subprocess

from pynetdicom import AE, _config

from scu import CT, EXPLICIT

# Files are sent as they are: nothing is decoded and encoded again.
_config.STORE_SEND_CHUNKED_DATASET = True


def dcmtk(tool, *arguments, nodelay=False, timeout=120):
    """One of its tools, to its end; with Nagle's algorithm on, as it comes, unless `nodelay`."""
    environment = {k: v for k, v in os.environ.items() if k != "TCP_NODELAY"}
    if nodelay:
        environment["TCP_NODELAY"] = "1"
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, env=environment)


def scan(port, *folders):
    """Everything in these folders, by storescu."""
    sent = dcmtk("storescu", "-aec", "TOCSIN", "+sd", "+r", "127.0.0.1", port, *folders)
    assert sent.returncode == 0, sent.stdout + sent.stderr


def associate(port, title, sop_class=CT, syntax=EXPLICIT, seconds=15):
    """pynetdicom's association, which may not have been established."""
    entity = AE(ae_title=title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = seconds
    entity.add_requested_context(sop_class, syntax)
    return entity.associate("127.0.0.1", port, ae_title="TOCSIN")
