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
word-acknowledged = taken on
word-repeated = repeated
word-accepted = better images came

## Start: what is left to set up
nav-start = Start
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
