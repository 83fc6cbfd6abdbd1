# What the pages say, in English. A site's other language is a file of the same names, <language>.ftl, in the folder
# `messages` of its templates. Names: the page or part, then the thing. `js-…` is said by scripts, each on one line, with
# its values in braces; one that counts has a form for each plural of the language (`js-changes-one`, `js-changes-other`).
# `word-…` puts a name of the API into words.

## Pages: what they are called, in the navigation and above them
nav-worklist = Worklist
nav-alerts = Alerts
nav-messages = Messages
nav-reconciliation = Reconciliation
nav-quarantine = Quarantine
nav-deliveries = Deliveries
title-account = Account
title-alert = Alert
title-error = Error
title-first-account = First account
title-message = Message
title-sign-in = Sign in
title-study = Study
title-report = Report preview
title-invite = Welcome
title-prove = Who is there
title-onward = Signed in

## What stands around every page
frame-skip = To the content
frame-pages = Pages
frame-demonstration = DEMO – synthetic data
frame-role = See it as
frame-live = Server time. Without a sign of the server for 25 s this says so.
frame-theme = Theme
frame-density = Rows
frame-keys = Keys
frame-sign-out = Sign out
frame-close = Close
# Before the instant at which the page was printed.
frame-printed = Printed
frame-printed-by = by { $person }
frame-printed-paper = What has changed since then is not on this paper.
frame-over = The session is over
frame-over-hidden = Patients are hidden until somebody signs in again.
frame-sign-in-again = Sign in again

## Keys
palette-title = What to do
palette-hint = Type a few letters
palette-none = Nothing on this page is called that.
quick-open = Open the study
keys-everywhere = Everywhere
keys-search = search
keys-to-worklist = worklist
keys-to-alerts = alerts
keys-to-messages = messages
keys-palette = find anything that this page can do
keys-theme = theme
keys-list = this list
keys-rows = next, previous row
keys-open = open the study
keys-space-bar = Space
keys-quick = quick look
keys-take = take or give back
keys-why = why this rank
keys-filters = filters
keys-held = apply held changes
keys-slice = slice
keys-series = series
keys-window = window
keys-marks = outline, area of the AI marks or its heat map
keys-judge = agree, disagree, indeterminate; with Shift the reason first
keys-link = turn the earlier study with this one, or alone
keys-viewer = open in the viewer
keys-next = next study, timeline
keys-on = Single keys do something on this browser

## Lists
list-filter = Filter
list-all = All
list-older = Older
label-code = Code
label-name = Name
by-person = by { $person }
accession-number = accession { $number }
patient-born = born { $date }
patient-identifier = ID
patient-years =
    { $years ->
        [one] { $years } year
       *[other] { $years } years
    }
patient-months =
    { $months ->
        [one] { $months } month
       *[other] { $months } months
    }
patient-female = female
patient-male = male
patient-other = sex other
patient-unknown = sex unknown
column-since-first = Since the first, ms
column-ai = AI
column-alert = Alert
column-answer = Answer
column-arrived = Arrived
column-at = At
column-attempts = Attempts
column-cap = Cap
label-cap = cap
column-control-id = Control id
column-detail = Detail
column-event = Event
column-exam = Exam
column-from = From
column-hashes = Hashes
column-images = Images
column-instance = SOP Instance UID
column-last-answer = Last answer
column-lesion = Lesion
column-measured = Measured
column-order = Order
column-order-patient = Patient of the order
column-pages = Pages
column-patient = Patient
column-standing = Why it is not on it
column-place = Place
column-priority = Priority
column-problem = Problem
column-procedure = Procedure
column-raised = Raised
column-rank = Rank
column-reader = Reader
column-received = Received
column-since = Since
column-state = State
column-to = To
column-type = Type
column-value = Value
column-wait = Wait
column-what = What
column-why = Why
column-with = With

## Worklist
filter-priority = Priority
filter-modality = Modality
filter-ai = AI
filter-reader = Reader
filter-order = Order
worklist-criticals = Critical studies
worklist-no-critical = No critical study waits for a reader.
worklist-more-critical = +{ $count } more critical
# Before how long, which goes on by itself.
worklist-waits = waits
worklist-page = page { $status }
worklist-waiting = { $count } waiting
worklist-matching = { $matching } of { $waiting } waiting
# Before and after how long, which goes on by itself.
worklist-last-image = the last image came
worklist-quiet = The last image came
worklist-ago = ago
worklist-empty = No study waits to be read.
worklist-never = No image has ever arrived.
worklist-send-one = Send one from a modality to { $ae }, port { $port }, or a C-ECHO, to see that the way is open.
worklist-none-fits = No study fits what was asked for.
worklist-show-everything = Show everything
worklist-find = Find a patient, an accession number, an exam
worklist-find-hint = Patient, accession, exam
worklist-find-submit = Find
worklist-found = Found by “{ $search }”.
worklist-elsewhere = Not on the worklist
worklist-report-is = report: { $status }
worklist-views = Views
worklist-everything = Everything
worklist-wall = Wall
worklist-csv = As a spreadsheet
worklist-columns = Columns
worklist-keep-view = Keep this view
worklist-keep = Keep
worklist-remove-view = Remove the one of this name
worklist-legend = AI results are preliminary; not for diagnosis.
worklist-no-model = no model reads it
worklist-take = Take
worklist-more = More
why-moved = Why rank { $rank }: without AI it would be rank { $without }.
why-same = Why rank { $rank }: the same without AI.
why-ordered = Ordered with priority { $priority }.
why-rule = rule { $rule } v{ $version }
why-raised = raised to { $band }
why-from-ai = from AI
why-no-rule = No rule speaks of it.
why-score = Score
ai-excludes-nothing = This does not exclude the finding.

## Study
study-pictures = Pictures
study-preview = NON-DIAGNOSTIC PREVIEW
study-series = Series
study-stack = Stack of pictures; the wheel or the arrow keys turn its pages
study-marked-slice = { $modality } slice, brain window, not for diagnosis
study-best-slice = The slice that shows the suspected finding best. Turning pages needs a script.
study-first-slice = { $modality } slice 1, not for diagnosis
study-first-of = The first of { $count } slices. Turning pages needs a script.
study-policy = shown: { $policy }
study-viewer = Open in the viewer
word-notify-only = nothing but the notice
word-preview-plain = pictures without marks
word-preview-with-marks = pictures with marks
study-next = Next study
study-change-from = from { $before }
study-change-version = (measured by version { $version })
study-held = Held by policy ({ $finding }): nothing of it leaves before a radiologist lets it go.
study-held-since = since { $at }
study-let-go = Release
study-withdraw = Withdraw
study-withdraw-about = It is taken back from every system that has it. It stays readable here, and can be brought back.
study-withdraw-repeat = Type { $model } to confirm
study-withdraw-submit = Withdraw this result
study-reinstate = Reinstate
study-reinstate-submit = Bring this result back
study-rerun = Run again
study-rerun-reason = Why
study-rerun-submit = Run this model again
study-priors = Earlier studies of this patient
study-beside = beside this one
study-no-priors = None is known here.
study-prior-asked = Asked { $source }:
study-prior-contradicts = { $what } under the same identifier: perhaps another person; nothing is compared
order-cancelled = the order is cancelled
study-prior-title = { $exam }, { $at }
column-change = Change
column-taken = Taken
column-report = Report
study-say = Say something
study-comment = Comment
study-comment-hint = A comment for those who read this study
study-comment-add = Add the comment
study-comments = Comments
study-read-by = { $person } reads this study.
study-take = Take for reading
study-give-back = Give back
study-accession = Accession { $number }
study-no-accession = No accession number
study-arrived = Arrived { $at }
study-images =
    { $count ->
        [one] { $count } image from { $sender }, { $state }
       *[other] { $count } images from { $sender }, { $state }
    }
study-order = Order { $link }
study-off-list = Not on the worklist
study-appointment = Appointment { $state }
study-rank = Rank { $rank }, without AI { $without }
# Before the time by which it has to be read.
study-cap = cap
study-report = Report: { $status }
study-findings = AI findings
study-preliminary = preliminary; not for diagnosis
study-suspects = AI suspects: { $finding }
study-not-flagged = Not flagged: { $finding }
study-undetermined = Undetermined: { $finding }
study-point = (operating point: { $point })
study-agree = Agree
study-disagree = Disagree
study-indeterminate = Indeterminate
study-reason = Reason, if any
study-no-model = No model has looked at this study yet.
study-opinions = Opinions
study-opinions-count = the latest of each person counts
study-opinion-replaced = replaced
study-opinion-older = about an earlier result
study-suggested = Suggested by the rules
study-page = { $recipient }: { $state }
study-missing = { $missing } of { $images } announced images are missing
study-discontinued = The modality gave up before the end: what is here may be a part.
study-working = The modality is still at work.
study-out-of-reach =
    { $count ->
        [one] One announced image cannot be had
       *[other] { $count } announced images cannot be had
    }
study-scheduled = Scheduled for { $at }
study-none = None.
study-timeline = Timeline
study-timeline-total = { $total } from the first event to the last
study-timeline-drawn = Timeline, drawn
study-timeline-drawn-kept = Timeline, drawn to scale
study-timeline-about = The critical path, and what was done by whom, each as long as it took. The table below says when.
study-aside =
    { $count ->
        [one] One model does not read such a study
       *[other] { $count } models do not read such a study
    }
study-path = Critical path
study-hide-idle = Hide idle time (more than 30 s in which nothing happened)
study-timeline-cut = cut
study-spreadsheet = As a spreadsheet
reason-calcification = calcification
reason-artefact = artefact
reason-motion = motion
reason-post-operative = post-operative
reason-known-before = known before

## Alerts
alerts-raised = Raised
alerts-notified = Notified
alerts-acknowledged = Acknowledged
alerts-withheld = Withheld
alerts-retracted = Retracted
alerts-release = Page now
alerts-page = { $recipient } by { $channel }: { $state }
alerts-acknowledge = Acknowledge …
alerts-acting = I am acting on this: { $alert }, { $patient }
alerts-confirm = Acknowledge
alerts-none = No alert.

## What the link of a page leads to
page-raised = Raised at { $at }, sent to { $recipient }
page-acknowledge = Acknowledge: I am acting on this
page-acknowledged = Acknowledged by { $person } at { $at }.
page-withdrawn = Withdrawn: the finding no longer holds.

## Messages
messages-look-for = Numbers, names, sender or type
messages-help = Accession, patient, placer, filler or control number, UID, words of the patient's name, AE title, sender, type: all of them have to be there. A single word that nothing has finds what begins so.
messages-direction = Direction
messages-any = any
messages-since = From
messages-until = To
messages-only = Only { $peer }, { $kind }:
title-failures = What failed, by cause
failures-explained = What failed for one reason is mended and replayed together: correct the cause (a site profile, the receiver), look at what a replay would do, then replay.
failures-none = Nothing failed.
failures-look = Look at them
failures-would = { $count } of { $messages } messages would be replayed:
failures-did = { $count } of { $messages } messages are replayed:
failures-alerts = Alerts: { $raised } would page, { $withheld } would be withheld, { $retracted } would be retracted.
failures-not = { $count } not:
failures-confirm = For so many, type
connections-test-message = Test message
connections-pause = Pause …
connections-reason = Reason
connections-pause-sure = Send nothing there
connections-pause-in = Take nothing from there
connections-pause-all = Take nothing from anybody
connections-pause-help = What is paused going out waits here and keeps its order. What is paused coming in is not acknowledged, so that its sender keeps it: HL7 connections are closed without an answer, or answered AR where hl7.when_paused is "reject"; associations are rejected for now, and instances under way are answered that there is no room.
connections-resume = Resume
word-paused = paused
associations-found = Associations
associations-rejected = Associations that were turned away
associations-calling = Calling AE
associations-called = Called AE
associations-stored = Instances
associations-refused = Refused
associations-times = ({ $count } times)
associations-turned-away = turned away
word-broken = broken
column-count = Messages
column-studies = Studies
column-first = First
column-last = Last
message-pages = Alerts that it brings about may page people
message-others = All messages about it
messages-search = Search
messages-flagged = control id seen before with other content
messages-none = No message.
message-answered = answered { $code }
message-study = Its study
message-would = A replay would do this:
message-preview = What would a replay do?
message-replay = Replay
message-answer = Answer
message-edit = Edit …
message-made-of = { $by } has made this message of another: { $reason }
message-made = { $by } has made another message of this one: { $reason }
message-edited = The edited message
title-edit = Edit a message
edit-about = What you make of it is a new message, which names this one; this one stays as it is.
edit-original = The original
edit-text = The message, one segment a line
edit-help = It keeps its character set. Control characters and bytes that are no characters stand as their numbers, as in ⟦1B⟧; write others so too.
edit-reason = Reason
edit-preview = What would it do?
edit-apply = Apply it
edit-send = Send it
edit-changes = What differs
edit-place = Field
edit-line = line { $line }
edit-before = Before
edit-after = After
edit-same = Nothing differs.
edit-would = It would do this:

## Reconciliation
reconciliation-refused = Nothing was decided: { $why }.
reconciliation-about = Until somebody decides, nothing goes out that names a patient where order and images disagree.
reconciliation-arrived = arrived { $at }.
reconciliation-held =
    { $count ->
        [one] { $count } delivery waits.
       *[other] { $count } deliveries wait.
    }
reconciliation-placer = placer { $number }
reconciliation-filler = filler { $number }
reconciliation-nobody = names nobody
reconciliation-this = This is its order
reconciliation-no-candidate = No order of this study's UID, accession number or patient is known.
reconciliation-another = Another order, by its accession number
reconciliation-nevertheless = even if that order is cancelled or of another patient
reconciliation-no-order = It has no order
reconciliation-then-other-patient = The order is of another patient than the images.
reconciliation-then-accession = Results carry accession { $number }.
reconciliation-then-priority = The order's priority counts: { $priority }.
reconciliation-then-releases =
    { $count ->
        [one] One held delivery goes out.
       *[other] { $count } held deliveries go out.
    }
patient-of = (of { $authority })
reconciliation-none = Every study has its order.

## Quarantine
quarantine-about = The instance that came first stays in use. What came later under the same UID is kept here, whatever is decided.
quarantine-open = Open
quarantine-dismissed = Dismissed
quarantine-study = study { $uid }
quarantine-in-use = in use: { $hash }
quarantine-reason = Reason, without a name
quarantine-dismiss = Dismiss
quarantine-none = Nothing is in quarantine.

## Deliveries
deliveries-again = Send again
deliveries-none = Nothing is owed to anybody.

## Accounts and signing in
account-as = Signed in as { $role }.
account-token = This session was opened with a token; only accounts have a second factor.
account-needs-factor = This role needs a second factor before anything else.
# A link stands between the two.
account-read-square = Read this square with an authenticator, or
account-open-address = open its address
account-enter-code = on the phone that has one, and enter the code that it then shows.
account-square = Address for an authenticator
account-turn-on = Turn the second factor on
account-is-on = The second factor is on: signing in asks for the code of the authenticator.
account-code-off = Code, to turn it off
account-turn-off = Turn it off
account-wrong-code = That is not the code which the authenticator shows now; each code is good once.
sign-in-first = There is no account yet.
sign-in-make-first = Make the first one
sign-in-first-how = with the code that was printed when the service started, or sign in with a token.
sign-in-account = Account
sign-in-password = Password
sign-in-code = Code of the authenticator, if the account has one
sign-in-with-token = With a token
sign-in-token = Token
sign-in-submit = Sign in
sign-in-unknown = This account and password, or this token, are not valid here.
sign-in-needs-code = This account needs the code that its authenticator shows now; each code is good once.
sign-in-no-pages = This role has no pages; use the API with a token.
setup-about = There is no account yet. The code was printed when the service started; whoever has it makes the first administrator.
setup-password = Password, at least { $shortest } characters
setup-submit = Make the account
setup-wrong-code = That is not the code which the service printed when it started.
setup-name-length = A name has 1 to { $name } characters.
setup-password-length = The password is too short or too long: expected { $shortest } to { $longest } characters.
setup-not-hashed = The password could not be hashed.

## Errors
error-home = To the first page

## Scripts

## Quality: images that could not be used
nav-quality = Quality
quality-about = Studies whose images a model refused, or of which somebody asked for a repeat, of the last 14 days. A refusal says nothing about the patient.
quality-study = Study
quality-patient = Patient
quality-wrong = What is wrong
quality-stage = Repeat
quality-next = Next step
quality-arrived = arrived { $at } from { $sender }
quality-nothing-wrong = Nothing is refused any more.
quality-requested = asked for by { $by }, { $at }
quality-acknowledged = taken on by { $by }, { $at }
quality-linked = the repeat, named by { $by }, { $at }
quality-note = Note, without a name
quality-request = Ask for a repeat
quality-acknowledge = Take it on
quality-link = Repeated by { $description }, { $at }
quality-none = No images were refused in the last 14 days, and no repeat is open.
quality-more = More
word-rejected = refused, undecided
word-requested = asked for
word-repeated = repeated
word-accepted = better images came

## Start: what is left to set up
nav-connections = Connections
connections-about = Every system that sends to this service or is sent to, and how it fares.
connections-certificate = Our certificate for TLS holds until
connections-system = System
connections-address = Address
connections-last = Last
connections-hour = This hour
connections-usual = Usual in an hour
connections-day = Last 24 h
connections-waiting = Waiting
connections-took = Confirmed within (95 %)
connections-failed = { $count } failed
connections-refused = { $count } refused
connections-check = Try it
connections-none = Nothing is connected yet.
connections-legend = Silent: so little has come, by what is usual at this time of day in the last two weeks, that chance would explain it once in a thousand times. To try a connection sends a C-ECHO, or opens an HL7 connection and closes it.
nav-start = Start

## Site profiles
title-profiles = Site profiles
title-profile = Site profile
profiles-about = How the messages of each system are read, and how messages to it are written.
profiles-name = Profile
profiles-used-by = For
profiles-unused = no system
profiles-changed = The file was changed since the service was started; shown is the file, in force is what it said before.
profiles-samples = Samples
profiles-failed = { $count } read otherwise than written
profiles-passed = { $count } as written
profile-try = Try a message
profile-message = A message, one segment a line
profile-read = What is read of it?
profile-nothing-kept = Nothing is stored or sent.
profile-refused = It would be refused: { $because }
profile-facts = Where each fact is found
profile-facts-help = The first place that has a value counts.
profile-fact = Fact
profile-places = Places
profile-else = else
profile-nowhere = nowhere
profile-words = The site's own words
profile-word = Word
profile-means = Means
profile-procedures = What procedure codes mean
profile-code = Procedure code
profile-modality = Modality
profile-body-part = Body part
profile-contrast = Contrast
profile-writes = What is written
profile-writes-help = By the keys of the profile's file.
profile-samples = Sample messages
profile-sample-passed = as written
profile-sample-failed = read otherwise than written
profile-no-samples = There are none beside the profile.
word-patient-authority = patient
word-accession = accession number
word-priority = priority
word-procedure = procedure
word-modality = modality
word-requested-procedure = requested procedure
word-scheduled-step = scheduled step
word-patient-class = patient class
word-visit = visit
word-clinical-information = clinical information
word-with = with
word-without = without
word-both = with and without
start-about = { $done } of { $all } steps have been seen to work. A step turns green when it happened, not when it is configured.
start-done = seen
start-open = not yet
start-sent = The mail server took the test page: { $answer }
start-to = To
start-send = Send a test page
start-nobody = Nobody can be paged yet: list people under alerts.people in the configuration.
start-step-administrator = An administrator
start-how-administrator = Open /setup with the code that the service printed when it started.
start-step-echo = A modality reaches the service
start-how-echo = Enter the AE title, address and port of this service at the modality and press its C-ECHO or verify button.
start-step-images = Images come
start-how-images = Send one study from a modality or the archive.
start-step-message = The RIS speaks
start-how-message = Have the RIS send any message, such as an order or an admission, to the HL7 port.
start-step-model = A model is in force
start-how-model = Put a model's folder under the folder of models, check it with tocsin models verify, and start the service again.
start-step-test-page = Pages arrive
start-how-test-page = Send a test page to yourself, and see that it comes.
start-step-people = People can sign in
start-how-people = Make an account for those who read and those who are paged, with tocsin user or on the page People.

js-density = Rows: { $name }
js-density-comfortable = comfortable
js-density-compact = compact
js-density-ultra = dense
js-palette-pages = Page
js-palette-views = View
js-palette-filters = Filter
js-palette-actions = Do
js-palette-gone = Not there any more: { $what }
js-theme = Theme: { $name }
js-theme-dim = dim
js-theme-dark-contrast = dark contrast
js-theme-light = light
js-live = LIVE { $at }
js-stale = STALE { $at }
js-offline = OFFLINE { $at }
js-connecting = connecting
js-never = never
js-list-stale = List last updated { $at }.
js-list-offline = OFFLINE. List last updated { $at }. Do not rely on it; ask in the reading room.
js-reconnecting = ({ $ago } ago) Reconnecting…
js-answered = The server answered { $status }
js-unreachable = The server could not be reached; nothing was changed
js-nothing-changed = Nothing was changed: { $problem }.
js-due = due
js-moved = The list had just moved; press again.
js-new-critical = { $count } new critical: { $exams }
js-further = { $count } not shown
js-study = study
js-changes-one = { $count } change
js-changes-other = { $count } changes
js-held = { $changes } — press u
js-held-critical = { $changes } · { $many } critical — press u
js-held-urgent = { $changes } · { $many } urgent — press u
js-news = The list has news beside what was searched — press u for everything
js-preview = NON-DIAGNOSTIC PREVIEW
js-slice-turn = Slice
js-slice-turn-prior = Slice of the earlier study
js-single = single image
js-slice = slice { $at } of { $count }
js-depth = z { $mm } mm
js-window = Window
js-window-said = { $window } window
js-window-as-sent = window as sent
js-window-brain = brain
js-window-subdural = subdural
js-window-stroke = stroke
js-window-bone = bone
js-window-lung = lung
js-window-soft_tissue = soft tissue
js-window-own = as sent
js-marks = AI marks
js-outline = Outline
js-area = Area
js-heat = Heat map
js-opacity = Opacity
js-key-slice = Key slice
js-link = Turn both
js-linked = linked
js-unlinked = not linked
js-marked = { $models } marked { $marked } of { $count } slices
js-looked = Where { $models } looked, on { $marked } of { $count } slices
js-marked-below = { $models } flagged nothing; marks are shown only on request
js-opinion-change = You said “{ $before }” before. Change it to “{ $after }”?
js-opinion-change-it = Change to “{ $after }”
js-opinion-keep = Keep “{ $before }”
js-as-of = , as the server said it at { $at }
js-not-shown = This picture cannot be shown
js-marks-not-shown = The marks of this picture could not be fetched
js-picture = { $modality } { $place }, { $window }, not for diagnosis
js-ai-changed = AI results have changed: { $said }

## Names of the API in words: roles
word-radiologist = radiologist
word-stroke-team = stroke team
word-technologist = technologist
word-qa-reviewer = qa reviewer
word-governance = governance
word-integration-engineer = integration engineer
word-admin = admin
word-service = service

## … bands, caps, choices of the filters
word-critical = critical
word-urgent = urgent
word-routine = routine
word-due = due
word-read = read
word-comparison = fetched for comparison
word-nothing-to-read = nothing in it to read
word-all = all
word-quality = quality
word-free = free
word-mine = mine
word-taken = taken
word-no-order = no order

## … models and what they found, what people think of it
word-waiting = waiting
word-queued = queued
word-running = running
word-flagged = flagged
word-not-flagged = not flagged
word-indeterminate = indeterminate
word-not-eligible = not eligible
word-quality-rejected = quality rejected
word-failed = failed
word-superseded = superseded
word-withdrawn = withdrawn
word-present = present
word-absent = absent
word-undetermined = undetermined
word-agree = agree
word-disagree = disagree

## … studies, orders and reports
word-receiving = receiving
word-settled = settled
word-stuck = stuck
word-linked = linked
word-unmatched = unmatched
word-conflict = conflict
word-placed = placed
word-completed = completed
word-cancelled = cancelled
word-booked = booked
word-deleted = deleted
word-no-show = missed by the patient
word-another-birth-date = another birth date
word-another-name = another name
word-another-sex = another sex
word-preliminary = preliminary
word-final = final
word-corrected = corrected

## … alerts and their pages
word-raised = raised
word-notified = notified
word-acknowledged = acknowledged
word-withheld = withheld
word-retracted = retracted
word-first-notice = first notice
word-not-acknowledged = not acknowledged
word-repeat = repeat
word-sent = sent
word-pending = pending

## … connections
word-hl7-listener = all messages in
word-dicom-listener = all images in
word-subscriber = told of results by FHIR
word-fhircast-hub = results offered to open reports
word-fhircast-update = result offered to an open report
word-hl7-in = HL7 in
word-dicom-in = images in
word-hl7-out = HL7 out
word-dicom-out = objects out
word-prior-source = asked for earlier studies
word-worklist-source = asked for orders
word-unused = nothing yet
word-working = working
word-silent = silent
word-refusing = refusing

## … messages, deliveries, quarantine
word-in = in
word-out = out
word-received = received
word-applied = applied
word-ignored = ignored
word-held = held
word-committed = with its receiver, not answered yet
word-confirmed = confirmed
word-refused = refused
word-priority-change = priority change
word-result-message = result message
word-structured-report = structured report
word-key-image = key image
word-rejection = note of unreadable images
word-segmentation = segmentation
word-fhir-notice = notice to a subscriber
word-open = open
word-dismissed = dismissed
word-asking = asking
word-done = done
word-given-up = given up

## … steps of a timeline
word-first-image = first image
word-series-ready = series ready
word-step-begun = modality at work
word-step-completed = modality done
word-step-discontinued = modality gave up
word-images-available = images announced
word-images-fetched = images fetched
word-reopened = reopened
word-explained = explained
word-explanation-failed = explanation failed
word-association-broken = association broken
word-admission = admission
word-link-linked = link linked
word-link-unmatched = link unmatched
word-link-conflict = link conflict
word-link-resolved = link resolved
word-order-changed = order changed
word-inference-started = inference started
word-inference-finished = inference finished
word-inference-failed = inference failed
word-worklist-changed = worklist changed
word-ai-on-worklist = ai on worklist
word-alert-raised = alert raised
word-alert-acknowledged = alert acknowledged
word-alert-retracted = alert retracted
word-alert-released = alert let go to page
word-page-queued = page queued
word-page-accepted = page accepted
word-priority-change-owed = priority change owed
word-decode-ahead-failed = decode ahead failed
word-delivery = delivery
word-delivery-retried = delivery retried
word-claimed = claimed
word-released = released
word-reading-done = said to be read
word-cancel-requested = asked to give it back
word-not-for-reading = not for reading
word-rerun = run again
word-result-held = result held
word-result-released = result released
word-result-withdrawn = result withdrawn
word-result-amended = result amended
word-repeats = repeats
word-report-received = report received
word-back-on-worklist = back on worklist
word-priors-asked = earlier studies asked for
word-compared = compared
word-to-be-read = to be read

## … lanes of a timeline
word-images = images
word-order = order
word-model = model
word-worklist = worklist
word-alert = alert
word-page = page
word-reader = reader

## Signing in, refused
sign-in-with = Sign in with { $provider }
oidc-forged = This sign-in did not begin in this browser, or it took too long. Begin again.
oidc-declined = The identity provider signed nobody in. Begin again, or use a password.
oidc-used = The identity provider did not take this sign-in: it was used before, or took too long. Begin again.
oidc-unsound = What the identity provider said could not be trusted. Tell those who run Tocsin.
oidc-not-asked = The identity provider did not ask again who is there. Begin again.
oidc-another = The identity provider knows somebody else than the one who is signed in here.
oidc-down = The identity provider cannot be reached. Try again later, or sign in with a password.
oidc-no-role = The identity provider knows you, but gives you no role here. Ask those who run Tocsin.
oidc-disabled = This account is deactivated.
onward-text = You are signed in.
onward-go = Go on

## The lock, and proving who one is
lock-now = Lock
lock-title = Locked
lock-text = { $name } is signed in here. Everything is hidden until they are back.
lock-open = Unlock
lock-wrong = That does not open this session.
lock-often = Too many attempts; wait a minute.
lock-offline = The server cannot be reached; the page stays hidden.
lock-sign-out = Sign out
prove-locked = The screen is locked. Prove that it is you to go on where you were.
prove-recent = This changes who may do what. Prove that it is you; then do it again.
prove-password = Password
prove-token = Token
prove-code = Code of the authenticator
prove-code-optional = Code of the authenticator, if something privileged comes next
prove-with = Prove it with { $provider }
prove-go-on = Go on

## Choosing a password
invite-text = Choose a password for this account. The link is good once.
invite-password = Password, at least { $shortest } characters
invite-wrong = A password has at least { $shortest } characters, and at most 512.
invite-keep = Keep it

## People
nav-people = People
people-new = A new person
people-name = Name
people-role = Role
people-state = State
people-last = Last sign-in
people-factor = Second factor
people-change = Change
people-make = Make the account
people-made = The link by which { $name } chooses a password. It is shown only now, and good once, within 72 hours:
people-link-until = link good until
people-never = never
people-factor-on = on
people-factor-off = off
people-own = your own account
people-role-of = Role of { $name }
people-set-role = Set the role
people-invite = New link
people-reset-factor = Reset the second factor
people-end-sessions = End sessions
people-deactivate = Deactivate
people-reactivate = Reactivate
people-none = There is no account yet.

## Tokens
nav-tokens = Tokens
tokens-new = A new token
tokens-name = Name
tokens-days = Days until it ends; empty for never
tokens-make = Make a token
tokens-made = The token of { $name }. It is shown only now:
tokens-by = Made by
tokens-since = Since
tokens-used = Last used
tokens-until = Until
tokens-revoked = revoked
tokens-for-good = no end
tokens-revoke = Revoke
tokens-none = There is no token.

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
word-active = active
word-invited = invited
word-deactivated = deactivated
word-draft = draft
