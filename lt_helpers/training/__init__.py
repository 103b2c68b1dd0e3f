"""Training: the objective and its gradients, Adam with many restarts, Gauss-Newton, the recipe that combines them, and the sweep.

The only room of the package that needs torch. It knows no widget: progress goes to a callback.
"""
