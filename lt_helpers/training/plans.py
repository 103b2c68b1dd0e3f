"""How a family of models is trained: the settings of both optimisers, and the plan of a whole search, as data."""

from dataclasses import dataclass, replace

# What an exploding sequence of loss l counts for. In the gradient PULL log(1 + l / PULL): it still pulls, but not alone. Where two steps
# or two models are compared l / (1 + l / limit), with a low limit on a small batch, and a high one where a rare explosion must count.
PULL, LIMIT, RARE = 300.0, 10.0, 10_000.0


@dataclass(frozen=True)
class Stretch:
    """Sequences that are drawn larger than the task has them: among those are the rare ones that explode.

    Parameters
    ----------
    share : float.  Of all sequences.
    w, x, noise : float.  How many times larger the weights, the inputs and the noise of the labels are.
    """

    share: float
    w: float = 1.0
    x: float = 1.0
    noise: float = 1.0


# What explodes has a large w, as a rule.
STRETCHES = (Stretch(0.3, w=1.8, x=1.1),)


@dataclass(frozen=True)
class AdamSettings:
    """What Adam is told; a run's may be replaced between steps.

    Parameters
    ----------
    batch : int.  Sequences a step.
    learning_rate : float.  In units in which x and y have the same size.
    momentum, memory : float.  Of the averages of the gradient and of its square.
    clip : float.  Longest gradient, as a multiple of its usual length.
    averaging : int.  Over how many steps theta is averaged.
    check, held_out : int.  Every `check` steps that average is weighed on `held_out` sequences.
    pull, rare : float.  What an exploding sequence counts for, in the gradient and where models are weighed.
    stretches : tuple of Stretch.  Of the sequences, also where models are weighed.
    single : bool.  Compute gradients in single precision: steps are small anyway.
    """

    batch: int = 512
    learning_rate: float = 0.01
    momentum: float = 0.9
    memory: float = 0.99
    clip: float = 3.0
    averaging: int = 50
    check: int = 25
    held_out: int = 5_000
    pull: float = PULL
    rare: float = RARE
    stretches: tuple = STRETCHES
    single: bool = True


@dataclass(frozen=True)
class NewtonSettings:
    """What Gauss-Newton is told; a run's may be replaced between steps.

    Parameters
    ----------
    batch : int.  Sequences a step.
    thin : int.  One in so many sequences gives curvature.
    memory, momentum : float.  Of the averages of the curvature and of the gradient.
    damping, least_damping, most_damping : float.  At first, and its bounds.
    refresh : int.  Steps between factorisations.
    check, held_out : int.  Every `check` steps the average is weighed on `held_out` sequences.
    pull, rare : float.  What an exploding sequence counts for, in the gradient and where models are weighed.
    stretches : tuple of Stretch.  Of the sequences, also where models are weighed.
    single : bool.  Compute gradients in single precision.
    """

    batch: int = 2048
    thin: int = 8
    memory: float = 0.97
    momentum: float = 0.9
    damping: float = 1.0
    least_damping: float = 0.3
    most_damping: float = 30.0
    refresh: int = 4
    check: int = 25
    held_out: int = 20_000
    pull: float = PULL
    rare: float = RARE
    stretches: tuple = STRETCHES
    single: bool = False


@dataclass(frozen=True)
class Round:
    """All restarts take `steps` steps of Adam, of `batch` sequences, at this learning rate; then the best `keep` go on."""

    steps: int
    batch: int
    learning_rate: float
    keep: int


@dataclass(frozen=True)
class Stage:
    """The best `keep` of the starts take `steps` steps of `batch` sequences; Adam's at a rate that falls from this one to nothing."""

    keep: int
    steps: int
    batch: int
    learning_rate: float | None = None


@dataclass(frozen=True)
class Plan:
    """How to search.

    Parameters
    ----------
    restarts : int.  Random starts.
    rounds : tuple of Round.  How Adam prunes them.
    head_start : int.  Gauss-Newton steps that those left take before they are compared with warm starts.
    stages : tuple of Stage.  Of all starts.
    settings : NewtonSettings or AdamSettings.  Of the optimiser that takes the stages' steps.
    held_out : int.  Sequences that make the last choice.

    Raises
    ------
    ValueError
        If Adam takes the steps of a stage that has no learning rate.
    """

    restarts: int
    rounds: tuple
    head_start: int
    stages: tuple
    settings: NewtonSettings | AdamSettings
    held_out: int = 100_000

    def __post_init__(self):
        if isinstance(self.settings, AdamSettings):
            for number, stage in enumerate(self.stages):
                if stage.learning_rate is None:
                    raise ValueError(
                        f"stages[{number}] has learning_rate=None: Adam's stages must have one, such as Stage(1, 4_000, 256, 0.006)."
                    )


@dataclass(frozen=True)
class Descent:
    """How to descend on a fixed set of sequences, where there is no noise.

    Parameters
    ----------
    steps : int.  At most, from each start.
    jitter : tuple of float.  Each warm start is tried with so much noise, as shares of its numbers, as well.
    """

    steps: int
    jitter: tuple


# One sequence that explodes once in a million, met by chance among those that choose, must not hide the best of several models.
CHANCE = 300.0
# DIAG and GD++ have a few numbers a layer: their curvature is known after a few batches, and a step costs little. FULL has hundreds.
NEWTON_OF_FEW = NewtonSettings(
    thin=1, memory=0.95, momentum=0.7, least_damping=1e-3, refresh=1, held_out=10_000, rare=CHANCE
)
NEWTON_OF_MANY = NewtonSettings()

# Of batches of 512 the second is often the first of 2,048: so two go on there.
PLAN_OF_FEW = Plan(
    restarts=24,
    rounds=(Round(100, 64, 0.02, 8), Round(100, 128, 0.01, 6)),  # of 3 that were left, all could be poor
    head_start=10,
    stages=(Stage(6, 25, 256), Stage(4, 40, 512), Stage(2, 100, 2048)),
    settings=NEWTON_OF_FEW,
)
# With three layers the best minima end with a step of omega_yx = -5, far from where random starts begin, and few starts come there; and
# one that explodes once in 100,000 may come first until many sequences choose.
PLAN_OF_THREE = replace(
    PLAN_OF_FEW,
    restarts=96,
    rounds=(Round(200, 64, 0.05, 24), Round(200, 128, 0.02, 16)),
    stages=(Stage(16, 25, 256), Stage(6, 40, 512), Stage(3, 100, 2048)),
    held_out=200_000,
)
# Of hundreds of numbers Gauss-Newton learns the curvature from many large batches, and stays in the basin where it starts. Adam on small
# batches, at a rate that falls to nothing, leads further in a fraction of the time.
ADAM_OF_MANY = AdamSettings(memory=0.999, averaging=200, check=500, held_out=20_000, rare=CHANCE)
PLAN_OF_MANY = Plan(
    restarts=24,
    rounds=(Round(400, 64, 0.01, 8), Round(400, 128, 0.01, 4)),
    head_start=0,
    stages=(Stage(8, 800, 128, 0.006), Stage(3, 1_200, 256, 0.006), Stage(1, 4_000, 256, 0.006)),
    settings=ADAM_OF_MANY,
)
# Where noise levels lie apart, as in {1, 3}, it shows later which start ends best, and random starts alone have a longer way to go.
LONG_PLAN_OF_MANY = replace(
    PLAN_OF_MANY,
    stages=(Stage(8, 1_000, 256, 0.006), Stage(2, 6_000, 256, 0.006)),
)

DESCENT_OF_FEW = Descent(steps=40, jitter=(0.01, 0.1))
DESCENT_OF_MANY = Descent(steps=4, jitter=())  # FULL adds next to nothing to GD++ here
# A single layer has one minimum, and every start comes to it: what is left is to average over many sequences.
PLAN_OF_ONE = Plan(
    restarts=2,
    rounds=(Round(100, 128, 0.02, 1),),
    head_start=20,
    stages=(Stage(1, 60, 8192),),
    settings=replace(NEWTON_OF_FEW, thin=8, momentum=0.9, memory=0.97),
)
# From a model of another task, where somebody waits.
SHORT_FIT = Plan(
    restarts=0,
    rounds=(),
    head_start=0,
    stages=(Stage(1, 100, 512),),
    settings=replace(NEWTON_OF_FEW, held_out=5_000),
    held_out=20_000,
)
# From a model with one head, which no random start would meet. With a second head FULL can explode where the noise of a context is larger
# than its sigma makes likely, once in a million contexts, but then without bound: so some are drawn with more noise.
WIDENING = replace(
    PLAN_OF_MANY,
    restarts=0,
    rounds=(),
    stages=(Stage(1, 6_000, 256, 0.006),),
    settings=replace(ADAM_OF_MANY, rare=RARE, stretches=(*STRETCHES, Stretch(0.15, noise=1.4))),
    held_out=200_000,
)


def careful(plan):
    """The same plan for three layers, of which else one sequence in a million can rule the mean. Others would pay a few percent for it."""
    return replace(plan, settings=replace(plan.settings, pull=RARE, rare=RARE))
