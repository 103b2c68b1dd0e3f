# %% [markdown]
# # 03  One layer is one gradient step
# *Set a few entries of two matrices by hand, and linear attention does gradient descent. Train a layer, and it finds the same step by itself.*
#
# **You will be able to**
# - write down P and Q of a layer that does one step of gradient descent, and stack such layers;
# - say which directions are learned fast, which slowly, and when the steps diverge;
# - derive the best step size of a single layer, and find it in trained weights.
#
# **Takes** 25 minutes. **Needs** the layer of [01](01_linear_attention.ipynb) and ridge regression ([02](02_in_context_regression.ipynb)). Words:
# [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# Least squares solves $\Sigma w = \alpha$, where $\Sigma$ and $\alpha$ are the means of $x x^T$ and $y\,x$ over the context. A linear transformer cannot solve equations. One layer changes all tokens
# $e = (x, y)$ by
#
# $$e \leftarrow e + P\,S\,Q\,e, \qquad S = \overline{e\,e^T} = \begin{pmatrix}\Sigma & \alpha\\ \alpha^T & \overline{y^2}\end{pmatrix},$$
#
# and nothing else (eq. 3). The query enters as $(x_t, 0)$, and the prediction is *minus* the last entry that comes out. Gradient descent, on the other hand, needs no solving.
# On half the mean squared error it repeats, from $w = 0$,
#
# $$w \leftarrow w + \eta\,g, \qquad g = \alpha - \Sigma w, \qquad \text{step size } \eta .$$
#
# **Predict first.** For $d = 10$ features, P and Q have 121 entries each. How many of these 242 must differ from zero for a layer to do one gradient step?

# %%
import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import gradient
from lt_helpers.labs import GradientLab
from lt_helpers.labs.gradient import descent_model
from lt_helpers.pretrained import origin
from lt_helpers.spectrum import Spectrum
from lt_helpers.training.live import LiveRun

x = np.array([[2, 1], [2, -1], [0, 1], [0, 1]])  # four examples with two features
y = np.array([3, 1, 1, 1])  # without noise, and the truth is w = (1, 1)
e = np.column_stack([x, y])  # (n, d+1): tokens
S = e.T @ e / 4
print(S)

# %% [markdown]
# Read it: $\Sigma$ is diagonal with 2 and 1, $\alpha = (2, 1)$, and $\overline{y^2} = 3$.
#
# ## What the layer has to add
# One step from $w = 0$ gives $w = \eta\,\alpha$. So the last entry of the query must go from 0 to $-\eta\,\langle\alpha, x_t\rangle$. This update does it:
#
# $$U = P\,S\,Q = \begin{pmatrix} 0 & 0\\ -\eta\,\alpha^T & 0\end{pmatrix}.$$
#
# With $\eta = \tfrac12$ and the query $x_t = (1, 1)$, on paper: $w = (1, \tfrac12)$, and the answer is $1.5$. (The truth is 2.)

# %%
eta = 0.5
alpha = S[:2, 2]
U = np.zeros((3, 3))
U[2, :2] = -eta * alpha
query = np.array([1, 1, 0])
print("query:", query, "->", query + U @ query, "  so the prediction is", -(query + U @ query)[-1])
print("examples:\n", e + e @ U.T)

# %% [markdown]
# Which P and Q make this $U$ from $S$, whatever the context? That is the first exercise below. In the numbers of a DIAG model the answer is short. Its P has $p_x$ for every feature and
# $p_y$ for the label, its Q has $q_x$ and $q_y$, and a layer acts through their products alone, $\omega_{xx} = p_x q_x$, $\omega_{xy} = p_x q_y$, $\omega_{yx} = p_y q_x$, $\omega_{yy} = p_y q_y$ (eq. 10):
#
# $$x \leftarrow x + \omega_{xx}\,\Sigma x + \omega_{xy}\, y\, \alpha \qquad\qquad
#   y \leftarrow y + \omega_{yx} \langle \alpha, x\rangle + \omega_{yy}\, \overline{y^2}\, y .$$
#
# For a gradient step $\omega_{yx} = -\eta$, and the other three are 0. `descent_model` builds it.

# %%
one = descent_model(step=0.5, layers=1, dim=10)
print("omegas [[xx, xy], [yx, yy]]:", one.omega[0].tolist())
print("entries of P and Q that are not zero:", np.count_nonzero(one.P) + np.count_nonzero(one.Q), "of", one.P.size + one.Q.size)
print("prediction for the hand-made query:", descent_model(0.5, 1, dim=2)(x[None], y[None], query[None, :2]))

# %% [markdown]
# **Eleven**: one in P, which says what is written (the label), and $d$ in Q, which say what is read (the inputs).
#
# ## The next layer takes the next step
# Look at the examples after the layer. Their $x$ is the same; their $y$ has become $r_i = y_i - \langle w, x_i\rangle$, the **residual**: what the layer did for the query, it did for
# each example. The next layer reads the mean of $r\,x$ where the first read that of $y\,x$, and
#
# $$\overline{r\,x} = \alpha - \Sigma w = g .$$
#
# That is the direction of the next step. It is added to what the query already carries. So $L$ equal layers do $L$ steps of gradient descent (von Oswald et al. 2023). The weight after each
# layer is the layer's *implicit weight*. On random sequences, against a loop:

# %%
batch = lt.RegressionTask(dim=10, context=20, noise=lt.Uniform(5.0)).sample(500, np.random.default_rng(0))
for layers in (1, 4, 12):
    by_layers = lt.implicit_regression(descent_model(0.3, layers, dim=10), batch.x, batch.y).w[:, -1]  # (B, d)
    by_loop = np.zeros_like(batch.w)
    for _ in range(layers):
        r = batch.y - (batch.x @ by_loop[..., None])[..., 0]  # (B, n)
        by_loop = by_loop + 0.3 * (r[..., None] * batch.x).mean(axis=1)
    print(f"{layers:2d} layers: equal to gradient descent to 1e-12:", np.allclose(by_layers, by_loop, rtol=0, atol=1e-12))

# %% [markdown]
# ## Fast and slow directions
# Along an eigenvector of $\Sigma$ with eigenvalue $s$, each step multiplies what is missing of the least-squares answer by $1 - \eta s$. After $L$ steps the share that has been found is
#
# $$1 - (1 - \eta s)^L .$$
#
# In the example above, $s = 2$ and $1$, and $\eta = \tfrac12$: the first entry of $w$ is right after one step, the second is half right, then three quarters.

# %%
walk = lt.implicit_regression(descent_model(0.5, 4, dim=2), x[None], y[None])
print("w by layer:", [(row + 0.0).round(4).tolist() for row in walk.w[0]])
for eta in (0.5, 0.99, 1.01):
    w = lt.implicit_regression(descent_model(eta, 60, dim=2), x[None], y[None]).w[0, -1]
    print(f"eta = {eta}: w after 60 layers", w.round(2))

# %% [markdown]
# If $\eta s > 2$, then $|1 - \eta s| > 1$ and every step overshoots by more than the last. The largest eigenvalue decides: gradient descent **diverges for $\eta > 2/s_\text{max}$**, here for $\eta > 1$. The weak
# directions pay for that, because the same $\eta$ must do for them.
#
# ## With noise, the end is not the goal
# Left to run, gradient descent ends with the least-squares answer, and [02](02_in_context_regression.ipynb) showed what that is worth: with noise, the best share of a direction is $s/(s+\sigma^2/n)$. As long as
# $\eta s$ is below 1, fewer and shorter steps leave every share below 1, and the weak directions furthest below. That is *early stopping*. Its excess risk, half the squared distance to the oracle, for the best step size:

# %%
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


print("           best step size          excess risk with it")
print("layers " + "".join(f"  sigma={sigma}" for sigma in (0, 1, 4)) * 2)
for layers in (1, 4, 16):
    excess = np.array([excess_of_descent(*sample_spectra(lt.Fixed(sigma)), layers) for sigma in (0, 1, 4)])  # (3, 60)
    numbers = [*(f"{step:9.2f}" for step in GRID[excess.argmin(axis=1)]), *(f"{risk:9.3f}" for risk in excess.min(axis=1))]
    print(f"{layers:6d} " + "".join(numbers))

# %% [markdown]
# The noisier the sequence, the shorter the best steps. With many layers and the right step, early stopping comes close to the oracle. But the right step needs σ.
#
# ## Predict, then slide
# The lab has two features, so that the bowl of the mean squared error can be drawn from above: its contours are ellipses around least squares. Two models walk in it. The **built** one (blue) has layers as above: you
# set η, and with it P and Q. The **trained** one (orange) is a DIAG model of that depth, trained at $d = 10$ on U(0, 5). It runs at $d = 2$ because its numbers do not depend on $d$. **Its P and Q are frozen, w moves.**

# %%
state = GradientLab.compute(step=0.5, sigma=0.0, layers=7, seed=6)
print("eigenvalues of this sequence:", state.eigenvalues.round(2))
print("best step size for 7 layers without noise:", state.best_step.round(2))

# %% [markdown]
# 1. **At which η will the blue path leave the bowl?** Work it out from the printed numbers.
# 2. **What is the best η for seven layers at σ = 4?** Set the pink marker.
# 3. **With four layers and σ = 1, set η to the best value (the words under the figure name it). Then σ goes to 4, and η stays.** Which model stays near ridge, the built or the trained one?

# %% tags=["nbval-ignore-output"]
GradientLab(step=0.5, sigma=1.0, layers=4)

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The gradient lab. Left: ellipses, the contours of the mean squared error, with the path of the built model in blue zigzagging across the valley and that of the trained model in orange. Middle: the error of the built model against the step size, smallest well before the dotted line at 2 over s_max, and rising steeply past it. Right: error by layer of both models, beside the levels of ridge regression and least squares.](../docs/pictures/gradient-lab.png)
#
# </details>
#
# - **Left.** With a short step the path goes straight down the valley; towards $2/s_\text{max}$ it zigzags across; beyond, it climbs out. Slide σ: the bowl moves, the truth does not.
# - **Middle.** The error of the built model against η, averaged over truths and noises at these inputs. Slide σ up and the valley moves left.
# - **Right.** The same error, layer by layer. At σ = 4 and η = 0.5 the blue dots first fall, then rise: later layers fit the noise. The trained model's middle layers can be worse than
#   its last: only the last was trained to be right.
#
# In numbers:

# %%
print("2/s_max:", round(state.limit, 2))
for sigma in (0.0, 1.0, 4.0):
    print(f"sigma = {sigma:.0f}: best step for 7 layers", GradientLab.compute(0.5, sigma, 7, 6).best_step.round(2))
step = float(GradientLab.compute(0.5, 1.0, 4, 6).best_step)
print(f"\nfour layers, step {step:.2f}\nsigma   built   trained   ridge   (half squared error)")
for sigma in (1.0, 2.0, 4.0):
    now = GradientLab.compute(step, sigma, 4, 6)
    print(f"{sigma:5.0f} {now.built_risk[-1]:7.2f} {now.trained_risk[-1]:9.2f} {now.oracle_risk:7.2f}")

# %% [markdown]
# **Prediction 3.** A fixed step serves one noise level. The trained model has frozen weights too, and yet it keeps near ridge. It is not plain gradient descent.
#
# ## Exercise
# ### Exercise: P and Q for one step
# (7 minutes, level: first steps)
#
# Build P and Q, so that $P\,S\,Q$ is the $U$ from above for every $S$. Leave $x$ alone, so that the layers can be stacked.

# %% tags=["exercise"]
def my_layer(dim, step):
    """-> P, Q, both (dim + 1, dim + 1): one step of gradient descent of size `step`"""
    ...


# %% tags=["check"]
gradient.one_step.check(my_layer)

# %% [markdown]
# <details><summary>Hint</summary>
#
# $P\,S$ mixes the rows of $S$. You need only its last row, $(\alpha^T,\ \overline{y^2})$, and it must end up in the last row.
#
# </details>
# <details><summary>Hint</summary>
#
# $Q$ then mixes the columns. Keep the first $d$ columns, each times $-\eta$, and drop the last one.
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
# ### Exercise: the best step size
# (12 minutes, level: stretch)
#
# One layer answers $w = \eta\,\alpha$. For random sequences with $n$ examples and $d$ features, find the η with the smallest $E|\eta\,\alpha - w_\text{truth}|^2$. It depends on the noise only
# through $E\,\sigma^2$. You may use that for standard normal inputs $E\,\Sigma = I$ and $E\,\Sigma^2 = \big(1 + \tfrac{d+1}{n}\big) I$.

# %% tags=["exercise"]
def best_step(n, d, mean_square):
    """n examples, d features, mean_square = E sigma^2.  ->  the step size, a number"""
    ...


# %% tags=["check"]
gradient.best_step.check(best_step)

# %% [markdown]
# <details><summary>Hint</summary>
#
# $E|\eta\alpha - w|^2$ is a parabola in η. Its smallest value is at $\eta = E\langle\alpha, w\rangle / E|\alpha|^2$.
#
# </details>
# <details><summary>Hint</summary>
#
# $\alpha = \Sigma w + \overline{\sigma\xi\,x}$. So $E\langle\alpha, w\rangle = d$. The two parts of $\alpha$ are uncorrelated: $E|\alpha|^2 = E\,w^T\Sigma^2 w + d\,E\sigma^2/n$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def best_step(n, d, mean_square):
#     return 1 / (1 + (d + 1) / n + mean_square / n)
# ```
#
# $E\,w^T\Sigma^2 w = d\,\big(1 + \tfrac{d+1}{n}\big)$, so η is $d$ divided by $d\,\big(1 + \tfrac{d+1}{n} + \tfrac{E\sigma^2}{n}\big)$.
#
# </details>

# %% [markdown]
# ## Discussion
# **Does training find that step?** Let it start from nothing. Here are three FULL models of one layer. All 242 entries of their P and Q begin as random numbers, and nothing says which of them should be zero. They train on
# U(0, 5), where $E\,\sigma^2 = 25/3$. Each step of training takes 64 fresh sequences with $n = 20$, $d = 10$, and knows nothing of the closed form.
#
# Whatever its entries, a layer answers $w = A\,\alpha + \ldots$ with $A = -P_{yy}\,Q_{xx}^T$, where $Q_{xx}$ is the block of Q that reads $x$ and $P_{yy}$ the last entry of P. A gradient step is $A = \eta I$ and nothing else.

# %%
noise = lt.Uniform(5.0)
closed_form = 20 / (20 + 10 + 1 + 25 / 3)

runs = [LiveRun("full", layers=1, noise=noise, learning_rate=0.02, seed=seed) for seed in range(3)]
for seed, run in enumerate(runs):
    start = np.random.default_rng(seed).normal(scale=0.1, size=(1, 242))
    run.go_to(start * run.family.units(noise))  # in units in which x and y count alike


def step_matrix(run):
    """A of the model as it is now -> (d, d)"""
    model = run.model()
    return -model.P[0, 0, -1, -1] * model.Q[0, 0, :-1, :-1].T


def point_of_curve(value):
    """One line of a curve in characters: * at the value, : at the closed form."""
    line = [" "] * 45
    line[40] = ":"
    line[round(40 * max(value, 0) / closed_form)] = "*"
    return "".join(line).rstrip()


print(f"steps of   mean of the diagonal of A     the first run{' ' * 23}closed form {closed_form:.3f}")
print(f"training   in three runs                 0{' ' * 39}:")
for steps in (0, 10, 20, 40, 60, 80, 100, 150, 200, 300, 400, 600, 800):
    for run in runs:
        while run.steps < steps:
            run.step()
    means = [step_matrix(run).diagonal().mean() for run in runs]
    print(f"{steps:8d}  ", *(f"{round(mean, 3) + 0.0:7.3f}" for mean in means), "     ", point_of_curve(means[0]))

# %%
contexts = lt.RegressionTask(10, 20, noise).sample_moments(4000, np.random.default_rng(9)).S
print("after 800 steps   diagonal of A   largest entry off it   share of w that is no step along alpha")
for number, run in enumerate(runs, start=1):
    A = step_matrix(run)
    diagonal = A.diagonal()
    off_diagonal = abs(A - np.diag(diagonal)).max()
    w, alpha = run.model().implicit_weight(contexts), contexts[:, :-1, -1]  # (B, d), (B, d)
    remainder = w - diagonal.mean() * alpha
    share = (remainder**2).sum() / (w**2).sum()
    print(f"run {number}             {diagonal.min():.2f} to {diagonal.max():.2f} {off_diagonal:19.2f} {share:36.1%}")

trained = lt.load_pretrained("diag", layers=1, noise=noise)
print(f"\nDIAG, stored: -omega_yx = {-trained.omega[0, 1, 0]:.3f}, how it came about: {origin(trained.record)}")

# %% [markdown]
# It does, and from random weights each time. Of 242 numbers eleven are left that matter, $P_{yy}$ and the diagonal of $Q_{xx}$, and their products are the step of the closed form, to the noise of small batches. The
# stored DIAG model, which can do nothing else, ends there too.
#
# That one gradient step is the best that one layer can do, for noisy labels too, is a theorem of Mahankali et al. (2023). Ahn et al. (2023) and Zhang et al. (2023) prove where training ends; where the inputs are correlated, the step gets a
# matrix in front, a preconditioner. Deeper models are free to do something else. Compare them with gradient descent at its best step size, on the mixed noise of U(0, 5):

# %%
spectrum, oracle = sample_spectra(noise)
print("layers   gradient descent   trained DIAG   (excess risk, same sequences)")
for layers in range(1, 8):
    model = lt.load_pretrained("diag", layers, noise)
    by_model = excess_risk(model.implicit_weight(spectrum.S), oracle)
    print(f"{layers:6d} {excess_of_descent(spectrum, oracle, layers).min():14.3f} {by_model:16.3f}")
fixed_ridge = spectrum.ridge(np.full(4000, np.sqrt(noise.mean_square)))
print(f"\nridge with the mean of sigma^2: {excess_risk(fixed_ridge, oracle):.3f}")

print("\nfour trained layers\nlayer   omega_xx  omega_xy  omega_yx  omega_yy")
for layer, omega in enumerate(lt.load_pretrained("diag", 4, noise).omega, start=1):
    print(f"{layer:5d} ", *(f"{number:9.3f}" for number in omega.ravel()))

# %% [markdown]
# - **Where gradient descent stops.** For fixed inputs its answer is linear in the labels, whatever the step and the depth. No such predictor beats ridge regression with the mean of σ² ([06](06_adaptive_rescaling.ipynb) shows why).
#   From two layers on the trained models go below it, because the other omegas are at work too. [05](05_preconditioning_and_momentum.ipynb) to [07](07_noise_adaptive_step_sizes.ipynb) take them one by one.
# - **A construction is not an explanation.** Weights exist for which a layer *is* a gradient step; that says nothing about what a trained model does. For one layer we could compare the numbers. For deeper ones,
#   [04](04_every_layer_keeps_a_weight_vector.ipynb) shows what holds whatever the weights are.
# - **The paper** sums over the context where we take means, so its $\omega_{yx}$ is smaller by the factor $n$. Theorem 5.2 and sec. 5.3 put the same step next to a
#   layer that makes it adaptive.
#
# ## Quiz
# **1.** Why must the last entry of Q be 0 for a gradient step?
# <details><summary>Answer</summary>It would multiply the last column of S into the update: y would also be rescaled by the mean of y² (ω_yy). Useful later, but no gradient step.</details>
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
