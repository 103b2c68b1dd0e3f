# %% [markdown]
# # 06  Adaptive rescaling
# *How can frozen weights sense the noise? They fit first, and then look at what is left over. One weight shrinks the answer by it.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import RescalingLab, surprises

lab = RescalingLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The rescaling lab with everything shown and the noise at its end, 12. First row: the four labels of three sequences A, A prime and B, of which A and B have the same; and the slopes that were fitted to them, shrunk towards those of ridge regression. Second row: two histograms of what layer 1 reads at sigma = 1 and at sigma = 3, which overlap; a single point says that it tells them apart in 74 percent. Third row: the scale of two built layers meets ridge's curve at 1 and 3, is zero at 3.3 and negative beyond; that of a trained model falls below zero shortly before 11. Last row: the distance to the oracle, nearly zero at 1 and 3; and ten components of one answer, most of them beyond the axis.](../docs/pictures/rescaling-lab.png)
#
# </details>
#
# **You will be able to** say why large labels do not tell how noisy they are, and what does; solve for the two weights that serve two noise levels; read off one weight at which noise the model turns its
# answer round.
#
# **Takes** 55 minutes. **Needs** the layer and its four numbers ([01](01_linear_attention.ipynb)), ridge regression ([02](02_in_context_regression.ipynb)), and one layer as a gradient step
# ([03](03_one_layer_is_one_gradient_step.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $\sigma$ the noise: standard deviation of what is added to the labels; $\Sigma, \alpha, v$ the blocks of $S$: the means of $x x^T$, $y x$ and $y^2$;
# $\omega_{xx}, \omega_{xy}, \omega_{yx}, \omega_{yy}$ the four numbers of a DIAG layer: what it writes, and what it reads; $r$ a residual, $y - \langle w, x\rangle$; $\lambda$ ridge regression's penalty;
# $\sigma_1, \sigma_2$ the two noise levels of Theorem 5.2.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** What does the number $\omega_{xx}$ of a layer do to the inputs? ([05](05_preconditioning_and_momentum.ipynb), if you did it)
# <details><summary>Answer</summary>It multiplies each of them by I + ω_xx Σ. With a negative ω_xx the long directions get shorter, and one step size then suits all directions.</details>
#
# **2.** A model with random weights reads a context, and answers for a query x. Is its answer linear in x? Is it a good one? ([04](04_every_layer_keeps_a_weight_vector.ipynb))
# <details><summary>Answer</summary>It is ⟨w, x⟩ for some w, whatever the weights are. Nothing says that this w fits the examples.</details>
#
# **3.** The first layer of a DIAG model starts at w = 0. Which w does it leave? Does the length of its step depend on the noise? ([03](03_one_layer_is_one_gradient_step.ipynb))
# <details><summary>Answer</summary>w = -ω_yx α. The step -ω_yx is one of the model's weights: the same for every sequence.</details>

# %% [markdown]
# ## The puzzle: large labels are not noise
# Ridge regression with the right penalty has to be told $\sigma$. Nobody tells the model. It has to find out from the twenty examples.
#
# A label is signal plus noise. So $v$, the mean of $y^2$, is large for two reasons: a long true $w$, or much noise. Draw 4,000 sequences without noise and 4,000 at $\sigma = 3$, in ten features:

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.evaluate import evaluate
from lt_helpers.exercises import regression, rescaling
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.labs.rescaling import best_border, labels_squared
from lt_helpers.labs.running_example import LABELS, NAMES, SIGMA, X, ridge_slopes, slopes
from lt_helpers.pretrained import ONE_FEATURE, spread
from lt_helpers.task import second_moments

# %%
for sigma in (0, 3):
    y = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(sigma)).sample(4000, np.random.default_rng(0)).y
    v = (y**2).mean(axis=1)  # (4000,)
    low, high = np.quantile(v, [0.05, 0.95])
    print(f"sigma = {sigma}: v lies between {low:.0f} and {high:.0f} in nine sequences of ten")

# %% [markdown]
# The two ranges overlap. A sequence with $v = 15$ may have no noise at all. That is why the bare labels told $\sigma = 1$ from $\sigma = 3$ in 74% of the lab's sequences only; a coin is right in 50%.
#
# A and B of the lab are the smallest example. The inputs are $x = (-1, -1, 1, 1)$. A has the labels $(-1, -3, 3, 1)$, and B has $(1, -3, 3, -1)$: the same four numbers in another order, so $v = 5$ in both.
# Now fit a line $w x$ to each. A leaves residuals of $\pm 1$, B of $\pm 2$. **What a fit leaves over shows the noise.** (In [03](03_one_layer_is_one_gradient_step.ipynb) it was the height at which the bottom of the bowl lies.)
#
# ### Exercise: what is left over
# (level: first steps)
#
# For one feature the least-squares slope is $\alpha/\Sigma$, the mean of $y x$ over the mean of $x^2$. Take the line off the labels, and return the mean of $r^2$.

# %% tags=["exercise"]
def left_over(x, y):
    """x (n,), y (n,): one sequence with one feature  ->  the mean of r^2, a number"""
    ...


# %% tags=["check"]
rescaling.left_over.check(left_over)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `w = (y * x).mean() / (x * x).mean()`, then `r = y - w * x`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def left_over(x, y):
#     w = (y * x).mean() / (x * x).mean()
#     r = y - w * x
#     return (r**2).mean()
# ```
#
# </details>

# %% [markdown]
# ## Fit, look, shrink
# A DIAG layer changes every token $(x, y)$ by four numbers ([01](01_linear_attention.ipynb)). The means $\Sigma$, $\alpha$ and $v$ are those of the tokens as they come into this layer:
#
# $$x \leftarrow x + \omega_{xx}\,\Sigma x + \omega_{xy}\, y\, \alpha, \qquad\qquad y \leftarrow y + \omega_{yx} \langle \alpha, x\rangle + \omega_{yy}\, v\, y .$$
#
# **Layer 1 fits.** Let it have only $\omega_{yx} = -1$. On the four points $\Sigma = 1$, so a step of length 1 lands on least squares. The labels become residuals, and the query stands at $-w x$.
#
# **Layer 2 looks and shrinks.** Let it have only $\omega_{yy}$. The labels that come in are residuals, so the $v$ that it reads is the mean of $r^2$. It multiplies every label by $1 + \omega_{yy}\, v$, and that of the
# query too. So the answer is multiplied by the same number:
#
# $$w \;\leftarrow\; (1 + \omega_{yy}\;\overline{r^2})\; w .$$
#
# (A bar is a mean over the context.) With a negative $\omega_{yy}$ the answer shrinks the more, the more is left over. The paper calls this **adaptive rescaling** (sec. 5.2). Here are the two layers with
# $\omega_{yy} = -\tfrac18$, and then in the wrong order.


# %% jupyter={"source_hidden": true}
def built(*layers):
    """A model with one feature from the four omegas of each layer, [[omega_xx, omega_xy], [omega_yx, omega_yy]]."""
    omega = np.array(layers, dtype=float)  # (L, 2, 2)
    heads = np.broadcast_to(np.eye(2), omega.shape)  # two heads, (1, 0) and (0, 1), so that q is omega
    return lt.LinearTransformer.from_diagonals(heads, omega, dim=1)


def read_four_points(model):
    """What the model makes of A, A' and B: its state in every layer."""
    return implicit_from_moments(model, second_moments(np.tile(X[:, None], (3, 1, 1)), LABELS))


fit, shrink_by_an_eighth = [[0, 0], [-1, 0]], [[0, 0], [0, -1 / 8]]

# %%
right_order = read_four_points(built(fit, shrink_by_an_eighth)).w[..., 0]  # (3, 3): A, A', B; before and after each layer
wrong_order = read_four_points(built(shrink_by_an_eighth, fit)).w[:, -1, 0]  # (3,)
print("     fitted   shrunk   ridge")
for name, steps, ridge in zip(NAMES, right_order, ridge_slopes(), strict=True):
    print(f"{name:3} {steps[1]:7.2f} {steps[2]:8.2f} {ridge:7.2f}")
factors = wrong_order / right_order[:, 1]
print(f"in the wrong order: A is multiplied by {factors[0]:.3f}, B by {factors[2]:.3f}")

# %% [markdown]
# A′ is the noisy copy of A; its labels are $(0, -4, 4, 0)$. *Ridge* is told the noise: $\sigma = 1$ for A, $\sigma = 2$ for A′ and B. The two layers agree with it on both noisy sequences, and were told nothing. On A they miss
# it: why, is seen below.
#
# In the wrong order the shrinking layer reads the bare labels, and multiplies them by $1 - \tfrac58 = \tfrac38$: in A and in B, for both have $v = 5$. What is fitted to labels of $\tfrac38$ the size is $\tfrac38$ of the slope,
# though A is the quiet one. The order matters: **fit first, then look.**
#
# ### Exercise: fit, look, shrink
# (level: first steps)
#
# Return the slope after both layers: the least-squares slope times $1 + \omega_{yy}\,\overline{r^2}$, whatever sign that has. Your `left_over` may help.

# %% tags=["exercise"]
def shrink(x, y, omega_yy):
    """x (n,), y (n,): one sequence with one feature; omega_yy, a number  ->  the slope, a number"""
    ...


# %% tags=["check"]
rescaling.shrink.check(shrink)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The factor is `1 + omega_yy * left_over(x, y)`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def shrink(x, y, omega_yy):
#     w = (y * x).mean() / (x * x).mean()
#     left = ((y - w * x) ** 2).mean()
#     return (1 + omega_yy * left) * w
# ```
#
# </details>

# %% [markdown]
# ## Does a trained model do that?
# Nobody built the next model: a DIAG with four layers and one feature, trained on $\sigma$ from U(0, 5). This is its slope $w$ after each layer $l$, on the same three sequences.
#
# ![The slope by layer for A, A prime and B. All three rise for two layers, A and A prime to 2, B to 1. Then they are shrunk: A to 1.85, A prime to 1.58, B to 0.79.](../docs/pictures/fit-then-shrink.svg)

# %% jupyter={"source_hidden": true}
one_feature = lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5.0), folder=ONE_FEATURE)
state = read_four_points(one_feature)
reads = labels_squared(one_feature, state.S)  # (3, 4): the mean of the squared labels before each layer
falls = state.w[:, 3, 0] / state.w[:, 2, 0]  # (3,): by what layer 3 multiplies w in all
print("     layer 1 reads   layer 3 reads   its factor   w is multiplied by")
for name, read, factor, fall in zip(NAMES, reads, state.rescaling, falls, strict=True):
    print(f"{name:3} {read[0]:14.2f} {read[2]:15.2f} {factor[2]:12.2f} {fall:20.2f}")

# %% [markdown]
# For two layers it fits, and comes to the least-squares slopes. The third layer reads about what is left over, 1, 4 and 4, and shrinks A′ and B much more than A. This training has found *fit, look, shrink*. It shrinks in two ways: by its factor $1 + \omega_{yy}\,\overline{r^2}$,
# and by more still with a push back, which is the other reaction, below.
#
# But why does it end so far above ridge's 1.60, 1.00 and 0.50? It reads means, so it does not know that there are four points, and takes them for the twenty of its training. Of twenty, ridge keeps more. So the meter of
# [02](02_in_context_regression.ipynb) reads a noise near the right one off its slopes with $n = 20$ (1.3 for 1, 2.3 for 2), and far too little with $n = 4$:

# %%
ends = read_four_points(one_feature).w[:, -1, 0]  # (3,)
print("    it ends at   ridge with 20 such points   meter at n = 20   at n = 4   sigma")
for name, end, slope, sigma in zip(NAMES, ends, slopes(), SIGMA, strict=True):
    noise_at = [regression.noise_read.solution(end / slope, n) for n in (20, 4)]
    print(f"{name:2}{end:12.2f} {slope / (1 + sigma**2 / 20):20.2f} {noise_at[0]:23.1f} {noise_at[1]:10.1f} {sigma:7.0f}")

# %% [markdown]
# With ten features no four points can be drawn, but the lab's histograms say the same. Here they are as numbers, for every training of that model that is stored: how often the $v$ that a layer reads tells $\sigma = 1$ from $\sigma = 3$.

# %% jupyter={"source_hidden": true}
both = [lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(2000, np.random.default_rng(0)).S for sigma in (1, 3)]
print("right in % of sequences, layers 1 to 4")
for number, each in enumerate(spread("diag", 4, lt.Uniform(5.0)), start=1):
    quiet, noisy = (labels_squared(each, S) for S in both)  # (2000, 4)
    right = [best_border(quiet[:, layer], noisy[:, layer])[1] for layer in range(4)]
    print(f"training {number} ", *(f"{100 * share:5.0f}" for share in right))

# %% [markdown]
# In each of them the second layer tells the noise far better than the first, and the third better still.
#
# ## The other reaction: a shorter step
# There is a second way. A layer with only $\omega_{xy}$ moves each input by its own label, $x \leftarrow x + \omega_{xy}\,y\,\alpha$. The layer after it then reads $\overline{y x} = (1 + \omega_{xy}\,v)\,\alpha$. With
# a negative $\omega_{xy}$ that is a shorter gradient, so its step is shorter where $v$ is large:
#
# $$\text{step} = -\omega_{yx}\,(1 + \omega_{xy}\, v) .$$
#
# Take $\omega_{xy} = -0.1$ and $\omega_{yx} = -1$. At the start $v$ is 5, 8 and 5, so the steps are 0.5, 0.2 and 0.5: B gets the long step of A. Now put a plain layer before the pair, which steps $\tfrac12$ in every sequence. It leaves the slopes 1, 1 and $\tfrac12$.
# Then $v$, the mean of $r^2$, is 2, 5 and 4.25, and the steps of the pair are 0.8, 0.5 and 0.575: now B's is nearer to that of A′. (The query's input is moved too, now that it has a label; that adds a little to each.) Again: fit once, then look. [07](07_noise_adaptive_step_sizes.ipynb) is about this reaction.
#
# ## Who cannot look
# GD++ is DIAG without $\omega_{xy}$ and $\omega_{yy}$. Its layers never multiply a label by a label. So for given inputs its answer is **linear in the labels**: $w = A y$, with a matrix $A$ that only the inputs decide. It cannot shrink the more, the noisier the labels are.
#
# How well can such a model do? Let $X$ hold the inputs as rows, $n \times d$, so $y = X w + \text{noise}$. The inputs stay; $w$ and the noise are drawn. With $E[w w^T] = I$ that gives $E[w\,y^T] = X^T$ and
# $E[y\,y^T] = X X^T + E[\sigma^2]\,I$. For numbers, the best multiple $a\,y$ of $y$ to guess $w$ by is $a = E[w y]/E[y^2]$, as a regression line has it. For vectors it is the same quotient. The $A y$ with the smallest mean squared error is
#
# $$E[w\,y^T]\;E[y\,y^T]^{-1}\,y \;=\; X^T\bigl(X X^T + E[\sigma^2]\,I\bigr)^{-1} y \;=\; \bigl(X^T X + E[\sigma^2]\,I\bigr)^{-1} X^T y .$$
#
# <details><summary>Why this A</summary>
#
# Write $B = E[w\,y^T]$, which is $d \times n$ as $A$ is, and $M = E[y\,y^T]$, which is $n \times n$, symmetric and invertible. As $|a|^2 = \mathrm{tr}(a\,a^T)$, the mean squared error of $A y$ is
#
# $$E\,|w - A y|^2 = \mathrm{tr}\bigl(I - A B^T - B A^T + A M A^T\bigr) = \mathrm{tr}\bigl((A - B M^{-1})\,M\,(A - B M^{-1})^T\bigr) + \mathrm{tr}\bigl(I - B M^{-1} B^T\bigr).$$
#
# (Multiply the middle out: the right side gives back the left.) The last trace does not depend on $A$. The one before it is a sum of $u^T M u$ over the rows $u$ of $A - B M^{-1}$. As $u^T M u = E\,(u^T y)^2$, none of them is below
# zero, and all are zero at $A = B M^{-1}$. That is so for every $X$, so on average over $X$ too.
#
# </details>
#
# The last step holds because $X^T(X X^T + k I) = (X^T X + k I)X^T$ for any number $k$. The right side is ridge regression with one penalty for all sequences, $\lambda = E[\sigma^2]$: **ConstRR** of [02](02_in_context_regression.ipynb); the lab
# writes *fixed ridge*.
#
# **Predict:** four trained layers, with $\sigma$ either 1 or 3: is the loss of GD++ below that of ConstRR? Is that of DIAG? The loss is half the mean squared error, less the oracle's: the excess risk of [00](00_start_here.ipynb).

# %%
mixed = lt.Categorical((1, 3))
models = {kind: lt.load_pretrained(kind, layers=4, noise=mixed) for kind in ("gd++", "diag")}
predictors = {kind: (lambda spectrum, model=model: model.implicit_weight(spectrum.S)) for kind, model in models.items()}
predictors["ConstRR"] = lambda spectrum: spectrum.ridge(np.full(len(spectrum.s), np.sqrt(mixed.mean_square)))
for name, result in evaluate(predictors, lt.RegressionTask(10, 20, mixed), 50_000, np.random.default_rng(0)).items():
    print(f"{name:8} loss {result.loss:.3f} +- {result.standard_error:.3f}")

# %% [markdown]
# GD++ stays at ConstRR. More layers would not help it: this is why the GD++ rows of the paper's Table 1, the loss for each number of layers, become flat. DIAG can look, and has a fifth of that loss.
#
# ## Where shrinking goes wrong
# The factor $1 + \omega_{yy}\,\overline{r^2}$ is a straight line in $\overline{r^2}$. It does not stop at zero. With $\omega_{yy} = -\tfrac18$ it is zero where $\overline{r^2} = 8$. Beyond, the answer has **the wrong sign**. You can
# read this breaking point off one weight, without running the model.
#
# ### Exercise: read the breaking point off the weights
# (level: first steps)
#
# A two-layer model has $\omega_{yx}$ and $\omega_{yy}$ in its first layer, and only $\omega_{yy}$ in its second. Let what the second layer reads be $\sigma^2$. At which $\sigma$ is the answer zero?

# %% tags=["exercise"]
def my_breaking_point(omega):
    """omega (2, 2, 2): of each layer [[omega_xx, omega_xy], [omega_yx, omega_yy]]  ->  sigma"""
    ...


# %% tags=["check"]
rescaling.breaking_point.check(my_breaking_point)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Where is $1 + \omega_{yy}\sigma^2$ zero? The second layer's $\omega_{yy}$ is `omega[1, 1, 1]`. (The first layer's cannot matter here: it multiplies a $w$ that is zero. It would shrink the labels that the second layer reads, but what that reads is given.)
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
# ## Two noise levels, two equations
# A line through two points: so two layers can be right at two noise levels. This is Theorem 5.2. It takes a task in which all is simple: inputs $x \sim N(0, I/n)$ with very many examples, $n \to \infty$. There
#
# - $n\Sigma$ is the identity, and $n\alpha$ is the true $w$ plus noise;
# - the signal in a single label is tiny (its variance is $d/n$), so $v = \sigma^2$, before a fit and after it: here even the bare labels show the noise;
# - ridge regression, $(\Sigma + \tfrac{\sigma^2}{n} I)\,w = \alpha$ with $\Sigma = \tfrac1n I$, answers with the share $1/(1 + \sigma^2)$ of $n\alpha$.
#
# The first layer leaves $w = -\omega_{yx}\,\alpha = -\tfrac{\omega_{yx}}{n}\,(n\alpha)$. That is the share $c = -\omega_{yx}/n$ of $n\alpha$. The second multiplies it by $1 + \omega_{yy}\,\sigma^2$. Ask for ridge's share at two noise levels $\sigma_1$ and $\sigma_2$:
#
# $$c + c\,\omega_{yy}\,\sigma_1^2 = \frac{1}{1 + \sigma_1^2}, \qquad c + c\,\omega_{yy}\,\sigma_2^2 = \frac{1}{1 + \sigma_2^2}.$$
#
# These are two linear equations for $c$ and $c\,\omega_{yy}$. For $\{1, 3\}$ the right sides are $\tfrac12$ and $\tfrac1{10}$. The second equation less the first is $8\,c\,\omega_{yy} = -0.4$. So $c\,\omega_{yy} = -0.05$, and the first
# then gives $c = 0.55$.

# %%
c = 0.55
omega_yy = -0.05 / c
two_layers = built([[0, 0], [-1000 * c, 0]], [[0, 0], [0, omega_yy]])
rng = np.random.default_rng(0)
x = rng.normal(scale=1000**-0.5, size=(2000, 1000, 1))  # 2000 sequences with n = 1000 and one feature
w, white = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 1000))
print("sigma   share of the two layers   run at n = 1000   of ridge")
for sigma in (0, 1, 2, 3, 4):
    S = second_moments(x, x[..., 0] * w + sigma * white)
    kept = (implicit_from_moments(two_layers, S).w[:, -1] * w).sum() / (w**2).sum()
    print(f"{sigma:5d} {c * (1 + omega_yy * sigma**2):18.2f} {kept:22.2f} {1 / (1 + sigma**2):13.2f}")

# %% [markdown]
# Run on 1,000 examples, the layers do what the formula says. At 1 and 3 they match ridge regression, which is told $\sigma$. Elsewhere they do not. For any two levels the equations give
#
# $$\omega_{yy} = -\frac{1}{1 + \sigma_1^2 + \sigma_2^2},$$
#
# here $-0.05/0.55 = -\tfrac1{11}$.
#
# <details><summary>How this comes out</summary>
#
# The difference of the right sides is $\frac{\sigma_1^2 - \sigma_2^2}{(1 + \sigma_1^2)(1 + \sigma_2^2)}$, that of the left sides $c\,\omega_{yy}\,(\sigma_2^2 - \sigma_1^2)$. So
# $c\,\omega_{yy} = -\frac{1}{(1 + \sigma_1^2)(1 + \sigma_2^2)}$. The first equation then gives $c = \frac{1 + \sigma_1^2 + \sigma_2^2}{(1 + \sigma_1^2)(1 + \sigma_2^2)}$. Divide.
#
# </details>
#
# So the answer is zero at $\sigma^2 = 1 + \sigma_1^2 + \sigma_2^2$: at $\sqrt{11} = 3.32$, where you saw it in the lab. (On the four points, too, the line meets ridge at two noise levels only, 0 and 2. That is why
# it missed ridge on A, where $\sigma$ is 1.)
#
# ### Exercise: two weights for two noise levels
# (level: practice)
#
# Return $\omega_{yx}$ of the first layer and $\omega_{yy}$ of the second, for inputs $x \sim N(0, I/n)$ and the noise levels `s1` and `s2`. Let the computer solve the two equations, or solve them by hand.

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

# %% [markdown]
# ## A trained model at n = 20
# The last beat of the lab shows a DIAG with two layers that was *trained* on $\sigma \in \{1, 3\}$, with twenty examples $x \sim N(0, I)$. Where $\Sigma = I$, ridge keeps $1/(1 + \sigma^2/20)$, and not $1/(1 + \sigma^2)$. So put $\sigma^2/20$ in place of each
# $\sigma^2$: the theorem has its zero where $\tfrac{\sigma^2}{20} = 1 + \tfrac1{20} + \tfrac9{20}$, that is at $\sigma = \sqrt{30} = 5.5$. The trained model breaks at 10.8: there the share that it keeps is zero on average over many sequences. As the lab told, it
# meets ridge at neither level: twenty examples are far from very many.

# %%
trained = lt.load_pretrained("diag", layers=2, noise=mixed)
print("sigma   layer 1 multiplies labels by   layer 2 reads   steps add: layer 1   layer 2   kept of the truth")
for sigma in (0, 1, 3, 8):
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(10_000, np.random.default_rng(0))
    state = implicit_from_moments(trained, moments.S)
    first, second = state.rescaling.mean(axis=0)  # 1 + omega_yy v of each layer, on average
    read = (second - 1) / trained.omega[1, 1, 1]  # what layer 2 reads
    parts = (state.push[:, 0], state.push[:, 1], state.w[:, -1])
    one, two, kept = ((each * moments.w).sum() / (moments.w**2).sum() for each in parts)
    print(f"{sigma:5d} {first:30.2f} {read:15.1f} {one:20.2f} {two:9.2f} {kept:19.2f}")
print(f"layer 2 alone would break at sigma = {rescaling.breaking_point.solution(trained.omega):.1f}, if it read sigma^2")

# %% [markdown]
# What is different here:
#
# - **$\Sigma$ is not the same in all directions.** Two layers also have to work against that, with $\omega_{xx}$, and they are too few. Even without noise the model keeps less than all.
# - **Layer 1 shrinks the labels.** Its own $\omega_{yy}$ does nothing to $w = 0$, but it halves the labels at $\sigma = 8$, which divides their mean square by about four. So layer 2 reads far less than the $\sigma^2$ of the exercise, and its
#   $\omega_{yy}$ alone no longer says where the model breaks: by it, that would be at 7.4.
# - **Layer 2 takes a step, too.** Layer 1 leaves a share of the labels, less its own $w$. Without noise that is 0.93 less 0.45 of the truth, enough for a step. At $\sigma = 8$ it is 0.50 less 0.44: hardly any signal is left to step along, and
#   the step adds nothing. That makes most of the fall of the last column.
# - **A fit takes noise with it.** Ten weights can fit a part of the noise in twenty labels. That part is missing from what is left over. (Therefore AdaRR divides by $n - d$: [08](08_how_good_is_it.ipynb).) With little noise it is
#   the other way round: one step has not fitted all of the signal, so layer 2 reads more than $\sigma^2$.
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## What this does not say
# - **One factor serves all directions.** Ridge regression shrinks weak directions more than strong ones. Two layers that fit once and shrink cannot. A deeper model goes on stepping after it has shrunk, and its later steps treat
#   directions differently.
# - **A line is not $1/(1 + \sigma^2)$.** It meets the curve at two points. Deeper models are polynomials of higher degree: they fit better inside of their training range, and far outside some of their answers explode.
# - **Sums and means.** Our weights act on means over the context, the paper's on sums. Divide ours by $n$ to compare.
#
# ## Quiz
# **1.** A sequence with one feature has Σ = 1, α = -1 and v = 2. What is the least-squares slope, what is left over, and what does ω_yy = -1/8 make of the slope?
# <details><summary>Answer</summary>The slope is -1. Left over is v - 2wα + w²Σ = 1. The factor is 7/8, so the slope becomes -0.875.</details>
#
# **2.** Give A a second feature, with the inputs (1, -1, 1, -1). What is left over now? Where has the noise gone?
# <details><summary>Answer</summary>Nothing is left: the second feature fits the residuals (1, -1, 1, -1) exactly. The noise went into w. With more features, less is left over than the noise deserves; hence n - d.</details>
#
# **3.** In Table 1 the GD++ rows stop falling with depth. Which weights would change that?
# <details><summary>Answer</summary>ω_xy and ω_yy. Without them no label is ever multiplied by a label, and the answer stays linear in y.</details>
#
# **4.** Let σ₁ and σ₂ both go to 2. What becomes of the two layers' line, beside ridge's curve?
# <details><summary>Answer</summary>In σ² it becomes the tangent at 4. It lies below the curve everywhere else, and is zero at σ² = 9.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 10, sec. 5.2 and Theorem 5.2.
