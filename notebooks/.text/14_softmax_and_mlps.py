# %% [markdown]
# # 14  Softmax and MLPs on the same task
# *Is any of this special to linear attention? Train the usual transformer on the same task, and measure it as you measured the others.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import SoftmaxLab, surprises

lab = SoftmaxLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The softmax lab with everything shown: softmax with an MLP and four layers, trained on U(0, 5), at sigma = 5; the ghost is softmax alone. Answers to longer queries: inside the shaded lengths of training the model runs along a straight dashed line; beyond them it bends and stays level, while the line goes on. What no linear function has: below a hundredth at every noise. Excess risk by noise: the model lies above DIAG, FULL and Bayes, most of all for quiet sequences. Noise meter: the model's curve rises along the diagonal, on top of DIAG's.](../docs/pictures/softmax-lab.png)
#
# </details>
#
# **You will be able to** say what a softmax transformer has that a linear one lacks; read a weight out of any model that answers queries, and say how much of its answers that weight leaves; compare what such a model does with
# noise with what the linear ones do; tell from a record how far from done a training is.
#
# **Takes** 35 minutes. **Needs** softmax attention ([01](01_linear_attention.ipynb)), *linear in the query* ([04](04_every_layer_keeps_a_weight_vector.ipynb)), the noise meter ([07](07_noise_adaptive_step_sizes.ipynb)) and the
# Bayes-optimal predictor ([08](08_how_good_is_it.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $x$ an input; $y$ its label; $w$ the weights of a linear model, which answers $\langle w, x\rangle$; $\sigma$ the noise: standard deviation of what is added to the labels;
# $n$ the number of examples; $d$ the number of features.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** Does DIAG give the best possible answers on U(0, 5)? ([08](08_how_good_is_it.ipynb))
# <details><summary>Answer</summary>No, but nearly: over all σ from 0 to 5 together the Bayes-optimal predictor loses a little less, and nobody can lose less than that. (At a single σ somebody may.)</details>
#
# **2.** Why can one weight say all about a linear transformer's answers to one context? ([04](04_every_layer_keeps_a_weight_vector.ipynb))
# <details><summary>Answer</summary>Its answer is linear in the query, ⟨w, x⟩. So d queries along the axes read w off, and w answers all others.</details>
#
# **3.** What did 01 leave out of the usual attention, and what for? ([01](01_linear_attention.ipynb))
# <details><summary>Answer</summary>The softmax, which makes weights positive and divides them by their sum. Without it a bracket can be moved, and a context becomes the matrix S.</details>

# %% [markdown]
# ## The usual transformer
# Everything so far was about linear attention. It is a model of the transformers that people use, and a simple one. Do the findings carry over? We train softmax transformers on the same task, $d = 10$ features and $n = 20$ examples, and
# measure them with the same instruments.
#
# | | linear transformer | softmax alone | softmax, MLP |
# |---|---|---|---|
# | a token | $(x, y)$, 11 numbers | 64 numbers, a linear map of $(x, y)$ | 64 numbers |
# | a token reads others by | scores | softmax of scores: positive, sum 1 | softmax |
# | heads | 1 | 4 | 4 |
# | between layers | nothing | nothing | LayerNorm, and an MLP with 128 hidden units |
# | the answer | minus a coordinate | a linear map of 64 numbers | LayerNorm, then a linear map |
#
# Three things stay as they were. The query is $(x, 0)$. It reads the examples, and nobody reads it. The order of the examples does not matter. What can make a difference is in the table, and in the training, of which more below.
#
# Each of the four **heads** reads the 64 numbers through matrices of its own, which make 16 of them. What all heads read is added to the token, as in 01. A **LayerNorm** shifts and scales the 64 numbers of a token to mean 0 and variance 1; there is one before attention, one before the MLP and one before the answer. The **MLP** is a small network, by
# which a token changes itself: a matrix makes 128 numbers (the hidden units), those below 0 become 0, and a second matrix makes 64 numbers of them, which are added to the token.

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.baselines import on_spectrum, stored_losses
from lt_helpers.exercises import softmax as exercises
from lt_helpers.implicit import implied_noise
from lt_helpers.softmax import load_softmax, softmax_records
from lt_helpers.spectrum import Spectrum
from lt_helpers.task import second_moments

noise = lt.Uniform(5.0)


def called(record):
    """What a model is called in the tables."""
    return f"softmax{', MLP' if record['mlp'] else ' alone'}, {record['layers']} layers"


records = sorted(softmax_records(), key=lambda record: (record["noise"] != noise.key, record["layers"], record["mlp"]))
stored = [record for record in records if record["noise"] == noise.key]
softmax_models = {called(record): load_softmax(record["mlp"], record["layers"], noise) for record in stored}
linear = (("diag", 4), ("diag", 7), ("full", 7))
linear_models = {f"{kind.upper()}, {layers} layers": lt.load_pretrained(kind, layers, noise) for kind, layers in linear}

# %% [markdown]
# ## How far from done?
# A linear transformer has few weights, and its search here ran until it found nothing better. A softmax transformer has tens of thousands, and people train it for days. Ours had minutes. So first: how far from done are they?
#
# The excess at the end of a training does not tell. But train with half of the steps as well: if the second half lowered the excess by much, twice as many steps may well lower it again, and the training is not done.
#
# One thing must be fair. The size of a training's steps, its *learning rate*, falls to nothing towards the end, and the excess falls with it. A long run that is stopped half-way has not had this end. So each of our trainings has two side branches, which leave it early. One ends after a quarter of the steps, one after
# half of them. In the branches, as in the whole training, the learning rate falls to nothing over the last fifth of the way:

# %%
print("excess risk after                     steps   a quarter   half     all     Bayes")
for record in records:
    quarter, half, whole = (loss for _, loss, _ in record["halves"])
    bayes, _ = stored_losses()[record["noise"]]["Bayes-optimal"]
    trained_on = "U(0, 5)" if record["noise"] == noise.key else "{1, 3}"
    print(f"{trained_on:8} {called(record):24} {record['steps']:9,} {quarter:10.3f} {half:8.3f} {whole:8.3f} {bayes:8.3f}")

# %% [markdown]
# From column to column the steps double. On U(0, 5) the last doubling took off a third of the excess of four layers with an MLP, a sixth of two layers with an MLP, a ninth of softmax alone with four layers, and a sixteenth with two.
# With an MLP the trainings are far from done. Softmax alone is nearer to done, or has only slowed down for a while; the table cannot tell which. On {1, 3} the trainings began from models on U(0, 5), had half of the steps, and are further still
# from Bayes.
#
# So nothing here says how good a softmax transformer *can* be. More training would make most of these numbers smaller. What can be asked is what the models, as they are, have learned.
#
# ## Beside the others
# All on the same 2,000 sequences with $\sigma$ from U(0, 5), and on the same ten queries of each. The last column is the difference to Bayes, sequence by sequence, with its standard error.

# %% jupyter={"source_hidden": true}
rng = np.random.default_rng(1)
many = lt.RegressionTask(10, 20, noise).sample(2000, rng)
queries = rng.normal(size=(2000, 10, 10))
spectrum = Spectrum.from_tokens(many.x, many.y)
weights = {name: predict(spectrum) for name, predict in on_spectrum(noise).items() if name in ("ConstRR", "AdaRR", "Bayes-optimal")}
weights |= {name: model.implicit_weight(second_moments(many.x, many.y)) for name, model in linear_models.items()}


def answer(w, queries):
    """w (B, d), queries (B, q, d)  ->  (B, q)"""
    return (queries @ w[..., None])[..., 0]


wanted = answer(spectrum.ridge(many.sigma), queries)  # the oracle's
answers = {name: answer(w, queries) for name, w in weights.items()}
answers |= {name: model.answers(many.x, many.y, queries) for name, model in softmax_models.items()}

# %%
excess = {name: ((given - wanted) ** 2).mean(axis=1) / 2 for name, given in answers.items()}
print("                          excess    more than Bayes")
for name in sorted(excess, key=lambda name: excess[name].mean()):
    more = excess[name] - excess["Bayes-optimal"]
    print(f"{name:24} {excess[name].mean():8.4f} {more.mean():9.4f} ± {more.std() / 2000**0.5:.4f}")

# %% [markdown]
# **All four lose less than ConstRR,** one penalty for all sequences, and no answer that is linear in the labels can beat it ([06](06_adaptive_rescaling.ipynb)). So they do not treat quiet and noisy sequences alike. The best of them, with an MLP and four layers, cannot be told from AdaRR here, and loses more than DIAG with its four layers
# of four numbers each. After as many steps, two more layers helped more than an MLP did, and both together most.
#
# ## Ask it for its weight
# A linear transformer holds a weight, and we could compute it from its matrices (04). A softmax transformer has no such formula. But it can be asked. Put many queries to it, with one context, and look for the weight $w$ whose answers
# $\langle w, x\rangle$ come nearest to its own. This is least squares once more. The queries are its inputs, and the model's answers its labels. We call $w$ the **probed weight**.
#
# ### Act 1: probe a model
# (one line) Return the weight that comes nearest to the answers.

# %% tags=["exercise"]
def my_probe(queries, answers):
    """queries (q, d); answers (q,): what a model said to them  ->  w (d,)"""
    ...


# %% tags=["check"]
exercises.probe.check(my_probe)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `np.linalg.lstsq(inputs, labels)[0]` is least squares.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_probe(queries, answers):
#     return np.linalg.lstsq(queries, answers)[0]
# ```
#
# </details>
#
# ## Is the answer linear in the query?
# The probed weight exists for any model. Whether it says much is another question. In the lab's first beat the answers bent for long queries. What about queries of the length that the model was trained on?
#
# Measure it as 08 measures noise: by what least squares leaves over. With many queries to one context, take the sum of the squared differences between the answers and $\langle w, x\rangle$. Divide it by the number of queries minus $d$, for $d$
# numbers were fitted. Divide by the mean square of the answers. The result is the **share that no linear function has**: 0 for a linear transformer, 1 for answers that have nothing to do with any $w$.
#
# ### Exercise: the share that no linear function has
# (level: practice)

# %% tags=["exercise"]
def my_bent_share(queries, answers):
    """queries (q, d); answers (q,): what a model said to them  ->  the share, a number"""
    ...


# %% tags=["check"]
exercises.bent_share.check(my_bent_share)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Your probe gives `w`. What is left is `answers - queries @ w`.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_bent_share(queries, answers):
#     w = np.linalg.lstsq(queries, answers)[0]
#     left = answers - queries @ w
#     count, dim = queries.shape
#     return (left**2).sum() / (count - dim) / (answers**2).mean()
# ```
#
# </details>
#
# Now with 100 contexts at each of three noise levels, and 100 queries to each: queries as in training, and queries three times as long. Each share is to the weight that fits just these queries best.

# %% jupyter={"source_hidden": true}
bent_share = exercises.bent_share.use(my_bent_share)
asked = np.random.default_rng(2).normal(size=(100, 10))


def mean_share(model, sigma, length):
    """The share that no linear function has, averaged over 100 contexts: of queries `length` times as long as in training."""
    drawn = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample(100, np.random.default_rng(3))
    given = model.answers(drawn.x, drawn.y, length * asked)  # (100, 100)
    return np.mean([bent_share(length * asked, one) for one in given])


# %%
print("                           σ = 1    σ = 3    σ = 5    three times as long, σ = 3")
for name, model in softmax_models.items():
    shares = [mean_share(model, sigma, 1) for sigma in (1, 3, 5)]
    print(f"{name:24}", *(f"{share:8.2%}" for share in shares), f"{mean_share(model, 3, 3):16.1%}")

# %% [markdown]
# **Nearly linear.** In none of these models does the best weight leave a hundredth of the answers, at any of the three noise levels. Nobody built that in: softmax, LayerNorm and MLP are none of them linear. The task asks for it, for its
# best answer is linear in the query, and training came to it for such queries as it saw.
#
# For queries three times as long the share is ten to twenty times as large. You saw such answers in the lab: they fall short of the line that fits the shorter ones. A linear transformer cannot do that. Its answers go straight on, because nothing else is
# possible; these do so where they have been trained to.
#
# ## Which noise does it act on?
# So it nearly has a weight, and the noise meter can read it: for the probed weight, find the $\sigma$ whose ridge solution is nearest (07). **Predict:** DIAG acts on more noise where there is more. Do these models, or do they shrink all sequences alike?

# %% jupyter={"source_hidden": true}
def meter(predict, sigma):
    """The median over 200 contexts of the noise that a weight acts on.    predict : function x, y -> w (B, d)"""
    drawn = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample(200, np.random.default_rng(4))
    return np.median(implied_noise(predict(drawn.x, drawn.y), Spectrum.from_tokens(drawn.x, drawn.y)))


probe = exercises.probe.use(my_probe)


def probed(model):
    """x, y -> the weight that comes nearest to a model's answers to 100 queries, by your probe (B, d)"""
    return lambda x, y: np.array([probe(asked, given) for given in model.answers(x, y, asked)])


def implicit(model):
    """x, y -> the implicit weight of a linear transformer (B, d)"""
    return lambda x, y: model.implicit_weight(second_moments(x, y))


# %%
print("acts on, where the true σ is     1      2      3      4      5      8")
readers = {name: implicit(model) for name, model in linear_models.items()} | {name: probed(model) for name, model in softmax_models.items()}
for name, reader in readers.items():
    print(f"{name:26}", *(f"{meter(reader, sigma):6.1f}" for sigma in (1, 2, 3, 4, 5, 8)))

# %% [markdown]
# **With four layers the softmax models act on nearly the same noise as DIAG and FULL**, from σ = 1 to 5, with an MLP and without. Nobody told them σ either. With two layers they act on more than 1 where σ is 1: they shrink quiet sequences too much. (DIAG
# needs layers as well: in the lab of 06 its first layer told σ = 1 from 3 in 74% of sequences, its third in 98%.) At σ = 8 all act on less than 8, and were trained up to 5.
#
# The meter says which ridge answer is nearest, and not how near. Softmax alone with four layers acts on about the right noise, and still loses nearly twice what DIAG with four layers does.
#
# So *sensing noise with frozen weights* is not special to linear attention. What is special is that we can read there how it is done.
#
# ## Past the training range
# 08 found that some linear transformers explode there: on a few sequences their answers are beyond all measure. Do softmax transformers? Twice as much noise as training ever had, 2,000 sequences, one query each. (1,000,000 stands for that or more.)

# %% jupyter={"source_hidden": true}
far = lt.RegressionTask(10, 20, lt.Fixed(10.0)).sample(2000, np.random.default_rng(5))
far_oracle = (Spectrum.from_tokens(far.x, far.y).ridge(far.sigma) * far.x_query).sum(axis=1)
print("excess at σ = 10           median      largest")
nothing = {"always 0": lambda x, y, x_query: np.zeros(len(x))}
for name, model in (nothing | linear_models | softmax_models).items():
    lost = (model(far.x, far.y, far.x_query) - far_oracle) ** 2 / 2
    print(f"{name:24} {np.median(lost):8.2f} {min(lost.max(), 1e6):12,.0f}")

# %% [markdown]
# In the median only DIAG-4 is better than to answer 0: so much noise leaves little to find. In the worst case DIAG explodes: a layer of linear attention multiplies three tokens with each other, so four layers compute a polynomial of degree $3^4 = 81$ in the numbers of the tokens. The two models with LayerNorm do not lose
# more than 20 on any of 2,000 sequences, no more than to answer 0. The two without it do, 898 and 459,798 at worst. Their softmax takes means, but nothing bounds the tokens that it takes the means of. A LayerNorm does. (FULL did not explode on these
# sequences. And the models differ in more than one part. So this is a hint at what keeps a model from exploding, and no proof. 13 tries changes to a linear layer for that.)
#
# ## What is not shown
# - **What is inside.** The meter reads answers. It says which noise they fit, and not how the layers come to them. For linear attention the weights tell (04, 11); for these models nobody has read them here.
# - **What longer training would bring.** The table of halves says that the losses still fall. Whether they end at Bayes, and whether the answers stay as nearly linear, we do not know.
# - **What another design would do.** One width, one learning rate and one seed, none of them tuned. Language models also read their tokens in order, where each sees those before it alone; ours see all examples at once.
# - **That a loss compares designs.** A linear transformer has up to 1,700 numbers and was trained until nothing better was found; a softmax one has tens of thousands and was not.
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Quiz
# **1.** A training of 4,000 steps ends at an excess of 0.10, one of 8,000 steps at 0.07. Bayes has 0.04. Is the training done?
# <details><summary>Answer</summary>No. The second half of the steps removed half of what was left to Bayes. Twice as many may well remove more.</details>
#
# **2.** A model's answers are linear in the query to within 1%. Is it a good model?
# <details><summary>Answer</summary>That does not follow. A model that answers 0 to everything, or ⟨w, x⟩ with a useless w, is linear as well.</details>
#
# **3.** Why does a probe need more queries than features?
# <details><summary>Answer</summary>With as many queries as features some w gives all the answers exactly, whatever the model is. Nothing is left over, and so nothing is learned of how linear it is.</details>
#
# **4.** Why can what a softmax head reads for ever longer queries not grow in proportion?
# <details><summary>Answer</summary>What a head reads is a mean of the examples' values with weights that sum to 1. However long the query, the mean lies between the smallest and the largest value. Without the softmax the weights grow with the query. (The answer may still grow: the token of the query keeps its own numbers, unless a LayerNorm holds them.)</details>
#
# ## References
# - Vaswani et al.: *Attention Is All You Need*, NeurIPS 2017, [arXiv 1706.03762](https://arxiv.org/abs/1706.03762): the usual transformer.
# - Garg, Tsipras, Liang, Valiant: *What Can Transformers Learn In-Context? A Case Study of Simple Function Classes*, NeurIPS 2022, [arXiv 2208.01066](https://arxiv.org/abs/2208.01066): large softmax transformers, trained on
#   linear regression without noise, come near to least squares.
# - Akyürek, Schuurmans, Andreas, Ma, Zhou: *What Learning Algorithm Is In-Context Learning? Investigations with Linear Models*, ICLR 2023, [arXiv 2211.15661](https://arxiv.org/abs/2211.15661): with noise, near to ridge regression.
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180): the task.
