# %% [markdown]
# # 06  Adaptive rescaling
# *One weight that reads how noisy the labels are and shrinks the answer by it, and the noise at which it goes wrong.*
#
# **You will be able to**
# - show that no fixed penalty serves two noise levels, and say why GD++ ends there however deep it is;
# - solve for the two weights that serve two noise levels exactly;
# - read off those weights at which noise the model turns its answer round.
#
# **Takes** 25 minutes. **Needs** ridge regression ([02](02_in_context_regression.ipynb)) and one layer as a gradient step
# ([03](03_one_layer_is_one_gradient_step.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# Let every sequence have its own noise: $\sigma$ is 1 or 3, each with the same chance, and nobody says which. Ridge regression needs the penalty
# $\sigma^2/n$. What if one takes the same penalty $k^2/n$ for all sequences? The loss below is half the squared error above the oracle, ridge that knows $\sigma$.

# %%
import numpy as np

import lt_helpers as lt
from lt_helpers.evaluate import evaluate
from lt_helpers.exercises import rescaling
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.labs import RescalingLab
from lt_helpers.spectrum import Spectrum

mixed = lt.Categorical((1, 3))


def fixed_ridge(k):
    return lambda spectrum: spectrum.ridge(np.full(len(spectrum.s), k))


penalties = {f"k^2 = {square}": fixed_ridge(np.sqrt(square)) for square in (1, 3, 5, 7, 9)}
at = {sigma: evaluate(penalties, lt.RegressionTask(10, 20, lt.Fixed(sigma)), 20_000, np.random.default_rng(0)) for sigma in (1, 3)}
print("            sigma = 1   sigma = 3   both")
for name in penalties:
    quiet, noisy = (at[sigma][name].loss for sigma in (1, 3))
    print(f"{name:10} {quiet:10.3f} {noisy:11.3f} {(quiet + noisy) / 2:8.3f}")

# %% [markdown]
# Each penalty is right for one noise at most. The best of them for both is $k^2 = 5$, the mean of 1 and 9: that is **ConstRR**, ridge with $E[\sigma^2]$, and it is good at
# neither.
#
# ## Why GD++ cannot do better
# GD++ is DIAG with $q_y = 0$: its layers never multiply two labels. So its answer is linear in the labels: twice the labels, twice the answer. And among all predictors
# that are linear in $y$, given $X$, the best is (with $E[w w^T] = I$)
#
# $$E[w\,y^T]\;E[y\,y^T]^{-1}\,y \;=\; X^T\bigl(X X^T + E[\sigma^2]\,I\bigr)^{-1} y .$$
#
# Only the mean of $\sigma^2$ is left in it. This is ConstRR.
#
# **Predict:** a trained GD++ of four layers, beside ConstRR: better, equal, worse? And DIAG, with four layers as well?

# %%
models = {kind: lt.load_pretrained(kind, layers=4, noise=mixed) for kind in ("gd++", "diag")}
batch = lt.RegressionTask(10, 20, mixed).sample(1, np.random.default_rng(0))
for kind, model in models.items():
    once, twice = (lt.implicit_regression(model, batch.x, factor * batch.y).w[0, -1] for factor in (1, 2))
    print(f"{kind:4}: twice the labels give twice the answer: {np.allclose(twice, 2 * once, rtol=0, atol=1e-9)}")

predictors = {kind: (lambda spectrum, model=model: model.implicit_weight(spectrum.S)) for kind, model in models.items()}
predictors["ConstRR"] = fixed_ridge(np.sqrt(mixed.mean_square))
for name, result in evaluate(predictors, lt.RegressionTask(10, 20, mixed), 50_000, np.random.default_rng(0)).items():
    print(f"{name:8} loss {result.loss:.3f} +- {result.standard_error:.3f}")

# %% [markdown]
# GD++ stays at ConstRR. More layers would not help it; this is why the GD++ rows of the paper's Table 1 become flat. To see the noise, a layer has to multiply labels.
#
# ## A weight that reads the noise
# DIAG has a weight for that. With $\lambda = \overline{y^2}$, the mean square of the labels as they are in that layer,
#
# $$y \leftarrow (1 + \omega_{yy}\,\lambda)\, y .$$
#
# Noisy labels are larger, so $\lambda$ grows with the noise. With a negative $\omega_{yy}$ the factor falls. That is **adaptive rescaling** (sec. 5.2). On average over 1,000
# sequences:

# %%
for sigma in (0, 1, 2, 3, 4):
    y = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample(1000, np.random.default_rng(0)).y
    mean_square = (y**2).mean()
    print(f"sigma = {sigma}: mean of y^2 {mean_square:5.1f}, factor for omega_yy = -0.02: {1 - 0.02 * mean_square:.2f}")

# %% [markdown]
# In a single layer the factor is lost: the query's $y$ is 0, so there is nothing to scale, and no later layer reads the scaled labels. It takes two. Let the first have only
# $\omega_{yx}$, a gradient step, and the second only $\omega_{yy}$. Their answer is
#
# $$w = -\omega_{yx}\,(1 + \omega_{yy}\,\lambda)\;\alpha, \qquad \alpha = \overline{y\,x}.$$
#
# ## Two layers, two equations
# Theorem 5.2 takes a model in which all is simple: inputs $x \sim N(0, I/n)$, and $n \to \infty$. Then
# $n\Sigma$ is the identity, $n\alpha$ is the truth plus $\sigma$ times white noise, and $\lambda$ is $\sigma^2$. Ridge regression keeps the share $1/(1 + \sigma^2)$ of $n\alpha$.
# The two layers keep $c\,(1 + \omega_{yy}\sigma^2)$, with $c = -\omega_{yx}/n$. Ask for equality at two noise levels $\sigma_1$, $\sigma_2$:
#
# $$c + c\,\omega_{yy}\,\sigma_1^2 = \frac{1}{1 + \sigma_1^2}, \qquad c + c\,\omega_{yy}\,\sigma_2^2 = \frac{1}{1 + \sigma_2^2}.$$
#
# These are linear in $c$ and $c\,\omega_{yy}$. For $\{1, 3\}$ the right sides are $\tfrac12$ and $\tfrac1{10}$. The second equation less the first is $8\,c\,\omega_{yy} = -0.4$, so
# $c\,\omega_{yy} = -0.05$, and the first then gives $c = 0.55$:

# %%
c = 0.55
omega_yy = -0.05 / c
print(f"c = {c:.4f}, omega_yy = {omega_yy:.4f}")

n, dim = 10_000, 10
omega = np.zeros((2, 2, 2))  # [layer][[xx, xy], [yx, yy]]
omega[0, 1, 0], omega[1, 1, 1] = -n * c, omega_yy
two_layers = lt.LinearTransformer.from_diagonals(np.broadcast_to(np.eye(2), (2, 2, 2)), omega, dim)  # heads p = (1, 0), (0, 1): q is omega

print("sigma   scale of the two layers   of ridge   |w - ridge| / |ridge|")
for sigma in (0, 1, 2, 3, 4):
    moments = lt.RegressionTask(dim, n, lt.Fixed(sigma), np.eye(dim) / n).sample_moments(500, np.random.default_rng(0))
    w, ridge = two_layers.implicit_weight(moments.S), Spectrum.from_moments(moments.S, n).ridge(moments.sigma)
    alpha = n * moments.S[:, :-1, -1]
    scales = [(answer * alpha).sum() / (alpha**2).sum() for answer in (w, ridge)]
    print(f"{sigma:5d} {scales[0]:15.2f} {scales[1]:18.2f} {np.linalg.norm(w - ridge) / np.linalg.norm(ridge):16.2f}")

# %% [markdown]
# At 1 and 3 the two layers are ridge regression with the right $\sigma$, without having been told which. Elsewhere they are not. Against $\sigma^2$ their scale is a straight
# line, the chord through two points of ridge's curve $1/(1 + \sigma^2)$.
#
# (Our weights act on means over the context. The paper's act on sums: divide both by $n$.)
#
# ## Predict, then slide
# The lab shows those two layers, and at the top right a *trained* one. Slide **σ**: w moves, **P and Q are frozen**. (The levels σ₁ and σ₂ choose other weights, made for
# them.) The curves are drawn as far as σ has come. Before it moves:
#
# 1. **At which σ does the answer of the two layers vanish?** Set the marker.
# 2. **And the trained model**, at $n = 20$: at the same σ, earlier, later?
# 3. With σ₂ = 2 instead of 3: does the answer vanish sooner or later?

# %% tags=["nbval-ignore-output"]
RescalingLab(s1=1.0, s2=3.0, context=1000, sigma=1.0)

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The rescaling lab with the noise at its end, 12. Top left: the scale of the two layers meets ridge's curve at 1 and 3, is zero at 3.3 and negative beyond. Top right: a trained model's scale lies below ridge's at low noise and above it at medium noise, and falls below zero shortly before 11. Bottom left: the distance to the oracle is nearly zero at 1 and 3 for the two layers, and only between them for ConstRR. Bottom right: the ten components of the answer, far outside the axis.](../docs/pictures/rescaling-lab.png)
#
# </details>
#
# - **Top left.** Where the blue line crosses zero, the answer is nothing; beyond, it has the wrong sign. The line is for $n \to \infty$, the circles are the two layers run at the chosen $n$.
# - **Top right.** The trained model on its own task, $x \sim N(0, I)$. *theorem* is the theorem's line for that task, with $\sigma^2/n$ in place of $\sigma^2$.
# - **Bottom left.** Two levels served exactly by the one, none by the other.
# - **Bottom right.** One sequence. Slide σ from 3 to 4 and watch the signs.
#
# Then take $n$ down to 20. On which side of the line do the circles lie now: does the answer vanish sooner, or later?
#
# ## Where it breaks
# The factor $1 + \omega_{yy}\sigma^2$ is zero at $\sigma^2 = -1/\omega_{yy}$. You can read the breaking point off one weight. For any two levels the two equations give
#
# $$\omega_{yy} = -\frac{1}{1 + \sigma_1^2 + \sigma_2^2},$$
#
# so the answer vanishes at $\sigma^2 = 1 + \sigma_1^2 + \sigma_2^2$ and turns round beyond.

# %%
for s1, s2 in ((1, 3), (1, 2)):
    total = 1 + s1**2 + s2**2
    print(f"made for {s1} and {s2}: omega_yy = {-1 / total:.4f}, the answer vanishes at sigma = {np.sqrt(total):.2f}")

# %% [markdown]
# ## A trained model beside it
# Now the two-layer DIAG that was trained on $\sigma \in \{1, 3\}$ with $n = 20$ and $x \sim N(0, I)$. In this task $\sigma^2/n$ plays the part of $\sigma^2$. So the theorem would
# have it break at $\sigma^2 = n + 1 + 9$.

# %%
trained = lt.load_pretrained("diag", layers=2, noise=mixed)
print("layer   omega_xx  omega_xy  omega_yx  omega_yy")
for layer, numbers in enumerate(trained.omega, start=1):
    print(f"{layer:5d} ", *(f"{number:9.3f}" for number in numbers.ravel()))


def scale_at(sigma):
    """The share of the truth in the trained model's answers, and in ridge's; the mean lambda of layer 2, and the mean factor of layer 1."""
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(10_000, np.random.default_rng(0))
    state = implicit_from_moments(trained, moments.S)
    ridge = Spectrum.from_moments(moments.S, 20).ridge(moments.sigma)
    first, second = state.rescaling.mean(axis=0)  # factors 1 + omega_yy lambda
    shares = [(w * moments.w).sum() / (moments.w**2).sum() for w in (state.w[:, -1], ridge)]
    return *shares, (second - 1) / trained.omega[1, 1, 1], first


print("\nsigma   scale   ridge   lambda of layer 2   factor of layer 1")
for sigma in (0, 1, 2, 3, 5, 8, 10, 12):
    print("{:5d} {:7.2f} {:7.2f} {:11.1f} {:19.2f}".format(sigma, *scale_at(sigma)))
sigmas = np.arange(8, 13, 0.25)
scales = [scale_at(sigma)[0] for sigma in sigmas]
print(f"\nthe trained model's scale is 0 near sigma = {np.interp(0, scales[::-1], sigmas[::-1]):.1f}")
print(f"the theorem's, for this task, at {np.sqrt(20 + 1 + 9):.1f}")

# %% [markdown]
# The same shape, with other numbers: too small at low noise, too large at medium noise, zero, and then the wrong sign. But the trained model does not meet ridge at 1 and
# 3, and it breaks much later. What is different here:
#
# - **Σ is far from the identity.** Two layers also have to invert it, with $\omega_{xx}$ ([05](05_preconditioning_and_momentum.ipynb)), and they are too few: even without noise the
#   scale stays below 1.
# - **λ is not σ².** From σ = 2 on what the second layer reads is smaller. With twenty examples for ten weights the first step fits part of the noise: that alone puts the breaking point off,
#   as it does with the circles in the lab at $n = 20$. And the first layer has already shrunk the labels with an $\omega_{yy}$ of its own (last column).
# - **More than two weights work.** The first layer has four of them. No single one carries the breaking point. (The second layer's $\omega_{xx}$ and $\omega_{xy}$ do nothing: no layer
#   reads the inputs after it.)
#
# ## Exercise
# ### Exercise: two weights for two noise levels
# (10 minutes, level: practice)
#
# Return $\omega_{yx}$ of the first layer and $\omega_{yy}$ of the second, for inputs $x \sim N(0, I/n)$ and the noise levels `s1` and `s2`. Solve the two equations, with the
# computer or by hand.

# %% tags=["exercise"]
def my_weights(s1, s2, n):
    """s1, s2 : two different noise levels; n : examples  ->  array [omega_yx, omega_yy]"""
    ...


# %% tags=["check"]
rescaling.two_weights.check(my_weights)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.linalg.solve([[1, s1**2], [1, s2**2]], [1 / (1 + s1**2), 1 / (1 + s2**2)])` gives $c$ and $c\,\omega_{yy}$.
#
# </details>
# <details><summary>Hint</summary>
#
# $\omega_{yx} = -n c$. The second number has to be divided by $c$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_weights(s1, s2, n):
#     c, slope = np.linalg.solve([[1, s1**2], [1, s2**2]], [1 / (1 + s1**2), 1 / (1 + s2**2)])
#     return np.array([-n * c, slope / c])
# ```
#
# </details>
#
# ### Exercise: read the breaking point off the weights
# (5 minutes, level: first steps)
#
# Given the omegas of such a two-layer model, return the $\sigma$ at which its answer vanishes for $n \to \infty$.

# %% tags=["exercise"]
def my_breaking_point(omega):
    """omega (2, 2, 2): of each layer [[omega_xx, omega_xy], [omega_yx, omega_yy]]  ->  sigma"""
    ...


# %% tags=["check"]
rescaling.breaking_point.check(my_breaking_point)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Where is the factor $1 + \omega_{yy}\sigma^2$ zero?
#
# </details>
# <details><summary>Hint</summary>
#
# The scaling happens in the second layer: `omega[1, 1, 1]`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_breaking_point(omega):
#     return np.sqrt(-1 / omega[1, 1, 1])
# ```
#
# </details>

# %% [markdown]
# ## Discussion
# - **Proven for a limit, useful beside it.** Theorem 5.2 says that two layers suffice for two noise levels when $n \to \infty$. At $n = 20$ a trained model rescales too, but
#   its weights are a compromise.
# - **One factor for all directions.** Ridge shrinks weak directions more than strong ones. The two layers above cannot: they take one step and scale its result. In a deeper model a
#   rescaled label goes through further steps, which treat directions differently. How a step itself adapts:
#   [07](07_noise_adaptive_step_sizes.ipynb).
# - **A straight line is no $1/(1 + \sigma^2)$.** It fits at two points and leaves the curve outside of them. Deeper models are polynomials of higher degree: they fit better inside,
#   and far outside some of their answers explode (07). Table 1 measures the inside; the paper's Fig. 2 and 3 look further.
#
# ## Quiz
# **1.** In Table 1 the GD++ rows stop falling with depth. Which weights would change that?
# <details><summary>Answer</summary>Those with q_y: omega_xy and omega_yy. Without them no label is ever multiplied by a label, and the answer stays linear in y.</details>
#
# **2.** Let σ₁ and σ₂ both go to 2. What becomes of the two layers' line, beside ridge's curve?
# <details><summary>Answer</summary>In σ² it becomes the tangent at 4. It lies below the curve everywhere else, and is zero at σ² = 9.</details>
#
# **3.** Between its two levels, does the two-layer model shrink too much or too little?
# <details><summary>Answer</summary>Too little: ridge's curve is convex in σ², and a chord lies above it between its ends. Outside of them it shrinks too much.</details>
#
# **4.** Put the two layers the other way round, the scaling first and the step second. What changes?
# <details><summary>Answer</summary>In the limit nothing. The labels of the context are scaled by the same factor before the step reads them, and the query's 0 stays 0.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: sec. 5.2, Theorem 5.2, sec. 6 (ConstRR), Table 1, Fig. 2 and 3.
# - Bai et al.: *Transformers as Statisticians*, NeurIPS 2023, [arXiv 2306.04637](https://arxiv.org/abs/2306.04637): mixed noise, and choosing among penalties in context.
