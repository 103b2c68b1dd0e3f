# %% [markdown]
# # 05  Preconditioning and momentum
# *Gradient descent crawls where the inputs spread unevenly. One more number in each layer makes the ellipse of the inputs a circle.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import PreconditioningLab, surprises

lab = PreconditioningLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The preconditioning lab with a condition number of 20 and seven layers. An ellipse for each layer: all are drawn with the same long axis; the first is flat, each is rounder than the one before, the last is a circle. The map of one layer rises to its top at one third and falls to zero at one; the ten eigenvalues, now alike, sit at the top. Ten lines, spread over a factor of twenty at first, meet after six layers. The condition number falls faster and faster, close to the theorem's line. The error of GD++ plunges, while gradient descent, heavy ball and Newton are still near where they began.](../docs/pictures/preconditioning-lab.png)
#
# </details>
#
# **You will be able to** say why unevenly spread inputs slow gradient descent down, and what a GD++ layer does about it; choose its strength, and count the layers that a given accuracy takes; compare it fairly with other
# methods.
#
# **Takes** 45 minutes; two parts at the end, on better steps and on momentum, are optional, and 5 more each. **Needs** one layer as a gradient step ([03](03_one_layer_is_one_gradient_step.ipynb)) and the state of a layer ([04](04_every_layer_keeps_a_weight_vector.ipynb)).
# Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $\Sigma, \alpha, v$ the blocks of $S$: the means of $x x^T$, $y x$ and $y^2$; $s$ an eigenvalue of $\Sigma$: how much the inputs vary along a direction; $M, u, a$ the rest of a layer's state, beside $w$; $\eta$ a step size; $\gamma$ the strength of the preconditioning, $-\omega_{xx}$;
# $\kappa$ the condition number: largest eigenvalue over smallest; $\beta$ the strength of the momentum.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** Which of a DIAG layer's four numbers takes a gradient step? ([03](03_one_layer_is_one_gradient_step.ipynb))
# <details><summary>Answer</summary>ω_yx = -η: it reads x, and writes into the label y.</details>
#
# **2.** Which part of the state says how much of its input a token still keeps after some layers? ([04](04_every_layer_keeps_a_weight_vector.ipynb))
# <details><summary>Answer</summary>M. At first it is the identity.</details>
#
# **3.** $\Sigma$ has the eigenvalues 4 and 1. Which share of the error in the weak direction does one step with $\eta = \tfrac14$ leave? ([03](03_one_layer_is_one_gradient_step.ipynb))
# <details><summary>Answer</summary>1 - ηs = three quarters.</details>

# %% [markdown]
# ## From a rectangle to a square
# Take the four points of [03](03_one_layer_is_one_gradient_step.ipynb) with two features, at the corners $(\pm 2, \pm 1)$ of a rectangle. $\Sigma$ has the eigenvalues 4 and 1. Their ratio, largest over smallest, is the **condition number** $\kappa$: here 4. It
# says how uneven the inputs are.
#
# Gradient descent walks towards the $w$ that solves $\Sigma w = \alpha$, and must use one $\eta$ for both directions. A shorter $\eta$ leaves more in the weak direction, a longer one overshoots more in the strong one. The best compromise leaves equally much in both, $1 - \eta = 4\eta - 1$. So here it is $\eta = 2/(4 + 1) = \tfrac25$: of the error $1 - \tfrac85 = -\tfrac35$ is left in the strong direction, and $1 - \tfrac25 = \tfrac35$ in the weak one. In
# general $\eta = 2/(s_\text{max} + s_\text{min})$, and each step leaves $1 - \eta\,s_\text{min} = (\kappa - 1)/(\kappa + 1)$ in the weakest direction, and minus as much in the strongest. If the four points were a *square*, $\Sigma$ would be the same in all directions, and one step could be right in all of them. So let us make a square.
#
# The layer may change the inputs as well. It takes off a part of $\Sigma x$:
#
# $$x \leftarrow x - \gamma\,\Sigma x = M x, \qquad M = I - \gamma\,\Sigma .$$
#
# A long side loses more of its length than a short one, because $\Sigma$ is large along it. With $\gamma = \tfrac17$, by hand: the side $2$ becomes $2\,(1 - \tfrac47) = \tfrac67$, and the side $1$ becomes $1 - \tfrac17 = \tfrac67$.
#
# ![Four grey corners of a rectangle from (-2, -1) to (2, 1), and inside it the four blue corners of a square with half the side 6/7. A red arrow leads from the corner of the rectangle to that of the square.](../docs/pictures/rectangle-to-square.svg)
#
# **Why is that allowed?** The labels stay as they are, and the query moves by the same $M$ as the examples. Take $w' = M^{-1} w$ (there is one if no $\gamma s$ is 1). $M$ is symmetric, so
#
# $$y = \langle w, x\rangle = \langle M w', x\rangle = \langle w', M x\rangle \qquad\text{for every } x, \text{ the query's too.}$$
#
# So the moved examples have a linear model as well, $w'$. A layer that finds it answers the moved query $M x$ with $\langle w', M x\rangle$, and that is $\langle w, x\rangle$, the answer to the query that was asked. In code: one step on the square finds $w'$, and $M w'$ is the $w$ for the inputs as they came in.

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers import baselines
from lt_helpers.exercises import preconditioning
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.task import second_moments

# %%
corners = np.array([[2.0, 1], [-2, 1], [-2, -1], [2, -1]])
labels = corners.sum(axis=1)  # without noise; the truth w is (1, 1)
query = np.array([3.0, -1])  # the right answer is 3 - 1 = 2

Sigma = corners.T @ corners / 4
M = np.eye(2) - 1 / 7 * Sigma
square = corners @ M  # each row is M x, since M is symmetric
alpha = square.T @ labels / 4  # of the moved examples
w_moved = 49 / 36 * alpha  # one gradient step from 0, with eta = 49/36
print("the square's w':           ", w_moved.round(3))
print("its answer, moved query:   ", (w_moved @ (M @ query)).round(3))
print("M w', for unmoved inputs:  ", (M @ w_moved).round(3))

# %% [markdown]
# Why 49/36? Along an axis the eigenvalue is the mean square of the inputs, which after the first layer is $(\tfrac67)^2 = \tfrac{36}{49}$ in both directions. A step with $\eta = 1/s$ is right at once.
#
# That is **preconditioning**: make the problem rounder, then take the step. In a layer it is one number, $\omega_{xx} = -\gamma$. A DIAG layer that uses $\omega_{xx}$ and $\omega_{yx}$ and leaves the other two at 0 is called **GD++**. Two such
# layers solve the rectangle: the first makes the square, the second takes the step. The state of [04](04_every_layer_keeps_a_weight_vector.ipynb) keeps $M$, and its $w$ is for unmoved inputs.

# %%
def gd_plus_plus(gammas, etas, dim):
    """A GD++ model whose layer l has omega_xx = -gammas[l] and omega_yx = -etas[l]."""
    # (p_x, p_y) of the only head; with q = (1, 0) they are the omegas
    p = [[(-gamma, -eta)] for gamma, eta in zip(gammas, etas)]
    return lt.LinearTransformer.from_diagonals(p, [[(1, 0)]] * len(p), dim)


two_layers = gd_plus_plus([1 / 7, 0], [0, 49 / 36], dim=2)
two_steps = gd_plus_plus([0, 0], [2 / 5, 2 / 5], dim=2)
for name, each in {"square, then step": two_layers, "two best gradient steps": two_steps}.items():
    w = lt.implicit_regression(each, corners[None], labels[None]).w[0, -1]
    print(f"{name:24} w = {w.round(3).tolist()}")

# %% [markdown]
# How an eigenvalue shrinks is your first act.
#
# ### Exercise: an eigenvalue after a layer
# (level: first steps)
#
# Along an eigenvector with eigenvalue $s$, a layer multiplies the inputs by $1 - \gamma s$. The eigenvalue is their mean square. What does it become?

# %% tags=["exercise"]
def after_layer(s, gamma):
    """s (d,), eigenvalues; gamma, a number  ->  the eigenvalues after the layer (d,)"""
    ...


# %% tags=["check"]
preconditioning.after_layer.check(after_layer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def after_layer(s, gamma):
#     return s * (1 - gamma * s) ** 2
# ```
#
# </details>

# %% [markdown]
# ## One $\gamma$ for ten directions
# A square is luck: with ten eigenvalues no single $\gamma$ makes all of them equal. But one $\gamma$ can make them *more* equal. With $t = \gamma s$ the eigenvalues go by the map $t \mapsto t\,(1 - t)^2$, the curve of the lab's third task. It
# rises up to $t = \tfrac13$ and falls to zero at $t = 1$.
#
# The paper's **Theorem 5.1** puts the largest eigenvalue at the top, $\gamma s_\text{max} = \tfrac13$. All others lie left of the top: they keep their order, and crowd together. The largest becomes $\tfrac13 (\tfrac23)^2 / \gamma$, which is
# $\tfrac49$ of what it was. The smallest, at $\gamma s = 1/(3\kappa)$, is multiplied by $\bigl(1 - 1/(3\kappa)\bigr)^2$, which is more. So
#
# $$\kappa' = \kappa\;\frac{4/9}{\bigl(1 - 1/(3\kappa)\bigr)^2} .$$
#
# For the rectangle: $\gamma = \tfrac1{12}$, and $\kappa$ falls from 4 to $\tfrac{256}{121} = 2.1$. For a large $\kappa$ the bracket below is nearly 1: a layer divides $\kappa$ by about $\tfrac94$. Near the end it does better: if $\kappa = 1 + \varepsilon$ with a small $\varepsilon$,
# then $\kappa' \approx 1 + \tfrac34\varepsilon^2$. All eigenvalues are then close to the top of the curve, and there it is flat.
#
# <details><summary>Where the square comes from</summary>
#
# At its top, $t = \tfrac13$, the curve has the height $\tfrac4{27}$, slope 0 and second derivative $6t - 4 = -2$. The smallest eigenvalue stands $\varepsilon/3$ left of the top, so it comes out lower by $(\varepsilon/3)^2$. In units of $\tfrac4{27}$ that is $\tfrac34\varepsilon^2$.
#
# </details>
#
# Here are ten eigenvalues with $\kappa = 20$. The last column says what $\tfrac34\varepsilon^2$ would be:

# %%
eigenvalues = np.geomspace(1 / 20, 1, 10)
eps = 20 - 1  # kappa - 1
print("layer   gamma   kappa - 1 after it   3/4 of (kappa - 1 before it)^2")
for number in range(1, 8):
    short = 3 / 4 * eps**2
    gamma = 1 / (3 * eigenvalues.max())
    eigenvalues = eigenvalues * (1 - gamma * eigenvalues) ** 2
    eps = eigenvalues.max() / eigenvalues.min() - 1
    print(f"{number:5d} {gamma:7.2f} {eps:18.2g} {short:27.2g}")

# %% [markdown]
# Layers 1 to 3 divide $\kappa$ by about two. (In the lab layer 1 leaves 8.3 of $\kappa - 1$, not 8.2: its slider has 0.33, not $\tfrac13$.) In layer 5 $\varepsilon = 0.39$ is not small yet, and $\tfrac34\varepsilon^2$ says 0.12, where 0.07 comes. In layer 6 it is near, in layer 7 it fits. From there on each layer about squares
# $\kappa - 1$: the number of correct digits doubles.
#
# That makes two parts of the count. To bring $\kappa - 1$ below $\varepsilon$, GD++ needs a multiple of $\log\kappa$ layers for the divisions, and a multiple of $\log\log(1/\varepsilon)$ for the squarings (Theorem 5.1).
#
# ### Exercise: the right gammas
# (level: practice)
#
# The eigenvalues shrink from layer to layer, so $\gamma$ has to grow. Return the $\gamma$ of each of `layers` layers, so that in every layer the largest eigenvalue stands at $\gamma s = \tfrac13$.

# %% tags=["exercise"]
def my_gammas(s, layers):
    """s (d,), eigenvalues in any order; layers, a whole number  ->  (layers,)"""
    ...


# %% tags=["check"]
preconditioning.gammas.check(my_gammas)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The first is `1 / (3 * s.max())`. The largest eigenvalue becomes 4/9 of what it was, and stays the largest.
#
# </details>
# <details><summary>Hint</summary>
#
# Powers: `(9 / 4) ** np.arange(layers)`.
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

# %% [markdown]
# ## A fair race
# Half the squared error of $w$, on 2,000 random contexts without noise. Three runners:
#
# | | is told | does |
# |---|---|---|
# | gradient descent | the largest and the smallest eigenvalue of each context | the best fixed step, $\eta = 2/(s_\text{max} + s_\text{min})$ |
# | GD++, by theorem | the same | the best step for the eigenvalues that a layer meets; it hands inputs to the next layer that the theorem's $\gamma$ has made rounder |
# | GD++, trained | nothing: one $\gamma$ and one $\eta$ a layer, the same for all contexts | the same, as training has chosen |

# %% jupyter={"source_hidden": true}
task = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(0))
contexts = task.sample(2000, np.random.default_rng(0))
s, directions = np.linalg.eigh(contexts.x.mT @ contexts.x / 20)  # (B, d), ascending, and (B, d, d)
best_step = 2 / (s[:, :1] + s[:, -1:])  # (B, 1): of each context


def loss(w):
    return ((w - contexts.w) ** 2).sum(axis=1).mean() / 2


def newton(x, y, k):
    """k steps of X <- X (2 I - Sigma X) from the best multiple of the identity  ->  w (B, d)"""
    Sigma, alpha = x.mT @ x / 20, x.mT @ y[..., None] / 20
    X = best_step[..., None] * np.eye(10)
    for _ in range(k):
        X = X @ (2 * np.eye(10) - Sigma @ X)
    return (X @ alpha)[..., 0]


def by_best_steps(gammas):
    """GD++ layers, each with the best step for the eigenvalues that it meets; a gamma that is None is the theorem's  ->  w (B, d)"""
    now, left = s, np.ones_like(s)  # (B, d): the eigenvalues, and how much of the error is left along each
    for gamma in gammas:
        lowest, highest = now.min(axis=1, keepdims=True), now.max(axis=1, keepdims=True)  # (B, 1) each
        left = left * (1 - 2 / (lowest + highest) * now)
        if gamma is None:
            gamma = 1 / (3 * highest)
        now = now * (1 - gamma * now) ** 2
    missing = (directions * left[:, None]) @ directions.mT @ contexts.w[..., None]  # (B, d, 1)
    return contexts.w - missing[..., 0]


def by_theorem(k):
    return by_best_steps([None] * k)


def by_trained_gammas(k):
    return by_best_steps(-lt.load_pretrained("gd++", k, lt.Fixed(0)).omega[:, 0, 0])


def print_losses(methods):
    print("steps, or layers           1         2         4         7")
    for name, method in methods.items():
        losses = [loss(method(k)) for k in (1, 2, 4, 7)]
        row = [f"{each:.2g}" if each > 1e-9 else "< 1e-9" for each in losses]
        print(f"{name:20}", "".join(f"{text:>10}" for text in row))


# %%
print(f"condition number of these contexts: median {np.median(s[:, -1] / s[:, 0]):.0f}")
print_losses(
    {
        "gradient descent": lambda k: baselines.gradient_steps(contexts.x, contexts.y, np.repeat(best_step, k, axis=1)),
        "GD++, by theorem": by_theorem,
        "GD++, trained": lambda k: lt.load_pretrained("gd++", k, lt.Fixed(0)).implicit_weight(second_moments(contexts.x, contexts.y)),
    }
)

# %% [markdown]
# One GD++ layer is one gradient step: a layer steps on the inputs as they come in, and there is no later layer that could use the rounder ones. From four layers on gradient descent is far behind. (Better step sizes do not save it, and Newton only comes level with GD++: the first optional part.)
#
# The trained GD++ is ahead from two layers on, and soon far ahead, although its weights are the same for all contexts. What did training find?
#
# ## What does training choose?
# In the lab one layer with $\gamma s_\text{max} = 0.75$ did better than the theorem's $\tfrac13$. At 1 it would have lost a direction for ever. A trained $\gamma$ is fixed, and each context has another $s_\text{max}$. Which risk does training take?

# %% jupyter={"source_hidden": true}
trained = lt.load_pretrained("gd++", layers=4, noise=lt.Fixed(0))
moments = task.sample_moments(2000, np.random.default_rng(0))
M_by_layer = implicit_from_moments(trained, moments.S).M  # (B, L+1, d, d)
before = np.linalg.eigvalsh(M_by_layer @ moments.S[:, None, :-1, :-1] @ M_by_layer.mT)  # (B, L+1, d): before each layer
kappa_by_layer = before[..., -1] / before[..., 0]  # (B, L+1)
hard = kappa_by_layer[:, 0] > np.quantile(kappa_by_layer[:, 0], 0.9)
typical = np.median(kappa_by_layer, axis=0)  # (L+1,)
hardest = np.median(kappa_by_layer[hard], axis=0)  # (L+1,)
print("layer   gamma * largest s   kappa: before -> after   in the hardest tenth   (medians)")
for number, omega in enumerate(trained.omega[:-1]):  # no layer reads the inputs after the last
    position = -omega[0, 0] * np.median(before[:, number, -1])
    of_all = f"{typical[number]:.1f} -> {typical[number + 1]:.1f}"
    of_hard = f"{hardest[number]:.1f} -> {hardest[number + 1]:.1f}"
    print(f"{number + 1:5d} {position:15.2f} {of_all:>25} {of_hard:>24}")
largest = (-trained.omega[:-1, 0, 0] * before[:, :-2, -1]).max(axis=0)  # (L-1,): of gamma s, over all contexts
print("the largest of 2,000:", "  ".join(f"{position:.2f}" for position in largest))
print(f"kappa after layer 1 by the theorem: {preconditioning.condition_after(np.median(kappa_by_layer[:, 0])):.1f}")
losses = ((trained.implicit_weight(moments.S) - moments.w) ** 2).sum(axis=1) / 2
print(f"the hardest tenth of the contexts makes up {losses[hard].sum() / losses.sum():.0%} of the loss")

# %% [markdown]
# - **Bolder than the theorem.** In every layer $\gamma s_\text{max}$ lies far beyond $\tfrac13$. In layer 1 a typical one stands at 0.60, and the largest of 2,000 at 0.98: just before 1, where a direction would be lost. The gain: a typical $\kappa$ falls to 4.8, where the theorem's $\gamma$ leaves 8.4.
# - **Layer 1 makes contexts alike.** What comes out of it is at most the height of the curve's top, $\tfrac4{27}/\gamma$. As $\gamma$ is a stored weight, that is the same number for every context. So layer 2 knows how large an eigenvalue can be, and can be bold without risk: 0.81 at most.
# - **Layer 2 works for the hard contexts.** A typical $\kappa$ gains nothing there, it is 4.8 before and 5.0 after. Hard contexts gain, from 9.7 to 5.0, and they make up most of the loss.
#
# How much of the gain is the $\gamma$, and how much the $\eta$? Give the $\gamma$ of training the best $\eta$ for the eigenvalues that each layer meets:

# %%
four_layers = {
    "the theorem's gammas": by_theorem(4),
    "trained gammas": by_trained_gammas(4),
    "trained gammas and etas": trained.implicit_weight(second_moments(contexts.x, contexts.y)),
}
print("error after four layers")
for name, w in four_layers.items():
    print(f"{name:24} {loss(w):.5f}")

# %% [markdown]
# The trained $\gamma$ bring a factor of nearly 40, the trained $\eta$ about another 10. (They are chosen for all layers together. The best $\eta$ for what one layer meets is best for that layer alone.)
#
#
# ### Exercise: how many layers?
# (level: practice)
#
# With the theorem's $\gamma$ one layer makes $\kappa' = \kappa\cdot\tfrac49 / \bigl(1 - 1/(3\kappa)\bigr)^2$ of $\kappa$. How many layers does it take until $\kappa - 1 < \varepsilon$? Iterate, and count.

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
# How do such numbers grow? Steps until the error in the worst direction is down to $10^{-6}$, and GD++ layers until $\kappa - 1$ is:

# %%
print("     kappa   gradient descent   GD++ layers")
for condition in (10, 100, 1000, 10_000):
    by_gradient = np.log(1e-6) / np.log((condition - 1) / (condition + 1))
    by_layers = preconditioning.layers_until(condition, 1e-6)
    print(f"{condition:10d} {np.ceil(by_gradient):18.0f} {by_layers:13d}")

# %% [markdown]
# A $\kappa$ that is ten times larger costs gradient descent ten times the steps, and GD++ two or three layers more.
#
# **Such accuracy is worth something only without noise.** With noise the goal is not least squares but ridge regression, and no GD++ model gets past one fixed ridge, however deep. That is the subject of [06](06_adaptive_rescaling.ipynb).
#
# ## Optional: would better step sizes do as much?
# Nothing later needs this part. Three methods choose their steps better than gradient descent does, and Newton's iteration multiplies matrices, as GD++ does. All leave the inputs as they are. How far do they come in seven steps?
#
# <details><summary>The four methods (5 minutes)</summary>
#
# - **Learned steps:** one step size a layer, the same for all contexts, best on average. A model of gradient steps alone, trained, could do no better.
# - **Chebyshev's steps:** the best sizes for eigenvalues anywhere between a smallest and a largest. Of each context both are known.
# - **Conjugate gradients** find their steps on each context. No other steps of the same number fit its labels better.
# - **Newton's iteration for the inverse of** $\Sigma$: $X \leftarrow X\,(2I - \Sigma X)$, and $w = X\alpha$. A step squares what is left: $I - \Sigma X$ becomes $(I - \Sigma X)^2$. Here it starts with $X = \eta I$, the best fixed step, so it knows the largest and the smallest eigenvalue. In the lab's race it was not told them.
#   There it began with $X = \Sigma$ divided by the sum of its squared entries. In weak directions nearly everything is then left at first, and the square of nearly 1 is nearly 1: seven steps are too few.
#
# </details>

# %% jupyter={"source_hidden": true}
others = task.sample(5000, np.random.default_rng(1))
seen = np.linalg.eigvalsh(others.x.mT @ others.x / 20)  # eigenvalues of other contexts: what training sees

# %%
print_losses(
    {
        "learned steps": lambda k: baselines.gradient_steps(contexts.x, contexts.y, baselines.learned_sizes(seen, k)),
        "Chebyshev's steps": lambda k: baselines.gradient_steps(contexts.x, contexts.y, baselines.chebyshev_sizes(s[:, 0], s[:, -1], k)),
        "conjugate gradients": lambda k: baselines.conjugate_gradients(contexts.x, contexts.y, k),
        "Newton": lambda k: newton(contexts.x, contexts.y, k),
        "GD++, by theorem": by_theorem,
    }
)
print("     kappa   Chebyshev's steps until the error is 1e-6")
for condition in (10, 100, 1000, 10_000):
    by_chebyshev = np.arccosh(1e6) / np.arccosh((condition + 1) / (condition - 1))  # 1 / T_K is 1e-6
    print(f"{condition:10d} {np.ceil(by_chebyshev):19.0f}")

# %% [markdown]
# From four layers on GD++ leaves less than the first three: step sizes alone are not its secret. Newton, told the same, keeps up with it. A $\kappa$ that is ten times larger costs Chebyshev about three times the steps. (Conjugate gradients need ten steps for ten directions, at any $\kappa$.)
#
# <details><summary>Why so few layers?</summary>
#
# What $K$ gradient steps leave along a direction is a product of $K$ factors $1 - \eta s$: a polynomial of degree $K$ in $s$. After a GD++ layer $s$ has become $s\,(1 - \gamma s)^2$, which has degree 3. So two layers leave
#
# $$(1 - \eta_1 s)\,\bigl(1 - \eta_2\,s\,(1 - \gamma s)^2\bigr),$$
#
# of degree $1 + 3$. One more layer in front makes the degree three times what it was, and its own step adds 1. That gives 1, 4, 13, 40. Two trained layers do about what four learned steps do: both leave 0.26. A layer costs more for it: it multiplies matrices, where a step multiplies a matrix and a
# vector. A step of Newton's, which multiplies matrices too, about doubles the degree.
#
# </details>
#
# ## Optional: the momentum of DIAG, a brake
# GD++ uses two of a DIAG layer's numbers. What does a third one do, $\omega_{xy}$, which brings labels into the inputs?

# %% [markdown]
# <details><summary>Where momentum comes from (5 minutes)</summary>
#
# *Heavy ball* is gradient descent that keeps some of its last move, $w^{l+1} = w^l + \eta\,g + \beta\,(w^l - w^{l-1})$: it remembers past gradients. Lemma 4.4 of the paper finds a similar term in DIAG.
#
# In notebook 04's words, a token is $x^l = M x + y\,u$ and $y^l = a\,y - \langle w, x\rangle$ after $l$ layers. Write $r$ for $y^l$: it is what is left of the label. The layer adds to $w$ its push, $\eta\,M^T$ times the mean of $r\,x^l$, and this mean has two parts:
#
# $$\overline{r\,x^l} = M\,\overline{r\,x} + \overline{r\,y}\;u .$$
#
# Here $\overline{r\,x} = a\,\alpha - \Sigma w$: the $g$ of 03, but for labels of which $a$ is left. So the first part gives a gradient step, preconditioned by $M^T M$. The second goes along $u$, and $u$ remembers: it starts at zero, each layer transforms it as it does the inputs, and adds $a\,\omega_{xy}$ times the same mean, a
# gradient. Only $\omega_{xy}$ feeds it. With $\omega_{xy} = 0$, as in GD++, there is no momentum.
#
# </details>
#
# A DIAG layer's push on $w$ has two parts: one along the gradient, and one along $u$, the labels that got into the inputs. The second part *remembers* earlier gradients, like momentum. **Predict:** in a trained DIAG, does it push with the first
# part (cosine above 0) or against it? And with more noise, will it be longer or shorter, beside the first?
#
# Here is the last of four layers. The code reads two more things from the state: `state.push`, what each layer adds to $w$, and `state.gradient`, which is $a\,\alpha - \Sigma w$ (for $a = 1$ the $g$ of 03).

# %% jupyter={"source_hidden": true}
def parts_of_the_push(model, S):
    """What each layer of a DIAG model adds to w: the part along the gradient and the part along u, (B, L, d) each; and the state."""
    state = implicit_from_moments(model, S)
    M, u, w, a = state.M[:, :-1], state.u[:, :-1], state.w[:, :-1], state.a[:, :-1]
    mean_ry = a * S[:, None, -1, -1] - (w * S[:, None, :-1, -1]).sum(axis=-1)  # (B, L)
    step = -model.omega[:, 1, 0][:, None, None]  # (L, 1, 1)
    along_gradient = step * (M.mT @ M @ state.gradient[..., None])
    along_u = step * (M.mT @ (mean_ry[..., None] * u)[..., None])
    return along_gradient[..., 0], along_u[..., 0], state


def length(v):
    return np.sqrt((v**2).sum(axis=-1).mean(axis=0))  # root mean square over sequences


# %%
diag = lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5.0))
print("sigma   cosine of the two parts   length of the second over the first")
for sigma in (0.5, 1, 2, 4):
    noisy = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(2000, np.random.default_rng(0))
    along_gradient, along_u, state = parts_of_the_push(diag, noisy.S)
    # the two parts are all of the push
    assert np.allclose(along_gradient + along_u, state.push, rtol=0, atol=1e-9)
    first, second = along_gradient[:, -1], along_u[:, -1]  # (B, d) each: of the last layer
    cosine = (first * second).sum(axis=-1).mean(axis=0) / (length(first) * length(second))
    print(f"{sigma:5.1f} {cosine:25.2f} {length(second) / length(first):35.2f}")

# %% [markdown]
# The second part pushes against the gradient, and the more noise, the longer it is beside the first. At $\sigma = 4$ it takes nearly all of the step back. It has the form of momentum, and works as a **brake** that noise presses. That is measured in one trained
# model; [07](07_noise_adaptive_step_sizes.ipynb) looks at more of them. The number behind it is $\omega_{xy}$.
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Quiz
# **1.** Why must $\gamma$ grow from layer to layer?
# <details><summary>Answer</summary>The eigenvalues shrink. With the same gamma all gamma s drift towards 0, where the map is nearly a straight line and changes no ratio.</details>
#
# **2.** A context has an eigenvalue four times as large as any in training. What can go wrong in a trained GD++ model?
# <details><summary>Answer</summary>Its gamma s passes 2, and its inputs grow instead of shrinking: in layer 1 of the model above the largest of 2,000 was 0.98, and four times that is 3.9. Where gamma s comes near 1, the direction dies.</details>
#
# **3.** GD++ has $\omega_{xy} = 0$. What is its $u$?
# <details><summary>Answer</summary>Zero in every layer: nothing feeds it. GD++ has no momentum, and no way to notice the noise.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: Lemma 4.4, Theorem 5.1 (which bounds the last $\tfrac34\varepsilon^2$ by $2\varepsilon^2$), Table 1.
# - von Oswald et al.: *Transformers Learn In-Context by Gradient Descent*, ICML 2023, [arXiv 2212.07677](https://arxiv.org/abs/2212.07677): GD++ in trained models.
# - Fu et al.: *Transformers Learn to Achieve Second-Order Convergence Rates for In-Context Linear Regression*, [arXiv 2310.17086](https://arxiv.org/abs/2310.17086).
# - Giannou et al.: *How Well Can Transformers Emulate In-Context Newton's Method?*, [arXiv 2403.03183](https://arxiv.org/abs/2403.03183).
# - Hestenes, Stiefel: *Methods of conjugate gradients for solving linear systems*, Journal of Research of the National Bureau of Standards 49, 1952; Golub, Varga: *Chebyshev semi-iterative methods*, Numerische Mathematik 3, 1961.
# - Polyak: *Some methods of speeding up the convergence of iteration methods*, USSR Computational Mathematics and Mathematical Physics 4, 1964: heavy ball.
