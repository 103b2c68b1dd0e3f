"""The forward pass by two routes, its symmetries, files, and what it refuses."""

import functools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_helpers import (
    Categorical,
    Fixed,
    LinearTransformer,
    RegressionTask,
    Uniform,
    implicit_regression,
    load_pretrained,
)
from lt_helpers.gauge import canonical
from lt_helpers.model import implicit_weight
from lt_helpers.noise import Noise


def relative(a, b):
    return abs(a - b).max() / abs(b).max()


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["gd++", "diag", "full"]),
    dim=st.integers(1, 13),
    context=st.integers(1, 30),
    layers=st.integers(1, 6),
    heads=st.integers(1, 3),
    seed=st.integers(0, 2**32),
)
def test_token_form_and_moment_form_agree(kind, dim, context, layers, heads, seed):
    rng = np.random.default_rng(seed)
    model = LinearTransformer.random(kind, dim, layers, heads, rng, scale=0.3 / np.sqrt(dim))
    batch = RegressionTask(dim, context, Fixed(0.5)).sample(6, rng)
    tokens = model(batch.x, batch.y, batch.x_query, form="tokens")
    assert relative(model(batch.x, batch.y, batch.x_query), tokens) < 1e-10


def test_one_layer_by_hand(rng):
    """Equation 3 written as loops over heads and tokens."""
    model = LinearTransformer.random("full", 3, 1, 2, rng, scale=0.5)
    x, y, x_query = rng.normal(size=(1, 5, 3)), rng.normal(size=(1, 5)), rng.normal(size=(1, 3))
    e = np.c_[x[0], y[0]]
    query = np.r_[x_query[0], 0]
    after = query.copy()
    for P, Q in zip(model.P[0], model.Q[0]):
        for e_j in e:
            after += P @ e_j * (e_j @ Q @ query) / 5
    assert model(x, y, x_query)[0] == pytest.approx(-after[-1], rel=1e-12)


def test_the_order_of_the_context_does_not_matter(rng):
    model = LinearTransformer.random("full", 4, 3, 2, rng, scale=0.2)
    batch = RegressionTask(4, 9, Fixed(1.0)).sample(5, rng)
    order = rng.permutation(9)
    shuffled = model(batch.x[:, order], batch.y[:, order], batch.x_query)
    np.testing.assert_allclose(shuffled, model(batch.x, batch.y, batch.x_query), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["gd++", "diag"])
def test_rotating_the_inputs_leaves_the_answer_of_a_diagonal_model(kind, rng):
    model = LinearTransformer.random(kind, 4, 3, 2, rng, scale=0.3)
    batch = RegressionTask(4, 9, Fixed(1.0)).sample(5, rng)
    rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    rotated = model(batch.x @ rotation, batch.y, batch.x_query @ rotation)
    np.testing.assert_allclose(rotated, model(batch.x, batch.y, batch.x_query), rtol=1e-10, atol=1e-12)


def test_numpy_and_torch_run_the_same_code(rng):
    torch = pytest.importorskip("torch")
    model = LinearTransformer.random("full", 4, 3, 2, rng, scale=0.2)
    S = RegressionTask(4, 9, Fixed(1.0)).sample_moments(5, rng).S
    from lt_helpers.model import layer_updates

    for ours, theirs in zip(
        layer_updates(model.P, model.Q, S), layer_updates(*map(torch.tensor, (model.P, model.Q, S)))
    ):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12, atol=1e-14)


def test_weights_for_sums_are_taken_over(rng):
    sums = LinearTransformer.random("full", 3, 2, 2, rng, scale=0.1)
    batch = RegressionTask(3, 7, Fixed(1.0)).sample(4, rng)
    ours = LinearTransformer.from_sums(sums.P, sums.Q, context=7)
    by_sums = implicit_weight(sums.P, sums.Q, np.einsum("bni,bnj->bij", *2 * [np.dstack([batch.x, batch.y])]))
    np.testing.assert_allclose(
        ours(batch.x, batch.y, batch.x_query), (by_sums * batch.x_query).sum(axis=1), rtol=1e-10
    )
    assert ours.context == 7


def test_kind_is_read_off_the_matrices(rng):
    for kind in ("gd++", "diag", "full"):
        assert LinearTransformer.random(kind, 3, 2, 2, rng).kind == kind


def test_omega_adds_up_heads(rng):
    p, q = rng.normal(size=(2, 3, 2, 2))
    omega = LinearTransformer.from_diagonals(p, q, 4).omega
    assert omega[1, 0, 1] == pytest.approx(p[1, 0, 0] * q[1, 0, 1] + p[1, 1, 0] * q[1, 1, 1])
    full = LinearTransformer.random("full", 3, 2, 2, rng)
    with pytest.raises(ValueError, match="full"):
        print(full.omega)


def test_a_model_is_saved_and_loaded(tmp_path, rng):
    model = LinearTransformer.from_sums(*rng.normal(size=(2, 3, 2, 4, 4)), context=20)
    model.save(tmp_path / "model.safetensors")
    again = LinearTransformer.load(tmp_path / "model.safetensors")
    assert np.array_equal(again.P, model.P) and np.array_equal(again.Q, model.Q) and again.context == 20
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize(
    "noise", [Fixed(0), Uniform(1 / 3), Categorical((1, 3, 5))], ids=lambda noise: noise.key
)
def test_a_saved_model_keeps_what_is_known_of_its_training(tmp_path, rng, noise):
    P, Q = rng.normal(size=(2, 3, 2, 4, 4))
    record = {
        "loss": 0.1,
        "versions": {"numpy": "2.0"},
        "noise": noise.key,
        "worst": float("inf"),
        "seed": [1, None],
    }
    LinearTransformer(P, Q, 20, noise, 1 / 3, record).save(tmp_path / "model.safetensors")
    again = LinearTransformer.load(tmp_path / "model.safetensors")
    assert (again.context, again.noise, again.label_size, again.record) == (20, noise, 1 / 3, record)


def test_the_size_of_the_labels_is_what_the_task_gives(rng):
    y = RegressionTask(6, 20, Uniform(5)).sample(20_000, rng).y
    model = LinearTransformer(*np.zeros((2, 1, 1, 7, 7)), noise=Uniform(5))
    assert model.label_size == pytest.approx(np.sqrt((y**2).mean()), rel=0.01)
    assert LinearTransformer(*np.zeros((2, 1, 1, 7, 7))).label_size is None


def test_the_same_model_in_another_form_was_trained_alike():
    model = load_pretrained("diag", 2, Categorical((1, 3)))
    for other in (model.with_dim(4), canonical(model)):
        assert other.training == model.training and other.training["noise"] == Categorical((1, 3))


def test_a_record_is_a_copy(rng):
    record = {"versions": {"numpy": "2.0"}}
    model = LinearTransformer(*rng.normal(size=(2, 1, 1, 3, 3)), record=record)
    record["versions"]["numpy"] = "1.0"
    assert model.record == {"versions": {"numpy": "2.0"}}


def test_a_damaged_file_is_named(tmp_path, rng):
    path = tmp_path / "model.safetensors"
    with pytest.raises(ValueError, match="there is no weights file"):
        LinearTransformer.load(path)
    LinearTransformer.random("full", 3, 2, 2, rng).save(path)
    whole = path.read_bytes()
    for broken in (whole[:-9], whole[:5], b"", b"not weights at all"):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match="model.safetensors is damaged"):
            LinearTransformer.load(path)


def test_divergence_is_said(rng):
    model = LinearTransformer.random("full", 3, 6, 1, rng, scale=0.5)
    batch = RegressionTask(3, 9, Fixed(1.0)).sample(3, rng)
    with pytest.warns(RuntimeWarning, match="diverged on 1 of 3"):
        y_hat = model(batch.x, batch.y * [[1e60], [1], [1]], batch.x_query)
    assert np.isnan(y_hat[0]) and np.isfinite(y_hat[1:]).all()


def warnings_of(read, *arguments, times=1):
    """What a call warns of, made once or more often -> list of (category, words)."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(times):
            read(*arguments)
    return [(warning.category, str(warning.message)) for warning in said]


READS = {
    "answers": lambda model, batch: model(batch.x, batch.y, batch.x_query),
    "weights": lambda model, batch: implicit_regression(model, batch.x, batch.y),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_context_of_another_length_is_said_once_a_model(read, rng):
    batch = RegressionTask(10, 25, Uniform(5)).sample(3, rng)
    for model in (load_pretrained("diag", 2, Uniform(5)), load_pretrained("diag", 2, Uniform(5))):
        ((category, words),) = warnings_of(read, model, batch, times=3)
        assert category is RuntimeWarning
        assert "trained at n = 20 examples a context and reads 25" in words and "give it 20" in words


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_the_line_of_the_user_is_where_it_is_said(read, rng):
    batch = RegressionTask(10, 25, Uniform(5)).sample(3, rng)
    with pytest.warns(RuntimeWarning, match="leaves its range") as said:
        read(load_pretrained("diag", 2, Uniform(5)), batch)
    assert said[0].filename == __file__


@pytest.mark.parametrize("factor", [0.1, 10])
def test_labels_of_another_size_are_said_with_the_way_back(factor, rng):
    """The factor that the sentence names brings them back."""
    batch = RegressionTask(10, 20, Uniform(5)).sample(3000, rng)
    model = load_pretrained("diag", 2, Uniform(5))
    ((_, words),) = warnings_of(model, batch.x, factor * batch.y, batch.x_query)
    named = float(words.split("multiply y by ")[1].split(",")[0])
    assert named * factor == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(
    "noise", [Fixed(0), Uniform(1), Uniform(7), Categorical((1, 3))], ids=lambda noise: noise.key
)
def test_a_model_at_home_says_nothing(noise, rng):
    """Its own task at each noise level, whole batches and single contexts, and labels twice or half as large."""
    for sigma in np.linspace(0, noise.sigma_max, 3):
        task = RegressionTask(10, 20, Fixed(sigma))
        for size, unit in [(100, 1), (100, 2), (100, 0.5), *[(1, 1)] * 50]:
            batch = task.sample(size, rng)
            model = load_pretrained("diag", 2, noise)
            assert warnings_of(model, batch.x, unit * batch.y, batch.x_query) == []


def test_what_cannot_be_compared_says_nothing(rng):
    one = RegressionTask(10, 20, Fixed(1.0)).sample(1, rng)
    model = load_pretrained("diag", 2, Uniform(5))
    assert warnings_of(model, one.x, 0 * one.y, one.x_query) == []  # labels without a size
    assert warnings_of(model, one.x[:0], one.y[:0], one.x_query[:0]) == []  # no labels
    S = RegressionTask(10, 200, Uniform(5)).sample_moments(3, rng).S
    assert (
        warnings_of(model.implicit_weight, S) == []
    )  # moments do not say of how many examples they are means
    no_past = LinearTransformer(model.P, model.Q)
    assert warnings_of(no_past, one.x[:, :7], 100 * one.y[:, :7], one.x_query) == []


X, Y, QUERY = np.zeros((2, 5, 3)), np.zeros((2, 5)), np.zeros((2, 3))


@pytest.mark.parametrize(
    "x, y, x_query, error, words",
    [
        (
            X[0],
            Y,
            QUERY,
            ValueError,
            r"x has shape \(5, 3\).* For a single context write x\[None\] and y\[None\]",
        ),
        (
            X[0],
            Y[0],
            QUERY[0],
            ValueError,
            r"x has shape \(5, 3\).* For a single context write x\[None\] and y\[None\]",
        ),
        (
            np.zeros((2, 5, 4)),
            Y,
            QUERY,
            ValueError,
            r"must be \(batch, context, 3\).* take model.with_dim\(4\)\.$",
        ),
        (X, Y[:, :4], QUERY, ValueError, r"y must be \(batch, context\) = \(2, 5\)"),
        (X, Y, QUERY[:, :2], ValueError, r"x_query has shape \(2, 2\)"),
        (X, Y, QUERY[:1], ValueError, r"must be \(2, 3\)"),
        (
            X,
            Y,
            np.zeros((2, 7, 3)),
            ValueError,
            r"x_query has shape \(2, 7, 3\).* one query a context. For several take the weight",
        ),
        (np.ma.masked_less(X, -1), Y, QUERY, TypeError, "x is a masked array, whose mask would not be read"),
        (X, [np.ma.masked_less(y, -1) for y in Y], QUERY, TypeError, "y is a masked array"),
        (X, Y, np.ma.masked_less(QUERY, -1), TypeError, "x_query is a masked array"),
        (X[:, :0], Y[:, :0], QUERY, ValueError, "at least one example"),
        (X + np.nan, Y, QUERY, ValueError, "x holds NaN"),
        (X, Y + np.inf, QUERY, ValueError, "y holds NaN"),
        (X.astype(str), Y, QUERY, TypeError, "real numbers"),
        (X, Y + 1j, QUERY, TypeError, "real numbers"),
        ([[[1, 2, 3], [4]]], Y, QUERY, ValueError, "not a rectangular array"),
        (None, Y, QUERY, TypeError, "x has dtype object"),
    ],
)
def test_bad_input_gets_one_sentence(x, y, x_query, error, words, rng):
    model = LinearTransformer.random("diag", 3, 2, 1, rng)
    with pytest.raises(error, match=words):
        model(x, y, x_query)


def test_a_full_model_at_another_dimension_says_the_way(rng):
    with pytest.raises(
        ValueError,
        match=r"\(batch, context, 5\)\. A FULL model's .* take a GD\+\+ or DIAG model, whose with_dim\(3\)",
    ):
        LinearTransformer.random("full", 5, 2, 1, rng)(X, Y, QUERY)


def test_several_queries_are_answered_as_the_error_says(rng):
    """Its two expressions, evaluated, against a call a query."""
    import lt_helpers as lt

    model = LinearTransformer.random("full", 3, 2, 1, rng, scale=0.3)
    batch = RegressionTask(3, 5, Fixed(1.0)).sample(2, rng)
    x, y, x_query = batch.x, batch.y, rng.normal(size=(2, 7, 3))
    with pytest.raises(ValueError) as said:
        model(x, y, x_query)
    weight = str(said.value).split("w = ")[1].split(", and")[0].rstrip(",")
    answer = str(said.value).split("answer with ")[1].removesuffix(".")
    names = {"lt": lt, "model": model, "x": x, "y": y, "x_query": x_query}
    by_error = eval(answer, {"w": eval(weight, names), "x_query": x_query})
    one_by_one = np.stack([model(x, y, x_query[:, j], form="tokens") for j in range(7)], axis=1)
    np.testing.assert_allclose(by_error, one_by_one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (
            lambda rng: LinearTransformer(np.zeros((1, 1, 3, 4)), np.zeros((1, 1, 3, 4))),
            ValueError,
            "P must be",
        ),
        (
            lambda rng: LinearTransformer(np.zeros((1, 1, 3, 3)), np.zeros((1, 2, 3, 3))),
            ValueError,
            "Q has shape",
        ),
        (
            lambda rng: LinearTransformer(np.zeros((0, 1, 3, 3)), np.zeros((0, 1, 3, 3))),
            ValueError,
            "none of them zero",
        ),
        (lambda rng: LinearTransformer.random("dense", 3, 2, 1, rng), ValueError, "kind is 'dense'"),
        (lambda rng: LinearTransformer.random("full", 3, 0, 1, rng), ValueError, "layers is 0"),
        (lambda rng: LinearTransformer.random("full", 3, 2, 1, 7), TypeError, "rng is 7"),
        (lambda rng: LinearTransformer.random("full", 3, 2, 1, rng).with_dim(4), ValueError, "one dimension"),
    ],
)
def test_what_makes_no_model_is_refused_in_one_sentence(make, error, words, rng):
    with pytest.raises(error, match=words):
        make(rng)


def test_what_could_not_be_read_back_is_not_saved(tmp_path):
    class Triangle(Noise):
        sigma_max = 4.0

        def density(self, sigma):
            return sigma

    model = LinearTransformer(*np.zeros((2, 1, 1, 3, 3)), noise=Triangle())
    with pytest.raises(ValueError, match=r"the model's noise is Triangle\(\), which a file cannot keep"):
        model.save(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("levels, fits", [(100, True), (101, False)])
def test_a_record_that_is_taken_can_be_saved_and_read(tmp_path, levels, fits):
    record = functools.reduce(lambda inner, _: {"deeper": inner}, range(levels - 1), {})
    P, Q = np.zeros((2, 1, 1, 3, 3))
    if fits:
        LinearTransformer(P, Q, record=record).save(tmp_path / "model.safetensors")
        assert LinearTransformer.load(tmp_path / "model.safetensors").record == record
    else:
        with pytest.raises(ValueError, match="a dictionary that JSON can hold, at most 100 levels deep"):
            LinearTransformer(P, Q, record=record)
