# %% [markdown]
# # 02  In-context regression
# *The task that the transformer is given: twenty noisy examples, one answer. The best answer is smaller than the one that fits best.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import RidgeLab, surprises

lab = RidgeLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The ridge lab at sigma = 3 with lambda = 1. Top left: ten components of the ridge weight in blue, between zero and the orange-red rings of least squares, beside the truth in black. Top right: the share of each direction that is kept, above the curve for lambda = sigma squared. Bottom left: bias rises with lambda, variance falls, and their sum is smallest near lambda = 9. Bottom right: the best lambda follows sigma squared on a straight line.](../docs/pictures/ridge-lab.png)
#
# </details>
#
# Answer its first question now, and leave *Next* alone: the other four come below, once their words have been explained.
#
# **You will be able to** solve a sequence by least squares and by ridge regression; derive how much to shrink, for any noise level; read the noise off what a predictor keeps; say what the excess
# risk is.
#
# **Takes** 35 minutes. **Needs** [01](01_linear_attention.ipynb), least squares, eigenvectors of a symmetric matrix, a little NumPy. Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $\lambda$ ridge regression's penalty; $s$ an eigenvalue of $\Sigma$: how much the inputs vary along a direction; $w^*$ the truth: the weights that made the labels; $w_o$ the oracle's weights:
# ridge regression that is told $\sigma$.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** A linear transformer has read 20 examples with $d = 10$ features. How many numbers does it keep of them?
# <details><summary>Answer</summary>The 11 × 11 entries of S.</details>
#
# **2.** Two contexts differ in $v$ alone. Does least squares answer differently?
# <details><summary>Answer</summary>No: it needs Σ and α only.</details>
#
# **3.** In 00, at $\sigma = 4$, the best-fitting line had slope 2. What was the true slope on average?
# <details><summary>Answer</summary>1.11.</details>
#
# ## The question
# One sequence is a small regression problem (sec. 2.2). A truth $w^*$ is drawn, then $n$ inputs $x_i$ with $d$ features each, all from a standard normal distribution. The labels carry noise whose standard
# deviation is $\sigma$:
#
# $$y_i = \langle w^*, x_i\rangle + \sigma\, \xi_i, \qquad \xi_i \sim N(0, 1).$$
#
# You see the $n$ pairs. You answer with weights $w$ of your own, and are compared with the truth: half the squared distance, $\tfrac12 |w - w^*|^2$. (For a random new input $x$ that is the mean of
# $\tfrac12 \langle w - w^*, x\rangle^2$, because the mean of $x x^T$ is $I$.) Which $w$ is best?

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import regression
from lt_helpers.table1 import paper_table

# %% [markdown]
# ## Least squares
# Least squares makes the mean squared residual smallest. Its gradient vanishes where
#
# $$\Sigma\, w = \alpha, \qquad \Sigma = \tfrac1n \sum_i x_i x_i^T, \quad \alpha = \tfrac1n \sum_i y_i x_i .$$
#
# These are two blocks of $S$, known from [01](01_linear_attention.ipynb).

# %%
batch = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(1.0)).sample(1, np.random.default_rng(0))
x, y, truth = batch.x[0], batch.y[0], batch.w[0]  # (n, d), (n,), (d,): one sequence
n, d = x.shape

Sigma, alpha = x.T @ x / n, x.T @ y / n  # (d, d), (d,)
w_ols = np.linalg.solve(Sigma, alpha)
print("truth          ", np.round(truth[:5], 2), "...")
print("least squares  ", np.round(w_ols[:5], 2), "...")

# %% [markdown]
# Is that better than no answer at all? An answer of 0 costs $\tfrac12 E|w^*|^2 = d/2 = 5$ on average. Below are 4,000 sequences at each noise level: the same $w^*$, $x$ and $\xi$, only $\sigma$ differs.

# %%
def sequences(sigma, n=20, count=4000):
    """The same truths, inputs and xi for every sigma."""
    return lt.RegressionTask(10, n, lt.Fixed(sigma)).sample(count, np.random.default_rng(1))


def half_squared_error(w, truth):
    return ((w - truth) ** 2).sum(axis=-1).mean() / 2


print("sigma   least squares   answering 0")
for sigma in (0, 1, 2, 3, 4):
    batch = sequences(sigma)
    print(f"{sigma:5d} {half_squared_error(lt.baselines.ols(batch.x, batch.y), batch.w):13.2f} {half_squared_error(0, batch.w):13.2f}")

# %% [markdown]
# At $\sigma = 3$ least squares is no better than nothing. Twenty examples for ten unknowns leave too little to average the noise out, so least squares fits the noise. It helps to keep only a **share** of
# its answer, a number between 0 and 1. Which share?
#
# ## One feature: how much to keep
# Let there be one feature, with mean square $s = \overline{x^2}$. First, what least squares finds. Put the labels into its formula:
#
# $$w_\text{ols} = \frac{\alpha}{\Sigma} = \frac{\overline{x y}}{s} = w^* + \frac{\sigma}{s}\,\overline{x \xi}.$$
#
# The last term is the error of least squares. Take the inputs as given. Then the noise alone is random: $x_i \xi_i$ has variance $x_i^2$, so the mean of $n$ such terms has variance $s/n$. The error of least squares then has variance
# $\sigma^2/s^2 \cdot s/n = \sigma^2/(n s)$.
#
# Now keep the share $k$. The answer $k\,w_\text{ols}$ misses $w^*$ by $(k - 1)\,w^*$, and by $k$ times that error. The two are independent, so their mean squares add up to the expected squared error:
#
# $$\underbrace{(1-k)^2}_{\text{bias: what you gave up}} + \underbrace{k^2\,\frac{\sigma^2}{n s}}_{\text{variance: the noise that you kept}}$$
#
# (the first uses that $w^*$ has mean square 1). Set the derivative in $k$ to zero: $(1-k) = k\,\sigma^2/(n s)$. The best share is
#
# $$k = \frac{s}{s + \sigma^2/n}.$$
#
# ### Act 1: the share
# (one line) Write it. The check then compares with what you saw in 00.

# %% tags=["exercise"]
def share_kept(s, sigma, n):
    """s: mean square of the input; sigma: the noise; n: examples  ->  the best share, a number"""
    ...


# %% tags=["check"]
regression.share_kept.check(share_kept)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def share_kept(s, sigma, n):
#     return s / (s + sigma**2 / n)
# ```
#
# </details>

# %%
share = regression.share_kept.use(share_kept)  # yours, once it is right
grid = np.linspace(0, 1, 1001)
print("sigma   best share by search   by formula   (s = 1/2, n = 20)")
for sigma in (0, 1, 3, 5):
    error = (1 - grid) ** 2 + grid**2 * sigma**2 / (20 * 0.5)
    print(f"{sigma:5d} {grid[error.argmin()]:15.3f} {share(0.5, sigma, 20):17.3f}")

# %% [markdown]
# ## Turn it round: a noise meter
# The formula goes both ways. Watch which share a predictor keeps, and you know **the $\sigma$ on which it acts**, whether it was told one or not. This meter comes back in [07](07_noise_adaptive_step_sizes.ipynb).
#
# ### Act 2: read the noise off a share
# (one line) With $s = 1$: solve $k = 1/(1 + \sigma^2/n)$ for $\sigma$.

# %% tags=["exercise"]
def noise_read(share, n):
    """share: kept of least squares, with s = 1; n: examples  ->  sigma"""
    ...


# %% tags=["check"]
regression.noise_read.check(noise_read)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Turn both sides over: $1/k = 1 + \sigma^2/n$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def noise_read(share, n):
#     return np.sqrt(n * (1 / share - 1))
# ```
#
# </details>

# %%
meter = regression.noise_read.use(noise_read)  # yours, once it is right
print("00's model had slope 1.85 of 2 at sigma = 1: it acts on", round(float(meter(1.85 / 2, 20)), 1))
print("00's model had slope 1.08 of 2 at sigma = 4: it acts on", round(float(meter(1.08 / 2, 20)), 1))
print("00's GD++ had slope 1.41 of 2 at every sigma: it acts on", round(float(meter(1.41 / 2, 20)), 1))

# %% [markdown]
# (The twenty points of 00 have $s = 1$.) Nobody told the model of 00 its $\sigma$, yet it acts on 1.3 where 1 is right, and on 4.1 where 4 is. GD++ acts on 2.9 always. That is the root of 25/3, the mean of $\sigma^2$ in its training.
#
# ## Ten features: ten problems of one
# The inputs of one sequence form a cloud. It is longer in some directions than in others, and its long axis is turned.
#
# ![Two clouds of eighty points with an ellipse around each. Left, as they come: the ellipse is turned, and its long axis is called large s, its short one small s. Right, along the eigenvectors: the same cloud, turned so that the long axis lies on the first coordinate and the short one on the second.](../docs/pictures/turned-ellipse.svg)
#
# Its axes are the eigenvectors of $\Sigma$, and the eigenvalue $s$ says how much the inputs vary along each. Take them as coordinates. The features are then uncorrelated, and $\Sigma\, w = \alpha$ falls apart into ten
# equations $s\, w_i = \alpha_i$. Turning changes nothing else: the components of $w^*$ are still independent, with mean square 1, and the labels stay as they are. **Each direction is a problem with one
# feature, and its best share is $s/(s + \sigma^2/n)$.** Where the inputs vary little, little is kept.
#
# **Ridge regression** does this in one formula. It takes the $w$ for which $\sum_i (y_i - \langle w, x_i\rangle)^2 + \lambda |w|^2$ is smallest: a large $w$ costs a *penalty*, $\lambda$. Where the gradient is zero,
#
# $$\Big(\Sigma + \frac{\lambda}{n} I\Big)\, w = \alpha .$$
#
# Along an eigenvector that says $(s + \lambda/n)\, w_i = \alpha_i$, where least squares has $s\, w_i = \alpha_i$. So ridge regression keeps the share $s/(s + \lambda/n)$ of each direction. Which $\lambda$ is right?
#
# The lab again, from its second question on:

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
more = RidgeLab(beat="share")
more

# %% [markdown]
# Compare the share that ridge keeps, $s/(s + \lambda/n)$, with the best one, $s/(s + \sigma^2/n)$: **the right penalty is $\lambda = \sigma^2$**, in all directions at once.
#
# In numbers, for the sequence with which this notebook began, at $\sigma = 1$:

# %%
eigenvalues, V = np.linalg.eigh(Sigma)  # (d,), (d, d): eigenvectors in columns
w_ridge = np.linalg.solve(Sigma + 1.0 / n * np.eye(d), alpha)  # sigma = 1
some = [0, 3, 6, 9]
print("eigenvalue s            ", np.round(eigenvalues[some], 3))
print("kept of least squares   ", np.round((V.T @ w_ridge / (V.T @ w_ols))[some], 3))
print("s / (s + sigma^2/n)     ", np.round(share(eigenvalues[some], 1.0, n), 3))

# %% [markdown]
# ## The oracle, and the excess risk
# Ridge regression that is told $\sigma$ is called the **oracle**; its weights are $w_o$. It is the mean of $w^*$ given the examples and $\sigma$, and no predictor has a smaller expected
# squared error. Still it errs, because the examples do not contain all that it would have to know. So the series counts what a predictor loses to the oracle: the **excess risk**, the paper's *adjusted
# loss* (sec. 6).
#
# <details><summary>Why it is the mean</summary>
#
# Given the examples, $w$ is as likely as the product of two bell curves says, that of $w$ and that of the noise $y - \langle w, x\rangle$: as $e^{-R/(2\sigma^2)}$ with $R = \sum_i (y_i - \langle w, x_i\rangle)^2 + \sigma^2 |w|^2$. That is a
# bell curve again. Its mean is its top, where $R$ is smallest: ridge regression with $\lambda = \sigma^2$.
#
# </details>
#
# There are two ways to compute the excess risk: as a difference of errors, which needs the truth; or as $\tfrac12 E|w - w_o|^2$, which does not. For least squares, on 8,000 sequences, the two
# are the same but for chance:

# %% jupyter={"source_hidden": true}
print("sigma   difference of errors   half squared distance to the oracle")
for sigma in (1, 2, 3):
    batch = sequences(sigma, count=8000)
    ols, oracle = lt.baselines.ols(batch.x, batch.y), lt.baselines.ridge(batch.x, batch.y, sigma)
    difference = half_squared_error(ols, batch.w) - half_squared_error(oracle, batch.w)
    print(f"{sigma:5d} {difference:16.3f} {half_squared_error(ols, oracle):25.3f}")

# %% [markdown]
# <details><summary>Why the two agree</summary>
#
# Write $w - w^* = (w - w_o) + (w_o - w^*)$. The first part is computed from the examples. The second, the oracle's own error, has mean 0 given the examples, whatever they are. So the two are uncorrelated, and
# their mean squares add up: $E|w - w^*|^2 = E|w - w_o|^2 + E|w_o - w^*|^2$.
#
# </details>
#
# ## Nobody tells the transformer σ
# In the paper's harder setting, *mixed noise*, each sequence draws its own $\sigma$, here anything between 0 and 5, *U(0, 5)*, and the predictor is not told. Then no $\lambda$ is right for all. The best fixed one is the mean of $\sigma^2$
# (*ConstRR* in the paper): the variance is in proportion to $\sigma^2$, so on average its mean counts. *AdaRR* estimates $\sigma^2$ from the residuals of least squares. A trained linear transformer joins the table. (After ±: the standard error.)

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
# The transformer has four layers. It was trained on such sequences and on nothing else. How it comes so close without being told $\sigma$ is what the rest of the series is about.
#
# ## Exercise
# ### Act 3: ridge regression
# (5 minutes, level: first steps) Write the oracle for one sequence.

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
# ## What surprised you
# Run this cell once you have been through both parts of the lab.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab, more)

# %% [markdown]
# ## Discussion
# - **Why $\sigma^2$ and no other constant?** Because each entry of $w^*$ has variance 1. For another variance $\tau^2$ the right penalty is $\sigma^2/\tau^2$. A model that is trained on this task has learned $\tau = 1$ along
#   with everything else.
# - **Means and sums.** The paper writes sums over the context, and adds $\sigma^2$ to the diagonal; this series takes means, and adds $\sigma^2/n$. The answer is the same.
# - **Where it ends.** The oracle is best for Gaussian truths and noise. With outliers or sparse truths other predictors win.
# - **One sequence and the average.** In the lab, under *Everything*, press *New sequence*: the best $\lambda$ for one sequence jumps, the best on average stays. Only that one can be known beforehand.
# - **The paper** uses this task, with $d = 10$ and $n = 20$ (sec. 2.2), and compares with the same ridge baselines (sec. 6, Table 1). [08](08_how_good_is_it.ipynb) adds the best possible predictor for unknown
#   $\sigma$.
#
# ## Quiz
# **1.** Your ridge regression uses sums: $(X^T X + c\,I)^{-1} X^T y$. Which $c$ is right for σ = 2 and $n = 50$?
# <details><summary>Answer</summary>4. With sums the penalty is σ², whatever n is.</details>
#
# **2.** σ² = n and a direction has s = 1. How much of it do you keep?
# <details><summary>Answer</summary>Half: 1 / (1 + 1).</details>
#
# **3.** Why is the excess risk of the oracle 0, while its error is not?
# <details><summary>Answer</summary>It is measured against itself. Its remaining error comes from information that the examples do not contain.</details>
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
