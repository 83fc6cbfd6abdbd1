# What the pages say, in English. A site's other language is a file of the same names, <language>.ftl, in the folder
# `messages` of its templates. Names: the page or part, then the thing. `js-…` is said by scripts; `word-…` puts a name of
# the API into words.

## Navigation
nav-worklist = Worklist
nav-alerts = Alerts
nav-messages = Messages
nav-reconciliation = Reconciliation
nav-quarantine = Quarantine
nav-deliveries = Deliveries

## Scripts
js-close = Close

## Report preview
report-link = Report preview
report-study = To the study
report-accession = Accession { $number }
report-results = Results
report-outputs = Outputs
report-preliminary = preliminary; not for diagnosis
report-what = What
report-to = To
report-state = State
report-since = Since
report-owed = owed since { $at }
report-attempts = Attempts
report-answer = Answer
report-message = The message
report-again = Send again
report-forms = Forms of this result
report-none = No model has given a result for this study yet.
report-fault = The site's own template cannot be used; this is the one that comes with the program. { $reason }
report-marks = What is underlined is said by a model or a rule, which is named behind it. Nobody has verified it.
report-by-model = AI { $name } { $version }
report-by-rule = rule { $rule }, { $pack } { $version }
report-copy = Copy
report-copied = Copied.
report-save = Save as { $file }
report-changes = What changed
report-changes-since = since the result of { $at }, which was sent before
report-same = Nothing: the draft reads the same.
report-flagged = flagged
report-threshold = operating point: { $point }
report-site = { $site }
report-certainty = probability { $value }
report-measured = Measured
report-value = Value
report-unit = Unit
report-code = Code
report-lesion = Lesion
report-place = Place
report-no-finding = No finding was evaluated.
report-limitations = Limitations
report-statements = Said by the rules
report-model = Model
report-manufacturer = Manufacturer
report-produced = Produced
report-read = Read
report-images = { $count ->
    [one] one image of the series
   *[other] { $count } images of the series
}
report-fixed = as it was sent, or tried
report-draft = a draft: not sent
report-control = Control id { $id } (MSH-10), to { $peer }.
report-ack = Answered { $code }.
report-no-control = A draft: MSH-10 is given when it is sent.
report-never-sent = not sent anywhere; for looking and saving
word-narrative = Narrative
word-structured = Structured
word-sr = DICOM SR
word-hl7 = HL7 ORU
word-fhir = FHIR
word-retrying = failed, is tried again
