"""Settings of the Jupyter server: what a kernel says leaves for the page at once.

A small message otherwise waits until the page has acknowledged the one before (Nagle's algorithm), and the page acknowledges only after 40
milliseconds, or with the next thing that it sends. A move of a slider is answered by three small messages: in a drag each figure waited.
"""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A page's connection to a kernel, without that wait."""

    def connect(self):
        self.websocket_handler.set_nodelay(True)
        return super().connect()


c.ServerApp.kernel_websocket_connection_class = PromptConnection  # noqa: F821  (traitlets gives it this `c`)
