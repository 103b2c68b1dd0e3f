# %% [markdown]
# # 08  How good is it?
# *A loss says little until it stands beside the best that is possible. Climb the ladder from the mean to the oracle, and see on which rung a trained model stands.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import ProfileLab, surprises

lab = ProfileLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The profile lab with everything shown: DIAG with seven layers, trained on U(0, 5), at sigma = 9; the ghost is FULL. Loss by depth: DIAG falls below AdaRR at four layers and below TunedRR at six, and ends a little above Bayes; GD++ stays at ConstRR. Excess risk by noise: inside the shaded training range the model lies near Bayes; beyond it AdaRR stays lowest, the model's median rises slowly, and its mean jumps to the edge, with an arrow. Sequences that lose more: the model's curve has a flat tail to the right, the others have none. How often it is nearer to the oracle than AdaRR: most often between 2.5 and 4.5. How often it explodes: never inside, on a tenth of the sequences at 9.](../docs/pictures/profile-lab.png)
#
# </details>
#
# **You will be able to** say what each rung from the mean to the oracle knows about the noise, and write two of them; place a trained model on that ladder; read its profile inside and outside of its training range;
# tell a typical sequence from the mean.
#
# **Takes** 30 minutes. **Needs** ridge regression and the excess risk ([02](02_in_context_regression.ipynb)), and why labels alone do not tell the noise
# ([06](06_adaptive_rescaling.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $n$ the number of examples; $d$ the number of features; $\sigma$ the noise: standard deviation of what is added to the labels; $w^*$ the truth: the weights that made the labels;
# $w_o$ the oracle's weights: ridge regression that is told $\sigma$; $r$ a residual, $y - \langle w, x\rangle$; $\lambda$ ridge regression's penalty.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** A model was trained on σ up to 5. At σ = 8 it acts on which noise: 5, 8, or something between? ([07](07_noise_adaptive_step_sizes.ipynb))
# <details><summary>Answer</summary>Something between: on the lab's sequence, 6.1.</details>
#
# **2.** Do all trained models take shorter steps where it is noisier? ([07](07_noise_adaptive_step_sizes.ipynb))
# <details><summary>Answer</summary>No. One does; others step back, or shrink what was there. What they share is a smaller w.</details>
#
# **3.** Why does one step size not suit all directions? ([05](05_preconditioning_and_momentum.ipynb), if you did it)
# <details><summary>Answer</summary>The direction with the largest eigenvalue limits the step; weak directions then learn slowly.</details>

# %% [markdown]
# ## What is lost to the oracle
# The **oracle** is ridge regression that is told $\sigma$. Nobody has a smaller expected error. The **excess risk** of a predictor is half its squared error, minus half the oracle's. A DIAG model with seven
# layers, trained on $\sigma$ from U(0, 5), has an excess risk of about 0.045. Is that much?
#
# To know, look at others that are *not* told $\sigma$. They form a ladder. All but the first are ridge regression, or a mean of it; they differ in the $\sigma$ that they put into the penalty $\lambda = \sigma^2$.
#
# | Rung | Which σ it takes | What it knows of σ beforehand |
# |---|---|---|
# | mean | none: it answers 0, the mean label | nothing |
# | least squares | 0 | nothing |
# | ConstRR | one for all sequences, the root of the mean $\sigma^2$ | one number |
# | AdaRR | estimated from what least squares leaves over | nothing |
# | evidence ridge (EvidenceRR) | the one that makes the labels most probable | nothing |
# | TunedRR | AdaRR's, stretched and capped | two numbers |
# | Bayes-optimal | all of them, each as far as it is probable | the whole distribution of σ |
# | oracle | the true one | it is told |
#
# ## AdaRR: estimate the noise, then shrink
# Least squares leaves residuals $r$. Their mean square is *smaller* than $\sigma^2$. As a vector of $n$ numbers, the noise has a part in the span of the $d$ columns of the inputs, and least squares fits that part exactly. Only
# $n - d$ dimensions are left. So
#
# $$\hat\sigma^2 = \frac{|r|^2}{n - d} .$$
#
# ### Exercise: how noisy is this sequence?
# (level: first steps)

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.baselines import on_spectrum, stored_losses
from lt_helpers.exercises import ladder
from lt_helpers.pretrained import record
from lt_helpers.spectrum import Spectrum


# %% tags=["exercise"]
def my_variance(x, y):
    """x (n, d), y (n,): one sequence  ->  the estimate of sigma^2, a number"""
    ...


# %% tags=["check"]
ladder.variance.check(my_variance)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.linalg.lstsq(x, y)[0]` is least squares. Its residuals are `y - x @ w`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_variance(x, y):
#     n, d = x.shape
#     r = y - x @ np.linalg.lstsq(x, y)[0]
#     return r @ r / (n - d)
# ```
#
# </details>
#
# On many sequences with $n = 20$ and $d = 10$:

# %%
print("sigma^2   |r|^2 / n   |r|^2 / (n - d)   90% of the estimates of sigma")
for sigma in (1, 2, 3):
    drawn = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample(4000, np.random.default_rng(1))
    r = drawn.y - (drawn.x @ lt.baselines.ols(drawn.x, drawn.y)[..., None])[..., 0]
    squares = (r**2).sum(axis=1)
    low, high = np.quantile(np.sqrt(squares / 10), [0.05, 0.95])
    print(f"{sigma**2:7.2f} {squares.mean() / 20:11.2f} {squares.mean() / 10:14.2f} {low:21.1f} to {high:.1f}")

# %% [markdown]
# Divided by $n - d$ the estimate is right on average. On a single sequence it can be far off: ten dimensions are few.
#
# <details><summary>Evidence ridge and TunedRR, for who wants to know</summary>
#
# **Evidence ridge.** Given $X$ and σ, the labels are Gaussian, $y \sim N(0, X X^T + \sigma^2 I)$, since $w^* \sim N(0, I)$. It takes the σ under which these labels are most probable (type-II maximum likelihood). All
# twenty numbers speak in it, where AdaRR uses ten dimensions. It needs no $n > d$.
#
# **TunedRR.** It multiplies AdaRR's $\hat\sigma^2$ by a constant, and caps it at another one. For U(0, 5) they are about 1.3 and 18. Both were tuned on this very noise.
#
# </details>
#
# ## Bayes-optimal: average over all σ
# The context makes some values of σ more probable than others. The Bayes-optimal predictor knows how σ is drawn, and how probable each σ makes the labels: given σ they are Gaussian. Bayes' rule turns the
# two into $p(\sigma \mid \text{context})$, by which it weighs the ridge solutions:
#
# $$w_\text{Bayes} = \sum_\sigma p(\sigma \mid \text{context})\; w_\text{ridge}(\sigma) .$$
#
# This is the mean of the truth $w^*$, given the context. No predictor, trained or not, has a smaller expected squared error **on sequences whose σ is drawn that way**. (The paper does not have this rung.) For σ in {1, 3} the sum has two terms:

# %%
two = lt.Categorical((1, 3))
few = lt.RegressionTask(10, 20, two).sample(5, np.random.default_rng(5))
spectrum = Spectrum.from_tokens(few.x, few.y)
_, probabilities = spectrum.posterior(two)  # (5, 2)
print("true sigma   AdaRR's estimate   probability of 3")
for sigma, estimate, probability in zip(few.sigma, spectrum.noise_estimate(), probabilities[:, 1], strict=True):
    print(f"{sigma:10.0f} {estimate:14.2f} {probability:18.3f}")

# %% [markdown]
# Ten dimensions are few for an estimate, but in these five sequences enough to tell 1 from 3. AdaRR cannot use that: it does not know that only 1 and 3 occur.
#
# ### Exercise: from probabilities to an answer
# (level: first steps)
#
# You know how probable each σ is for this sequence. Return the Bayes-optimal weights. Ridge regression for one σ is `lt.baselines.ridge(x[None], y[None], sigma)[0]`.

# %% tags=["exercise"]
def my_posterior_mean(x, y, sigmas, probabilities):
    """x (n, d), y (n,): one sequence; sigmas (K,), probabilities (K,) that sum to 1  ->  w (d,)"""
    ...


# %% tags=["check"]
ladder.posterior_mean.check(my_posterior_mean)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Compute the ridge solution of each σ first. `probabilities @ solutions`, with `solutions` of shape (K, d), is their weighted mean.
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
# ## Where do trained models stand?
# **Predict:** on U(0, 5), between which rungs do DIAG and FULL with seven layers stand? Could one of them lose less than Bayes?

# %% jupyter={"source_hidden": true}
noise = lt.Uniform(5.0)
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


def half_square(v):
    return (v**2).sum(axis=1) / 2


# %%
excess = {name: half_square(w - answers["oracle"]) for name, w in answers.items()}  # no query need be drawn: see the end
print("                         excess    total error")
for name, w in sorted(answers.items(), key=lambda rung: -excess[rung[0]].mean()):
    loss, error = excess[name].mean(), excess[name].std() / 100
    print(f"{name:15} {loss:9.4f} ± {error:.4f} {half_square(w - many.w).mean():10.3f}")

# %% [markdown]
# The number after ± is the **standard error**: by about so much chance moves a mean. Two losses are told apart when they differ by more than about two standard errors of their difference.
#
# Both models lose less than TunedRR, which people tuned for this very noise. FULL comes close to the best that is possible. Evidence ridge, which knows nothing of this noise, stands between AdaRR and TunedRR. No model
# can get past Bayes; a smaller number would be the luck of the sample.
#
# The **total** error is the error against the truth $w^*$, not against the oracle's $w_o$. From AdaRR to Bayes it falls by less than two percent. The remaining error comes from information that the twenty examples do not
# contain. The excess is what a predictor can be blamed for; the total is what its user feels. (The totals less the oracle's differ a little from the first column, by luck: the last section says how.)
#
# ## By depth
# Each stored model's loss was measured when it was made, on many more sequences. How many layers are needed to lose less than AdaRR?

# %% jupyter={"source_hidden": true}
print("layers that it takes to lose less than AdaRR\n\ntrained on   DIAG   FULL")
for trained_on in (*map(lt.Uniform, range(1, 8)), lt.Categorical((1, 3)), lt.Categorical((1, 3, 5))):
    adarr, _ = stored_losses()[trained_on.key]["AdaRR"]
    losses = {kind: [record(kind, layers, trained_on)["loss"] for layers in range(1, 8)] for kind in ("diag", "full")}
    needed = [next(layers for layers, loss in enumerate(losses[kind], 1) if loss < adarr) for kind in losses]
    print(f"{trained_on.label:10} {needed[0]:6} {needed[1]:6}")

# %% [markdown]
# From U(0, 4) on four layers are enough, as in the paper (sec. 6). A narrower noise takes more of them. There least squares is nearly right, and a model needs many layers to solve it.
#
# ## Noise by noise
# The lab's second beat was about DIAG. This is FULL with seven layers, at every σ up to 8:

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
ProfileLab(panels=["noise"], kind="full", layers=7, sigma=8.0)

# %% [markdown]
# **At low noise AdaRR is best**, better than Bayes. Its error falls with σ; the others guard against noise that is not there. Little can be lost there, so it hardly counts in the mean over U(0, 5). From the middle of
# the range to its end, the others win more than they lost. *Optimal* means best on that mean, not at each σ.
#
# **Past the range AdaRR wins again.** It holds any σ possible. Bayes was told that σ ends at 5, and its guarantee ends there too. The weights of a trained model hold no such bound, and a little past the range it does no
# worse than Bayes. In the lab DIAG's mean then left the axis. How can that be?
#
# ## A mean can be a single sequence
# FULL on {1, 3} is a very good model inside. Take it to σ = 5, on three draws of 2,000 sequences. A sequence **explodes** if it loses more than 50, ten times the total error of the answer 0.

# %%
full = lt.load_pretrained("full", layers=7, noise=two)
print("draw   mean     median   exploded")
for draw in range(3):
    moments = lt.RegressionTask(10, 20, lt.Fixed(5.0)).sample_moments(2000, np.random.default_rng(draw))
    spectrum = Spectrum.from_moments(moments.S, context=20)
    losses = half_square(full.implicit_weight(moments.S) - spectrum.ridge(moments.sigma))
    print(f"{draw:4d}   {losses.mean():7.0e} {np.median(losses):8.2f} {np.mean(losses > 50):10.4f}")

# %% [markdown]
# The means differ by orders of magnitude, for one and the same model: the wildest sequence of a draw decides. The medians agree, and in each draw a few sequences of a thousand exploded.
#
# So outside of the training range we report two numbers: **the median, and how many exploded**. The median alone hides those that explode, and the mean shows nothing else. Inside, where the stored models hardly ever
# explode, the mean with its standard error is the right number. It is what training minimises, and what Table 1 holds.
#
# ### Exercise: AdaRR
# (level: practice)
#
# Return the weights of AdaRR for one sequence: estimate $\sigma^2$, then do ridge regression with it. Mind that $\Sigma$ is a mean over the examples, so what you add to it is $\lambda/n = \hat\sigma^2/n$.

# %% tags=["exercise"]
def my_ada_rr(x, y):
    """x (n, d), y (n,): one sequence  ->  w (d,)"""
    ...


# %% tags=["check"]
ladder.ada_rr.check(my_ada_rr)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Your `my_variance` is the estimate.
#
# </details>
# <details><summary>Hint</summary>
#
# Ridge regression is `np.linalg.solve(x.T @ x / n + added * np.eye(d), x.T @ y / n)`, where $\hat\sigma^2/n$ is added.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_ada_rr(x, y):
#     n, d = x.shape
#     r = y - x @ np.linalg.lstsq(x, y)[0]
#     variance = r @ r / (n - d)
#     return np.linalg.solve(x.T @ x / n + variance / n * np.eye(d), x.T @ y / n)
# ```
#
# </details>

# %% [markdown]
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Discussion
# - **A fair match?** AdaRR and evidence ridge have never seen the training noise. TunedRR, Bayes and the trained models have. Beating AdaRR inside the range is in part the gain from that knowledge; its price is
#   paid outside.
# - **What Bayes is for.** Without it one would only know that a model beats TunedRR. With it one knows how little is left to gain, and when to stop training. It needs the true distributions of σ, $w^*$ and $x$; on
#   real data nobody has them ([12](12_from_pilot_to_practice.ipynb)).
# - **The paper** reports that DIAG is as good as FULL for uniform noise, that FULL is better for {1, 3} and {1, 3, 5}, and that outside of these DIAG extrapolates better (sec. 6, Fig. 2 and 3). Which of these does your lab
#   show, under *Everything*? All of Table 1, ours beside theirs, is in [09](09_reproduce_the_paper.ipynb).
# - **A limit of the lab.** 300 sequences hold no explosion that happens once in 10,000.
#
# ## Why no query need be drawn
# Let the model answer with $\hat w$. On one sequence, with a query $x$, the excess is
#
# $$\tfrac12\langle \hat w - w^*, x\rangle^2 - \tfrac12\langle w_o - w^*, x\rangle^2 .$$
#
# <details><summary>Two averages can be taken by hand</summary>
#
# **Over the query.** $x$ is standard normal and independent of the rest, so the mean of $\langle u, x\rangle^2$ is $|u|^2$ for any vector $u$.
#
# **Over the truth.** Given the context and σ, the mean of $w^*$ is $w_o$. So the mean of $|\hat w - w^*|^2 - |w_o - w^*|^2$ is $|\hat w - w_o|^2$.
#
# </details>
#
# What is left is $\tfrac12|\hat w - w_o|^2$: the same mean, without the luck of query and truth. How much luck that was:

# %% jupyter={"source_hidden": true}
w_hat, w_o = answers["DIAG, 7 layers"], answers["oracle"]


def half_square_at_query(v):
    return (v * many.x_query).sum(axis=1) ** 2 / 2


ways = {
    "one query (the paper)": half_square_at_query(w_hat - many.w) - half_square_at_query(w_o - many.w),
    "no query": half_square(w_hat - many.w) - half_square(w_o - many.w),
    "no query, no truth": half_square(w_hat - w_o),
}
for name, losses in ways.items():
    times = losses.var() / half_square(w_hat - w_o).var()
    print(f"{name:22} {losses.mean():7.4f} ± {losses.std() / 100:.4f}: equally sure with {times:3.0f} times as many sequences")

# %% [markdown]
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
# <details><summary>Answer</summary>With n = d least squares fits the labels exactly. The residuals are 0 and say nothing about the noise. (Evidence ridge does not need them.)</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: sec. 6 (adjusted loss, ConstRR, AdaRR, TunedRR), Table 1, Fig. 1 to 3.
# - MacKay: *Bayesian Interpolation*, Neural Computation 4, 1992: the evidence.
# - Hastie, Tibshirani, Friedman: *The Elements of Statistical Learning*, Springer 2009, sec. 3.2: the estimate of the noise with n - d.
