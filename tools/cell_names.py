"""Which names the cells of a notebook bind, and which they take from other cells."""

import symtable


def bound_and_read(source):
    """The names that a cell binds, and those that it takes from other cells -> two sets."""
    bound, used = set(), set()

    def collect(table):
        for symbol in table.get_symbols():
            if table.get_type() == "module":
                bound.update({symbol.get_name()} if symbol.is_assigned() or symbol.is_imported() else ())
                used.update({symbol.get_name()} if symbol.is_referenced() else ())
            elif symbol.is_global() and symbol.is_referenced():
                used.add(symbol.get_name())
        for child in table.get_children():
            collect(child)

    collect(symtable.symtable(source, "cell", "exec"))
    return bound, used - bound


def needed(sources, wanted):
    """The cells without which others cannot run: those, and, again and again, whatever binds a name that they read -> sorted indices.

    Parameters
    ----------
    sources : list of str.  The cells, in order.
    wanted : iterable of int.  Indices of those that are to run.
    """
    names = [bound_and_read(source) for source in sources]
    chosen = set(wanted)
    for index in reversed(range(len(sources))):
        read = set().union(*(names[later][1] for later in chosen if later > index))
        if names[index][0] & read:
            chosen.add(index)
    return sorted(chosen)
