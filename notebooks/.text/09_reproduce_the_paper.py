# %% [markdown]
# # 09  Reproduce the paper
# *Every number of Table 1 made again, with an error bar on both sides, and a look at those that do not agree.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import TableLab, surprises

lab = TableLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The table lab at FULL, seven layers, U(0, 5), sigma = 3. Top left: the loss by depth falls from about 0.9 to just above the line of the Bayes-optimal predictor; ours and the paper's marks nearly coincide. Top right: the differences in standard errors, most within the grey band of luck, that of seven layers below it; the three baselines within. Bottom left: the loss of seven layers at all ten noises, close above the Bayes-optimal marks. Bottom right: the error after each layer falls from about 3, rises again on the way and ends near 0.05.](../docs/pictures/table-lab.png)
#
# </details>
#
# **You will be able to** put a standard error on an entry of Table 1, and tell a difference from luck; name entries that no model of their kind can have; check a stored model against its record, and make one again; read the error
# after each layer of a trained model.
#
# **For researchers.** Engineers who ask whether such a model would serve them go on with [12](12_from_pilot_to_practice.ipynb).
#
# **Takes** 30 minutes. **Needs** the implicit weight ([04](04_every_layer_keeps_a_weight_vector.ipynb)) and the predictors that the models are measured against ([08](08_how_good_is_it.ipynb)). Words:
# [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $\sigma$ the noise: standard deviation of what is added to the labels; $w^*$ the truth: the weights that made the labels; $w_o$ the oracle's weights: ridge regression that is told $\sigma$;
# $\lambda$ ridge regression's penalty; $s$ an eigenvalue of $\Sigma$: how much the inputs vary along a direction; $z$ a difference, divided by its standard error.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** What is the excess risk of a predictor?
# <details><summary>Answer</summary>Half its mean squared error, minus the oracle's.</details>
#
# **2.** Which predictor has the smallest excess risk, if the distribution of $\sigma$ is known?
# <details><summary>Answer</summary>The Bayes-optimal one: the posterior mean.</details>
#
# **3.** GD++ is linear in the labels. What is the best that it can reach?
# <details><summary>Answer</summary>Ridge regression with the mean of σ²: ConstRR.</details>
#
# ## The question
# The paper's Table 1 has a row for each kind and depth of model and for three baselines, and a column for each noise. An entry is an *adjusted loss*: the error above that of
# ridge regression that is told $\sigma$. The paper trained each model for 4 to 12 hours on an H100, and kept the best of five runs (appendix B). Ours took minutes on ordinary processor cores. Do the numbers come out?

# %% jupyter={"source_hidden": true}
from collections import Counter

import numpy as np

import lt_helpers as lt
from lt_helpers.baselines import on_spectrum, stored_losses
from lt_helpers.evaluate import evaluate, per_variance_profile
from lt_helpers.exercises import reproduce
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.noise import PAPER_NOISES
from lt_helpers.pretrained import origin, record, spread, stored
from lt_helpers.spectrum import Spectrum
from lt_helpers.table1 import BASELINES, deviation, paper_table

paper = paper_table()
kinds, depths, noise = ("gd++", "diag", "full"), range(1, 8), lt.Uniform(5)
print(f"Table 1 has {len(paper)} entries. Its column {noise.label} for FULL:\n")
print("layers      ours    paper")
for layers in depths:
    print(f"{layers:6d} {record('full', layers, noise)['loss']:9.3f} {paper['full', layers, noise.key]:8.3f}")

# %% [markdown]
# Each pair is near, and hardly one is equal. Is a loss that is lower by 0.005 a better model, or luck? Only error bars can tell.
#
# ## First, which number is it?
# ConstRR and AdaRR need no training. Recompute them:


# %% jupyter={"source_hidden": true}
def weights_of(models):
    """Models as `evaluate` takes them: functions from a Spectrum to weights."""
    return {name: (lambda spectrum, model=model: model.implicit_weight(spectrum.S)) for name, model in models.items()}


print("                squared error   half of it   paper")
for sigma_max in (2, 5, 7):
    task = lt.RegressionTask(10, 20, lt.Uniform(sigma_max))
    baselines = {name: on_spectrum(task.noise)[name] for name in ("ConstRR", "AdaRR")}
    for name, result in evaluate(baselines, task, 10_000, np.random.default_rng(1)).items():
        print(f"{task.noise.label} {name:8} {2 * result.loss:12.3f} {result.loss:12.3f} {paper[name, None, task.noise.key]:9.3f}")

# %% [markdown]
# Table 1 holds **half** the squared error. With that settled, its baselines come out.
#
# ## How sure is an entry?
# The paper draws 100,000 sequences with one query $x$ each. With $w_o$ the oracle and $w^*$ the truth, it averages
#
# $$\tfrac12 \langle w - w^*, x\rangle^2 - \tfrac12 \langle w_o - w^*, x\rangle^2 .$$
#
# The mean of this over queries and truths is $\tfrac12 |w - w_o|^2$, because $w_o$ is the mean of $w^*$, given the examples and $\sigma$ ([02](02_in_context_regression.ipynb)). We average that instead: the same mean, and less scatter.
#
# The paper prints no standard errors. But we can run *our* model of the same cell in the paper's way, and see how much that scatters.

# %% jupyter={"source_hidden": true}
models = {f"{kind} {layers}": lt.load_pretrained(kind, layers, noise) for kind, layers in (("gd++", 4), ("diag", 4), ("full", 7))}
results = evaluate(weights_of(models), lt.RegressionTask(10, 20, noise), 20_000, np.random.default_rng(1))
print("standard error on 100,000 sequences:   ours     the paper's way")
for name, result in results.items():
    print(f"{name:36} {result.standard_error * np.sqrt(20_000 / 100_000):8.4f} {result.one_query_error:12.4f}")

# %% [markdown]
# At this noise the third decimal of Table 1 is luck of the sample. Two numbers differ by more than luck if they lie two or three standard errors apart.
#
# ### Act 1: is it luck?
# (two lines)
#
# You have the losses of single sequences, and a printed loss with its standard error. How many standard errors is your mean above the print? That number is called a **z-score**, $z$.

# %% tags=["exercise"]
def my_z_score(losses, printed, printed_error):
    """losses : (B,), of single sequences; printed, printed_error : numbers  ->  one number"""
    ...


# %% tags=["check"]
reproduce.luck.check(my_z_score)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Which two numbers scatter? The mean of `losses` has a standard error as well.
#
# </details>
# <details><summary>Hint</summary>
#
# For independent errors: `np.hypot(mine, printed_error)`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_z_score(losses, printed, printed_error):
#     mine = losses.std() / np.sqrt(len(losses))
#     return (losses.mean() - printed) / np.hypot(mine, printed_error)
# ```
#
# </details>

# %% [markdown]
# The paper may also print numbers that are a little too low. It kept the best of five runs. If the number that chose the run is the number that is printed, the luckiest was printed. By how much, if all five
# are equally good?

# %%
five = np.random.default_rng(0).normal(size=(200_000, 5))  # five runs in standard errors
print(f"the least of five lies {-five.min(axis=1).mean():.2f} standard errors below their mean")

# %% [markdown]
# The paper does not say on which sequences it chose. Our stored models are chosen on other sequences than those that weigh them.
#
# ## Check the records
# Each stored model has a **record**: its loss on 200,000 sequences, the standard error, and how it was made. Do not believe it. We have just run three models on other sequences. Here are the
# z-scores of the differences from the record:

# %% jupyter={"source_hidden": true}
for name, result in results.items():
    kind, layers = name.split()
    entry = record(kind, int(layers), noise)
    z = (result.loss - entry["loss"]) / np.hypot(result.standard_error, entry["standard_error"])
    stated, found = f"{entry['loss']:.4f} +- {entry['standard_error']:.4f}", f"{result.loss:.4f} +- {result.standard_error:.4f}"
    print(f"{name}: record {stated}, here {found}, z = {z:+.1f}")

# %% [markdown]
# Now all models of Table 1, more coarsely, on 1,000 sequences a column. The same run gives the error bars of the paper's
# entries: roughly, for so few sequences, and a little different from the lab's.

# %% jupyter={"source_hidden": true}
paper_error, checks, shaky = {}, [], []
for column in PAPER_NOISES:
    models = {(kind, layers): lt.load_pretrained(kind, layers, column) for kind in kinds for layers in depths}
    predictors = weights_of(models) | {(name, None): on_spectrum(column)[name] for name in BASELINES}
    for cell, result in evaluate(predictors, lt.RegressionTask(10, 20, column), 1_000, np.random.default_rng(2)).items():
        paper_error[*cell, column.key] = result.one_query_error
        if cell in models and paper[*cell, column.key] >= 0.001:
            entry = record(*cell, column)
            checks.append((result.loss - entry["loss"]) / np.hypot(result.standard_error, entry["standard_error"]))
            shaky += [f"{cell[0]} {cell[1]} {column.label}"] * (entry["standard_error"] > 0.1 * entry["loss"])

apart = np.abs(checks)
print(f"{len(apart)} records: {np.mean(apart < 2):.0%} within 2 standard errors, the farthest at {apart.max():.1f}")
print("standard error above a tenth of the loss:", ", ".join(shaky) or "none")

# %% [markdown]
# Luck alone would leave about 95% within 2. (The models of a column read the same sequences, so these are not 198 separate tests, and 99% is no surprise.) The last line asks whether a few sequences on which a model
# nearly explodes make up its mean: its standard error would then be large, and its z-score worth little. (Left out are entries below 0.001, deep models without noise: there a few hard sequences do make up the mean.)
#
# ## Table 1, ours minus the paper's
# Now every entry. A dot means that luck suffices: ours and the paper's lie within two standard errors. A `-` means that ours is lower by more than that, `=` by more than five. A `+` means that ours is higher, `#` by more than five. Where there
# is no sign, the entry is too small to compare. The ten columns are U(0, 0) to U(0, 7), {1, 3} and {1, 3, 5}.


# %% jupyter={"source_hidden": true}
def ours(name, layers, column):
    """Our loss and its standard error."""
    if layers is None:
        return stored_losses()[column.key][name]
    return record(name, layers, column)["loss"], record(name, layers, column)["standard_error"]


z = {}
for name, layers in [(kind, layers) for kind in kinds for layers in depths] + [(name, None) for name in BASELINES]:
    for column in PAPER_NOISES:
        cell = name, layers, column.key
        z[cell] = float(deviation(*ours(name, layers, column), paper[cell], paper_error[cell]))

def sign(score):
    """One character for a z-score."""
    if not np.isfinite(score):
        return " "
    return "." if abs(score) <= 2 else ("-" if score > -5 else "=") if score < 0 else ("+" if score < 5 else "#")


for name, layers in dict.fromkeys(cell[:2] for cell in z):
    title = name if layers is None else f"{name} {layers}"
    print(f"{title:8}", " ".join(sign(z[name, layers, column.key]) for column in PAPER_NOISES))

print("\nz-scores of models that are nearly one predictor")
for name, layers in [(kind, 1) for kind in kinds] + [("gd++", 7), ("ConstRR", None)]:
    title = name if layers is None else f"{name} {layers}"
    scores = [z[name, layers, column.key] for column in PAPER_NOISES]
    print(f"{title:8}", " ".join(f"{score:+5.1f}" if np.isfinite(score) else " " * 5 for score in scores))

print("\n            within 2   ours lower   ours higher")
for name, family in {**{kind: (kind,) for kind in kinds}, "baselines": BASELINES}.items():
    scores = np.array([score for cell, score in z.items() if cell[0] in family and np.isfinite(score)])
    print(f"{name:10} {np.sum(abs(scores) <= 2):9d} {np.sum(scores < -2):12d} {np.sum(scores > 2):13d}")

# %% [markdown]
# - **Luck.** Baselines are not trained (TunedRR has two tuned constants), and all of them lie within two standard errors. The three one-layer models are nearly one predictor, and in each column their z-scores are nearly equal.
#   (So are those of GD++ 7 and ConstRR, but at U(0, 5).) The models of a column were probably measured on the same sequences, and share their luck.
# - **Training.** GD++ with two layers is far lower than printed at small noise, and several FULL models are lower by more than luck. Those prints tell of a training run, not of what the
#   architecture can do. Where ours is higher, our training has missed better weights, or the print was lucky. (With three layers there is a third reason: we passed over weights that explode on rare contexts.)
# - **GD++ at U(0, 5).** From three layers on, the print is *lower* than ours by about three standard errors. This is no matter of training, as the next section shows.
#
# ## One model under two names
# Where a search finds nothing better than a model that it started from, that model is what is stored. Such entries are no second piece of evidence. The records say which they are:

# %% jupyter={"source_hidden": true}
copies = {}
for column in PAPER_NOISES:
    for kind, layers in ((kind, layers) for kind in kinds for layers in depths):
        how = origin(record(kind, layers, column))
        if how != "trained":
            copies.setdefault((column.label, how), []).append(f"{kind} {layers}")
for (label, how), names in copies.items():
    print(f"{label:8} {how:17} {', '.join(names)}")

# %% [markdown]
# Without noise, from two layers on, all DIAG and FULL models are copies of GD++ (two of them by way of DIAG). With noise a few FULL models are DIAG models, their entries changed at random by 0.3%: the search found nothing better from there.
# Whoever compares one of them with the model that it was copied from compares a model with itself.
#
# ## Entries that no model can have
# How well can ridge regression do, if it is told $\sigma$? Its penalty is $\lambda = \sigma^2$ ([02](02_in_context_regression.ipynb)), and its half squared error
#
# $$h(\lambda) = \tfrac12\,E \sum_j \frac{\lambda/n}{s_j + \lambda/n},$$
#
# where the $s_j$ are the eigenvalues of $\Sigma$, and $E$ is the mean over inputs: put the best share $k = s/(s + \lambda/n)$ of 02 into bias plus variance there, and $1 - k$ is left of each direction.
# Two lower bounds follow, with the oracle's $E[h(\sigma^2)]$ taken off.
#
# - **Linear in $y$.** GD++ is linear in the labels, and the best such predictor is ConstRR ([06](06_adaptive_rescaling.ipynb)), with $\lambda = E[\sigma^2]$. The variance is in proportion to $\sigma^2$, so its mean counts, and the bound is $h(E[\sigma^2]) - E[h(\sigma^2)]$.
# - **One layer**, of any kind, answers at best $w = \eta\,\alpha$, one gradient step (Mahankali et al. 2023). The best step, $\eta = n/(n + d + 1 + E[\sigma^2])$ ([03](03_one_layer_is_one_gradient_step.ipynb), last exercise), leaves $\frac d2\,(1 - \eta) - E[h(\sigma^2)]$.

# %% jupyter={"source_hidden": true}
moments = lt.RegressionTask(10, 20, lt.Fixed(0)).sample_moments(20_000, np.random.default_rng(0))
s = Spectrum.from_moments(moments.S, 20).s  # (B, d): the bounds depend on the inputs alone


def ridge_error(penalty):
    """h(penalty), averaged over the inputs."""
    return (penalty / 20 / (s + penalty / 20)).sum(axis=1).mean() / 2


def compare(name, layers, column, bound):
    """A bound, the printed entry, and by how many standard errors that lies below the bound."""
    cell = name, layers, column.key
    return f"{column.label:10} {bound:15.3f} {paper[cell]:9.3f} {float(deviation(bound, 0, paper[cell], paper_error[cell])):+18.1f}"


oracles = {}
for column in PAPER_NOISES:
    sigmas, weights = column.nodes()
    oracles[column] = weights @ [ridge_error(sigma**2) for sigma in sigmas]
print("               linear in y   GD++ 7   below the bound by      ConstRR")
print("                     bound   printed   (standard errors)       printed")
for column in PAPER_NOISES[1:]:
    told = compare("gd++", 7, column, ridge_error(column.mean_square) - oracles[column])
    print(told, f"{paper['ConstRR', None, column.key]:17.3f}")
print("\n                 one layer   DIAG 1   below the bound by\n                     bound   printed   (standard errors)")
for column in PAPER_NOISES:
    print(compare("diag", 1, column, 5 * (1 - 20 / (31 + column.mean_square)) - oracles[column]))

# %% [markdown]
# At small noise the paper's one-layer entries lie below the optimum, at large noise above it, none by much more than one standard error. That is luck, and nothing to beat.
#
# GD++ at U(0, 5), 0.344, lies below what is possible, and by more: luck does that to about one entry in a thousand, and this is the worst of nine columns. In every other column GD++ 7 and ConstRR are printed alike, as two names of one predictor on the same
# sequences must be. Here they are 0.344 and 0.365: hardly the same sequences, and lucky ones for GD++. Quote the bound.
#
# At the other end, no predictor beats the Bayes-optimal one, which the paper does not have ([08](08_how_good_is_it.ipynb)). In units of its loss:

# %% jupyter={"source_hidden": true}
two_heads = {(entry["kind"], entry["noise"]): entry["loss"] for entry in stored() if entry["heads"] == 2 and entry["layers"] == 7}
for kind in ("diag", "full"):
    print(f"{kind.upper()}, 7 layers   paper   ours   ours, two heads")
    for column in PAPER_NOISES[1:]:
        best, _ = stored_losses()[column.key]["Bayes-optimal"]
        losses = paper[kind, 7, column.key], ours(kind, 7, column)[0], two_heads.get((kind, column.key), np.nan)
        told = "".join(f"{loss / best:9.2f}" if np.isfinite(loss) else f"{'-':>9}" for loss in losses)
        print(f"  {column.label:10} {told}")

# %% [markdown]
# On U(0, 1) to U(0, 7), our FULL models of seven layers are within a tenth of the best that can be done. And here we find otherwise: the paper has DIAG match FULL (Fig. 1). With
# better training FULL moves ahead, by many of our standard errors, in every column. (The two lie furthest apart on {1, 3}, in the paper too.)
#
# A second head brings DIAG and FULL nearer to Bayes. More than seven layers hardly do (a layer is idle if its $P$ or $Q$ is 0):

# %%
for kind in ("diag", "full"):
    for layers in (7, 8, 10, 12):
        model = lt.load_pretrained(kind, layers, noise)
        works = model.P.any(axis=(1, 2, 3)) & model.Q.any(axis=(1, 2, 3))  # (L,)
        print(f"{kind:4}, {layers:2d} layers, {np.sum(~works)} of them idle: {record(kind, layers, noise)['loss']:.4f}")

full_8, full_12 = lt.load_pretrained("full", 8, noise), lt.load_pretrained("full", 12, noise)
same = all(np.allclose(getattr(full_12, part)[4:], getattr(full_8, part), rtol=0, atol=1e-12) for part in "PQ")
print("the last eight layers of FULL-12 and FULL-8:", "equal to rounding" if same else "different")

# %% [markdown]
# FULL with twelve layers is FULL with eight behind four idle layers, and no second piece of evidence, though its record says *trained*.

# %% [markdown]
# ## Another seed, another number
# The error bars so far are of evaluations: how well the loss of *one* model is known. Another training ends at another loss. For some cells several seeds are stored, each trained from random weights alone, beside the model of
# the table, which could also start from its neighbours.

# %% jupyter={"source_hidden": true}
print(f"{'':28}   stored   other seeds: least     most   standard error")
for column in (noise, lt.Categorical((1, 3))):
    for kind, layers, heads in (("diag", 4, 1), ("diag", 4, 2), ("diag", 7, 1), ("diag", 7, 2), ("full", 4, 1), ("full", 7, 1)):
        trainings = [model.record for model in spread(kind, layers, column, heads)]
        first, *others = (entry["loss"] for entry in trainings)
        if others:
            name = f"{column.label:8} {kind} {layers}" + (", two heads" if heads == 2 else "")
            print(f"{name:28} {first:8.4f} {min(others):20.4f} {max(others):8.4f} {trainings[0]['standard_error']:16.4f}")

# %% [markdown]
# With four layers the losses of different seeds lie within a few percent of each other. With seven they can lie much further apart, by many standard errors of an evaluation. So a print that is the best of five says what the luckiest of five
# trainings reached, and two prints that differ by less than this spread do not rank two architectures.
#
# ## After each layer (Fig. 5 and 7)
# The last beat of the lab follows one model layer by layer: half the squared distance of $w$ to the oracle. Here is FULL with seven layers, for sequences without noise and for noisy ones.

# %% jupyter={"source_hidden": true}
model, errors = lt.load_pretrained("full", 7, noise), []
for sigma in (0, 5):
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(2_000, np.random.default_rng(0))
    w, oracle = implicit_from_moments(model, moments.S).w, Spectrum.from_moments(moments.S, 20).ridge(moments.sigma)
    errors.append(((w - oracle[:, None]) ** 2).sum(axis=2).mean(axis=0) / 2)
print("after layer   sigma = 0   sigma = 5")
for layer, pair in enumerate(zip(*errors)):
    print(f"{layer:11d}", "".join(f"{error:12.3f}" for error in pair))

# %% [markdown]
# Not every layer brings $w$ nearer. Training asks for a good answer after the *last* layer and for nothing before. For noisy sequences $w$ comes near the oracle early, and some later layers take it away again.
# Quiet sequences need the late layers. What a layer does to the rest of the state, M, u and a, does not show in $w$ until later ([04](04_every_layer_keeps_a_weight_vector.ipynb)).
#
# ## Inside and outside (Fig. 2 and 3)
# Table 1 averages over the training noise. Here is the loss at each $\sigma$, also beyond it:

# %% jupyter={"source_hidden": true}
for trained_on in (noise, lt.Categorical((1, 3))):
    models = {f"{kind.upper()} 7": lt.load_pretrained(kind, 7, trained_on) for kind in ("diag", "full")}
    predictors = weights_of(models) | {name: on_spectrum(trained_on)[name] for name in ("AdaRR", "Bayes-optimal")}
    profile = per_variance_profile(predictors, 10, 20, range(8), 1_000, np.random.default_rng(0))
    print(f"trained on {trained_on.label}\nsigma", "".join(f"{name:>15}" for name in profile))
    for sigma, row in enumerate(zip(*profile.values())):
        print(f"{sigma:5d}", "".join(f"{loss:15.3f}" if loss < 100 else f"{'> 100':>15}" for loss, _ in row))

# %% [markdown]
# Trained on {1, 3}, FULL is better than DIAG at 1 and 3, as the paper finds. The paper also finds that DIAG extrapolates better. Compare the last rows: at seven layers a few exploding
# sequences decide, of DIAG as of FULL, and nothing in training holds them back. Expect other numbers there from each training run, ours and the paper's.
#
# ## How the models were made
# A context is an 11 × 11 matrix ([01](01_linear_attention.ipynb)), and the loss needs no query. So a training step is cheap, and there is time for many starts: random ones, a model with one layer
# less and an idle layer added, one for a neighbouring noise, DIAG for FULL. The best is kept. (One layer takes no model as a start: from random weights it comes to the closed form.) A record says which it was:

# %% jupyter={"source_hidden": true}
entry = record("full", 7, noise)
print({name: round(value, 4) if isinstance(value, float) else value for name, value in entry.items()})
table = [entry for entry in stored() if entry["heads"] == 1 and not entry["variant"] and entry["layers"] <= 7]
seconds = np.array([entry["seconds"] for entry in table])
print(f"\n{len(table)} models of Table 1: {seconds.sum() / 3600:.1f} hours of one core, the longest {seconds.max() / 60:.0f} minutes.")
one_run = [entry for entry in table if entry.get("command") == "python -m lt_helpers train --all --seed 0"]
print(f"{len(one_run)} come from one sweep, the last command below with seed 0.")
print("The starts that won:")
starts = ("random", "idle layer", "neighbouring noise", "DIAG", "GD++", "stored")
print(Counter(next((start for start in starts if entry["start"].startswith(start)), entry["start"]) for entry in table))

# %% [markdown]
# In the record, *p9999* is the loss that one sequence in 10,000 exceeds, *diverged* counts losses that were not finite, and *skipped* counts training steps that were not taken.
# (The other models are from other rounds, some of which started from the stored models.) In a terminal:
#
# ```sh
# python -m lt_helpers table1                                      # all of Table 1: ours, the paper's, the Bayes-optimal predictor's
# python -m lt_helpers table1 --noise uniform:5 --samples 20000    # a column of it, sooner
# python -m lt_helpers train --kind diag --layers 4 --noise uniform:5 --out mine.safetensors
# python -m lt_helpers train --all --folder models --jobs 2        # the whole stored set, each model after those that it starts from
# ```
#
# With the same seed and versions (see the record) the command gives the same model each time. A single model has random starts alone, so it may end higher than the stored one. And ours
# is of several rounds, the better model of each, or with three layers the one that explodes less often: expect losses like ours, rather than our weights.
#
# ### Exercise: two standard errors
# (level: practice)
#
# Given answers `w` of some predictor, the oracle's, the truths, and one query each: the standard error of our mean, and of the paper's.

# %% tags=["exercise"]
def my_standard_errors(w, oracle, truth, x_query):
    """w, oracle, truth, x_query : (B, d)  ->  array [of the mean of 1/2 |w - oracle|^2, of the mean of the paper's loss on one query]"""
    ...


# %% tags=["check"]
reproduce.two_errors.check(my_standard_errors)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The standard error of a mean of `B` values is their standard deviation over $\sqrt B$.
#
# </details>
# <details><summary>Hint</summary>
#
# `((w - truth) * x_query).sum(axis=1)` is the miss of each prediction. Square it, take off the oracle's square, halve.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_standard_errors(w, oracle, truth, x_query):
#     ours = ((w - oracle) ** 2).sum(axis=1) / 2
#     paper = (((w - truth) * x_query).sum(axis=1) ** 2 - ((oracle - truth) * x_query).sum(axis=1) ** 2) / 2
#     return np.array([ours.std(), paper.std()]) / np.sqrt(len(w))
# ```
#
# </details>

# %% [markdown]
# ## Discussion
# - **What holds.** Most entries come out. GD++ stays at ConstRR, and from U(0, 4) on, DIAG and FULL with four layers beat AdaRR ([08](08_how_good_is_it.ipynb)). Where we differ, it is mostly by training.
# - **What these error bars are not.** They say how well the loss of *one* model is known. How much another training run would differ is a second spread, and the larger one.
# - **The paper's errors are inferred**, from our models in its way of evaluating. Where the two models differ much, as for GD++ with two layers, they are rough.
# - **A mean can hide an explosion.** A model that fails on one sequence in 100,000 can have any mean. Look at the standard error beside the loss, and at the column p99.99 of `table1`.
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Quiz
# **1.** Of 200 honest, independent z-scores, how many lie beyond 2?
# <details><summary>Answer</summary>About nine (4.6%). A few beyond 2 need no explanation; a whole row of them does.</details>
#
# **2.** Why do the cells of one column of z-scores lean to the same side?
# <details><summary>Answer</summary>They were probably measured on the same sequences. If those were hard, all means are high together.</details>
#
# **3.** A paper prints a GD++ model whose loss is below ConstRR's exact value. What do you conclude?
# <details><summary>Answer</summary>That the sample was lucky, or that the model was no GD++: linear in y, it cannot be below.</details>
#
# **4.** The error after layer 3 of a four-layer model is larger than the loss of a model trained with three layers. Is that a contradiction?
# <details><summary>Answer</summary>No. Layer 3 of four was trained to prepare for the fourth; the three-layer model was trained to answer.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: sec. 6, Table 1, Fig. 1, 2, 3, 5 and 7, appendix B.
# - Ahn, Cheng, Daneshmand, Sra: *Transformers Learn to Implement Preconditioned Gradient Descent for In-Context Learning*, NeurIPS 2023,
#   [arXiv 2306.00297](https://arxiv.org/abs/2306.00297): the optimum of one layer.
# - Mahankali, Hashimoto, Ma: *One Step of Gradient Descent is Provably the Optimal In-Context Learner with One Layer of Linear Self-Attention*, ICLR 2024, [arXiv 2307.03576](https://arxiv.org/abs/2307.03576):
#   the same with noisy labels.
