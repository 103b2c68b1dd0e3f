# %% [markdown]
# # 10  Train your own
# *Move the noise while a model trains, and watch its weights move to where the new noise wants them.*
#
# Click the picture and press **Shift+Enter**: it becomes a lab, which says what to do. Read on with Shift+Enter, cell by cell.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
from lt_helpers.labs import TrainingLab, surprises

lab = TrainingLab()
lab

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The training lab 600 steps after the noise went from U(0, 1) to U(0, 5). Four panels show the omegas over the last 2,000 steps, a line a layer. Upright lines mark the change. There omega_yx of the last layer moves towards zero, and omega_xy of the second layer turns negative. The loss jumps at the change and falls to the stored model's. The last panel shows the implicit weight on one context near the oracle's.](../docs/pictures/training-lab.png)
#
# </details>
#
# **You will be able to** say where the weights of a model go when the noise of its training grows, and why; tell a loss that cannot fall from a loss that is stuck; compute where the training of a single layer must end,
# before it starts; keep the model that you trained.
#
# **Takes** 30 minutes. **Needs** the four numbers of a DIAG layer ([06](06_adaptive_rescaling.ipynb), [07](07_noise_adaptive_step_sizes.ipynb)) and one layer as a gradient step
# ([03](03_one_layer_is_one_gradient_step.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# **Symbols:** $\sigma$ the noise: standard deviation of what is added to the labels; $\omega_{xx}, \omega_{xy}, \omega_{yx}, \omega_{yy}$ the four numbers of a DIAG layer: what it writes, and what it reads;
# $\Sigma, \alpha, v$ the blocks of $S$: the means of $x x^T$, $y x$ and $y^2$; $w^l$ the implicit weight after layer $l$; $w_o$ the oracle's weights: ridge regression that is told $\sigma$;
# $\sigma_{max}$ the largest noise of a training; $c$ the step of a single layer, $w = c\,\alpha$.

# %% [markdown]
# ## Two minutes: do you remember?
# **1.** Layer 1 of a model cannot shorten its own step where a sequence is noisy. Why? ([07](07_noise_adaptive_step_sizes.ipynb))
# <details><summary>Answer</summary>It has fitted nothing yet. How much is left over after a fit is what tells the noise.</details>
#
# **2.** A model has the loss 0.060 ± 0.002, another 0.058 ± 0.002. Which is better? ([08](08_how_good_is_it.ipynb), if you did it)
# <details><summary>Answer</summary>Nobody can say: the difference, 0.002, is less than its own standard error, about 0.003.</details>
#
# **3.** Which number of a DIAG layer sets the length of a plain gradient step? ([03](03_one_layer_is_one_gradient_step.ipynb))
# <details><summary>Answer</summary>ω_yx; in the first layer the step is −ω_yx.</details>
#
# ## The question
# In nearly every other notebook $P$ and $Q$ are frozen ([03](03_one_layer_is_one_gradient_step.ipynb) trained one layer). Somebody chose a distribution of noise, trained a model on it, and stored the result. Here you train. The noise is under your hand *while* the weights are learned. Where do
# they go when it changes? Could you have said so before?
#
# ## What is trained
# The model is DIAG. A layer is four numbers (eq. 10), so three layers are twelve numbers. In the last layer only $\omega_{yx}$ and $\omega_{yy}$ have an effect, because no later layer reads its $x$. So ten numbers are trained.
#
# <details><summary>Why two heads</summary>
#
# One head holds products, $\omega_{xx} = p_x q_x$ and so on, and they are bound: $\omega_{xx}\,\omega_{yy} = \omega_{xy}\,\omega_{yx}$. With two heads all four are free. The lab trains the omegas themselves, that is, two heads. On
# $U(0, 5)$ the best loss is about the same ([11](11_inside_the_weights.ipynb)). On $\{1, 3\}$ two heads are better, so your model may end below the stored one, which has one head.
#
# </details>
#
# ## What is made small
# Training usually draws a query, and squares the error of its answer. Three facts save most of that work:
#
# - A model reads a context only through $S$, the mean of $e e^T$ ([01](01_linear_attention.ipynb)). So we draw $S$, not twenty tokens.
# - The mean over all queries is known. For $x \sim N(0, I)$ the squared error of an answer $\langle w, x\rangle$ is the squared distance of $w$ to the truth ([04](04_every_layer_keeps_a_weight_vector.ipynb)).
# - Noisy labels do not determine the truth. The best guess, for whoever knows $\sigma$, is $w_o$. So we may measure the squared distance to $w_o$ instead: on average the two differ by a constant.
#
# With $w^l$ after the last layer, what training makes small is the mean of
#
# $$\tfrac12\,\bigl|\,w^l - w_o\,\bigr|^2 .$$
#
# This is the *adjusted loss* of the paper's Table 1. One step of training takes 64 new sequences and about a millisecond.
#
# ### Act 1: the loss
# (one line) You have the model's and the oracle's weights for many sequences. What is the loss?

# %% jupyter={"source_hidden": true}
import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import training
from lt_helpers.implicit import effective_step_size, implicit_from_moments
from lt_helpers.labs import NoiseLab


# %% tags=["exercise"]
def loss(w, oracle):
    """w, oracle (B, d): the model's weights and the oracle's, a row a sequence  ->  one number"""
    ...


# %% tags=["check"]
training.loss.check(loss)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `((w - oracle) ** 2).sum(axis=1)` has the squared length of each row.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def loss(w, oracle):
#     return ((w - oracle) ** 2).sum(axis=1).mean() / 2
# ```
#
# </details>
#
# ## The lab's run, in numbers
# Here is the same run without a picture: 1,200 steps with $\sigma_{max} = 1$, that is, $\sigma$ is drawn from $U(0, 1)$. Then 1,500 steps with 5. **Your numbers will differ from those printed here**:
# processors round differently, and thousands of steps make that visible. Some runs even end at other weights, with nearly the same loss. So the text says only what all our runs had in common.

# %%
mine = TrainingLab(sigma_max=1.0, beat=None)
mine.run(steps=1200)
quiet, models = mine.arrays, {"U(0, 1)": mine.model()}
mine.controls["sigma_max"].value = 5.0
mine.run(steps=1500)
loud, models["U(0, 5)"] = mine.arrays, mine.model()

before, after = (run.omega[-1, 2, -1] for run in (quiet, loud))
print("omega_yx of the last layer went", "towards" if abs(after) < abs(before) else "away from", "zero")


# %% tags=["nbval-ignore-output"]
def show(run):
    print(f"{run.noise.label}: loss {run.loss[-1]:.4f}, {run.loss[-1] / run.bayes[-1]:.1f} times the Bayes-optimal predictor's")
    print("layer  omega_xx  omega_xy  omega_yx  omega_yy     (- : no effect)")
    for layer, omega in enumerate(run.omega[:, :, -1], start=1):
        print(f"{layer:5d} ", *("        -" if np.isnan(number) else f"{number:9.3f}" for number in omega))


show(quiet)
show(loud)

# %% [markdown]
# - **$\omega_{yx}$.** In the first layer $-\omega_{yx}$ is the length of the step. In a later one it is large where the layers before have shrunk $x$ ([05](05_preconditioning_and_momentum.ipynb)), and says little alone. On
#   $U(0, 5)$ it comes nearer to zero in the second and in the last layer.
# - **$\omega_{xy}$ of layer 2.** On $U(0, 1)$ all sequences need nearly the same step, so this number stays near 0. On $U(0, 5)$ they differ. It turns negative: where much is left over after the first layers, the last step gets
#   shorter ([07](07_noise_adaptive_step_sizes.ipynb)).
# - **The loss** is larger with more noise, and so is its distance to that of the Bayes-optimal predictor, the best that is possible for who knows how $\sigma$ is drawn. But *as a multiple* of it, the loss is nearer. Quiet sequences
#   are hard for three layers: least squares has to invert $\Sigma$. Noisy ones ask for shrinkage, which is easier.
#
# The effective step ([07](07_noise_adaptive_step_sizes.ipynb)) is how far a layer really goes along the gradient:

# %% tags=["nbval-ignore-output"]
for noise, model in models.items():
    for sigma in (1, 4):
        moments = lt.RegressionTask(10, 20, lt.Fixed(sigma)).sample_moments(2000, np.random.default_rng(0))
        steps, _ = effective_step_size(implicit_from_moments(model, moments.S), pooled=True)  # (L,)
        print(f"{noise}, at sigma = {sigma}: effective steps", *(f"{step:6.2f}" for step in steps))

# %% [markdown]
# Compare the last column at $\sigma = 1$ and at $\sigma = 4$. Trained on $U(0, 1)$, the last step is no shorter where it is noisier. Trained on $U(0, 5)$, it is clearly shorter there; in some runs it is below 0, and takes back part of
# what was built ([07](07_noise_adaptive_step_sizes.ipynb)). The second step is shorter than before at both.
#
# ## Stuck, or done?
# The loss no longer falls. It may be as low as the model allows. Or the weights sit in a **poor minimum**: every small change makes the loss larger, but other weights far away are better. Seen from inside both look alike, since the
# gradient is zero in both. The lab can tell only from outside: it compares with the stored model. If yours has stopped falling a tenth above that, the lab says so.
#
# A remedy is a new start (*Everything*, then *Restart*). The noise of small batches may help too, and so may a larger learning rate. *Jump to the optimum* is no remedy. It goes to the nearest minimum quickly, by a method
# called Gauss-Newton, and stays there.
#
# <details><summary>How often does it get stuck?</summary>
#
# `python -m benchmarks live` counts how many of 20 starts follow the noise from $U(0, 1)$ to $U(0, 5)$ to within a tenth of the stored model's loss. With one head they seldom do: there an omega can pass through zero only together with
# another.
#
# </details>
#
# ## Keep what you trained
# Your model is a `LinearTransformer` like any other. Save it, load it, and weigh it on sequences that it has not seen.

# %%
import tempfile
from pathlib import Path

path = Path(tempfile.mkdtemp()) / "my_model.safetensors"  # choose a place of your own to keep it
mine.model().save(path)
loaded = lt.LinearTransformer.load(path)
print(loaded)
task, stored = lt.RegressionTask(10, 20, lt.Uniform(5.0)), lt.load_pretrained("diag", layers=3, noise=lt.Uniform(5.0))
my_loss, its_loss = (lt.adjusted_loss(model, task, samples=20_000, rng=np.random.default_rng(1))[0] for model in (loaded, stored))
print("compared with the stored model's, its loss is", "less than half again as large" if my_loss < 1.5 * its_loss else "much larger")

# %% [markdown]
# The noise lab takes it too. There P and Q are frozen again: yours.

# %% tags=["nbval-ignore-output"]
NoiseLab(model=path, noise="uniform-5", sigma=2.0, beat=None)

# %% [markdown]
# ### Exercise: where one layer must end
# (level: practice)
#
# With one layer $w = c\,\alpha$, where $c = -\omega_{yx}$; nothing else has an effect. The loss is a parabola in $c$, with its minimum at
#
# $$c = \frac{E\langle\alpha, w^*\rangle}{E|\alpha|^2}, \qquad \alpha = \Sigma w^* + \overline{\xi x} .$$
#
# Here $w^*$ is the truth, and the bar is a mean over the examples, whose noise is $\xi$. Work out both means for $x, w^* \sim N(0, I)$ and return the $\omega_{yx}$ at which training has to end. (Mahankali et al. 2023 prove that no other one-layer
# model does better.)

# %% tags=["exercise"]
def my_fixed_point(dim, context, mean_square):
    """dim : d;  context : n;  mean_square : E sigma^2 of the training noise  ->  omega_yx"""
    ...


# %% tags=["check"]
training.fixed_point.check(my_fixed_point)

# %% [markdown]
# <details><summary>Hint</summary>
#
# $E\,\Sigma = I$, so $E\langle\alpha, w^*\rangle = d$.
#
# </details>
# <details><summary>Hint</summary>
#
# For Gaussian inputs $E\,\Sigma^2 = (1 + (d + 1)/n)\,I$. The noise adds $E|\overline{\xi x}|^2 = d\,E\sigma^2/n$ to $E|\alpha|^2$.
#
# </details>
# <details><summary>Solution</summary>
#
# ```python
# def my_fixed_point(dim, context, mean_square):
#     return -1 / (1 + (dim + 1) / context + mean_square / context)
# ```
#
# </details>
#
# Then let training find it. For $U(0, \sigma_{max})$ the mean of $\sigma^2$ is $\sigma_{max}^2/3$. Does your number agree with what a few hundred steps find, to about 0.01?

# %% tags=["nbval-ignore-output"]
one = TrainingLab(sigma_max=1.0, layers=1, learning_rate=0.02, beat=None)
for sigma_max in (1.0, 3.0, 5.0):
    one.controls["sigma_max"].value = sigma_max
    one.run(steps=250)
    print(f"sigma_max = {sigma_max:.0f}: trained omega_yx {one.arrays.omega[0, 2, -1]:.3f}")

# %% [markdown]
# ## What surprised you
# Run this cell once you have been through the lab. It puts your predictions beside the answers.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
surprises(lab)

# %% [markdown]
# ## What to keep
# - **Weights are a summary of the training noise.** A model does not hold its $\sigma_{max}$ as a number. It is spread over all its omegas.
# - **Nearly the same loss, other weights.** When $\sigma_{max}$ went back to 1 in the lab, the loss came back too, or to a little less. The last $\omega_{yx}$ ended further from zero than it had been.
# - **The stored models** were not made here. They come from many starts and far larger batches, and are weighed on 200,000 sequences (`python -m lt_helpers train`). The paper trains with Adam, 200,000 steps of 2,048 sequences, and
#   keeps the best of five (sec. 6, app. B).
# - **FULL** has 242 numbers a layer. Choose it under *Everything*, and see where its heat maps leave the diagonal. [11](11_inside_the_weights.ipynb) asks what the rest is worth.
#
# ## Quiz
# **1.** With GD++, $\sigma_{max}$ goes from 1 to 5. Which omegas can move, and what will the loss come to?
# <details><summary>Answer</summary>Only omega_xx and omega_yx. The loss ends near ConstRR's, far above DIAG's: without q_y no label meets a label (06).</details>
#
# **2.** For a single layer, which matters to training: the distribution of $\sigma$, or only the mean of $\sigma^2$?
# <details><summary>Answer</summary>Only the mean of σ²: it alone is in the fixed point. U(0, 5) and a fixed σ = 2.89 train the same layer. For DIAG and FULL this ends from two layers on; GD++, linear in the labels, knows only the mean of σ² at any depth.</details>
#
# **3.** The loss has not moved for 1,000 steps. Gauss-Newton from there stays as well. Is the model as good as it can be?
# <details><summary>Answer</summary>Not known: a poor minimum looks the same from inside. Compare with other starts, with a stored model, or with a bound such as the Bayes-optimal predictor.</details>
#
# **4.** Why can the loss not reach the Bayes-optimal predictor's, however long three layers are trained?
# <details><summary>Answer</summary>Their answer is a polynomial of fixed degree in the data; the Bayes-optimal predictor inverts matrices and weighs all σ. More layers come closer (08).</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 10, sec. 5.2 and 5.3, sec. 6, app. B.
# - Ahn et al.: *Transformers learn to implement preconditioned gradient descent*, NeurIPS 2023, [arXiv 2306.00297](https://arxiv.org/abs/2306.00297): the optimum of one layer.
# - Mahankali, Hashimoto, Ma: *One Step of Gradient Descent is Provably the Optimal In-Context Learner with One Layer of Linear Self-Attention*, ICLR 2024, [arXiv 2307.03576](https://arxiv.org/abs/2307.03576): the same with noisy labels.
# - Kingma, Ba: *Adam: A Method for Stochastic Optimization*, ICLR 2015, [arXiv 1412.6980](https://arxiv.org/abs/1412.6980).
