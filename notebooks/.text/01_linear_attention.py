# %% [markdown]
# # 01  Linear attention
# *Take the softmax out of attention, move one bracket, and a context of any length becomes one small matrix.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import AttentionLab, TinyLab, surprises

tiny = TinyLab()
tiny

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The tiny lab at step 1. Left: four examples at x = -1 and x = 1 before a layer, as grey rings, and after it, as black dots that show no slope any more; the query starts at (2, 0) and ends at (2, -4). Right: the three means that the layer reads, Sigma = 1, alpha = 2, and v = 5.](../docs/pictures/tiny-lab.png)
#
# </details>
#
# **You will be able to** compute attention for four tokens by hand, with the softmax and without; move the bracket that turns a cost of $n^2$ into a cost of $n$; write a layer in three lines; say
# what a linear transformer keeps of its context, and what it loses.
#
# **Takes** 45 minutes; the first half, up to *What it costs*, takes 25. **Needs** [00](00_start_here.ipynb), matrix products, and a little NumPy. Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $n$ the number of examples; $d$ the number of features; $e$ a token, $(x, y)$; $S$ the mean of $e e^T$: all that a layer knows of its context; $\Sigma, \alpha, v$ the blocks of $S$: the
# means of $x x^T$, $y x$ and $y^2$; $\omega_{xx}, \omega_{xy}, \omega_{yx}, \omega_{yy}$ the four numbers of a DIAG layer: what it writes, and what it reads.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** You drag a point, and the model's line moves. Which numbers change, and which do not?
# <details><summary>Answer</summary>The slope w changes. The entries of P and Q do not.</details>
#
# **2.** You pull up the point at $x = 0$. Why does the best-fitting line stay?
# <details><summary>Answer</summary>At x = 0 every line through the origin answers 0, so no slope gets nearer to that point.</details>
#
# **3.** Is the flatter line a mistake?
# <details><summary>Answer</summary>No. Slopes near 0 were more common in training, so with much noise a steep fit is often luck.</details>
#
# ## The question
# A transformer gets four examples $(x, y)$ and a new $x$, the **query**. What is its $y$? *Attention* answers by comparing: the more an example's $x$ is like the query's, the more its $y$ counts.
# Each token compares itself with all $n$ tokens. That makes $n^2$ comparisons. Are they needed?
#
# The lab's four examples come back all through the series. Here they are as rows. A **token** $e = (x, y)$ is an input with its label. The query has no label yet, so 0 stands in its place. The line
# that fits best has slope 2, so least squares would answer $2 \cdot 2 = 4$.

# %% jupyter={"source_hidden": true}
import inspect

import numpy as np

import lt_helpers as lt
from lt_helpers import model as linear
from lt_helpers.exercises import attention
from lt_helpers.task import second_moments

# %%
tokens = np.array([[-1.0, -1.0], [-1.0, -3.0], [1.0, 3.0], [1.0, 1.0]])  # one example a row: x and y
query = np.array([2.0, 0.0])

# %% [markdown]
# ## Attention, by hand
# Token $i$ gives each token $j$ a **score**, the number $e_j^T Q\, e_i$. The *softmax* turns its scores into positive weights that sum to 1. Then token $i$ adds to itself the weighted mean of the
# vectors $P e_j$. Here $j$ runs over the $n$ examples: the query reads them, and nobody reads the query. The matrix $Q$ decides what is compared. The matrix $P$ decides what is passed on.
#
# <details><summary>A textbook has four matrices: where are they?</summary>
#
# Query and key matrices appear only as the product $Q = W_K^T W_Q$, value and projection only as $P = W_P W_V$. Only the two products matter (eq. 3 of the paper).
#
# </details>
#
# Here $Q$ compares the inputs, and $P$ passes on the label.

# %%
Q = np.diag([1, 0])  # compare the x, ignore the y
P = np.diag([0, 1])  # pass on the y

# %% [markdown]
# ### Act 1: the scores
# (one line) What does the query give each token? A row of `tokens` is one $e_j$. The operator `@` is the matrix product.

# %% tags=["exercise"]
def scores(tokens, Q, query):
    """tokens (n, D), Q (D, D), query (D,)  ->  the score of each token, (n,)"""
    ...


# %% tags=["check"]
attention.scores.check(scores)

# %% [markdown]
# <details><summary>Hint</summary>
#
# First `Q @ query`, a vector. Then the inner product of each row with it.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def scores(tokens, Q, query):
#     return tokens @ Q @ query
# ```
#
# </details>

# %%
scored = attention.scores.use(scores)(tokens, Q, query)  # yours, once it is right
softmax = np.exp(scored) / np.exp(scored).sum()
print("scores           ", scored)
print("softmax weights  ", np.round(softmax, 3))
print("softmax's answer ", round(softmax @ tokens[:, 1], 2))

# %% [markdown]
# Check the first score: $x = -1$ against $x = 2$ gives $-2$. The two examples at $x = 1$ are most like the query, so the answer is nearly the mean of their labels, 3 and 1. A weighted mean never leaves
# the range of the labels, here $-3$ to 3. The answer 4 is out of reach.
#
# ## Drop the softmax
# Take the scores themselves as weights, divided by $n$. They may be negative, and they need not sum to 1.

# %%
n = len(tokens)
print("linear weights  ", scored / n)
print("linear answer   ", scored / n @ tokens[:, 1])
print("the map of all pairs of examples:")
print(tokens @ Q.T @ tokens.T / n)

# %% [markdown]
# The printed **map** has a row for each example: what it reads of each of the four. The examples read each other just as the query reads them, which makes $n^2$ numbers.
#
# The query's answer is 4, as least squares would say. The least-squares slope is (mean of $x y$) / (mean of $x^2$), here 2 / 1. The linear answer leaves out the division. That makes no difference here;
# in other contexts a factor is missing, which [03](03_one_layer_is_one_gradient_step.ipynb) reads as a step size.
#
# ## Why the answer is *minus* the last coordinate
# A layer treats all tokens alike, examples and query. In the lab it made the slope of the examples vanish: it subtracted from each label what the line says at its $x$. The query got the same
# treatment. Its label was 0, and $0 - 4$ is left. So **the answer is minus the last coordinate of the query**, and the $Q$ of such a layer has a minus: $Q = \mathrm{diag}(-1, 0)$.
#
# ## Move one bracket
# Without the softmax, what token $i$ adds to itself is a sum of products. Products may be taken in any order:
#
# $$\frac1n\sum_j \underbrace{P e_j}_{\text{what is read}}\;\underbrace{(e_j^T Q\, e_i)}_{\text{how much}}
#   \;=\; P\,\Big(\frac1n\sum_j e_j e_j^T\Big)\, Q\, e_i \;=\; P S Q\, e_i .$$
#
# The bracket on the right does not depend on $i$. Compute it once: $S$, the mean of $e e^T$. The softmax forbids this step: a score is a row
# times a column, $e_j^T Q$ times $e_i$; its exponential is no such product, so nothing can be taken out of the sum.
#
# $S$ has three blocks. They keep their colours through the series; $v$, in light orange, is where the noise is.
#
# $$S = \begin{pmatrix} \textcolor{#0072B2}{\Sigma} & \textcolor{#D55E00}{\alpha} \\ \textcolor{#D55E00}{\alpha^T} & \textcolor{#E69F00}{v} \end{pmatrix}
# \qquad \textcolor{#0072B2}{\Sigma = \tfrac1n\sum x x^T},\quad \textcolor{#D55E00}{\alpha = \tfrac1n\sum y\, x},\quad \textcolor{#E69F00}{v = \tfrac1n\sum y^2}$$
#
# In words: how the inputs vary; how the labels go with the inputs; how large the labels are. (The paper writes $\lambda$ for $v$. Here $\lambda$ is kept for the penalty of
# [02](02_in_context_regression.ipynb).) The lab's four examples, and four others with two features:

# %%
S = tokens.T @ tokens / n
print(S)
wider = np.array([[2, 1, 3], [2, -1, 1], [-2, 1, -1], [-2, -1, -3]])  # y = x_1 + x_2
print(wider.T @ wider / 4)

# %% [markdown]
# Check one entry of the first: at the top right stands the mean of $x y$, $(1 + 3 + 3 + 1)/4 = 2$. With one feature, the least-squares slope is $\alpha / \Sigma = 2 / 1$. In the second, $\Sigma$ is the
# 2 × 2 block at the top left, $\alpha = (4, 1)$ stands beside it and below it, and $v = 5$ in the corner.
#
# ### Act 2: the bracket, moved
# (one or two lines) What does the query add to itself? Form $S$ from the tokens, and make no scores.

# %% tags=["exercise"]
def update(tokens, P, Q, query):
    """tokens (n, D), P and Q (D, D), query (D,)  ->  what the query adds to itself, (D,)"""
    ...


# %% tags=["check"]
attention.by_moments.check(update)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `S` as in the cell above, then the right-hand side of the formula.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def update(tokens, P, Q, query):
#     S = tokens.T @ tokens / len(tokens)
#     return P @ S @ Q @ query
# ```
#
# </details>

# %%
my_update = attention.by_moments.use(update)
print("what the query adds, by scores:", scored / n @ tokens @ P.T)
print("what the query adds, by S:     ", my_update(tokens, P, Q, query))

# %% [markdown]
# ### Act 3: a layer, in three lines
# (level: first steps) Now for all tokens at once: each token $e$ becomes $e + P S Q\, e$. Never hold a score for each pair of tokens; the check looks at the memory that you use.
# The next cells run *your* layer: here on the four examples, further down as a trained model, and [03](03_one_layer_is_one_gradient_step.ipynb) starts from it.

# %% tags=["exercise"]
def layer(tokens, P, Q):
    """tokens (n, D), P and Q (D, D)  ->  the tokens after the layer, (n, D)"""
    ...


# %% tags=["check"]
attention.in_order_n.check(layer)

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
# def layer(tokens, P, Q):
#     S = tokens.T @ tokens / len(tokens)
#     U = P @ S @ Q
#     return tokens + tokens @ U.T
# ```
#
# </details>

# %%
my_layer = attention.in_order_n.use(layer)  # yours, once it is right
print("the four examples after the layer, one a row:")
print(my_layer(tokens, P, np.diag([-1, 0])))

# %% [markdown]
# The black dots of the lab: what is left of the labels once the line has been taken away.
#
# ## What it costs
# The next lab sets the two orders side by side: the map of all $n^2$ scores, and $S$.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
lab = AttentionLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The attention lab. Top left: a map of 16 by 16 softmax weights. Top right, on the same scale: the state S, 6 by 6. Bottom left: the weights that a query gives to the 16 tokens, all positive with the softmax, of both signs without. Bottom right: cost against the number of tokens on logarithmic axes; with the map it rises twice as steeply as with the state, and the curves cross near n = 6.](../docs/pictures/attention-lab.png)
#
# </details>
#
# A token has $D = d + 1$ numbers. With the map first, a layer takes $2nD^2 + 2n^2D$ multiplications. With $S$ first it takes $2nD^2 + 2D^3$. They are equal at $n = D$.
#
# <details><summary>Which products are these? And what does the clock say?</summary>
#
# Map first: $Q e_i$ and $P e_j$ for all tokens take $nD^2$ each; the $n^2$ scores take $n^2 D$, and the weighted sums as many. $S$ first: $S$ takes $nD^2$, and so does $P S Q$ times all tokens; the
# products $P S$ and $(P S) Q$ take $D^3$ each.
#
# *Everything* has a switch, *measured here*, which times the forms on your machine. The clock adds
# what the count leaves out: exponentials are slow, and for few tokens all forms cost about the same.
#
# </details>
#
# ## A linear transformer
# Stack such layers, and nothing else: a transformer's other parts (softmax, MLP, normalisation) are left out. Each layer adds, for the context and the query alike (eq. 3),
#
# $$e_i \leftarrow e_i + \sum_k P_k\, S\, Q_k\, e_i ,$$
#
# where $k$ counts the *heads*, pairs of matrices that work side by side. All tokens go through one matrix, $T = I + \sum_k P_k S Q_k$, so the next layer's $S$ is $T S T^T$. Here is
# one layer in the package, for B sequences at once and H heads. `S[:, None]` gives each head the same $S$, `U` is the sum over heads of $P S Q$, and `.mT` is the transpose of the last two axes:

# %%
for function in (linear.layer_update, linear.next_moments):
    head, _, body = inspect.getsource(function).split('"""')  # without its description
    print(head.rstrip() + body)

# %% [markdown]
# The package does what you wrote: a trained model with seven layers is your `layer` for the examples and your `update` for the query, seven times. The next cell runs it so, on 200 examples.
#
# A whole model, however deep, can forget the tokens once it has $S$. So the cell then takes 11 made-up tokens with the same $S$. How far will the two answers lie apart?

# %%
batch = lt.RegressionTask(dim=10, context=200, noise=lt.Fixed(1.0)).sample(1, np.random.default_rng(0))
examples = np.concatenate([batch.x, batch.y[..., None]], axis=2)[0]  # 200 tokens of 11 numbers
model = lt.load_pretrained("full", layers=7, noise=lt.Uniform(5.0))
model.context = None  # it was trained at 20 examples, and would warn: how good its answer is, is not the question here


def answer(tokens):
    """Of the trained model, layer by layer, by your two functions."""
    query = np.append(batch.x_query[0], 0.0)  # (11,): its label is not known
    for P, Q in zip(model.P[:, 0], model.Q[:, 0]):  # one head: (11, 11) each
        added = my_update(tokens, P, Q, query)
        tokens = my_layer(tokens, P, Q)
        query = query + added
    return -query[-1]


R = np.linalg.qr(examples)[1]  # (11, 11), R^T R = sum of e e^T
made_up = R * np.sqrt(11 / 200)  # 11 tokens whose mean of e e^T is S
print(f"200 examples, by the package:          {model(batch.x, batch.y, batch.x_query)[0]:.4f}")
print(f"200 examples, by your functions:       {answer(examples):.4f}")
print(f"11 made-up tokens, by your functions:  {answer(made_up):.4f}")

# %% [markdown]
# To a linear transformer a context **is** its $S$: 11 × 11 numbers for ten features. The rest of the series is arithmetic on such matrices.
#
# ## Four numbers a layer: DIAG
# The simplest matrices are diagonal, with one number for all features and one for the label: $P = \mathrm{diag}(p_x, \dots, p_x, p_y)$ and $Q = \mathrm{diag}(q_x, \dots, q_x, q_y)$. Multiply block by block:
# $P$ scales the rows of $S$, and $Q$ its columns.
#
# $$P S Q = \begin{pmatrix} p_x q_x\, \textcolor{#0072B2}{\Sigma} & p_x q_y\, \textcolor{#D55E00}{\alpha} \\ p_y q_x\, \textcolor{#D55E00}{\alpha^T} & p_y q_y\, \textcolor{#E69F00}{v} \end{pmatrix}
# = \begin{pmatrix} \omega_{xx}\, \textcolor{#0072B2}{\Sigma} & \omega_{xy}\, \textcolor{#D55E00}{\alpha} \\ \omega_{yx}\, \textcolor{#D55E00}{\alpha^T} & \omega_{yy}\, \textcolor{#E69F00}{v} \end{pmatrix}$$
#
# Apply it to a token $(x, y)$, and eq. 10 of the paper is there:
#
# $$x \leftarrow x + \omega_{xx}\, \textcolor{#0072B2}{\Sigma}\, x + \omega_{xy}\, \textcolor{#D55E00}{\alpha}\, y, \qquad
#   y \leftarrow y + \omega_{yx}\, \textcolor{#D55E00}{\alpha^T} x + \omega_{yy}\, \textcolor{#E69F00}{v}\, y .$$
#
# The first index says what is written, the second what is read: $\omega_{xy}$ writes into $x$ what it reads from $y$. Each $\omega$ goes with one block of $S$. (A layer holds only $p_x, p_y, q_x, q_y$. The four $\omega$ are products of them, so with one head
# $\omega_{xx}\,\omega_{yy} = \omega_{xy}\,\omega_{yx}$.) In code they are `[[xx, xy], [yx, yy]]`. On the second $S$ from above:

# %%
p_x, p_y, q_x, q_y = 1, 2, -1, 3
omega = np.outer([p_x, p_y], [q_x, q_y])  # (2, 2): [[xx, xy], [yx, yy]]
S_wider = wider.T @ wider / 4  # (3, 3)
print(omega)
print(np.diag([p_x, p_x, p_y]) @ S_wider @ np.diag([q_x, q_x, q_y]))

# %% [markdown]
# The lab's layer has $\omega_{yx} = -\eta$ alone, where $\eta$ is its step: it changes $y$, by what it reads of $x$. Only
# $\omega_{yy}$ goes with $v$, where the noise is.
#
# Three kinds of model come back in all notebooks. **FULL**: any $P$ and $Q$. **DIAG**: diagonal ones, as here. **GD++**: DIAG with $q_y = 0$, so that $\omega_{xy}$ and $\omega_{yy}$ are 0. That is what the GD++ of
# 00 lacked.

# %% [markdown]
# ## What surprised you
# Run this cell once you have been through both labs.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(tiny, lab)

# %% [markdown]
# ## If you have ten minutes more
# Open a line to read it. The first cell below prints the numbers of the first, the second cell those of the second.
#
# <details><summary>Token by token: linear attention as a recurrent network</summary>
#
# A map needs all tokens at hand. $S$ can be kept while they come in, as a running mean: `S += (np.outer(e, e) - S) / t` for the $t$-th token. This is the *recurrent form*: linear attention is a
# recurrent network whose memory is a matrix (Katharopoulos et al. 2020). The first of the two cells below runs it, on the 200 examples.
#
# </details>
# <details><summary>What the softmax was for: looking things up</summary>
#
# Give inputs random labels, +1 or −1, and ask for the label of one of them again. There is no rule to learn, only something to look up. All inputs have length 1, the softmax is sharp (scores times
# 50), and the answer is the sign of what is read. The second cell counts how often it is right. $S$ has $d$ numbers for all labels together, $\alpha$; the labels overlap in it, the more the more tokens there are
# (Schlag et al. 2021). Linear attention averages, where the softmax can pick.
#
# </details>

# %% jupyter={"source_hidden": true}
state = np.zeros((11, 11))
for t, e in enumerate(examples, start=1):
    state += (np.outer(e, e) - state) / t  # the mean of the first t
    if t in (2, 20, 200):
        print(f"after {t:3d} tokens: {t * 11:5d} numbers read, {state.size} kept")
print(f"it is S, but for {abs(state - second_moments(batch.x, batch.y)[0]).max():.6f}")

# %% jupyter={"source_hidden": true}
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
# ## Discussion
# - **What was gained.** A cost that grows with $n$, a memory that does not grow, and layers that are plain algebra: this series can say exactly what a model does.
# - **What was lost.** Sharp reading. There are two accounts of in-context learning. *Induction heads* find an earlier token like the present one and copy what came after it: they look things up (Olsson et al.
#   2022). In the other account layers fit a function to the examples. A large model may do both. A linear transformer looks up only a few things at once (the cell above), and reads the rest as a fit.
# - **Means, not sums.** The paper sums over the context. We take means: then one formula holds for every $n$. But trained weights serve only the $n$ of their training;
#   [12](12_from_pilot_to_practice.ipynb) measures what they lose elsewhere.
#
# ## Quiz
# **1.** Why can $S$ not be taken out of the sum while the softmax is there?
# <details><summary>Answer</summary>The score is a row, of j, times a column, of i. The weight holds its exponential, which is no such product, so the column cannot be taken out.</details>
#
# **2.** A context has 5 tokens, $d = 100$. Which order is cheaper?
# <details><summary>Answer</summary>Scores first: the map has 25 entries, S has 101 × 101.</details>
#
# **3.** Two contexts have the same $S$, one has 20 examples, the other 2,000. Can a linear transformer tell them apart?
# <details><summary>Answer</summary>No. With means it does not even know n.</details>
#
# **4.** A context of one feature has Σ = 1, α = −1, v = 2. What does least squares answer for x = 3?
# <details><summary>Answer</summary>The slope is α / Σ = −1, so it answers −3. Of v it needs nothing.</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180). Here: sec. 3, eq. 3 and 10.
# - Vaswani et al.: *Attention Is All You Need*, NeurIPS 2017, [arXiv 1706.03762](https://arxiv.org/abs/1706.03762).
# - Katharopoulos et al.: *Transformers are RNNs*, ICML 2020, [arXiv 2006.16236](https://arxiv.org/abs/2006.16236): linear attention, recurrent form.
# - Schlag, Irie, Schmidhuber: *Linear Transformers Are Secretly Fast Weight Programmers*, ICML 2021, [arXiv 2102.11174](https://arxiv.org/abs/2102.11174): what S can hold.
# - Olsson et al.: *In-context Learning and Induction Heads*, 2022, [arXiv 2209.11895](https://arxiv.org/abs/2209.11895).
