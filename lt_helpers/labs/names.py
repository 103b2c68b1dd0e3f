"""How the reader's language calls what a lab shows."""

import re

from ..language import Message, catalogue


class Names:
    """Names of panels, axes, marks and controls, from the catalogue of a language.

    Parameters
    ----------
    language : str or None.  As `catalogue` takes it.
    lab : str.  The lab's section of the catalogue.
    own : dict.  Entries of a lab that has no section there.
    """

    def __init__(self, language, lab, own):
        shared = catalogue(language)
        self.catalogue = shared.extended({f"{lab}.{name}": entry for name, entry in own.items()})
        self.lab, self.say = lab, self.catalogue.say

    def find(self, kind, name, /, **values):
        """What is called `name`, in words: the lab's own entry, or the one that all labs share."""
        return self.say(Message(self.catalogue.find(self.lab, kind, name), **values))

    def panel(self, panel):
        return self.find("panel", panel.name, **panel.values)

    def axis(self, axis):
        return self.find("axis", axis.name) if axis.name else ""

    def mark(self, panel, mark):
        return self.find("mark", mark.name, **mark.values)

    def hover(self, mark):
        """What the mouse reads, as plotly fills it in: its {} are plotly's."""
        return self.catalogue.entries[self.catalogue.find(self.lab, "hover", mark.hover)]

    def beyond(self, value):
        """The number of a point that is drawn at the edge of its axis."""
        return self.say(Message("lab.hover_beyond", value=value))

    def text(self, label):
        return self.say(label)

    def control(self, name, control):
        """The label of a control; one that the page does not show has none."""
        return "" if control.hidden else control.label or self.find("control", name)


def strip_tags(text):
    """A name without the marks for raised and lowered letters: words are plain text."""
    return re.sub("<[^>]+>", "", text)
