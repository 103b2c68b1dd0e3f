# %% [markdown]
# # 08  How good is it?
# *A loss says little until it stands beside the best that is possible. And a mean says little about a noise that it does not hold.*
#
# **You will be able to**
# - measure an excess risk without drawing a query or a truth, and say how sure the number is;
# - write AdaRR, and say what each rung from ConstRR to the Bayes-optimal predictor knows about the noise;
# - place a trained model on that ladder;
# - read its profile over the noise, inside and outside the training range, and tell a typical sequence from the mean.
#
# **Takes** 20 minutes. **Needs** ridge regression and the excess risk ([02](02_in_context_regression.ipynb)), mixed noise
# ([06](06_adaptive_rescaling.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# A DIAG model with seven layers, trained on σ from U(0, 5), has a loss of about 0.045 (Table 1 in the paper: 0.047). Is that good?
#
# The loss is the excess risk of 02: half the squared error, minus that of the oracle, which is ridge regression that knows σ. Before we compare such numbers: how
# exactly can one be known?
#
# ## No query need be drawn
# Let the model answer with $\hat w$ and the oracle with $w_o$; the truth is $w$ and the query $x_t$. On one sequence the excess is
#
# $$\tfrac12\langle \hat w - w, x_t\rangle^2 - \tfrac12\langle w_o - w, x_t\rangle^2 .$$
#
# Two averages can be taken by hand.
# - **Over the query.** $x_t$ is standard normal and independent of the rest, so the mean of $\langle v, x_t\rangle^2$ is $|v|^2$.
# - **Over the truth.** Given the context and σ, the mean of $w$ is $w_o$. So the mean of $|\hat w - w|^2 - |w_o - w|^2$ is $|\hat w - w_o|^2$.
#
# What is left is $\tfrac12|\hat w - w_o|^2$. The mean is the same, the luck of query and truth is gone.
#
# **Predict:** how many times as many sequences does the first way need, for a result that is equally sure: 2, 10, 50?

# %%
import numpy as np

import lt_helpers as lt
from lt_helpers.baselines import on_spectrum, stored_losses, tuned_constants
from lt_helpers.evaluate import per_variance_profile
from lt_helpers.exercises import ladder
from lt_helpers.labs import ProfileLab
from lt_helpers.pretrained import record
from lt_helpers.spectrum import Spectrum

noise = lt.Uniform(5.0)
model = lt.load_pretrained("diag", layers=7, noise=noise)
batch = lt.RegressionTask(dim=10, context=20, noise=noise).sample(5000, np.random.default_rng(0))
w_hat = lt.implicit_regression(model, batch.x, batch.y).w[:, -1]
oracle = lt.baselines.ridge(batch.x, batch.y, batch.sigma)


def half_square(v):
    return (v**2).sum(axis=1) / 2


def half_square_at_query(v):
    return (v * batch.x_query).sum(axis=1) ** 2 / 2


ways = {
    "one query (the paper)": half_square_at_query(w_hat - batch.w) - half_square_at_query(oracle - batch.w),
    "no query": half_square(w_hat - batch.w) - half_square(oracle - batch.w),
    "no query, no truth": half_square(w_hat - oracle),
}
print("                         mean   standard error   sequences for the same error")
for name, losses in ways.items():
    error = losses.std(ddof=1) / np.sqrt(len(losses))
    print(f"{name:22} {losses.mean():7.4f} {error:12.4f} {losses.var() / half_square(w_hat - oracle).var():20.0f} times")

# %% [markdown]
# The **standard error** is the spread over the sequences divided by the root of their number. Chance moves a mean by about that much. So two losses are told apart when they differ
# by more than about two standard errors of their difference. The first way needs dozens of times as many sequences. The paper takes 100,000.
#
# ## The ladder
# What could one answer without being told σ? The rungs below are all made of ridge regression. They differ by what they know about the noise.
#
# **ConstRR** knows the mean of $\sigma^2$ over the training noise, and takes it for every sequence (06).
#
# **AdaRR** knows nothing beforehand. It estimates $\sigma^2$ for each sequence, from what least squares leaves unexplained:
#
# $$\hat\sigma^2 = \frac{|y - X w_\text{ols}|^2}{n - d} .$$
#
# Why $n - d$? Least squares has $d$ weights, and with them it fits $d$ of the $n$ directions of the noise exactly. Only $n - d$ directions are left to see the noise in.

# %%
print("sigma   sigma^2   |r|^2 / n   |r|^2 / (n - d)   90% of the estimates of sigma")
for sigma in (1, 2, 3):
    drawn = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample(4000, np.random.default_rng(1))
    residuals = drawn.y - (drawn.x @ lt.baselines.ols(drawn.x, drawn.y)[..., None])[..., 0]
    squares = (residuals**2).sum(axis=1)
    low, high = np.quantile(np.sqrt(squares / 10), [0.05, 0.95])
    print(f"{sigma:5d} {sigma**2:9.2f} {squares.mean() / 20:11.2f} {squares.mean() / 10:14.2f} {low:21.1f} to {high:.1f}")

# %% [markdown]
# Right on average, and far off on many a sequence: ten directions are few.
#
# **Evidence ridge** (EvidenceRR below) knows nothing beforehand either. Given $X$ and σ, the labels are Gaussian, $y \sim N(0, X X^T + \sigma^2 I)$, since $w \sim N(0, I)$. It takes the σ under which the
# labels are most probable, which is called type-II maximum likelihood. All twenty numbers speak in it, where AdaRR uses ten directions. It needs no $n > d$.
#
# **TunedRR** mends AdaRR a little. It multiplies $\hat\sigma^2$ by a constant and caps it at another. Both are tuned on the training noise, so it knows two numbers about it.

# %%
multiplier, cap = tuned_constants()[noise.key].values()
print(f"U(0, 5): multiply by {multiplier:.2f}, at most {cap:.1f} (sigma = {np.sqrt(cap):.2f})")

# %% [markdown]
# **The Bayes-optimal predictor** knows the whole distribution of σ. The context makes some values of σ more probable than others; it averages the ridge solutions with these probabilities:
#
# $$w_\text{Bayes} = \sum_\sigma p(\sigma \mid \text{context})\; w_\text{ridge}(\sigma) .$$
#
# This is the mean of $w$ given the context. No predictor, trained or not, has a smaller expected squared error **on sequences whose σ is drawn that way**. The paper does
# not have this rung. For σ in {1, 3} the sum has two terms:

# %%
two = lt.Categorical((1, 3))
few = lt.RegressionTask(10, 20, two).sample(5, np.random.default_rng(5))
_, probabilities = Spectrum.from_tokens(few.x, few.y).posterior(two)  # (5, 2)
quiet, noisy = (lt.baselines.ridge(few.x, few.y, sigma) for sigma in (1, 3))
by_hand = probabilities[:, :1] * quiet + probabilities[:, 1:] * noisy
print("true sigma   AdaRR's estimate   probability of 3")
for sigma, estimate, probability in zip(few.sigma, Spectrum.from_tokens(few.x, few.y).noise_estimate(), probabilities[:, 1]):
    print(f"{sigma:10.0f} {estimate:14.2f} {probability:18.3f}")
print("as the package computes it:", np.allclose(by_hand, lt.baselines.bayes(few.x, few.y, two)))

# %% [markdown]
# Ten directions are few for an estimate, but nearly always enough to tell 1 from 3. AdaRR cannot use that: it does not know that only 1 and 3 occur.
#
# **Predict:** on U(0, 5), where do two trained models with seven layers stand, DIAG and FULL? Could one of them stand below the last rung?

# %%
models = {f"{kind.upper()}, 7 layers": lt.load_pretrained(kind, layers=7, noise=noise) for kind in ("diag", "full")}
trained = {name: (lambda spectrum, model=model: model.implicit_weight(spectrum.S)) for name, model in models.items()}
many = lt.RegressionTask(10, 20, noise).sample(10_000, np.random.default_rng(3))
spectrum = Spectrum.from_tokens(many.x, many.y)
answers = {
    "mean": np.zeros((10_000, 10)),
    "least squares": spectrum.ridge(np.zeros(10_000)),
    **{name: predict(spectrum) for name, predict in (on_spectrum(noise, evidence=True) | trained).items()},
    "oracle": spectrum.ridge(many.sigma),
}
excess = {name: half_square(w - answers["oracle"]) for name, w in answers.items()}
best = excess["Bayes-optimal"].mean()
print("                 excess                          total")
for name, w in sorted(answers.items(), key=lambda rung: -excess[rung[0]].mean()):
    loss, error = excess[name].mean(), excess[name].std() / 100
    print(f"{name:15} {loss:7.4f} ± {error:.4f} {loss / best:7.2f} times the best {half_square(w - many.w).mean():8.3f}")

# %% [markdown]
# *Mean* answers 0, the mean label; the oracle has no excess. Both models lose less than TunedRR, which people tuned for this very noise, and FULL comes close to the best that is possible. Evidence ridge, which knows nothing of this
# noise, stands between AdaRR and TunedRR. No model can get past the last rung; a smaller number would be the luck of the sample.
#
# The **total** error, against the truth instead of the oracle, puts this in proportion. From AdaRR to the best possible it falls by less than two percent: what is left, the twenty examples do not contain. The excess is what a predictor
# can be blamed for; the total is what its user feels.
#
# ## Predict, then slide
# The lab shows one trained, frozen model at a time: slide its **Layers**, and **σ**. Curves are drawn as far as the sliders have come. **P and Q are frozen, w moves.** First, for
# DIAG trained on U(0, 5):
#
# 1. **How many layers beat AdaRR? How many TunedRR?** Set the first marker for AdaRR.
# 2. **Past the training range, from which σ on is AdaRR better** than seven layers? Set the second marker. And is it better anywhere inside?
# 3. **Is the Bayes-optimal predictor best at every σ** in the range? And past it?
#
# Slide the layers to 7, then σ from 5 to 10.

# %% tags=["nbval-ignore-output"]
ProfileLab(kind="diag", noise="uniform-5", layers=1, sigma=5.0)

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The profile lab with DIAG, seven layers, trained on U(0, 5), at sigma = 9; the ghost is FULL. Top left: inside the shaded training range the model lies near the Bayes-optimal predictor, at low noise above AdaRR; beyond it AdaRR stays lowest, the model's median rises slowly, and its mean jumps to the edge. Top right: its loss falls with depth, passes AdaRR and TunedRR, and ends between TunedRR and the Bayes-optimal predictor; GD++ stays at ConstRR. Bottom left: the model's curve has a flat tail to the right, the others have none. Bottom right: it is nearer to the oracle than AdaRR most often between 2.5 and 4.5; some sequences explode far outside the range.](../docs/pictures/profile-lab.png)
#
# </details>
#
# - **Top left** (the paper's Fig. 2 and 3). The mean excess at each noise, over the same 300 sequences. *Median*: half of the sequences lose less than this.
# - **Top right** (Fig. 1). The loss on the training noise, with bars of two standard errors. Rings: the paper's Table 1. Grey: the two other kinds of model.
# - **Bottom left.** The share of sequences that lose more than the number on the axis. A curve with a flat tail to the right has a few sequences that lose enormously.
# - **Bottom right.** How often the model is nearer to the oracle than AdaRR, and how often it **explodes**: it loses more than 50, ten times the half squared error of the answer 0, $d/2 = 5$.
#
# Then hold the ghost, choose FULL, and compare. Last, train both on {1, 3}.
#
# ## By depth
# The loss of each stored model was measured when it was made, on many more sequences than here. From how many layers on is it below AdaRR's, and below TunedRR's?

# %%
print("              layers to beat AdaRR   TunedRR         seven layers, in units of the best")
print("trained on        DIAG    FULL     DIAG    FULL         TunedRR     DIAG     FULL")
for trained_on in (*map(lt.Uniform, range(1, 8)), lt.Categorical((1, 3)), lt.Categorical((1, 3, 5))):
    rung = {name: loss for name, (loss, _) in stored_losses()[trained_on.key].items()}
    losses = {kind: [record(kind, layers, trained_on)["loss"] for layers in range(1, 8)] for kind in ("diag", "full")}
    needed = [
        next((str(layers) for layers, loss in enumerate(losses[kind], 1) if loss < rung[name]), "-")
        for name in ("AdaRR", "TunedRR")
        for kind in losses
    ]
    ratios = [loss / rung["Bayes-optimal"] for loss in (rung["TunedRR"], losses["diag"][-1], losses["full"][-1])]
    print(f"{trained_on.label:12}", "".join(f"{layers:>8}" for layers in needed), "      ", "".join(f"{ratio:9.2f}" for ratio in ratios))

# %% [markdown]
# **Prediction 1.** For U(0, 4) and wider, four layers beat AdaRR, as in the paper (sec. 6), and four layers of FULL for U(0, 3) too. A narrower noise takes more: there least squares is nearly right, and a model needs many layers to
# solve it. The wider the noise, the more there is
# to gain on TunedRR, and most on {1, 3}: one only has to decide between 1 and 3. No model here does so as sharply as the exact posterior.
#
# ## Noise by noise

# %%
names = ("AdaRR", "TunedRR", "Bayes-optimal", *models)
levels = (0.5, 1, 2, 3, 4, 5, 6, 8)
profile = per_variance_profile(
    {name: (on_spectrum(noise) | trained)[name] for name in names}, 10, 20, levels, 2000, np.random.default_rng(0)
)
print("sigma   ", "".join(f"{name:>16}" for name in names))
for row, sigma in enumerate(levels):
    print(f"{sigma:5.1f}   ", "".join(f"{profile[name][row, 0]:16.2g}" for name in names), "  past the training range" * (sigma > 5))

# %% [markdown]
# **Predictions 2 and 3.** At low noise AdaRR beats all others, the Bayes-optimal predictor included. Its error falls with σ; the others guard against noise that is not there. Little can be
# lost at low noise, so this hardly counts in the mean over U(0, 5). From the middle of the range to its end they win more than they lost. *Optimal* means best on that mean, and not at each σ.
#
# A little past the range AdaRR wins again: of these predictors it alone holds any σ possible. The Bayes-optimal predictor rules out σ > 5, and its guarantee ends there. The weights of the
# trained models hold no such bound: at σ = 6 they do no worse than it. But at σ = 8 the mean of DIAG is astronomical. How can that be?
#
# ## A mean can be a single sequence
# FULL on {1, 3} is the better model inside (see the lab). Take it to σ = 5, on three draws of 2,000 sequences:

# %%
full = lt.load_pretrained("full", layers=7, noise=two)
print("draw   mean     median   exploded")
for draw in range(3):
    moments = lt.RegressionTask(10, 20, lt.Fixed(5.0)).sample_moments(2000, np.random.default_rng(draw))
    spectrum = Spectrum.from_moments(moments.S, context=20)
    losses = half_square(full.implicit_weight(moments.S) - spectrum.ridge(moments.sigma))
    print(f"{draw:4d}   {losses.mean():7.0e} {np.median(losses):8.2f} {np.mean(losses > 50):10.4f}")

# %% [markdown]
# The means differ by orders of magnitude, for one and the same model: the wildest sequence of a draw decides. A standard error does not help, the same sequence rules it. The medians agree, and in each draw a few
# sequences of a thousand exploded.
#
# So outside the training range we report two numbers: **the median, and how many exploded**. The median alone hides those that explode, and the mean shows nothing else. Inside, where the
# stored models hardly ever explode, the mean with its standard error is the right number. It is what training minimises and what Table 1 holds.
#
# ## Exercise
# ### Exercise: AdaRR
# (8 minutes, level: practice)
#
# Return the weight of AdaRR for one sequence: estimate $\sigma^2$, then ridge regression with it. Mind that $\Sigma$ is a mean over the examples.

# %% tags=["exercise"]
def my_ada_rr(x, y):
    """x (n, d), y (n,): one sequence  ->  w (d,)"""
    ...


# %% tags=["check"]
ladder.ada_rr.check(my_ada_rr)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.linalg.lstsq(x, y)[0]` is least squares. Its residuals are `y - x @ w_ols`.
#
# </details>
# <details><summary>Hint</summary>
#
# Ridge regression is `np.linalg.solve(x.T @ x / n + penalty * np.eye(d), x.T @ y / n)` with the penalty $\hat\sigma^2/n$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_ada_rr(x, y):
#     n, d = x.shape
#     residuals = y - x @ np.linalg.lstsq(x, y)[0]
#     variance = residuals @ residuals / (n - d)
#     return np.linalg.solve(x.T @ x / n + variance / n * np.eye(d), x.T @ y / n)
# ```
#
# </details>
#
# ### Exercise: from a posterior to an answer
# (4 minutes, level: first steps)
#
# You know how probable each σ is for this sequence. Return the Bayes-optimal weight. Ridge regression for one σ is `lt.baselines.ridge(x[None], y[None], sigma)[0]`.

# %% tags=["exercise"]
def my_posterior_mean(x, y, sigmas, probabilities):
    """x (n, d), y (n,): one sequence; sigmas (K,), probabilities (K,) that sum to 1  ->  w (d,)"""
    ...


# %% tags=["check"]
ladder.posterior_mean.check(my_posterior_mean)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Compute the ridge solution of each σ first.
#
# </details>
# <details><summary>Hint</summary>
#
# `probabilities @ solutions`, with `solutions` of shape (K, d), is their weighted mean.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_posterior_mean(x, y, sigmas, probabilities):
#     solutions = np.array([lt.baselines.ridge(x[None], y[None], sigma)[0] for sigma in sigmas])
#     return probabilities @ solutions
# ```
#
# </details>

# %% [markdown]
# ## Discussion
# - **A fair match?** AdaRR and evidence ridge have never seen the training noise. TunedRR, the Bayes-optimal predictor and the trained models have. Beating AdaRR inside the range is in part the gain from
#   that knowledge; its price is paid outside.
# - **What the last rung is for.** Without it one would only know that a model beats TunedRR. With it one knows how little is left to gain, and when to stop training. It needs the true
#   distributions of σ, $w$ and $x$; on real data nobody has them ([12](12_from_pilot_to_practice.ipynb)).
# - **The paper** reports that DIAG is as good as FULL for uniform noise, that FULL is better for {1, 3} and {1, 3, 5}, and that outside of these DIAG extrapolates better (sec. 6, Fig. 2 and 3).
#   Which of these does your lab show? All of Table 1, ours beside theirs, is in [09](09_reproduce_the_paper.ipynb).
# - **A limit of the lab.** 300 sequences hold no explosion that happens once in 10,000. For that one needs many sequences and the far percentiles, which the records of the stored models hold.
#
# ## Quiz
# **1.** Model A has a loss of 0.050 ± 0.002, model B of 0.047 ± 0.002, on different sequences. Is B better?
# <details><summary>Answer</summary>One cannot tell. The difference is 0.003, and its standard error is the root of 0.002² + 0.002², about 0.0028. On the same sequences one would look at the differences sequence by sequence: their spread is often much smaller.</details>
#
# **2.** TunedRR for U(0, 5) caps its estimate of σ² at about 18, though σ² goes up to 25. Why not at 25?
# <details><summary>Answer</summary>σ never exceeds 5, so a high estimate comes from some noise up to 5 that was overestimated. The best guess is a mean over all of those, and it lies below the end.</details>
#
# **3.** A model loses less than the Bayes-optimal predictor at σ = 4. Is that a contradiction?
# <details><summary>Answer</summary>No. Only the mean over the training noise cannot be beaten. At a single σ it can: ridge with the penalty for σ = 4 loses nothing there.</details>
#
# **4.** Why does AdaRR need more examples than features?
# <details><summary>Answer</summary>With n = d least squares fits the labels exactly. The residuals are 0 and say nothing about the noise.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: sec. 6 (adjusted loss, ConstRR, AdaRR, TunedRR), Table 1, Fig. 1 to 3.
# - MacKay: *Bayesian Interpolation*, Neural Computation 4, 1992: the evidence.
# - Hastie, Tibshirani, Friedman: *The Elements of Statistical Learning*, Springer 2009, sec. 3.2: the estimate of the noise with n - d.
