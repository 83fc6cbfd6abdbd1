//! What a phantom's study is called: the words and codes that its headers carry whoever the patient is. Holds no pixels.

/// Header values that belong to a kind of examination. Texts keep within their DICOM value representations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Study {
    /// Name of the kind in the truth, for example `head-ct`; UIDs are derived from it and from the seed.
    pub kind: &'static str,
    /// Family of made-up names, for example `HEAD`.
    pub patient_name: &'static str,
    /// Beginning of the patient's identifier and of the accession number; kinds that may meet in one archive differ.
    pub patient_code: &'static str,
    pub accession_code: &'static str,
    pub body_part: &'static str,
    pub study_description: &'static str,
    pub series_description: &'static str,
    pub protocol: &'static str,
    pub model_name: &'static str,
    /// Contrast/bolus agent; nothing on a scan without.
    pub contrast_agent: Option<&'static str>,
    /// Values of Image Type (0008,0008).
    pub image_type: &'static [&'static str],
    pub kvp: &'static str,
    /// Window centre and width, HU.
    pub window: [i32; 2],
}
