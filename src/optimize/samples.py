"""The inputs that a model is calibrated, measured and compared with."""
from failure import Failure, need

RANDOM_SAMPLES = 16
VARIABLE_DIMENSION = 1  # of random inputs


class Samples:
    """A dictionary of arrays for each sample; `real` when they are the user's."""

    def __init__(self, feeds, real):
        self.feeds, self.real = feeds, real

    def __len__(self):
        return len(self.feeds)

    def __getitem__(self, number):
        return self.feeds[number % len(self.feeds)]


def read(path, inputs):
    """`inputs`: name -> (numpy type, dimensions; None where they vary)."""
    if path is None:
        return make(inputs)
    numpy, = need("numpy")
    try:
        with numpy.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise Failure(f"'{path}' is no .npz file: {error}") from error
    missing = sorted(set(inputs) - set(arrays))
    if missing:
        raise Failure(f"'{path}' has no array '{missing[0]}': it has {', '.join(sorted(arrays))}")
    counts = {len(arrays[name]) for name in inputs}
    if len(counts) != 1 or counts == {0}:
        raise Failure(f"the arrays in '{path}' do not have the same number of samples: "
                      f"{sorted(counts)}")
    feeds = []
    for number in range(counts.pop()):
        feed = {}
        for name, (kind, dims) in inputs.items():
            sample = arrays[name][number]
            if sample.ndim == len(dims) - 1:
                sample = sample[numpy.newaxis]
            fits = sample.ndim == len(dims) and all(
                want in (None, have) for want, have in zip(dims, sample.shape))
            if not fits:
                raise Failure(f"samples of '{name}' have the shape {list(sample.shape)}, the model "
                              f"takes {['?' if dim is None else dim for dim in dims]}")
            feed[name] = sample.astype(kind, copy=False)
        feeds.append(feed)
    return Samples(feeds, real=True)


def make(inputs):
    numpy, = need("numpy")
    random = numpy.random.default_rng(0)
    feeds = []
    for _ in range(RANDOM_SAMPLES):
        feed = {}
        for name, (kind, dims) in inputs.items():
            shape = [VARIABLE_DIMENSION if dim is None else dim for dim in dims]
            kind = numpy.dtype(kind)
            if kind.kind == "f":
                feed[name] = random.standard_normal(shape).astype(kind)
            elif kind.kind in "iub":
                feed[name] = random.integers(0, 2, shape).astype(kind)
            else:
                raise Failure(f"input '{name}' takes text: give --samples")
        feeds.append(feed)
    return Samples(feeds, real=False)
