"""What every Hub that serves a room sets, whatever machine it runs on (docs/workshop.md says where to put this file).

It names no users, no passwords and no addresses: those belong to the Hub that takes it in. `make classroom` runs a Hub with it.
"""

c = get_config()  # noqa: F821  JupyterHub defines it

c.Spawner.default_url = "/lab"
c.Spawner.environment = {
    "OMP_NUM_THREADS": "1",  # the matrices are 11 x 11: more threads only get in each other's way
    "OPENBLAS_NUM_THREADS": "1",
}
c.Spawner.mem_guarantee = "260M"  # one notebook open
c.Spawner.mem_limit = "1500M"  # the half-day path left open, and a training beside it
c.Spawner.start_timeout = c.Spawner.http_timeout = 120  # a whole room presses Start at once
c.JupyterHub.concurrent_spawn_limit = 30
