# %% [markdown]
# # 02  In-context regression
# *The task that the transformer is given: twenty noisy examples, one answer. The best answer is smaller than the one that fits best.*
#
# **You will be able to**
# - solve one sequence by least squares and by ridge regression, and say when each is better;
# - derive how much to shrink, for any noise level, from two lines of algebra;
# - tell bias from variance in a plot, and find where their sum is smallest;
# - compute the excess risk, the number by which this series judges every predictor.
#
# **Takes** 25 minutes. **Needs** least squares, eigenvectors of a symmetric matrix, a little NumPy. Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# One sequence is a small regression problem (sec. 2.2). A truth $w$ is drawn, then $n$ inputs $x_i$ with $d$ features each, all from a standard normal distribution.
# The labels carry noise whose standard deviation is $\sigma$:
#
# $$y_i = \langle w, x_i\rangle + \sigma\, \xi_i, \qquad \xi_i \sim N(0, 1).$$
#
# You see the $n$ pairs. For a new input you answer $\langle \hat w, x\rangle$ with a weight $\hat w$ of your own, and it is compared with $\langle w, x\rangle$, without noise.
# Which $\hat w$ is best, and what has the noise to do with it?
#
# **Predict first.** You will shrink your answer, because the labels are noisy. Suppose that you know the right amount for σ = 1. The noise becomes three
# times larger. Should you shrink as much as before, three times as strongly, or nine times?

# %%
import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import regression
from lt_helpers.labs import RidgeLab
from lt_helpers.table1 import paper_table

batch = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(1.0)).sample(1, np.random.default_rng(0))
x, y, w = batch.x[0], batch.y[0], batch.w[0]  # (n, d), (n,), (d,): one sequence
print("example   <w, x>     y    difference")
for i in range(4):
    print(f"{i:7d} {x[i] @ w:8.2f} {y[i]:7.2f} {y[i] - x[i] @ w:8.2f}")

# %% [markdown]
# ## Least squares
# The mean squared error over the examples is smallest where its gradient vanishes. Two means over the context are all that this needs:
#
# $$\Sigma = \tfrac1n \sum_i x_i x_i^T, \qquad \alpha = \tfrac1n \sum_i y_i x_i, \qquad \Sigma\, \hat w = \alpha .$$

# %%
n, d = x.shape
Sigma, alpha = x.T @ x / n, x.T @ y / n  # (d, d), (d,)
w_ols = np.linalg.solve(Sigma, alpha)
print("truth          ", np.round(w[:5], 2), "...")
print("least squares  ", np.round(w_ols[:5], 2), "...")
print("as the package ", np.round(lt.baselines.ols(x[None], y[None])[0, :5], 2), "...")

# %% [markdown]
# For a random query, the expected squared error of $\hat w$ is $|\hat w - w|^2$. The paper takes half of it, and so do we. An answer of 0 costs
# $\tfrac12 E|w|^2 = d/2 = 5$ on average. Is least squares worth it? Below, 4,000 sequences at each noise level: the same truths, inputs and noise directions, only σ differs.

# %%
def sequences(sigma, n=20, count=4000):
    """The same truths, inputs and noise directions for every sigma."""
    return lt.RegressionTask(10, n, lt.Fixed(sigma)).sample(count, np.random.default_rng(1))


def half_squared_error(w_hat, w):
    return ((w_hat - w) ** 2).sum(axis=-1).mean() / 2


print("sigma   least squares   answering 0")
for sigma in (0, 1, 2, 3, 4):
    batch = sequences(sigma)
    print(f"{sigma:5d} {half_squared_error(lt.baselines.ols(batch.x, batch.y), batch.w):13.2f} {half_squared_error(0, batch.w):13.2f}")

# %% [markdown]
# At σ = 3 least squares is no better than nothing: twenty examples for ten unknowns leave too little to average the noise out. It fits the noise. The cure is to keep
# only a part of its answer. Which part?
#
# ## How much to keep: one feature
# Let there be one feature, with mean square $s = \overline{x^2}$. Least squares then finds the truth plus an error of variance $\sigma^2/(n s)$. Keep the share $k$ of its
# answer, between 0 and 1. The expected squared error has two parts:
#
# $$\underbrace{(1-k)^2}_{\text{bias: what you gave up}} + \underbrace{k^2\,\frac{\sigma^2}{n s}}_{\text{variance: what the noise adds}}$$
#
# (the first uses that $w$ has mean square 1). Set the derivative in $k$ to zero:
#
# $$k = \frac{s}{s + \sigma^2/n}.$$

# %%
shares = np.linspace(0, 1, 1001)
s = 0.5
print("sigma   best share by search   s / (s + sigma^2/n)")
for sigma in (0, 1, 3, 5):
    error = (1 - shares) ** 2 + shares**2 * sigma**2 / (20 * s)
    print(f"{sigma:5d} {shares[error.argmin()]:15.3f} {s / (s + sigma**2 / 20):21.3f}")

# %% [markdown]
# ## Ten features: each direction its own share
# The eigenvectors of $\Sigma$ split ten features into ten problems with one feature each; $s$ is then the eigenvalue. A direction in which the inputs vary
# little has a small $s$, and little of it should be kept. **Ridge regression** does this in one formula. With a strength $\lambda$,
#
# $$\hat w = \Big(\Sigma + \frac{\lambda}{n} I\Big)^{-1} \alpha \qquad\text{keeps}\qquad \frac{s}{s + \lambda/n} \quad\text{of each direction.}$$
#
# Compare with the best share: **the right strength is $\lambda = \sigma^2$**, in all directions at once.

# %%
s, V = np.linalg.eigh(Sigma)  # (d,), (d, d): eigenvectors in columns
w_ridge = np.linalg.solve(Sigma + 1.0 / n * np.eye(d), alpha)  # sigma = 1
print("eigenvalue              ", np.round(s[[0, 3, 6, 9]], 3))
print("kept of least squares   ", np.round((V.T @ w_ridge / (V.T @ w_ols))[[0, 3, 6, 9]], 3))
print("s / (s + sigma^2/n)     ", np.round((s / (s + 1.0 / n))[[0, 3, 6, 9]], 3))
print("as the package computes it:", np.allclose(w_ridge, lt.baselines.ridge(x[None], y[None], sigma=1.0)[0]))

# %% [markdown]
# That was algebra. Now the test: try strengths on sequences with known σ.

# %%
strengths = np.array([0, 0.25, 1, 4, 9, 16, 36])
print("half squared error\nlambda ", "".join(f"{strength:7g}" for strength in strengths), "   best")
for sigma in (1, 2, 3, 4):
    batch = sequences(sigma)
    errors = np.array([half_squared_error(lt.baselines.ridge(batch.x, batch.y, np.sqrt(strength)), batch.w) for strength in strengths])
    print(f"sigma={sigma}", "".join(f"{error:7.3f}" for error in errors), f"{strengths[errors.argmin()]:6g}")

# %% [markdown]
# **Nine times.** The variance term holds σ², not σ. More examples do not change λ; they make the penalty λ/n fade.
#
# ## Excess risk
# Ridge regression that is told σ is called the **oracle**. Truth and noise are Gaussian, so the oracle is the mean of $w$ given the examples and σ, and no
# predictor has a smaller expected squared error. Still it errs: the noise hides a part of $w$ from everybody. So we count only what a predictor loses to the oracle. This
# **excess risk** is the paper's *adjusted loss* (sec. 6).
#
# Since the oracle is a conditional mean, its own error is uncorrelated with anything computed from the examples. So the excess risk equals
# $\tfrac12 E|\hat w - w_\text{oracle}|^2$: no truth is needed. Both ways, for least squares:

# %%
print("sigma   difference of errors   half squared distance to the oracle")
for sigma in (1, 2, 3):
    batch = sequences(sigma, count=8000)
    ols, oracle = lt.baselines.ols(batch.x, batch.y), lt.baselines.ridge(batch.x, batch.y, sigma)
    difference = half_squared_error(ols, batch.w) - half_squared_error(oracle, batch.w)
    print(f"{sigma:5d} {difference:16.3f} {half_squared_error(ols, oracle):25.3f}")

# %% [markdown]
# ## Predict, then slide
# One sequence again. The truth, the inputs and the direction of the noise stay; σ scales the noise, and a longer context continues a shorter one. There is no
# transformer here: **you** choose λ. Write down your guesses:
#
# 1. **The best λ at σ = 4.** Set the pink marker.
# 2. **At λ = 0.01, n goes from 40 to 20, to 10, to 5.** At which is the error largest?
# 3. **At σ = 2, n goes from 20 to 80.** Does the best λ grow, fall, or stay? And the error that is left there?
#
# Then slide. Bring the blue dot to the bottom of the black curve at σ = 1, 2 and 4.

# %% tags=["nbval-ignore-output"]
RidgeLab(sigma=1.0, context=20, strength=0.01)

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The ridge lab at sigma = 3 with lambda = 1. Top left: ten components of the ridge weight in blue, between zero and the orange-red rings of least squares, beside the truth in black. Top right: the share of each direction that is kept, above the curve for lambda = sigma squared. Bottom left: bias rises with lambda, variance falls, and their sum is smallest near lambda = 9. Bottom right: the best lambda follows sigma squared on a straight line.](../docs/pictures/ridge-lab.png)
#
# </details>
#
# - **Bottom left.** The error, averaged over truths and noises at these inputs. More λ, more bias and less variance. Sliding σ moves the variance only.
# - **Bottom right.** The green line leaves a trail of the λ where that average is smallest, found by search. The orange-red triangle is the best λ for this one truth and noise.
# - **Top left.** λ pulls the blue dots from the rings of least squares to 0. Some get closer to the truth, others do not.
# - **Top right.** Blue above green: you keep too much.
#
# Press *New sequence* a few times: the triangle jumps, the green line does not. What is best for one sequence is luck; only the average can be known beforehand.

# %%
print("   n   best lambda, sigma = 2   error there   error at lambda = 0.01")
for examples in (5, 10, 20, 40, 80):
    state = RidgeLab.compute(sigma=2.0, context=examples, strength=0.01, seed=3)
    print(f"{examples:4d} {state.trail[-1, 1]:15.1f} {state.smallest:20.2f} {state.bias + state.variance:18.2f}")

# %% [markdown]
# **Predictions 2 and 3.** The best λ stays: σ² does not know about $n$. Without shrinkage the error is largest at $n = d = 10$, larger than with five examples: with as many
# examples as features some direction is nearly unseen, and dividing by its tiny $s$ blows the noise up. With five examples, five directions are not seen at all; nothing is divided, and
# the answer there is 0.
#
# ## Nobody tells the transformer σ
# In the paper's harder setting, *mixed noise*, each sequence draws its own σ, here from U(0, 5), and the predictor must do without it. Then no λ is right for all. The best fixed one
# is the mean of σ² (ConstRR in the paper); AdaRR estimates σ² from the residuals of least squares. A trained linear transformer joins the table.

# %%
noise = lt.Uniform(5.0)
task = lt.RegressionTask(10, 20, noise)
predictors = {
    "answering 0": lambda x, y: np.zeros(x[:, 0].shape),
    "least squares": lt.baselines.ols,
    "ConstRR": lambda x, y: lt.baselines.const_rr(x, y, noise),
    "AdaRR": lt.baselines.ada_rr,
    "transformer": lt.load_pretrained("diag", layers=4, noise=noise),
}
printed = {"ConstRR": ("ConstRR", None), "AdaRR": ("AdaRR", None), "transformer": ("diag", 4)}
print(f"ConstRR takes lambda = {noise.mean_square:.2f}\nexcess risk       ours     paper (Table 1)")
for name, predictor in predictors.items():
    loss, error = lt.adjusted_loss(predictor, task, samples=20_000, rng=np.random.default_rng(2))
    paper = f"{paper_table()[*printed[name], noise.key]:8.3f}" if name in printed else ""
    print(f"{name:14} {loss:7.3f} ± {error:.3f} {paper}")

# %% [markdown]
# The transformer, with four layers, was trained on such sequences and nothing else. How it comes close to the oracle without being told σ is what the rest of the series is about.
#
# ## Exercise
# ### Exercise: ridge regression
# (5 minutes, level: first steps)
#
# Write the oracle for one sequence.

# %% tags=["exercise"]
def my_ridge(x, y, sigma):
    """x (n, d), y (n,), sigma: the standard deviation of the noise.  ->  w (d,)"""
    ...


# %% tags=["check"]
regression.ridge.check(my_ridge)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Take the cell that computes `w_ols` and add one term to `Sigma`.
#
# </details>
# <details><summary>Hint</summary>
#
# The term is a number times `np.eye(d)`. The number is λ/n with λ = σ².
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_ridge(x, y, sigma):
#     n, d = x.shape
#     return np.linalg.solve(x.T @ x / n + sigma**2 / n * np.eye(d), x.T @ y / n)
# ```
#
# </details>

# %% [markdown]
# ## Discussion
# - **Why σ² and no other constant?** Because each entry of $w$ has variance 1. For another variance $\tau^2$ the right strength is $\sigma^2/\tau^2$. A model that is trained on this task
#   has learned $\tau = 1$ along with everything else.
# - **Means and sums.** The paper writes sums over the context, where the penalty is σ²; this series takes means, where it is σ²/n. The answer is the same.
# - **Where it ends.** The oracle is best for Gaussian truths and noise. With outliers or sparse truths other predictors win.
# - **The paper** uses this task, with $d = 10$ and $n = 20$ (sec. 2.2), and compares with the same ridge baselines (sec. 6, Table 1). What it does not have is the best possible
#   predictor for unknown σ; [08](08_how_good_is_it.ipynb) adds it.
#
# ## Quiz
# **1.** Your ridge regression uses sums: $(X^T X + c\,I)^{-1} X^T y$. Which $c$ is right for σ = 2 and $n = 50$?
# <details><summary>Answer</summary>4. With sums the penalty is σ², whatever n is.</details>
#
# **2.** σ² = n and a direction has s = 1. How much of it do you keep?
# <details><summary>Answer</summary>Half: 1 / (1 + 1).</details>
#
# **3.** Why is the excess risk of the oracle 0, while its error is not?
# <details><summary>Answer</summary>It is measured against itself. What it gets wrong, the examples do not determine, and nobody can know.</details>
#
# **4.** ConstRR uses one λ for all sequences of U(0, 5). On which sequences does it shrink too much?
# <details><summary>Answer</summary>On those with σ² below its λ = 25/3, so σ below 2.9: more than half of them.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: sec. 2.2, sec. 6, Table 1.
# - Garg, Tsipras, Liang, Valiant: *What Can Transformers Learn In-Context?*, NeurIPS 2022, [arXiv 2208.01066](https://arxiv.org/abs/2208.01066): regression as a task for transformers.
# - Akyürek, Schuurmans, Andreas, Ma, Zhou: *What Learning Algorithm is In-Context Learning?*, ICLR 2023, [arXiv 2211.15661](https://arxiv.org/abs/2211.15661): transformers against
#   least squares and ridge.
# - Hoerl, Kennard: *Ridge Regression: Biased Estimation for Nonorthogonal Problems*, Technometrics 12 (1970).
