# %% [markdown]
# # 10  Train your own
# *Move the noise while a model trains, and watch its weights move to where the new noise wants them.*
#
# **You will be able to**
# - say in which direction the weights of a layer move when the training noise grows, and why;
# - tell a loss that cannot fall from a loss that is stuck;
# - compute where the training of a single layer must end, before it starts;
# - keep the model that you trained, and look at it with the other labs.
#
# **Takes** 30 minutes. **Needs** the four omegas ([06](06_adaptive_rescaling.ipynb), [07](07_noise_adaptive_step_sizes.ipynb)) and one layer as a gradient step
# ([03](03_one_layer_is_one_gradient_step.ipynb)). Words: [glossary](../docs/glossary.md).

# %% [markdown]
# ## The question
# In every other notebook $P$ and $Q$ are frozen, and only $w$ moves. Somebody chose a distribution of noise, trained, and stored the result. Here you train. The noise is under
# your hand *while* the weights are learned. Where do they go when it changes, and could you have said so before?

# %%
import numpy as np

import lt_helpers as lt
from lt_helpers.exercises import training
from lt_helpers.labs import NoiseLab, TrainingLab

# %% [markdown]
# ## What is trained
# The model is DIAG. A layer is four numbers, $\omega_{xx}$, $\omega_{xy}$, $\omega_{yx}$ and $\omega_{yy}$ (eq. 10), so three layers are twelve. In the last layer only $\omega_{yx}$ and
# $\omega_{yy}$ have an effect: nothing reads its $x$ any more.
#
# One head holds products, $\omega_{xx} = p_x q_x$ and so on, and they are bound: $\omega_{xx}\,\omega_{yy} = \omega_{xy}\,\omega_{yx}$. With two heads all four are free. The lab trains the omegas
# themselves, that is, two heads. On $U(0, 5)$ the best loss is about the same ([11](11_inside_the_weights.ipynb)); on $\{1, 3\}$ two heads are clearly better, so yours may
# end below the stored model, which has one. (The section on poor minima comes back to this.)
#
# ## What is made small
# Training usually draws a query and squares the error of its answer. Three facts save most of the work:
#
# - A model reads a context only through its second moments $S$ ([01](01_linear_attention.ipynb)). So we draw $S$, not twenty tokens.
# - The mean over all queries is known: for $x \sim N(0, I)$ the squared error is $|w^L - w|^2$, with $w^L$ the implicit weight
#   ([04](04_every_layer_keeps_a_weight_vector.ipynb)).
# - Given the data and $\sigma$, the mean of $w$ is the ridge weight of the oracle. So the loss is, up to a constant,
#
# $$\tfrac12\, E\,\bigl|\,w^L - w_{\mathrm{ridge}}(\sigma)\,\bigr|^2 .$$
#
# This is the *adjusted loss* of the paper's Table 1, in expectation. Its gradient is far less noisy than that of one query. One step takes 64 fresh sequences and a few milliseconds.

# %%
lab = TrainingLab(sigma_max=1.0, layers=3)
print(f"{lab.model()}: loss {lab.arrays.loss[-1]:.1f} before the first step")
lab.run(steps=800)
quiet = lab.arrays
print(f"after {quiet.steps} steps below 0.1: {quiet.loss[-1] < 0.1}")

# %% [markdown]
# These steps were on $\sigma \sim U(0, 1)$. Here is what they found, layer by layer.


# %% tags=["nbval-ignore-output"]
def show(arrays):
    print("layer  omega_xx  omega_xy  omega_yx  omega_yy     (- : no effect)")
    for layer, omega in enumerate(arrays.omega[:, :, -1], start=1):
        print(f"{layer:5d} ", *("        -" if np.isnan(number) else f"{number:9.3f}" for number in omega))
    print(f"loss {arrays.loss[-1]:.4f}, Bayes-optimal predictor {arrays.bayes[-1]:.4f}, stored model {arrays.stored[-1]:.4f}")


show(quiet)

# %% [markdown]
# With so little noise the two omegas that read it, $\omega_{xy}$ and $\omega_{yy}$, stay small. The later layers take long steps, $-\omega_{yx}$ is large, because the layers before have shrunk
# $x$ along the strong directions: they make the problem well-conditioned ([05](05_preconditioning_and_momentum.ipynb)).
#
# ## Predict, then slide
# Now let σ_max go from 1 to 5. Write down before you touch anything:
#
# 1. **The long step of the last layer, $\omega_{yx}$: towards zero, or further away?** Set the pink marker to where you expect it.
# 2. **$\omega_{xy}$, which shortens steps where residuals are large: which sign will it take?**
# 3. **The loss:** the best possible predictor's is some thirty times higher at σ_max = 5 than at 1. Will the model come closer to it, as a ratio, or fall further behind?
#
# Press *Start*, wait until the curves lie still, and slide σ_max to 5. Everything can be moved while it trains.

# %% tags=["nbval-ignore-output"]
TrainingLab(sigma_max=1.0, layers=3)

# %% [markdown]
# <details><summary>The lab as a picture</summary>
#
# ![The training lab 600 steps after the noise went from U(0, 1) to U(0, 5). Four panels show the omegas over the last 2,000 steps, a line a layer. At the change, omega_yx of the last layer moves from about -7.5 to -3.3, and omega_xy of the second layer turns negative. The loss jumps at the change and falls to the stored model's. The last panel shows the implicit weight on one context near the oracle's.](../docs/pictures/training-lab.png)
#
# </details>
#
# - **The four omegas.** A line a layer, the last 2,000 steps, now at the right. The weights themselves move; in every other lab only $w$ does.
# - **Loss.** On a fixed test set, beside the Bayes-optimal predictor and the stored model of the same depth, if one is stored for this noise. Zero would be the oracle, which is told σ.
# - **w on one context.** The context stays the same, so what moves the blue dots is the training.
# - **Jump to the optimum** replaces Adam by Gauss-Newton for a moment. Open marks show where it ended.
#
# The lab stops by itself ten minutes after your last touch, and goes on at the next one. It trains one model at a time: run its cell again, and the first lab stops.
#
# ## The same, in numbers
# We take the model from above, move its noise, and train on.

# %%
lab.controls["sigma_max"].value = 5.0
lab.run(steps=900)
noisy = lab.arrays
before, after = quiet.omega[:, :, -1], noisy.omega[:, :, -1]
print("last omega_yx moved towards zero:", before[-1, 2] < after[-1, 2] < 0)
print("most negative omega_xy, further below zero than before:", np.nanmin(after[:, 1]) < np.nanmin(before[:, 1]) < 0.01)
ratios = [arrays.loss[-1] / arrays.bayes[-1] for arrays in (quiet, noisy)]
print("loss over the Bayes-optimal predictor's is smaller at sigma_max = 5:", ratios[1] < ratios[0])

# %% tags=["nbval-ignore-output"]
show(noisy)
print(f"loss over Bayes-optimal: {ratios[0]:.1f} at sigma_max = 1, {ratios[1]:.1f} at 5")

# %% [markdown]
# **Prediction 1.** Towards zero. Noisier labels ask for a shorter step, and the training shortens the one that is always taken.
#
# **Prediction 2.** Negative. At σ_max = 1 all sequences need nearly the same step, and $\omega_{xy}$ has nothing to do. At 5 they differ, and it pays to shorten the step where residuals are large
# ([07](07_noise_adaptive_step_sizes.ipynb)).
#
# **Prediction 3.** Closer. Quiet sequences are hard for few layers, since least squares has to invert $\Sigma$. Noisy ones need shrinkage, which two layers can do.
#
# ## Stuck, or done?
# A loss that lies still may be as low as the model allows, or the weights may sit in a **poor minimum**. From inside the two look alike: the gradient is zero in both. The lab knows the
# difference only from outside, from the loss of the stored model. If yours lies more than a tenth above it and has stopped falling, the lab says so. A new start is the remedy; the noise
# of small batches helps too, as does a larger learning rate.
#
# Gauss-Newton is no remedy. It goes to the nearest optimum, quickly, and stays there. Try it in the lab: train at σ_max = 1, pause, slide to 5, and press *Jump to the optimum*; then the same
# after *Restart*. Is it always the stored model's loss where it ends?
#
# Free omegas help. With one head, $\omega_{xx}\,\omega_{yy} = \omega_{xy}\,\omega_{yx}$ makes signs hard to change: an omega can only pass through zero together with another. How many of 20
# starts follow the noise to within a tenth of the stored model's loss is counted by `python -m benchmarks live`, with the lab's own settings.
#
# ## Keep what you trained
# The model is a `LinearTransformer` like any other. Save it, load it, weigh it beside the stored one. In a terminal, `python -m lt_helpers evaluate PATH --noise uniform:5` weighs the saved file beside
# the Bayes-optimal predictor.

# %%
import tempfile
from pathlib import Path

path = Path(tempfile.mkdtemp()) / "my_model.safetensors"  # choose a place of your own to keep it
lab.model().save(path)
mine = lt.LinearTransformer.load(path)
print(mine)
task, others = lt.RegressionTask(10, 20, lt.Uniform(5.0)), lt.load_pretrained("diag", layers=3, noise=lt.Uniform(5.0))
loss, stored = (lt.adjusted_loss(model, task, samples=20_000, rng=np.random.default_rng(1))[0] for model in (mine, others))
print(f"less than half again the stored model's loss: {loss < 1.5 * stored}")

# %% [markdown]
# The noise lab takes it too. There P and Q are frozen again: yours.

# %% tags=["nbval-ignore-output"]
NoiseLab(model=path, noise="uniform-5", sigma=2.0)

# %% [markdown]
# ## Exercise
# ### Exercise: where one layer must end
# (15 minutes, level: practice)
#
# With one layer $w = c\,\alpha$, $c = -\omega_{yx}$, and nothing else has an effect. The loss is a parabola in $c$, with its minimum at $c = E\langle\alpha, w\rangle / E|\alpha|^2$. Work
# out both means for $x, w \sim N(0, I_d)$ and return the $\omega_{yx}$ at which training has to end (Mahankali et al. 2023 prove that no other one-layer model does better). With $\Sigma = \overline{x x^T}$, $\alpha = \Sigma w + \overline{\xi x}$.

# %% tags=["exercise"]
def my_fixed_point(dim, context, mean_square):
    """dim : d;  context : n;  mean_square : E sigma^2 of the training noise  ->  omega_yx"""
    ...


# %% tags=["check"]
training.fixed_point.check(my_fixed_point)

# %% [markdown]
# <details><summary>Hint</summary>
#
# $E\,\Sigma = I$, so $E\langle\alpha, w\rangle = d$.
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
# Then let training find it. For $U(0, \sigma_{max})$, $E\sigma^2 = \sigma_{max}^2/3$. Does your number agree with what a few hundred steps find, to two digits?

# %% tags=["nbval-ignore-output"]
one = TrainingLab(sigma_max=1.0, layers=1, learning_rate=0.02)
for sigma_max in (1.0, 3.0, 5.0):
    one.controls["sigma_max"].value = sigma_max
    one.run(steps=250)
    print(f"sigma_max = {sigma_max:.0f}: trained omega_yx {one.arrays.omega[0, 2, -1]:.3f}")

# %% [markdown]
# ## Discussion
# - **Weights are a summary of the training noise.** A model does not know its σ_max as a number; it is spread over all its omegas. Slide σ_max down again, and they go back, or to another
#   minimum of about the same loss: with three layers the way there can matter.
# - **What Adam shows and Gauss-Newton hides.** The path. Gauss-Newton takes a few dozen steps, each far more expensive, and its way through weight space means nothing.
# - **The stored models** were not made here. They come from many starts, with far larger batches, and are weighed on 200,000 sequences (`python -m lt_helpers train`). The paper trains with Adam,
#   200,000 steps of 2,048 sequences, best of five seeds (sec. 6, app. B).
# - **FULL** has 242 numbers a layer. Choose it in the lab, and see where its heat maps leave the diagonal. What the rest is worth: [11](11_inside_the_weights.ipynb).
#
# ## Quiz
# **1.** With GD++, σ_max goes from 1 to 5. Which omegas can move, and what will the loss come to?
# <details><summary>Answer</summary>Only omega_xx and omega_yx. The loss ends near ConstRR's, far above DIAG's: without q_y no label meets a label (06).</details>
#
# **2.** For a single layer, which matters to training: the distribution of σ, or only the mean of σ²?
# <details><summary>Answer</summary>Only the mean of σ²: it alone is in the fixed point. U(0, 5) and a fixed σ = 2.89 train the same layer. From two layers on this ends.</details>
#
# **3.** The loss has lain still for 1,000 steps. Gauss-Newton from there stays as well. Is the model as good as it can be?
# <details><summary>Answer</summary>Not known: a poor minimum looks the same from inside. Compare with other starts, with a stored model, or with a bound such as the Bayes-optimal predictor.</details>
#
# **4.** Why can the loss on the test set not reach the Bayes-optimal predictor's, however long three layers are trained?
# <details><summary>Answer</summary>Their answer is a polynomial of fixed degree in the data; the Bayes-optimal predictor inverts matrices and weighs all σ. More layers come closer (08).</details>
#
# ## References
# - Vladymyrov, von Oswald, Sandler, Ge: *Linear Transformers are Versatile In-Context Learners*, NeurIPS 2024, [arXiv 2402.14180](https://arxiv.org/abs/2402.14180).
#   Here: eq. 10, sec. 5.2 and 5.3, sec. 6, app. B.
# - Ahn et al.: *Transformers learn to implement preconditioned gradient descent*, NeurIPS 2023, [arXiv 2306.00297](https://arxiv.org/abs/2306.00297): the optimum of one layer.
# - Mahankali, Hashimoto, Ma: *One Step of Gradient Descent is Provably the Optimal In-Context Learner with One Layer of Linear Self-Attention*, ICLR 2024, [arXiv 2307.03576](https://arxiv.org/abs/2307.03576): the same with noisy labels.
# - Kingma, Ba: *Adam: A Method for Stochastic Optimization*, ICLR 2015, [arXiv 1412.6980](https://arxiv.org/abs/1412.6980).
