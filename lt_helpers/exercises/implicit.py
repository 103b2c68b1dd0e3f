"""Notebook 04: is a function linear, where the weight stands, and one step of the recursion of Lemma 4.3."""

import numpy as np

from .base import Exercise


def square(t):
    return t**2


def twice_and_one_more(t):
    return 2 * t + 1


def square_of_the_sum(t):
    return np.sum(t) ** 2


def functions():
    """Functions of a number or of a vector, none of them linear, and two points."""
    yield square, 1.0, 2.0
    yield twice_and_one_more, 1.0, 2.0
    yield square_of_the_sum, np.array([1.0, -2.0]), np.array([0.5, 4.0])


linear_gap = Exercise(
    name="implicit.linear_gap",
    solution=lambda f, a, b: f(a + b) - f(a) - f(b),
    cases=functions,
    mistakes={
        "sign_dropped": lambda f, a, b: abs(f(a + b) - f(a) - f(b)),
        "equal_or_not": lambda f, a, b: f(a + b) == f(a) + f(b),
        "second_term_added": lambda f, a, b: f(a + b) - f(a) + f(b),
        "one_term_only": lambda f, a, b: f(a + b) - f(a),
        "sum_first": lambda f, a, b: f(a) + f(b) - f(a + b),
        "f_forgotten": lambda f, a, b: a + b - f(a) - f(b),
        "sum_alone": lambda f, a, b: f(a + b),
        "sum_of_two": lambda f, a, b: f(a) + f(b),
        "ratio": lambda f, a, b: f(a + b) / (f(a) + f(b)),
        "larger_or_not": lambda f, a, b: f(a + b) > f(a) + f(b),
        "difference_of_two": lambda f, a, b: f(a) - f(b),
    },
)


def products():
    """Products of layers (d+1, d+1): that of the running example, and a larger one."""
    yield (np.array([[0.5, -0.1], [-1.0, 0.75]]),)
    yield (np.random.default_rng(1).normal(size=(4, 4)),)


read_off = Exercise(
    name="implicit.read_off",
    solution=lambda Phi: -Phi[-1, :-1],
    cases=products,
    mistakes={
        "minus_missing": lambda Phi: Phi[-1, :-1],
        "last_column": lambda Phi: -Phi[:-1, -1],
        "last_column_plain": lambda Phi: Phi[:-1, -1],
        "first_row": lambda Phi: -Phi[0, :-1],
        "whole_row": lambda Phi: -Phi[-1],
        "whole_row_plain": lambda Phi: Phi[-1],
        "first_left_out": lambda Phi: -Phi[-1, 1:],
        "first_entry_alone": lambda Phi: -Phi[-1, 0],
        "row_of_a_matrix": lambda Phi: -Phi[-1:, :-1],
        "second_row": lambda Phi: -Phi[1, :-1],
    },
)


def cases():
    """A state (M, u, a, w) and what the layer adds to every token, U: one to work out by hand, and random ones."""
    U = np.array([[0.5, -1.0, 0.25], [0.0, 0.5, -1.5], [1.0, 2.0, -0.5]])
    yield np.array([[0.5, 0.0], [0.5, 1.0]]), np.array([1.0, 0.5]), 0.75, np.array([1.0, -2.0]), U

    rng = np.random.default_rng(0)
    for d in (3, 1):
        yield (
            rng.normal(size=(d, d)),
            rng.normal(size=d),
            0.7,
            rng.normal(size=d),
            rng.normal(size=(d + 1, d + 1)),
        )


def weight_after(M, u, a, w, U):
    k, rho = U[-1, :-1], 1 + U[-1, -1]
    return rho * w - M.T @ k


def without_rescaling(M, u, a, w, U):
    return w - M.T @ U[-1, :-1]


def only_r(M, u, a, w, U):
    return U[-1, -1] * w - M.T @ U[-1, :-1]


def plus(M, u, a, w, U):
    return (1 + U[-1, -1]) * w + M.T @ U[-1, :-1]


def without_M(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - U[-1, :-1]


def not_transposed(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - M @ U[-1, :-1]


def last_row_itself(M, u, a, w, U):
    return M.T @ U[-1, :-1] - (1 + U[-1, -1]) * w


def push_alone(M, u, a, w, U):
    return -M.T @ U[-1, :-1]


def plus_k_u(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - M.T @ U[-1, :-1] + U[-1, :-1] @ u


def minus_k_u(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - M.T @ U[-1, :-1] - U[-1, :-1] @ u


def push_alone_plus(M, u, a, w, U):
    return M.T @ U[-1, :-1]


def push_alone_not_transposed(M, u, a, w, U):
    return -M @ U[-1, :-1]


def k_u_as_push(M, u, a, w, U):
    return (1 + U[-1, -1]) * w + U[-1, :-1] @ u


def k_u_taken_off(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - U[-1, :-1] @ u


def k_u_on_old_weight(M, u, a, w, U):
    return w + U[-1, :-1] @ u


def k_u_beside_sign(M, u, a, w, U):
    return (1 + U[-1, -1]) * w + M.T @ U[-1, :-1] + U[-1, :-1] @ u


def new_a(M, u, a, w, U):
    return (1 + U[-1, -1]) * a + U[-1, :-1] @ u


def k_alone(M, u, a, w, U):
    return -U[-1, :-1]


def k_off_old_weight(M, u, a, w, U):
    return w - U[-1, :-1]


def plus_not_transposed(M, u, a, w, U):
    return (1 + U[-1, -1]) * w + M @ U[-1, :-1]


def plus_without_M(M, u, a, w, U):
    return (1 + U[-1, -1]) * w + U[-1, :-1]


def plus_on_old_weight(M, u, a, w, U):
    return w + M.T @ U[-1, :-1]


def one_less(M, u, a, w, U):
    return (1 - U[-1, -1]) * w - M.T @ U[-1, :-1]


def scaled_by_both(M, u, a, w, U):
    return (1 + U[-1, -1]) * a * w - M.T @ U[-1, :-1]


def first_row_as_k(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - M.T @ U[0, :-1]


def whole_new_row(M, u, a, w, U):
    state = np.block([[M, u[:, None]], [-w, a]])
    return ((np.eye(len(state)) + U) @ state)[-1]


def column_instead_of_row(M, u, a, w, U):
    return (1 + U[-1, -1]) * w - M.T @ U[:-1, -1]


def rescaling_alone(M, u, a, w, U):
    return (1 + U[-1, -1]) * w


def scaled_by_a(M, u, a, w, U):
    return a * w - M.T @ U[-1, :-1]


def push_scaled_too(M, u, a, w, U):
    return (1 + U[-1, -1]) * (w - M.T @ U[-1, :-1])


def other_order(M, u, a, w, U):
    state = np.block([[M, u[:, None]], [-w, a]])
    return -(state @ (np.eye(len(state)) + U))[-1, :-1]


recursion = Exercise(
    name="implicit.recursion",
    solution=weight_after,
    cases=cases,
    mistakes={
        "old_weight_scaled": without_rescaling,
        "scaled_old_weight": only_r,
        "sign_new_part": plus,
        "left_m_out": without_M,
        "used_m_where": not_transposed,
        "last_column_u": column_instead_of_row,
        "last_row_itself": last_row_itself,
        "push_alone": push_alone,
        "rescaling_alone": rescaling_alone,
        "scaled_by_a": scaled_by_a,
        "push_scaled_too": push_scaled_too,
        "other_order": other_order,
        "k_u_belongs_to_a": plus_k_u,
        "k_u_belongs_to_a_too": minus_k_u,
        "k_u_as_push": k_u_as_push,
        "k_u_taken_off": k_u_taken_off,
        "k_u_on_old_weight": k_u_on_old_weight,
        "k_u_beside_sign": k_u_beside_sign,
        "new_a": new_a,
        "push_alone_plus": push_alone_plus,
        "push_alone_not_transposed": push_alone_not_transposed,
        "k_alone": k_alone,
        "k_off_old_weight": k_off_old_weight,
        "plus_not_transposed": plus_not_transposed,
        "plus_without_m": plus_without_M,
        "plus_on_old_weight": plus_on_old_weight,
        "one_less": one_less,
        "scaled_by_both": scaled_by_both,
        "first_row_as_k": first_row_as_k,
        "whole_new_row": whole_new_row,
    },
)
