"""What came of it, for people and as JSON."""
import json


def mebibytes(size):
    return f"{size / 2**20:.1f} MiB"


def tell(options, sizes, times, differences, samples, note=""):
    report = {"folder": str(options.folder), "output": str(options.output),
              "original": {"bytes": sizes[0], "median_ms": times[0]},
              "changed": {"bytes": sizes[1], "median_ms": times[1]},
              "threads": options.threads, "samples": len(samples), "real_samples": samples.real,
              "outputs": differences}
    if options.report:
        options.report.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"{'':10} {'original':>12} {'new':>12}")
    print(f"{'size':10} {mebibytes(sizes[0]):>12} {mebibytes(sizes[1]):>12}   "
          f"{sizes[1] / sizes[0]:.2f} of it")
    print(f"{'one run':10} {times[0]:>9.2f} ms {times[1]:>9.2f} ms   "
          f"{times[0] / times[1]:.2f} times as fast with {options.threads} "
          f"thread{'s' if options.threads > 1 else ''}")
    for name, output in differences.items():
        words = [f"largest difference {output['max_difference']:.3g}",
                 f"mean {output['mean_difference']:.3g}"]
        if output["cosine"] is not None:
            words.append(f"cosine {output['cosine']:.5f}")
        if output["same_class"] is not None:
            words.append(f"same class {output['same_class']:.1%}")
        print(f"{name}: {', '.join(words)}")
    print(f"over {len(samples)} {'of your' if samples.real else 'RANDOM'} samples"
          + ("" if samples.real else
             ": this says little about accuracy; give --samples with real inputs"))
    if note:
        print(note)
    print(f"{options.output}")
