"""One node of a graph at a time, on images whose earlier values are kept."""

from typing import Any

from torch import Tensor, fx

Values = dict[fx.Node, Any]


def value_of(interpreter: fx.Interpreter, node: fx.Node, known: Values, image: Tensor) -> Any:
    """`known`: the values of all that `node` reads."""
    interpreter.env, interpreter.args_iter = known, iter((image,))
    return interpreter.run_node(node)
