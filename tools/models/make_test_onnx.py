#!/usr/bin/env python3
"""Writes the small ONNX models that the backends' tests use: make_test_onnx.py tests/data/onnx

They are checked in, so that the tests need no Python; run this after changing it.
"""

import pathlib
import sys

import onnx
from onnx import TensorProto, helper

TYPES = {
    "bool": TensorProto.BOOL,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "fp16": TensorProto.FLOAT16,
    "fp32": TensorProto.FLOAT,
    "fp64": TensorProto.DOUBLE,
    "bytes": TensorProto.STRING,
    "bf16": TensorProto.BFLOAT16,
}
FLOAT = TensorProto.FLOAT
BATCH = ["batch", 4]


def value(name, shape, element=FLOAT):
    return helper.make_tensor_value_info(name, element, shape)


def model(nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, "test", inputs, outputs, list(initializers))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made


def identity(element, shape):
    return model(
        [helper.make_node("Identity", ["x"], ["y"])],
        [value("x", shape, element)],
        [value("y", shape, element)],
    )


def sum_and_difference():
    return model(
        [helper.make_node("Add", ["left", "right"], ["sum"]),
         helper.make_node("Sub", ["left", "right"], ["difference"])],
        [value("left", BATCH), value("right", BATCH)],
        [value("sum", BATCH), value("difference", BATCH)],
    )


def optional_bias():
    bias = helper.make_tensor("bias", FLOAT, [4], [1, 2, 3, 4])
    return model(
        [helper.make_node("Add", ["x", "bias"], ["y"])],
        [value("x", BATCH), value("bias", [4])],
        [value("y", BATCH)],
        [bias],
    )


def weights():
    """A matrix of 4 MiB that takes no room in the file: it is folded into a weight at load."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [1024, 1024])
    half = helper.make_tensor("half", FLOAT, [1], [0.5])
    return model(
        [helper.make_node("ConstantOfShape", ["shape"], ["weight"], value=half),
         helper.make_node("MatMul", ["x", "weight"], ["y"])],
        [value("x", ["batch", 1024])],
        [value("y", ["batch", 1024])],
        [shape],
    )


def any_product():
    """Shapes are open, so a mismatch shows only when it runs."""
    return model(
        [helper.make_node("MatMul", ["left", "right"], ["product"])],
        [value("left", ["a", "b"]), value("right", ["c", "d"])],
        [value("product", ["a", "d"])],
    )


def allocate():
    """As many elements as the input says, to run out of memory with."""
    return model(
        [helper.make_node("ConstantOfShape", ["shape"], ["y"])],
        [value("shape", [1], TensorProto.INT64)],
        [value("y", ["n"])],
    )


def sequence_output():
    made = model([helper.make_node("SequenceConstruct", ["x"], ["pieces"])], [value("x", [4])],
                 [helper.make_tensor_sequence_value_info("pieces", FLOAT, [4])])
    return made


def unknown_operator():
    return model([helper.make_node("NoSuchOperator", ["x"], ["y"])], [value("x", [4])],
                 [value("y", [4])])


def own_operator():
    """Needs the library that the tests of the backend build."""
    twice = helper.make_node("Twice", ["x"], ["y"], domain="sarai.test")
    made = model([twice], [value("x", BATCH)], [value("y", BATCH)])
    made.opset_import.append(helper.make_opsetid("sarai.test", 1))
    return made


def pass_through():
    return model([helper.make_node("Relu", ["x"], ["y"])], [value("x", BATCH)],
                 [value("x", BATCH), value("y", BATCH)])


def all_models():
    for name, element in TYPES.items():
        yield f"identity_{name}", identity(element, ["batch", "n"])
    yield "identity_scalar", identity(FLOAT, [])
    yield "identity_matrix", identity(FLOAT, ["batch", 2, 2])
    yield "identity_fixed", identity(FLOAT, [2, 3])
    for make in (sum_and_difference, optional_bias, weights, any_product, allocate,
                 sequence_output, unknown_operator, own_operator, pass_through):
        yield make.__name__, make()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in all_models():
        onnx.save(made, folder / f"{name}.onnx")


if __name__ == "__main__":
    main()
