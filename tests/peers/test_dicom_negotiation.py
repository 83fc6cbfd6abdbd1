"""What pynetdicom can ask for when an association opens, the odd with the usual: what can be accepted is, and an association that is broken off in
any state of it leaves the next one alone."""
import itertools
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000
from pynetdicom import AE, build_context, build_role
from pynetdicom.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.sop_class import CTImageStorage, MRImageStorage, PatientRootQueryRetrieveInformationModelFind, Verification

from objects import part10, slice_of
from scu import CT, EXPLICIT, echoes
from service import until


NUMBERS = itertools.count(1)


def image():
    uid = f"1.2.826.0.1.3680043.9.9999.91.{next(NUMBERS)}"
    return dcmread(BytesIO(part10(CT, f"{uid}.1.1", EXPLICIT, slice_of(uid))))


def associate(port, contexts, **options):
    entity = AE(ae_title="ODD")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    return entity.associate("127.0.0.1", port, contexts, ae_title="TOCSIN", **options)


def stored(association):
    return association.send_c_store(image()).Status


def identity(kind, primary=b"somebody", secondary=b"", answer=False):
    item = UserIdentityNegotiation()
    item.user_identity_type, item.primary_field, item.positive_response_requested = kind, primary, answer
    if secondary:
        item.secondary_field = secondary
    return item


def window(invoked, performed):
    item = AsynchronousOperationsWindowNegotiation()
    item.maximum_number_operations_invoked, item.maximum_number_operations_performed = invoked, performed
    return item


def extended():
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid, item.service_class_application_information = CTImageStorage, b"\x02\x00\x03\x00\x01\x00"
    return item


def common():
    item = SOPClassCommonExtendedNegotiation()
    item.sop_class_uid, item.service_class_uid = CTImageStorage, "1.2.840.10008.4.2"
    item.related_general_sop_class_identification = [MRImageStorage]
    return item


USUAL = [build_context(CTImageStorage, [ExplicitVRLittleEndian])]


@pytest.mark.parametrize("items", [
    [identity(1)], [identity(2, secondary=b"secret", answer=True)], [identity(3, b"ticket" * 500)], [identity(4, b"<saml/>")],
    [identity(5, b"a.b.c")], [window(0, 0)], [window(8, 8)], [extended()], [common()], [extended(), common(), window(1, 1), identity(1)],
], ids=lambda items: "+".join(type(item).__name__[:12] for item in items))
def test_what_is_negotiated_besides_costs_nothing(service, items):
    association = associate(service.dicom, USUAL, ext_neg=items)
    assert association.is_established
    assert stored(association) == 0
    association.release()


@pytest.mark.parametrize("size", [0, 1024, 1 << 20])
def test_any_size_of_a_pdu_is_taken(service, size):
    association = associate(service.dicom, USUAL, max_pdu=size)
    assert association.is_established and stored(association) == 0
    association.release()


def test_a_hundred_and_twenty_eight_contexts_are_each_answered(service):
    unknown = [build_context(f"1.2.826.0.1.3680043.9.9999.90.{n}") for n in range(126)]
    association = associate(service.dicom, [*unknown, build_context(Verification), *USUAL])
    assert association.is_established
    assert len(association.accepted_contexts) + len(association.rejected_contexts) == 128
    assert {c.abstract_syntax for c in association.accepted_contexts} >= {Verification, CTImageStorage}
    assert stored(association) == 0
    association.release()


def test_one_class_in_several_contexts_and_one_context_of_several_syntaxes(service):
    contexts = [build_context(CTImageStorage, [syntax]) for syntax in (JPEG2000, ImplicitVRLittleEndian, ExplicitVRLittleEndian)]
    mixed = build_context(MRImageStorage, [JPEG2000, "1.2.3.4.5", ImplicitVRLittleEndian])
    association = associate(service.dicom, [*contexts, mixed])
    assert [c.transfer_syntax[0] for c in association.accepted_contexts[:3]] == [c.transfer_syntax[0] for c in contexts]
    assert association.accepted_contexts[3].transfer_syntax[0] != "1.2.3.4.5"
    assert stored(association) == 0
    association.release()


def test_a_role_that_is_asked_for_does_not_stop_storing(service):
    roles = [build_role(CTImageStorage, scu_role=True, scp_role=True)]
    association = associate(service.dicom, USUAL, ext_neg=roles)
    (context,) = association.accepted_contexts
    assert context.as_scu and not context.as_scp, "nothing is fetched by whom nobody named"
    assert stored(association) == 0
    association.release()


def test_contexts_of_which_none_is_known_are_all_refused(service):
    association = associate(service.dicom, [build_context("1.2.3.4.5"), build_context(PatientRootQueryRetrieveInformationModelFind)])
    assert not association.accepted_contexts
    if association.is_established:
        association.release()
    assert echoes(service.dicom)


def test_an_abort_in_any_state_leaves_the_next_association_alone(service):
    mark = service.lines()
    for count in range(3):
        association = associate(service.dicom, USUAL)
        for _ in range(count):
            assert stored(association) == 0
        association.abort()
    until("three lines of the log", lambda: len(service.logged("association", since=mark)) >= 3)
    association = associate(service.dicom, USUAL)
    assert stored(association) == 0
    association.release()
    assert not service.logged('"message":"panic"', since=mark)


def test_many_associations_open_at_once_and_each_is_served(service):
    opened = [associate(service.dicom, USUAL) for _ in range(6)]
    assert all(association.is_established for association in opened)
    assert [stored(association) for association in reversed(opened)] == [0] * 6
    for association in opened:
        association.release()
