# %% [markdown]
# # 00  Start here
# *A trained transformer reads twenty noisy examples. Slide the noise and watch what it learns from them. Its weights do not move.*
#
# **Predict first:** the examples get noisier. Will the ten blue dots scatter, stay, or move to zero? Then press **Run > Run All Cells** and slide *Noise σ*.

# %% tags=["nbval-ignore-output"]
from lt_helpers.labs import NoiseLab

NoiseLab()

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The noise lab. Top left: ten components of the weight that the model has found, as blue dots, beside the truth in black and the best possible answer for known noise in green. Top right: how much of each direction of the inputs is kept. Bottom left: what each layer does. Bottom right: the noise that the model acts as if it had seen, against the true noise.](../docs/pictures/noise-lab.png)
#
# </details>
#
# **You will be able to**
# - say what in-context learning is, and what in this picture moves and what does not;
# - compare a model's answers with the best possible ones;
# - find your way through the series.
#
# **Takes** 10 minutes. **Needs** linear regression by least squares, and a little NumPy. The words of the series, in English and Japanese: [glossary](../docs/glossary.md).
#
# ## The question
# The model in the lab gets pairs $(x_i, y_i)$ that follow $y_i = \langle w, x_i\rangle + \text{noise}$: ten numbers $x_i$, a label $y_i$, and a truth $w$ (the black marks) that it is
# not shown. It answers for a new $x$. Nobody trains it on the twenty pairs: they come in as tokens, as a prompt comes into a language model, and the answer comes out.
# Learning from examples in the input, with all weights frozen, is **in-context learning**.
#
# How can frozen weights learn? And how do they know how far to trust the examples?

# %%
import numpy as np

import lt_helpers as lt
from lt_helpers import doctor
from lt_helpers.exercises import start

task = lt.RegressionTask(dim=10, context=20, noise=lt.Uniform(5.0))  # sigma, the standard deviation of the noise, is drawn from U(0, 5)
batch = task.sample(5000, np.random.default_rng(0))  # 5000 sequences, each with its own truth and its own sigma
model = lt.load_pretrained("diag", layers=4, noise=task.noise)

print("examples x:", batch.x.shape, " labels y:", batch.y.shape, " queries:", batch.x_query.shape)
print("first sequence, three examples:")
for x, y in zip(batch.x[0, :3], batch.y[0]):
    print("  x =", np.round(x[:4], 2), "...   y =", round(y, 2))
print(f"  its noise: sigma = {batch.sigma[0]:.2f}, sigma^2 = {batch.sigma[0] ** 2:.2f}")

# %% [markdown]
# ## One pass, no training
# Let it answer all queries, and put three others beside it; the right answer to a query is $\langle w, x\rangle$, without noise. *Least squares* trusts every example.
# *Nothing learned* answers 0. The *oracle* is told σ of every sequence, and shrinks what least squares finds by the right amount for it
# (*ridge regression*, [02](02_in_context_regression.ipynb)): no predictor does better on average. The model has to do without being told.

# %%
before = model.P.copy(), model.Q.copy()
answers = {
    "nothing learned": np.zeros(5000),
    "least squares": (lt.baselines.ols(batch.x, batch.y) * batch.x_query).sum(axis=1),
    "the model": model(batch.x, batch.y, batch.x_query),
    "oracle": (lt.baselines.ridge(batch.x, batch.y, batch.sigma) * batch.x_query).sum(axis=1),
}
for name, y_hat in answers.items():
    print(f"{name:16} half the mean squared error {((y_hat - batch.y_query) ** 2).mean() / 2:.3f}")
print("P and Q after 5000 sequences are what they were:", np.array_equal(before, (model.P, model.Q)))

# %% [markdown]
# ## Predict, then slide
# Go back to the lab. **P and Q are frozen, w moves**: the blue dots are the weight that the model has worked out from this one context (its *implicit weight*).
#
# 1. *Noise σ* keeps truth, inputs and the direction of the noise, and only scales the noise. Was your prediction right? The safest guess from noisy labels is a
#    small one; look at how the green marks, the oracle, do the same.
# 2. **Predict:** press *New sequence*. Which will change: the black marks, the blue dots, the weights of the model? Press it.
# 3. **Predict:** with σ small, will one layer bring the dots to the black marks? Move *Layers*; each depth is another model, trained at that depth.
# 4. Press *Hold ghost*, then slide: the grey rings keep the place where you were.
#
# The panel at the top right shows how much of each direction of the inputs survives; at the bottom left, what each layer does; at the bottom right, which noise the
# model acts as if it had seen. They need the notebooks up to [07](07_noise_adaptive_step_sizes.ipynb), where the lab comes back.
#
# ## Exercise
# ### Exercise: how much worse than the oracle?
# (3 minutes, level: first steps)
#
# The whole series judges predictors by one number: half the mean squared error of the model **minus** that of the oracle, on the same queries. Write it.

# %% tags=["exercise"]
def excess_risk(y_hat, y_oracle, y):
    """y_hat, y_oracle, y (B,): answers of the model, of the oracle, and the truth.  ->  one number"""
    ...


# %% tags=["check"]
start.excess_risk.check(excess_risk)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The printed table has both errors; the answer is their difference.
#
# </details>
# <details><summary>Hint</summary>
#
# `((y_hat - y) ** 2).mean() / 2` is the first of them.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def excess_risk(y_hat, y_oracle, y):
#     return ((y_hat - y) ** 2).mean() / 2 - ((y_oracle - y) ** 2).mean() / 2
# ```
#
# </details>
#
# ## The way through the series
# Each notebook stands alone. Short of time? **00, 01 (first half), 02, 03**, a break, **04, 06, 07, 08** take half a day.
#
# <!-- series -->
#
# ## Is everything here?
# This cell looks at Python, the packages, the widgets' part in the page, the stored models, memory and threads. If something is wrong, it says what to do. For all it
# found, run `python -m lt_helpers doctor` in a terminal.

# %%
print(doctor.summary(doctor.check()))

# %% [markdown]
# ## Discussion
# The model is a *linear transformer*: attention without the softmax, and nothing else. It is far smaller than a language model, and small enough for
# every step to be followed with a pencil. The series retraces the paper *Linear Transformers are Versatile In-Context Learners*: each layer keeps a
# regression model of its own (Theorem 4.1), and trained layers adapt to the noise by themselves (sections 5.2 and 5.3). What holds for language models, it does not settle.
#
# ## Quiz
# **1.** The model has seen 5,000 sequences in this notebook. How much has it learned for the next one?
# <details><summary>Answer</summary>Nothing: P and Q are as before. What it learns from a context is gone with the context.</details>
#
# **2.** With much noise, why is least squares worse than answering nothing?
# <details><summary>Answer</summary>Twenty examples for ten unknowns leave it little to average over, so it fits the noise and answers with it.</details>
#
# **3.** Can the excess risk be below zero?
# <details><summary>Answer</summary>On a few queries, by luck. On average not: the oracle is the posterior mean given the examples and σ, and no predictor has a smaller expected squared error.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
# - Garg, Tsipras, Liang, Valiant: *What Can Transformers Learn In-Context?*, NeurIPS 2022, [arXiv 2208.01066](https://arxiv.org/abs/2208.01066): the task.
