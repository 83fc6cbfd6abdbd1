"""Names that somebody might send to harm those who read them, and small studies and messages that carry them.

Each text holds a mark of its own, so that it can be found again wherever it may have gone: on a page, in a table, in a log.
"""
import hl7
from objects import explicit, us
from scu import CT

UTF8 = ("ISO_IR 192", "utf-8")
#: `§` is where the mark goes; without one it stands at the end.
MARKUP = [
    "<script>alert('§')</script>", "</td></tr></table><h1>§</h1>", "<img src=x onerror=alert('§')>", "<svg/onload=alert('§')>",
    "<iframe srcdoc='<b>§</b>'>", "<!-- §", "--><b>§</b>", "<![CDATA[§]]>", "</title><body onload=x§>", "<style>*{display:none}§",
    "<meta http-equiv=refresh content=0 §>", "<base href=//evil/§>", "<math><mtext>§</mtext></math>", "<template>§</template>",
    "<plaintext>§", "<textarea>§", "</script><script>'§'", "<noscript><p title='</noscript><b>§</b>'>",
]
BREAKOUTS = [
    "\" onmouseover=alert('§') x=\"", "' autofocus onfocus=alert('§') x='", "`§`><b>", "\"><u>§</u>", "'></a><a href='javascript:§'>",
    "javascript:alert('§')", "&#x22;><i>§</i>", "\\\"§\\'", "x\" data-rank=\"1\" y=\"§",
]
ENTITIES = ["&lt;b&gt;§&lt;/b&gt;", "&amp;amp;§", "&#0;&#x110000;§", "&notin §", "AT&T §;", "%3Cb%3E§"]
TEMPLATES = [
    "{{frame.person.csrf}} §", "{{{page}}} §", "{{#each page.rows}}§{{/each}}", "{{> layout}} §", "${7*7} §", "#{7*7} §", "<%= 7*7 %> §",
    "{ $number } §", "{\"§\"}", "%s%n%d §", "{0} §", "-term = §",
]
SCRIPTS = ["\"}];alert('§');//", "'+alert('§')+'", "\u2028alert('§')\u2029x", "]}\"§", "{\"__proto__\":{\"§\":1}}", "\\u003cb\\u003e§", "//§\\"]
FORMULAS = ["=1+1 §", "+1+1 §", "-2+3 §", "@SUM(A1) §", "=HYPERLINK(\"//evil\",\"§\")", "+cmd|' /C calc'!A0 §", "'=1 §", "\"=1 §\"", "a,b;c\"§\""]
WORDS = ["null §", "undefined §", "NaN §", "None §", "true §", "0 §", "-0 §", "(no name) §", "DROP TABLE study;-- §", "' OR '1'='1 §", "../../etc/§"]
LETTERS = [
    "\u202egnihton §", "\u2066§\u2067x\u2069\u2069", "a\u200b\u200c\u200d\ufeff§", "Z" + 60 * "\u0301" + " §", "§\U0001f469\u200d\u2695\ufe0f\U0001f3fd",
    "\U000e0041\U000e0042 §", "\u05db\u05d4\u05df §", "\u0645\u062d\u0645\u062f §", "\u1112\u1161\u11ab §", "\u5c71\u7530 §", "\u0130I\u0131\u00df §",
    "\ufdfa\ufdfa §", "\u0085\u00ad§\u00a0x", "\x9b31m §", "\ufffd\ufffd §", "O'Neill-\u2019§", "\u3000\u5c71\u3000§",
]
LONG = [58 * "W" + " §^" + 64 * "i" + "=" + 64 * "\u5c71" + "^" + 64 * "\u7530" + "=" + 64 * "\u3042", 400 * "Q" + " §"]
ESCAPES = [r"\F\ \S\ \T\ \R\ \E\ §", r"one\.br\§", r"\X3C\§", r"\H\§\N", r"|~\&§", "\\"]
CORPUS = [*MARKUP, *BREAKOUTS, *ENTITIES, *TEMPLATES, *SCRIPTS, *FORMULAS, *WORDS, *LETTERS, *LONG, *ESCAPES]

#: Text in other character sets of DICOM, as (0008,0005) and Python call them. Some of the bytes are those of `\`, `^` and `=`.
SETS = [
    ("\u5c71\u7530 §^\u592a\u90ce", ("\\ISO 2022 IR 87", "iso2022_jp")), ("Yamada §^Tarou=\u5c71\u7530^\u592a\u90ce", ("\\ISO 2022 IR 87", "iso2022_jp")),
    (b"\x81\x5e\x81\x5c\xcd\xf5".decode("gb18030") + "§^\u5c0f\u4e1c", ("GB18030", "gb18030")), ("<b>\u738b</b>§", ("GB18030", "gb18030")),
    ("\u05db\u05d4\u05df§", ("ISO_IR 138", "iso8859_8")), ("\u0645\u062d\u0645\u062f §", ("ISO_IR 127", "iso8859_6")),
    ("Buc\u00e9 <b>§", ("ISO_IR 100", "latin-1")), ("\uff94\uff8f\uff80\uff9e §", ("ISO_IR 13", "shift_jis")),
]
#: What stands in a message, and what it means; no other way leads there.
WIRES = [
    (r"one\.br\two §", "one\ntwo §"), (r"\X1B\[31m§\X1B\[0m", "\x1b[31m§\x1b[0m"), (r"\X3C\b\X3E\§", "<b>§"), (r"\H\bold\N\ §", "bold §"),
    (r"\XE280AE\§", "\u202e§"), (r"level\X0A\{\X22\message\X22\:\X22\§\X22\}", "level\n{\"message\":\"§\"}"),
]


def mark(number):
    return f"K{number:04}Q"


def marked(text, number):
    return text.replace("§", mark(number)) if "§" in text else text + mark(number)


def shown(name):
    """A person name for reading, `Family, Given`, as docs/user.md has it: the first component group alone."""
    family, *given = [part.strip() for part in name.split("=")[0].split("^")]
    return ", ".join(part for part in (family, " ".join(filter(None, given[:2]))) if part)


def safe(cell):
    """As a spreadsheet may have it."""
    return "'" + cell if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


class Study:
    """One image of a head, an order that is not its own, and perhaps a visit; at one place is a hostile text."""

    IMAGES = ("name", "exam", "series", "accession")
    PLACES = (*IMAGES, "order", "visit")

    def __init__(self, number, place, text, charset=UTF8, wire=None):
        self.number, self.place, self.charset = number, place, charset
        self.text, self.wire = marked(text, number).strip(), wire and marked(wire, number)
        self.uid = f"1.2.826.0.1.3680043.9.9999.8.{number}"
        self.patient = f"HN{number:04}"
        # The name of those whose name is plain sorts before all others.
        plain = {"name": "!Plain", "exam": "HEAD", "series": "PLAIN", "accession": f"A{number:04}", "order": "PLAIN", "visit": None}
        self.said = plain | {place: self.text}
        #: As they are kept: of the images, and of the last message.
        self.name = whole(self.said["name"])
        self.ordered = whole((self.said["visit"] or self.said["order"]).replace("^", " "))

    def __repr__(self):
        return f"{self.number} {self.place} {self.text[:40]!r}"

    @property
    def exam(self):
        """On pages the modality goes before the description."""
        return f"CT {self.said['exam']}"

    def image(self):
        """A CT slice that the shipped model refuses, being alone."""
        terms, codec = self.charset
        text = {key: self.said[key].encode(codec) for key in ("exam", "series", "accession")}
        elements = [
            (0x0008, 0x0005, "CS", terms),
            (0x0008, 0x0008, "CS", r"ORIGINAL\PRIMARY\AXIAL"),
            (0x0008, 0x0016, "UI", CT),
            (0x0008, 0x0018, "UI", f"{self.uid}.1.1"),
            (0x0008, 0x0050, "SH", text["accession"]),
            (0x0008, 0x0060, "CS", "CT"),
            (0x0008, 0x1030, "LO", text["exam"]),
            (0x0008, 0x103E, "LO", text["series"]),
            (0x0010, 0x0010, "PN", self.name.encode(codec)),
            (0x0010, 0x0020, "LO", self.patient),
            (0x0010, 0x0021, "LO", "GH"),
            (0x0018, 0x0015, "CS", "HEAD"),
            (0x0020, 0x000D, "UI", self.uid),
            (0x0020, 0x000E, "UI", f"{self.uid}.1"),
            (0x0020, 0x0013, "IS", "1"),
            (0x0020, 0x0032, "DS", r"0\0\0"),
            (0x0020, 0x0037, "DS", r"1\0\0\0\1\0"),
            (0x0028, 0x0002, "US", us(1)),
            (0x0028, 0x0004, "CS", "MONOCHROME2"),
            (0x0028, 0x0010, "US", us(8)),
            (0x0028, 0x0011, "US", us(8)),
            (0x0028, 0x0030, "DS", r"1\1"),
            (0x0028, 0x0100, "US", us(16)),
            (0x0028, 0x0101, "US", us(16)),
            (0x0028, 0x0102, "US", us(15)),
            (0x0028, 0x0103, "US", us(0)),
            (0x7FE0, 0x0010, "OW", us(0) * 64),
        ]
        return b"".join(explicit(*element) for element in elements)

    def field(self, key):
        """PID-5 of the message of this place, as it goes over the wire."""
        return whole(self.wire if self.wire and key == self.place else escaped(self.said[key]))

    def messages(self):
        """By control id."""
        number = f"{self.number:04}"
        made = {f"HO{number}": hl7.order(f"X{number}", self.patient, name=self.field("order"), control_id=f"HO{number}")}
        if self.said["visit"]:
            lines = ["EVN|A08|20260101120000+0100", hl7.pid(self.patient, name=self.field("visit")), "PV1|1|E|ER^1^1^GH"]
            made[f"HV{number}"] = hl7.message("ADT^A08^ADT_A01", *lines, control_id=f"HV{number}")
        return made


def whole(text):
    """A name that has a given name already keeps it."""
    return text if "^" in text else f"{text}^Zoe"


def escaped(text):
    """As a field's value; what breaks it is escaped."""
    codes = {"\\": "E", "|": "F", "^": "S", "&": "T", "~": "R"}
    return "".join(f"\\{codes[one]}\\" if one in codes else one for one in text)


def hostile():
    """Every text at half of the places, each place with half of the texts; those that fit one alone at that."""
    found = []

    def add(place, text, **more):
        found.append(Study(len(found) + 1, place, text, **more))

    for number, text in enumerate(CORPUS):
        for place in Study.PLACES[number % 2 :: 2]:
            # A name that begins with `=` has no first group to show.
            if place in ("exam", "series", "accession") or not text.startswith("="):
                add(place, text)
    for text, charset in SETS:
        for place in ("name", "exam"):
            add(place, text, charset=charset)
    for wire, text in WIRES:
        for place in ("order", "visit"):
            add(place, text, wire=wire)
    return found


def harmless(after):
    """One of each place, numbered after the others."""
    return [Study(after + at, place, "Plain ") for at, place in enumerate(Study.PLACES, 1)]
