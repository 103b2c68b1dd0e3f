"""The names that ipywidgets imports."""


def display(*objects, **options):
    raise RuntimeError("there is no IPython in a page: a lab is shown by the page itself")


def clear_output(wait=False):
    raise RuntimeError("there is no IPython in a page")
