"""The channels of widgets, between the worker and its page. All widgets that are made after this was imported have theirs through here."""

import json
import os

import comm
from comm.base_comm import BaseComm
from page import post  # (message, buffers): to the page (worker.js)
from pyodide.ffi import to_js


class PageComm(BaseComm):
    """The channel of one widget, whose other end is in the page."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        message = {
            "header": {"msg_type": msg_type},
            "content": {"comm_id": self.comm_id, "data": data or {}, **keys},
            "metadata": metadata or {},
        }
        post(json.dumps(message), to_js([bytes(buffer) for buffer in buffers or ()]))


def hand_over(message):
    """Give a message of the page to the widget that it is for."""
    comm.get_comm_manager().comm_msg(None, None, message)


comm.create_comm = PageComm
os.environ["JUPYTER_WIDGETS_ECHO"] = "0"  # one page, which knows what it has sent
