"""`make bench`: every bar of every file here, or those whose file is named (`make bench ARGS="crud start"`)."""

import importlib
import pkgutil
import sys
import time

import benchmarks
from benchmarks.harness import machine, show

SUPPORT = {"__main__", "harness", "constant"}


def main() -> int:
    wanted = set(sys.argv[1:])
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in SUPPORT]
    unknown = wanted - set(names)
    if unknown:
        print(f"no such bar: {', '.join(sorted(unknown))}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    print(machine(), flush=True)
    missed = 0
    for name in names:
        if wanted and name not in wanted:
            continue
        began = time.monotonic()
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{name}: {(module.__doc__ or '').strip().splitlines()[0]}", flush=True)
        for bar in module.bars():
            missed += bar.holds is False
            print("  " + show(bar), flush=True)
        print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"\n{missed} bounds missed" if missed else "\nall bounds kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
