# %% [markdown]
# # 13  Discover an algorithm
# *Take the algorithm out of a trained model, write it down, fit it to a noise that no model has seen, and beat AdaRR with it.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import AlgorithmLab, surprises

lab = AlgorithmLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The algorithm lab at sigma = 5 without rescaling. Top left: the error after each layer; as trained it ends below AdaRR, without rescaling the last layer throws it far above. Top right: the error against the noise; the two curves are close for quiet sequences and part by orders of magnitude as the noise grows. Bottom left: the ten components of one answer, away from the oracle's. Bottom right: the shares kept of each direction, far from ridge's curve, where the trained ones lie on it.](../docs/pictures/algorithm-lab.png)
#
# </details>
#
# **You will be able to** write the algorithm inside a DIAG model as a few lines of NumPy, and show that it is the model; say what each of its four terms does, and why switching one off does not show what it is for; fit its
# constants to a new noise, and report the result with standard errors; say what of all this is understood, and what is open.
#
# **Takes** 35 minutes. **Needs** the implicit weight ([04](04_every_layer_keeps_a_weight_vector.ipynb)), the two ways to react to noise
# ([06](06_adaptive_rescaling.ipynb), [07](07_noise_adaptive_step_sizes.ipynb)), and what an opponent knows of the noise ([08](08_how_good_is_it.ipynb): its ladder, if nothing else). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $\sigma$ the noise: standard deviation of what is added to the labels; $\Sigma, \alpha, v$ the blocks of $S$: the means of $x x^T$, $y x$ and $y^2$;
# $\omega_{xx}, \omega_{xy}, \omega_{yx}, \omega_{yy}$ the four numbers of a DIAG layer: what it writes, and what it reads; $M, u, a$ the rest of a layer's state, beside $w$.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** A layer multiplies labels by $\rho$ and takes $k$ from a token's $x$ into its label. What becomes of $w$? ([04](04_every_layer_keeps_a_weight_vector.ipynb))
# <details><summary>Answer</summary>w' = ρ w - M^T k: the old weight, rescaled, and a push.</details>
#
# **2.** Which two of the four numbers of a DIAG layer react to the noise? ([06](06_adaptive_rescaling.ipynb))
# <details><summary>Answer</summary>ω_yy, which shrinks, and ω_xy, which shortens later steps. Both read what is left of the labels.</details>
#
# **3.** Who cannot be beaten on average, if the distribution of the noise is known? ([08](08_how_good_is_it.ipynb))
# <details><summary>Answer</summary>The Bayes-optimal predictor, which averages ridge regressions by how probable each σ is.</details>
#
# ## The question
# An instrument has two states. In three sequences of four its noise is $\sigma = 2$. In the fourth it is disturbed, and $\sigma = 5$. Nobody says which is which. Who predicts best?
#
# The opponents are ridge regression, and differ in the $\sigma$ that they put into the penalty ([08](08_how_good_is_it.ipynb)). AdaRR estimates it from the residuals of each sequence. Evidence ridge takes the $\sigma$ that makes the
# labels most probable. TunedRR multiplies and caps AdaRR's estimate with two constants, which we tune here for this noise. The Bayes-optimal predictor knows the two states and their odds; nothing is better on average. Beside it
# stands one that was told nothing: its prior is fitted on 100 earlier sequences ([12](12_from_pilot_to_practice.ipynb)). Two DIAG models with four layers were trained on other noise. The loss is half the squared error above that of the oracle, ridge regression that is told $\sigma$.

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.algorithm import answer, as_model
from lt_helpers.baselines import scaled, tuned_noise
from lt_helpers.evaluate import evaluate, per_variance_profile
from lt_helpers.exercises import algorithm as exercises
from lt_helpers.implicit import implied_noise
from lt_helpers.practice import fit_prior
from lt_helpers.spectrum import Spectrum
from lt_helpers.task import second_moments
from lt_helpers.tune import tune

instrument = lt.Categorical((2, 2, 2, 5))  # each of the four with the same chance


def losses(predictors, noise=instrument, sequences=20_000):
    """Print the loss of each predictor on held-out sequences, with its standard error."""
    results = evaluate(predictors, lt.RegressionTask(10, 20, noise), sequences, np.random.default_rng(0))
    for name, result in results.items():
        told = f"{result.loss:.3f} +- {result.standard_error:.4f}" if result.loss < 10 else "explodes"
        print(f"{name:24} {told}")


tuned = tune(instrument, samples=3_000)
earlier = lt.RegressionTask(10, 20, instrument).sample(100, np.random.default_rng(5))
prior = fit_prior(earlier.x, earlier.y)
levels, weights = prior.noise.nodes()
learned = lt.Categorical(prior.size * levels, weights)
known = {
    "AdaRR": lambda spectrum: spectrum.ridge(spectrum.noise_estimate()),
    "EvidenceRR": lambda spectrum: spectrum.ridge(spectrum.noise_by_evidence()),
    "TunedRR": lambda spectrum: spectrum.ridge(tuned_noise(spectrum, **tuned)),
    "Bayes, fitted prior": scaled(lambda spectrum: spectrum.bayes(learned), prior.size),
    "Bayes-optimal": lambda spectrum: spectrum.bayes(instrument),
}
neighbours = {noise.label: lt.load_pretrained("diag", 4, noise) for noise in (lt.Categorical((1, 3)), lt.Categorical((1, 3, 5)))}
losses(known | {f"DIAG for {name}": lambda spectrum, model=model: model.implicit_weight(spectrum.S) for name, model in neighbours.items()})

# %% [markdown]
# There is much to win. AdaRR's estimate is rough, and it may be any number; so may that of evidence ridge. The Bayes-optimal predictor knows that there are only two, and its loss is several times smaller. Who has a hundred earlier
# sequences comes near it, and needs no transformer. So what follows is not about the best tool. No stored model knows this noise. Can we take the algorithm out of a model that was trained on other noise, see what it does, and
# fit *that*?
#
# ## Sixteen numbers
# Here is all that the four layers of the second model hold. $P$ and $Q$ are diagonal, and only the products of their entries count.

# %%
model = neighbours["{1, 3, 5}"]
off_diagonal = ~np.eye(11, dtype=bool)
print("off the diagonals of P and Q:", abs(model.P[..., off_diagonal]).max(), abs(model.Q[..., off_diagonal]).max())

trained = model.omega  # (4, 2, 2)
print("layer   omega_xx  omega_xy  omega_yx  omega_yy")
for number, omega in enumerate(trained, start=1):
    print(f"{number:5d} ", *(f"{value:9.3f}" for value in omega.ravel()))

# %% [markdown]
# A layer uses them so (eq. 10). $\Sigma$, $\alpha$ and $v$ are means over the examples as that layer finds them:
#
# $$x \leftarrow x + \underbrace{\omega_{xx}\,\Sigma x}_{\text{precondition}} + \underbrace{\omega_{xy}\,y\,\alpha}_{\text{adapt the step}} \qquad
#   y \leftarrow y + \underbrace{\omega_{yx}\langle\alpha, x\rangle}_{\text{gradient step}} + \underbrace{\omega_{yy}\,v\,y}_{\text{rescale}}$$
#
# They are those of [05](05_preconditioning_and_momentum.ipynb), [07](07_noise_adaptive_step_sizes.ipynb), [03](03_one_layer_is_one_gradient_step.ipynb) and
# [06](06_adaptive_rescaling.ipynb), and the sliders of the lab. A regression method has no query. But wherever a query started, after some layers it stands at $(Mx, -\langle w, x\rangle)$ (Theorem 4.1). So we carry $M$ and $w$
# instead of a query. Put $Mx$ and $-\langle w, x\rangle$ into the first formula, in the places of $x$ and $y$: the query's input becomes
# $Mx + \omega_{xx}\,\Sigma M x - \omega_{xy}\,\langle w, x\rangle\,\alpha$. So (Lemma 4.3)
#
# $$M \leftarrow M + \omega_{xx}\,\Sigma M - \omega_{xy}\,\alpha\,w^T .$$
#
# ### Act 1: the new weight
# (one line) Do the same with the second formula: what is $w$ after the layer? Remember that the query's label is *minus* $\langle w, x\rangle$, and that $\langle\alpha, Mx\rangle = \langle M^T\alpha, x\rangle$. `alpha` is
# a vector and `v` a number; all of them are as the layer finds them.

# %% tags=["exercise"]
def new_weight(w, M, alpha, v, yx, yy):
    """w (d,), M (d, d), alpha (d,); v, yx, yy: numbers  ->  the weight after the layer, (d,)"""
    ...


# %% tags=["check"]
exercises.new_weight.check(new_weight)

# %% [markdown]
# <details><summary>Hint</summary>
#
# $-\langle w, x\rangle$ becomes $-\langle w, x\rangle + \omega_{yx}\langle\alpha, Mx\rangle - \omega_{yy}\,v\,\langle w, x\rangle$. In Python $M^T$ is `M.T`, and `@` multiplies it with a vector.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def new_weight(w, M, alpha, v, yx, yy):
#     return w - yx * M.T @ alpha + yy * v * w
# ```
#
# </details>
#
# ## Written down
# No attention, no tokens, no query. Examples in, weights out, for many contexts at once:


# %%
def algorithm(x, y, constants):
    """Regression with the four terms of a DIAG model.

    x (B, n, d), y (B, n): B contexts.  constants (L, 2, 2): [[xx, xy], [yx, yy]] of every step.  ->  w (B, d)
    """
    B, n, d = x.shape
    y = y[..., None]  # columns: (B, n, 1)
    M = np.broadcast_to(np.eye(d), (B, d, d))  # what the steps so far make of an input
    w = np.zeros((B, d, 1))  # the weights so far

    for (xx, xy), (yx, yy) in constants:
        Sigma = x.mT @ x / n
        alpha = x.mT @ y / n
        v = y.mT @ y / n

        x_next = x + xx * x @ Sigma  # precondition: make the directions more alike
        x_next = x_next + xy * y @ alpha.mT  # adapt: later steps shorter, where y is large
        y_next = y + yx * x @ alpha  # gradient step: leave the residual
        y_next = y_next + yy * v * y  # rescale: shrink, where y is large

        M_next = M + xx * Sigma @ M - xy * alpha @ w.mT  # the same four terms
        w = w - yx * M.mT @ alpha + yy * v * w
        x, y, M = x_next, y_next, M_next

    return w[..., 0]


# %% [markdown]
# Is it the model? Compare its $\langle w, x_t\rangle$ with the transformer's own prediction, computed as attention over tokens. These lines run at any $n$ and $d$, so we
# try other sizes too. (Their answers need not be good there: the constants were trained at $n = 20$. [12](12_from_pilot_to_practice.ipynb) measures it.)

# %%
for other, dim, n in ((model, 10, 20), (model, 3, 50), (lt.load_pretrained("diag", 7, lt.Uniform(5.0)), 10, 20)):
    batch = lt.RegressionTask(dim, n, lt.Uniform(5.0)).sample(100, np.random.default_rng(0))
    by_algorithm = (algorithm(batch.x, batch.y, other.omega) * batch.x_query).sum(axis=1)
    transformer = other.with_dim(dim)
    transformer.context = n  # or it would warn that it was trained at 20: here it need not be good, only the same
    by_attention = transformer(batch.x, batch.y, batch.x_query, form="tokens")
    same = np.allclose(by_algorithm, by_attention, rtol=0, atol=1e-10)
    print(f"{other.layers} layers, d = {dim}, n = {n}:", "equal to rounding" if same else "different")

# %% [markdown]
# From here on the model *is* these lines.
#
# ## What the sliders tell, and what not
# The lab multiplied one term in all layers. Under *Everything* it has all four, and the noise. Try these:
#
# - Without $\omega_{xy}$, or without $\omega_{yy}$, the noisy end breaks. These two read the noise.
# - Without $\omega_{xx}$ everything breaks.
# - Without both readers it is GD++: as good as trained where there is no noise, useless where there is much.
#
# But the terms were trained together. Take one away, and you see *what the others relied on*. You do not see what the term is worth. For that, the others must be fitted anew.
#
# ## Let the computer turn the sliders
# `lt.fit` takes a model of another task, draws sequences of this one, and moves the constants so that the answers come closer to the oracle's. It is told the noise: it draws from it. (Its method, Gauss-Newton, takes the answers for linear in
# the constants, solves that least-squares problem, and goes on from there; `short=True` stops after a hundred such steps.) There are four numbers a layer, less the last layer's $\omega_{xx}$ and $\omega_{xy}$, which no answer ever sees: 14.
#
# In one head they are not free: $\omega_{xx}\,\omega_{yy} = p_x q_x\, p_y q_y = \omega_{xy}\,\omega_{yx}$. The algorithm has no heads, so nothing ties its numbers together. `as_model` writes it as a transformer with two
# heads, one that writes $x$ and one that writes $y$.

# %%
task = lt.RegressionTask(10, 20, instrument)
discovered = lt.fit(task, as_model(trained, dim=10), progress=False, short=True, samples=20_000)
fitted = discovered.omega  # (4, 2, 2)
print(f"{discovered.record['steps']} steps; of {discovered.record['samples']:,} sequences {discovered.record['diverged']} diverged")

# %% [markdown]
# That moved 14 constants, each on its own. The lab's sliders are four numbers: each multiplies one term in all layers. The next cell, which may stay folded, fits those by the same method.
# (`answer` is our algorithm on second moments: the same numbers, faster.)

# %% jupyter={"source_hidden": true}
draw = task.sample_moments(2_500, np.random.default_rng(1))  # not the held-out sequences
by_moments = answer(trained, second_moments(batch.x, batch.y))
same = np.allclose(by_moments, algorithm(batch.x, batch.y, trained), rtol=0, atol=1e-10)
print("answer and algorithm:", "equal to rounding" if same else "different")


def refit(constants_of, theta, rounds=12, draw=draw):
    """The numbers theta for which the answers with constants_of(theta) come closest to the oracle's, by Gauss-Newton."""
    oracle = Spectrum.from_moments(draw.S, draw.context).ridge(draw.sigma)

    def miss(theta):
        return (answer(constants_of(theta), draw.S) - oracle).ravel()

    now, damping, step = miss(theta), 0.01, 1e-5
    for _ in range(rounds):
        J = np.stack([(miss(theta + step * unit) - now) / step for unit in np.eye(len(theta))], axis=1)
        H, before = J.T @ J, now @ now
        while damping < 1e6:
            trial = theta - np.linalg.solve(H + damping * np.diag(np.diag(H)), J.T @ now)
            after = miss(trial)
            with np.errstate(over="ignore", invalid="ignore"):
                better = after @ after < before
            if better:
                theta, now, damping = trial, after, damping / 3
                break
            damping *= 3  # more caution
        if now @ now > 0.998 * before:
            break
    return theta


def scaled_by(scales):
    return trained * scales.reshape(2, 2)


scales = refit(scaled_by, np.ones(4))
by_scales = scaled_by(scales)
print("scales of omega_xx, omega_xy, omega_yx, omega_yy:", np.round(scales, 1))
quiet = lt.RegressionTask(10, 20, lt.Categorical((1, 1, 1, 5))).sample_moments(2_500, np.random.default_rng(1))
print("fitted to 1 in the place of 2:                   ", np.round(refit(scaled_by, np.ones(4), draw=quiet), 1))
losses(
    known
    | {
        "as trained": lambda spectrum: answer(trained, spectrum.S),
        "fitted, 4 scales": lambda spectrum: answer(by_scales, spectrum.S),
        "fitted, 14 constants": lambda spectrum: answer(fitted, spectrum.S),
    }
)

# %% [markdown]
# All four terms are turned down, those that read $y$ most. The trained constants had to serve $\sigma = 1$ too, and the instrument is never so quiet: with 1 in the place of its 2 the same fit leaves them nearly as they were.
#
# On sequences that no fit has seen, four scales beat even TunedRR, which was tuned for this very noise, and evidence ridge, which needs no tuning and is as good. With 14 constants the loss is about half of AdaRR's. Both Bayes predictors
# stay well ahead, the one that saw a hundred sequences too.
#
# ## What has it learned?
# The implied noise ([07](07_noise_adaptive_step_sizes.ipynb)) tells which $\sigma$ an answer acts on. Compare how far it scatters over 1,000 sequences of each state:

# %%
print("true sigma                acts on: 10%, 50%, 90% of sequences")
for sigma in (2, 5):
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(1_000, np.random.default_rng(2))
    spectrum = Spectrum.from_moments(moments.S, 20)
    answers = {name: known[name](spectrum) for name in ("AdaRR", "EvidenceRR", "Bayes-optimal")}
    for name, w in (answers | {"as trained": answer(trained, moments.S), "fitted": answer(fitted, moments.S)}).items():
        print(f"{sigma:10d}   {name:14}", *(f"{value:7.1f}" for value in np.quantile(implied_noise(w, spectrum), (0.1, 0.5, 0.9))))

# %% [markdown]
# The readings of AdaRR and of evidence ridge scatter with the labels. At 2, the state of three sequences in four, the fitted algorithm's scatter less, and less than the trained one's. At 5 its median is right, but there it scatters more than
# the trained one, downwards. One noise level at a time:

# %%
levels = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15)
shown = {name: known[name] for name in ("AdaRR", "EvidenceRR", "TunedRR", "Bayes-optimal")}
shown |= {"as trained": lambda spectrum: answer(trained, spectrum.S), "fitted": lambda spectrum: answer(fitted, spectrum.S)}
profile = per_variance_profile(shown, 10, 20, levels, 2_000, np.random.default_rng(0))


def in_words(loss):
    return f"{loss:.2f}" if loss < 2 else "above 2" if loss < 50 else "explodes"


print("sigma  ", *(f"{name:>14}" for name in profile))
for level, row in zip(levels, np.stack(list(profile.values()), axis=1)[..., 0]):
    print(f"{level:5d}  ", *(f"{in_words(loss):>14}" for loss in row))

# %% [markdown]
# Compare the last two columns first. **The fit has won at 2, and lost at 5 to the model that it began from.** On average over the instrument that is a gain, since 2 is three times as likely. At the other levels it has lost as well, except at 3.
#
# **It beats evidence ridge at 2 alone.** At 3 and at 5 the two are alike; at 4, from 6 on and on quiet sequences it loses to it. At 5 TunedRR is no worse. Far out, at 15, it explodes: its answer is a polynomial in the data, and nothing bounds
# it. The Bayes-optimal predictor is best at its two states and poor between and below them, since it was told that there is nothing else. Report such a table with every such result, and have in it the model that you began from.
# [12](12_from_pilot_to_practice.ipynb) has the rules for use.
#
# ## What is a term worth?
# Now the fair test: take a term away **and fit the others anew**. (By the folded fit, which can hold constants at 0; so the full algorithm goes through it as well.) Which costs more, do you think: to do without the adaptive step $\omega_{xy}$, or without the rescaling $\omega_{yy}$?

# %% jupyter={"source_hidden": true}
free = np.ones((4, 2, 2), dtype=bool)
free[-1, 0] = False


def placed(free, rest):
    """A function that puts theta in place of the free constants and leaves the rest."""

    def constants_of(theta):
        constants = rest.copy()
        constants[free] = theta
        return constants

    return constants_of


all_anew = placed(free, fitted)(refit(placed(free, fitted), fitted[free]))
losses({"with all, by the same fit": lambda spectrum: answer(all_anew, spectrum.S)})
for name, (row, column) in {"omega_xy": (0, 1), "omega_yy": (1, 1)}.items():
    without, left = fitted.copy(), free.copy()
    without[:, row, column], left[:, row, column] = 0, False
    anew = placed(left, without)(refit(placed(left, without), without[left]))
    ways = {f"without {name}": without, "  and the rest anew": anew}
    losses({way: lambda spectrum, constants=constants: answer(constants, spectrum.S) for way, constants in ways.items()})

# %% [markdown]
# Switched off, each seems needed: the loss becomes many times larger, or explodes. Fitted anew, most of that is mended: the other terms take over. They replace the rescaling better than the adaptive step, as far as this fit can find.
# Without the adaptive step the algorithm is no better than evidence ridge, which needs no fit. On other noise the balance may differ: [11](11_inside_the_weights.ipynb) has U(0, 5), with models trained without each term.
#
# ## And back into weights
# What we fitted is again a linear transformer, with its $P$ and $Q$:

# %%
fresh = lt.RegressionTask(10, 20, instrument).sample(100, np.random.default_rng(3))
by_attention = discovered(fresh.x, fresh.y, fresh.x_query, form="tokens")
by_algorithm = (algorithm(fresh.x, fresh.y, fitted) * fresh.x_query).sum(axis=1)
same = np.allclose(by_attention, by_algorithm, rtol=0, atol=1e-10)
how = "as the algorithm does" if same else "otherwise"
print(f"kind {discovered.kind}, {discovered.layers} layers, {discovered.heads} heads; predicts {how}")
for name, constants in (("trained", trained), ("fitted", fitted)):
    largest = abs(np.linalg.det(constants)).max()  # 0 where one head can hold all four
    print(f"{name:8} omega_xx omega_yy - omega_xy omega_yx, largest of the layers: {largest:.1f}")

# %% [markdown]
# ### Exercise: one layer, with its query
# (level: practice)
#
# `algorithm` never shows the query. Write the layer as the transformer has it: `x` and `y` hold $n$ examples and, in the last row, the query. Return all tokens after the layer,
# $x$ and $y$ side by side. The query's $y$ need not be 0: it may be any layer.

# %% tags=["exercise"]
def my_layer(x, y, omega):
    """x (n+1, d), y (n+1,): the examples, then the query; omega (2, 2): [[xx, xy], [yx, yy]]  ->  new tokens (n+1, d+1)"""
    ...


# %% tags=["check"]
exercises.one_layer.check(my_layer)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The means run over the first $n$ rows: `examples, labels = x[:-1], y[:-1]`.
#
# </details>
# <details><summary>Hint</summary>
#
# For all rows at once, $\Sigma x$ is `x @ Sigma`, $y\,\alpha$ is `y[:, None] * alpha`, and $\langle\alpha, x\rangle$ is `x @ alpha`. Work out both lines before you replace anything;
# `np.column_stack([new_x, new_y])` joins them.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_layer(x, y, omega):
#     (xx, xy), (yx, yy) = omega
#     examples, labels = x[:-1], y[:-1]
#     n = len(examples)
#     Sigma, alpha, size = examples.T @ examples / n, labels @ examples / n, labels @ labels / n
#     new_x = x + xx * x @ Sigma + xy * y[:, None] * alpha
#     new_y = y + yx * x @ alpha + yy * size * y
#     return np.column_stack([new_x, new_y])
# ```
#
# </details>
#
# ### Capstone: a noise of your own
# (an evening, level: open)
#
# Choose a noise that is not stored, and write half a page: its Bayes-optimal loss, AdaRR, evidence ridge, TunedRR tuned for it, your fitted algorithm, all with standard errors; the same at single
# noise levels, inside and outside; one term without which it does as well, or none. Then one of these:
#
# - **Deeper.** Start from a stored model of seven layers. How much of the gap to the Bayes-optimal predictor closes?
# - **Safer.** Add one more noise level to the sequences that you fit on, as insurance. What does it cost inside, and what does it save outside?
# - **Fewer.** How few constants still beat TunedRR?
#
# <details><summary>Hint</summary>
#
# Noise with few values, far apart but not too far, leaves most to win: try `lt.Categorical((2, 4))`. Then `(0.5, 4)`: who is left to beat?
#
# </details>
# <details><summary>Hint</summary>
#
# Put your noise in place of `instrument` in the folded cell under *The question*: TunedRR, the Bayes-optimal predictor, `losses` and `draw` all follow it. Put your levels into the two tables under
# "What has it learned?", and run all cells from the top. Judge on other seeds than you fit on.
#
# </details>

# %% [markdown]
# ## Discussion
# - **Given and found.** The form, four terms a layer, is the paper's (eq. 10, sec. 5). Training found constants for it; the fit found others. We have not said why they are what they are.
# - **Fair opponents.** AdaRR and evidence ridge know nothing of the noise; our algorithm was fitted to it. So beating them is the smaller claim, and beating TunedRR the better one. Someone who knows
#   the list of noise levels should use the Bayes-optimal predictor, and someone who has earlier sequences the one whose prior is fitted on them. The fit also took for known that $d = 10$, $n = 20$ and that inputs and $w$ are standard
#   normal. The algorithm matters because a network arrives at it by itself. For a table of yours, `lt.fit(preparation.task, ...)` does what is done here by hand, and a pilot judges it: [12](12_from_pilot_to_practice.ipynb).
# - **Ablation.** "Off" and "fitted anew without" give different verdicts on the same term. Ask which of the two a claim rests on.
#
# ## Open questions
# Not settled here, nor in the paper:
#
# - **Why these constants?** For two layers, two noise levels and $\Sigma = I$, Theorem 5.2 derives them. For four layers at $n = 20$ we only fitted them, and have not shown that the
#   minimum is the lowest.
# - **How close can it come?** The Bayes-optimal predictor bounds the loss from below. How fast depth closes the gap, we do not know: layers compute polynomials, and the posterior mean is none.
# - **Brakes.** Which change to a layer (a cap, a normalisation, a softmax) stops the explosions and keeps the adaptation?
# - **FULL.** Its weights are not four numbers a layer ([11](11_inside_the_weights.ipynb)). Is there a short algorithm in them too?
# - **Beyond this task.** All this is Gaussian regression and linear attention. Whether a language model does anything of the kind, none of our numbers tells.
#
# ## What you can do now
# You can show that a linear transformer runs a regression, and read its weights layer by layer (01 to 04). You can name what its numbers do, build layers that adapt to noise, and measure
# how they do (05 to 07). You can judge a result against the best possible one, with errors, and reproduce a paper's table (08, 09). You can train such a model, take it apart, and
# say when not to use it (10 to 12). And you have taken an algorithm out of a network and made it do something new.
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Quiz
# **1.** The constants were trained at $n = 20$ with means. What changes in `algorithm` for weights made for sums?
# <details><summary>Answer</summary>Leave out the three divisions by n. Or multiply the constants by n once.</details>
#
# **2.** Why have the last layer's ω_xx and ω_xy no effect?
# <details><summary>Answer</summary>They write x, and no later layer reads it. The answer is read from the query's y.</details>
#
# **3.** After the fit, ω_xx ω_yy differs from ω_xy ω_yx in some layers. Which stored family could hold these constants?
# <details><summary>Answer</summary>DIAG with two heads: the products of the heads add up, and two of them make any four numbers.</details>
#
# **4.** At σ = 3 the instrument's Bayes-optimal predictor loses to AdaRR (table above). Is it not the best possible?
# <details><summary>Answer</summary>It is the best on average over its noise, 2 and 5. It rules 3 out, and acts on 2 or 5 or a mixture of them, where AdaRR acts on its estimate.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 10, Theorem 4.1, Lemma 4.3, sec. 5, Theorem 5.2.
# - Marquardt: *An Algorithm for Least-Squares Estimation of Nonlinear Parameters*, J. SIAM 11 (1963): the damping of Gauss-Newton.
# - Andrychowicz et al.: *Learning to Learn by Gradient Descent by Gradient Descent*, NeurIPS 2016, [arXiv 1606.04474](https://arxiv.org/abs/1606.04474): algorithms found by training.
