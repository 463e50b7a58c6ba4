"""The new model beside the original: size, speed, and how far its answers are off."""
import statistics
import time

from failure import need


def speed(runners, samples, runs):
    """Median milliseconds of each, run in turn so that a slow moment is slow for all."""
    for run in runners:
        run(samples[0])
    taken = [[] for _ in runners]
    for number in range(runs):
        order = range(len(runners)) if number % 2 == 0 else reversed(range(len(runners)))
        for place in order:
            begun = time.perf_counter()
            runners[place](samples[number])
            taken[place].append((time.perf_counter() - begun) * 1000)
    return [statistics.median(times) for times in taken]


def accuracy(original, changed, samples):
    """For each output: largest and mean difference, cosine, how often the class is the same.

    `original` and `changed` take a feed and give {output: array}.
    """
    numpy, = need("numpy")
    found = {}
    for feed in samples.feeds:
        expected, given = original(feed), changed(feed)
        for name, want in expected.items():
            entry = found.setdefault(name, {"max": 0.0, "sum": 0.0, "count": 0, "cosines": [],
                                            "same": 0, "rows": 0})
            have = given[name]
            if want.dtype.kind not in "fiub":
                entry["same"] += int(numpy.sum(want == have))
                entry["rows"] += want.size
                continue
            want, have = want.astype(numpy.float64), have.astype(numpy.float64)
            difference = numpy.abs(want - have)
            entry["max"] = max(entry["max"], float(difference.max(initial=0)))
            entry["sum"] += float(difference.sum())
            entry["count"] += difference.size
            lengths = numpy.linalg.norm(want) * numpy.linalg.norm(have)
            if lengths > 0:
                entry["cosines"].append(float(numpy.vdot(want, have) / lengths))
            if want.ndim == 2 and want.shape[1] > 1:
                entry["same"] += int((want.argmax(1) == have.argmax(1)).sum())
                entry["rows"] += want.shape[0]
    return {name: {"max_difference": entry["max"],
                   "mean_difference": entry["sum"] / entry["count"] if entry["count"] else 0.0,
                   "cosine": statistics.mean(entry["cosines"]) if entry["cosines"] else None,
                   "same_class": entry["same"] / entry["rows"] if entry["rows"] else None}
            for name, entry in found.items()}
