# %% [markdown]
# # 04  Every layer keeps a weight vector
# *Whatever its weights, each layer of a linear transformer holds a linear model of its context, good or bad, and you can read it out.*
#
# **You will be able to**
# - say what a layer of a linear transformer knows about its context, in four small arrays;
# - read the weight vector of every layer out of a model, trained or not;
# - say what a linear transformer can never compute, and show it.
#
# **Takes** 25 minutes. **Needs** linear attention ([01](01_linear_attention.ipynb)) and one layer as a gradient step
# ([03](03_one_layer_is_one_gradient_step.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# One can *build* a layer that keeps a weight vector $w$ and takes a gradient step with it. A trained layer was not built: $2 \cdot 11 \cdot 11$ numbers came out of
# training. After four of those, what does a model know about its context? Ask one that nobody even trained.
#
# **Predict first.** Random weights, four layers, two heads each. Give it two queries, then their sum. Will the third answer be the sum of the first two?

# %%
import inspect

import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import implicit
from lt_helpers.implicit import implicit_from_moments
from lt_helpers.labs import ImplicitLab
from lt_helpers.model import layer_updates
from lt_helpers.task import second_moments

rng = np.random.default_rng(0)
model = lt.LinearTransformer.random("full", dim=10, layers=4, heads=2, rng=rng, scale=0.1)
batch = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(1.0)).sample(1, rng)
x, y = batch.x, batch.y  # one sequence: (1, 20, 10) and (1, 20)

first, second = rng.normal(size=(2, 10))
queries = np.stack([first, second, first + second])
answers = [model(x, y, query[None], form="tokens")[0] for query in queries]
print("answers to three queries:", np.round(answers, 4))
print("third is the sum:", np.isclose(answers[2], answers[0] + answers[1], rtol=0, atol=1e-10))

# %% [markdown]
# It is. Whatever the model computes from the context, its answer is a *linear* function of the query. Such a function of ten numbers is given by ten numbers: ask for the
# ten unit vectors, and you have them.

# %%
probed = np.array([model(x, y, unit[None], form="tokens")[0] for unit in np.eye(10)])
print("found by probing:", np.round(probed, 2))
print("<probed, query> is the answer:", np.allclose(queries @ probed, answers, rtol=0, atol=1e-10))

# %% [markdown]
# That vector is the model's **implicit weight** $w$: the linear model of this context that it holds, without saying so. It holds one; it need not fit.
#
# ## Why it must be so
# A layer changes a token $e = (x, y)$ as follows (eq. 3), context and query alike:
#
# $$e \leftarrow e + U e, \qquad U = \sum_k P_k\, S\, Q_k, \qquad S = \frac1n\sum_i e_i e_i^T .$$
#
# $U$ depends on the context, but it is the same for all tokens. So after $l$ layers every token has been multiplied by one matrix. Cut it where $x$ ends and $y$ begins:
#
# $$(I + U_l)\cdots(I + U_1) = \begin{pmatrix} M & u \\ -w^T & a\end{pmatrix}, \qquad
# \begin{aligned} x_i^l &= M x_i + y_i\, u \\ y_i^l &= a\, y_i - \langle w, x_i\rangle \end{aligned}$$
#
# This is Theorem 4.1. The query has $y = 0$, so its $y$ ends as $-\langle w, x\rangle$, and the answer, minus that, is $\langle w, x\rangle$. Multiply the matrices and compare
# with the probe.

# %%
product = np.eye(11)
for U in layer_updates(model.P, model.Q, second_moments(x, y)):
    product = (np.eye(11) + U[0]) @ product
print("minus its last row is the probed weight:", np.allclose(-product[-1, :-1], probed, rtol=0, atol=1e-10))

# %% [markdown]
# `implicit_regression` does the same for every layer of a batch at once. It is short enough to read:

# %%
print(inspect.getsource(implicit_from_moments))

# %% [markdown]
# The context tokens obey the theorem too. Here are all twenty of them after layer 2, computed from the tokens and from the state.

# %%
state = lt.implicit_regression(model, x, y)
print("(batch, layers + 1, ...):  w", state.w.shape, " M", state.M.shape, " u", state.u.shape, " a", state.a.shape)

tokens = np.concatenate([x[0], y[0][:, None]], axis=1)  # (n, d+1)
for P, Q in zip(model.P[:2], model.Q[:2]):  # two layers of plain linear attention, head by head
    update = sum((tokens @ Q_k.T @ tokens.T) @ tokens @ P_k.T / len(tokens) for P_k, Q_k in zip(P, Q))
    tokens = tokens + update
M, u, a, w = state.M[0, 2], state.u[0, 2], state.a[0, 2], state.w[0, 2]
x_foretold, y_foretold = x[0] @ M.T + np.outer(y[0], u), a * y[0] - x[0] @ w
print("x after layer 2 is M x + y u:   ", np.allclose(tokens[:, :10], x_foretold, rtol=0, atol=1e-10))
print("y after layer 2 is a y - <w, x>:", np.allclose(tokens[:, 10], y_foretold, rtol=0, atol=1e-10))

# %% [markdown]
# ## Four arrays, and how they change
# So $M$, $u$, $a$, $w$ are all that happens to a context. At first $M = I$, $u = 0$, $a = 1$, $w = 0$: the tokens are what they are. What does one more layer do?
# Call the last row of its $U$, which is what it adds to $y$, $(c^T, r)$. Multiply by $I + U$ and read off the last row (Lemma 4.3), first its last entry:
#
# $$a' = (1 + r)\,a + \langle c, u\rangle .$$
#
# The weight follows in the same way: the old one, *rescaled* by $1 + r$, plus a *push* that the layer adds. What the push is, you find out in the exercise below; the package knows
# (`state.push`). The rows of $U$ above the last change $M$ and $u$ likewise.
#
# For gradient descent $r = 0$ and the push is a step along the gradient. What trained layers do with both is the matter of [06](06_adaptive_rescaling.ipynb) and
# [07](07_noise_adaptive_step_sizes.ipynb).

# %%
M, u, a, w, U = (getattr(state, name)[0] for name in ("M", "u", "a", "w", "U"))  # one sequence, all layers
for layer in range(model.layers):
    top, c, r = U[layer, :-1], U[layer, -1, :-1], U[layer, -1, -1]
    M_after = M[layer] + top @ np.vstack([M[layer], -w[layer]])
    u_after = u[layer] + top @ np.append(u[layer], a[layer])
    a_after = (1 + r) * a[layer] + c @ u[layer]
    w_after = state.rescaling[0, layer] * w[layer] + state.push[0, layer]
    pairs = (M_after, M[layer + 1]), (u_after, u[layer + 1]), (a_after, a[layer + 1]), (w_after, w[layer + 1])
    print(f"layer {layer + 1}: M, u, a, w follow the lemma:", *(np.allclose(*pair, rtol=0, atol=1e-10) for pair in pairs))

# %% [markdown]
# ## Predict, then slide
# The lab shows one sequence and a model that reads it. **P and Q are frozen, w moves.** Top left, from the top: the weight after each layer, then the oracle's (ridge
# regression that is told σ) and the truth. Guess first:
#
# 1. **Noise.** At σ = 0.5 a trained DIAG of four layers comes near the truth. How far from it will the model end at σ = 4? Set the marker, then slide.
# 2. **Random weights.** Where will $w$ go? Will the answers at the bottom right still lie on the line? Choose *random FULL*, add heads, slide the noise.

# %% tags=["nbval-ignore-output"]
ImplicitLab(model="diag", layers=4, sigma=0.5)

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The implicit lab. Top left: a heat map with one row for each layer's weight, from zero at the top to nearly the rows of oracle and truth at the bottom. Top right: the distance to truth and oracle falls in four layers to less than a quarter, but hardly at the third. Bottom left: the other parts of the state, a, u and M. Bottom right: the model's answers to twelve queries, all on the diagonal.](../docs/pictures/implicit-lab.png)
#
# </details>
#
# - **Top left.** The pattern of the last row, the truth, appears from layer to layer. *Layers* chooses another model, trained at that depth; the layers of one model are the rows.
# - **Top right.** The distance need not fall at every layer: only the last one is trained to be close. With noise the truth stays out of reach; compare with the oracle.
# - **Bottom left.** $a$, $u$ and $M$ move as well. For GD++, $u$ stays 0 and $a$ stays 1.
# - **Bottom right.** Twelve other queries, answered by attention over the tokens. Trained or random, one head or three: always on the line.
#
# On many sequences, with σ = 0.5:

# %%
task = lt.RegressionTask(dim=10, context=20, noise=lt.Fixed(0.5))
many = task.sample(2000, np.random.default_rng(1))
models = {"trained": lt.load_pretrained("diag", layers=4, noise=lt.Uniform(5.0)), "random": model}
for name, each in models.items():
    w = lt.implicit_regression(each, many.x, many.y).w  # (B, L+1, d)
    distance = np.linalg.norm(w - many.w[:, None], axis=2)
    print(f"{name:8} median distance to the truth, layers 0 to 4:", np.round(np.median(distance, axis=0), 2))

# %% [markdown]
# ## What no linear transformer can do
# Theorem 4.1 binds every layer. If the labels are a linear function of the inputs, then so is every $y_i^l$, with one weight for all tokens. It can never be $x_i(1)^2$, the
# square of the first feature: Theorem 4.2. How near can it come? Nearest is the least-squares fit of the squares. Its cosine similarity to them is the best that *any* linear
# transformer of any depth can reach.
#
# **Predict:** will it grow or fall when the model gets more examples?

# %%
def best_cosine(inputs):
    """Largest cosine similarity between the x_i(1)^2 and any linear function of the x_i.    inputs (n, d)"""
    squares = inputs[:, 0] ** 2
    nearest = inputs @ np.linalg.lstsq(inputs, squares)[0]
    return nearest @ squares / np.linalg.norm(nearest) / np.linalg.norm(squares)


rng = np.random.default_rng(2)
print("    n   best cosine between x(1)^2 and a linear function of x, mean of 100 draws")
for n in (20, 200, 2000):
    print(f"{n:5d}   {np.mean([best_cosine(rng.normal(size=(n, 10))) for _ in range(100)]):.2f}")

# %% [markdown]
# Why is the first number so large? With ten weights one can fit much of any twenty numbers: that is memory of these points, not squaring. With 2,000 examples next to
# nothing is left. Look for a model's limits where it has data enough to fail.
#
# ## Exercise
# ### Exercise: one step of Lemma 4.3
# (8 minutes, level: practice)
#
# Given a state and what the layer adds to every token, return the weight after the layer. What does the layer push it by?

# %% tags=["exercise"]
def weight_after(M, u, a, w, U):
    """M (d, d), u (d,), a a number, w (d,): the state before the layer. U (d+1, d+1): what it adds to every token.  ->  w' (d,)"""
    ...


# %% tags=["check"]
implicit.recursion.check(weight_after)

# %% [markdown]
# <details><summary>Hint</summary>
#
# $(c^T, r)$ is the last row of $U$: `c, r = U[-1, :-1], U[-1, -1]`.
#
# </details>
# <details><summary>Hint</summary>
#
# A token's $y$ becomes $y^l + \langle c, x^l\rangle + r\,y^l$. Put $x^l = Mx + yu$ and $y^l = ay - \langle w, x\rangle$ in, and collect what multiplies $x$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def weight_after(M, u, a, w, U):
#     c, r = U[-1, :-1], U[-1, -1]
#     return (1 + r) * w - M.T @ c
# ```
#
# </details>
#
# When it says *Correct*, run your function over the layers of `model`, from `M[l]`, `u[l]`, `a[l]`, `w[l]`, `U[l]` of the cell above: it must give `w[l + 1]`.

# %% [markdown]
# ## Discussion
# - **It holds for all weights.** Training does not make a linear transformer hold a linear model. It decides *which*: where $w$ goes, and so whether it fits. The random model keeps a weight vector as
#   faithfully as the trained ones, and a useless one.
# - **It is exact.** Every check above passes at ten decimals; the paper proves it in section 4. Its sums over the context are means here; the state is the same.
# - **The price is Theorem 4.2.** Without a softmax or an MLP nothing multiplies two coordinates of one token. Such features have to be computed before the model
#   ([12](12_from_pilot_to_practice.ipynb) does so).
#
# ## Quiz
# **1.** A model has 3 heads instead of 1. How many implicit weights does a layer keep?
# <details><summary>Answer</summary>One. Heads add up in U; Theorem 4.1 holds for any number of them.</details>
#
# **2.** You shuffle the twenty examples. What happens to w of layer 3?
# <details><summary>Answer</summary>Nothing. S is a mean over the examples, and U depends on nothing else.</details>
#
# **3.** Why does the query not change the weights that are read out of it?
# <details><summary>Answer</summary>The query reads the context and is not read by it: S is a mean over the context alone. So w is the same for every query.</details>
#
# **4.** At n = 20 a linear function reaches a high cosine with the squares. Can the model therefore square?
# <details><summary>Answer</summary>No. The weights that do so are fitted to these twenty points; on new points, or with many points, the fit is gone.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 3, Theorem 4.1, Theorem 4.2, Lemma 4.3.
# - von Oswald et al.: *Transformers Learn In-Context by Gradient Descent*, ICML 2023, [arXiv 2212.07677](https://arxiv.org/abs/2212.07677).
