# %% [markdown]
# # 11  Inside the weights
# *FULL has 242 numbers in each layer, DIAG four. What do the others do, and how do you find out?*
#
# **You will be able to**
# - bring weights into a form in which they can be compared and looked at;
# - split a trained matrix into a diagonal and a low-rank part, and say what each is worth;
# - tell what a weight is for by training without it, and why setting it to zero tells something else;
# - say what better answers inside the training noise can cost outside of it.
#
# **Takes** 30 minutes. **Needs** the four omegas ([06](06_adaptive_rescaling.ipynb), [07](07_noise_adaptive_step_sizes.ipynb)).
# Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# Here are three models, with four layers each, trained on $\sigma \in \{1, 3\}$. The loss is half the squared error above the oracle, ridge regression that is told σ.

# %%
import numpy as np

import lt_helpers as lt
from lt_helpers.evaluate import evaluate, excess
from lt_helpers.exercises import weights
from lt_helpers.gauge import canonical
from lt_helpers.labs import WeightsLab
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
# First ask which changes of the weights change nothing. A layer adds $\sum_k P_k S Q_k\, e$ to each token $e$, so with $P \to cP$, $Q \to Q/c$ it is the same layer. Such a freedom is called a
# **gauge**. A rule removes it: let $P$ and $Q$ of each head have the same norm, and $Q$ a trace above zero. DIAG's omegas are products of an entry of $P$ and one of $Q$: they are free of the gauge
# as they are.
#
# And the last layer holds numbers that do nothing. The answer is read from $y$; nobody reads the $x$ that this layer makes. So only the last row of its $P$ counts, and the ten rows above it never
# train. In DIAG these hold $p_x$, so in the last layer $\omega_{xx}$ and $\omega_{xy}$ do nothing.

# %%
full, rng = four["FULL"], np.random.default_rng(1)
batch = lt.RegressionTask(10, 20, lt.Fixed(1.0)).sample(100, rng)
answer = full(batch.x, batch.y, batch.x_query)

P, Q = full.P * 3, full.Q / 3
P[-1, :, :-1] = rng.normal(size=(1, 10, 11))  # the dead rows of the last P
changed = lt.LinearTransformer(P, Q)
print("same answers with other matrices:  ", np.allclose(changed(batch.x, batch.y, batch.x_query), answer, rtol=0, atol=1e-8))
print("same matrices after the rules:     ", np.allclose(canonical(changed).P, canonical(full).P, rtol=0, atol=1e-8))

diag = four["DIAG"]
other_gauge = lt.LinearTransformer(-2 * diag.P, diag.Q / -2)
print("DIAG: the same omegas in any gauge:", np.allclose(other_gauge.omega, diag.omega, rtol=0, atol=1e-12))

# %% [markdown]
# FULL has another freedom. Rotate the inputs of all sequences: the task is the same as before. So a model whose matrices are rotated likewise gives *other* answers to a given
# sequence, and is as good on average.

# %%
turn = np.eye(11)
turn[:-1, :-1] = np.linalg.qr(rng.normal(size=(10, 10)))[0]
turned = lt.LinearTransformer(turn @ full.P @ turn.T, turn @ full.Q @ turn.T)
others = turned(batch.x, batch.y, batch.x_query)
print("same answers on the same sequences:", np.allclose(others, answer, rtol=0, atol=1e-3))
for name, result in losses({"FULL": full, "turned": turned}, mixed).items():
    print(f"{name:6} loss {result.loss:.4f} +- {result.standard_error:.4f}")

# %% [markdown]
# So *which* of the ten features a pattern sits in means nothing. Another start of training would have put it elsewhere.
#
# ## Diagonal plus low rank
# The paper's Fig. 4 shows the matrices of such a model as heat maps: a heavy diagonal, and a few rows and columns beside it. To measure that, write $A \approx D + L$, with $D$ diagonal and $L$ of low
# rank. If $L$ were known, $D$ would be the diagonal of $A - L$. If $D$ were known, $L$ would be the best approximation of $A - D$ of that rank: its largest singular values. So start with $L = 0$ and take the
# two steps in turn (you will write it below).

# %%
simple = canonical(full)
matrices = np.stack([simple.P[:, 0], simple.Q[:, 0]])  # (2, layers, 11, 11): P and Q of each layer
parts, L = [], None
for rank in range(11):
    D, L = diagonal_plus_low_rank(matrices, rank, start=L)  # each rank starts from the one before
    parts.append((D, L))

print("share of the squares that is left out (%)")
print("rank  ", *(f"P of {layer}  Q of {layer} " for layer in range(1, 5)))
for rank in range(5):
    print(f"{rank:4d}", *(f"{100 * share:7.2f}" for share in share_left(matrices, np.add(*parts[rank])).T.ravel()))

# %% [markdown]
# The early layers are almost diagonal: there FULL has found DIAG. The rest sits in the late layers, and a low rank holds most of it. (Of the last $P$ one row is left, which has rank 1.)
#
# ## Predict, then slide
# The lab shows $P$ and $Q$ of one layer and, below, the low-rank part that is kept. Bottom right, the truncated model works: $D + L$ in **every** layer, beside the whole. **P and Q are frozen.** Loss
# is a median over 150 sequences here. Curves are drawn as far as *Rank kept* and σ have come. Guess first:
#
# 1. **From which rank on has the truncated model at most twice the loss of the whole**, at σ = 1? Set the marker.
# 2. **Does each further rank make the answers better?** It leaves out less of the matrices, always.
# 3. **At σ = 6**, far outside the training noise: which is nearer to the oracle, FULL or DIAG?
#
# Slide *Rank kept* first, and look at other layers on the way. Then slide σ to 6, and change the model.

# %% tags=["nbval-ignore-output"]
WeightsLab(rank=0, sigma=1, kind="full", noise="categorical-1-3", layers=4, layer=3)

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The weights lab at rank 2 and noise 8. Left and middle: P and Q of layer 3 as heat maps, each with a heavy diagonal; P also has a strong last column, which is most of its low-rank part below. Top right: what is left out of P and Q falls with the rank. Bottom right: the losses of the whole and of the truncated model lie close together, low at the training noises 1 and 3, higher between them, and near that of the answer 0 far outside.](../docs/pictures/weights-lab.png)
#
# </details>
#
# - **Left and middle.** Row and column *y* belong to the label. The colours mean the same in all layers of a model.
# - **Top right.** What is left out of this layer falls with the rank.
# - **Bottom right.** The loss of the truncated model, *kept*, need not.
#
# Predictions 1 and 2, at σ = 1, as the lab computes it:

# %%
opened = dict(kind="full", noise="categorical-1-3", layers=4, layer=3, sigma=1)
states = [WeightsLab.compute(rank=rank, **opened) for rank in range(11)]
medians = np.array([state.kept[1] for state in states])
print("median loss, rank 0 to 10:", np.round(medians, 3), " whole:", np.round(states[0].whole[1], 3))
enough = next(rank for rank in range(11) if (medians[rank:] <= 2 * states[0].whole[1]).all())
print("at most twice the whole from rank", enough, "on")
worse = 1 + np.flatnonzero(medians[1:] > 1.1 * medians[:-1])
print("worse than at the rank before, by a tenth or more, at rank", worse)

# %% [markdown]
# ## What each part is worth
# Now the mean over sequences from the training noise, with each part alone as well.

# %%
def model_of(matrices):
    return lt.LinearTransformer(matrices[0][:, None], matrices[1][:, None])


D, L = parts[4]
truncated = {"D alone (of rank 4)": model_of(D), "L alone (of rank 4)": model_of(L)}
truncated |= {f"D + L, rank {rank}": model_of(np.add(*parts[rank])) for rank in (0, 1, 2, 4, 6, 8)}
truncated |= {"whole": full, "DIAG, trained": diag}
for name, result in losses(truncated, mixed, 5_000).items():
    print(f"{name:19} loss {result.loss:10.3g} +- {result.standard_error:.2g}")

# %% [markdown]
# - **Neither part works alone.** The diagonal that stays when the low-rank part is taken away is several times worse than a DIAG that was *trained* with nothing but a diagonal. The parts were
#   trained for each other.
# - **Little in the matrices can be much in the answers.** The layers' maps are multiplied, so an error in one is passed on by the others. The loss need not even fall with the rank.
# - **Enough rank brings the model back.** But how much of it is *needed*? To know that, train with less.
#
# ## What a second head buys
# With one head, $\omega_{xx}\,\omega_{yy} = p_x q_x\, p_y q_y = \omega_{xy}\,\omega_{yx}$: three omegas fix the fourth. A second head adds another such product, and all four are free, since
# any $2 \times 2$ matrix is a sum of two of rank 1. A third head adds nothing.

# %%
for name in ("DIAG", "DIAG, two heads"):
    omega = four[name].omega
    print(f"{name:16} omega_xx omega_yy, by layer", np.round(omega[:, 0, 0] * omega[:, 1, 1], 3))
    print(f"{'':16} omega_xy omega_yx          ", np.round(omega[:, 0, 1] * omega[:, 1, 0], 3))

print("\nlayers  trained on      DIAG   two heads    FULL   two heads   (loss, and its standard error)")
for noise in (uniform, mixed):
    for layers in (4, 6, 7):
        models = {
            "DIAG": lt.load_pretrained("diag", layers, noise),
            "DIAG, two heads": lt.load_pretrained("diag", layers, noise, heads=2),
            "FULL": lt.load_pretrained("full", layers, noise),
        }
        if layers == 7:
            models["FULL, two heads"] = lt.load_pretrained("full", layers, noise, heads=2)
        results = losses(models, noise).values()
        print(f"{layers:6d}  {noise.label:12}", *(f"{result.loss:9.4f}" for result in results))
        print(f"{'':20}", *(f"{result.standard_error:9.4f}" for result in results))
        if origin(models["FULL"].record) != "trained":
            print(f"{'':20} this FULL is {origin(models['FULL'].record)}, with a little noise on it: no other ended lower")

# %% [markdown]
# On {1, 3} the second head closes much of the gap between DIAG and FULL, without a single entry off the diagonal. So FULL's low-rank part is *a* way to a lower loss, not the only one. On U(0, 5)
# there is less to gain; the paper finds DIAG about as good as FULL there (Table 1). With seven layers a second head lets FULL end lower, too.
#
# ## What is a weight for? Train without it
# Which omega matters most? One could set it to zero in a trained model. With one head that is impossible: to remove $\omega_{xy} = p_x q_y$ alone, $p_x$ or $q_y$ must go, and another omega with it. So take
# two heads, with four layers trained on U(0, 5).
#
# But zeroing breaks a machine whose other parts rely on the missing one. It shows breakage, not function. To see what a weight is *for*, train anew without it (an **ablation**), and see what the others
# cannot make up for. Three such models are stored.
#
# **Predict:** which of $\omega_{xx}$ (preconditioning), $\omega_{xy}$ (adaptive step) and $\omega_{yy}$ (rescaling) costs most when it is zeroed, and which when the model is trained without it?

# %%
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

# %%
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
# Only what all of them show may be said of an architecture. With four layers, each two-head DIAG is below each with one head, on both noises. On {1, 3} each
# FULL is lower still. Whether FULL or one-head DIAG is lower on U(0, 5) depends on the seed.
#
# ## Better inside, worse outside
# For {1, 3} the paper finds FULL better than DIAG at the training noise, and *worse* away from it (sec. 6). Here are ours, one noise level after the other, with standard errors. Beside them stands the best
# possible predictor for {1, 3}, which weighs up these two levels by their probability and rules out all others (*Bayes*). Far outside, single sequences explode and would rule the means. So here **a
# loss above 10 counts as 10**; the last columns say how many of 2,000 do.

# %%
def profile(models):
    """Print the clipped loss at each noise level, with its standard error, and how many losses were clipped."""
    print("sigma", *(f"{name:>16}" for name in [*models, "Bayes {1, 3}"]), "   above 10: the models, in this order")
    for sigma in range(8):
        moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(2000, np.random.default_rng(0))
        spectrum = Spectrum.from_moments(moments.S, 20)
        answers = [model.implicit_weight(moments.S) for model in models.values()] + [spectrum.bayes(mixed)]
        with np.errstate(over="ignore", invalid="ignore"):
            risks = [excess(w - spectrum.ridge(moments.sigma)) for w in answers]
        clipped = [np.where(risk < 10, risk, 10) for risk in risks]  # NaN, too, counts as 10
        columns = [f"{risk.mean():.3f} ({risk.std() / np.sqrt(2000):.3f})" for risk in clipped]
        print(f"{sigma:5d}", *(f"{column:>16}" for column in columns), "  ", *(f"{(risk == 10).sum():5d}" for risk in clipped[:-1]))


profile(four)

# %% [markdown]
# **Prediction 3.** With four layers:
#
# - **Inside**, FULL has the lower mean of rows 1 and 3. Only that mean is trained; it need not be lower in both rows.
# - **Between and beyond**, at 2 and from 4 on, FULL is worse than DIAG. The two-head DIAG goes the same way: the entries off the diagonal are not to blame.
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
# With seven layers, both FULL models are much nearer to Bayes than to the oracle: the better of the two is the nearer one. It has learned its task, and the task says that there is no σ = 2. Being better inside and worse at 2 are one and
# the same thing.
#
# Far outside something else comes in:

# %%
profile(seven)

# %% [markdown]
# $w$ is a polynomial whose degree grows with each layer, and answers explode. In our seven-layer models this befalls DIAG as well. The best of all inside, FULL with two heads, explodes most often, from σ = 4 on. Before you trust a model outside its training range, count its worst
# cases ([12](12_from_pilot_to_practice.ipynb)).
#
# ## Exercise
# ### Exercise: from matrices to omegas
# (5 minutes, level: first steps)
#
# Given $P$ and $Q$ of one DIAG layer, return its omegas (eq. 10). Heads add up.

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
# ### Exercise: find the low-rank part
# (10 minutes, level: practice)
#
# The matrix $A$ is a sum of a diagonal matrix and one of the given rank. Return the second. Start with $L = 0$ and take 100 rounds of the two steps.

# %% tags=["exercise"]
def my_low_rank_part(A, rank):
    """A (11, 11), rank 1 or 2  ->  L (11, 11)"""
    ...


# %% tags=["check"]
weights.split.check(my_low_rank_part)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The first step of a round is `D = np.diag(np.diag(A - L))`.
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
#     L = np.zeros_like(A)
#     for _ in range(100):
#         D = np.diag(np.diag(A - L))
#         U, s, Vt = np.linalg.svd(A - D)
#         L = (U[:, :rank] * s[:rank]) @ Vt[:rank]
#     return L
# ```
#
# </details>
#
# When it says *Correct*, try it on `matrices[0, 2]`, $P$ of FULL's layer 3, and look at its largest entries with `np.round`.

# %% [markdown]
# ## Discussion
# - **Exact and measured.** The gauge, the dead rows, the rotation and $\omega_{xx}\omega_{yy} = \omega_{xy}\omega_{yx}$ hold for every model. Diagonal plus low rank is what one finds in some trained ones, the
#   paper's and ours.
# - **What the low-rank part computes stays open.** We know what it is worth, and that two heads reach much of it otherwise.
# - **An ablation is one more training run**, with its own luck. The standard errors above are those of the evaluation; how far trainings lie apart is another matter.
#
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
