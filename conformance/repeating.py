"""Running the suite again and again, and comparing the verdict of each test in each version over the runs: what `soak`
and `matrix` share."""
import collections
import json
import os
import time

from measuring import by_test, run_suite, why

Run = collections.namedtuple('Run', 'label seed results')


def run_once(build, folder, target, options, label, limit):
    """One run of the suite on the broker at the URL `target`; prints what came out."""
    begun = time.monotonic()
    report = run_suite(build, folder, target, options, limit)
    counts = [report['summary']] + list(report['properties'].values())
    print('%-16s %s  (%.1f s, seed %d)' % (label, '; '.join(', '.join('%d %s' % (count, word)
          for word, count in group.items()) for group in counts), time.monotonic() - begun, report['seed']),
          flush=True)
    return Run(label, report['seed'], by_test(report))


def verdict_of(run, key):
    return run.results[key]['verdict'] if key in run.results else 'not run'


def save(folder, key, run):
    """Keeps the result of one test in one run, with its trace; returns the file's name."""
    name = '%s-%s-%s.json' % (key + (run.label.replace(', ', '-').replace(' ', '-'),))
    path = os.path.join(folder, name)
    os.makedirs(folder, exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(run.results[key], file, indent=1)
        file.write('\n')
    return os.path.relpath(path)


def show_difference(folder, key, runs, usual):
    print('%s [%s] is %s, but:' % (key + (usual,)))
    for run in runs:
        verdict = verdict_of(run, key)
        if verdict == usual:
            continue
        print('    %s in %s (seed %d)' % (verdict, run.label, run.seed))
        if key in run.results:
            print('        %s\n        %s' % (why(run.results[key]), save(folder, key, run)))
    example = next((run for run in runs if verdict_of(run, key) == usual and key in run.results), None)
    if example is not None:
        print('    for comparison: %s' % save(folder, key, example))


def compare(folder, runs):
    """Prints the tests whose verdicts differ between runs, and saves what they saw in the folder; returns how many
    there are."""
    tests = sorted(set().union(*(run.results for run in runs)))
    different = 0
    for key in tests:
        verdicts = collections.Counter(verdict_of(run, key) for run in runs)
        if len(verdicts) > 1:
            different += 1
            show_difference(folder, key, runs, verdicts.most_common(1)[0][0])
    print('%d of %d tests differ between %d runs' % (different, len(tests), len(runs)))
    return different
