"""Training: the objective, its gradients, Gauss-Newton on fresh sequences, the search from several starts, and the sweep over all models.

The only room of the package that needs torch. It knows no widget: progress goes to a callback.
"""
