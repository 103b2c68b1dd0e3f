"""Settings of Voila (`make dashboard`), which has a server of its own and reads no other's: a kernel's words leave at once there, too."""

load_subconfig("jupyter_server_config.py")  # noqa: F821  (traitlets gives it this, and `c`)
c.Voila.kernel_websocket_connection_class = c.ServerApp.kernel_websocket_connection_class  # noqa: F821
