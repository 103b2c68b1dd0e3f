"""Training: the objective, its gradients, Adam and Gauss-Newton on fresh sequences, the search from several starts, and the sweep.

`live` and all below it are NumPy, and train in a page as well. The search and what is above it are the only rooms of the package that need
torch. None knows a widget: progress goes to a callback.
"""
