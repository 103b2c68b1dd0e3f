# %% [markdown]
# # 07  Noise-adaptive step sizes
# *Where labels are noisy, a frozen model learns less from them. One model takes shorter steps, others step back; in both, noise presses a brake.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import NoiseLab, surprises

lab = NoiseLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The noise lab with everything shown, at sigma = 4. Top left: the implicit weight in ten components, blue, beside truth and oracle. Top right: the share of each direction that is kept, near the curve of ridge regression. Bottom left: step and rescaling of each of the four layers. Bottom right: the noise that the model acts as if it had seen, near the diagonal.](../docs/pictures/noise-lab.png)
#
# </details>
#
# **You will be able to** say why one layer cannot react to the noise and two can; read from an answer which noise a model acts on; measure the step of a layer in a model that you did not build, and say what makes it short.
#
# **Takes** 50 minutes; the optional part at the end 25 more. **Needs** ridge regression ([02](02_in_context_regression.ipynb)), the implicit weight ([04](04_every_layer_keeps_a_weight_vector.ipynb)), and *fit, then look*
# ([06](06_adaptive_rescaling.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $\sigma$ the noise: standard deviation of what is added to the labels; $\Sigma, \alpha, v$ the blocks of $S$: the means of $x x^T$, $y x$ and $y^2$;
# $\omega_{xx}, \omega_{xy}, \omega_{yx}, \omega_{yy}$ the four numbers of a DIAG layer: what it writes, and what it reads; $s$ an eigenvalue of $\Sigma$: how much the inputs vary along a direction;
# $\eta$ a step size; $r$ a residual, $y - \langle w, x\rangle$; $M, u, a$ the rest of a layer's state, beside $w$;
# $k, \rho$ what a layer takes from a token's $x$ into its label, and what it multiplies the label by.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** Sequences A and B have the same labels in another order. How does a frozen model find out that B is noisier? ([06](06_adaptive_rescaling.ipynb))
# <details><summary>Answer</summary>It fits first. Then it looks at what is left over: 1 in A, 4 in B.</details>
#
# **2.** Two layers multiply the fitted slope by 1 + ω_yy times what is left over, with ω_yy = -1/8. What happens when 10 is left over? ([06](06_adaptive_rescaling.ipynb))
# <details><summary>Answer</summary>The factor is 1 - 10/8, which is negative: the answer gets the wrong sign.</details>
#
# **3.** After some layers a label has become a y - ⟨w, x⟩. What is a? ([04](04_every_layer_keeps_a_weight_vector.ipynb))
# <details><summary>Answer</summary>How much of the own label is left. Plain gradient descent leaves a = 1: the label has become the residual.</details>

# %% [markdown]
# ## What the meter shows
# How can one say which noise a model acts on? It answers with some $w$. Ridge regression has an answer for each $\sigma$. The $\sigma$ whose ridge answer lies nearest to $w$ is the noise that the model *acts as if it had seen*,
# its **implied noise**. That is what the lab's meter shows.
#
# In a single direction ridge regression keeps the share $s/(s + \sigma^2/n)$ of what least squares finds, $s$ being the eigenvalue ([02](02_in_context_regression.ipynb)). So a share betrays a $\sigma$.
#
# ### Exercise: which noise does a share betray?
# (level: first steps)
#
# Solve share $= s/(s + \sigma^2/n)$ for $\sigma$.

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import step_sizes
from lt_helpers.implicit import effective_step_size, filter_factors, implicit_from_moments, implied_noise
from lt_helpers.labs.running_example import LABELS, NAMES, X
from lt_helpers.pretrained import spread
from lt_helpers.spectrum import Spectrum


# %% tags=["exercise"]
def my_noise(share, s, n):
    """share of a direction that is kept, its eigenvalue s, the number n of examples  ->  sigma"""
    ...


# %% tags=["check"]
step_sizes.betrayed_noise.check(my_noise)

# %% [markdown]
# <details><summary>Hint</summary>
#
# $s + \sigma^2/n = s/\text{share}$, so $\sigma^2/n = s\,(1/\text{share} - 1)$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_noise(share, s, n):
#     return np.sqrt(n * s * (1 / share - 1))
# ```
#
# </details>
#
# Here is what the model acts on, as the median over 4,000 sequences at each noise. **AdaRR** (the triangle of the lab) estimates $\sigma$ from what least squares leaves over.

# %% jupyter={"source_hidden": true}
model = lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5.0))


def measured(model, sigma, sequences=4000):
    """The state of every layer on sequences with noise sigma; same truths, inputs and noise directions for every sigma."""
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(sequences, np.random.default_rng(0))
    return implicit_from_moments(model, moments.S)


# %%
print("sigma   the model's implied noise   AdaRR")
for sigma in (0, 1, 2, 3, 4, 5, 6, 8):
    state = measured(model, sigma)
    spectrum = Spectrum.from_moments(state.S, context=20)
    implied = implied_noise(state.w[:, -1], spectrum)
    print(f"{sigma:5d} {np.median(implied):27.2f} {np.median(spectrum.noise_estimate()):7.2f}")

# %% [markdown]
# From 1 to 4 the model acts on nearly the right noise. Without noise it still shrinks: its weights must serve all noises up to 5. From 5 on it lags behind the truth, but it goes on rising: nothing in its
# weights says "at most 5".
#
# ## One layer cannot react
# These are the weights of that model. Each row is a layer, and its four numbers are $\omega_{xx}$, $\omega_{xy}$, $\omega_{yx}$, $\omega_{yy}$.

# %%
print("      xx       xy       yx       yy")
for omega in model.omega.reshape(4, 4):
    print(*(f"{round(number, 3) + 0.0:8.3f}" for number in omega))

# %% [markdown]
# A DIAG layer changes a token by them ([01](01_linear_attention.ipynb)):
#
# $$x \leftarrow x + \omega_{xx}\,\Sigma x + \omega_{xy}\, y\, \alpha, \qquad\qquad y \leftarrow y + \omega_{yx} \langle \alpha, x\rangle + \omega_{yy}\, v\, y .$$
#
# The query comes in with $y = 0$, and the answer is minus the $y$ that comes out. So the first layer answers $-\omega_{yx}\langle\alpha, x\rangle$. Its implicit weight is $w = -\omega_{yx}\,\alpha$: one gradient step, of a length
# that is stored. In the lab layer 1 took 0.34 at every noise.
#
# ## Two layers can
# Let a first layer have only $\omega_{xy}$: it moves every input by its own label, $x_i \leftarrow x_i + \omega_{xy}\, y_i\, \alpha$. Let a second layer have only $\omega_{yx}$: it reads the mean of $y x$ again, over the moved inputs.
#
# By hand, on the four points of [06](06_adaptive_rescaling.ipynb): the inputs are $x = (-1, -1, 1, 1)$, and A has the labels $y = (-1, -3, 3, 1)$, so $\alpha = 2$ and $v = 5$. Let $\omega_{xy} = -0.1$. The
# first layer moves each input by $-0.1\,y\,\alpha = -0.2\,y$: towards zero, and the further, the larger its label.
#
# ![Two plots of four points, A and A prime, with x to the right and y upwards. An arrow leads from each point sideways towards x = 0. In A the points with the labels 3 and -3 come from 1 to 0.4, those with 1 and -1 from 1 to 0.8. In A prime the points with the labels 4 and -4 come from 1 to 0.2; those with label 0 stay.](../docs/pictures/moved-inputs.svg)
#
# The second layer reads the mean of $y$ times the moved input. That is a sum of two numbers. The mean of $y$ times the *old* input is $\alpha = 2$. The mean of $y$ times the *move* is $-0.2\,v = -1$. Together 1: the second layer finds half of
# what it would have found, so its step is half as long.
#
# **Predict:** in the noisy copy A′ $\alpha$ is 2 as well, and $v = 8$. Which two numbers, and what is left?

# %% jupyter={"source_hidden": true}
print("     old input   move   together")
for name, y in zip(NAMES[:2], LABELS[:2], strict=True):
    move = -0.1 * y * (y * X).mean()  # (4,)
    print(f"{name:3} {(y * X).mean():10.2f} {(y * move).mean():6.2f} {(y * (X + move)).mean():10.2f}")

# %% [markdown]
# The second number is a **brake**: it goes against the first, and it grows with the noise. In letters, the second layer reads $\alpha + \omega_{xy}\,v\,\alpha$. It multiplies that by $\omega_{yx}$, and $w$ is minus what comes out:
#
# $$w = \eta\,\alpha, \qquad \eta = -\omega_{yx}\,(\underbrace{1}_{\text{downhill}} + \underbrace{\omega_{xy}\, v}_{\text{brake}}).$$
#
# (The query has $y = 0$, so the first layer left it alone.) At $w = 0$ a label is what is still unexplained, so $v$ is the mean of $r^2$. Noise makes it larger. (So does a long truth. After a first fit $r^2$ tells the noise better, as in 06.)
# With a **negative** $\omega_{xy}$ the step is then shorter (sec. 5.3 of the paper). With $\omega_{xy} = -0.1$ the brake takes back the whole step at $v = 10$. Beyond, it is the stronger one, and the step is negative.
#
# ### Exercise: the length of the step
# (level: first steps)
#
# Return $\eta$ of the two layers on one sequence with the labels `y`.

# %% tags=["exercise"]
def my_step(y, omega_xy, omega_yx):
    """y (n,): the labels; omega_xy of the first layer and omega_yx of the second  ->  eta, a number"""
    ...


# %% tags=["check"]
step_sizes.shorter_step.check(my_step)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `(y**2).mean()` is $v$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_step(y, omega_xy, omega_yx):
#     return -omega_yx * (1 + omega_xy * (y**2).mean())
# ```
#
# </details>
#
# Now build the two layers, with ten features, and let them read 1,000 sequences at each noise.


# %% jupyter={"source_hidden": true}
def layers_of(*omegas):
    """A DIAG model from one pair (omega_xy, omega_yx) a layer; one of the two must be 0."""
    p = [[(1, 0) if xy else (0, 1)] for xy, yx in omegas]  # (p_x, p_y) of the only head
    q = [[(0, xy) if xy else (yx, 0)] for xy, yx in omegas]  # (q_x, q_y): omega_xy = p_x q_y, omega_yx = p_y q_x
    return lt.LinearTransformer.from_diagonals(p, q, dim=10)


# %%
omega_xy, omega_yx = -0.02, -0.5
pair = layers_of((omega_xy, 0), (0, omega_yx))

print("sigma   mean r^2   step")
for sigma in (0, 1, 2, 4):
    batch = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(sigma)).sample(1000, np.random.default_rng(0))
    alpha = (batch.y[..., None] * batch.x).mean(axis=1)  # (B, d)
    mean_square = (batch.y**2).mean(axis=1)  # (B,)
    step = -omega_yx * (1 + omega_xy * mean_square)  # (B,)
    w = lt.implicit_regression(pair, batch.x, batch.y).w[:, -1]
    np.testing.assert_allclose(w, step[:, None] * alpha, rtol=0, atol=1e-12)  # the formula holds
    print(f"{sigma:5d} {mean_square.mean():10.2f} {step.mean():6.3f}")

# %% [markdown]
# Nobody told the two layers $\sigma$. Their step shortens by itself.
#
# ## What a shorter step does to a direction
# Take an eigenvector of $\Sigma$ with eigenvalue $s$ as a direction, as in 02. From $w = 0$, $L$ steps of size $\eta$ find the share $1 - (1 - \eta s)^L$ of the least-squares answer there ([03](03_one_layer_is_one_gradient_step.ipynb)).

# %% jupyter={"source_hidden": true}
s = np.array([0.1, 0.5, 2.0])
print("eigenvalue       ", *(f"{one:6.2f}" for one in s))
for eta in (0.45, 0.1):
    print(f"4 steps of {eta:.2f}  ", *(f"{share:6.2f}" for share in 1 - (1 - eta * s) ** 4))
for sigma in (1, 4):
    print(f"ridge, sigma = {sigma} ", *(f"{share:6.2f}" for share in s / (s + sigma**2 / 20)))

# %% [markdown]
# Shorter steps work in the same sense as a larger penalty: every share sinks (as long as $\eta s$ is at most 1), and the weakest direction keeps the smallest part of what it had. The sizes differ: four steps of 0.45 keep 0.17 of the weakest direction, where ridge at $\sigma = 1$ keeps 0.67. To take
# fewer or shorter steps is called early stopping. A layer that chooses its step by the residuals chooses, in effect, how early to stop.
#
# And the trained model? Keep one set of inputs, redraw truth and noise 2,000 times, and fit which share of least squares the model keeps in each direction:

# %% jupyter={"source_hidden": true}
x = np.random.default_rng(3).normal(size=(20, 10))
some = [0, 4, 9]  # of the ten directions: the weakest, one in the middle, the strongest
print("eigenvalue       ", *(f"{one:6.2f}" for one in filter_factors(model, x, 1, draws=2, rng=np.random.default_rng(0))[0][some]))
for sigma in (1, 4):
    s, kept, _ = filter_factors(model, x, sigma, draws=2000, rng=np.random.default_rng(0))
    print(f"model, sigma = {sigma} ", *(f"{share:6.2f}" for share in kept[some]))
    print(f"ridge, sigma = {sigma} ", *(f"{share:6.2f}" for share in (s / (s + sigma**2 / 20))[some]))

# %% [markdown]
# The weak directions lose most, in the model as in ridge. There the inputs vary little, so the noise says more about the labels than $w$ does. The model was never told $\sigma$, yet its shares follow ridge's.
# (Ridge's share is never above 1. A model's can be: 1.01 means that its answer there is 1% longer than that of least squares, as a fit over the redraws.)
#
# ## Which layer does it?
# How long a step does a layer of a *trained* model take? A step has a direction. In [03](03_one_layer_is_one_gradient_step.ipynb) it was $g$, the mean of $r\,x$, which **points downhill**: along it the error falls fastest.
#
# Deeper in a model a label is no longer $y$. It has become $y^l = a\,y - \langle w, x\rangle$ ([04](04_every_layer_keeps_a_weight_vector.ipynb)), where $w$ is a weight for inputs *as they came in*. So half the mean of $(y^l)^2$ has, with $a$ held fixed, the slope $-\overline{y^l x}$ in $w$, and it falls
# fastest along $g = \overline{y^l x}$ (a bar is a mean): the label as it is *now*, times the input as it came in. Where $a = 1$ it is the $g$ of 03.
# (The layer itself reads the mean of $y^l x^l$, with the input, too, as it is now. In A′ above $g = 2$, by the old inputs, and the layer reads $2 - 1.6$. *The brake of layer 4* works that out.)
#
# A layer multiplies the $w$ that it finds by a factor, the $\rho$ of 04. What it adds to that is its push, $p = w_\text{after} - \rho\,w_\text{before}$. Its **effective step** is the $\eta$ with which $\eta\,g$ comes closest to $p$, over many sequences:
#
# $$\eta = \frac{\sum \langle g, p\rangle}{\sum \langle g, g\rangle}.$$
#
# In A′ above, with $\omega_{yx} = -\tfrac12$, the second layer finds $w = 0$ and makes it 0.2. So $p = 0.2$, $g = 2$ and $\eta = 0.1$: that is $\tfrac12\,(1 - 0.8)$, the step of the formula above.
#
# For gradient descent $\eta$ is exactly its step. A push *across* $g$ has the effective step 0. A push uphill, against $g$, has a negative step. The cosine of $g$ and $p$ says how much of the push the step describes.
#
# ### Exercise: the effective step size
# (level: practice)
#
# A layer takes the weight `w_before` and makes `w_after`. Return its effective step, one number for all sequences together. `rescaling` is $\rho$, and `downhill` is $g$.

# %% tags=["exercise"]
def my_step_size(w_before, w_after, rescaling, downhill):
    """w_before, w_after (B, d); rescaling (B,), the factor on w_before; downhill (B, d), g of every sequence.  ->  one number"""
    ...


# %% tags=["check"]
step_sizes.effective_step.check(my_step_size)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The push is `w_after - rescaling[:, None] * w_before`. The `[:, None]` makes a column of the factors, one for each row of `w_before`.
#
# </details>
# <details><summary>Hint</summary>
#
# The best $\eta$ in $p \approx \eta g$ over all sequences and components is one ratio of two sums.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_step_size(w_before, w_after, rescaling, downhill):
#     push = w_after - rescaling[:, None] * w_before
#     return (downhill * push).sum() / (downhill**2).sum()
# ```
#
# </details>

# %% [markdown]
# Here are the four layers of our model against the noise: the step $\eta$, the cosine, and the factor $\rho$. The lab showed one sequence; these are 4,000.
#
# ![Three plots against sigma from 0.5 to 5, a line for each of layers 1 to 4. Left, the step: layer 1 stays at 0.34, layer 2 at 0.45, layer 3 falls from 0.04 to 0.02, layer 4 falls from 1.6 to nearly 0. Middle, the cosine: near 1 for layers 1 and 2, falling for 3, and falling to 0.1 for layer 4. Right, the factor: it falls from about 0.95 to between 0.7 and 0.9 for layers 1 to 3, and rises from 1.07 to 1.33 for layer 4.](../docs/pictures/steps-by-noise.svg)
#
# The stored weights explain it. (Only in layer 1 is $-\omega_{yx}$ the step itself. Later layers see inputs that others have shrunk and moved, so the 13 of layer 4 comes to a step of about 1.5 at $\sigma = 1$.)
#
# - **Layer 1** keeps its step. Nothing before it has looked at the labels. (Its factor falls too, but it finds $w = 0$: there is nothing to shrink.)
# - **Layer 2** could brake if layer 1 had an $\omega_{xy}$. It has $-0.002$, nearly nothing. So layer 2 keeps its step. It answers to the noise with its $\omega_{yy}$ instead, as in 06: its factor $\rho$ falls, and shrinks the $w$ that it was given.
# - **Layer 3** hardly steps at any noise. (Layer 2's small $\omega_{xy}$ gives it a brake as well.) It moves the inputs for layer 4, with its $\omega_{xy}$ of $-0.178$.
# - **Layer 4** has the brake: layers 2 and 3 have an $\omega_{xy}$, both negative. Its step falls to nearly nothing. Its $\omega_{yy}$ is positive, so its *factor* rises: it stretches the $w$ that layers 2 and 3 have shrunk.
#
# Does that undo the shrinking? What layer 1 has found is multiplied by all three factors:

# %% jupyter={"source_hidden": true}
print("the factors of layers 2 to 4, multiplied")
for sigma in (1, 3, 5):
    print(f"sigma = {sigma}: {measured(model, sigma).rescaling[:, 1:].prod(axis=1).mean():.2f}")

# %% [markdown]
# With little noise it nearly does: the product is close to 1. With more noise the shrinking prevails.
#
# ## The brake of layer 4
# The push of layer 4 is again a sum of two, the same two as by hand. By [04](04_every_layer_keeps_a_weight_vector.ipynb) an input that layer 4 reads is $x^l = M x + y\,u$: what the token keeps of its input, and the move along its label. The last column is A′ above, before its second layer:
#
# | | in words | in A′ |
# |---|---|---|
# | $M$ | how much of its input a token keeps | 1 |
# | $u$ | how much of its first label gets into its input: only $\omega_{xy}$ puts any there | $\omega_{xy}\,\alpha = -0.2$ |
# | $g$ | the mean of $y^l x$: label *now*, input *at first* | $\alpha = 2$ |
# | $\overline{y^l y}$ | the mean of label *now* times label *at first* | $v = 8$ |
#
# So the mean of label times input, which a layer reads, is
#
# $$\overline{y^l x^l} = M\,g + \overline{y^l y}\;u ,$$
#
# in A′ $2 - 1.6$. The layer multiplies it by $\omega_{yx}$ (that is the $k$ of 04), and its push is minus $M^T$ times that (the last act of 04):
#
# $$p = \underbrace{-\,\omega_{yx}\,M^T M\,g}_{\text{downhill part}} \; \underbrace{-\;\omega_{yx}\;\overline{y^l y}\;M^T u}_{\text{brake}} .$$
#
# Along $g$ the first is $-\omega_{yx}\,\langle g, M^T M g\rangle = -\omega_{yx}\,|M g|^2$. So where $\omega_{yx}$ is negative it leads downhill, whatever the sequence. The second leads uphill: $u$ sums the means that layers 2 and 3 have read, times their negative $\omega_{xy}$. Together these means still point about along $g$, so $M^T u$ points against it; and what is left of a label still goes with the label, so the mean of $y^l y$ is positive on nearly every sequence.
# Here is each of the three, then the effective step of each part. (The cell checks that the two add up to the push.)

# %% jupyter={"source_hidden": true}
def parts_of_the_push(model, state):
    """The two parts of what each layer of a DIAG model adds to w, each by its formula; g; and the mean of y^l y."""
    M, u, w, a = state.M[:, :-1], state.u[:, :-1], state.w[:, :-1], state.a[:, :-1]  # before each layer
    Sigma = state.S[:, None, :-1, :-1]  # (B, 1, d, d)
    alpha = state.S[:, None, :-1, -1]  # (B, 1, d)
    v = state.S[:, None, -1, -1]  # (B, 1)

    downhill = a[..., None] * alpha - (Sigma @ w[..., None])[..., 0]  # (B, L, d): g, the mean of y^l x
    now_and_first = a * v - (w * alpha).sum(axis=-1)  # (B, L): the mean of y^l y

    omega_yx = model.omega[:, 1, 0][:, None]  # (L, 1)
    downhill_part = -omega_yx * (M.mT @ M @ downhill[..., None])[..., 0]  # (B, L, d)
    brake = -omega_yx * now_and_first[..., None] * (M.mT @ u[..., None])[..., 0]  # (B, L, d)
    return downhill_part, brake, downhill, now_and_first


def print_parts(name, model, layer):
    print(f"{name}, layer {layer}, omega_yx = {model.omega[layer - 1, 1, 0]:.2f}")
    print("sigma   downhill part   brake     sum   step of the push")
    for sigma in (1, 3, 5):
        state = measured(model, sigma)
        downhill_part, brake, downhill, _ = parts_of_the_push(model, state)
        np.testing.assert_allclose(downhill_part + brake, state.push, rtol=0, atol=1e-9)  # the two parts are all of the push

        size = (downhill**2).sum(axis=(0, 2))  # (L,)
        by_downhill = (downhill * downhill_part).sum(axis=(0, 2)) / size  # (L,)
        by_brake = (downhill * brake).sum(axis=(0, 2)) / size + 0.0  # (L,): + 0.0 makes -0 a 0
        step, _ = effective_step_size(state, pooled=True)  # (L,): of the push, as the model makes it

        columns = np.array([by_downhill, by_brake, by_downhill + by_brake, step])[:, layer - 1]
        print("{:5d} {:15.2f} {:7.2f} {:7.2f} {:18.2f}".format(sigma, *columns))


# %% jupyter={"source_hidden": true}
print("sigma   cosine of M^T u and g   size of u   mean of y^l y   positive on")
for sigma in (1, 3, 5):
    state = measured(model, sigma)
    u, g = state.u[:, 3], state.gradient[:, 3]  # (B, d) each, as layer 4 finds them
    uphill = (state.M[:, 3].mT @ u[..., None])[..., 0]  # (B, d): M^T u
    cosine = (uphill * g).sum() / np.sqrt((uphill**2).sum() * (g**2).sum())
    now_and_first = parts_of_the_push(model, state)[3][:, 3]  # (B,): the mean of y^l y
    size = np.sqrt((u**2).sum(axis=1).mean())
    print(f"{sigma:5d} {cosine:23.2f} {size:11.3f} {now_and_first.mean():15.2f} {np.mean(now_and_first > 0):13.1%}")
print_parts("DIAG-4", model, 4)

# %% [markdown]
# The downhill part does not get shorter: it even *grows* with the noise. (The $M$ that layers 1 to 3 leave behind depends on the noise. We only measure that.) The brake grows faster: in it stands a mean of labels times labels, which noise makes larger. ($u$ gets shorter meanwhile, and takes a part of that back.) In the end the two cancel along $g$. So the shorter step of
# this layer is the brake's doing, and nothing else's. And where $\omega_{yx}$ is negative, **a negative step is the brake's doing.**
#
# Is the brake needed, and must it follow the noise? Change the last push alone. *Released*: the downhill part without its brake. *Held*: the downhill part, shortened at every noise by 56%, as the brake shortens it at $\sigma = 1$ (1.89 of 3.37).


# %% jupyter={"source_hidden": true}
def brake_over_downhill(model, state):
    """The brake's part of each layer's step, divided by the downhill part's  ->  (L,)"""
    downhill_part, brake, downhill, _ = parts_of_the_push(model, state)
    return (downhill * brake).sum(axis=(0, 2)) / (downhill * downhill_part).sum(axis=(0, 2))


def print_last_pushes(name, model):
    """Half the squared distance to the oracle, of a DIAG model as it is and with three other last pushes."""
    held = brake_over_downhill(model, measured(model, 1))[-1]  # its strength at sigma = 1
    distances = {"as it is": [], "last brake released": [], "last brake held": [], "no last push": []}
    for sigma in (1, 4):
        state = measured(model, sigma)
        oracle = Spectrum.from_moments(state.S, context=20).ridge(np.full(len(state.S), float(sigma)))
        downhill_parts, brakes, _, _ = parts_of_the_push(model, state)
        downhill_part, brake = downhill_parts[:, -1], brakes[:, -1]  # (B, d) each
        without_push = state.w[:, -1] - downhill_part - brake
        pushes = (downhill_part + brake, downhill_part, (1 + held) * downhill_part, 0)
        for push, row in zip(pushes, distances.values(), strict=True):
            row.append(((without_push + push - oracle) ** 2).sum(axis=1).mean() / 2)
    for label, (quiet, noisy) in distances.items():
        print(f"{name:18} {label:20} {quiet:11.3f} {noisy:11.3f}")


# %% jupyter={"source_hidden": true}
print("half the squared distance to the oracle   sigma = 1   sigma = 4")
print_last_pushes("DIAG-4", model)

# %% [markdown]
# - **Released:** the step is far too long, at $\sigma = 4$ most of all.
# - **Held:** nearly as good at $\sigma = 1$, far off at $\sigma = 4$. So the brake must press harder where it is noisier.
# - **No push:** at $\sigma = 1$ the push is needed. At $\sigma = 4$ the layer would do best without one: what is left of it still costs 0.04. (The brake cancels nearly all that lies along $g$; some of the push lies across it.)
#
# ## Do other models brake?
# Here are eight DIAG models: four or seven layers, one head or two (× 2), trained on U(0, 5) or on {1, 3}. Of each you see the last two layers with a negative $\omega_{yx}$. Drawn is the brake, as a share of the downhill part, at $\sigma = 1$ (blue, large) and
# $\sigma = 3$ (orange). At $-1$ the brake takes back the whole step.
#
# ![Two plots, for models trained on U(0, 5) and on {1, 3}, each with eight columns: two layers of each of four models. All points lie below zero. At sigma = 1 they lie between -0.2 and -1.1, at sigma = 3 between -0.4 and -1.8. In every column but one the orange point lies below the blue one; in the last column of the left plot, the second layer of 7 × 2, it lies on it, at -1.1.](../docs/pictures/brakes.svg)
#
# Each of them is one training. Five trainings of each are stored:

# %% jupyter={"source_hidden": true}
columns, braking, harder = 0, 0, 0
for noise in (lt.Uniform(5.0), lt.Categorical((1, 3))):
    for layers, heads in ((4, 1), (4, 2), (7, 1), (7, 2)):
        for each in spread("diag", layers, noise, heads=heads):
            late = np.flatnonzero(each.omega[:, 1, 0] < 0)[-2:]  # their downhill part is positive
            quiet, noisy = (brake_over_downhill(each, measured(each, sigma, 1000))[late] for sigma in (1, 3))  # (2,) each
            columns += len(late)
            braking += ((quiet < 0) & (noisy < 0)).sum()
            harder += (noisy < quiet).sum()
print(f"brake at both sigmas:      {braking} of {columns} columns")
print(f"brake harder at sigma = 3: {harder} of {columns} columns")

# %% [markdown]
# **Nearly all of them brake, and brake harder where it is noisier.** That is what to keep.
#
# How short the step becomes differs. Points below $-1$ are layers that step *back*. So *the noisier, the shorter the last step* is what **our** model does, and no law.

# %% [markdown]
# ## Far outside
# Past the training range the meter only lags. Further out something else happens.

# %% jupyter={"source_hidden": true}
uniform = lt.Uniform(5.0)
seven = lt.load_pretrained("diag", layers=7, noise=uniform)
print("share of sequences whose w has an entry above 10 in size\nsigma   four layers   seven layers")
for sigma in (5, 8, 10, 12, 15):
    sizes = [abs(measured(each, sigma).w[:, -1]).max(axis=1) for each in (model, seven)]
    print(f"{sigma:5d}", "".join(f"{np.mean(~(size <= 10)):14.4f}" for size in sizes))

# %% [markdown]
# A layer multiplies three tokens, two in $S$ and the one that it moves. So $w$ is a polynomial of high degree in the labels. A polynomial that is fitted on a range does not stay reasonable far outside of it: it explodes, the more often the further out, and sooner in the deeper model. A user of such a model has to
# check for it ([12](12_from_pilot_to_practice.ipynb)).

# %% [markdown]
# ## Optional: the formula of the brake, and other models (25 minutes)
# The way goes on at *What surprised you*.
#
# ### Why all of the move is in $u$ and $M$
# In A′ a label is still $y$ when its input is moved. Later it is $a\,y - \langle w, x\rangle$, and an input moves by $\omega_{xy}\,\alpha^l$ times that, where $\alpha^l$ is the mean of $y^l x^l$. The first half of the move, along $a\,y$, goes into $u$. The second half is a linear function
# of $x$ alone, $-\omega_{xy}\,\alpha^l\,w^T x$: it goes into $M$. Where $w$ is still 0, as in A′, there is no second half.
#
# `parts_of_the_push`, in the folded cell of *The brake of layer 4*, computes both parts by the formula.
#
# <details><summary>What such a pair of layers does deeper in a model</summary>
#
# Let the pair come after layers that have left the inputs as they were. Away from $w = 0$ the query carries $-\langle w, x\rangle$, so the first layer of the pair shifts the query too: with $a = 1$ it leaves
# $M = I - \omega_{xy}\,g\,w^T$ and $u = \omega_{xy}\,g$. The second layer then makes $w$ into
#
# $$w + \eta\,(g - \omega_{xy}\,|g|^2\,w), \qquad \eta = -\omega_{yx}\,\bigl(1 + \omega_{xy}\,\overline{(y^l)^2}\bigr) .$$
#
# That is the adaptive step, and a second term: for a negative $\omega_{xy}$ it stretches what earlier layers have built.
#
# </details>
#
# (The paper calls the second part *momentum*, Lemma 4.4: $u$ holds what earlier layers have read, as in the optional half of [05](05_preconditioning_and_momentum.ipynb). We say brake, since in these models it leads uphill.)
#
# ### Other models, other trainings
# Which layers of other models react to the noise, and do other trainings do the same?
#
# <details><summary>The steps of four relatives</summary>
#
# All were trained on U(0, 5). *× 2* has two heads a layer; $\omega_{xy} = 0$ was trained without that weight. (It needs two heads. With one, $\omega_{xx}\,\omega_{yy} = \omega_{xy}\,\omega_{yx}$ by [01](01_linear_attention.ipynb), and without $\omega_{xy}$
# one of the first two would be 0 as well.) **Predict:** which steps will shrink?
#
# ![Four plots of the effective step by layer, at sigma = 1 in blue and at sigma = 3 in orange. DIAG-4 with two heads: the last step falls from 0.75 to -0.35. Two heads without omega_xy: the third step is negative, about -1, and the fourth between 1.3 and 1.7; both are longer at sigma = 3. DIAG-7: the fifth step falls from 1 to 0.6, the last from 0.8 to -0.4. FULL-7: steps 5 and 6 fall, the last rises from -1 to 0.9.](../docs/pictures/steps-of-relatives.svg)
#
# - **Steps pass through zero.** A negative step goes uphill: it undoes what the layers before have learned. At $\sigma = 3$ the last step is negative in both DIAG models with $\omega_{xy}$.
# - **FULL-7** shortens its steps 5 and 6, and its last one goes from $-1$ to 0.9.
# - **Without $\omega_{xy}$** no step shortens: the noisier it is, the *longer* are both late ones. This model answers to the noise by its factors alone.
#
# </details>
#
# What they share is the answer: a smaller $w$ where it is noisier.

# %% jupyter={"source_hidden": true}
relatives = {
    "DIAG-4": model,
    "DIAG-4, two heads": lt.load_pretrained("diag", layers=4, noise=uniform, heads=2),
    "DIAG-4 without omega_xy": lt.load_pretrained("diag", layers=4, noise=uniform, heads=2, variant="no-omega_xy"),
    "DIAG-7": seven,
    "FULL-7": lt.load_pretrained("full", layers=7, noise=uniform),
}
print("median length of w        sigma = 1   sigma = 3   sigma = 5")
for name, each in relatives.items():
    lengths = [np.median(np.linalg.norm(measured(each, sigma).w[:, -1], axis=1)) for sigma in (1, 3, 5)]
    print(f"{name:23}" + "".join(f"{length:12.2f}" for length in lengths))

# %% [markdown]
# The model without $\omega_{xy}$ has no brake, and its third step is negative all the same. Here are its parts; and two relatives with other last pushes, of which both need their last push at $\sigma = 4$ too:

# %% jupyter={"source_hidden": true}
print_parts("DIAG-4 without omega_xy", relatives["DIAG-4 without omega_xy"], 3)

# %% jupyter={"source_hidden": true}
print("half the squared distance to the oracle   sigma = 1   sigma = 4")
for name in ("DIAG-4, two heads", "DIAG-7"):
    print_last_pushes(name, relatives[name])

# %% [markdown]
# In layer 3 of the model without $\omega_{xy}$ the weight $\omega_{yx}$ is *positive*. So the downhill part itself is negative, at every noise: this step back is of another kind.
#
# <details><summary>Do other trainings show the same?</summary>
#
# Each model above is one training. Another seed ends in other weights. The next cell goes through all trainings that are stored, and asks of each:
#
# - Does its last step shrink at each $\sigma$ from 1 to 5, to less than a tenth?
# - Does some layer with a negative $\omega_{yx}$ step back at one of these $\sigma$? That is the brake's doing.
# - Does some layer with a positive $\omega_{yx}$ step back? There the downhill part is negative itself.
#
# What every training shows: with four layers and one head the last step shrinks nearly to zero. With two heads it does not, and some layer brakes so hard that it steps back. Without $\omega_{xy}$ no layer brakes; one of the three trainings
# steps back all the same, by the positive $\omega_{yx}$ above. (One two-head DIAG-7 has such a layer too, beside its brakes.) One-head DIAG-7 goes either way: its last step shrinks in some trainings and not in others.
#
# </details>

# %% jupyter={"source_hidden": true}
families = {
    "DIAG-4": spread("diag", 4, uniform),
    "DIAG-4, two heads": spread("diag", 4, uniform, heads=2),
    "  without omega_xy": spread("diag", 4, uniform, heads=2, variant="no-omega_xy"),
    "DIAG-7": spread("diag", 7, uniform),
    "DIAG-7, two heads": spread("diag", 7, uniform, heads=2),
}
print("                     last step   steps back, omega_yx")
print("                     shrinks     < 0        > 0")
for name, trainings in families.items():
    shrinks, braked, others = 0, 0, 0
    for each in trainings:
        steps = np.array([effective_step_size(measured(each, sigma, 1000), pooled=True)[0] for sigma in (1, 2, 3, 4, 5)])  # (5, L)
        back = steps.min(axis=0) < -0.01  # (L,)
        descends = each.omega[:, 1, 0] < 0  # (L,)
        shrinks += (np.diff(steps[:, -1]) < 0).all() and abs(steps[-1, -1]) < steps[0, -1] / 10
        braked += (back & descends).any()
        others += (back & ~descends).any()
    print(f"{name:20}", "      ".join(f"{count} of {len(trainings)}" for count in (shrinks, braked, others)))

# %% [markdown]
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Discussion
# - **What is proven, and what is measured.** Two layers with $\omega_{xy}$ and $\omega_{yx}$ alone give the adaptive step exactly, and the two parts of a step add up in every DIAG model. How a trained model divides the work is
#   measured, model by model. Whether one *needs* $\omega_{xy}$ for it, only training without it can tell ([11](11_inside_the_weights.ipynb)): it can do without, at a higher loss.
# - **Ways to react.** Shrinking $w$ as a whole (06) and shorter steps (here) appear in the same model, in different layers; in some of its relatives steps back as well. FULL has no omegas, so its steps cannot be split by this formula.
# - **A limit of the noise meter.** $w$ need not lie near any ridge answer: a number on the meter is a summary of ten.
#
# ## Quiz
# **1.** In the two-layer model with $\omega_{xy} = -0.02$, at which mean squared residual does the step vanish, and what happens beyond?
# <details><summary>Answer</summary>At 1 / 0.02 = 50. Beyond, the step is negative: the model answers with the wrong sign.</details>
#
# **2.** GD++ is DIAG without $\omega_{xy}$ and $\omega_{yy}$. What will its shares in the lab do when σ slides from 1 to 4?
# <details><summary>Answer</summary>Nothing: they depend on the inputs alone. Choose GD++ under Everything and see.</details>
#
# **3.** Why do two layers suffice for an adaptive step, but not one?
# <details><summary>Answer</summary>In one DIAG layer w is −ω_yx α, linear in the labels. A step that depends on the residuals needs their squares, which a layer before must have put into the tokens.</details>
#
# **4.** A layer of a DIAG model has a negative $\omega_{yx}$, and its effective step is negative. Which of its two parts made it so?
# <details><summary>Answer</summary>The brake. With a negative ω_yx the downhill part's step is a sum of squares times a positive number.</details>
#
# **5.** Two contexts have the same Σ and α, and so the same least-squares answer, but one has larger residuals. Does a trained DIAG of several layers answer both alike?
# <details><summary>Answer</summary>No. It also reads the mean of y², which is larger where the residuals are, and shrinks more. A GD++ model answers both alike, and so does a single layer.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 10, Lemma 4.4, sec. 5.3, sec. 6.
# - von Oswald et al.: *Transformers Learn In-Context by Gradient Descent*, ICML 2023, [arXiv 2212.07677](https://arxiv.org/abs/2212.07677): one layer, one step; GD++.
# - Hansen: *Discrete Inverse Problems*, SIAM 2010: filter factors.
