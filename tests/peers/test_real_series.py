"""Every real series at hand: taken in or refused, read or not, each with a reason; and where pixels were measured, the figures are
pydicom's. Writes nothing; `real_series.py` writes the table of docs/real-series.md."""
import pytest

import probe_models
import real_series
from objects import shared


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    if shared("data/dicom") is None:
        pytest.skip("the shared data is not here")
    return real_series.run(tmp_path_factory.mktemp("real"))


def test_nothing_is_silent_and_nothing_panics(outcome):
    sent, panics = outcome
    assert not panics
    silent = [row.name for row in sent if row.accepted and not row.said]
    assert not silent
    unreasoned = [row.name for row in sent for said in row.said.values() if said.endswith(": ")]
    assert not unreasoned


def test_what_is_measured_is_what_pydicom_measures(outcome):
    sent, _ = outcome
    wrong = real_series.disagreements(sent)
    assert not wrong, [(row.name, ours, theirs) for row, _, ours, theirs in wrong]
    both = [row for row in sent if row.reference is not None]
    stacks = [row for row in both if row.figures.get(probe_models.STACK)]
    assert len(both) > 50 and len(stacks) > 20, (len(both), len(stacks))


def test_the_tilted_and_the_uneven_stack_make_volumes_though_their_pixels_are_blank(outcome):
    sent, _ = outcome
    geometry = [row for row in sent if row.corpus == "ct-geometry"]
    assert geometry and all(row.figures.get(probe_models.STACK) == 0 for row in geometry), [row.said for row in geometry]
