"""What a lab shows: panels of marks as data, the renderer that makes a figure of them, and the widget that draws it in the page."""
