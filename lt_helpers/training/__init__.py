"""Training: the objective, its gradients, Adam and Gauss-Newton on fresh sequences, the search from several starts, and the sweep.

`train` trains one model on any task. It, `live`, the search and all below are NumPy, and train in a page as well. The sweep and its command
need torch. None knows a widget: progress goes to a callback.
"""
