"""Repository folders for the backends of Triton's examples: identity and repeat."""


def write_model(repository, name, config):
    (repository / name / "1").mkdir(parents=True)
    (repository / name / "config.pbtxt").write_text(f'name: "{name}"\n{config}')


def tensors(keyword, *declared):
    return f"{keyword} [ " + ", ".join(
        f'{{ name: "{name}" data_type: TYPE_{kind} dims: {list(dims)} {more} }}'
        for name, kind, dims, more in declared) + " ]\n"


def write_identity(repository, name, kind, dims=(-1,), extra="", output_more=""):
    write_model(repository, name, 'backend: "identity"\n'
                + tensors("input", ("INPUT0", kind, dims, ""))
                + tensors("output", ("OUTPUT0", kind, dims, output_more)) + extra)


def write_repeat(repository, name="repeat"):
    """A decoupled model: each element of IN is a response of its own, DELAY ms after the last."""
    write_model(repository, name, 'backend: "repeat"\n'
                'model_transaction_policy { decoupled: true }\n'
                + tensors("input", ("IN", "INT32", (-1,), ""), ("DELAY", "UINT32", (-1,), ""),
                          ("WAIT", "UINT32", (1,), ""))
                + tensors("output", ("OUT", "INT32", (1,), ""), ("IDX", "UINT32", (1,), "")))
