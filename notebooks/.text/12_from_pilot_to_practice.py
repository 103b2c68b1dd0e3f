# %% [markdown]
# # 12  From pilot to practice
# *Frozen models on a real table: where they serve, where they fail, and how to see it coming.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import PilotLab, surprises

lab = PilotLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The pilot lab: correlated inputs at strength 0.8, read by a DIAG with four layers. Top left: the mean error of the model leaves the axis from strength 0.6 on; guarded it stays between 0.2 and 0.4, a little above cross-validated ridge. AdaRR, evidence ridge and the Bayes-optimal predictor lie on one line below both. Top right: failures and alarms rise together to nearly half of the contexts, and hardly any is missed. Bottom left: the median misfit falls below 1 through the layers, the worst tenth leaves the axis. Bottom right: contexts that are fine lie below misfit 1, those that exploded in the top right corner.](../docs/pictures/pilot-lab.png)
#
# </details>
#
# **You will be able to** prepare a real table for a frozen model, and say which rows every number came from; put an alarm on what the layers hold, measure its hits and its false alarms, and fall back on ridge regression; decide with
# numbers whether a model may be used, or AdaRR and the Bayes-optimal predictor answer better.
#
# **Would it serve you?** The short answer: learn from these models; ship AdaRR or Bayes, or train a model for your own task. Of the eight settings that are judged at the end, no stored model wins one. What follows shows how we
# know, so that you can find it out on your own data.
#
# **Takes** 35 minutes. **Needs** ridge regression ([02](02_in_context_regression.ipynb)), the implicit weight ([04](04_every_layer_keeps_a_weight_vector.ipynb)), and AdaRR, evidence ridge and Bayes
# ([08](08_how_good_is_it.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $w$ the weights of a linear model, which answers $\langle w, x\rangle$; $\sigma$ the noise: standard deviation of what is added to the labels; $n$ the number of examples; $d$ the number of features;
# $w^l$ the implicit weight after layer $l$; $N$ the number of contexts that were tried.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** You set a weight to zero, and the loss becomes a thousand times larger. Does a model need that weight? ([11](11_inside_the_weights.ipynb), if you did it)
# <details><summary>Answer</summary>Only training without it can tell.</details>
#
# **2.** What do answers far outside the training noise do in deep models? ([08](08_how_good_is_it.ipynb))
# <details><summary>Answer</summary>On some sequences they explode.</details>
#
# **3.** Two losses lie 1.5 standard errors apart. What do you say? ([08](08_how_good_is_it.ipynb))
# <details><summary>Answer</summary>Luck suffices.</details>
#
# ## The question
# The stored models have seen nothing but synthetic Gaussians. What are they worth on a real table, beside predictors that need no training?
#
# The table is scikit-learn's diabetes data: 442 patients, ten measurements each, and how far the disease had gone a year later. A model reads twenty rows as its context
# and answers for others. **P and Q are frozen.**
#
# **Which rows do what.** The table is cut at random into two halves, eight times over. The *earlier* half lends means, spreads, a penalty and a prior. In the *new* half, twenty rows
# are the context, and the other 201 are the test. No test row prepares anything.

# %% jupyter={"source_hidden": true}
from time import perf_counter

import numpy as np
from sklearn.datasets import load_diabetes

import lt_helpers as lt
from lt_helpers.evaluate import evaluate
from lt_helpers.exercises import practice as exercises
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.labs.pilot import make_contexts, measure_error, pilot
from lt_helpers.practice import PENALTIES, fit_prior, gate, guarded, leave_one_out, misfit, ridge_cv
from lt_helpers.pretrained import origin
from lt_helpers.spectrum import Spectrum
from lt_helpers.task import second_moments

table, target = load_diabetes(return_X_y=True, scaled=False)
noise, n = lt.Uniform(5.0), 20
BEST = "FULL, two heads"
models = {
    "DIAG, 4 layers": lt.load_pretrained("diag", layers=4, noise=noise),
    "DIAG, 7 layers": lt.load_pretrained("diag", layers=7, noise=noise),
    "FULL, 7 layers": lt.load_pretrained("full", layers=7, noise=noise),
    BEST: lt.load_pretrained("full", layers=7, noise=noise, heads=2),
}
print("how they came about:", ", ".join(sorted({origin(model.record) for model in models.values()})))

label_size = np.sqrt(10 + noise.mean_square)  # of a label in training: w has 10 components of variance 1, and there is noise
print(f"{len(table)} rows, {table.shape[1]} features; labels in training have the standard deviation {label_size:.2f}")

spread = np.linalg.eigvalsh(np.corrcoef(table.T))
print("eigenvalues of the features' correlation matrix:", np.round(spread, 3))

# %% [markdown]
# Each of these four models was trained by itself. (Some stored models are copies of others, [09](09_reproduce_the_paper.ipynb) says which; a copy would be no second piece of evidence.) All were trained on
# $\sigma$ from $U(0, 5)$. *FULL, two heads* has seven layers, and the lowest loss there.
#
# The features are correlated: some eigenvalues are far below 1, one is about 4. In training the inputs were uncorrelated.
#
# ## Prepare
# Features are centred, then either **standardised** (each divided by its spread) or **whitened** (also uncorrelated). The mean and the matrix for that come from the
# earlier rows, or from the twenty rows of the context itself. The labels are centred and scaled by the earlier rows, to the size that labels had in training.


# %% jupyter={"source_hidden": true}
def standardising(rows):
    """rows (.., N, d) -> their mean (.., 1, d), and the matrix (.., d, d) that gives each feature the spread 1."""
    return rows.mean(axis=-2, keepdims=True), np.eye(10) / rows.std(axis=-2)[..., None]


def whitening(rows):
    """The same, with a matrix that also makes the features uncorrelated."""
    centre = rows.mean(axis=-2, keepdims=True)
    s, V = np.linalg.eigh((rows - centre).mT @ (rows - centre) / rows.shape[-2])
    return centre, V / np.sqrt(s)[..., None, :]


def take_contexts(rows, labels, prepare, chosen):
    """Contexts x (B, n, d), y (B, n) of the rows `chosen` (B, n); all rows as queries (B or 1, N, d). No `prepare`: by the context."""
    centre, matrix = prepare or whitening(rows[chosen])
    queries = (rows - centre) @ matrix
    x = np.take_along_axis(np.broadcast_to(queries, (len(chosen), *rows.shape)), chosen[..., None], axis=1)
    return x, labels[chosen], queries


def squared_misses(w, queries, labels, chosen):
    """Mean squared error of each context's w on the rows that are not in it -> (B,)"""
    test = np.ones((len(chosen), len(labels)), bool)
    np.put_along_axis(test, chosen, False, axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = ((queries @ w[..., None])[..., 0] - labels) ** 2
        missed = np.where(test, squares, 0).sum(axis=1) / test.sum(axis=1)
    return np.where(np.isfinite(missed), missed, np.inf)


# %% [markdown]
# ### Act 1: whiten without looking
# (a few lines)
#
# Whiten `queries` with what `rows` say alone. Use the symmetric root of their covariance $C$ (divided by the number of rows): $C^{-1/2} = V\,\mathrm{diag}(s)^{-1/2}\,V^T$.

# %% tags=["exercise"]
def my_whitening(rows, queries):
    """rows (N, d): to learn from; queries (m, d): to be whitened  ->  (m, d)"""
    ...


# %% tags=["check"]
exercises.whitening.check(my_whitening)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.cov(rows.T, bias=True)` is the covariance; `np.linalg.eigh` gives $s$ and $V$.
#
# </details>
# <details><summary>Hint</summary>
#
# Which mean do you subtract from the queries? Not their own.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_whitening(rows, queries):
#     s, V = np.linalg.eigh(np.cov(rows.T, bias=True))
#     return (queries - rows.mean(axis=0)) @ (V / np.sqrt(s)) @ V.T
# ```
#
# </details>

# %% [markdown]
# ## The opponents
# All of them are ridge regression, or a mean of it. They differ by how they find the penalty.
#
# - *Ridge CV* chooses it on each context, by leaving out one example at a time.
# - *AdaRR* estimates σ² from the residuals of least squares ([08](08_how_good_is_it.ipynb)).
# - *Evidence ridge* takes the σ under which the labels of the context are most probable.
# - *One penalty* is the same for all contexts: the one that predicts left-out examples of earlier contexts best.
# - *Bayes, fitted* is the Bayes-optimal predictor. Its prior is fitted on the same earlier contexts: the size of $w$, and how σ is distributed.
#
# The first three need nothing but the context. The last two need contexts from earlier tasks, but no truth and no further label. *Least squares*, with no penalty, stands beside them.


# %% jupyter={"source_hidden": true}
def best_penalty(x, y):
    """The penalty that predicts left-out examples of earlier contexts best."""
    errors, _ = leave_one_out(x, y, PENALTIES)  # (B, K)
    return PENALTIES[errors.mean(axis=0).argmin()]


def opponents(x, y, penalty, prior):
    """What every opponent makes of the contexts -> {name: w (B, d)}"""
    spectrum = Spectrum.from_tokens(x, y)
    return {
        "least squares": spectrum.ridge(np.zeros(len(x))),
        "ridge CV": ridge_cv(x, y)[0],
        "one penalty": spectrum.ridge(np.full(len(x), np.sqrt(penalty))),
        "AdaRR": spectrum.ridge(spectrum.noise_estimate()),
        "evidence ridge": spectrum.ridge(spectrum.noise_by_evidence()),
        "Bayes, fitted": prior.bayes(x, y),
    }


def trial(preparing, splits=8, contexts=250):
    """The whole pilot. `preparing` learns from the earlier rows; None: whitening, by the context.

    -> {predictor: mean squared misses, in points^2 (splits, contexts)}, variances of the target (splits, 1), moments S.
    """
    found, variances, moments = {}, [], []
    for split in range(splits):
        rng = np.random.default_rng(split)
        earlier, new = np.split(rng.permutation(len(table)), 2)
        points = target[earlier].std() / label_size  # one unit of the labels, in points of the target
        labels = (target - target[earlier].mean()) / points
        prepare = preparing and preparing(table[earlier])
        rehearsal, chosen = (rng.random((contexts, len(new))).argsort(axis=1)[:, :n] for _ in range(2))

        x, y, _ = take_contexts(table[earlier], labels[earlier], prepare, rehearsal)
        penalty, prior = best_penalty(x, y), fit_prior(x, y)

        x, y, queries = take_contexts(table[new], labels[new], prepare, chosen)
        S = second_moments(x, y)
        answers = opponents(x, y, penalty, prior)
        answers |= {name: model.implicit_weight(S) for name, model in models.items()}
        answers |= {f"{name}, guarded": guarded(model, x, y)[0] for name, model in models.items()}
        for name, w in answers.items():
            found.setdefault(name, []).append(points**2 * squared_misses(w, queries, labels[new], chosen))
        variances.append(target[new].var())
        moments.append(S)
    return {name: np.array(misses) for name, misses in found.items()}, np.array(variances)[:, None], np.concatenate(moments)


# %% [markdown]
# **What is a failure?** Say it before the pilot, in the unit of what you predict. The target is a score of 25 to 346 points. Predicting its mean misses by about 76 points (root mean
# square). We call a context *failed* if the answers to its test rows miss by more than 100, again as root mean square.
#
# Which preparation will be best for the models? Will any of them beat all opponents?
#
# In the first table an error of 1.0 is what predicting the mean costs; *explodes*: the mean over contexts is above 3.

# %% jupyter={"source_hidden": true}
FAILS = 100  # points


def describe(misses, variances):
    """Mean error in words."""
    error = (misses / variances).mean()
    return f"{error:.3f}" if error < 3 else "explodes"


def failed_of(misses):
    """How many contexts failed, in words."""
    return f"{100 * (misses > FAILS**2).mean():.2f}%"


standard, variances, standard_moments = trial(standardising)
white, _, white_moments = trial(whitening)
own, _, _ = trial(None)
print(f"the mean misses by {np.sqrt(variances.mean()):.0f} points\n")
print(f"{'':24}    standardised        whitened  by the context")
plain = [name for name in standard if "guarded" not in name]
for name in plain:
    print(f"{name:24}" + "".join(f"{describe(found[name], variances):>16}" for found in (standard, white, own)))
print("\ncontexts that failed")
for name in plain:
    print(f"{name:24}" + "".join(f"{failed_of(found[name]):>16}" for found in (standard, white, own)))

# %% [markdown]
# - **Where a frozen model does not explode, its error is near that of the opponents**: standardised, all but least squares and ridge CV lie between 0.64 and 0.66.
# - **It beats ridge CV.** Twenty rows are few to choose a penalty from.
# - **Whitening costs more than it gives.** It blows up directions in which the features hardly vary. Learned from the context alone, it is worst: twenty rows say
#   little about a ten-by-ten matrix.
# - **DIAG with four layers explodes** on a few contexts, and a few are enough to spoil its mean.
#
# ## The gate
# A smaller number in a table is no proof yet. The errors of two predictors on the same contexts go up and down together, so look at the **lead**: the opponent's error minus the model's, context
# by context. Contexts of one cut share their rows. We therefore average within a cut, and take the standard error from the eight cuts. (It is still too small: all cuts are of the same 442 patients. So a lead of two
# standard errors is the least to ask for.)
#
# **The gate: a model may be used if it beats AdaRR and Bayes by more than two standard errors. Else use those.**

# %% jupyter={"source_hidden": true}
def by_cut(name):
    return (standard[name] / variances).mean(axis=1)  # (splits,)


rivals = ("ridge CV", "one penalty", "AdaRR", "evidence ridge", "Bayes, fitted")
leads = {}
for name in ("DIAG, 7 layers", "FULL, 7 layers", BEST):
    leads[name] = gate(by_cut(f"{name}, guarded"), {rival: by_cut(rival) for rival in rivals})
print(f"lead over {'':6}" + "".join(f"{name:>28}" for name in leads))
for rival in rivals:
    line = ""
    for name in leads:
        lead = leads[name][rival]
        told = f"{lead.mean:.4f} +- {lead.standard_error:.4f}{', beaten' if lead.beaten else '':8}"
        line += f"{told:>28}"
    print(f"{rival:16}{line}")

# %% [markdown]
# FULL beats AdaRR, and evidence ridge too. It does not beat Bayes, nor one penalty: both have learned from earlier contexts how much to shrink. DIAG beats ridge CV alone. The second
# head, with which FULL is best on its own task, makes it worse here: better on the training task need not be better on yours. **No model passes the gate.**
#
# What is that in points of the score? And if all contexts obey the same $w$, as here, one should not learn in context at all: that is the last line.

# %% jupyter={"source_hidden": true}
def points_missed(misses):
    """By how many points the answers miss, root mean square over all contexts, in words."""
    return f"{np.sqrt(misses.mean()):.1f}"


pooled = []
for split in range(8):
    earlier, new = np.split(np.random.default_rng(split).permutation(len(table)), 2)
    centre, matrix = standardising(table[earlier])
    x, y = (table - centre) @ matrix, target - target[earlier].mean()
    w, _ = ridge_cv(x[None, earlier], y[None, earlier])
    pooled.append([((x[new] @ w[0] - y[new]) ** 2).mean(), y[new].var()])
pooled = np.array(pooled)  # (splits, 2)
once = (pooled[:, 0] / pooled[:, 1]).mean()
print("answers miss by, in points")
for name in ("DIAG, 7 layers", "FULL, 7 layers", BEST, *rivals):
    print(f"{name:24}{points_missed(standard[name]):>6}")
print(f"{'ridge, fitted once':24}{points_missed(pooled[:, 0]):>6}   on the 221 earlier rows; error {once:.3f}")

# %% [markdown]
# Among all that learn in context less than a point lies between the worst and the best, ridge CV apart. Fitted once, ridge gains about five points on them. In-context models are for many small tasks, each with its own $w$; read this
# table as one such task.
#
# ## See it coming
# After layer $l$ the model holds a weight $w^l$ (Theorem 4.1), before any query is asked. Ask how well it fits the context that it was made from:
#
# $$\text{misfit} = \overline{(y - \langle w^l, x\rangle)^2} \;/\; \overline{y^2} .$$
#
# A bar is a mean over the examples. The misfit starts at 1, since $w^0 = 0$, and should fall. **The alarm rings if it ends above 1**: the weight then fits its own examples worse than 0 does. What passes is
# bounded: over the context, $\overline{\langle w, x\rangle^2}$ is at most $4\,\overline{y^2}$.

# %% jupyter={"source_hidden": true}
model, failing = models["DIAG, 4 layers"], white["DIAG, 4 layers"].ravel() > FAILS**2
by_layer = misfit(implicit_from_moments(model, white_moments).w, white_moments)
print("DIAG, 4 layers, whitened rows. Median misfit after layer 0, 1, .. (999: or more)")
for name, chosen in (("failed", failing), ("others", ~failing)):
    print(f"{name:7} {chosen.sum():5d} contexts:", *(f"{min(value, 999):7.2f}" for value in np.median(by_layer[chosen], axis=0)))

# %% [markdown]
# An alarm is worth what it hits, and what it rings for in vain. Two others are for comparison: is the largest eigenvalue of $\Sigma$ beyond all of 5,000 training
# sequences? Is the length of the last $w^l$? ($\Sigma$ is the mean of $x x^T$ over the context.)

# %% jupyter={"source_hidden": true}
def states(model, S):
    """What the three alarms look at, for each context -> {name: (B,)}"""
    w = model.implicit_weight(S)
    largest = np.linalg.eigvalsh(S[:, :-1, :-1])[:, -1]
    with np.errstate(over="ignore"):
        return {"misfit": misfit(w, S), "largest eigenvalue": largest, "length of w": np.linalg.norm(w, axis=1)}


training = lt.RegressionTask(10, n, noise).sample_moments(5000, np.random.default_rng(0)).S
failed, rang, failures = [], {}, {}
for key, model in models.items():
    limits = {name: state.max() for name, state in states(model, training).items()} | {"misfit": 1.0}
    for found, S in ((standard, standard_moments), (white, white_moments)):
        failed.append(found[key].ravel() > FAILS**2)
        for name, state in states(model, S).items():
            rang.setdefault(name, []).append(~(state <= limits[name]))  # what is not a number rings
    failures[key] = sum(each.sum() for each in failed[-2:])
failed = np.concatenate(failed)

counted = {}
print(f"{len(models)} models, standardised and whitened rows\n{'alarm':20}    failures hit   false alarms")
for name, rings in rang.items():
    rings = np.concatenate(rings)
    counted[name] = f"{100 * rings[failed].mean():.1f}% of {failed.sum()}", f"{100 * rings[~failed].mean():.2f}%"
    print("{:20} {:>15} {:>12}".format(name, *counted[name]))
print("failures:", ", ".join(f"{key} {count}" for key, count in failures.items()))
print(f"no failure in {standard_moments.shape[0]} contexts bounds the rate of failures by 3/N = {3 / len(standard_moments):.2%}")

# %% [markdown]
# The eigenvalue rings for a quarter of the contexts that are fine, so nobody would listen. It says *unlike the training*, which is not yet *wrong*. The misfit rings for the explosions, and for hardly
# anything else.
#
# All of these failures are of one model, DIAG with four layers. **An alarm that has seen no failure has not been tested.** Then there is only the count: if none of $N$ contexts failed, the rate
# of failures is below $3/N$, with 95% confidence, since $(1 - 3/N)^N \approx 0.05$. (For independent contexts. Ours share rows, so it is less sure than that.) Whoever tolerates one failure in
# 10,000 needs 30,000 contexts without one.
#
# Where the alarm rings, answer by ridge CV. That is the **guard**. (Ridge CV, since it believes nothing beforehand about the size of $w$, and such contexts are unlike the others.)

# %% jupyter={"source_hidden": true}
print(f"{'':24}    standardised  failed    whitened  failed")
for name in models:
    for which in (name, f"{name}, guarded"):
        line = "".join(f"{describe(found[which], variances):>12} {failed_of(found[which]):>7}" for found in (standard, white))
        print(f"{which:24}    {line}")

# %% [markdown]
# ## Measured on many contexts
# With a real table nobody knows in what it differs from the training task. In the lab the contexts are synthetic, and differ from it in one known way. Here are the lab's mismatches at strength 0.6, with 1,000 contexts each; then a
# stronger correlation, more noise than in training, and labels that are too large. In each row all contexts are alike, and 500 earlier ones of the same kind lend a penalty and a prior. First the mean errors, where 1 is what
# the answer 0 costs; the models are guarded.

# %% jupyter={"source_hidden": true} tags=["mismatches"]
settings = {label: dict(mismatch=name, strength=0.6) for label, name in PilotLab(language="en").controls["mismatch"].options}
settings = {"none": dict(mismatch="correlated", strength=0.0), **settings}
settings |= {
    "correlation of 0.9": dict(mismatch="correlated", strength=1.0),
    "none, noise of 8": dict(settings["none"], sigma=8.0),
    "none, target times 3": dict(settings["none"], scale=3.0),
}


def judge_setting(setting, seeds=range(10), earlier_seeds=range(100, 105)):
    """Errors of the opponents, and of the guarded models, in one setting -> {name: (1000,)}, {model: (failed, rang, errors)}."""
    place = {"sigma": 2.0, "scale": 1.0, **setting}
    earlier = [make_contexts(seed=seed, **place) for seed in earlier_seeds]
    x, y = (np.concatenate([contexts[part] for contexts in earlier]) for part in (0, 1))
    penalty, prior = best_penalty(x, y), fit_prior(x, y)

    errors, counts = {}, {}
    for seed in seeds:
        x, y, truth = make_contexts(seed=seed, **place)
        for name, w in opponents(x, y, penalty, prior).items():
            measured = measure_error(w, truth, place["mismatch"], place["strength"], place["scale"])
            errors.setdefault(name, []).append(measured)
        for name, model in (("DIAG, 7 layers", "diag-7"), ("FULL, 7 layers", "full-7")):
            run = pilot(model=model, seed=seed, **place)
            errors.setdefault(name, []).append(run.guarded)
            counts.setdefault(name, []).append((run.failed, run.rings, run.model))
        w, _ = guarded(models[BEST], x, y)
        errors.setdefault(BEST, []).append(measure_error(w, truth, place["mismatch"], place["strength"], place["scale"]))
    return {name: np.concatenate(parts) for name, parts in errors.items()}, {
        name: tuple(np.concatenate(part) for part in zip(*runs)) for name, runs in counts.items()
    }


seven = ("DIAG, 7 layers", "FULL, 7 layers")
columns = (*seven, *rivals)
synthetic = {label: judge_setting(setting) for label, setting in settings.items()}
heading = f"{'':24}" + "".join(f"{name:>11}" for name in ("DIAG-7", "FULL-7", "ridge CV", "1 penalty", "AdaRR", "evidence", "Bayes"))
print(heading)
for label, (errors, _) in synthetic.items():
    print(f"{label:24}" + "".join(f"{errors[name].mean():11.3f}" for name in columns))

# %% [markdown]
# ![The same as a picture: for each of the ten settings a dot for each predictor, on an axis from 0.08 to 1.5. Bayes, fitted, is furthest left or nearly so in every row. DIAG lies far to the right for inputs with a correlation of 0.9, ridge CV for a noise of 8, evidence ridge for labels three times too large.](../docs/pictures/errors-by-mismatch.svg)
#
# Now the models without the guard, and the alarm. There are no units here, so *failed* is an error above 2, twice what the answer 0 costs.

# %% jupyter={"source_hidden": true}
for name in seven:
    print(f"{name:22}     mean  failed    rang  missed")
    for label, (_, counts) in synthetic.items():
        failed, rang, plain = counts[name]
        mean = f"{plain.mean():.2f}" if plain.mean() < 10 else "explodes"
        print(f"  {label:20} {mean:>8} {failed.sum():7d} {rang.sum():7d} {(failed & ~rang).sum():7d}")

# %% [markdown]
# - **Correlated inputs and outlying rows** make DIAG explode, and the alarm finds the explosions. It misses some milder failures. Even with the guard DIAG stays behind ridge CV on correlated inputs. FULL with seven layers hardly
#   fails there. The training loss does not tell which model explodes: DIAG-7's is only a tenth above FULL-7's.
# - **Outliers among the labels** hurt the models more than AdaRR. They make DIAG explode, and the alarm finds that. It misses all failures of FULL: a weight that fits an outlier is wrong, but it fits.
# - **A curved target** doubles everybody's error, and the alarm is silent.
# - **Heavy tails and uneven noise** do no harm, as long as the mean square of the noise stays. Without the guard DIAG explodes on a rare context.
# - **At $\sigma = 8$**, more than in training, both models have failures that pass the alarm, and AdaRR errs less.
#
# **Labels three times too large** are a lesson of their own. AdaRR, evidence ridge and the models all expect a $w$ of size 1, and shrink one of size 3 too much. Ridge CV knows no size, and one
# penalty and Bayes have learned it from earlier contexts.
#
# How much would the models gain?

# %% jupyter={"source_hidden": true}
for rival in ("AdaRR", "evidence ridge", "Bayes, fitted"):
    gains = []
    for label, (errors, _) in synthetic.items():
        gains += [(errors[rival].mean() - errors[name].mean(), name, label) for name in seven]
    largest = sorted(gains, reverse=True)[:3]
    print(f"largest leads over {rival}:", ",  ".join(f"{gain:.3f} ({name}; {label})" for gain, name, label in largest))

# %% [markdown]
# **No model is ahead of Bayes with a fitted prior in any row.** Over AdaRR and evidence ridge, which need no earlier contexts, they gain less than a hundredth in these rows, except where the labels are too large. There ridge CV is better still.
#
# So the alarm sees explosions. It does not see a wrong model. For that one needs labels that were held back.
#
# ## Other n, other d
# A model reads means over the rows of a context, so it runs on any number of rows. But its weights were trained at $n = 20$, and how much means over $n$ rows scatter depends on $n$. DIAG has four
# numbers a layer, so it also runs on any number of features. What are these answers worth? The tasks below are the training's, $\sigma$ from $U(0, 5)$, but for $n$ and $d$. *Bayes* is told how the noise is distributed.
# Will the model become better or worse with 200 rows?

# %% jupyter={"source_hidden": true}
dims, lengths = (5, 8, 10, 15), (15, 20, 25, 40, 80, 200)
table_of_sizes = {}
for d in dims:
    trained = models["DIAG, 7 layers"].with_dim(d)
    predictors = {
        "DIAG, 7 layers": lambda spectrum, trained=trained: trained.implicit_weight(spectrum.S),
        "AdaRR": lambda spectrum: spectrum.ridge(spectrum.noise_estimate()),
        "evidence ridge": lambda spectrum: spectrum.ridge(spectrum.noise_by_evidence()),
        "Bayes": lambda spectrum: spectrum.bayes(noise, count=32),
    }
    for examples in lengths:
        if examples > d:
            results = evaluate(predictors, lt.RegressionTask(d, examples, noise), 1_000, np.random.default_rng(0))
            table_of_sizes |= {(d, examples, name): result.loss for name, result in results.items()}

print("excess" + "".join(f"{name:>16}" for name in predictors))
for d, examples in [(10, examples) for examples in lengths] + [(d, 20) for d in dims if d != 10]:
    row = [table_of_sizes[d, examples, name] for name in predictors]
    print(f"d = {d}, n = {examples}".ljust(16) + "".join(f"{loss:.4f}".rjust(16) for loss in row)[10:])

print("\nsigma = 3, d = 10: share of the truth that is kept")
print("     n   DIAG, 7 layers   oracle")
for examples in (20, 40, 80, 200):
    moments = lt.RegressionTask(10, examples, lt.Fixed(3)).sample_moments(2_000, np.random.default_rng(0))
    by_diag = models["DIAG, 7 layers"].implicit_weight(moments.S)
    by_oracle = Spectrum.from_moments(moments.S, examples).ridge(moments.sigma)
    kept = [(w * moments.w).sum() / (moments.w**2).sum() for w in (by_diag, by_oracle)]
    print(f"{examples:6d} {kept[0]:16.2f} {kept[1]:8.2f}")

# %% [markdown]
# **More rows make the model worse**, while every opponent becomes better. From 40 rows on its excess is more than ten times AdaRR's. The second table shows why: the more rows, the less one needs to shrink. The model shrinks as it would
# with twenty. Fewer rows are no remedy either: with 15 the task is harder for all, and evidence ridge is ahead.
#
# Another number of features at $n = 20$ does less harm. DIAG loses less than AdaRR at $d$ = 8, 10 and 15; at 5 the two, and evidence ridge, are near each other. At 15 evidence ridge is ahead of it.
#
# A model belongs to the $n$ of its training. If your contexts have other lengths, take AdaRR, or train on those lengths.
#
# ## A remedy for the curve
# A linear transformer cannot square an input (Theorem 4.2). You can, before it reads. Here are five inputs, and a target with five straight and five squared parts.


# %% jupyter={"source_hidden": true}
def curved(n, seed, contexts=400, sigma=1.0):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(contexts, n, 5)), rng.normal(size=(contexts, 10))
    z = np.concatenate([x, (x**2 - 1) / np.sqrt(2)], axis=-1)  # uncorrelated, each of variance 1
    return x, z, (z @ w[..., None])[..., 0] + sigma * rng.normal(size=(contexts, n)), w


diag, full = (models[name] for name in seven)
lengths_tried = (20, 40, 80)
with_squares = {}
for examples in lengths_tried:
    _, z, y, _ = curved(examples, seed=1)
    prior = fit_prior(z, y)
    x, z, y, w = curved(examples, seed=0)
    blind, _ = guarded(diag.with_dim(5), x, y)
    answers = {
        "DIAG, inputs only": np.concatenate([blind, 0 * blind], axis=1),
        "DIAG": guarded(diag, z, y)[0],
        "FULL": guarded(full, z, y)[0],
        "AdaRR": lt.baselines.ada_rr(z, y),
        "evidence ridge": lt.baselines.evidence_ridge(z, y),
        "Bayes, fitted": prior.bayes(z, y),
    }
    for name, answer in answers.items():
        with_squares.setdefault(name, []).append(((answer - w) ** 2).sum(axis=1).mean() / 10)
print(f"{'with squares':20}" + "".join(f"{examples:4d} rows" for examples in lengths_tried) + "   (models: guarded)")
for name, errors in with_squares.items():
    print(f"{name:20}" + "".join(f"{error:9.3f}" for error in errors))

# %% [markdown]
# More examples do not help a model that lacks the right feature. With the squares as features, the same frozen weights serve at twenty examples. There the three opponents are about as good; with 40 rows they are better, and with 80 their
# error is half the models'.
#
# ## What it costs
# Per context of twenty rows, on one core: first a thousand contexts at a time, then one alone. Your machine has its own times.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
batch = lt.RegressionTask(10, n, noise).sample(1000, np.random.default_rng(0))
prior = fit_prior(batch.x[:200], batch.y[:200])


def costs(x, y):
    """What is timed, on these contexts -> {name: function}"""
    S = second_moments(x, y)
    w = np.zeros(x.shape[::2])
    return {
        "second moments": lambda: second_moments(x, y),
        "DIAG, 7 layers": lambda: diag.implicit_weight(S),
        "FULL, 7 layers": lambda: full.implicit_weight(S),
        "alarm": lambda: misfit(w, S),
        "one penalty": lambda: np.linalg.solve(S[:, :-1, :-1] + 0.5 * np.eye(10), S[:, :-1, -1:]),
        "AdaRR": lambda: lt.baselines.ada_rr(x, y),
        "evidence ridge": lambda: lt.baselines.evidence_ridge(x, y),
        "Bayes, fitted": lambda: prior.bayes(x, y),
        "ridge CV": lambda: ridge_cv(x, y),
    }


def best_time(run):
    """The shortest of five runs, in microseconds."""
    times = []
    for _ in range(5):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return 1e6 * min(times)


print(f"{'microseconds a context':24} of a thousand    alone")
many, one = costs(batch.x, batch.y), costs(batch.x[:1], batch.y[:1])
for name in many:
    print(f"{name:24} {best_time(many[name]) / 1000:13.1f} {best_time(one[name]):8.0f}")

# %% [markdown]
# One penalty is the cheapest: it solves one small system, where a model multiplies matrices in every layer. Evidence ridge, which searches for its σ, is the dearest. One context alone mostly costs more than one of a thousand, since
# NumPy is called for each. All of this is a small part of a second, whichever you take: cost is no argument for the model, and hardly one against it.
#
# ## Decide
# Last, the tasks that the models were trained for, each model on its own noise. The **excess** is that over the oracle ([08](08_how_good_is_it.ipynb)). Beside it stands the **total** error: what the
# oracle itself misses is most of it, and no predictor can take that away. *Bayes, fitted* has its prior from 1,000 earlier tasks. The table puts these rows beside the real one and five of the lab's mismatches (there: errors, models
# guarded). That makes eight settings: two training noises, the real table, five mismatches. Below it are the counts that the [decision brief](../docs/decision-brief.md) quotes.

# %% jupyter={"source_hidden": true} tags=["decision"]
def excess_and_total(mixed, parts=5):
    """Half squared errors above the oracle's, and of all, on 1,000 sequences a part -> two of {name: (sequences,)}"""
    task, rng = lt.RegressionTask(10, n, mixed), np.random.default_rng(0)
    earlier = task.sample(1000, rng)
    penalty, prior = best_penalty(earlier.x, earlier.y), fit_prior(earlier.x, earlier.y)
    above, total = {}, {}
    for _ in range(parts):
        part = task.sample(1000, rng)
        answers = opponents(part.x, part.y, penalty, prior)
        for kind in ("diag", "full"):
            S = second_moments(part.x, part.y)
            answers[f"{kind.upper()}, 7 layers"] = lt.load_pretrained(kind, 7, mixed).implicit_weight(S)
        answers[BEST] = lt.load_pretrained("full", 7, mixed, heads=2).implicit_weight(S)
        oracle = lt.baselines.ridge(part.x, part.y, part.sigma)
        for name, w in answers.items():
            above.setdefault(name, []).append(((w - oracle) ** 2).sum(axis=1) / 2)
            total.setdefault(name, []).append(((w - part.w) ** 2).sum(axis=1) / 2)
    return [{name: np.concatenate(losses) for name, losses in each.items()} for each in (above, total)]


judged_models = {"DIAG, 7 layers": "DIAG-7", "FULL, 7 layers": "FULL-7", BEST: "two heads"}


def safe(name):
    return f"{name}, guarded" if name in judged_models else name


decision, judged = {}, {}
for mixed in (noise, lt.Categorical((1, 3))):
    above, total = excess_and_total(mixed)
    decision[f"excess, noise {mixed.label}"] = [f"{above[name].mean():.3f}" for name in columns]
    decision[f"total, noise {mixed.label}"] = [f"{total[name].mean():.3f}" for name in columns]
    judged[f"noise {mixed.label}"] = above
decision["real table, error"] = [f"{by_cut(safe(name)).mean():.3f}" for name in columns]
decision["real table, points"] = [points_missed(standard[safe(name)]) for name in columns]
decision["real table, failed"] = [f"{100 * (standard[name] > FAILS**2).mean():.2f}%" for name in columns]
judged["real table"] = {name: by_cut(safe(name)) for name in (*columns, BEST)}
mismatched = ("correlation of 0.9", "outlying rows", "outliers among y", "none, target times 3", "none, noise of 8")
for label in mismatched:
    judged[label], _ = synthetic[label]
    decision[label] = [f"{judged[label][name].mean():.3f}" for name in columns]

print(heading)
for name, numbers in decision.items():
    print(f"{name:24}" + "".join(f"{number:>11}" for number in numbers))

gates = {}
for label, errors in judged.items():
    for name in judged_models:
        gates[name, label] = gate(errors[name], {rival: errors[rival] for rival in rivals})
print()
for name, short in judged_models.items():
    over = {rival: [label for label in judged if gates[name, label][rival].beaten] for rival in rivals}
    passed = [label for label in judged if label in over["AdaRR"] and label in over["Bayes, fitted"]]
    print(f"{f'{short}, beats AdaRR':24}{len(over['AdaRR'])} of {len(judged)}")
    print(f"{f'{short}, beats Bayes':24}{len(over['Bayes, fitted'])} of {len(judged)}")
    print(f"{f'{short}, gate passed':24}{len(passed)} of {len(judged)}")
hits, false_alarms = counted["misfit"]
print(f"ridge, fitted once      {once:.3f}")
print(f"  in points             {points_missed(pooled[:, 0])}")
print(f"failures that rang      {hits}")
print(f"  of seven layers       {sum(failures[name] for name in judged_models)}")
print(f"false alarms            {false_alarms}")
print(f"no failure, bound       {3 / len(standard_moments):.2%} of {len(standard_moments)}")
for name in seven:
    failed, rang, plain = (np.array([synthetic[label][1][name][part] for label in mismatched]) for part in range(3))
    print(f"{f'{judged_models[name]}, mean explodes':24}{(plain.mean(axis=1) >= 10).sum()} of {len(mismatched)}")
    print(f"{f'{judged_models[name]}, missed':24}{(failed & ~rang).sum()} of {failed.sum()}")

# %% [markdown]
# The leads behind these counts, and in brackets how many standard errors they are. Above 2 the opponent is beaten; below −2 the opponent has beaten the model.

# %% jupyter={"source_hidden": true} tags=["leads"]
for rival in ("AdaRR", "evidence ridge", "Bayes, fitted"):
    print(f"over {rival:17}" + "".join(f"{short:>21}" for short in judged_models.values()))
    for label in judged:
        found = [gates[name, label][rival] for name in judged_models]
        print(f"  {label:20}" + "".join(f"{lead.mean:12.4f} ({lead.mean / lead.standard_error:+6.1f})" for lead in found))

# %% [markdown]
# ![The same as a picture: three plots, one for each opponent, a row for each setting, and in it three dots, one for each model; the horizontal axis is the lead in standard errors. Over AdaRR and over evidence ridge some dots lie right of the grey band from -2 to 2, for the two training noises and for labels three times too large. Over Bayes all dots lie left of it.](../docs/pictures/leads.svg)
#
# **In no setting is a model ahead of Bayes**: in the last plot every dot lies left of 0 by more than two standard errors, so Bayes has beaten every model everywhere. FULL is nearest on the tasks that it was trained for, with two heads more so; in most of the others
# two heads are worse than one.
#
# How many earlier tasks does Bayes need for its prior? Here are three draws of each number of them, on the first of these settings:

# %% jupyter={"source_hidden": true}
task = lt.RegressionTask(10, n, noise)
test = task.sample(2000, np.random.default_rng(2))
oracle = lt.baselines.ridge(test.x, test.y, test.sigma)


def excess(w):
    return ((w - oracle) ** 2).sum(axis=1).mean() / 2


print("earlier tasks   excess of Bayes, fitted on them: mean of three draws, and the worst")
for count in (10, 30, 100, 300, 1000):
    draws = [task.sample(count, np.random.default_rng(seed)) for seed in range(10, 13)]
    found = [excess(fit_prior(earlier.x, earlier.y).bayes(test.x, test.y)) for earlier in draws]
    print(f"{count:13d} {np.mean(found):9.3f} {np.max(found):9.3f}")
full_here = excess(full.implicit_weight(second_moments(test.x, test.y)))
by_residuals, by_evidence = (excess(method(test.x, test.y)) for method in (lt.baselines.ada_rr, lt.baselines.evidence_ridge))
print(f"FULL, 7 layers {full_here:.4f};  AdaRR {by_residuals:.4f};  evidence ridge {by_evidence:.4f}")
print(f"Bayes, told the training's noise {excess(lt.baselines.bayes(test.x, test.y, noise)):.4f}")

# %% [markdown]
# A hundred earlier tasks bring the fitted prior near to what FULL has from its training, a thousand make it as good. With 30 or fewer, evidence ridge is better than it. And whoever is sure that new tasks are like the training's knows
# the prior, and needs no earlier task: *Bayes, told* is ahead as well.
#
# | If | then | since |
# |---|---|---|
# | all contexts obey one $w$ | fit ridge once, on all rows | pooling beats every learner in context |
# | the noise is alike in all contexts, and there are earlier ones | ridge with one penalty | no model passes it here; it is the cheapest |
# | **the noise differs from context to context**, and there are hundreds of earlier ones | **Bayes, its prior fitted on them** | no model is ahead of it by two standard errors in any setting |
# | the noise differs, and there are fewer than some hundred earlier ones | AdaRR, or evidence ridge | they need nothing but the context, and labels in which $w$ is about 1 |
# | labels are on another scale, and nothing tells it | ridge CV | it knows no scale |
# | contexts have other lengths, $n \neq 20$ | AdaRR, evidence ridge or Bayes | the models become worse with more rows |
# | outliers among the labels | none of these: try a robust regression (we did not) | all of these err |
# | you cannot write down how your data come about, but have very many contexts | train a model on those, and hold the gate against it (we did not) | Bayes is best only for the task that it is written for |
#
# So the verdict on the models stored here is: **learn from them; ship AdaRR or Bayes, or train a model for your own task.** A model comes near the best that is possible without being told how. It does not get past it.
#
# **Gates for going on**: (1) say beforehand which error is a failure, in your own unit; (2) on contexts of your own, with labels held back, the guarded model beats AdaRR and the
# fitted Bayes by more than two standard errors, **else use those**; (3) it beats one penalty as well; (4) the alarm rings for fewer than 1% of contexts; (5) no failure passes it, in $N$ contexts such that $3/N$
# is a rate that you can bear. What was counted above is gate 2 alone: none of the three models passes it in any of the eight settings.
#
# **What to watch in use**
# - *The share of alarms*, each day. In the pilot it is nearly zero; a rise means that the data have changed.
# - *Labels that were held back*, in a sample of contexts: the model's error minus AdaRR's, with its standard error. This alone finds a wrong model.
# - *Size of labels, and the largest eigenvalue of* $\Sigma$, against the training's. They warn early and often; look, but do not stop for them.
# - *Everything that is not a number.*
#
# The same on one page, in English and Japanese: [decision brief](../docs/decision-brief.md).
#
# ### Exercise: the guard
# (level: practice)
#
# Return the model's weight where it passes the alarm, and ridge's elsewhere. Some weights have exploded so far that they are not finite.

# %% tags=["exercise"]
def my_guard(w, x, y, ridge):
    """w (B, d): the model's weights; x (B, n, d), y (B, n): the contexts; ridge (B, d): the fallback  ->  (B, d)"""
    ...


# %% tags=["check"]
exercises.guard.check(my_guard)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `fitted = (x @ w[..., None])[..., 0]` has the model's answers on the context, (B, n). Compare the mean of `(y - fitted)**2` with the mean of `y**2`, over axis 1.
#
# </details>
# <details><summary>Hint</summary>
#
# Any comparison with NaN is False. Ask which contexts pass, then `np.where(passes[:, None], w, ridge)`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_guard(w, x, y, ridge):
#     with np.errstate(over="ignore", invalid="ignore"):
#         fitted = (x @ w[..., None])[..., 0]
#         passes = ((y - fitted) ** 2).mean(axis=1) <= (y**2).mean(axis=1)
#     return np.where(passes[:, None], w, ridge)
# ```
#
# </details>

# %% [markdown]
# ## Discussion
# - **One table is an anecdote.** It has one $w$, so the contexts differ by chance only, and the mixed noise that the models were trained for is not in it. On tasks with mixed noise
#   they are ahead of AdaRR and evidence ridge, and a little behind Bayes.
# - **Scaling the labels is a choice.** It sets how large a $w$ the model expects, as a penalty does for ridge. We took the training's size, before looking. AdaRR and evidence ridge depend on it as well;
#   the fitted prior finds it by itself.
# - **Total beside excess.** On U(0, 5) FULL's excess is well below AdaRR's. In the total error the difference is 1.5%: most of it is what nobody can know. Which of the two matters is a question to your use.
# - **Two limits of the alarm.** It is computed on the rows that the weight was made from, so it cannot see overfitting. And the length of $w$ does nearly as well on this table; the
#   misfit needs no limit from training data.
# - **The paper** tests synthetic data only (sec. 6), inside and outside of the training noise (Fig. 2 and 3). All that is said here of real rows is ours.
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Quiz
# **1.** Why does a frozen model beat ridge CV on this table, and not Bayes?
# <details><summary>Answer</summary>It brings a belief about the size of w from its training. Cross-validation has to find the penalty in twenty rows, and often finds a poor one. Bayes learns that belief from earlier contexts, where the model has that of its training.</details>
#
# **2.** Test rows were among those that whitening learned from. What is wrong with the error?
# <details><summary>Answer</summary>It is too good: the preparation has seen rows that stand for the future. Use earlier rows, or the context's own.</details>
#
# **3.** The alarm has not rung for a month. Is the model right?
# <details><summary>Answer</summary>It has not exploded. A curved target never rings, and an outlier need not. Only labels that were held back can tell.</details>
#
# **4.** No context of 600 failed in a pilot. May one promise fewer than one failure in a thousand?
# <details><summary>Answer</summary>No. 3/600 is one in two hundred. For one in a thousand it takes 3,000 independent contexts without a failure.</details>
#
# **5.** A weight passes the alarm with misfit 1. How large can its answers be?
# <details><summary>Answer</summary>Over the context, the root mean square of the answers is at most twice that of the labels (triangle inequality): answer = label minus residual.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: Theorem 4.1, Theorem 4.2, sec. 6, Fig. 2 and 3.
# - Efron, Hastie, Johnstone, Tibshirani: *Least Angle Regression*, Annals of Statistics 2004, [arXiv math/0406456](https://arxiv.org/abs/math/0406456): the diabetes table.
# - Sculley et al.: *Hidden Technical Debt in Machine Learning Systems*, NeurIPS 2015: what use adds to a model.
