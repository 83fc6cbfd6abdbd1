"""What the tests of a real hospital share: the built program, and a peer of each kind. Nothing here waits for a fixed time."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from neighbours import Orthanc, Storescp  # noqa: E402
from service import Service, binary  # noqa: E402


def pytest_sessionstart(session):
    try:
        binary()
    except SystemExit as missing:
        pytest.exit(str(missing), returncode=2)


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """The smallest configuration, without models: for what only comes in."""
    empty = tmp_path_factory.mktemp("models")
    service = Service(tmp_path_factory.mktemp("service"), inference={"models": empty}).start()
    yield service
    service.stop()


@pytest.fixture(scope="session")
def storescp(tmp_path_factory):
    program = Storescp(tmp_path_factory.mktemp("dcmtk") / "received")
    yield program
    program.stop()


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory):
    program = Orthanc(tmp_path_factory.mktemp("orthanc") / "store")
    yield program
    program.stop()


@pytest.fixture
def another(tmp_path):
    """Makes services that end with the test: another(hl7={…}, …)."""
    made = []

    def make(start=True, **sections):
        service = Service(tmp_path / f"service{len(made)}", **sections)
        made.append(service)
        return service.start() if start else service

    yield make
    for service in made:
        service.stop()
