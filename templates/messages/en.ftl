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
