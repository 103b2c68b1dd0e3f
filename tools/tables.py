"""Tables in Markdown."""


def table(heading, rows):
    """A table in Markdown.    heading : tuple of str.  rows : list of tuples, as long."""
    lines = [heading, ["---"] * len(heading), *rows]
    cells = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
