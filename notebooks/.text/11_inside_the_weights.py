# %% [markdown]
# # 11  Inside the weights
# *FULL has 242 numbers in each layer, DIAG four. What do the others do, and how do you find out?*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import WeightsLab, surprises

lab = WeightsLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The weights lab at rank 2 and noise 8. Left and middle: P and Q of layer 3 as heat maps, each with a heavy diagonal; P also has a strong last column, which is most of its low-rank part below. Top right: what is left out of P and Q falls with the rank. Bottom right: the losses of the whole and of the truncated model lie close together, low at the training noises 1 and 3, higher between them, and near that of the answer 0 far outside.](../docs/pictures/weights-lab.png)
#
# </details>
#
# **You will be able to** bring weights into a form in which they can be compared; split a trained matrix into a diagonal and a low-rank part, and say what each is worth; tell what a weight is for by training without it; say what
# better answers inside the training noise can cost outside of it.
#
# **Takes** 30 minutes. **Needs** the four numbers of a DIAG layer ([06](06_adaptive_rescaling.ipynb), [07](07_noise_adaptive_step_sizes.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $\sigma$ the noise: standard deviation of what is added to the labels; $P, Q$ the two matrices of a layer: the model's weights;
# $\omega_{xx}, \omega_{xy}, \omega_{yx}, \omega_{yy}$ the four numbers of a DIAG layer: what it writes, and what it reads; $D$ the diagonal part of $P$ or of $Q$; $R$ the low-rank part of $P$ or of $Q$.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** Training has stopped falling. Is the model as good as it can be? ([10](10_train_your_own.ipynb), if you did it)
# <details><summary>Answer</summary>Not known: a poor minimum looks the same from inside.</details>
#
# **2.** Why do the last layer's $\omega_{xx}$ and $\omega_{xy}$ do nothing?
# <details><summary>Answer</summary>They change x, and no later layer reads it.</details>
#
# **3.** The best predictor for $\sigma \in \{1, 3\}$ reads a sequence with $\sigma = 2$. What does it act on? ([08](08_how_good_is_it.ipynb))
# <details><summary>Answer</summary>On 1 or 3, or a mixture of them: it rules 2 out.</details>
#
# ## The question
# Here are three models, with four layers each, trained on $\sigma \in \{1, 3\}$. The loss is half the squared error above that of the oracle, ridge regression that is told $\sigma$.

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.evaluate import evaluate, excess
from lt_helpers.exercises import weights
from lt_helpers.gauge import canonical
from lt_helpers.lowrank import diagonal_plus_low_rank, share_left
from lt_helpers.pretrained import origin, spread
from lt_helpers.spectrum import Spectrum

mixed, uniform = lt.Categorical((1, 3)), lt.Uniform(5.0)


def losses(models, noise, samples=10_000):
    """The adjusted loss of several models on the same sequences -> {name: Evaluation}"""
    predictors = {name: lambda spectrum, model=model: model.implicit_weight(spectrum.S) for name, model in models.items()}
    return evaluate(predictors, lt.RegressionTask(10, 20, noise), samples, np.random.default_rng(0))


four = {
    "DIAG": lt.load_pretrained("diag", layers=4, noise=mixed),
    "DIAG, two heads": lt.load_pretrained("diag", layers=4, noise=mixed, heads=2),
    "FULL": lt.load_pretrained("full", layers=4, noise=mixed),
}
for (name, result), numbers in zip(losses(four, mixed).items(), (4, 8, 242)):
    print(f"{name:16} {numbers:3d} numbers a layer, loss {result.loss:.4f} +- {result.standard_error:.4f}")

# %% [markdown]
# FULL is better than DIAG. What do its other 238 numbers do? And why is DIAG with a second head, eight numbers, nearly as good?
#
# ## The same model, other matrices
# First ask which changes of the weights change nothing. A layer adds $P S Q\, e$ to each token $e$, for each of its heads. Double $P$ and halve $Q$, or change the sign of both: it is the same layer. Such a freedom is called a
# **gauge**. A rule removes it: let the squares of $P$ and of $Q$ have the same sum in each head, and let $Q$ have a trace above zero. DIAG's omegas need no rule: each is a product of an entry of $P$ and one of $Q$.
#
# The last layer holds numbers that do nothing. The answer is read from $y$, and no later layer reads the $x$ that this one makes. So only the last row of its $P$ counts. The ten rows above never train: the rule sets them to zero.

# %% jupyter={"source_hidden": true}
full, rng = four["FULL"], np.random.default_rng(1)
batch = lt.RegressionTask(10, 20, lt.Fixed(1.0)).sample(100, rng)
answer = full(batch.x, batch.y, batch.x_query)

P, Q = full.P * 3, full.Q / 3
P[-1, :, :-1] = rng.normal(size=(1, 10, 11))  # the dead rows of the last P
changed = lt.LinearTransformer(P, Q)
same_answers = np.allclose(changed(batch.x, batch.y, batch.x_query), answer, rtol=0, atol=1e-8)
same_matrices = np.allclose(canonical(changed).P, canonical(full).P, rtol=0, atol=1e-8)
diag = four["DIAG"]
same_omegas = np.allclose(lt.LinearTransformer(-2 * diag.P, diag.Q / -2).omega, diag.omega, rtol=0, atol=1e-12)
found = {"the same answers": same_answers, "the same matrices after the rules": same_matrices, "the same omegas, for DIAG": same_omegas}
print("Other matrices give", ", ".join(name for name, same in found.items() if same))

# %% [markdown]
# ### Act 1: from matrices to omegas
# (a few lines)
#
# Given $P$ and $Q$ of one DIAG layer, return its omegas. Heads add up.

# %% tags=["exercise"]
def my_omegas(P, Q):
    """P, Q (heads, 11, 11): diag(p_x, .., p_x, p_y) and diag(q_x, .., q_x, q_y) of each head
    ->  [[omega_xx, omega_xy], [omega_yx, omega_yy]]"""
    ...


# %% tags=["check"]
weights.from_matrices.check(my_omegas)

# %% [markdown]
# <details><summary>Hint</summary>
#
# For one head, `p_x, p_y = P[0, 0, 0], P[0, -1, -1]`, and `q_x`, `q_y` likewise.
#
# </details>
# <details><summary>Hint</summary>
#
# $\omega_{xy} = p_x q_y$: an outer product of $(p_x, p_y)$ and $(q_x, q_y)$, summed over the heads.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_omegas(P, Q):
#     omega = np.zeros((2, 2))
#     for P_k, Q_k in zip(P, Q):
#         omega += np.outer([P_k[0, 0], P_k[-1, -1]], [Q_k[0, 0], Q_k[-1, -1]])
#     return omega
# ```
#
# </details>
#
# ## Turn it
# FULL has another freedom. Rotate the inputs of all sequences: the task is the same as before. So a model whose matrices are rotated likewise gives *other* answers to a given
# sequence, and is as good on average.

# %% jupyter={"source_hidden": true}
turn = np.eye(11)
turn[:-1, :-1] = np.linalg.qr(rng.normal(size=(10, 10)))[0]
turned = lt.LinearTransformer(turn @ full.P @ turn.T, turn @ full.Q @ turn.T)
others = turned(batch.x, batch.y, batch.x_query)
print("the turned model answers", "the same" if np.allclose(others, answer, rtol=0, atol=1e-3) else "otherwise")
for name, result in losses({"FULL": full, "turned": turned}, mixed).items():
    print(f"{name:6} loss {result.loss:.4f} +- {result.standard_error:.4f}")

# %% [markdown]
# So it means nothing *which* of the ten features a pattern sits in. Another start of training would have put it elsewhere. But a diagonal of unequal entries is none once it is turned. What follows splits the matrices as they were trained.
#
# ## Diagonal plus low rank
# The paper's Fig. 4 shows the matrices of such a model as heat maps: a heavy diagonal, and a few rows and columns beside it. The lab measures that. Write a matrix as $D + R$, with $D$ diagonal and $R$ of low
# rank, that is, a sum of few products of a column and a row. If $R$ were known, $D$ would be the diagonal of what is left. If $D$ were known, the best $R$ would be made of the largest singular values of what is left. So start with $R = 0$, and take the
# two steps in turn. (You will write it below.)

# %% jupyter={"source_hidden": true}
simple = canonical(full)
matrices = np.stack([simple.P[:, 0], simple.Q[:, 0]])  # (2, layers, 11, 11): P and Q of each layer
parts, R = [], None
for rank in range(11):
    D, R = diagonal_plus_low_rank(matrices, rank, start=R)  # each rank starts from the one before
    parts.append((D, R))

left = np.array([share_left(matrices, np.add(*parts[rank])) for rank in range(5)])  # (5, 2, layers)
entries = np.diagonal(matrices, axis1=2, axis2=3).copy()  # (2, layers, 11)
entries[..., :-1] = entries[..., :-1].mean(axis=-1, keepdims=True)  # as in DIAG: one number for all ten features
left = np.concatenate([share_left(matrices, entries[..., None] * np.eye(11))[None], left])  # (6, 2, layers)
for name, shares in zip("PQ", np.moveaxis(left, 1, 0)):
    print(f"share of the squares of {name} that is left out (%)\nrank   layer 1  layer 2  layer 3  layer 4")
    for rank, row in zip(("DIAG", *range(5)), shares):
        print(f"{rank:>4} ", *(f"{100 * share:8.2f}" for share in row))

# %% [markdown]
# (Rank 0 keeps the diagonal alone; the row above it takes one number for its first ten entries, as DIAG does.) The early layers are almost diagonal, with ten entries almost alike: there FULL has found DIAG. The rest sits in the late layers, and a low rank holds most of it. (Of the last $P$ one row is left, which has rank 1.)
#
# ## A better copy, a worse answer
# In the lab the truncated model works: $D + R$ in **every** layer. More rank leaves out less of the matrices, always. Does each further rank make the answers better? Here is the median loss of the lab's sequences at $\sigma = 1$:

# %% jupyter={"source_hidden": true}
opened = dict(kind="full", noise="categorical-1-3", layers=4, layer=3, sigma=1)
states = [WeightsLab.compute(rank=rank, **opened) for rank in range(11)]
medians = np.array([state.kept[1] for state in states])
print("median loss, rank 0 to 10:", np.round(medians, 3), " whole:", np.round(states[0].whole[1], 3))
enough = next(rank for rank in range(11) if (medians[rank:] <= 2 * states[0].whole[1]).all())
print("at most twice the whole from rank", enough, "on")
worse = 1 + np.flatnonzero(medians[1:] > 1.1 * medians[:-1])
print("worse than at the rank before, by a tenth or more, at rank", worse)

# %% [markdown]
# From rank 2 on the copy does as well as the whole at this noise, or a little better. It may: training asks for the mean over $\sigma = 1$ and 3, not for the loss at 1.
#
# ## What each part is worth
# Here is the mean loss over $\sigma = 1$ and 3, of which single sequences can rule more than of the lab's medians. The first two rows take the split with rank 4 apart; the $D$ of rank 0 is another one.

# %% jupyter={"source_hidden": true}
def model_of(matrices):
    return lt.LinearTransformer(matrices[0][:, None], matrices[1][:, None])


D, R = parts[4]
truncated = {"D alone (of rank 4)": model_of(D), "R alone (of rank 4)": model_of(R)}
truncated |= {f"D + R, rank {rank}": model_of(np.add(*parts[rank])) for rank in (0, 1, 2, 4, 6, 8)}
reads, writes = np.add(*parts[1]), np.add(*parts[1])  # rank 1 in all matrices but one
reads[1, 3] = matrices[1, 3]  # but for Q of layer 4, which is whole
writes[0, 2] = np.add(*parts[0])[0, 2]  # but for P of layer 3, of which the diagonal alone is left
truncated |= {"rank 1, Q of 4 whole": model_of(reads), "rank 1, P of 3 rank 0": model_of(writes)}
truncated |= {"whole": full, "DIAG, trained": diag}
for name, result in losses(truncated, mixed, 5_000).items():
    print(f"{name:21} loss {result.loss:10.3g} +- {result.standard_error:.2g}")

# %% [markdown]
# - **Neither part works alone.** The diagonal that stays when the low-rank part is taken away is several times worse than a DIAG that was *trained* with nothing but a diagonal. The parts were
#   trained for each other.
# - **Half of a pair is worse than none.** The loss need not even fall with the rank. At rank 1 layer 3 writes, by the part of its $P$ that is kept, what the $Q$ of layer 4 reads by a part that is not. With that one $Q$ whole the loss
#   falls from 59 to 0.06; with nothing kept of that one part of $P$, to that of rank 0.
# - **Enough rank brings the model back.** But how much of it is *needed*? To know that, train with less.
#
# ## What a second head buys
# With one head, $\omega_{xx}\,\omega_{yy} = p_x q_x\, p_y q_y = \omega_{xy}\,\omega_{yx}$: three omegas fix the fourth. For the four omegas of
# a head, as a $2 \times 2$ matrix, have rank 1. A second head adds another such matrix, and all four are free, since any $2 \times 2$ matrix is a sum of two of rank 1. A third head adds nothing.

# %% jupyter={"source_hidden": true}
for name in ("DIAG", "DIAG, two heads"):
    omega = four[name].omega
    print(f"{name:16} omega_xx omega_yy, by layer", np.round(omega[:, 0, 0] * omega[:, 1, 1], 3))
    print(f"{'':16} omega_xy omega_yx          ", np.round(omega[:, 0, 1] * omega[:, 1, 0], 3))

# %% [markdown]
# With one head the two products agree in each layer. With two they need not, and in layers 2 and 3 they lie far apart. What is it worth?

# %% jupyter={"source_hidden": true}
print("layers  trained on      DIAG   two heads    FULL   two heads   (loss on 200,000 sequences, and its standard error)")
for noise in (uniform, mixed):
    for layers in (4, 6, 7):
        models = {
            "DIAG": lt.load_pretrained("diag", layers, noise),
            "DIAG, two heads": lt.load_pretrained("diag", layers, noise, heads=2),
            "FULL": lt.load_pretrained("full", layers, noise),
        }
        if layers == 7:
            models["FULL, two heads"] = lt.load_pretrained("full", layers, noise, heads=2)
        print(f"{layers:6d}  {noise.label:12}", *(f"{model.record['loss']:9.4f}" for model in models.values()))
        print(f"{'':20}", *(f"{model.record['standard_error']:9.4f}" for model in models.values()))
        if origin(models["FULL"].record) != "trained":
            print(f"{'':20} this FULL is {origin(models['FULL'].record)}, with a little noise on it: no other ended lower")

# %% [markdown]
# On {1, 3} the second head closes much of the gap between DIAG and FULL, without a single entry off the diagonal. So FULL's low-rank part is *a* way to a lower loss, not the only one. On U(0, 5)
# there is less to gain; the paper finds DIAG about as good as FULL there (Table 1). With seven layers FULL with two heads ended lower, too: clearly on {1, 3}; on U(0, 5) by less than two trainings of FULL with one head differ (*Luck of training*).
#
# ## What is a weight for? Train without it
# Which omega matters most? One could set it to zero in a trained model. With one head that is impossible: to remove $\omega_{xy} = p_x q_y$ alone, $p_x$ or $q_y$ must go, and another omega with it. So take
# two heads, with four layers trained on U(0, 5).
#
# But zeroing breaks a model whose other parts rely on the missing one. That shows which parts rely on it, and not what it is for. To see what a weight is *for*, train anew without it (an **ablation**), and see what the others
# cannot make up for. Three such models are stored.
#
# Which do you expect to cost most when the model is trained without it: $\omega_{xx}$ (preconditioning), $\omega_{xy}$ (adaptive step) or $\omega_{yy}$ (rescaling)?

# %% jupyter={"source_hidden": true}
def two_heads(omega):
    """The DIAG model with these omegas, (layers, 2, 2): heads p = (1, 0) and (0, 1), so that q is a row of omega."""
    return lt.LinearTransformer.from_diagonals(np.broadcast_to(np.eye(2), omega.shape), omega, dim=10)


whole = lt.load_pretrained("diag", layers=4, noise=uniform, heads=2)
models = {"whole": whole}
for name, row, column in (("omega_xx", 0, 0), ("omega_xy", 0, 1), ("omega_yy", 1, 1), ("omega_yx", 1, 0)):
    omega = whole.omega.copy()
    omega[:, row, column] = 0
    models[f"{name} zeroed"] = two_heads(omega)
    if name != "omega_yx":
        without = lt.load_pretrained("diag", layers=4, noise=uniform, heads=2, variant=f"no-{name}")
        models[f"{name} trained without"] = without
for name, result in losses(models, uniform).items():
    print(f"{name:24} loss {result.loss:9.3g} +- {result.standard_error:.2g}")

# %% [markdown]
# - **Zeroed**, each costs many times the loss of the whole. A few sequences that explode rule some of these means (see their standard errors).
# - **Trained without**, no loss is even three times that of the whole: the other weights take over. Without rescaling, the adaptive step still answers to the noise, and the other way round.
#   The preconditioner is missed most.
# - **Without $\omega_{yx}$** the answer is 0. The query's $y$ starts at 0, and only $\omega_{yx}$ brings anything into it.
#
# ## Luck of training
# A loss is that of one training, and so is an ablation. For some models other seeds are stored. All of their losses, on 200,000 sequences each:

# %% jupyter={"source_hidden": true}
families = {}
for noise in (uniform, mixed):
    for layers in (4, 7):
        families[f"DIAG-{layers} on {noise.label}"] = spread("diag", layers, noise)
        families[f"DIAG-{layers}, two heads, on {noise.label}"] = spread("diag", layers, noise, heads=2)
        families[f"FULL-{layers} on {noise.label}"] = spread("full", layers, noise)
for omega in ("omega_xx", "omega_xy", "omega_yy"):
    families[f"DIAG-4 without {omega}"] = spread("diag", 4, uniform, heads=2, variant=f"no-{omega}")
for name, trainings in families.items():
    if len(trainings) > 1:
        print(f"{name:30}", *sorted(f"{model.record['loss']:.4f}" for model in trainings))

# %% [markdown]
# Only what all of them show may be said of an architecture. With four layers, each two-head DIAG is below each with one head, on both noises. Whether FULL or one-head DIAG is lower on U(0, 5) depends on the seed.
# Each training without $\omega_{xx}$ ends above each without $\omega_{xy}$, and those above each without $\omega_{yy}$.
#
# ## Better inside, worse outside
# For {1, 3} the paper finds FULL better than DIAG at the training noise, and *worse* away from it (sec. 6). Here are ours, one noise level after the other, with standard errors. Beside them stands the best possible predictor for {1, 3}
# (*Bayes*), which rules out all other levels. Far outside, single sequences explode, and would rule the means. So here **a loss above 10 counts as 10**; the lines below the table say how many of 2,000 do.

# %% jupyter={"source_hidden": true}
def profile(models, bayes=True):
    """Print the clipped loss at each noise level, with its standard error, and how many losses were clipped."""
    names = [*models, *(["Bayes {1, 3}"] if bayes else [])]
    print("sigma", *(f"{name:>16}" for name in names))
    clipped_at = {}
    for sigma in range(8):
        moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(2000, np.random.default_rng(0))
        spectrum = Spectrum.from_moments(moments.S, 20)
        answers = [model.implicit_weight(moments.S) for model in models.values()] + [spectrum.bayes(mixed)] * bayes
        with np.errstate(over="ignore", invalid="ignore"):
            risks = [excess(w - spectrum.ridge(moments.sigma)) for w in answers]
        clipped = [np.where(risk < 10, risk, 10) for risk in risks]  # NaN, too, counts as 10
        print(f"{sigma:5d}", *(f"{f'{risk.mean():.3f} ({risk.std() / np.sqrt(2000):.3f})':>16}" for risk in clipped))
        clipped_at[sigma] = {name: int((risk == 10).sum()) for name, risk in zip(models, clipped)}
    for sigma in (4, 5, 6, 7):
        print(f"above 10 at sigma = {sigma}:", "; ".join(f"{name} {count}" for name, count in clipped_at[sigma].items()))


profile(four)

# %% [markdown]
# With four layers:
#
# - **Inside**, FULL has the lower mean of rows 1 and 3. Only that mean is trained; it need not be lower in both rows.
# - **Between and beyond**, at 2 and from 4 on, this FULL is worse than this DIAG. The two-head DIAG goes the same way: the entries off the diagonal are not to blame.
# - **Bayes** is worse than DIAG there as well. It takes every sequence for one with σ = 1 or 3, which is right for its task.
#
# Do the better models come nearer to Bayes, its errors included? At σ = 2 one can tell, since oracle and Bayes lie far apart. Now with seven layers too:

# %%
seven = {
    "DIAG": lt.load_pretrained("diag", layers=7, noise=mixed),
    "DIAG, two heads": lt.load_pretrained("diag", layers=7, noise=mixed, heads=2),
    "FULL": lt.load_pretrained("full", layers=7, noise=mixed),
    "FULL, two heads": lt.load_pretrained("full", layers=7, noise=mixed, heads=2),
}
moments = lt.RegressionTask(10, 20, lt.Fixed(2)).sample_moments(2000, np.random.default_rng(0))
spectrum = Spectrum.from_moments(moments.S, 20)
oracle, bayes = spectrum.ridge(moments.sigma), spectrum.bayes(mixed)
print("half the squared distance at sigma = 2   to the oracle   to Bayes")
for layers, models in ((4, four), (7, seven)):
    for name, model in models.items():
        w = model.implicit_weight(moments.S)
        print(f"{layers} layers, {name:15} {excess(w - oracle).mean():29.3f} {excess(w - bayes).mean():10.3f}")

# %% [markdown]
# At each depth, the lower a model's loss on {1, 3}, the nearer it is to Bayes at σ = 2, and the further from the oracle. The best models have learned their task, and the task says that there is no σ = 2.
# Being better inside makes them worse at 2.
#
# Far outside something else comes in:

# %%
profile(seven, bayes=False)

# %% [markdown]
# $w$ is a polynomial whose degree grows with each layer, and answers explode. In these seven-layer models this befalls DIAG as well, and FULL with two heads, the best of all inside, most often from σ = 4 on.
#
# All of that is of one training of each kind. Here are the others (*Luck of training*):

# %% jupyter={"source_hidden": true}
def clipped(model, moments, oracle):
    """The loss on each sequence; above 10, or not a number, it counts as 10."""
    with np.errstate(over="ignore", invalid="ignore"):
        risk = excess(model.implicit_weight(moments.S) - oracle)
    return np.where(risk < 10, risk, 10)


for sigma in (2, 4, 6):
    moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(1000, np.random.default_rng(0))
    oracle = Spectrum.from_moments(moments.S, 20).ridge(moments.sigma)
    print(f"sigma = {sigma}: the clipped loss of each training, and how many of 1,000 lie above 10")
    for name, trainings in families.items():
        if name.endswith(mixed.label):
            found = [clipped(model, moments, oracle) for model in trainings]
            print(f"  {name:28}", *(f"{f'{one.mean():.3f} ({(one == 10).sum()})':>12}" for one in found))

# %% [markdown]
# - **At 2 and at 4** each four-layer FULL is worse than each DIAG with one head.
# - **At 6** that is no longer so: one of the five DIAG explodes, and is worse than every FULL (all with four layers). With seven layers some trainings of a kind hardly explode there, and others on a large part of the sequences.
#
# So the loss inside says little about a model far outside. Before you trust one there, count its worst cases ([12](12_from_pilot_to_practice.ipynb)).
#
# ### Exercise: find the low-rank part
# (level: practice)
#
# The matrix $A$ is a sum of a diagonal matrix and one of the given rank. Return the second. Start with $R = 0$ and take 100 rounds of the two steps.

# %% tags=["exercise"]
def my_low_rank_part(A, rank):
    """A (11, 11), rank 1 or 2  ->  R (11, 11)"""
    ...


# %% tags=["check"]
weights.split.check(my_low_rank_part)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The first step of a round is `D = np.diag(np.diag(A - R))`.
#
# </details>
# <details><summary>Hint</summary>
#
# The second: `U, s, Vt = np.linalg.svd(A - D)`, of which you keep the first `rank` columns of `U`, numbers of `s` and rows of `Vt`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_low_rank_part(A, rank):
#     R = np.zeros_like(A)
#     for _ in range(100):
#         D = np.diag(np.diag(A - R))
#         U, s, Vt = np.linalg.svd(A - D)
#         R = (U[:, :rank] * s[:rank]) @ Vt[:rank]
#     return R
# ```
#
# </details>
#
# When it says *Correct*, try it with rank 2 on `matrices[0, 2]`, $P$ of FULL's layer 3, and look at its largest entries with `np.round`. Most stand in the last column: what layer 3 writes from $y$ into $x$.

# %% [markdown]
# ## Discussion
# - **Exact and measured.** The gauge, the dead rows, the rotation and $\omega_{xx}\omega_{yy} = \omega_{xy}\omega_{yx}$ hold for every model. Diagonal plus low rank is what one finds in some trained ones, the
#   paper's and ours.
# - **What the low-rank part computes stays open.** We know what it is worth, and that two heads reach much of it otherwise.
# - **An ablation is one more training run**, with its own luck. Its standard error is that of the evaluation. The list of seeds says how far trainings lie apart.
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Quiz
# **1.** In a trained FULL model, row 7 of some $P$ is heavy. What does that say about feature 7?
# <details><summary>Answer</summary>Nothing. The task looks the same from every direction: in another run it could be another row, or a mixture of all.</details>
#
# **2.** You zero a head and the loss becomes a thousand times larger. Was the head important?
# <details><summary>Answer</summary>This model relied on it. Whether a model needs one, only training without it can tell.</details>
#
# **3.** Why can one head not have $\omega_{yx}$ and $\omega_{xy}$ without both others?
# <details><summary>Answer</summary>omega_yx omega_xy = omega_xx omega_yy: if the left side is not zero, neither factor on the right is.</details>
#
# **4.** A model is the best possible one for {1, 3}. Will it be the best at σ = 2?
# <details><summary>Answer</summary>No. It takes the sequence for one with σ = 1 or σ = 3. A model that is worse at 1 and 3 can be better at 2.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 10, sec. 6, Fig. 3 and 4, Table 1.
# - Eckart, Young: *The approximation of one matrix by another of lower rank*, Psychometrika 1, 1936: the largest singular values are the best of their rank.
