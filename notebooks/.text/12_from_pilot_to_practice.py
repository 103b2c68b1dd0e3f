# %% [markdown]
# # 12  From pilot to practice
# *Frozen models on a real table: where they serve, where they fail, and how to see it coming.*
#
# **You will be able to**
# - prepare a real table for a frozen model, and say which rows every number came from;
# - put an alarm on what the layers hold, measure its hits and its false alarms, and fall back on ridge regression;
# - decide with numbers between DIAG, FULL and plain ridge regression.
#
# **Takes** 30 minutes. **Needs** ridge regression ([02](02_in_context_regression.ipynb)) and the implicit weight
# ([04](04_every_layer_keeps_a_weight_vector.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# The stored models have seen nothing but synthetic Gaussians. What are they worth on a real table, beside ridge regression that anybody can run?
#
# The table is scikit-learn's diabetes data: 442 patients, ten measurements each, and how far the disease had gone a year later. A model reads twenty rows as its context
# and answers for others. **P and Q are frozen.**
#
# **Which rows do what.** The table is cut at random into two halves, eight times over. The *earlier* half lends means, spreads and a penalty. In the *new* half, twenty rows
# are the context, and the other 201 are the test. No test row prepares anything.

# %%
from time import perf_counter

import numpy as np
from sklearn.datasets import load_diabetes

import lt_helpers as lt
from lt_helpers.evaluate import evaluate
from lt_helpers.exercises import practice as exercises
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.labs import PilotLab
from lt_helpers.labs.pilot import pilot
from lt_helpers.practice import PENALTIES, guarded, misfit, ridge_cv
from lt_helpers.spectrum import Spectrum
from lt_helpers.task import second_moments

table, target = load_diabetes(return_X_y=True, scaled=False)
noise, n = lt.Uniform(5.0), 20
models = {f"{kind.upper()}, {layers} layers": lt.load_pretrained(kind, layers, noise) for kind in ("diag", "full") for layers in (4, 7)}
label_size = np.sqrt(10 + noise.mean_square)  # of a label in training: w has 10 components of variance 1, and there is noise
print(f"{len(table)} rows, {table.shape[1]} features; labels in training have the standard deviation {label_size:.2f}")

spread = np.linalg.eigvalsh(np.corrcoef(table.T))
print("eigenvalues of the features' correlation matrix:", np.round(spread, 3))

# %% [markdown]
# The features are correlated: some eigenvalues are far below 1, one is about 4. In training the inputs were uncorrelated.
#
# ## Prepare
# Features are centred, then either **standardised** (each divided by its spread) or **whitened** (also uncorrelated). The mean and the matrix for that come from the
# earlier rows, or from the twenty rows of the context itself. The labels are centred and scaled by the earlier rows, to the size that labels had in training.


# %%
def standardising(rows):
    """rows (.., N, d) -> their mean (.., 1, d), and the matrix (.., d, d) that gives each feature the spread 1."""
    return rows.mean(axis=-2, keepdims=True), np.eye(10) / rows.std(axis=-2)[..., None]


def whitening(rows):
    """The same, with a matrix that also makes the features uncorrelated."""
    centre = rows.mean(axis=-2, keepdims=True)
    s, V = np.linalg.eigh((rows - centre).mT @ (rows - centre) / rows.shape[-2])
    return centre, V / np.sqrt(s)[..., None, :]


def drawn(rows, labels, prepare, chosen):
    """Contexts x (B, n, d), y (B, n) of the rows `chosen` (B, n); all rows as queries (B or 1, N, d). No `prepare`: by the context."""
    centre, matrix = prepare or whitening(rows[chosen])
    queries = (rows - centre) @ matrix
    x = np.take_along_axis(np.broadcast_to(queries, (len(chosen), *rows.shape)), chosen[..., None], axis=1)
    return x, labels[chosen], queries


def test_errors(w, queries, labels, chosen):
    """Mean squared error of each context's w on the rows that are not in it, in units of the labels' variance -> (B,)"""
    test = np.ones((len(chosen), len(labels)), bool)
    np.put_along_axis(test, chosen, False, axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        missed = np.where(test, ((queries @ w[..., None])[..., 0] - labels) ** 2, 0).sum(axis=1) / test.sum(axis=1)
    return np.where(np.isfinite(missed), missed, np.inf) / labels.var()


def trial(preparing, splits=8, contexts=250):
    """The whole pilot. `preparing` learns from the earlier rows; None: whitening, by the context.  -> {predictor: errors}, moments S."""
    found, moments = {}, []
    for split in range(splits):
        rng = np.random.default_rng(split)
        earlier, new = np.split(rng.permutation(len(table)), 2)
        labels = label_size * (target - target[earlier].mean()) / target[earlier].std()
        prepare = preparing and preparing(table[earlier])
        rehearsal, chosen = (rng.random((contexts, len(new))).argsort(axis=1)[:, :n] for _ in range(2))

        x, y, queries = drawn(table[earlier], labels[earlier], prepare, rehearsal)  # which penalty was best on earlier rows?
        ridge = Spectrum.from_tokens(x, y).ridge
        tried = [test_errors(ridge(np.full(contexts, np.sqrt(p))), queries, labels[earlier], rehearsal).mean() for p in PENALTIES]

        x, y, queries = drawn(table[new], labels[new], prepare, chosen)
        spectrum = Spectrum.from_tokens(x, y)
        answers = {
            "least squares": spectrum.ridge(np.zeros(contexts)),
            "ridge, cross-validated": ridge_cv(x, y)[0],
            "ridge, one penalty": spectrum.ridge(np.full(contexts, np.sqrt(PENALTIES[np.argmin(tried)]))),
            "AdaRR": spectrum.ridge(spectrum.noise_estimate()),
            "Bayes-optimal": spectrum.bayes(noise),
        }
        answers |= {name: model.implicit_weight(spectrum.S) for name, model in models.items()}
        answers |= {f"{name}, guarded": guarded(model, x, y)[0] for name, model in models.items()}
        for name, w in answers.items():
            found.setdefault(name, []).append(test_errors(w, queries, labels[new], chosen))
        moments.append(spectrum.S)
    return {name: np.concatenate(errors) for name, errors in found.items()}, np.concatenate(moments)


def said(errors):
    """Mean, standard error and failures in words."""
    mean, error = (f"{errors.mean():.3f}", f"+- {errors.std() / np.sqrt(len(errors)):.3f}") if errors.mean() < 3 else ("explodes", "")
    return f"{mean:>8} {error:8} {100 * (errors > 2).mean():5.1f}%"


# %% [markdown]
# The opponents. *Ridge, cross-validated* chooses its penalty on each context, by leaving out one example at a time. *Ridge, one penalty* takes the penalty that was best on
# contexts of earlier rows. AdaRR and the Bayes-optimal predictor of the synthetic task are those of [08](08_how_good_is_it.ipynb).
#
# **Predict:** which preparation is best for the models? And does any of them beat ridge regression?
#
# An error of 1.0 is what predicting the mean costs. *Failed* means above 2 in a context, *explodes* that the mean over contexts is above 3. There are 2,000 contexts; those
# of one cut share rows, so the standard errors are rather too small.

# %%
standard, standard_moments = trial(standardising)
white, white_moments = trial(whitening)
own, _ = trial(None)
print(f"{'':24}   standardised  failed       whitened  failed    by the context  failed")
for name in [name for name in standard if "guarded" not in name]:
    print(f"{name:24} {said(standard[name])}  {said(white[name])}  {said(own[name])}")

difference = standard["DIAG, 7 layers"] - standard["ridge, one penalty"]
standard_error = difference.std() / np.sqrt(len(difference))
print(f"\nstandardised, DIAG with 7 layers minus ridge with one penalty: {difference.mean():.4f} +- {standard_error:.4f}")

# %% [markdown]
# - **A frozen model does what it was trained to do.** Where it does not explode, its error is nearly that of the Bayes-optimal predictor of a task that this table
#   is not.
# - **It beats ridge with a penalty chosen from twenty rows.** Twenty rows are few to choose from. The models bring a belief about the size of $w$ from their training.
# - **It does not beat ridge with one good penalty.** That belief is one number, and earlier contexts give it to ridge for nothing.
# - **Whitening costs more than it gives.** It blows up directions in which the features hardly vary. Learned from the context alone, it is worst: twenty rows say
#   little about a ten-by-ten matrix.
# - **Some models explode**, on a few contexts.
#
# And if all contexts obey the same $w$, as here, one should not learn in context at all:

# %%
pooled = []
for split in range(8):
    earlier, new = np.split(np.random.default_rng(split).permutation(len(table)), 2)
    centre, matrix = standardising(table[earlier])
    x, y = (table - centre) @ matrix, target - target[earlier].mean()
    w, _ = ridge_cv(x[None, earlier], y[None, earlier])
    pooled.append(((x[new] @ w[0] - y[new]) ** 2).mean() / y[new].var())
print(f"ridge, fitted once on the 221 earlier rows: {np.mean(pooled):.3f}")

# %% [markdown]
# In-context models are for many small tasks, each with its own $w$. Read the table above as one of them.
#
# ## See it coming
# After layer $l$ the model holds a weight $w^l$ (Theorem 4.1), before any query is asked. Ask how well it fits the context that it was made from:
#
# $$\text{misfit} = \overline{(y - \langle w^l, x\rangle)^2} \;/\; \overline{y^2} .$$
#
# It starts at 1, since $w^0 = 0$, and should fall. **The alarm rings if it ends above 1**: the weight then fits its own examples worse than 0 does. What passes is
# bounded: over the context, $\overline{\langle w, x\rangle^2}$ is at most $4\,\overline{y^2}$.

# %%
model, errors = models["FULL, 4 layers"], white["FULL, 4 layers"]
by_layer = misfit(implicit_from_moments(model, white_moments).w, white_moments)
print("FULL, 4 layers, whitened rows. Median misfit after layer 0, 1, .. (999: or more)")
for name, chosen in (("failed", errors > 2), ("others", errors <= 2)):
    print(f"{name:7} {chosen.sum():5d} contexts:", *(f"{min(value, 999):7.2f}" for value in np.median(by_layer[chosen], axis=0)))

# %% [markdown]
# An alarm is worth what it hits, and what it rings for in vain. Two others are for comparison: is the largest eigenvalue of $\Sigma$ beyond all of 5,000 training
# sequences? Is $|w^L|$?

# %%
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
        failed.append(found[key] > 2)
        for name, state in states(model, S).items():
            rang.setdefault(name, []).append(~(state <= limits[name]))  # what is not a number rings
    failures[key] = sum(each.sum() for each in failed[-2:])
failed = np.concatenate(failed)

counted = {}
print(f"four models, standardised and whitened rows\n{'alarm':20}    failures hit   false alarms")
for name, rings in rang.items():
    rings = np.concatenate(rings)
    counted[name] = f"{100 * rings[failed].mean():.1f}% of {failed.sum()}", f"{100 * rings[~failed].mean():.2f}%"
    print("{:20} {:>15} {:>12}".format(name, *counted[name]))
print("failures:", ", ".join(f"{key} {count}" for key, count in failures.items()))

# %% [markdown]
# The eigenvalue rings for much of this table, so nobody would listen. It says *unlike the training*, which is not yet *wrong*. The misfit finds the explosions, and little
# else. (All of these failures are of models with four layers. What the alarm does for deeper ones, this table cannot tell; the lab below can.) So: where it rings, answer by cross-validated ridge. That is the **guard**.

# %%
print(f"{'':24}   standardised  failed       whitened  failed")
for name in models:
    print(f"{name:24} {said(standard[name])}  {said(white[name])}")
    print(f"{'   guarded':24} {said(standard[f'{name}, guarded'])}  {said(white[f'{name}, guarded'])}")

# %% [markdown]
# ## Predict, then slide
# A real table hides what is wrong with it. In the lab the contexts are synthetic, and differ from the training task in one known way. Slide **Strength** from 0, no
# difference, to 1. **P and Q are frozen, w moves.** The curves are drawn as far as the strength has come. First:
#
# 1. Inputs become correlated, up to 0.9. **At which strength does the first of the hundred contexts fail?** Set the marker.
# 2. **Outliers among the labels**: will ridge or the model suffer more? Will the alarm see it?
# 3. **A curved target**: what will the alarm say?

# %% tags=["nbval-ignore-output"]
PilotLab(strength=0.0, mismatch="correlated", model="diag-4", sigma=2.0)

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The pilot lab: correlated inputs at strength 0.8, read by a DIAG with four layers. Top left: the mean error of the model leaves the axis from strength 0.6 on; with the guard it stays beside ridge, between 0.2 and 0.4. Top right: failures and alarms rise together to nearly half of the contexts, and hardly any is missed. Bottom left: the median misfit falls below 1 through the layers, the worst tenth leaves the axis. Bottom right: contexts that are fine lie below misfit 1, those that exploded in the top right corner.](../docs/pictures/pilot-lab.png)
#
# </details>
#
# - **Top left.** Mean error beside ridge. A few explosions throw the mean off the axis; the guard brings it back.
# - **Top right.** Failures, alarms, and failures that the alarm missed.
# - **Bottom left.** The misfit, layer by layer. It falls in the median; in contexts that explode it leaves the axis.
# - **Bottom right.** Each context. A good alarm leaves the top left and the bottom right corner empty.
#
# Then put *Target times* to 4, or σ to 8. Both take the labels out of the training range.
#
# ## Measured on many contexts
# The same mismatches at strength 0.6, with 1,000 contexts each; then a stronger correlation, and labels that are too large.

# %%
settings = {label: dict(mismatch=name, strength=0.6) for label, name in PilotLab(language="en").controls["mismatch"].options}
settings = {"none": dict(mismatch="correlated", strength=0.0), **settings}
settings |= {
    "correlation of 0.9": dict(mismatch="correlated", strength=1.0),
    "none, noise of 8": dict(settings["none"], sigma=8.0),
    "none, target times 3": dict(settings["none"], scale=3.0),
}


def short(errors):
    return f"{errors.mean():.2f}" if errors.mean() < 10 else "explodes"


synthetic = {}
print(f"{'':25} ridge CV  Bayes   DIAG-7: plain  guarded failed rang missed   FULL-7: plain  guarded failed rang missed")
for label, setting in settings.items():
    line = ""
    for model in ("diag-7", "full-7"):
        runs = [pilot(**{"model": model, "sigma": 2.0, "scale": 1.0, "seed": seed, **setting}) for seed in range(10)]
        names = ("model", "guarded", "ridge", "bayes", "failed", "rings")
        plain, safe, ridge, bayes, failed, rang = (np.concatenate([getattr(run, name) for run in runs]) for name in names)
        synthetic[label, model] = safe, ridge, short(plain) == "explodes", failed.sum(), (failed & ~rang).sum()
        line += f"   {short(plain):>13} {short(safe):>8} {failed.sum():6d} {rang.sum():4d} {(failed & ~rang).sum():6d}"
    print(f"{label:25} {short(ridge):>8} {short(bayes):>6}{line}")

# %% [markdown]
# **Prediction 1.** The first of a hundred fails near the middle of the slider. Correlated inputs and outlying rows make DIAG explode, and the alarm finds the
# explosions. It misses some milder failures, and even with the guard DIAG stays behind ridge on correlated inputs. FULL with seven layers hardly fails there. With four layers both explode, as
# the lab shows: whether a model does, its training loss does not tell. **Prediction 2.** Outliers hurt ridge even more than
# the guarded models. They make DIAG explode, and the alarm finds that. It misses all failures of FULL: a weight that fits an outlier is wrong, but it fits. **Prediction 3.** A curved target doubles the error, and
# the alarm is silent. Heavy tails and uneven noise do next to nothing to the guarded models, as long as the mean square of the noise stays; without the guard DIAG explodes on a rare
# context. Labels on a larger scale cost: at target times 3 ridge is ahead of both models, and DIAG explodes often. More noise than in training, σ = 8,
# costs ridge more than the models, but their failures pass the alarm.
#
# So the alarm sees explosions. It does not see a wrong model. For that one needs labels that were held back.
#
# ## A remedy for the curve
# A linear transformer cannot square an input (Theorem 4.2). You can, before it reads. Here are five inputs, and a target with five straight and five squared parts.


# %%
def curved(n, contexts=400, sigma=1.0):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(contexts, n, 5)), rng.normal(size=(contexts, 10))
    z = np.concatenate([x, (x**2 - 1) / np.sqrt(2)], axis=-1)  # uncorrelated, each of variance 1
    return x, z, (z @ w[..., None])[..., 0] + sigma * rng.normal(size=(contexts, n)), w


diag, full = models["DIAG, 7 layers"], models["FULL, 7 layers"]
print("examples       DIAG, inputs only   DIAG, with squares   FULL, with squares   ridge CV, with squares   (all guarded)")
for examples in (20, 40, 80):
    x, z, y, w = curved(examples)
    blind, _ = guarded(diag.with_dim(5), x, y)
    answers = [np.concatenate([blind, 0 * blind], axis=1), guarded(diag, z, y)[0], guarded(full, z, y)[0], ridge_cv(z, y)[0]]
    print(f"{examples:8d}", *(f"{((answer - w) ** 2).sum(axis=1).mean() / 10:20.3f}" for answer in answers))

# %% [markdown]
# More examples do not help a model that lacks the right feature. With the squares as features, the same frozen weights serve.
#
# ## What it costs
# Per context of twenty rows, on one core, a thousand contexts at a time. Your machine has its own times.

# %% tags=["nbval-ignore-output"]
batch = lt.RegressionTask(10, n, noise).sample(1000, np.random.default_rng(0))
S = second_moments(batch.x, batch.y)
timed = {
    "second moments": lambda: second_moments(batch.x, batch.y),
    "DIAG, 7 layers": lambda: diag.implicit_weight(S),
    "FULL, 7 layers": lambda: full.implicit_weight(S),
    "alarm": lambda: misfit(batch.w, S),
    "ridge, one penalty": lambda: np.linalg.solve(S[:, :-1, :-1] + 0.5 * np.eye(10), S[:, :-1, -1:]),
    "ridge, cross-validated": lambda: ridge_cv(batch.x, batch.y),
}
for name, run in timed.items():
    times = []
    for _ in range(5):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    print(f"{name:24} {min(times) * 1000:6.1f} microseconds a context")

# %% [markdown]
# All are microseconds. Ridge with one penalty is the cheapest by far: it solves one small system, where a model multiplies matrices in every layer. Cost is no argument for
# the model, and hardly one against it.
#
# ## Decide
# Last, the tasks that the models were trained for. The loss is the excess over the oracle, as in [08](08_how_good_is_it.ipynb); *one penalty* is ConstRR there. The
# table puts it beside the real one and the lab's mismatches (there: errors, guarded).

# %% tags=["decision"]
columns = ("DIAG, 7 layers", "FULL, 7 layers", "ridge, cross-validated", "AdaRR", "ridge, one penalty")
decision = {}
for mixed in (noise, lt.Categorical((1, 3))):
    task, rng = lt.RegressionTask(10, n, mixed), np.random.default_rng(0)
    by_diag, by_full = (lt.load_pretrained(kind, 7, mixed) for kind in ("diag", "full"))
    predictors = {
        "DIAG, 7 layers": lambda spectrum, model=by_diag: model.implicit_weight(spectrum.S),
        "FULL, 7 layers": lambda spectrum, model=by_full: model.implicit_weight(spectrum.S),
        "AdaRR": lambda spectrum: spectrum.ridge(spectrum.noise_estimate()),
        "ridge, one penalty": lambda spectrum, mixed=mixed: spectrum.ridge(np.full(len(spectrum.s), np.sqrt(mixed.mean_square))),
    }
    losses = {name: result.loss for name, result in evaluate(predictors, task, 10_000, rng).items()}
    losses["ridge, cross-validated"], _ = lt.adjusted_loss(lambda x, y: ridge_cv(x, y)[0], task, 2000, rng)
    decision[f"excess, noise {mixed.label}"] = [f"{losses[name]:.3f}" for name in columns]
    drawn_now = task.sample_moments(10_000, rng)
    oracle = Spectrum.from_moments(drawn_now.S, n).ridge(drawn_now.sigma)
    print(f"noise {mixed.label}: the oracle itself loses {((oracle - drawn_now.w) ** 2).sum(axis=1).mean() / 2:.2f}")
safe = [f"{name}, guarded" if "layers" in name else name for name in columns]
decision["real table, error"] = [f"{standard[name].mean():.3f}" for name in safe]
decision["real table, failed"] = [f"{100 * (standard[name] > 2).mean():.2f}%" for name in columns]
mismatched = ("correlation of 0.9", "outlying rows", "outliers among y", "none, target times 3", "none, noise of 8")
for label in mismatched:
    (diag_there, ridge_there, *_), (full_there, *_) = (synthetic[label, model] for model in ("diag-7", "full-7"))
    decision[label] = [f"{errors.mean():.3f}" for errors in (diag_there, full_there, ridge_there)] + ["", ""]

print(f"\n{'':24}" + "".join(f"{name:>24}" for name in columns))
for name, numbers in decision.items():
    print(f"{name:24}" + "".join(f"{number:>24}" for number in numbers))
hits, false_alarms = counted["misfit"]
print(f"\nridge, fitted once      {np.mean(pooled):.3f}")
print(f"failures that rang      {hits}")
print(f"  of seven layers       {sum(count for key, count in failures.items() if '7' in key)}")
print(f"false alarms            {false_alarms}")
for kind in ("DIAG", "FULL"):
    exploding, failed, missed = np.sum([synthetic[label, f"{kind.lower()}-7"][2:] for label in mismatched], axis=0)
    print(f"{f'{kind}-7, mean explodes':24}{exploding} of {len(mismatched)}")
    print(f"{f'{kind}-7, missed':24}{missed} of {failed}")

# %% [markdown]
# | If | then | since |
# |---|---|---|
# | all contexts obey one $w$ | fit ridge once, on all rows | pooling beats every learner in context |
# | the noise is alike in all contexts, and there are earlier ones | ridge with one penalty | as good as any model on the table, cheaper, cannot explode |
# | **the noise differs from context to context**, and inputs are like the training's | **DIAG**, guarded | far ahead of one penalty, ahead of AdaRR, near the best possible; runs at any $d$ |
# | DIAG's pilot has passed, the noise takes a few known levels, $d$ is fixed | **FULL**, trained on those levels, guarded | about half of DIAG's excess; but set that beside the oracle's own loss |
# | labels are on a larger scale than in training | scale them down, or ridge | ridge knows no scale |
# | the noise alone is above the training's | a model trained for that noise | at σ = 8 these models are ahead of cross-validated ridge, but their failures pass the alarm |
# | inputs are strongly correlated | ridge, unless a pilot on such inputs has cleared your model | three of our four models explode often, and what the guard saves is at best ridge's answer; FULL with seven layers stays ahead of ridge, which its loss in training does not tell |
# | outliers among the labels | a robust regression | the models explode or err unseen, and ridge errs more |
#
# **Gates for going on**: (1) on contexts of your own, with labels held back, the guarded model beats cross-validated ridge by more than two standard errors; (2) it beats one
# penalty as well; (3) the alarm rings for fewer than 1% of contexts; (4) no failure passes it. On this table
# gate 2 fails: use ridge.
#
# **What to watch in use**
# - *The share of alarms*, each day. In the pilot it is nearly zero; a rise means that the data have changed.
# - *Labels that were held back*, in a sample of contexts: the model's error minus ridge's, with its standard error. This alone finds a wrong model.
# - *Size of labels, and the largest eigenvalue of* $\Sigma$, against the training's. They warn early and often; look, but do not stop for them.
# - *Everything that is not a number.*
#
# The same on one page, in English and Japanese: [decision brief](../docs/decision-brief.md).
#
# ## Exercise
# ### Exercise: the guard
# (10 minutes, level: practice)
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
#
# ### Exercise: whiten without looking
# (10 minutes, level: practice)
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
# ## Discussion
# - **One table is an anecdote.** It has one $w$, so the contexts differ by chance only, and the mixed noise that the models were trained for is not in it. The synthetic pilot shows where they
#   pay.
# - **Scaling the labels is a choice.** It sets how large a $w$ the model expects, as a penalty does for ridge. We took the training's size, before looking.
# - **Two limits of the alarm.** It is computed on the rows that the weight was made from, so it cannot see overfitting. And the length of $w$ does about as well on this table; the
#   misfit needs no limit from training data.
# - **The paper** tests synthetic data only (sec. 6), inside and outside of the training noise (Fig. 2 and 3). All that is said here of real rows is ours.
#
# ## Quiz
# **1.** Why does a frozen model beat ridge with a cross-validated penalty on this table?
# <details><summary>Answer</summary>It brings a belief about the size of w from its training. Cross-validation has to find the penalty in twenty rows, and often finds a poor one.</details>
#
# **2.** Test rows were among those that whitening learned from. What is wrong with the error?
# <details><summary>Answer</summary>It is too good: the preparation has seen rows that stand for the future. Use earlier rows, or the context's own.</details>
#
# **3.** The alarm has not rung for a month. Is the model right?
# <details><summary>Answer</summary>It has not exploded. A curved target never rings, and an outlier need not. Only labels that were held back can tell.</details>
#
# **4.** A weight passes the alarm with misfit 1. How large can its answers be?
# <details><summary>Answer</summary>Over the context, the root mean square of the answers is at most twice that of the labels (triangle inequality): answer = label minus residual.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: Theorem 4.1, Theorem 4.2, sec. 6, Fig. 2 and 3.
# - Efron, Hastie, Johnstone, Tibshirani: *Least Angle Regression*, Annals of Statistics 2004, [arXiv math/0406456](https://arxiv.org/abs/math/0406456): the diabetes table.
# - Sculley et al.: *Hidden Technical Debt in Machine Learning Systems*, NeurIPS 2015: what use adds to a model.
