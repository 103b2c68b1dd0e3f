# %% [markdown]
# # 00  Start here
# *A small transformer draws a line through twenty points. Drag a point: the line moves, and the transformer is frozen.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import PointsLab, surprises

lab = PointsLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The points lab at sigma = 4. Top left: twenty points, the line that fits them best, dashed and red, and the model's line, blue and flatter; a triangle at the origin says "pull me up". Top right: the three means that the model reads, of which the mean of y squared is by far the largest. Bottom left: the slope of the best fit stays at 2 as the noise grows, the model's falls towards 1. Bottom right: true slopes of many data sets against those that fit best; their mean is flatter than the diagonal, and the model lies on it.](../docs/pictures/points-lab.png)
#
# </details>
#
# **You will be able to** say what in-context learning is; say what moves in this picture and what does not; compare a model's answers with the best possible ones.
#
# **Takes** 25 minutes. **Needs** fitting a line to points, and a little NumPy. No notebook before it. The words of the series, in English and Japanese:
# [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $x$ an input; $y$ its label; $w$ the weights of a linear model, which answers $\langle w, x\rangle$; $\sigma$ the noise: standard deviation of what is added to the labels;
# $P, Q$ the two matrices of a layer: the model's weights.

# %% [markdown]
# ## What you have just seen
# Each point is an **example**: an input $x$ with its label $y$. The model reads the examples, and answers for any new $x$. Its answer is $w\,x$: a line with slope $w$.
# A **transformer** is the kind of network inside language models; [01](01_linear_attention.ipynb) opens one up.
#
# Two kinds of numbers are easily mixed up.
#
# - **The model's weights.** The model has four *layers*. Each has two diagonal matrices, $P$ and $Q$, with two numbers each, one for $x$ and one for $y$: 4 × 2 × 2 = 16. $Q$ weighs what a layer reads, $P$ what it writes ([01](01_linear_attention.ipynb)).
#   They were set once, in training. Since then they are frozen.
# - **The slope $w$** is worked out anew each time the model reads a set of points. It is stored nowhere.
#
# **In-context learning is learning from the examples in the input, while all weights stay as they are.** A language model does so with a prompt: you write three examples into it, and it goes on
# in the same way. Nobody trains it on your three examples.
#
# The five steps of the lab, in words. The line moves when a point does, though the weights are frozen. All lines here go through the origin. A point at $x = 0$ that is pulled straight up does not change the
# best-fitting line (there every line answers 0), but the model trusts *all* points less. The more the points scatter, the flatter the model's line. That is wise, because slopes near 0 were more
# common in its training, so a steep fit is often luck. And not every model can do it: GD++ cannot.
#
# One question is left, and the series answers it: **how can frozen weights notice the noise?**

# %% [markdown]
# ## From a line to ten features
# A line has one input and one slope. From now on an input $x$ is ten numbers, and $w$ is ten numbers too. The answer is their inner product, $\langle w, x\rangle$. A **sequence** is one data set: twenty
# examples that share a true $w$. Their labels are $y = \langle w, x\rangle$ plus noise with standard deviation $\sigma$.
#
# The model for ten features is a second one of the same kind, again with 16 numbers: each layer has one number for all ten features, and one for $y$. Both were trained on many sequences, with each number of $w$ drawn from a bell curve around 0 (of standard deviation 1), and
# $\sigma$ evenly from 0 to 5.
#
# The slope of a line was one number. Now there are ten, one for each feature, and a line becomes ten dots. Here is one sequence, twice, with little and with much noise:
#
# ![Two plots with ten columns, one for each feature. At sigma = 1 the red rings and the blue dots lie on each other, and near the black bars. At sigma = 4 some red rings lie far from the bars, up to 2.8; their blue dots lie much nearer to zero, and nine of the ten dots nearer to the bars than the rings do. The corners say 1.0 and 1.0, and 4.0 and 2.1.](../docs/pictures/ten-features.svg)
#
# Black bars: the true $w$. Red rings: what least squares finds. Blue dots: the model's. At $\sigma = 4$ the rings that lie far out have their dots much nearer to 0, as the blue line was flatter than
# the red one. In the corner is the **distance** to the true $w$, red for least squares and blue for the model: the root of the sum of the ten squared differences.
#
# Is that typical? The next cell draws 2,000 sequences at each noise level, and prints the mean distance. ($w = 0$, which learns nothing, is about 3.1 away, nearly $\sqrt{10}$.)

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers import doctor
from lt_helpers.exercises import start

model = lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5.0))  # in its training sigma was drawn from U(0, 5)

# %%
print("sigma   least squares   the model")
for sigma in (1.0, 2.0, 3.0, 4.0):
    batch = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(sigma)).sample(2000, np.random.default_rng(0))
    found = {
        "least squares": lt.baselines.ols(batch.x, batch.y),
        "the model": lt.implicit_regression(model, batch.x, batch.y).w[:, -1],  # (B, d): its w after the last layer
    }
    distances = [np.linalg.norm(w - batch.w, axis=1).mean() for w in found.values()]
    print(f"{sigma:5.0f} {distances[0]:15.2f} {distances[1]:11.2f}")

# %% [markdown]
# With little noise both are near the truth. With much noise least squares fits the noise: at $\sigma = 4$ it is further from the truth than $w = 0$ is. The model is nearer at all four levels, and nobody
# told it $\sigma$.
#
# ## How good is that?
# To judge a predictor, ask it for an answer to a new input. Take the difference to the true answer $\langle w, x\rangle$, without noise, and square it. The cell below prints half of the mean, as the
# paper's Table 1 does. The **oracle** is a predictor that cheats: it is told $\sigma$, and shrinks what least squares finds
# by just the right amount (`ridge` in the code, and the subject of [02](02_in_context_regression.ipynb)). On average nobody can do better.

# %%
task = lt.RegressionTask(dim=10, context=20, noise=lt.Uniform(5.0))
many = task.sample(5000, np.random.default_rng(0))  # 5000 sequences, each with its own truth, its own sigma, and a new input

answers = {
    "nothing learned": np.zeros(5000),
    "least squares": (lt.baselines.ols(many.x, many.y) * many.x_query).sum(axis=1),
    "the model": model(many.x, many.y, many.x_query),
    "oracle": (lt.baselines.ridge(many.x, many.y, many.sigma) * many.x_query).sum(axis=1),
}
for name, y_hat in answers.items():
    print(f"{name:16} half the mean squared error {((y_hat - many.y_query) ** 2).mean() / 2:.3f}")

# %% [markdown]
# Even the oracle errs: some of what it would have to know is not in the twenty examples. So the series counts what a predictor loses **to the oracle**, and calls it the *excess risk*. You write it now.
#
# ### Exercise: how much worse than the oracle?
# (level: first steps; harder ones are *practice* and *stretch*)
#
# Half the mean squared error of the model **minus** half the mean squared error of the oracle. Replace the dots, run the cell, then run the check.

# %% tags=["exercise"]
def excess_risk(y_hat, y_oracle, y):
    """y_hat, y_oracle, y (B,): answers of the model, of the oracle, and the truth.  ->  one number"""
    ...


# %% tags=["check"]
start.excess_risk.check(excess_risk)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The table above has both errors; the answer is their difference.
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

# %%
loses = start.excess_risk.use(excess_risk)  # yours, once it is right
for name, y_hat in answers.items():
    print(f"{name:16} excess risk {loses(y_hat, answers['oracle'], many.y_query):.2f}")

# %% [markdown]
# Least squares loses 3.08 to the oracle. The model loses 0.06, and it was not told $\sigma$.
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## The way through the series
# The notebooks build on each other, in this order. Short of time? **00, 01 (first half), 02, 03**, a break, **04, 06, 07, 08** take half a day.
#
# <!-- series -->
#
# The model is a *linear transformer*: attention without the softmax, and nothing else. It is small enough for every step to be followed with a pencil. The series retraces the paper *Linear
# Transformers are Versatile In-Context Learners*. What it finds is about these models; it does not settle how language models learn.
#
# ## Is everything here?
# This cell looks at Python, the packages, the widgets' part in the page, the stored models, memory and threads. If something is wrong, it says what to do. For all it
# found, run `python -m lt_helpers doctor` in a terminal.

# %%
print(doctor.summary(doctor.check()))

# %% [markdown]
# ## Quiz
# **1.** The model has read thousands of sequences in this notebook. How much has it learned for the next one?
# <details><summary>Answer</summary>Nothing: P and Q are as before. What it learns from a context is gone with the context.</details>
#
# **2.** You pull the point at x = 0 from y = 0 up to 12. The model's line gets flatter. Has the model recognised an outlier?
# <details><summary>Answer</summary>No. It saw that the mean of y² had grown, and trusted all twenty points less. Twenty points that scatter evenly, with the same three means, would have given the same line.</details>
#
# **3.** Can the excess risk be below zero?
# <details><summary>Answer</summary>On a few inputs, by luck. On average not: no predictor has a smaller expected squared error than the oracle.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
# - Garg, Tsipras, Liang, Valiant: *What Can Transformers Learn In-Context?*, NeurIPS 2022, [arXiv 2208.01066](https://arxiv.org/abs/2208.01066): the task.
