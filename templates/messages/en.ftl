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

## Signing in, refused
sign-in-with = Sign in with { $provider }
sign-in-unknown = This account and password, or this token, are not valid here.
sign-in-code-wrong = This account needs the code that its authenticator shows now; each code is good once.
sign-in-no-pages = This role has no pages; use the API with a token.
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
