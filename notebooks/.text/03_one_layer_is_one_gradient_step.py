# %% [markdown]
# # 03  One layer is one gradient step
# *A few numbers in P and Q make a layer walk one step downhill. Set the length of the step, and watch where four layers, or seven, end.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import GradientLab, surprises

lab = GradientLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The gradient lab. Top left: ellipses, the contours of the mean squared error, with the path of the built model in blue zigzagging across the valley and that of the trained model in orange. Top right: the error of the built model against the step size, as far as the slider has come: it falls, and then rises again. Bottom left: error by layer of both models, beside the levels of ridge regression and least squares.](../docs/pictures/gradient-lab.png)
#
# </details>
#
# **You will be able to** write down P and Q of a layer that does one step of gradient descent, and stack such layers; say which directions are learned fast, and when the steps diverge; derive the best step of a
# single layer, and find it in a layer that was trained.
#
# **Takes** 45 minutes. **Needs** the layer of [01](01_linear_attention.ipynb), and ridge regression and eigenvalues from [02](02_in_context_regression.ipynb). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $P, Q$ the two matrices of a layer: the model's weights; $S$ the mean of $e e^T$: all that a layer knows of its context; $\Sigma, \alpha, v$ the blocks of $S$: the means of $x x^T$, $y x$ and $y^2$;
# $\eta$ a step size; $r$ a residual, $y - \langle w, x\rangle$; $s$ an eigenvalue of $\Sigma$: how much the inputs vary along a direction.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** Four points have $\Sigma = 1$, $\alpha = 2$ and $v = 5$. Which slope does least squares find? ([02](02_in_context_regression.ipynb))
# <details><summary>Answer</summary>The one that solves Σw = α: w = 2.</details>
#
# **2.** Ridge regression keeps the share $s/(s + \sigma^2/n)$ of a direction. How much is that for $s = 0.5$, $\sigma^2 = 10$, $n = 20$? ([02](02_in_context_regression.ipynb))
# <details><summary>Answer</summary>σ²/n is 0.5, so it keeps one half.</details>
#
# **3.** A model reads twenty other examples. Which change: $P$ and $Q$, or $S$? ([00](00_start_here.ipynb))
# <details><summary>Answer</summary>S alone. P and Q are the model's weights, and stay.</details>

# %% [markdown]
# ## The bowl
# Here are the four points of [01](01_linear_attention.ipynb) again: $x = (-1, -1, 1, 1)$. The quiet labels, A, are $(-1, -3, 3, 1)$, and the noisy ones, A′, are $(0, -4, 4, 0)$. A line with slope $w$ leaves the residuals
# $r = y - w x$. The mean of $r^2$ is $v - 2\alpha w + \Sigma w^2$. Draw it for every $w$:
#
# ![Two bowls over w, with their bottoms at w = 2. That of A touches height 1, that of A prime height 4. On A's bowl stand four points that come down from w = 0 over 1 and 1.5 to 1.75.](../docs/pictures/bowl-of-four-points.svg)
#
# For A the height is $5 - 4 w + w^2 = 1 + (w - 2)^2$. For A′, whose $v$ is 8, it is $4 + (w - 2)^2$. Both bottoms lie at $w = 2$, the least-squares slope. **Where the bottom lies tells $w$. How high it lies tells the noise:** there
# the line fits as well as it can, and what is left over is noise. ([06](06_adaptive_rescaling.ipynb) uses that.) The lab shows such a bowl from above, for two features.
#
# Gradient descent walks down. It starts at $w = 0$, and repeats
#
# $$w \leftarrow w + \eta\, g, \qquad g = \alpha - \Sigma w .$$
#
# <details><summary>Why g points downhill</summary>
#
# Half the mean of $r^2$ is $\tfrac12 v - \langle\alpha, w\rangle + \tfrac12 \langle w, \Sigma w\rangle$. Its derivative with respect to $w$ is $\Sigma w - \alpha = -g$. The gradient points uphill, so $g$ points downhill.
#
# </details>
#
# On A with $\eta = \tfrac12$: at first $g = 2$, so $w = 1$. Now $g = 2 - 1 = 1$, so $w = 1.5$. Then $g = 0.5$, and $w = 1.75$. Those are the points in the figure. The steps get shorter, because the bowl gets flatter.
#
# ### Exercise: walk down
# (level: first steps)
#
# Three lines: start at $w = 0$, and take `steps` steps.

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import gradient
from lt_helpers.labs.gradient import descent_model
from lt_helpers.pretrained import origin
from lt_helpers.spectrum import Spectrum
from lt_helpers.training.live import LiveRun


# %% tags=["exercise"]
def descend(Sigma, alpha, eta, steps):
    """Sigma (d, d), alpha (d,), eta a number, steps a whole number  ->  w (d,)"""
    ...


# %% tags=["check"]
gradient.descent.check(descend)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Start with `w = np.zeros(len(alpha))`, and end with `return w`. Between them stands a loop.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def descend(Sigma, alpha, eta, steps):
#     w = np.zeros(len(alpha))
#     for _ in range(steps):
#         w = w + eta * (alpha - Sigma @ w)
#     return w
# ```
#
# </details>

# %% [markdown]
# ## A layer that does it
# A linear transformer has no loop, and no $w$ to store. It has tokens $e = (x, y)$, and a layer adds $P\,S\,Q\,e$ to each of them ([01](01_linear_attention.ipynb)):
#
# $$e \leftarrow e + P\,S\,Q\,e, \qquad S = \begin{pmatrix}\Sigma & \alpha\\ \alpha^T & v\end{pmatrix}.$$
#
# The query enters as $(x, 0)$, and the answer is *minus* what stands in the place of its label at the end. So after one step from $w = 0$, where $w = \eta\,\alpha$, the query must have **sunk** by $\eta\,\langle\alpha, x\rangle$. This
# update does it:
#
# $$P\,S\,Q = \begin{pmatrix} 0 & 0\\ -\eta\,\alpha^T & 0\end{pmatrix}.$$
#
# On a token $(x, y)$ it adds $-\eta\,\langle\alpha, x\rangle$ to the last coordinate, whatever $y$ is, and leaves $x$ alone. So the examples move as the query does, each by $-w x$: those on the right sink, those on the left rise. What is left of their labels is $y - w x$, **their residuals**:
#
# ![Three plots of the four points as blue dots and the query as a red dot. With w = 0 the points rise to the right and the query stands at height 0. With w = 1 the points are lower on the right and higher on the left, at heights 0, -2, 2, 0, and the query has sunk from 0 to -2. With w = 1.5 the points lie still flatter, and the query stands at -3.](../docs/pictures/layers-on-four-points.svg)
#
# Left: before the layer. Middle: after it. The query at $x = 2$ (red) stands at $-2$, so the answer is 2, as $w = 1$ says.
#
# ### Exercise: P and Q for one step
# (level: practice)
#
# Which $P$ and $Q$ make that update, whatever $S$ is? The first half is given: take a $P$ that is 0 but for its last entry, 1. Then $P\,S$ keeps the last row of $S$, which is $(\alpha^T, v)$, and drops the rest. Which $Q$
# makes $(-\eta\,\alpha^T, 0)$ of $(\alpha^T, v)$?

# %% tags=["exercise"]
def my_layer(dim, step):
    """-> P, Q, both (dim + 1, dim + 1): one step of gradient descent of size `step`"""
    ...


# %% tags=["check"]
gradient.one_step.check(my_layer)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Begin with `P, Q = np.zeros((2, dim + 1, dim + 1))` and `P[-1, -1] = 1`.
#
# </details>
# <details><summary>Hint</summary>
#
# $Q$ multiplies from the right, so it mixes columns. Keep the first $d$ columns, each times $-\eta$, and drop the last one.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_layer(dim, step):
#     P, Q = np.zeros((2, dim + 1, dim + 1))
#     P[-1, -1] = 1
#     Q[:dim, :dim] = -step * np.eye(dim)
#     return P, Q
# ```
#
# </details>

# %% [markdown]
# For $d = 10$, $P$ and $Q$ have 242 entries. **Eleven** of them are not zero: one in $P$, which says what is written (the label), and ten in $Q$, which say what is read (the inputs). Of the four numbers of a DIAG layer one
# is at work, $\omega_{yx} = -\eta$. The package's `descent_model` builds such layers. Here is one on the four points:

# %%
four_x, labels_A = np.array([[-1.0], [-1], [1], [1]]), np.array([-1.0, -3, 3, 1])
four_tokens = np.column_stack([four_x, labels_A])  # (n, d+1): one token a row


def layer(tokens, P, Q):
    """One layer, as you wrote it in 01: each token e becomes e + P S Q e."""
    S = tokens.T @ tokens / len(tokens)
    return tokens + tokens @ (P @ S @ Q).T


half_step = descent_model(step=0.5, layers=1, dim=1)
after_one = layer(four_tokens, half_step.P[0, 0], half_step.Q[0, 0])  # of its first layer, and there of the first head
print("x and y before:", four_tokens.tolist())
print("x and y after: ", (after_one + 0.0).tolist())
print("answer at x = 2:", half_step(four_x[None], labels_A[None], np.array([[2.0]]))[0])

# %% [markdown]
# ## The next layer takes the next step
# The second layer meets the same inputs, but residuals in place of labels. Where the first layer read $\alpha$, the mean of $y\,x$, it reads the mean of $r\,x$:
#
# $$\overline{r\,x} = \overline{y\,x} - \overline{x\,x^T}\,w = \alpha - \Sigma w = g .$$
#
# That is the direction of the next step. So the same $P$ and $Q$, used again, take the second step (the right plot above: $w = 1.5$), and **$L$ equal layers take $L$ steps** of gradient descent (von Oswald et al.
# 2023). The $w$ that a layer has arrived at is its *implicit weight*: it is stored nowhere, and every token has moved by $-\langle w, x\rangle$.
#
# Does that hold for ten features, twenty examples and twelve layers? The next cell compares with a loop, on 500 random sequences.

# %%
batch = lt.RegressionTask(dim=10, context=20, noise=lt.Uniform(5.0)).sample(500, np.random.default_rng(0))
for depth in (1, 4, 12):
    by_layers = lt.implicit_regression(descent_model(0.3, depth, dim=10), batch.x, batch.y).w[:, -1]  # (B, d)
    by_loop = np.zeros_like(batch.w)
    for _ in range(depth):
        residual = batch.y - (batch.x @ by_loop[..., None])[..., 0]  # (B, n)
        by_loop = by_loop + 0.3 * (residual[..., None] * batch.x).mean(axis=1)
    same = np.allclose(by_layers, by_loop, rtol=0, atol=1e-12)
    print(f"depth {depth:2d}: the layers and the loop {'agree to 1e-12' if same else 'DIFFER'}")

# %% [markdown]
# ## Fast and slow directions
# Now four points with two features, at the corners $(\pm 2, \pm 1)$ of a rectangle. Their $\Sigma$ is diagonal with the entries 4 and 1: the inputs vary more along the first direction. Without noise, and with the truth
# $(1, 1)$, $\alpha = (4, 1)$. Take $\eta = \tfrac14$, by hand: the first step gives $w = (1, \tfrac14)$, the second $(1, \tfrac7{16})$. The first entry was right at once. The second one creeps.
#
# In general, with $w_\text{ols}$ for the least-squares answer, $g = \Sigma\,(w_\text{ols} - w)$, since $\alpha = \Sigma\, w_\text{ols}$. So along an eigenvector of $\Sigma$ a step multiplies what is still missing by $1 - \eta s$. After $L$ steps the share that has been found is
#
# $$1 - (1 - \eta s)^L .$$
#
# Why not take longer steps? Because of the strong direction. If $\eta s > 2$, then $1 - \eta s$ is below $-1$, and each step overshoots by more than the last. So **gradient descent diverges for $\eta > 2/s_\text{max}$**.
# Here that is $\tfrac12$; in the lab it was $2/1.46 = 1.37$.

# %%
corners = np.array([[2.0, 1], [-2, 1], [-2, -1], [2, -1]])
no_noise = corners.sum(axis=1)  # the truth is (1, 1)
walk = lt.implicit_regression(descent_model(0.25, 4, dim=2), corners[None], no_noise[None])
print("eta = 0.25: w by layer", [(row + 0.0).round(4).tolist() for row in walk.w[0]])
for eta in (0.49, 0.51):
    end = lt.implicit_regression(descent_model(eta, 60, dim=2), corners[None], no_noise[None]).w[0, -1]
    print(f"eta = {eta}: w after 60 layers", end.round(2).tolist())

# %% [markdown]
# Weak directions then learn slowly: they must use the same $\eta$. [05](05_preconditioning_and_momentum.ipynb) shows what layers can do about that.
#
# ## With noise, the bottom is not the goal
# The bottom of the bowl is the least-squares answer, and with noise that is not the best one ([02](02_in_context_regression.ipynb)): of a direction only $s/(s + \sigma^2/n)$ is to be kept. In the lab's fourth step you saw what that means
# for descent. At $\sigma = 4$ the first of seven layers was the best, and later layers fitted the noise. As long as $\eta s$ is below 1, stopping early leaves every share below 1, and those of weak directions furthest below. Ridge
# regression does the same. The best step size, on 4,000 random sequences:

# %% jupyter={"source_hidden": true}
GRID = np.arange(1, 61) / 40  # step sizes


def sample_spectra(noise):
    """4000 sequences -> their Spectrum (along the eigenvectors of each Sigma) and the oracle's weights (B, d)."""
    moments = lt.RegressionTask(10, 20, noise).sample_moments(4000, np.random.default_rng(0))
    spectrum = Spectrum.from_moments(moments.S, context=20)
    return spectrum, spectrum.ridge(moments.sigma)


def excess_risk(w, oracle):
    return ((w - oracle) ** 2).sum(axis=-1).mean(axis=-1) / 2


def excess_of_descent(spectrum, oracle, layers):
    """The excess risk of `layers` steps, for each step size of GRID -> (60,)"""
    found = 1 - (1 - GRID[:, None, None] * spectrum.s) ** layers  # (60, B, d)
    return excess_risk(found * spectrum.alpha / spectrum.s, spectrum.components(oracle))


# %% jupyter={"source_hidden": true}
excess_by_step = {
    (depth, sigma): excess_of_descent(*sample_spectra(lt.Fixed(sigma)), depth) for depth in (1, 4, 16) for sigma in (0, 1, 4)
}
for title, number in (
    ("best step size", lambda excess: GRID[excess.argmin()]),
    ("excess risk with it", lambda excess: excess.min()),
):
    print(f"{title:20}  sigma = 0  sigma = 1  sigma = 4")
    for depth in (1, 4, 16):
        row = [f"{number(excess_by_step[depth, sigma]):11.3f}" for sigma in (0, 1, 4)]
        print(f"{depth:7d} layer{' ' if depth == 1 else 's'}      ", *row, sep="")

# %% [markdown]
# With much noise the best step is short. (One layer loses *less* by its best step there: ridge keeps less of the labels, so there is less to catch up on.) With noise, sixteen layers and the right step, descent comes close to the oracle: its excess risk is 0.02 and 0.04. But one must know which step is right, and that depends on $\sigma$. A built layer
# has one fixed step. The trained model of the lab's last step kept near ridge at $\sigma = 1$ and at $\sigma = 4$, with frozen weights: it is not plain gradient descent. [06](06_adaptive_rescaling.ipynb) finds out what it does.
#
# ### Exercise: the best step of one layer
# (level: stretch)
#
# One layer answers $w = \eta\,\alpha$. For random sequences with $n$ examples and $d$ features, find the $\eta$ with the smallest $E|\eta\,\alpha - w^*|^2$, where $w^*$ is the truth and $E$ the mean over sequences. It depends on the noise only
# through $E\,\sigma^2$. You may use that for standard normal inputs $E\,\Sigma = I$ and $E\,\Sigma^2 = \big(1 + \tfrac{d+1}{n}\big) I$, and that $E\,|w^*|^2 = d$.

# %% tags=["exercise"]
def best_step(n, d, mean_square):
    """n examples, d features, mean_square = E sigma^2.  ->  the step size, a number"""
    ...


# %% tags=["check"]
gradient.best_step.check(best_step)

# %% [markdown]
# <details><summary>Hint</summary>
#
# $E|\eta\alpha - w^*|^2$ is a parabola in $\eta$. Its smallest value is at $\eta = E\langle\alpha, w^*\rangle / E|\alpha|^2$.
#
# </details>
# <details><summary>Hint</summary>
#
# The labels are $y = \langle w^*, x\rangle$ plus noise, so $\alpha$ is $\Sigma w^*$ plus the mean of noise times $x$. So $E\langle\alpha, w^*\rangle = d$. The two parts of $\alpha$ are uncorrelated: $E|\alpha|^2 = E\,\langle w^*, \Sigma^2 w^*\rangle + d\,E\sigma^2/n$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def best_step(n, d, mean_square):
#     return 1 / (1 + (d + 1) / n + mean_square / n)
# ```
#
# $E\,\langle w^*, \Sigma^2 w^*\rangle = d\,\big(1 + \tfrac{d+1}{n}\big)$, so $\eta$ is $d$ divided by $d\,\big(1 + \tfrac{d+1}{n} + \tfrac{E\sigma^2}{n}\big)$.
#
# </details>

# %% [markdown]
# ## Discussion
# **Does training find that step?** To train a model is to change the entries of its P and Q, a little at a time, so that its answers on fresh sequences come nearer to the true ones: downhill on their mean squared error. (That is gradient descent too, but on P and Q, and before anything is frozen.)
# Here are three FULL models of one layer. All 242 entries of their P and Q begin as random numbers, and nothing says which of them should be zero. They train on
# U(0, 5), where $E\,\sigma^2 = 25/3$. Each step of training takes 64 fresh sequences with $n = 20$ and $d = 10$.
#
# Whatever its entries, a layer answers $w = C\,\alpha + \ldots$, with a matrix $C$ that one can read off P and Q. The dots are what it makes of $\Sigma$ and $v$. A gradient step is $C = \eta I$, and no dots. So watch the diagonal of $C$:
#
# <details><summary>Where C comes from</summary>
#
# Multiply out the last row of $P\,S\,Q$. Let $(p^T, P_{yy})$ be the last row of P, and $(q^T, Q_{yy})$ that of Q. Let $Q_{xx}$ be the block of Q of its first $d$ rows and columns. The first $d$ entries are
#
# $$P_{yy}\,\alpha^T Q_{xx} + (p^T\alpha)\,q^T \;+\; p^T\Sigma\, Q_{xx} + P_{yy}\,v\,q^T .$$
#
# The answer is minus that. So the two parts with $\alpha$ give $C = -P_{yy}\,Q_{xx}^T - q\,p^T$, and the other two are the dots. A gradient step has $p = q = 0$. Training comes near to that: the second table below
# shows how small $q\,p^T$ has become.
#
# </details>

# %% jupyter={"source_hidden": true}
noise = lt.Uniform(5.0)
closed_form = gradient.best_step.use(best_step)(20, 10, noise.mean_square)  # by your function, once it is right

runs = [LiveRun("full", layers=1, noise=noise, learning_rate=0.02, seed=seed) for seed in range(3)]
for seed, run in enumerate(runs):
    start = np.random.default_rng(seed).normal(scale=0.1, size=(1, 242))
    run.go_to(start * run.family.units(noise))  # labels are larger than inputs: entries that meet them start smaller


def step_matrix(run):
    """C of the model as it is now, and its part q p^T -> two arrays (d, d)"""
    model = run.model()
    P, Q = model.P[0, 0], model.Q[0, 0]  # (d+1, d+1) each: of its one layer and one head
    q_p = np.outer(Q[-1, :-1], P[-1, :-1])
    return -P[-1, -1] * Q[:-1, :-1].T - q_p, q_p


def point_of_curve(value):
    """One line of a curve in characters: * at the value, : at the closed form."""
    line = [" "] * 45
    line[40] = ":"
    line[round(40 * max(value, 0) / closed_form)] = "*"
    return "".join(line).rstrip()


print(f"steps of   mean of the diagonal of C     the first run{' ' * 23}closed form {closed_form:.3f}")
print(f"training   in three runs                 0{' ' * 39}:")
for steps in (0, 10, 20, 40, 60, 80, 100, 150, 200, 300, 400, 600, 800):
    for run in runs:
        while run.steps < steps:
            run.step()
    means = [step_matrix(run)[0].diagonal().mean() for run in runs]
    print(f"{steps:8d}  ", *(f"{round(mean, 3) + 0.0:7.3f}" for mean in means), "     ", point_of_curve(means[0]))

# %% jupyter={"source_hidden": true}
contexts = lt.RegressionTask(10, 20, noise).sample_moments(4000, np.random.default_rng(9)).S
print("after 800 steps   diagonal of C   largest entry off it   of q p^T   share of w that is no step along alpha")
for number, run in enumerate(runs, start=1):
    C, q_p = step_matrix(run)
    diagonal = C.diagonal()
    off_diagonal = abs(C - np.diag(diagonal)).max()
    largest = abs(q_p).max()
    w, alpha = run.model().implicit_weight(contexts), contexts[:, :-1, -1]  # (B, d), (B, d)
    remainder = w - diagonal.mean() * alpha
    share = (remainder**2).sum() / (w**2).sum()
    print(f"run {number}             {diagonal.min():.2f} to {diagonal.max():.2f} {off_diagonal:19.2f} {largest:13.4f} {share:35.1%}")

trained = lt.load_pretrained("diag", layers=1, noise=noise)
print(f"\nthe stored DIAG model: -omega_yx = {-trained.omega[0, 1, 0]:.3f} ({origin(trained.record)})")

# %% [markdown]
# It does, from random weights each time. (The closed form is what `best_step` returns, yours once it is right.) Of 242 numbers eleven are left that matter, as in the layer that you built, and the step is the best one, to within the chance of small batches.
# The stored DIAG model ends there too.
#
# <details><summary>What is proved</summary>
#
# That one gradient step is the best that one layer can do, for noisy labels too, is a theorem of Mahankali et al. (2023). For labels without noise, Ahn et al. (2023) prove what the optimum is, and Zhang et al. (2023)
# that training in very small steps ends there. Where the inputs are correlated, the step gets a matrix in front, a preconditioner.
#
# </details>
#
# Deeper models are free to do something else. Compare them with gradient descent at its best step size, on the mixed noise of U(0, 5):

# %%
spectrum, oracle = sample_spectra(noise)
print("layers   gradient descent   trained DIAG   (excess risk, same sequences)")
for layers in range(1, 8):
    model = lt.load_pretrained("diag", layers, noise)
    by_model = excess_risk(model.implicit_weight(spectrum.S), oracle)
    print(f"{layers:6d} {excess_of_descent(spectrum, oracle, layers).min():14.3f} {by_model:16.3f}")
fixed_ridge = spectrum.ridge(np.full(4000, np.sqrt(noise.mean_square)))
print(f"\nridge with the mean of sigma^2: {excess_risk(fixed_ridge, oracle):.3f}")

# %% [markdown]
# - **Where gradient descent stops.** For fixed inputs its answer is linear in the labels, whatever the steps and the depth. Of all such answers, ridge regression with the mean of $\sigma^2$ has the smallest mean error ([06](06_adaptive_rescaling.ipynb) derives it).
#   So gradient descent never gets below that line of the table, however many steps it takes. The trained models do, from two layers on. So more than $\omega_{yx}$ is at work in them: [05](05_preconditioning_and_momentum.ipynb) to [07](07_noise_adaptive_step_sizes.ipynb) take the other omegas one by one.
# - **A construction is not an explanation.** Weights exist for which a layer *is* a gradient step. That alone says nothing about a trained model. For one layer we could compare the numbers. For deeper models
#   [04](04_every_layer_keeps_a_weight_vector.ipynb) shows what holds whatever the weights are.
# - **The paper** sums over the context where we take means, so its $\omega_{yx}$ is smaller by the factor $n$.
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Quiz
# **1.** Why must the last entry of Q be 0 for a gradient step?
# <details><summary>Answer</summary>It would bring the last column of S into the update: y would also be rescaled by the mean of y² (ω_yy). Useful later, but no gradient step.</details>
#
# **2.** The eigenvalues of Σ are 0.1 and 2. About how many steps does the weak direction need to get halfway, at the largest η that does not diverge?
# <details><summary>Answer</summary>η is at most 1, so each step leaves 0.9 of what is missing: 0.9⁷ = 0.48, seven steps.</details>
#
# **3.** A one-layer model was trained at n = 20. You run it with n = 200. Is its step too long or too short?
# <details><summary>Answer</summary>Too short: the best step is n / (n + d + 1 + E σ²), which gets closer to 1 as n grows.</details>
#
# **4.** P is doubled and Q is halved. What changes?
# <details><summary>Answer</summary>Nothing: only their product acts. This freedom is called a gauge.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 3, eq. 10, sec. 5.
# - von Oswald et al.: *Transformers Learn In-Context by Gradient Descent*, ICML 2023, [arXiv 2212.07677](https://arxiv.org/abs/2212.07677): the construction.
# - Ahn, Cheng, Daneshmand, Sra: *Transformers Learn to Implement Preconditioned Gradient Descent for In-Context Learning*, NeurIPS 2023, [arXiv 2306.00297](https://arxiv.org/abs/2306.00297).
# - Mahankali, Hashimoto, Ma: *One Step of Gradient Descent is Provably the Optimal In-Context Learner with One Layer of Linear Self-Attention*, ICLR 2024, [arXiv 2307.03576](https://arxiv.org/abs/2307.03576): the best of all one-layer models is one gradient step, with labels that are noisy.
# - Zhang, Frei, Bartlett: *Trained Transformers Learn Linear Models In-Context*, JMLR 2024, [arXiv 2306.09927](https://arxiv.org/abs/2306.09927): the one-layer optimum.
