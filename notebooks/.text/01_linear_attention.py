# %% [markdown]
# # 01  Linear attention
# *Take the softmax out of attention, move one bracket, and a context of any length becomes one small matrix.*
#
# **You will be able to**
# - compute attention for four tokens by hand, with the softmax and without;
# - move the bracket that turns a cost of $n^2$ into a cost of $n$, and see on your own machine when it pays;
# - say what a linear transformer keeps of its context, and what the softmax could do that it cannot.
#
# **Takes** 30 minutes; the first 15 end with the lab. **Needs** matrix products and a little NumPy. Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# A transformer gets four examples $(x, y)$ and a new $x$, the query. What is its $y$? *Attention* answers by comparing: the more an example's $x$ is like the
# query's, the more its $y$ counts. Each token compares itself with all $n$ tokens, which makes $n^2$ comparisons. Does it have to?
#
# The labels below follow $y = x_1 + 2 x_2$. For $x = (2, 1)$ the right answer is 4. The model is not told.

# %%
import inspect

import numpy as np

import lt_helpers as lt
from lt_helpers import model as linear
from lt_helpers.exercises import attention
from lt_helpers.labs import AttentionLab
from lt_helpers.task import second_moments

tokens = np.array([[1, 0, 1], [0, 1, 2], [1, 1, 3], [1, -1, -1]])  # one example a row: two features and the label y
query = np.array([2, 1, 0])  # a query has no label yet: 0 stands in its place

# %% [markdown]
# ## Attention, by hand
# A token is one vector $e = (x, y)$. Token $i$ gives each token $j$ a **score**, $e_j^T Q\, e_i$. The softmax makes the scores positive weights that sum to 1, and token $i$
# adds the weighted mean of the vectors $P e_j$ to itself.
#
# $P$ and $Q$ are the learned matrices. A textbook has four: query and key, whose product is $Q = W_K^T W_Q$, and value and projection, $P = W_P W_V$.
# Only the two products matter (eq. 3). Here $Q$ compares the inputs, and $P$ passes on the label.

# %%
Q = np.diag([1, 1, 0])  # compare the x, ignore the y
P = np.diag([0, 0, 1])  # pass on the y

scores = tokens @ Q @ query  # one for each example
softmax = np.exp(scores) / np.exp(scores).sum()
print("scores           ", scores)
print("softmax weights  ", np.round(softmax, 3))
print("softmax's answer ", round(softmax @ tokens[:, 2], 3))

# %% [markdown]
# Check the first score: $(1, 0)$ against $(2, 1)$ gives 2. The third example is most like the query, so the answer is pulled towards its label, 3. A weighted mean can
# never leave the range of the labels, −1 to 3: the right answer, 4, is out of reach.
#
# ## Drop the softmax
# Take the scores themselves as weights, divided by $n$. They may be negative, and they need not sum to 1.

# %%
n = len(tokens)
weights = scores / n
print("linear weights  ", weights)
print("linear answer   ", weights @ tokens[:, 2])

# %% [markdown]
# That is 3, and 4 is right. In this context one factor in $Q$, 4/3, would mend the answers to all queries: [03](03_one_layer_is_one_gradient_step.ipynb) reads
# such a factor as a step size. Here we are after the cost.
#
# ## Move one bracket
# Without the softmax the update of token $i$ is a sum of products, and products may be taken in any order:
#
# $$\frac1n\sum_j \underbrace{P e_j}_{\text{what is read}}\;\underbrace{(e_j^T Q\, e_i)}_{\text{how much}}
#   \;=\; P\,\Big(\frac1n\sum_j e_j e_j^T\Big)\, Q\, e_i \;=\; P S Q\, e_i .$$
#
# The bracket on the right does not depend on $i$. Compute it once: $S$, the mean of $e e^T$. The softmax forbids this: the exponential of a score is no product of something
# of $i$ and something of $j$, so nothing can be taken out of the sum.

# %%
S = tokens.T @ tokens / n  # (3, 3)
print(S)
print("what the query adds, by scores:", weights @ tokens @ P.T)
print("what the query adds, by S:     ", P @ S @ Q @ query)

# %% [markdown]
# The same. Check an entry of $S$: the top right is the mean of $x_1 y$, $(1 + 0 + 3 - 1)/4$. The 2 × 2 block at the top left says how the inputs vary, the last column how the
# labels go with the inputs, the corner how large the labels are. Now count multiplications, for $n$ tokens of $d$ features and a label:

# %%
print("     n   scores first    S first   (d = 10)")
for length in (5, 20, 200, 2000):
    D = 10 + 1  # numbers in a token
    both = 2 * length * D**2  # each token times two D x D matrices
    print(f"{length:6d} {both + 2 * length * length * D:14,d} {both + 2 * D**3:10,d}")

# %% [markdown]
# Scores first: about $n^2 d$. $S$ first: about $n d^2$.
#
# ## Predict, then slide
# The lab draws the map of all $n^2$ weights and the state $S$ on the same scale. A score is *sharpness* times $\langle x_i, x_j\rangle/\sqrt d$. Guess first:
#
# 1. **Double $n$.** How many cells does the map gain, and how many does $S$ gain? Will the entries of $S$ grow?
# 2. **At which $n$ do the cost curves cross, for $d = 15$?** Mark it with *Predict*, then slide *Features d* to 15.
#
# Then choose *Cost: measured here*, which times the three forms on the machine that you are using.

# %% tags=["nbval-ignore-output"]
AttentionLab()

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The attention lab. Top left: a map of 16 by 16 softmax weights. Top right, on the same scale: the state S, 6 by 6. Bottom left: the weights that a query gives to the 16 tokens, all positive with the softmax, of both signs without. Bottom right: cost against the number of tokens on logarithmic axes; with the map it rises twice as steeply as with the state, and the curves cross near n = 6.](../docs/pictures/attention-lab.png)
#
# </details>
#
# - **Top.** Doubling $n$ makes the map four times as large. $S$ keeps its size. It is a mean, so its entries do not grow: they settle.
# - **Bottom right.** By count, *map first* and *state first* cross at $n = d + 1$, where map and state are of one size. Below, $S$ does not pay. For long contexts the map's line is
#   twice as steep. The clock adds what the count leaves out: exponentials are slow, and for few tokens all cost about the same.
# - **Bottom left.** Slide *Sharpness* up. The softmax comes to read one token alone; the linear weights only grow. Remember this for the end.
#
# The first half ends here.
#
# ## Token by token
# A map needs all tokens at hand. $S$ can be kept while they come in, as a running mean. This is the **recurrent form**: linear attention as a recurrent network whose memory is a
# matrix (Katharopoulos et al. 2020).

# %%
batch = lt.RegressionTask(dim=10, context=200, noise=lt.Fixed(1.0)).sample(1, np.random.default_rng(0))
x, y = batch.x, batch.y  # one sequence
examples = np.concatenate([x, y[..., None]], axis=2)[0]  # 200 tokens of 11 numbers

state = np.zeros((11, 11))
for t, e in enumerate(examples, start=1):
    state += (np.outer(e, e) - state) / t  # the mean of the first t
    if t in (2, 20, 200):
        print(f"after {t:3d} tokens: {t * 11:5d} numbers read, {state.size} kept")
print("it is S:", np.allclose(state, second_moments(x, y)[0]))

# %% [markdown]
# ## A linear transformer
# Stack such layers, and leave out everything else: no softmax, no MLP, no normalisation. Each layer adds, for the context and the query alike (eq. 3),
#
# $$e_i \leftarrow e_i + \sum_k P_k\, S\, Q_k\, e_i .$$
#
# Each $k$ is a *head*, with matrices of its own; heads add up. $S$ is the mean over the context: the query reads and is never read. The answer is **minus** the query's last coordinate
# after the last layer, because layers take their prediction away from every $y$ ([04](04_every_layer_keeps_a_weight_vector.ipynb)).
#
# The next layer reads tokens that have changed, so its $S$ is another. But a layer multiplies all tokens by one matrix, so the new $S$ follows from the old one alone:

# %%
print(inspect.getsource(linear.layer_update))
print(inspect.getsource(linear.next_moments))

# %% [markdown]
# So the whole model, however deep, can forget the tokens once it has $S$. **Predict:** a trained model with seven layers reads 200 examples. Replace them by 11 made-up tokens that
# have the same $S$. How far will its answer move: not at all, a little, or beyond use?

# %%
model = lt.load_pretrained("full", layers=7, noise=lt.Uniform(5.0))
model.context = None  # or it would warn that it was trained at 20 examples: at 200 its answer is no good, but that is not the question
R = np.linalg.qr(examples)[1]  # (11, 11), R^T R = sum of e e^T
made_up = R * np.sqrt(11 / 200)  # 11 tokens whose mean of e e^T is S

real = model(x, y, batch.x_query, form="tokens")
short = model(made_up[None, :, :10], made_up[None, :, 10], batch.x_query, form="tokens")
print("200 examples and 11 made-up ones, same answer:", np.allclose(real, short, rtol=0, atol=1e-9))
print("tokens and moments, same answer:", np.allclose(real, model(x, y, batch.x_query, form="moments"), rtol=0, atol=1e-9))

# %% [markdown]
# Not at all. To a linear transformer a context **is** its $S$: 11 × 11 numbers for ten features. The rest of the series is arithmetic on such matrices.
#
# Three kinds of model come back in all notebooks. **FULL**: any $P$ and $Q$. **DIAG**: diagonal ones, with one number for all features and one for the label. **GD++**: DIAG whose $Q$ has
# 0 for the label. A DIAG's numbers serve any $d$; here is a layer of a trained one at $d = 2$:

# %%
diag = lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5.0)).with_dim(2)
print("P of layer 1:\n", np.round(diag.P[0, 0], 3) + 0.0)
print("Q of layer 1:\n", np.round(diag.Q[0, 0], 3) + 0.0)

# %% [markdown]
# ## What the softmax was for
# Give inputs random labels, +1 or −1, and ask for the label of one of them again. There is no rule to learn, only something to look up. All inputs have length 1, the softmax is sharp
# (scores times 50), and the answer is the sign of what is read.

# %%
rng = np.random.default_rng(3)
print("tokens   looked up rightly: sharp softmax   linear   (d = 10)")
for length in (5, 20, 100):
    inputs = rng.normal(size=(1000, length, 10))
    inputs /= np.linalg.norm(inputs, axis=2, keepdims=True)
    labels = rng.choice([-1.0, 1.0], size=(1000, length))
    plain = (inputs @ inputs[:, 0, :, None])[..., 0]  # (1000, length): the first input is asked for again
    sharp = np.exp(50 * (plain - 1))  # not made to sum to 1: only the sign counts
    right = [((each * labels).sum(axis=1) * labels[:, 0] > 0).mean() for each in (sharp, plain)]
    print(f"{length:6d} {right[0]:33.2f} {right[1]:8.2f}")

# %% [markdown]
# $S$ has $d$ numbers for all labels together. In it labels overlap wherever two inputs are not orthogonal, and with more tokens than $d$ they have to (Schlag et al. 2021): linear
# attention averages, where the softmax can pick.
#
# ## Exercise
# ### Exercise: linear attention in O(n)
# (8 minutes, level: first steps)
#
# Write one layer of linear attention, with one head, for all tokens at once. The tokens are rows, as above. Never hold a score for each pair: the check looks at the memory that you use.

# %% tags=["exercise"]
def linear_attention(tokens, P, Q):
    """tokens (n, D), P and Q (D, D)  ->  the tokens after the layer, (n, D)"""
    ...


# %% tags=["check"]
attention.in_order_n.check(linear_attention)

# %% [markdown]
# <details><summary>Hint</summary>
#
# First `S`, a (D, D) matrix, from all tokens; then one matrix product for all tokens.
#
# </details>
# <details><summary>Hint</summary>
#
# A column $e$ becomes $e + P S Q\, e$. As a row, $e^T$ becomes $e^T + e^T (P S Q)^T$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def linear_attention(tokens, P, Q):
#     S = tokens.T @ tokens / len(tokens)
#     return tokens + tokens @ (P @ S @ Q).T
# ```
#
# </details>

# %% [markdown]
# ## Discussion
# - **What was gained.** A cost that grows with $n$, a memory that does not grow, and layers that are plain algebra: this series can say exactly what a model does.
# - **What was lost.** Sharp reading. Here two accounts of in-context learning part. *Induction heads* find an earlier token like the present one and copy what came after it; Olsson et al.
#   (2022) give evidence that they do much of the work in language models. They look things up. In the other account, this series' own, layers fit a function to the examples. A large model
#   may do both. A linear transformer is left with the second.
# - **Means, not sums.** The paper sums over the context where we take means, so that the same formula holds for any $n$. Trained weights do not serve any $n$:
#   they belong to the $n$ of their training, and [12](12_from_pilot_to_practice.ipynb) measures what they lose elsewhere.
#
# ## Quiz
# **1.** Why can $S$ not be taken out of the sum while the softmax is there?
# <details><summary>Answer</summary>The weight holds the exponential of the score, which is no product of something of i and something of j. (To divide by the sum of all weights would not be in the way.)</details>
#
# **2.** A context has 5 tokens, $d = 100$. Which order is cheaper?
# <details><summary>Answer</summary>Scores first: the map has 25 entries, S has 101 × 101.</details>
#
# **3.** Two contexts have the same $S$, one has 20 examples, the other 2,000. Can a linear transformer tell them apart?
# <details><summary>Answer</summary>No. With means it does not even know n.</details>
#
# **4.** Does the order of the examples matter?
# <details><summary>Answer</summary>No: S is a mean. Each example is a token of its own; there is nothing that marks its place.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180). Here: sec. 3, eq. 3.
# - Vaswani et al.: *Attention Is All You Need*, NeurIPS 2017, [arXiv 1706.03762](https://arxiv.org/abs/1706.03762).
# - Katharopoulos et al.: *Transformers are RNNs*, ICML 2020, [arXiv 2006.16236](https://arxiv.org/abs/2006.16236): linear attention, recurrent form.
# - Schlag, Irie, Schmidhuber: *Linear Transformers Are Secretly Fast Weight Programmers*, ICML 2021, [arXiv 2102.11174](https://arxiv.org/abs/2102.11174): what S can hold.
# - Olsson et al.: *In-context Learning and Induction Heads*, 2022, [arXiv 2209.11895](https://arxiv.org/abs/2209.11895).
