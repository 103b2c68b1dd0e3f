# %% [markdown]
# # 05  Preconditioning and momentum
# *Gradient descent crawls where the inputs are lopsided. One more weight in each layer makes them round.*
#
# **You will be able to**
# - say why lopsided inputs slow gradient descent down, and what a GD++ layer does about it;
# - choose its weight, and count the layers that a given accuracy takes;
# - compare it with opponents that are fair: Chebyshev's steps, one learned step a layer, conjugate gradients;
# - find the momentum in a trained model, and tell whether it pushes or brakes.
#
# **Takes** 25 minutes. **Needs** one layer as a gradient step ([03](03_one_layer_is_one_gradient_step.ipynb)) and the state of a layer
# ([04](04_every_layer_keeps_a_weight_vector.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# One layer can do one step of gradient descent. In a direction in which $\Sigma$, the mean of $x x^T$, has the eigenvalue $s$, a step of size $\eta$ leaves
# the share $1 - \eta s$ of the error. One $\eta$ has to serve all directions, and the best compromise leaves $(\kappa - 1)/(\kappa + 1)$ in the worst of them. Here
# $\kappa$ is the **condition number**, the largest eigenvalue over the smallest. How lopsided are twenty random examples with ten features?

# %%
import numpy as np

import lt_helpers as lt
from lt_helpers import baselines
from lt_helpers.exercises import preconditioning
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.labs import PreconditioningLab
from lt_helpers.table1 import paper_table

batch = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(0)).sample(2000, np.random.default_rng(0))
Sigma = batch.x.mT @ batch.x / 20
s = np.linalg.eigvalsh(Sigma)  # (B, d), ascending
kappa = s[:, -1] / s[:, 0]
typical = np.median(kappa)
low, high = np.quantile(kappa, [0.05, 0.95])
print(f"condition number of 2000 contexts: median {typical:.1f}, nine in ten from {low:.0f} to {high:.0f}")
print(f"gradient steps until the error is 1e-6, at the median: {np.log(1e-6) / np.log((typical - 1) / (typical + 1)):.0f}")

# %% [markdown]
# Plain gradient descent is an easy opponent: it takes the same step each time. Three others are fairer. None of them changes the inputs, so $K$ steps leave $\prod_k (1 - \eta_k s)$ of the error.
#
# - **Chebyshev's steps.** $K$ step sizes that are best for an interval of eigenvalues. Here each context is told the ends of its own.
# - **One learned step a layer.** $K$ sizes, the same for all contexts, best on average over other contexts. This is what $K$ trained layers could do at best if they had the gradient step alone.
# - **Conjugate gradients.** They find their steps on each context. No other $K$ steps fit it better.
#
# All have the same context, and half the squared error of $w$ is counted, without noise.

# %%
before = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(0)).sample(5000, np.random.default_rng(1))
seen = np.linalg.eigvalsh(before.x.mT @ before.x / 20)  # eigenvalues of other contexts: what training sees


def loss(w):
    return ((w - batch.w) ** 2).sum(axis=1).mean() / 2


print("steps, or layers        1        2        3        4        7       10")
steps = (1, 2, 3, 4, 7, 10)
plain = 2 / (s[:, :1] + s[:, -1:])  # each context with its own best step
rows = {
    "gradient descent": [baselines.gradient_steps(batch.x, batch.y, np.repeat(plain, k, axis=1)) for k in steps],
    "Chebyshev": [baselines.gradient_steps(batch.x, batch.y, baselines.chebyshev_sizes(s[:, 0], s[:, -1], k)) for k in steps],
    "learned steps": [baselines.gradient_steps(batch.x, batch.y, baselines.learned_sizes(seen, k)) for k in steps],
    "conjugate gradients": [baselines.conjugate_gradients(batch.x, batch.y, k) for k in steps],
}
for name, answers in rows.items():
    print(f"{name:20}", "".join(f"{loss(w):9.3f}" for w in answers))
print(f"{'GD++ (paper)':20}", "".join(f"{paper_table()['gd++', k, 'fixed-0']:9.3g}" for k in steps if k <= 7))

# %% [markdown]
# With one layer GD++ is one learned step. From two layers on it is ahead of all of them, and with seven by many orders of magnitude. Conjugate gradients need ten steps to be exact: there are ten
# directions. So the step sizes are not the secret. What else do the layers do?
#
# ## What GD++ adds
# GD++ is DIAG with two of its four numbers, $\omega_{yx} = -\eta$ and $\omega_{xx} = -\gamma$. The first is the gradient step. The second changes the inputs:
#
# $$x \leftarrow x - \gamma\,\Sigma x$$
#
# Along an eigenvector of $\Sigma$ that multiplies $x$ by $1 - \gamma s$. Eigenvalues are mean squares, so each becomes
#
# $$s' = s\,(1 - \gamma s)^2 .$$
#
# Large eigenvalues lose the larger share. The next layer meets rounder inputs, and its gradient step is a better one: it leaves $1 - \eta s'$ of the error. Build two such layers
# and compare.


# %%
def gd_plus_plus(gammas, etas):
    """A GD++ model whose layer l has omega_xx = -gammas[l] and omega_yx = -etas[l]."""
    p = [[(-gamma, -eta)] for gamma, eta in zip(gammas, etas)]  # (p_x, p_y) of the only head; with q = (1, 0) they are the omegas
    return lt.LinearTransformer.from_diagonals(p, [[(1, 0)]] * len(p), dim=10)


one = slice(0, 1)  # one context
state = lt.implicit_regression(gd_plus_plus([0.2, 0.4], [0.5, 0.8]), batch.x[one], batch.y[one])
M, V = state.M[0], np.linalg.eigh(Sigma[0])[1]  # inputs after l layers are M[l] x (Theorem 4.1)
error = (state.w[0] - batch.w[0]) @ V  # (L+1, d): along the eigenvectors
print("eigenvalues", np.round(s[0, ::3], 3))
now, left = s[0], 1.0
for layer, (gamma, eta) in enumerate([(0.2, 0.5), (0.4, 0.8)], start=1):
    left = left * (1 - eta * now)
    now = now * (1 - gamma * now) ** 2
    after = np.linalg.eigvalsh(M[layer] @ Sigma[0] @ M[layer].T)
    same = np.allclose(np.sort(now), after, atol=1e-12) and np.allclose(error[layer], left * error[0], atol=1e-12)
    print(f"  after layer {layer}:", np.round(now[::3], 3), "  as the formulas say:", same)

# %% [markdown]
# ## Which $\gamma$?
# With $t = \gamma s$ the map is $t \mapsto t(1 - t)^2$. It rises up to $t = 1/3$, where it is flat, and falls to zero at $t = 1$. Theorem 5.1 puts the largest
# eigenvalue at the top, $\gamma s_{\max} = 1/3$. All others lie left of it: they keep their order and crowd together. The largest becomes $4/9$ of what it was, so
#
# $$\kappa' = \kappa\,\frac{4/9}{\bigl(1 - 1/(3\kappa)\bigr)^2} .$$
#
# For a large $\kappa$ that is $4/9$ of it. Near the end, with $\kappa = 1 + \varepsilon$, the flat top does better: $\kappa' \approx 1 + \tfrac34 \varepsilon^2$ (the paper
# bounds it by $2\varepsilon^2$). The next layer needs a $\gamma$ that is $9/4$ times larger.

# %%
now = np.geomspace(1 / 20, 1, 10)  # ten eigenvalues, kappa = 20
print("layer   gamma    kappa - 1 after it   by the formula   3/4 eps^2")
for layer in range(1, 8):
    before = now.max() / now.min()
    gamma = 1 / (3 * now.max())
    now = now * (1 - gamma * now) ** 2
    formula = before * (4 / 9) / (1 - 1 / (3 * before)) ** 2 - 1
    print(f"{layer:5d} {gamma:7.2f} {now.max() / now.min() - 1:18.3g} {formula:17.3g} {0.75 * (before - 1) ** 2:14.3g}")

# %% [markdown]
# At the end each layer doubles the number of correct digits, as in Newton's iteration for the inverse of a matrix. For an accuracy $\varepsilon$ it takes about
# $\log\kappa + \log\log(1/\varepsilon)$ layers (Theorem 5.1).
#
# ## Predict, then slide
# The lab runs a GD++ transformer with weights written down by hand, on ten eigenvalues from $1/\kappa$ to 1. **P and Q follow the controls here; nothing is trained.** Each
# layer takes the best $\eta$ for the eigenvalues that it meets. Guess first:
#
# 1. **Depth.** The table above had $\kappa = 20$. Set κ to 1000. How many layers until it is below 1.01? Set the marker, then slide *Layers*.
# 2. **A bolder γ.** One layer, κ = 20. Raise *γ × largest s* from 0.33. Does one layer get better, or worse, than the theorem's?
# 3. **The edge.** What happens to the strongest direction at exactly 1.00, and can a later layer repair it?

# %% tags=["nbval-ignore-output"]
PreconditioningLab(kappa=20, gamma=0.33, layers=4)

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The preconditioning lab with a condition number of 20 and seven layers. Top left: the map of one layer rises to its top at one third and falls to zero at one; the ten eigenvalues, now alike, sit at the top. Top right: ten lines, spread over a factor of twenty at first, meet after six layers. Bottom left: the condition number falls faster and faster, close to the theorem's line. Bottom right: the error of GD++ plunges, while gradient descent, heavy ball and Newton are still near where they began.](../docs/pictures/preconditioning-lab.png)
#
# </details>
#
# - **Top left.** Where the ten directions stand on the map when they enter the last layer. Left of the dotted line they keep their order; right of it they are folded back.
# - **Top right.** The same ten, after each layer. Round means: all at 1.
# - **Bottom left.** κ − 1 on a logarithmic scale. A line that bends down is faster than any constant rate. (The slider's 0.33 is a little less than 1/3.)
# - **Bottom right.** What it is good for. Heavy ball and gradient descent have the constants that are best in the long run. Chebyshev's steps and conjugate gradients are not drawn; both are in the tables of this notebook.
#
# Switch off *γ grows*: the same γ in every layer. Why does it stall?
#
# ## Bolder than the theorem
# **Prediction 1.** A κ fifty times larger costs five layers more: each divides κ by 9/4, and $(9/4)^5 \approx 58$. Gradient descent would take fifty times the steps, Chebyshev's steps about seven times. **Predictions 2 and 3**, in numbers, for the typical context:

# %%
now = np.geomspace(1 / typical, 1, 10)
for t in (0.33, 0.5, 0.7, 0.8, 0.9, 0.99, 1.0):
    after = now * (1 - t * now) ** 2
    kappa_after = f"{after.max() / after.min():.1f}" if after.min() > 0 else "infinite, a direction is dead"
    print(f"gamma * largest s = {t:.2f}: kappa after one layer {kappa_after}")

# %% [markdown]
# One layer is best far beyond the theorem's $\gamma$. Folding the strong directions back costs nothing until they fall below the weak ones. But a mistake is dear: at
# $\gamma s = 1$ a direction is gone for ever. The theorem's choice is the careful one; an upper bound on the eigenvalues is all that it needs. What does training choose?

# %%
model = lt.load_pretrained("gd++", layers=4, noise=lt.Uniform(0))
moments = lt.RegressionTask(10, 20, lt.Fixed(0)).sample_moments(2000, np.random.default_rng(0))
M = implicit_from_moments(model, moments.S).M  # (B, L+1, d, d)
before = np.linalg.eigvalsh(M @ moments.S[:, None, :-1, :-1] @ M.mT)  # (B, L+1, d): before each layer
kappa = before[..., -1] / before[..., 0]  # (B, L+1)
hard = kappa[:, 0] > np.quantile(kappa[:, 0], 0.9)
print("layer   gamma * largest s (median)   kappa before it (median)   in the hardest tenth")
for layer, omega in enumerate(model.omega[:-1]):  # no layer reads the inputs after the last
    position = -omega[0, 0] * np.median(before[:, layer, -1])
    print(f"{layer + 1:5d} {position:17.2f} {np.median(kappa[:, layer]):28.1f} {np.median(kappa[hard, layer]):24.1f}")
losses = ((model.implicit_weight(moments.S) - moments.w) ** 2).sum(axis=1) / 2
print(f"the hardest tenth of the contexts makes up {losses[hard].sum() / losses.sum():.0%} of the loss")

# %% [markdown]
# Training is bolder than the theorem. Each layer places the largest eigenvalue of a typical context far beyond one third, the second one farthest. There a typical κ gains nothing: that step is
# taken for the hard contexts, and most of the loss is theirs. After it, hard or not is all one. The lab shows the price of a bold $\gamma$: at 0.53 in every layer, κ falls faster at first and then
# stalls.
#
# Now the classical methods, for larger condition numbers. Steps until the worst direction is down to $10^{-6}$.

# %%
print("     kappa   gradient descent   heavy ball   Chebyshev   Newton")
for condition in (10, 100, 1000, 10_000):
    by_gradient = np.log(1e-6) / np.log((condition - 1) / (condition + 1))
    by_momentum = np.log(1e-6) / np.log((condition**0.5 - 1) / (condition**0.5 + 1))  # its rate in the long run
    by_chebyshev = np.arccosh(1e6) / np.arccosh((condition + 1) / (condition - 1))  # 1 / T_K is 1e-6
    worst = 1 / (np.geomspace(1, condition, 10) ** 2).sum()  # s^2 / |Sigma|_F^2 of the weakest direction
    by_newton = np.log2(np.log(1e-6) / np.log1p(-worst))  # the error is squared at each step
    print(f"{condition:10d} {by_gradient:18.0f} {by_momentum:12.0f} {np.ceil(by_chebyshev):11.0f} {np.ceil(by_newton):8.0f}")

# %% [markdown]
# Conjugate gradients have no column: with ten directions they take ten steps at any κ. With more directions they need about as many as Chebyshev, or fewer.
#
# The second exercise adds the column of GD++.
#
# ## Where DIAG's momentum comes from
# Heavy ball keeps a velocity, $v \leftarrow \beta v + \eta g$ and $w \leftarrow w + v$: it remembers past gradients. Lemma 4.4 finds a similar term in DIAG. Take the
# state of notebook 04, where a token is $x_i^l = M x_i + y_i u$ and $y_i^l = a y_i - \langle w, x_i\rangle = r_i$. A DIAG layer adds to $w$ its push,
# $-\omega_{yx} M^T$ times the mean of $r_i x_i^l$, and this mean has two parts:
#
# $$\overline{r\,x^l} = M g + \overline{r\,y}\;u, \qquad g = \overline{r\,x} .$$
#
# The first part gives a gradient step, preconditioned by $M^T M$. The second goes along $u$, and $u$ remembers. It starts at zero; each layer transforms it as it does the
# inputs, and adds $a\,\omega_{xy}$ times the same mean: a gradient. Only $\omega_{xy}$ feeds it.


# %%
def parts_of_the_push(model, S):
    """What each layer of a DIAG model adds to w: the part along the gradient and the part along u, (B, L, d) each; and the state."""
    state = implicit_from_moments(model, S)
    M, u, w, a = state.M[:, :-1], state.u[:, :-1], state.w[:, :-1], state.a[:, :-1]
    mean_ry = a * S[:, None, -1, -1] - (w * S[:, None, :-1, -1]).sum(axis=-1)  # (B, L)
    step = -model.omega[:, 1, 0][:, None, None]  # (L, 1, 1)
    along_gradient = step * (M.mT @ M @ state.gradient[..., None])
    along_u = step * (M.mT @ (mean_ry[..., None] * u)[..., None])
    return along_gradient[..., 0], along_u[..., 0], state


diag = lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5.0))
moments = lt.RegressionTask(10, 20, lt.Fixed(1.0)).sample_moments(2000, np.random.default_rng(0))
along_gradient, along_u, state = parts_of_the_push(diag, moments.S)
print("the two parts add up to the push:", np.allclose(along_gradient + along_u, state.push, rtol=0, atol=1e-9))

omega = diag.omega
omega[:, 0, 1] = 0  # no omega_xy; two heads, since one head cannot choose its four numbers freely
without = lt.LinearTransformer.from_diagonals(np.broadcast_to(np.eye(2), (4, 2, 2)), omega, dim=10)
print("without omega_xy, largest entry of u in any layer:", abs(implicit_from_moments(without, moments.S).u).max())

# %% [markdown]
# **Predict:** in heavy ball the remembered gradients push on. In the trained DIAG, does the part along $u$ push with the gradient part (cosine above 0) or against it? And
# with more noise, will it be longer or shorter?

# %%
def length(v):
    return np.sqrt((v**2).sum(axis=-1).mean(axis=0))  # root mean square over sequences


print("        cosine of the two parts     length of the second, in lengths of the first")
print("sigma   layer 2  layer 3  layer 4   layer 2  layer 3  layer 4")
for sigma in (0.5, 1, 2, 4):
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(2000, np.random.default_rng(0))
    first, second = (part[:, 1:] for part in parts_of_the_push(diag, moments.S)[:2])
    cosine = (first * second).sum(axis=-1).mean(axis=0) / (length(first) * length(second))
    print(f"{sigma:5.1f}" + "".join(f"{number:9.2f}" for number in (*cosine, *(length(second) / length(first)))))

# %% [markdown]
# Against it, and the more noise, the longer: in the last layer at σ = 4 it takes nearly all of the gradient step back. Momentum in form, it is a **brake** in use, and
# noise presses it. Momentum and the noise-adaptive step of [notebook 07](07_noise_adaptive_step_sizes.ipynb) share one number, $\omega_{xy}$.
#
# ## Exercise
# ### Exercise: the right gamma
# (5 minutes, level: first steps)
#
# Given the eigenvalues of a context, return the $\gamma$ of each of `layers` layers, so that in every layer the largest eigenvalue stands at $\gamma s = 1/3$.

# %% tags=["exercise"]
def my_gammas(s, layers):
    """s (d,), eigenvalues in any order; layers, a whole number  ->  (layers,)"""
    ...


# %% tags=["check"]
preconditioning.gammas.check(my_gammas)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The first is `1 / (3 * s.max())`.
#
# </details>
# <details><summary>Hint</summary>
#
# The largest eigenvalue becomes 4/9 of what it was and stays the largest. Powers: `(9 / 4) ** np.arange(layers)`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_gammas(s, layers):
#     return (9 / 4) ** np.arange(layers) / (3 * s.max())
# ```
#
# </details>
#
# ### Exercise: how many layers?
# (8 minutes, level: practice)
#
# With these gammas, how many layers does it take until $\kappa - 1 < \varepsilon$? Iterate the formula of Theorem 5.1.

# %% tags=["exercise"]
def my_layers(kappa, eps):
    """kappa > 1, eps > 0  ->  the number of layers"""
    ...


# %% tags=["check"]
preconditioning.layers_needed.check(my_layers)

# %% [markdown]
# <details><summary>Hint</summary>
#
# A `while` loop: as long as `kappa - 1 >= eps`, apply one layer and count it.
#
# </details>
# <details><summary>Hint</summary>
#
# One layer: `kappa * (4 / 9) / (1 - 1 / (3 * kappa)) ** 2`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_layers(kappa, eps):
#     layers = 0
#     while kappa - 1 >= eps:
#         kappa = kappa * (4 / 9) / (1 - 1 / (3 * kappa)) ** 2
#         layers += 1
#     return layers
# ```
#
# </details>
#
# When it says *Correct*, print `my_layers(kappa, 1e-6)` for the four condition numbers of the table above: that is GD++'s column. The layer after it has one gradient step to take. Compare it with ten: from
# κ = 100 on, conjugate gradients need fewer steps than GD++ layers, as long as there are only ten directions.

# %% [markdown]
# ## Discussion
# - **Second order, without an inverse.** A GD++ layer multiplies by $\Sigma$ and never inverts it, as Newton's iteration for the inverse does. Theorem 5.1
#   proves the double logarithm. Von Oswald et al. found GD++ in trained models; Fu et al. and Giannou et al. compare transformers with Newton's method.
# - **Why so few layers?** $K$ steps of any size make a polynomial of degree $K$ in $\Sigma$. A GD++ layer makes $\Sigma(1 - \gamma\Sigma)^2$ of $\Sigma$, so the degree triples from layer to layer: 1, 4, 13, 40. Two layers do
#   what four learned steps do. A layer costs more for it: it multiplies matrices, where a step multiplies a matrix and a vector.
# - **Accuracy is worth it only without noise.** With noise the target is not least squares but ridge, and no GD++ model gets past one fixed ridge, however deep:
#   that is the subject of [06](06_adaptive_rescaling.ipynb).
# - **Two weights, two jobs.** $\omega_{xx}$ changes the inputs, whatever the labels are. $\omega_{xy}$ mixes labels into the inputs, and brings the noise into play.
# - **Measured, not proven:** the brake, in one trained model. Others may use $u$ otherwise; try seven layers.
#
# ## Quiz
# **1.** Why must $\gamma$ grow from layer to layer?
# <details><summary>Answer</summary>The eigenvalues shrink. With the same gamma all gamma s drift towards 0, where the map is nearly a straight line and changes no ratio.</details>
#
# **2.** A context has an eigenvalue four times as large as any in training. What can go wrong in a trained GD++ model?
# <details><summary>Answer</summary>Its gamma s may come near 1, and the direction dies; or pass 2, and its inputs grow from layer to layer instead of shrinking.</details>
#
# **3.** GD++ has $\omega_{xy} = 0$. What is its $u$?
# <details><summary>Answer</summary>Zero in every layer: nothing feeds it. GD++ has no momentum, and no way to notice the noise.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: Lemma 4.4, Theorem 5.1, Table 1.
# - von Oswald et al.: *Transformers Learn In-Context by Gradient Descent*, ICML 2023, [arXiv 2212.07677](https://arxiv.org/abs/2212.07677).
# - Fu et al.: *Transformers Learn to Achieve Second-Order Convergence Rates for In-Context Linear Regression*, [arXiv 2310.17086](https://arxiv.org/abs/2310.17086).
# - Giannou et al.: *How Well Can Transformers Emulate In-Context Newton's Method?*, [arXiv 2403.03183](https://arxiv.org/abs/2403.03183).
# - Hestenes, Stiefel: *Methods of conjugate gradients for solving linear systems*, Journal of Research of the National Bureau of Standards 49, 1952; Golub, Varga: *Chebyshev semi-iterative methods*, Numerische Mathematik 3, 1961.
# - Polyak: *Some methods of speeding up the convergence of iteration methods*, USSR Computational Mathematics and Mathematical Physics 4, 1964: heavy ball.
