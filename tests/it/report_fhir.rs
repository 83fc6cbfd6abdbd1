//! The FHIR bundle of a result, read by others: fhir.resources takes it as R4B, and the required value sets that it does not
//! know are looked up here.

use tocsin::report::Context;
use tocsin::report::fhir::{BundleOf, bundle, pretty};
use tocsin_domain::assessment::Judged;
use tocsin_domain::finding::{ResultRecord, ResultStatus};

use crate::report_dicom::{
    Folder, agrees, assessed, corrected, header, installation, negative, positive, undetermined,
};

fn rendered(record: &ResultRecord) -> String {
    let (header, installation) = (header(), installation());
    let bundle = bundle(&BundleOf {
        context: Context {
            record,
            header: &header,
            installation: &installation,
            revision: 1,
            predecessor: None,
        },
        patient: header.patient.as_ref(),
        demographics: &header.demographics,
        order: None,
    });
    pretty(&bundle)
}

#[test]
fn every_kind_of_result_is_what_fhir_says() {
    let folder = Folder::new("report-fhir-all");
    let mut withdrawn = positive();
    withdrawn.status = ResultStatus::Withdrawn;
    for (name, record) in [
        ("positive", positive()),
        ("negative", negative()),
        ("undetermined", undetermined()),
        ("corrected", corrected()),
        ("withdrawn", withdrawn),
        ("verified", assessed(Judged::Verified)),
    ] {
        folder.write(&format!("{name}.fhir.json"), rendered(&record).as_bytes());
    }
    agrees("check_fhir.py", "fhir.resources", &folder);
}
