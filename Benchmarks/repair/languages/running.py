"""What all languages share: running calls one after another and reading what they print."""
import pathlib
import subprocess
import tempfile

LIMIT = 10


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def shown_lines(count, command, prepare=None):
    """What each call prints behind its number; goes on behind one that never ends or takes the program down.

    command(first) is the words that run the calls from that one on.
    """
    found = {}
    first = 0
    while first < count:
        end = '! dies'
        try:
            out = subprocess.run(command(first), capture_output=True, timeout=LIMIT, preexec_fn=prepare).stdout
        except subprocess.TimeoutExpired as error:
            out, end = error.stdout or b'', '! never ends'
        for line in out.decode(errors='replace').splitlines():
            index, _, text = line.partition(' ')
            if index.isdigit():
                found[int(index)] = text
        first = max(found, default=-1) + 1
        if first < count:
            found[first] = end
            first += 1
    return [found[i] for i in range(count)]


def built_lines(count, files, build, run):
    """The same for a program that is built from these files first; run is given the number of the first call."""
    with tempfile.TemporaryDirectory(prefix='repair-') as directory:
        for name, text in files.items():
            put(pathlib.Path(directory) / name, text)
        built = subprocess.run(build, cwd=directory, capture_output=True)
        if built.returncode:
            return ['! does not build'] * count
        return shown_lines(count, lambda first: [word.replace('@', directory) for word in run] + [str(first)])
