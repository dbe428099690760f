"""Peak memory of a process and of everything below it, by looking at /proc now and then."""

import os
import threading

PAGE = os.sysconf("SC_PAGE_SIZE")


def children(pid):
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        pass
    return found


def resident(pid):
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def high_water(pid):
    """VmHWM: the most that the program of this process has had resident, in bytes."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            for line in file:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def program(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


class PeakMemory(threading.Thread):
    """Samples until `stop` is set.

    `process` is the high water mark of the process itself, which the kernel keeps and no sample can miss (but for what
    happens after the last one). `tree` is the largest sum seen at one moment. A process that has forked and not yet
    called exec still shows its parent's memory: a new one that runs its parent's program is left out until seen again.
    """

    def __init__(self, pid, interval=0.02):
        super().__init__(daemon=True)
        self.pid = pid
        self.interval = interval
        self.stop = threading.Event()
        self.process = 0
        self.tree = 0
        self._seen = {pid}

    def run(self):
        while True:
            self.sample()
            if self.stop.wait(self.interval):
                return

    def sample(self):
        self.process = max(self.process, high_water(self.pid))
        total, queue, found = 0, [(self.pid, None)], set()
        while queue:
            pid, parent_program = queue.pop()
            own = program(pid)
            if pid in self._seen or own != parent_program:
                total += resident(pid)
            found.add(pid)
            queue += [(child, own) for child in children(pid) if child not in found]
        self._seen = found
        self.tree = max(self.tree, total)
