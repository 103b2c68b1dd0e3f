# %% [markdown]
# # 07  Noise-adaptive step sizes
# *Where labels are noisy, a frozen model learns less from them. One takes shorter steps, others step back, and one brake is behind both.*
#
# **You will be able to**
# - build two layers that take a shorter step when the labels are noisier, and say why they do;
# - measure the effective step size of a layer in a model that you did not build, and say why it can be negative;
# - read from filter factors which directions a model gives up first;
# - say which noise level a model acts as if it had seen, and where that breaks.
#
# **Takes** 30 minutes. **Needs** ridge regression ([02](02_in_context_regression.ipynb)) and the implicit weight
# ([04](04_every_layer_keeps_a_weight_vector.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# Ridge regression on $n$ examples is best with the penalty $\sigma^2/n$, so somebody has to tell it the noise level $\sigma$. Nobody tells a linear
# transformer. It gets twenty pairs $(x_i, y_i)$, from a quiet sequence or from a noisy one, and its weights are the same for both.
#
# [Notebook 06](06_adaptive_rescaling.ipynb) shows one way to react: scale the whole answer down. Ridge does something finer: it gives up some directions
# and keeps others. What in the weights could do that?
#
# Here are the weights of a DIAG model with four layers, trained on sequences whose $\sigma$ was drawn from U(0, 5). Each layer has four numbers.

# %%
import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import step_sizes
from lt_helpers.implicit import effective_step_size, filter_factors, implicit_from_moments, implied_noise
from lt_helpers.labs import NoiseLab
from lt_helpers.pretrained import spread
from lt_helpers.spectrum import Spectrum

model = lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5.0))
print("layer   omega_xx  omega_xy  omega_yx  omega_yy")
for layer, omega in enumerate(model.omega, start=1):
    print(f"{layer:5d} ", *(f"{number:9.3f}" for number in omega.ravel()))

# %% [markdown]
# ## One layer cannot react
# A DIAG layer changes a token $(x, y)$ like this (eq. 10), where $\Sigma$, $\alpha$ are the means of $x x^T$ and $y x$ over the context:
#
# $$x \leftarrow x + \omega_{xx}\,\Sigma x + \omega_{xy}\, y\, \alpha \qquad\qquad
#   y \leftarrow y + \omega_{yx} \langle \alpha, x\rangle + \omega_{yy}\, \overline{y^2}\, y$$
#
# The query comes in with $y = 0$, and the prediction is minus the $y$ that comes out. So one layer predicts
# $-\omega_{yx}\langle\alpha, x\rangle$: its implicit weight is $w = -\omega_{yx}\,\alpha$, one gradient step from $w = 0$. The size of that step,
# $-\omega_{yx}$, is a stored number. It is the same for every noise level.
#
# ## Two layers can
# Let a first layer have nothing but $\omega_{xy}$. It shifts every example by its own label:
#
# $$x_i \leftarrow x_i + \omega_{xy}\, y_i\, \alpha$$
#
# Let a second layer have nothing but $\omega_{yx}$. It reads the mean of $y x$ again, over the shifted examples, and finds
#
# $$\overline{y\,x} + \omega_{xy}\,\overline{y^2}\,\alpha = (1 + \omega_{xy}\,\overline{y^2})\,\alpha .$$
#
# The query has $y = 0$, so the first layer left it alone. At $w = 0$ a label is what is still unexplained, the residual $r_i = y_i$. The pair of layers does one
# gradient step (sec. 5.3):
#
# $$w = \eta\,\alpha, \qquad \eta = -\omega_{yx}\,(1 + \omega_{xy}\,\overline{r^2}).$$
#
# Build the two layers and compare. Noise makes residuals larger; with a **negative** $\omega_{xy}$ the step gets shorter.


# %%
def layers_of(*omegas):
    """A DIAG model from one pair (omega_xy, omega_yx) a layer; one of the two must be 0."""
    p = [[(1, 0) if xy else (0, 1)] for xy, yx in omegas]  # (p_x, p_y) of the only head
    q = [[(0, xy) if xy else (yx, 0)] for xy, yx in omegas]  # (q_x, q_y): omega_xy = p_x q_y, omega_yx = p_y q_x
    return lt.LinearTransformer.from_diagonals(p, q, dim=10)


omega_xy, omega_yx = -0.02, -0.5
pair = layers_of((omega_xy, 0), (0, omega_yx))

print("sigma   mean r^2   step   equal to the formula")
for sigma in (0, 1, 2, 4):
    batch = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(sigma)).sample(1000, np.random.default_rng(0))
    alpha = (batch.y[..., None] * batch.x).mean(axis=1)  # (B, d)
    mean_square = (batch.y**2).mean(axis=1)  # (B,): of the residuals at w = 0
    step = -omega_yx * (1 + omega_xy * mean_square)  # (B,)
    w = lt.implicit_regression(pair, batch.x, batch.y).w[:, -1]
    equal = np.allclose(w, step[:, None] * alpha, rtol=0, atol=1e-12)
    print(f"{sigma:5d} {mean_square.mean():10.2f} {step.mean():6.3f}   {equal}")

# %% [markdown]
# ## Away from zero there is a second term
# Deeper in a model $w$ is not zero any more. The labels have become residuals $r_i = y_i - \langle w, x_i\rangle$, and the query carries
# $-\langle w, x\rangle$, so the first layer of the pair shifts the query too. With $g = \overline{r\,x}$, minus the gradient at $w$, the pair now gives
#
# $$w' = w + \eta\,(g - \omega_{xy}\,|g|^2\,w).$$
#
# The step along $g$ is as before. The second term, for a negative $\omega_{xy}$, stretches what earlier layers have built. To check it, put one plain gradient
# step in front of the pair.

# %%
batch = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(2.0)).sample(1000, np.random.default_rng(0))
state = lt.implicit_regression(layers_of((0, -0.5), (omega_xy, 0), (0, omega_yx)), batch.x, batch.y)

w = state.w[:, 1]  # (B, d): after the plain step
r = batch.y - (batch.x @ w[..., None])[..., 0]  # (B, n)
g = (r[..., None] * batch.x).mean(axis=1)  # (B, d)
eta = -omega_yx * (1 + omega_xy * (r**2).mean(axis=1, keepdims=True))  # (B, 1)
stretch = -omega_xy * (g**2).sum(axis=1, keepdims=True) * w  # (B, d)
print("equal to the formula:", np.allclose(state.w[:, -1], w + eta * (g + stretch), rtol=0, atol=1e-12))
share = np.linalg.norm(stretch, axis=1) / np.linalg.norm(g, axis=1)
print(f"length of the second term, in lengths of g: median {np.median(share):.3f}, largest of 1000 {share.max():.3f}")

# %% [markdown]
# The same $\omega_{xy}$ also feeds the paper's momentum term (Lemma 4.4; [05](05_preconditioning_and_momentum.ipynb)). Below you will see that the two are one.
#
# ## What a shorter step does to a direction
# Take the principal directions of the inputs, with eigenvalues $s$ of $\Sigma$. Starting from $w = 0$, $L$ steps of size $\eta$ keep the share
# $1 - (1 - \eta s)^L$ of the least-squares answer in each direction, and ridge keeps $s / (s + \sigma^2/n)$. Such a share is called a **filter factor**.

# %%
s = np.array([0.1, 0.5, 1.0, 2.0])
print("eigenvalue        ", s)
for eta in (0.45, 0.25, 0.1):
    print(f"4 steps of {eta:.2f}   ", np.round(1 - (1 - eta * s) ** 4, 2))
for sigma in (1, 2, 4):
    print(f"ridge, sigma = {sigma}  ", np.round(s / (s + sigma**2 / 20), 2))

# %% [markdown]
# Short steps do what a large penalty does: every share sinks, and the weak directions have the smallest. That is early stopping. A layer that chooses its
# step by the residuals chooses, in effect, how early to stop.
#
# ## Predict, then slide
# The lab shows the model from the top of this notebook on one sequence. **P and Q are frozen, w moves.** Truth, inputs and the direction of the noise stay the
# same while σ slides; the grey ghost holds the state at σ = 1. Write your guesses down first:
#
# 1. **From σ = 1 to σ = 4, which directions lose the larger part of their share**, those with small or with large eigenvalues? Set the first
#    pink marker to the share of the weakest direction that you expect to be left at σ = 4.
# 2. **Which layer is the first that can change its step, and which one changes it most?** The section on one layer gives half the answer.
# 3. **Training ended at σ = 5. At σ = 8, which noise will the model act as if it had seen**: 8, 5, something between? Set the second marker.
#
# Then slide σ to 4, and on to 8.

# %% tags=["nbval-ignore-output"]
NoiseLab(sigma=1.0, kind="diag", noise="uniform-5", layers=4, ghost={"sigma": 1.0})

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The noise lab at sigma = 4. Top left: the implicit weight in ten components, blue, beside truth and oracle. Top right: the share of each direction that is kept, near the curve of ridge regression. Bottom left: step and rescaling of each of the four layers. Bottom right: the noise that the model acts as if it had seen, near the diagonal.](../docs/pictures/noise-lab.png)
#
# </details>
#
# - **Top left.** The thin blue path goes through the layers, from 0 to the dot. With more noise the dots stop closer to 0; so does the oracle (green), which
#   is told σ.
# - **Top right.** The share that is kept, by eigenvalue. The curve sinks and bends: left of it are the weak directions.
# - **Bottom left.** For each layer, the step along the gradient (blue) and the factor on the $w$ that was there before (orange-red).
# - **Bottom right.** The diagonal means: reads the noise rightly. The shaded part was seen in training.
#
# Press *New sequence* a few times, then try seven layers.
#
# ## Measured on many sequences
# One sequence is an anecdote. First the directions: keep one set of inputs, redraw truth and noise 2,000 times, and fit the share of each direction that survives.

# %%
x = np.random.default_rng(3).normal(size=(20, 10))
kept = {}
for sigma in (1, 4):
    s, kept[sigma], fit = filter_factors(model, x, sigma, draws=2000, rng=np.random.default_rng(0))
    print(f"sigma = {sigma}: smallest R^2 of the fit {fit.min():.2f}")
some = [0, 2, 4, 7, 9]
print("eigenvalue     ", np.round(s[some], 2))
for sigma in (1, 4):
    print(f"sigma = {sigma}  model", np.round(kept[sigma][some], 2))
    print("           ridge", np.round((s / (s + sigma**2 / 20))[some], 2))
print("model: lost of the share at sigma = 1", np.round(1 - kept[4] / kept[1], 2)[some])

# %% [markdown]
# **Prediction 1.** The weak directions lose most, in the model as in ridge. There the inputs vary little, so the noise says more about the labels than $w$ does.
# The model was never told σ, yet its shares follow ridge's.
#
# Next the layers. What a layer adds to its weight, after rescaling what was there, is its push $p$. Its **effective step size** is the step along
# $g$ that comes closest to $p$; as a least-squares fit over many sequences,
#
# $$\eta = \frac{\sum \langle g, p\rangle}{\sum \langle g, g\rangle}.$$
#
# For gradient descent that is exactly its step. The cosine of $g$ and $p$ says how much of the push it describes.

# %%
def measured(model, sigma, sequences=4000):
    """The state of every layer on sequences with noise sigma; same truths, inputs and noise directions for every sigma."""
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(sequences, np.random.default_rng(0))
    return implicit_from_moments(model, moments.S)


print("          step of layer                  cosine with g                 factor on w (median)")
print("sigma " + "      1      2      3      4  " * 3)
for sigma in (0.5, 1, 2, 3, 4, 5):
    state = measured(model, sigma)
    step, cosine = effective_step_size(state, pooled=True)
    columns = (step, cosine, np.median(state.rescaling, axis=0))
    print(f"{sigma:5.1f} ", "  ".join("".join(f"{number:7.3f}" for number in column) for column in columns))

quiet, noisy = (effective_step_size(measured(model, sigma), pooled=True)[0] for sigma in (1, 4))
print("\nstep at sigma = 4, in steps at sigma = 1, by layer:", np.round(noisy / quiet, 2))
print("layer that shortens its step most:", 1 + (noisy / quiet).argmin())

# %% [markdown]
# **Prediction 2.** The first layer never moves: no layer before it has looked at the labels. Its factor does fall, but it acts on $w = 0$; it only rescales the
# labels. The second layer could change its step and hardly does; with more noise it shrinks the $w$ that it was given instead, through
# $\omega_{yy}$. The steps shorten towards the end of the model, and the last one all but vanishes: in steps, noisy sequences are served by a shorter model. The
# last layer is not idle, though. Its $\omega_{yy}$ is positive, so its factor grows with the noise, and it stretches the $w$ that it was given instead of learning more. The
# cosines of the last layer fall as well: what it still adds at high noise is no longer a gradient step.
#
# ## Other models do otherwise
# *The noisier, the shorter the steps* is what **this** model does, DIAG with four layers and one head. Here are its relatives, all trained on U(0, 5). **Predict:** which of their steps will shrink towards zero as well?

# %%
uniform = lt.Uniform(5.0)
relatives = {
    "DIAG-4, two heads": lt.load_pretrained("diag", layers=4, noise=uniform, heads=2),
    "DIAG-4 without omega_xy": lt.load_pretrained("diag", layers=4, noise=uniform, heads=2, variant="no-omega_xy"),
    "DIAG-7": lt.load_pretrained("diag", layers=7, noise=uniform),
    "DIAG-7, two heads": lt.load_pretrained("diag", layers=7, noise=uniform, heads=2),
    "FULL-7": lt.load_pretrained("full", layers=7, noise=uniform),
}
for name, relative in relatives.items():
    print(f"{name}: step of layer 1, 2, ..")
    for sigma in (1, 2, 3, 4, 5):
        step, _ = effective_step_size(measured(relative, sigma), pooled=True)
        print(f"    sigma = {sigma} ", "".join(f"{number:7.2f}" for number in step))

# %% [markdown]
# None of them does it as cleanly.
#
# - **Steps pass through zero.** A negative step goes *away* from least squares: it undoes what the layers before have learned. The last layer of two-head DIAG-4 is negative at σ = 2 to 4, and positive again at 5. That of DIAG-7 stays negative.
# - **FULL-7** shortens the steps of layers 5 and 6, and its last one goes from −1 at σ = 1 to nearly 2 at σ = 5.
# - **Without $\omega_{xy}$** no step shortens: the noisier it is, the *longer* are both late ones. This model answers to the noise by its factors alone. (Its third step is negative at every noise. Why, comes below.)
#
# What they share is the answer: a smaller $w$ where it is noisier. How they come to it differs.
#
# ## Shorter steps and the brake are one thing
# [05](05_preconditioning_and_momentum.ipynb) splits the push of a DIAG layer into two parts. In its state, $x_i^l = M x_i + y_i u$ are the inputs of the layer, and
#
# $$p = -\omega_{yx}\,M^T M\,g \;-\; \omega_{yx}\;\overline{r\,y}\;M^T u .$$
#
# The first part goes along the gradient, the second along $u$, the momentum, which only $\omega_{xy}$ feeds. So the effective step is a sum of two, and of the first one we know the sign:
#
# $$\eta = \underbrace{-\omega_{yx}\,\frac{\sum |M g|^2}{\sum |g|^2}}_{\text{gradient}} \;+\; \text{momentum} .$$
#
# **Wherever $\omega_{yx}$ is negative, the gradient's share is positive. A negative step is then made by the momentum, whatever the other weights are.**


# %%
def shares_of_the_step(model, state):
    """What the gradient and what the momentum give to the effective step of each layer of a DIAG model -> (L,), (L,)"""
    g, M = state.gradient, state.M[:, :-1]  # (B, L, d), (B, L, d, d): before each layer
    Mg = (M @ g[..., None])[..., 0]  # (B, L, d)
    by_gradient = -model.omega[:, 1, 0] * (Mg**2).sum(axis=(0, 2)) / (g**2).sum(axis=(0, 2))
    step, _ = effective_step_size(state, pooled=True)
    return by_gradient, step - by_gradient


by_gradient, by_momentum = shares_of_the_step(pair, measured(pair, 4.0))
print(f"the pair that you built, sigma = 4: gradient {by_gradient[1]:.3f}, momentum {by_momentum[1]:.3f}")

shown = {"DIAG-4": (model, 4), "DIAG-4, two heads": (relatives["DIAG-4, two heads"], 4)}
shown |= {"DIAG-7": (relatives["DIAG-7"], 7), "DIAG-4 without omega_xy": (relatives["DIAG-4 without omega_xy"], 3)}
for name, (each, layer) in shown.items():
    print(f"\n{name}, layer {layer}, omega_yx = {each.omega[layer - 1, 1, 0]:.2f}\nsigma   gradient   momentum    step")
    for sigma in (0.5, 1, 2, 3, 4, 5):
        by_gradient, by_momentum = (share[layer - 1] for share in shares_of_the_step(each, measured(each, sigma)))
        print(f"{sigma:5.1f} {by_gradient:10.2f} {round(by_momentum, 2) + 0.0:10.2f} {by_gradient + by_momentum:7.2f}")

# %% [markdown]
# - **The pair at the top** took the step $-\omega_{yx}\,(1 + \omega_{xy}\,\overline{r^2})$. Its 1 is the gradient's share, and its $\omega_{xy}\,\overline{r^2}$ is momentum, against the gradient. (The fit over all sequences weighs those with large residuals
#   more.) The adaptive step of sec. 5.3 and the momentum of Lemma 4.4 are one term, read twice.
# - **DIAG-4** shortens its last step by this alone. The gradient's share even *grows* with the noise; the brake grows faster, until the two all but cancel.
# - **Two heads, and seven layers:** where the brake grows beyond the gradient's share, the step is negative.
# - **Without $\omega_{xy}$** there is no momentum, and no brake; so nothing shortens a step. Its negative one has another cause: in that layer $\omega_{yx}$ is *positive*, so it steps back at any noise. That is an accident of this training:
#   nothing asks for it.
#
# Do all DIAG models brake? Here are eight, of four and of seven layers, and in each the last two layers with a negative $\omega_{yx}$: the momentum's share of the step, in units of the gradient's. At −1 it takes back the whole step, beyond −1 the step
# is negative.

# %%
print("trained on   layers   heads   the two layers     sigma = 1          sigma = 3")
for noise in (uniform, lt.Categorical((1, 3))):
    for layers, heads in ((4, 1), (4, 2), (7, 1), (7, 2)):
        each = lt.load_pretrained("diag", layers, noise, heads=heads)
        late = np.flatnonzero(each.omega[:, 1, 0] < 0)[-2:]
        line = f"{noise.label:10} {layers:8d} {heads:7d}   {1 + late[0]:6d} {1 + late[1]:4d}    "
        for sigma in (1, 3):
            by_gradient, by_momentum = shares_of_the_step(each, measured(each, sigma, 2000))
            line += "".join(f"{ratio:9.2f}" for ratio in (by_momentum / by_gradient)[late]) + " "
        print(line)

# %% [markdown]
# They do, in both layers, and nearly all of them harder where it is noisier.
#
# Is the brake needed? Release it: take the momentum's part out of the last push alone, and leave all else as it is.

# %%
def without_the_last_brake(model, state):
    """The weights of a DIAG model whose last layer takes no momentum -> (B, d)"""
    M, g = state.M[:, -2], state.gradient[:, -1]  # (B, d, d), (B, d): before the last layer
    along_gradient = -model.omega[-1, 1, 0] * (M.mT @ M @ g[..., None])[..., 0]
    return state.rescaling[:, -1:] * state.w[:, -2] + along_gradient


print("half the squared distance to the oracle   sigma = 1   sigma = 4")
for name in ("DIAG-4", "DIAG-4, two heads", "DIAG-7"):
    each, distances = shown[name][0], {"as it is": [], "last brake released": []}
    for sigma in (1, 4):
        state = measured(each, sigma)
        oracle = Spectrum.from_moments(state.S, context=20).ridge(np.full(len(state.S), float(sigma)))
        for label, w in (("as it is", state.w[:, -1]), ("last brake released", without_the_last_brake(each, state))):
            distances[label].append(((w - oracle) ** 2).sum(axis=1).mean() / 2)
    for label, (at_1, at_4) in distances.items():
        print(f"{name:18} {label:20} {at_1:11.3f} {at_4:11.3f}")

# %% [markdown]
# Without it the last layer takes a step that is far too long, on quiet sequences already and much more on noisy ones. The trained $\omega_{yx}$ of that layer counts on the brake.
#
# ## Do other trainings show the same?
# Each model above is one training. Another seed ends in other weights. Here are all trainings that are stored, the first of each family being the one from above: the step of the last layer, and which layers step back at some
# of these σ. In a DIAG layer with a negative $\omega_{yx}$ that is the brake's doing; a layer with a positive one is left out.

# %%
families = {
    "DIAG-4": spread("diag", 4, uniform),
    "DIAG-4, two heads": spread("diag", 4, uniform, heads=2),
    "  without omega_xy": spread("diag", 4, uniform, heads=2, variant="no-omega_xy"),
    "DIAG-7": spread("diag", 7, uniform),
    "DIAG-7, two heads": spread("diag", 7, uniform, heads=2),
    "FULL-7": spread("full", 7, uniform),
}
shrinking, stepping_back = {}, {}
print(f"{'':18} seed   step of the last layer, sigma = 1, 2, .. 5     layers that step back")
for name, trainings in families.items():
    for each in trainings:
        steps = [effective_step_size(measured(each, sigma, 1000), pooled=True)[0] for sigma in (1, 2, 3, 4, 5)]
        last = np.array([step[-1] for step in steps])
        back = np.min(steps, axis=0) < -0.01  # (L,)
        if each.kind == "diag":
            back &= each.omega[:, 1, 0] < 0
        shrinking.setdefault(name, []).append((np.diff(last) < 0).all() and last[-1] > -0.01)
        stepping_back.setdefault(name, []).append(back.any())
        numbers = "".join(f"{step:8.2f}" for step in last)
        print(f"{name:18} {each.record['seed']:4d}   {numbers}      ", *(1 + np.flatnonzero(back)))

print("\n                   the last step shrinks to zero   some layer steps back")
for name, found in shrinking.items():
    print(f"{name:18} {sum(found):10d} of {len(found)} {sum(stepping_back[name]):21d} of {len(found)}")

# %% [markdown]
# What every training shows: with four layers and one head the last step shrinks to zero; with four layers and two heads, the last two layers step back. Of a model with a single row nobody knows yet what another seed would do.

# %% [markdown]
# ## Which noise does it believe in?
# The **implied noise** of a weight is the σ whose ridge solution lies nearest to it. We set it beside two estimates that know what they do: AdaRR's,
# from the residuals of least squares, and the exact posterior mean of σ for someone who knows that σ is drawn from U(0, 5).

# %%
print("true sigma   implied   AdaRR   posterior mean   (medians of 4000 sequences)")
for sigma in (0, 0.5, 1, 2, 3, 4, 5, 6, 7, 8):
    state = measured(model, sigma)
    spectrum = Spectrum.from_moments(state.S, context=20)
    implied = implied_noise(state.w[:, -1], spectrum)
    sigmas, probabilities = spectrum.posterior(lt.Uniform(5.0))
    columns = (implied, spectrum.noise_estimate(), probabilities @ sigmas)
    print(f"{sigma:10.1f} ", *(f"{np.median(column):9.2f}" for column in columns), "  past the training range" * (sigma > 5))

# %% [markdown]
# Inside the range the model acts on nearly the right noise. Without noise it still shrinks: four layers are too few to solve least squares.
#
# **Prediction 3.** Past the range it lags behind the truth, and so does the posterior, which rules out anything above 5. But the model goes on rising where the
# posterior must stop: nothing in its weights says "at most 5". Further out something else happens.

# %%
print("share of sequences whose w has an entry above 10\nsigma   four layers   seven layers")
for sigma in (5, 8, 10, 12, 15):
    sizes = [abs(measured(each, sigma).w[:, -1]).max(axis=1) for each in (model, relatives["DIAG-7"])]
    print(f"{sigma:5d}", "".join(f"{np.mean(~(size <= 10)):14.4f}" for size in sizes))

# %% [markdown]
# A layer is cubic in its tokens, so $w$ is a polynomial of high degree in the labels. A polynomial that is fitted on a range does not stay reasonable far outside
# of it: on some sequences it explodes. The lab ends at σ = 8, where four layers show none of
# that, and seven do on one or two sequences in a hundred. A user of such a model has to check for it ([12](12_from_pilot_to_practice.ipynb)).
#
# ## Exercise
# ### Exercise: the effective step size
# (10 minutes, level: practice)
#
# A layer takes the weight `w_before` and makes `w_after`. Measure the length of its step along the gradient, one number for all sequences. Mind the
# rescaling: only what the layer *adds* is a step.

# %% tags=["exercise"]
def my_step_size(w_before, w_after, rescaling, gradient):
    """w_before, w_after (B, d); rescaling (B,), the factor on w_before; gradient (B, d), g of every sequence.  ->  one number"""
    ...


# %% tags=["check"]
step_sizes.effective_step.check(my_step_size)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The push is `w_after - rescaling[:, None] * w_before`.
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
# def my_step_size(w_before, w_after, rescaling, gradient):
#     push = w_after - rescaling[:, None] * w_before
#     return (gradient * push).sum() / (gradient**2).sum()
# ```
#
# </details>
#
# Then measure a layer of the trained model: with `state = measured(model, 2.0)`, layer 3 has `state.w[:, 2]`, `state.w[:, 3]`, `state.rescaling[:, 2]` and
# `state.gradient[:, 2]`. The table above has the answer.

# %% [markdown]
# ## Discussion
# - **What is proven, and what is measured.** Two layers with $\omega_{xy}$ and $\omega_{yx}$ alone give the adaptive step exactly, and the two shares of a step add up in every DIAG model. How a trained model divides the work is
#   measured, model by model. Whether one *needs* $\omega_{xy}$ for it, only training without it can tell ([11](11_inside_the_weights.ipynb)): it can do without, at a higher loss.
# - **Ways to react.** Shrinking $w$ as a whole (06), shorter steps, and steps back (here) appear in the same model, in different layers. FULL has no omegas, so its steps cannot be split by this formula.
# - **The paper** describes the adaptive step in sec. 5.3 and finds that with enough layers DIAG beats ridge regression with estimated noise (sec. 6, Table 1). It
#   does not compare with the exact posterior over σ; [08](08_how_good_is_it.ipynb) does.
# - **A limit of the noise meter.** The implied noise is the nearest ridge solution, and $w$ need not lie near any: a number on the meter is a summary of ten.
#
# ## Quiz
# **1.** In the two-layer model with $\omega_{xy} = -0.02$, at which mean squared residual does the step vanish, and what happens beyond?
# <details><summary>Answer</summary>At 1 / 0.02 = 50. Beyond, the step is negative: the model answers with the wrong sign.</details>
#
# **2.** GD++ is DIAG without $\omega_{xy}$ and $\omega_{yy}$. What will its curve in the lab do when σ slides from 1 to 4?
# <details><summary>Answer</summary>Nothing: its shares depend on the inputs alone. Choose GD++ in the lab and see (panel top right).</details>
#
# **3.** Why do two layers suffice for an adaptive step, but not one?
# <details><summary>Answer</summary>In one layer w is linear in the labels. A step that depends on the residuals needs their squares, which a layer before must have put into the tokens.</details>
#
# **4.** A layer of a DIAG model has a negative $\omega_{yx}$, and its effective step is negative. Which of its two shares made it so?
# <details><summary>Answer</summary>The momentum's. With a negative ω_yx the gradient's share is a sum of squares times a positive number.</details>
#
# **5.** Two contexts have the same Σ and α, and so the same least-squares answer, but one has larger residuals. Does a trained DIAG answer both alike?
# <details><summary>Answer</summary>No. It also reads the mean of y², which is larger where the residuals are, and shrinks more. A GD++ model answers both alike.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 10, Lemma 4.4, sec. 5.3, sec. 6.
# - von Oswald et al.: *Transformers Learn In-Context by Gradient Descent*, ICML 2023, [arXiv 2212.07677](https://arxiv.org/abs/2212.07677): one layer, one step; GD++.
# - Hansen: *Discrete Inverse Problems*, SIAM 2010: filter factors.
