"""Contexts of different lengths for one model: what it may be given to read, and a task that mixes them.

A model reads a context through its second moments S, the means of e e^T over the n examples, and was made for one length, m = 20. Of
contexts with another n it may be given

    means    S as it is: the steps stay as long as they were, and n shows in nothing but the scatter of Sigma
    sums     (n/m) S, the sums over the examples divided by m: what the paper's models read; the steps grow with n
    scaled   the means of labels times tau = sqrt((m - d) / (n - d)), and its answer divided by tau

AdaRR adds (mean r^2) / (n - d) to the diagonal of Sigma, r what least squares leaves. A model for m = 20 and d = 10 adds about a tenth of
mean r^2, whatever n is. Labels times tau leave tau^2 mean r^2, a tenth of which is mean r^2 / (n - d).
"""

from dataclasses import dataclass

import numpy as np

from . import checks
from .task import PAPER, Moments, RegressionTask

READINGS = ("means", "sums", "scaled")
LENGTHS = (15, 20, 30, 40, 60, 80)


def read_as(S, context, reading, made_for=PAPER.context):
    """What a model is given to read of contexts, and the unit of its answers.

    Parameters
    ----------
    S : (B, D, D) array, D = d + 1
        Means of e e^T over the examples of each context.
    context : int or (B,) array
        n, the same for all contexts or one for each; above d where labels are scaled.
    reading : {"means", "sums", "scaled"}
        As above.
    made_for : int
        m, the length at which all readings are the same.

    Returns
    -------
    moments : (B, D, D) array
        What the model reads.
    unit : (B, 1) array
        tau, 1 where labels are not scaled: the model's weights are to be divided by it.

    Raises
    ------
    ValueError
        If there is no such reading.
    """
    checks.one_of(reading, "reading", READINGS)
    n = np.broadcast_to(context, len(S))  # (B,)
    unit = np.ones(len(S))
    if reading == "sums":
        return n[:, None, None] / made_for * S, unit[:, None]
    if reading == "scaled":
        d = S.shape[-1] - 1
        unit = np.sqrt((made_for - d) / (n - d))  # (B,)

    # The label is the last entry of a token.
    sizes = np.ones(S.shape[:2])  # (B, D)
    sizes[:, -1] = unit
    return sizes[:, :, None] * S * sizes[:, None, :], unit[:, None]


def answer(model, S, context, reading, made_for=PAPER.context):
    """The weight that a model answers with to contexts of any length.

    Parameters
    ----------
    model : LinearTransformer
        Made for m examples.
    S, context, reading, made_for
        As in `read_as`.

    Returns
    -------
    (B, d) array
        Not finite where the model diverges.
    """
    moments, unit = read_as(S, context, reading, made_for)
    return model.implicit_weight(moments) / unit


def correlated(correlation, dim=PAPER.dim):
    """A covariance whose neighbours are alike, correlation^|i - j|: the stationary first-order autoregression.

    Parameters
    ----------
    correlation : number
        The correlation of neighbours, from 0 to below 1.
    dim : int
        d.

    Returns
    -------
    (d, d) array
    """
    place = np.arange(dim)
    return float(correlation) ** abs(place - place[:, None])


@dataclass(frozen=True, eq=False)
class MixedLengths(RegressionTask):
    """A task whose sequences have different lengths, each of them as likely, for `lt.train` and `lt.fit`.

    Its moments are what a model is given to read. `context` is m, and so are w and sigma: those of m examples whose ridge regression, told
    sigma, gives the same answer as that of the n examples does. Where labels are scaled, so is w, and errors count in that unit.

    Parameters
    ----------
    dim, context, noise, covariance, w_scale
        As in RegressionTask.
    lengths : tuple of int
        The lengths n, all above d.
    reading : {"means", "sums", "scaled"}
        What a model is given to read.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.
    """

    lengths: tuple = LENGTHS
    reading: str = "means"

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.lengths, (tuple, list)) or not self.lengths:
            raise TypeError(
                f"lengths is {checks.shown(self.lengths)}: lengths must be a tuple of whole numbers."
            )
        lengths = tuple(checks.count(n, "lengths", least=self.dim + 1) for n in self.lengths)
        object.__setattr__(self, "lengths", lengths)
        checks.one_of(self.reading, "reading", READINGS)

    @property
    def own(self):
        """Training knows no density of what it draws, as with inputs of one's own; ridge told sigma stays the best answer given sigma."""
        return ("sample_inputs",)

    def sample(self, batch, rng):
        """Refused: contexts of different lengths are no array of tokens."""
        raise ValueError(
            "contexts of different lengths are no array of tokens: sample_moments draws them as moments."
        )

    def sample_moments(self, batch, rng):
        """Draw sequences, each with a length of its own, as what a model reads of them.

        Parameters
        ----------
        batch : int
            B, how many sequences.
        rng : numpy.random.Generator
            What draws them.

        Returns
        -------
        Moments

        Raises
        ------
        TypeError, ValueError
            If the batch is no count, or the generator none.
        """
        checks.count(batch, "batch", least=0)
        checks.generator(rng)
        n = rng.choice(self.lengths, batch)  # (B,)
        S = np.zeros((batch, self.dim + 1, self.dim + 1))
        w = np.zeros((batch, self.dim))
        sigma = np.zeros(batch)
        for length in self.lengths:
            here = n == length  # (B,)
            task = RegressionTask(self.dim, length, self.noise, self.covariance, self.w_scale)
            drawn = task.sample_moments(int(here.sum()), rng)
            S[here] = drawn.S
            w[here] = drawn.w
            sigma[here] = drawn.sigma

        # The penalty sigma^2/n of means is that of m examples with a noise sqrt(m/n) as large; the penalty of sums is sigma^2/m.
        moments, unit = read_as(S, n, self.reading, self.context)
        if self.reading != "sums":
            sigma = np.sqrt(self.context / n) * sigma
        return Moments(moments, unit * w, sigma, self.context)
