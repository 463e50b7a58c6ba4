"""`sarai model quantize` and `sarai model convert`, run by the user's Python."""
import argparse
import importlib
import pathlib
import sys

from failure import Failure


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1")
    return number


def add_common(command):
    add = command.add_argument
    add("folder", type=pathlib.Path, help="model folder: config.pbtxt and version folders")
    add("-o", "--output", type=pathlib.Path, required=True,
        help="the new model's folder, which must not exist yet")
    add("--samples", type=pathlib.Path,
        help="an .npz file: an array for each input, its first dimension counts the samples")
    add("--runs", type=positive, default=50, help="of each model, in turn, for its speed (50)")
    add("--threads", type=positive, default=1, help="of one run, while it is measured (1)")
    add("--report", type=pathlib.Path, help="also write the figures here, as JSON")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="sarai model")
    commands = parser.add_subparsers(dest="command", required=True)
    quantize = commands.add_parser("quantize", help="fewer bits: int8, fp16, bf16")
    add_common(quantize)
    quantize.add_argument("--to", choices=("int8", "fp16", "bf16"), default="int8")
    quantize.add_argument("--method", choices=("static", "dynamic"),
                          help="of int8: static needs --samples (default: static with samples)")
    quantize.add_argument("--calibration", choices=("minmax", "entropy", "percentile"),
                          default="minmax", help="how static int8 finds the ranges (minmax)")
    quantize.add_argument("--calibration-samples", type=positive, default=100,
                          help="of the samples, at most, for the ranges (100)")
    convert = commands.add_parser("convert", help="to another framework's format")
    add_common(convert)
    convert.add_argument("--to", choices=("openvino", "tensorrt"), required=True)
    convert.add_argument("--precision", choices=("fp32", "fp16"), default="fp32",
                         help="of the weights (fp32)")
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    try:
        importlib.import_module(options.command).run(options)
    except Failure as failure:
        sys.exit(f"sarai: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
