"""A page of Chromium in which labs are drawn by the charts' own draw.js: for pictures of them."""

from lt_helpers.view.chart import FILES

PAGE = """<!doctype html><meta charset="utf-8">
<style>{css} body {{ margin: 0; background: white }} #lab {{ width: {width}px; padding: {padding}px }}
.lt-words, .lt-play {{ display: none }} {style}</style>
<div id="lab"></div><script>{plotly}</script><script>{scripts}</script>"""
SHOW = """state => {
  const root = document.querySelector("#lab");
  root.replaceChildren();
  ltChart(Plotly, root).show(state);
}"""


def chart_page(browser, width, height, scale=1.0, padding=0, style="", template=PAGE):
    """A page with everything that a chart needs, and no chart yet.

    Parameters
    ----------
    browser : of Playwright.
    width, height : int.  Of a lab, and of the window, in pixels.
    scale : float.  Pixels of the screen to each of these.
    padding : int.  Pixels around a lab.
    style : str.  CSS beside that of the charts.
    template : str, optional.  Another page, with an element #lab and the same names in braces.

    Returns
    -------
    page : of Playwright.
    """
    plotly, hands, draw, css = (
        (FILES / name).read_text(encoding="utf-8")
        for name in ("plotly.min.js", "hands.js", "draw.js", "chart.css")
    )
    window = {"width": width + 2 * padding, "height": height}
    page = browser.new_page(viewport=window, device_scale_factor=scale)
    scripts = f"{hands}\n{draw}"
    page.set_content(
        template.format(css=css, width=width, padding=padding, style=style, plotly=plotly, scripts=scripts)
    )
    return page


def state_of(lab):
    """What a lab's chart is told to show."""
    return lab.chart.get_state("state")["state"]


def picture_of(page, lab):
    """A lab, drawn on a page of `chart_page` in the place of the one before -> PNG as bytes"""
    page.evaluate(SHOW, state_of(lab))
    return page.locator("#lab").screenshot()
