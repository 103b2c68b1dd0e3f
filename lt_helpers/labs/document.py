"""A lab's state as a document: JSON that a link carries, a page opens, and a room shares. Reading one evaluates nothing.

    {"lab": "noise", "version": 1, "values": {"sigma": 4.0}, "predictions": {}, "locked": [], "ghost": {"sigma": 1.0}, "beat": "meter",
     "panels": null}

`values` hold all that the page shows, `predictions` those that are set, `locked` the names of those that are final, `ghost` what differs
from `values`, `beat` where the lab's story stands. Missing keys take their defaults, unknown ones are refused, and every value goes through
its control. A path to a file never travels in it.
"""

import base64
import binascii
import json
from dataclasses import asdict, dataclass, field

from ..checks import shown
from ..language import Message, RefusedType, RefusedValue

VERSION = 1
LONGEST = 8_000  # characters of the text form: what any link holds


@dataclass(frozen=True)
class LabState:
    """What a document says.

    Parameters
    ----------
    lab : str.  The lab's name, such as "noise".
    version : int.  Of the document's form.
    values, predictions : dict.  Values by the name of their control, as JSON has them.
    locked : list of str.  The predictions that are final.
    ghost : dict, optional.  Values of the state that is held behind the present one.
    beat : str, optional.  Where the lab's story stands; None: everything is shown.
    panels : list of str, optional.  The panels that are shown; None for all.
    """

    lab: str
    version: int = VERSION
    values: dict = field(default_factory=dict)
    predictions: dict = field(default_factory=dict)
    locked: list = field(default_factory=list)
    ghost: dict | None = None
    beat: str | None = None
    panels: list | None = None

    @property
    def document(self):
        """The state as a JSON object -> dict."""
        return asdict(self)

    @property
    def text(self):
        """The state in letters that a link carries as they are -> str."""
        return to_text(self.document)


KINDS = {  # of each key: what it may be
    "lab": (str,),
    "version": (int,),
    "values": (dict,),
    "predictions": (dict,),
    "locked": (list,),
    "ghost": (dict, type(None)),
    "beat": (str, type(None)),
    "panels": (list, type(None)),
}


def read_document(document):
    """A document, or its text form -> LabState. RefusedValue or RefusedType in one sentence, if it is none."""
    if isinstance(document, str):
        document = from_text(document)
    if not isinstance(document, dict):
        raise RefusedType(Message("state.kind", value=shown(document)))
    for key, value in document.items():
        if key not in KINDS:
            raise RefusedValue(Message("state.unknown", key=shown(key), keys=list(KINDS)))
        if isinstance(value, bool) or not isinstance(value, KINDS[key]):
            raise RefusedType(Message("state.type", key=key, value=shown(value)))
    if "lab" not in document:
        raise RefusedValue(Message("state.no_lab"))
    state = LabState(**document)
    if not 1 <= state.version <= VERSION:
        raise RefusedValue(Message("state.version", value=state.version, newest=VERSION))
    return state


def to_text(document):
    """JSON -> letters, digits, "-" and "_"."""
    plain = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def from_text(text):
    """The way back, with one sentence for whatever is not such a text."""
    if len(text) > LONGEST:
        raise RefusedValue(Message("state.long", length=len(text), most=LONGEST))
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return json.loads(plain.decode(), parse_constant=refuse_constant)
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        raise RefusedValue(Message("state.damaged", text=shown(text))) from None


def refuse_constant(name):
    raise ValueError(name)
