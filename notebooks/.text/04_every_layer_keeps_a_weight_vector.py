# %% [markdown]
# # 04  Every layer keeps a weight vector
# *Whatever its weights, each layer of a linear transformer holds a linear model of its context. You can read it out, trained or not.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import ImplicitLab, surprises

lab = ImplicitLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The implicit lab. Top left: a heat map with one row for each layer's weight, from zero at the top to nearly the rows of oracle and truth at the bottom. Top right: the distance to truth and oracle falls in four layers to less than a quarter, but hardly at the third. Bottom left: the other parts of the state, a, u and M. Bottom right: the model's answers to twelve queries, all on the diagonal.](../docs/pictures/implicit-lab.png)
#
# </details>
#
# **You will be able to** say what a layer of a linear transformer knows about its context, in four small arrays; read the weight vector of every layer out of a model, trained or not; say what a linear transformer can
# never compute, and show it.
#
# **Takes** 35 minutes. **Needs** linear attention ([01](01_linear_attention.ipynb)) and one layer as a gradient step ([03](03_one_layer_is_one_gradient_step.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $P, Q$ the two matrices of a layer: the model's weights; $S$ the mean of $e e^T$: all that a layer knows of its context; $w^l$ the implicit weight after layer $l$; $M, u, a$ the rest of a layer's state, beside $w$;
# $k, \rho$ what a layer takes from a token's $x$ into its label, and what it multiplies the label by.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** A layer takes one gradient step from $w = 0$ with $\eta = \tfrac12$ and $\alpha = 2$. Where does a query $(2, 0)$ end? ([03](03_one_layer_is_one_gradient_step.ipynb))
# <details><summary>Answer</summary>w is 1, so the query sinks by 2, to (2, -2).</details>
#
# **2.** A query $(2, 0)$ stands at $(2, -3)$ after two layers. What is the model's $w$? ([03](03_one_layer_is_one_gradient_step.ipynb))
# <details><summary>Answer</summary>The answer is minus the last coordinate, 3, at x = 2: w is 1.5.</details>
#
# **3.** Which tokens does a layer read when it computes $S$: the examples, the query, or both? ([01](01_linear_attention.ipynb))
# <details><summary>Answer</summary>The examples alone. The query reads, and is not read.</details>

# %% [markdown]
# ## One layer, in a plane
# The layers of 03 were built to hold a $w$. Nobody built the layers of a trained model, and in the lab even random ones held a $w$. Why?
#
# Look at tokens with one feature: each is a point $(x, y)$ of the plane. A layer adds $P\,S\,Q\,e$ to every token $e$. The matrix $P\,S\,Q$ depends on the context, but **it is the same for all tokens**. So a layer is one linear map of the
# plane, and such a map is known once we know where it takes the two tokens $(1, 0)$ and $(0, 1)$.
#
# Take the four points with the quiet labels A of [03](03_one_layer_is_one_gradient_step.ipynb), $S = \begin{pmatrix}1 & 2\\ 2 & 5\end{pmatrix}$, and a layer that nobody designed: $P$ is the identity, $Q$ is diagonal with $-\tfrac12$ and $-\tfrac1{20}$.
#
# ![Two planes with axes x and y. Left, before the layer: a blue arrow to (1, 0) and an orange one to (0, 1). Right, after it: the blue arrow points to (0.5, -1), the orange one to (-0.1, 0.75).](../docs/pictures/arrows-of-a-layer.svg)
#
# By hand: $P\,S\,Q = \begin{pmatrix}-\tfrac12 & -\tfrac1{10}\\ -1 & -\tfrac14\end{pmatrix}$. Add the token itself: $(1, 0)$ goes to $(\tfrac12, -1)$, and $(0, 1)$ to $(-\tfrac1{10}, \tfrac34)$. These four numbers say all that the layer does.
#
# | | it says | here |
# |---|---|---|
# | $M$ | how much of its input a token keeps | ½ |
# | $w$ | what its input takes off its label: the linear model | 1 |
# | $u$ | how much of its label gets into its input | −0.1 |
# | $a$ | how much of its own label is left | ¾ |
#
# A query $(x, 0)$ goes to $x$ times the blue arrow, $(\tfrac12 x, -x)$. The answer is minus its last coordinate: $1 \cdot x$. **So the layer holds the linear model $w = 1$**, though it is no gradient step.
#
# ## Many layers, many features
# The next layer is another linear map, and two maps in a row are one map again: their product. With $d$ features $M$ is a matrix, $u$ and $w$ are vectors, and $a$ is still one number. After $l$ layers
#
# $$\begin{pmatrix} x^l \\ y^l\end{pmatrix} = \begin{pmatrix} M & u \\ -w^T & a\end{pmatrix} \begin{pmatrix} x \\ y\end{pmatrix}
# \qquad\text{that is}\qquad \begin{aligned} x^l &= M x + y\, u, \\ y^l &= a\, y - \langle w, x\rangle. \end{aligned}$$
#
# This is **Theorem 4.1** of the paper. It holds for any $P$ and $Q$, any number of heads and layers. The query has $y = 0$, so its answer is $\langle w, x\rangle$: after layer $l$ the model *is* the linear model $w^l$.
# It **holds** one. It need not fit.
#
# ### Exercise: read the weight off
# (level: first steps)
#
# You are given the product of the layers, $(d+1) \times (d+1)$. Return $w$, in one line.

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import implicit
from lt_helpers.model import layer_updates
from lt_helpers.task import second_moments


# %% tags=["exercise"]
def read_off(product):
    """product (d+1, d+1): takes a token (x, y) before the first layer to what it is now  ->  w (d,)"""
    ...


# %% tags=["check"]
implicit.read_off.check(read_off)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Where is $-w^T$ in the matrix above? `product[-1, :-1]` is the last row without its last entry.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def read_off(product):
#     return -product[-1, :-1]
# ```
#
# </details>

# %% [markdown]
# ## Ask the model, and look inside
# Here is a model with random weights, four layers and two heads. We find its $w$ in two ways. *From outside:* ask for the ten unit vectors as queries; the answers are the ten entries of $w$. *From inside:* multiply the layers.

# %%
rng = np.random.default_rng(0)
random_model = lt.LinearTransformer.random("full", dim=10, layers=4, heads=2, rng=rng, scale=0.1)
batch = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(1.0)).sample(1, rng)
x, y = batch.x, batch.y  # one sequence: (1, 20, 10) and (1, 20)

outside = np.array([random_model(x, y, unit[None], form="tokens")[0] for unit in np.eye(10)])

product = np.eye(11)
updates = layer_updates(random_model.P, random_model.Q, second_moments(x, y))  # P S Q, heads added up
for update in updates:
    product = (np.eye(11) + update[0]) @ product
inside = -product[-1, :-1]

print("from outside:", np.round(outside, 2))
print("from inside: ", np.round(inside, 2))

# %% [markdown]
# The same ten numbers. `lt.implicit_regression` gives them for every layer of a batch at once: `state.w`, and beside it `state.M`, `state.u`, `state.a`. The next cell takes the twenty examples through the layers by attention, token
# by token, and follows the label of the first one. Beside it stands what the theorem foretells.

# %%
state = lt.implicit_regression(random_model, x, y)
print("(batch, layers + 1, ...):  w", state.w.shape, " M", state.M.shape, " u", state.u.shape, " a", state.a.shape)

tokens = np.concatenate([x[0], y[0][:, None]], axis=1)  # (n, d+1)
labels = [tokens[0, -1]]  # of the first example, before the first and after each layer
for layer_P, layer_Q in zip(random_model.P, random_model.Q):
    added = np.zeros_like(tokens)
    for head_P, head_Q in zip(layer_P, layer_Q):
        scores = tokens @ head_Q.T @ tokens.T  # (n, n)
        added += scores @ tokens @ head_P.T / len(tokens)
    tokens = tokens + added
    labels.append(tokens[0, -1])
labels_foretold = state.a[0] * y[0, 0] - state.w[0] @ x[0, 0]  # (L+1,)
print("label of the first example:", np.round(labels, 2))
print("foretold, a y - <w, x>:    ", np.round(labels_foretold, 2))

M, u, w, a = state.M[0, -1], state.u[0, -1], state.w[0, -1], state.a[0, -1]  # after the last layer
foretold = np.column_stack([x[0] @ M.T + np.outer(y[0], u), a * y[0] - x[0] @ w])  # (n, d+1)
print(f"largest deviation, all tokens after the last layer: {abs(tokens - foretold).max():.6f}")

# %% [markdown]
# ## Linear in what?
# The answer is linear in the **query**: the answer to the sum of two queries is the sum of the two answers. Is it also linear in the **labels**? If two contexts have the same inputs, and their labels are added, do the two $w$ add up? First
# write the test.
#
# ### Exercise: how far from additive
# (level: first steps)
#
# A linear function has $f(a + b) = f(a) + f(b)$. Return how much $f(a + b)$ exceeds that sum.

# %% tags=["exercise"]
def linear_gap(f, a, b):
    """f a function, a and b two points  ->  by how much f(a + b) exceeds f(a) + f(b)"""
    ...


# %% tags=["check"]
implicit.linear_gap.check(linear_gap)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def linear_gap(f, a, b):
#     return f(a + b) - f(a) - f(b)
# ```
#
# </details>
#
# The next cell puts two functions of the random model into your test: its answer as a function of the query, and as a function of the labels.
# **Predict:** which of the two gaps is zero?

# %%
gap = implicit.linear_gap.use(linear_gap)  # yours where it is right


def answer_to(query):
    return random_model(x, y, query[None])[0]


def answer_of(labels):
    return random_model(x, labels, batch.x_query)[0]


query_1, query_2 = rng.normal(size=(2, 10))
labels_1, labels_2 = rng.normal(size=(2, 1, 20))
print(f"queries: {abs(gap(answer_to, query_1, query_2)):.4f}")
print(f"labels:  {abs(gap(answer_of, labels_1, labels_2)):.4f}")

# %% [markdown]
# The gap of queries is zero, that of labels is not. Labels enter $S$, which holds the means of $y\,x$ and of $y^2$. The first is linear in the labels, the second is not; and a later layer multiplies by what earlier ones have
# made of the labels. So *which* linear model a layer holds may depend on the labels in a curved way. That is what lets a transformer shrink its answer where labels are noisy ([06](06_adaptive_rescaling.ipynb)), which least squares, linear in the labels, cannot do.
#
# ## What one layer does to the state
# Call the last row of a layer's map $I + P\,S\,Q$ by two names: $k$, what it takes from a token's $x$ into its label, and $\rho$, what it multiplies the label by. Multiply once, block by block:
#
# $$\begin{pmatrix} \cdot & \cdot \\ \textcolor{#D55E00}{k^T} & \textcolor{#0072B2}{\rho}\end{pmatrix}
# \begin{pmatrix} M & u \\ -w^T & a\end{pmatrix} =
# \begin{pmatrix} \cdot & \cdot \\ \textcolor{#D55E00}{k^T} M - \textcolor{#0072B2}{\rho}\, w^T & \textcolor{#D55E00}{\langle k,}\, u\textcolor{#D55E00}{\rangle} + \textcolor{#0072B2}{\rho}\, a\end{pmatrix} .$$
#
# A dot stands for rows that we do not need. On the right stands the new last row, $(-w'^T, a')$. Its last entry says $a' = \rho\,a + \langle k, u\rangle$ (Lemma 4.3, where $k$ is called $c$ and $\rho$ is $1 + r$). The rows above the last change $M$ and $u$ in the same way. What about $w'$? Its old value is *rescaled* by
# $\rho$, and the layer adds a *push*.
#
# Try it on the layer of the picture. The last row of its $P\,S\,Q$ is $(-1, -\tfrac14)$, so $k = -1$ and $\rho = \tfrac34$. Before it $M = 1$ and $w = 0$: the new last row begins with $k M - \rho\,w = -1$, and that is $-w'$. So $w' = 1$, as you read it off.
#
# ### Exercise: one step of Lemma 4.3
# (level: practice)
#
# Given a state and what the layer adds to every token, $U = P\,S\,Q$, return the weight after the layer. Not all that you are given is needed.

# %% tags=["exercise"]
def weight_after(M, u, a, w, U):
    """M (d, d), u (d,), a a number, w (d,): the state before the layer.
    U (d+1, d+1): what the layer adds to every token.  ->  w' (d,)"""
    ...


# %% tags=["check"]
implicit.recursion.check(weight_after)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `k, rho = U[-1, :-1], 1 + U[-1, -1]`: the layer *adds* $U e$ to $e$, which is where the 1 comes from.
#
# </details>
# <details><summary>Hint</summary>
#
# Read the first block of the new last row: $-w'^T = k^T M - \rho\,w^T$. Change its sign and transpose it.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def weight_after(M, u, a, w, U):
#     k, rho = U[-1, :-1], 1 + U[-1, -1]
#     return rho * w - M.T @ k
# ```
#
# </details>
#
# For gradient descent $M = I$, $\rho = 1$ and $k = -\eta\, g$ with 03's $g = \alpha - \Sigma w$, which points downhill. So the push $-M^T k$ is $\eta\, g$: its step. What trained layers do with both is the matter of [06](06_adaptive_rescaling.ipynb) and [07](07_noise_adaptive_step_sizes.ipynb).

# %% [markdown]
# ## Trained and random, on many sequences
# The lab showed one sequence. Here is the median distance of $w^l$ to the truth over 2,000 of them, at $\sigma = 0.5$, after layers 0 to 4:

# %%
many = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(0.5)).sample(2000, np.random.default_rng(1))
for name, model in {"trained": lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5.0)), "random": random_model}.items():
    w_by_layer = lt.implicit_regression(model, many.x, many.y).w  # (B, L+1, d)
    distances = np.linalg.norm(w_by_layer - many.w[:, None], axis=2)
    print(f"{name:8}", np.round(np.median(distances, axis=0), 2))

# %% [markdown]
# Training does not make a linear transformer hold a linear model: it always does. Training decides *which*. And it asks for the last one only: layer 3 hardly moves $w$. (It moves the inputs, for layer 4: [07](07_noise_adaptive_step_sizes.ipynb).)
#
# ## What no linear transformer can do
# Could a model make the label of each token the *square* of its first feature, $x(1)^2$, say as a help for what comes after? Take labels without noise, $y = \langle w^*, x\rangle$. Every layer leaves $a\,y - \langle w, x\rangle$ of them, with one $a$ and one $w$ for all tokens: again a linear
# function of $x$. So it can never become the square: **Theorem 4.2**. How near can it come? Look at the cosine between the $n$ labels that it makes and the $n$ squares. (1 means: the same direction. 0 means: nothing in common.) Among all linear functions of the inputs the
# least-squares fit to the squares has the largest. So no linear transformer, of any depth, comes above that.
#
# **Predict:** will that bound grow or fall when the model gets more examples?

# %%
def best_cosine(inputs):
    """Largest cosine between the x_i(1)^2 and any linear function of the x_i.    inputs (n, d)"""
    squares = inputs[:, 0] ** 2
    nearest = inputs @ np.linalg.lstsq(inputs, squares)[0]
    return nearest @ squares / np.linalg.norm(nearest) / np.linalg.norm(squares)


draws = np.random.default_rng(2)
print("    n   best cosine, mean of 100 draws")
for n in (20, 200, 2000):
    print(f"{n:5d}   {np.mean([best_cosine(draws.normal(size=(n, 10))) for _ in range(100)]):.2f}")

# %% [markdown]
# It falls. With ten weights one can fit much of any twenty numbers, but that is memory of these points, not squaring. With 2,000 examples next to nothing is left. Whoever needs squares has to compute them before the
# model ([12](12_from_pilot_to_practice.ipynb) does).
#
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## Quiz
# **1.** A model has 3 heads instead of 1. How many implicit weights does a layer keep?
# <details><summary>Answer</summary>One. Heads add up in P S Q; Theorem 4.1 holds for any number of them.</details>
#
# **2.** You shuffle the twenty examples. What happens to w of layer 3?
# <details><summary>Answer</summary>Nothing. S is a mean over the examples, and the layers depend on nothing else.</details>
#
# **3.** Where in the model's file is w stored?
# <details><summary>Answer</summary>Nowhere. The file holds P and Q. w comes about when a context is read, and is gone with it.</details>
#
# **4.** At n = 20 a linear function reaches a high cosine with the squares. Can the model therefore square?
# <details><summary>Answer</summary>No. The weights that do so are fitted to these twenty points; on new points, or with many points, the fit is gone.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 3, Theorem 4.1, Theorem 4.2, Lemma 4.3. Its sums over the context are means here; the state is the same.
# - von Oswald et al.: *Transformers Learn In-Context by Gradient Descent*, ICML 2023, [arXiv 2212.07677](https://arxiv.org/abs/2212.07677).
